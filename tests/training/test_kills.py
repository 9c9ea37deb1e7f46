"""A training killed by SIGKILL, of a bridge or of a caption decoder, ends with the bytes of one that was not."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from conformance import QUICKER, toy_pairs
from safetensors import safe_open
from safetensors.torch import load_file

from gapkit.bridges import make_bridge
from gapkit.bridges.network import NetworkBridge
from gapkit.bridges.registry import BRIDGES
from gapkit.captioning.decoders import make_decoder
from gapkit.errors import InputError
from gapkit.training import loop
from gapkit.training.checkpoint import read_checkpoint, write_checkpoint

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

SOURCE, TARGET = toy_pairs(48)
SAID = [("a dog barks", "rain falls on a roof", "a car passes by")[i % 3] for i in range(len(TARGET))]
TINY = {"width": 16, "layers": 1, "heads": 2, "vocabulary": 280, "prefix_tokens": 2, "batch_size": 16, "epochs": 3}
NETWORKS = [name for name in BRIDGES.names() if issubclass(BRIDGES.get(name), NetworkBridge)]
STEPS = 9
"""Of every training here: three passes over three batches of captions."""


def of_bridge(name: str, rest: dict[str, Any], folder: Path, file: Path | None, told: Callable[..., None]) -> None:
    known = BRIDGES.get(name)().get_params()
    params = {"steps": STEPS, "hidden": 16, "batch_size": 16, "patience": 2} | QUICKER.get(name, {})
    params |= {"width": 4} if "width" in known else {}
    params = {key: value for key, value in params.items() if key in known} | {"steps": STEPS} | rest
    bridge = make_bridge(name, **params)
    bridge.fit(SOURCE, TARGET, validation=(SOURCE[:9], TARGET[:9]), checkpoint=file, progress=told).save(folder)


def of_decoder(name: str, rest: dict[str, Any], folder: Path, file: Path | None, told: Callable[..., None]) -> None:
    decoder = make_decoder(name, **TINY | rest)
    held_out = (TARGET[:9], SAID[:9])
    decoder.fit(TARGET, SAID, validation=held_out, noise=0.01, checkpoint=file, report=told).save(folder)


FITS = {name: partial(of_bridge, name, {}) for name in NETWORKS} | {
    "diffusion-link, distilled": partial(of_bridge, "diffusion-link", {"distil_steps": STEPS}),
    "small": partial(of_decoder, "small", {}),
    "small, dropout": partial(of_decoder, "small", {"dropout": 0.3, "looks": 0.4}),
}


def quietly(done: int, total: int, note: str) -> None:
    pass


def killed_at(moment: int, fit: Callable[..., None], folder: Path, file: Path) -> int:
    """Fit in a fork that is killed after its `moment`-th step; the signal that ended it."""
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
    if child == 0:
        steps = iter(range(1, moment + 1))

        def strike(done: int, total: int, note: str) -> None:
            if next(steps) == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            fit(folder, file, strike)
        finally:
            os._exit(0)
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("name", FITS)
def test_killed_at_several_moments_it_ends_with_the_same_bytes(name, tmp_path, monkeypatch):
    if name.startswith("small") and importlib.util.find_spec("transformers") is None:
        pytest.skip("not installed: transformers")
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    fit, file = FITS[name], tmp_path / "state.safetensors"
    fit(tmp_path / "whole", None, quietly)
    done = 0
    # Each start goes on where the last was killed, at the step before: the state is written after the step is told.
    for moment in (1, 3, 4):
        assert killed_at(moment, fit, tmp_path / "resumed", file) == signal.SIGKILL
        done += moment - 1
        assert file.exists() == (done > 0)
        assert not done or int(load_file(file)["counts"][0]) == done
    told: list[int] = []
    fit(tmp_path / "resumed", file, lambda step, total, note: told.append(step))
    assert told[:1] == [done + 1]
    assert content(tmp_path / "resumed") == content(tmp_path / "whole")


def test_another_seed_ends_with_other_bytes(tmp_path):
    """The comparison above can fail."""
    for seed in (0, 1):
        of_bridge("diffusion-link", {"random_state": seed}, tmp_path / str(seed), None, quietly)
    one, other = (content(tmp_path / str(seed)) for seed in (0, 1))
    assert one["model.safetensors"] != other["model.safetensors"]
    assert one.keys() == other.keys()


@pytest.mark.parametrize(
    ("make", "fit"),
    [
        (
            lambda: make_bridge("residual-mlp", steps=STEPS, hidden=8),
            lambda bridge, file: bridge.fit(SOURCE, TARGET, checkpoint=file),
        ),
        (lambda: make_decoder("small", **TINY), lambda decoder, file: decoder.fit(TARGET, SAID, checkpoint=file)),
    ],
    ids=["bridge", "decoder"],
)
def test_the_seconds_of_a_resumed_fit_count_all_its_parts(make, fit, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", -1.0)
    file = tmp_path / "state.safetensors"
    try:
        alone = fit(make(), file).fit_seconds
    except InputError as error:
        pytest.skip(str(error))
    assert 0 < alone < 1000
    with safe_open(file, framework="pt") as handle:
        fingerprint = handle.metadata()["fingerprint"]
    tensors = read_checkpoint(file, fingerprint)
    assert 0 < float(tensors["seconds"]) < alone
    write_checkpoint(file, tensors | {"seconds": torch.tensor(5000.0, dtype=torch.float64)}, fingerprint)
    assert 5000 < fit(make(), file).fit_seconds < 6000
