import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from gapkit.errors import InputError
from gapkit.metrics import candidates, nearest_neighbours, neighbours
from gapkit.metrics.neighbours import search
from gapkit.metrics.points import points


def by_sorting(queries, gallery, k, metric, clips=None):
    """All distances in float64, sorted by (distance, index)."""
    a, b = np.asarray(queries, dtype=np.float64), np.asarray(gallery, dtype=np.float64)
    if metric == "cosine":
        a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    squares = ((a[:, None] - b[None]) ** 2).sum(-1)
    distances = squares / 2 if metric == "cosine" else np.sqrt(squares)
    if clips is not None:
        distances[clips[0][:, None] == clips[1][None]] = np.inf
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_sorting_and_sklearn_as_oracles(metric, offset):
    rng = np.random.default_rng(0)
    x, y = (rng.standard_normal((n, 24)).astype(np.float32) + np.float32(offset) for n in (150, 210))
    found = nearest_neighbours(x, y, k=7, metric=metric)
    order, distances = by_sorting(x, y, 7, metric)
    assert (found.indices.numpy() == order).all()
    assert found.distances.numpy() == pytest.approx(distances, rel=1e-4, abs=1e-7)
    sk = NearestNeighbors(n_neighbors=7, algorithm="brute", metric=metric).fit(y.astype(np.float64))
    assert (sk.kneighbors(x.astype(np.float64), return_distance=False) == found.indices.numpy()).all()

    own = np.arange(150)
    alone = nearest_neighbours(x, k=7, metric=metric)
    assert (alone.indices.numpy() == by_sorting(x, x, 7, metric, (own, own))[0]).all()
    with_self = nearest_neighbours(x, k=7, metric=metric, drop_self=False)
    assert (with_self.indices[:, 0].numpy() == own).all()
    assert (with_self.distances[:, 0] == 0).all()
    assert torch.equal(with_self.indices[:, 1:], alone.indices[:, :6])


def test_rows_of_one_clip_are_never_neighbours():
    rng = np.random.default_rng(1)
    owner, other = rng.integers(0, 12, 60), rng.integers(0, 12, 45)
    x, y = rng.standard_normal((60, 5)), rng.standard_normal((45, 5))
    found = nearest_neighbours(x, k=4, metric="euclidean", owner=owner)
    assert (found.indices.numpy() == by_sorting(x, x, 4, "euclidean", (owner, owner))[0]).all()
    assert (owner[found.indices.numpy()] != owner[:, None]).all()
    found = nearest_neighbours(x, y, k=4, metric="euclidean", owner=owner, gallery_owner=torch.from_numpy(other))
    assert (found.indices.numpy() == by_sorting(x, y, 4, "euclidean", (owner, other))[0]).all()


GRID = np.stack(np.meshgrid(*[np.arange(5.0)] * 3), axis=-1).reshape(-1, 3)
RNG = np.random.default_rng(2)
TIED = {
    "grid": GRID,
    "duplicates": RNG.standard_normal((9, 6)).astype(np.float32)[RNG.integers(0, 9, 90)],
    "one point": np.tile(RNG.standard_normal((1, 6)), (70, 1)),
    "one point and a cloud": np.concatenate([np.tile(RNG.standard_normal(6), (60, 1)), RNG.standard_normal((30, 6))]),
    "far from zero": 1e4 + np.round(RNG.standard_normal((80, 4)), 1),
}


@pytest.mark.parametrize("name", TIED)
@pytest.mark.parametrize("k", [1, 5, 20])
def test_ties_go_to_the_first(name, k):
    x = TIED[name].astype(np.float32)
    own = np.arange(len(x))
    found = nearest_neighbours(x, k=k, metric="euclidean")
    # Integers have exact squares, so that ties are ties in both.
    exact = name in ("grid", "duplicates", "one point")
    order, distances = by_sorting(x, x, k, "euclidean", (own, own))
    assert found.distances.numpy() == pytest.approx(distances, rel=1e-5, abs=1e-6)
    if exact:
        assert (found.indices.numpy() == order).all()


@pytest.mark.parametrize("name", [*TIED, "cloud"])
def test_blocks_do_not_matter(name, monkeypatch):
    x = (TIED | {"cloud": np.random.default_rng(3).standard_normal((73, 40))})[name][:73]
    metric = "euclidean" if name == "grid" else "cosine"
    for gallery in (None, x[::-1].copy()):
        whole = nearest_neighbours(x, gallery, k=6, metric=metric)
        # Tiles of 36 rows leave a last one of a single row.
        for memory, look in ((4 * 17 * 17, 2**21), (4 * 36 * 36, 300), (4, 1)):
            monkeypatch.setattr(neighbours, "LOOK", look)
            found = nearest_neighbours(x, gallery, k=6, metric=metric, max_memory=memory)
            assert torch.equal(found.indices, whole.indices)
            assert torch.equal(found.distances, whole.distances)


@pytest.mark.parametrize("kind", ["any order", "nearest last", "equal rows", "one clip"])
@pytest.mark.parametrize("side", [64, 101, 256])
def test_tiles_that_bring_little_and_tiles_that_bring_much(kind, side):
    # Lists are full after the first tile; what later ones bring is picked out by its groups, of 8 columns.
    x = np.random.default_rng(9).standard_normal((530, 12)).astype(np.float32)
    own = np.arange(530)
    if kind == "nearest last":
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        x *= np.linspace(9, 0.1, 530, dtype=np.float32)[:, None]
    elif kind == "equal rows":
        x = x[own % 40]
    elif kind == "one clip":
        own = own // 90
    ready, _ = points(torch.from_numpy(x))
    clips = (torch.from_numpy(own),) * 2
    found = search(ready, ready, 7, clips=clips, max_memory=4 * side * side)
    order, distances = by_sorting(x, x, 7, "euclidean", (own, own))
    assert found.distances.numpy() == pytest.approx(distances, rel=1e-5, abs=1e-6)
    if kind != "equal rows":
        assert (found.indices.numpy() == order).all()
    assert torch.equal(search(ready, ready, 7, clips=clips).indices, found.indices)


