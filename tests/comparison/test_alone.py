import numpy as np
import pytest
import scipy.linalg
from scipy.spatial.distance import cdist

from gapkit.comparison import measure_gap, measure_pairs
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError


def sets(n=90, m=70, d=6):
    rng = np.random.default_rng(0)
    x, y = ((rng.normal(size=(k, d)) @ rng.normal(size=(d, d)) + shift) for k, shift in ((n, 1), (m, -1)))
    return x.astype(np.float32), y.astype(np.float32)


def fad(x, y):
    """Frechet distance of the Gaussians, as scipy has it."""
    a, b, d = np.cov(x, rowvar=False), np.cov(y, rowvar=False), x.mean(0) - y.mean(0)
    return d @ d + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)


def energy(x, y):
    n, m = len(x), len(y)
    return 2 * cdist(x, y).mean() - cdist(x, x).sum() / (n * (n - 1)) - cdist(y, y).sum() / (m * (m - 1))


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize(("n", "m"), [(90, 70), (70, 90), (70, 70)])
@pytest.mark.parametrize("normalise", [False, True])
def test_two_unrelated_sets_as_scipy_measures_them(n, m, normalise):
    x, y = sets(n, m)
    names = ["frechet", "energy-distance", "centroid-distance"]
    found = measure_pairs(x, y, metrics=names, paired=False, normalise=normalise, n_resamples=50)
    x, y = (unit(v.astype(float)) if normalise else v.astype(float) for v in (x, y))
    assert found["frechet"].value == pytest.approx(fad(x, y), rel=1e-4)
    assert found["energy-distance"].value == pytest.approx(energy(x, y), rel=1e-4)
    assert found["centroid-distance"].value == pytest.approx(np.linalg.norm(x.mean(0) - y.mean(0)), rel=1e-4)
    for estimate in found.values():
        assert estimate.low < estimate.value < estimate.high


def test_metrics_that_need_pairs_are_left_out_and_said_so():
    found = measure_pairs(*sets(), metrics=["frechet", "cosine", "recall@10"], paired=False, n_resamples=0)
    assert list(found) == ["frechet"]
    assert str(found).endswith("left out (needs pairs): cosine, recall@10")


def test_pairs_measured_as_two_sets():
    """Each side is resampled on its own, and every target row is one of its set."""
    x, y = sets(40, 80)
    pairs = PairedEmbeddings(x, y, owner=np.repeat(np.arange(40), 2), split=["train"] * 10 + ["test"] * 30)
    found = measure_pairs(pairs, metrics=["frechet"], paired=False, normalise=False, n_resamples=0)
    assert found["frechet"].value == pytest.approx(fad(x[10:].astype(float), y[20:].astype(float)), rel=1e-4)


@pytest.mark.parametrize("normalise", [False, True])
def test_pairs_as_they_are(normalise):
    x, y = sets(60, 60)
    found = measure_pairs(PairedEmbeddings(x, y), metrics=["frechet"], normalise=normalise, n_resamples=0)
    x, y = (unit(v) if normalise else v for v in (x, y))
    assert found["frechet"].value == pytest.approx(fad(x.astype(float), y.astype(float)), rel=1e-3)


def test_the_results_say_how_they_were_measured():
    results = measure_gap(*sets(), metrics=["frechet", "cosine"], paired=False, normalise=False, n_resamples=10)
    assert results.study["options"] | {"paired": False, "normalise": False} == results.study["options"]
    assert results.frame["metric"].tolist() == ["frechet"]
    assert results.frame["value"][0] == pytest.approx(fad(*(v.astype(float) for v in sets())), rel=1e-4)
    other = measure_gap(*sets(91), metrics=["frechet"], paired=False, n_resamples=0)
    assert results.study["data"]["content_hash"] != other.study["data"]["content_hash"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (sets(), {}, "expected PairedEmbeddings, or a source and a target with paired=False"),
        (sets()[:1], {"paired": False}, "expected PairedEmbeddings, or a source and a target with paired=False"),
        ((PairedEmbeddings(*sets(70)), sets()[1]), {"paired": False}, "leave out target"),
        (sets(), {"paired": False, "split": "test"}, "split goes with PairedEmbeddings"),
        ((sets()[0][:1], sets()[1]), {"paired": False}, "source: expected at least 2 clips, got 1"),
        ((sets()[0] * np.nan, sets()[1]), {"paired": False}, "source: "),
        ((sets()[0], sets()[1][:, :3]), {"paired": False}, "source"),
    ],
)
def test_sets_that_cannot_be_measured(arguments, options, message):
    with pytest.raises(InputError) as caught:
        measure_pairs(*arguments, metrics=["frechet"], n_resamples=0, **options)
    assert message in str(caught.value)
