"""The checkpoint of a training: whole, of this training and of this version, or left aside."""

from __future__ import annotations

import contextlib
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from gapkit.training.checkpoint import FORMAT, digest_of, read_checkpoint, write_checkpoint

TENSORS = {
    "live.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "live.half": torch.ones(3, dtype=torch.bfloat16),
    "counts": torch.tensor([3, 2, 1]),
    "seconds": torch.tensor(1.5, dtype=torch.float64),
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "state.safetensors"
    write_checkpoint(path, TENSORS, "f")
    return path


def test_what_was_written_is_read(file):
    read = read_checkpoint(file, "f")
    assert read.keys() == TENSORS.keys()
    assert all(torch.equal(read[key], tensor) and read[key].dtype == tensor.dtype for key, tensor in TENSORS.items())


def test_that_of_another_training_is_left_aside(file):
    assert read_checkpoint(file, "g") is None


def test_one_that_is_not_there_is_none(tmp_path):
    assert read_checkpoint(tmp_path / "none", "f") is None
    assert read_checkpoint(tmp_path, "f") is None


def test_not_a_bit_of_it_may_change(file):
    good = file.read_bytes()
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1
        file.write_bytes(changed)
        # A bit of the word "format" or of its number makes it a file of another version.
        with contextlib.suppress(RuntimeWarning), warnings.catch_warnings():
            warnings.simplefilter("error")
            read = read_checkpoint(file, "f")
            # Spaces that pad the header mean nothing.
            assert read is None or digest_of(read) == digest_of(TENSORS), place


@pytest.mark.parametrize("damage", ["cut", "noise", "empty"])
def test_a_broken_one_is_left_aside(file, damage):
    good = file.read_bytes()
    file.write_bytes({"cut": good[:-1], "noise": b"\xff" * 400, "empty": b""}[damage])
    assert read_checkpoint(file, "f") is None


@pytest.mark.parametrize("told", [{}, {"format": "1"}, {"format": "99"}])
def test_one_of_another_version_is_refused_in_a_line(file, told):
    known = {"fingerprint": "f", "digest": digest_of(TENSORS)} | told
    save_file(load_file(file), file, metadata=known)
    said = rf"^.*state\.safetensors: expected a checkpoint of format {FORMAT}, got one of format .*begins anew$"
    with pytest.warns(RuntimeWarning, match=said):
        assert read_checkpoint(file, "f") is None
