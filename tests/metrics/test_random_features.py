import math

import numpy as np
import pytest
import torch

from gapkit.errors import InputError
from gapkit.memory_map import fetch
from gapkit.metrics import median_bandwidth, mmd, mmd_random_features, streams


def clouds(n, d=16, seed=0, shift=0.2):
    rng = np.random.default_rng(seed)
    c = rng.standard_normal((n, d))
    x, y = c + 0.5 * rng.standard_normal((2, n, d))
    return (x + shift).astype(np.float32), y.astype(np.float32)


@pytest.mark.parametrize("kind", ["single", "several"])
@pytest.mark.parametrize("paired", [True, False])
def test_the_exact_mmd_within_its_standard_error(kind, paired, request):
    p = request.getfixturevalue(kind)
    owner = p.owner if paired else None
    exact = mmd(p.source, p.target, owner=owner, paired=paired, bandwidth=2.5)
    off = []
    for seed in range(40):
        found = mmd_random_features(p.source, p.target, owner=owner, paired=paired, bandwidth=2.5, seed=seed)
        off.append((found.value - exact) / found.standard_error)
    assert abs(np.mean(off)) < 3 / math.sqrt(40)
    assert 0.7 < np.std(off) < 1.3


def test_the_error_falls_with_the_root_of_the_features():
    x, y = clouds(300)
    few, many = (mmd_random_features(x, y, n_features=n).standard_error for n in (256, 16384))
    assert many == pytest.approx(few / 8, rel=0.25)


def test_unbiased_where_the_distributions_agree():
    # Without taking off what a clip adds with itself the value would be about 2 (1 - mean kernel) / n.
    values = [mmd_random_features(*clouds(100, seed=s, shift=0), n_features=512, seed=s).value for s in range(60)]
    assert abs(np.mean(values)) < 3 * np.std(values) / math.sqrt(60)
    x, y = clouds(100, shift=0)
    assert abs(np.mean(values)) < mmd(x, y, estimator="biased") / 10


@pytest.mark.parametrize("paired", [True, False])
def test_chunks_do_not_matter(several, paired):
    p = several
    owner = p.owner if paired else None
    whole = mmd_random_features(p.source, p.target, owner=owner, paired=paired)
    for memory in (1, 2**16, 2**18):
        part = mmd_random_features(p.source, p.target, owner=owner, paired=paired, max_memory=memory)
        assert part.value == pytest.approx(whole.value, abs=1e-7)
    x, y = clouds(3000)
    whole, part = (mmd_random_features(x, y, max_memory=m).value for m in (2**27, 2**20))
    assert part == pytest.approx(whole, abs=1e-9)


def test_files_are_read_in_pieces(tmp_path, monkeypatch):
    x, y = clouds(2000)
    owner = np.random.default_rng(0).permutation(np.arange(2000))
    monkeypatch.setattr("gapkit.metrics.random_features.SAMPLE", 500)
    expected = mmd_random_features(x, y, owner=owner)
    files = []
    for name, values in (("x", x), ("y", y)):
        values.tofile(tmp_path / name)
        files.append(np.memmap(tmp_path / name, dtype=np.float32, mode="r", shape=values.shape))
    pieces = []
    original = np.array
    monkeypatch.setattr(np, "array", lambda v, **o: pieces.append(len(v)) or original(v, **o))
    # Rows in order come through the first, those from all over the file through the second.
    monkeypatch.setattr(streams, "fetch", lambda into, *rest: pieces.append(len(into)) or fetch(into, *rest))
    assert mmd_random_features(*files, owner=owner) == expected
    assert max(pieces) <= 512
    assert 4500 <= sum(pieces) <= 4502
    small = mmd_random_features(*files, owner=owner, bandwidth=2.0, max_memory=2**20)
    assert small.value == pytest.approx(mmd_random_features(x, y, owner=owner, bandwidth=2.0).value, abs=1e-7)
    # Views of a file, and one that may have been changed in memory only.
    assert mmd_random_features(files[0][100:600:2], files[1][100:600:2]) == mmd_random_features(
        x[100:600:2], y[100:600:2]
    )
    private = np.memmap(tmp_path / "x", dtype=np.float32, mode="c", shape=x.shape)
    private[:] += 1
    assert mmd_random_features(private, y).value == pytest.approx(mmd_random_features(x + 1, y).value, abs=1e-7)
    assert (private == x + 1).all()


def test_half_precision_files(tmp_path):
    x, y = (v.astype(np.float16) for v in clouds(500))
    np.save(tmp_path / "x.npy", x)
    file = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert mmd_random_features(file, y) == mmd_random_features(x, y)


def test_a_bad_row_in_a_file_is_named(tmp_path):
    x, y = clouds(1500)
    x[1234, 3] = np.nan
    np.save(tmp_path / "x.npy", x)
    with pytest.raises(InputError, match=r"source: expected finite numbers, got NaN or infinity in row 1234"):
        mmd_random_features(np.load(tmp_path / "x.npy", mmap_mode="r"), y)
    np.save(tmp_path / "flat.npy", x[0])
    with pytest.raises(InputError, match="source: expected a 2-D array"):
        mmd_random_features(np.load(tmp_path / "flat.npy", mmap_mode="r"), y)
    np.save(tmp_path / "wide.npy", y)
    with pytest.raises(InputError, match="target: expected 8 features"):
        mmd_random_features(x[:10, :8], np.load(tmp_path / "wide.npy", mmap_mode="r"))


def test_bandwidth_seed_and_kinds_of_arrays(single, monkeypatch):
    x, y = single.source, single.target
    found = mmd_random_features(x, y)
    assert found.bandwidth == median_bandwidth(y)
    assert float(found) == found.value
    assert found == mmd_random_features(torch.from_numpy(x), torch.from_numpy(y))
    assert found.value != mmd_random_features(x, y, seed=1).value
    # Of a large target a sample is enough.
    x, y = clouds(3000)
    monkeypatch.setattr("gapkit.metrics.random_features.SAMPLE", 1000)
    assert mmd_random_features(x, y).bandwidth == pytest.approx(median_bandwidth(y), rel=0.02)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n_features": 3}, "a whole number of at least 4, got 3"),
        ({"n_features": 5}, "even number"),
        ({"n_features": 2}, "at least 4"),
        ({"bandwidth": 0.0}, "positive"),
        ({"bandwidth": -2.0}, "positive"),
        ({"bandwidth": 1e-300}, "larger bandwidth"),
        ({"owner": [0, 1]}, "owner"),
    ],
)
def test_bad_options(single, options, says):
    with pytest.raises(InputError, match=says):
        mmd_random_features(single.source, single.target, **options)