def test_a_doubtful_bound_is_looked_at_again(monkeypatch):
    # With no candidates to spare, every row whose next bound overlaps has to be settled by its distances.
    x = np.random.default_rng(4).standard_normal((300, 8)).astype(np.float32) * 1e-3 + 1
    own = np.arange(300)
    monkeypatch.setattr(neighbours, "SPARE", 0)
    found = nearest_neighbours(x, k=5, metric="euclidean")
    assert (found.indices.numpy() == by_sorting(x, x, 5, "euclidean", (own, own))[0]).all()


def test_bounds_are_bounds():
    rng = np.random.default_rng(5)
    for scale, offset in ((1, 0), (1e-3, 5), (1e12, 0)):
        x = torch.from_numpy((rng.standard_normal((200, 64)) * scale + offset).astype(np.float32))
        side, _ = points(x)
        low = candidates.bounds_of(side, torch.arange(200), side, None).double() + side.floor[:, None]
        true = torch.cdist(x.double(), x.double()) / side.unit
        assert (low <= true.square() * (1 + 1e-12)).all()
        assert (true.square() - low <= 2.1 * side.doubt * (side.squares[:, None] + side.squares)).all()


def test_priority_decides_ties():
    x = torch.ones(30, 3)
    own, priority = torch.arange(30), torch.randperm(30, generator=torch.Generator().manual_seed(0))
    ready, _ = points(x)
    found = search(ready, ready, 4, clips=(own, own), priority=priority).indices
    first = priority.argsort()
    for i in range(30):
        assert found[i].tolist() == [j for j in first.tolist() if j != i][:4]
    found = search(ready, ready, 4, clips=(own, own), priority=priority, from_own=True).indices
    for i in range(30):
        assert found[i].tolist() == first.roll(-int(priority[i]))[1:5].tolist()


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1.0, 1e18, 1e30])
@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_very_long_and_very_short_rows(scale, metric):
    x = np.random.default_rng(6).standard_normal((50, 7)).astype(np.float32)
    plain, scaled = (nearest_neighbours(v, k=5, metric=metric) for v in (x, x * np.float32(scale)))
    assert (plain.indices == scaled.indices).float().mean() > 0.99
    factor = 1.0 if metric == "cosine" else scale
    assert scaled.distances.numpy() == pytest.approx(plain.distances.numpy() * factor, rel=1e-4)


def test_kinds_of_arrays():
    x = np.random.default_rng(7).standard_normal((40, 5))
    found = nearest_neighbours(x, k=3)
    for other in (torch.from_numpy(x), x.astype(np.float32), x.tolist(), np.asfortranarray(x)):
        assert torch.equal(nearest_neighbours(other, k=3).indices, found.indices)
    half = x.astype(np.float16)
    own = np.arange(40)
    assert (nearest_neighbours(half, k=3).indices.numpy() == by_sorting(half, half, 3, "cosine", (own, own))[0]).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(8, 40), d=st.integers(2, 8))
def test_invariances(seed, n, d):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    base = nearest_neighbours(x, k=3, metric="euclidean")
    for other, factor in ((x @ q, 1), (x + 3, 1), (5 * x, 5)):
        found = nearest_neighbours(other, k=3, metric="euclidean")
        assert found.distances.numpy() == pytest.approx(factor * base.distances.numpy(), rel=1e-4)
    order = rng.permutation(n)
    found = nearest_neighbours(x[order], k=3, metric="euclidean")
    assert (order[found.indices.numpy()] == base.indices.numpy()[order]).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"k": 0}, "k: expected a whole number of at least 1, got 0"),
        ({"k": 6}, "at least 6 rows"),
        ({"k": 4, "owner": [0, 0, 0, 1, 2, 3]}, "at least 4 rows"),
        ({"k": 1, "owner": [0, 1]}, "owner"),
        ({"k": 1, "gallery_owner": [0, 1, 2, 3, 4, 5]}, "gallery_owner"),
        ({"k": 1, "gallery": np.eye(3), "owner": [0, 1, 2, 3, 4, 5]}, "owner, gallery_owner: expected both"),
        ({"k": 1, "gallery": np.eye(3), "gallery_owner": [0, 1, 2]}, "owner, gallery_owner: expected both"),
        ({"k": 1, "metric": "manhattan"}, "cosine or euclidean"),
        ({"k": 1, "gallery": np.ones((2, 9))}, "gallery"),
    ],
)
def test_bad_input(options, says):
    x = np.random.default_rng(8).standard_normal((6, 3))
    with pytest.raises(InputError, match=says) as caught:
        nearest_neighbours(x, **options)
    assert "\n" not in str(caught.value)


def test_a_zero_row_has_no_cosine_but_a_place():
    x = np.eye(4)
    x[2] = 0
    with pytest.raises(InputError, match=r"queries.*first: 2"):
        nearest_neighbours(x, k=1)
    assert nearest_neighbours(x, k=1, metric="euclidean").indices[0].item() == 2
