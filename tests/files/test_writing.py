"""Pairs and matrices that are written come back as they were, or are refused."""

import resource

import numpy as np
import pytest
import torch
from examples import assert_same, example, refused, with_texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.files import load_embeddings, load_pairs, save_embeddings, save_pairs

NAMED = ["npz", "safetensors", "pt", "pth", "parquet", "arrow", "feather", "h5", "hdf5"]
FORMATS = ["npy", *NAMED]


@pytest.mark.parametrize("suffix", NAMED)
@pytest.mark.parametrize("pairs", [with_texts(), example(), example(3, 3)], ids=["texts", "owner", "one to one"])
def test_pairs_come_back_bit_equal(tmp_path, suffix, pairs):
    path = tmp_path / "sub" / f"pairs.{suffix}"
    save_pairs(pairs, path)
    back = load_pairs(path)
    assert_same(pairs, back)
    assert back.meta == {
        "files": [str(path)], "source_dtype": "float32", "target_dtype": "float32", "opened": {"path": str(path)},
        "joined": "joined by id; 5 of 5" if pairs.ids is not None else "joined by owner",
    }  # fmt: skip
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    suffix=st.sampled_from(NAMED),
    seed=st.integers(0, 1000),
    n=st.integers(1, 6),
    captions=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
)
def test_any_owner_and_any_text_come_back(tmp_path, suffix, seed, n, captions):
    pairs = example(n, n + seed % 5, seed, captions=[captions + str(i) for i in range(n + seed % 5)])
    save_pairs(pairs, tmp_path / f"p.{suffix}")
    assert_same(pairs, load_pairs(tmp_path / f"p.{suffix}"))


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64"])
def test_embeddings_keep_bits_and_dtype(tmp_path, suffix, dtype):
    array = (np.random.default_rng(0).normal(size=(6, 3)) * 100).astype(dtype)
    path = tmp_path / f"a.{suffix}"
    save_embeddings(array, path)
    back = load_embeddings(path)
    assert back.dtype == array.dtype
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_special_numbers_come_back(tmp_path, suffix):
    array = np.array([[np.nan, np.inf], [-np.inf, -0.0]], dtype=np.float32)
    save_embeddings(array, tmp_path / f"a.{suffix}")
    assert np.asarray(load_embeddings(tmp_path / f"a.{suffix}")).tobytes() == array.tobytes()


def test_a_tensor_can_be_saved(tmp_path):
    tensor = torch.eye(3, requires_grad=True)
    save_embeddings(tensor, tmp_path / "a.npy")
    assert np.array_equal(load_embeddings(tmp_path / "a.npy"), np.eye(3))


def test_a_tensor_in_bfloat16_can_be_saved(tmp_path):
    rows = torch.tensor([[1.5, -2.0], [0.25, 3.0]], dtype=torch.bfloat16)
    save_embeddings(rows, tmp_path / "a.npy")
    np.testing.assert_array_equal(load_embeddings(tmp_path / "a.npy"), rows.float().numpy())


@pytest.mark.parametrize("value", [torch.eye(3, dtype=torch.bfloat16), torch.eye(3).to(torch.float8_e4m3fn)])
def test_tensors_of_dtypes_that_numpy_lacks_become_float32(tmp_path, value):
    torch.save(value, tmp_path / "a.pt")
    assert np.array_equal(load_embeddings(tmp_path / "a.pt"), np.eye(3))


def test_bfloat16_safetensors(tmp_path):
    from safetensors.torch import save_file

    save_file({"source": torch.eye(3, dtype=torch.bfloat16), "target": torch.eye(3)}, tmp_path / "a.safetensors")
    pairs = load_pairs(tmp_path / "a.safetensors")
    assert np.array_equal(pairs.source, np.eye(3))


def test_pairs_one_to_one_go_into_npy_and_others_do_not(tmp_path):
    pairs = PairedEmbeddings(np.eye(3), 2 * np.eye(3), name="p")
    save_pairs(pairs, tmp_path / "p.npy")
    assert_same(pairs, load_pairs(tmp_path / "p.npy"))
    refused(save_pairs, with_texts(), tmp_path / "q.npy", match="write .npz to keep owner and texts")
    refused(save_pairs, example(), tmp_path / "q.npy", match="write .npz")
    assert not (tmp_path / "q.npy").exists()


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_folder_that_cannot_be_made_is_a_failure_of_the_machine(tmp_path, suffix):
    (tmp_path / "file").write_text("x")
    with pytest.raises(GapkitError, match="could not be written") as caught:
        save_embeddings(np.eye(3), tmp_path / "file" / f"a.{suffix}")
    assert not isinstance(caught.value, InputError)


@pytest.fixture
def small_disk():
    """A limit on the size of files that this process writes stands in for the disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def shrink(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield shrink
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_the_old_file(tmp_path, small_disk, suffix):
    path = tmp_path / f"a.{suffix}"
    save_embeddings(np.eye(2), path)
    small_disk(50_000)
    with pytest.raises(GapkitError, match="could not be written") as caught:
        save_embeddings(np.random.default_rng(0).normal(size=(300, 100)), path)
    assert not isinstance(caught.value, InputError)
    assert "\n" not in str(caught.value)
    assert np.array_equal(load_embeddings(path), np.eye(2))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("array", [np.eye(3) * 1j, np.zeros(3), np.full((2, 2), "a")])
def test_only_matrices_of_real_numbers_are_written(tmp_path, array):
    refused(save_embeddings, array, tmp_path / "a.npy", match="expected a matrix")
