"""Intervals of what hangs on classifiers: they hold where the two sides nearly mix, and follow real refits."""

import dataclasses

import numpy as np
import pytest
import torch

from gapkit.metrics import Reference, measure
from gapkit.metrics import _refit as refit_module
from gapkit.metrics._row import Row
from gapkit.metrics.estimating import prepare
from gapkit.metrics.pair import pair_of
from gapkit.metrics.separability import correctness, fold_contests, probe

NAMES = ("separability", "separability-auc", "separability-margin", "residual-separability", "c2st-knn")
SAMPLES, DRAWS = 300, 200


def draw(seed, n, d, shift):
    """Two noisy views of one concept, the source shifted along one axis."""
    concept, own, other = np.random.default_rng([seed, 5, n, d]).standard_normal((3, n, d))
    source = concept + 0.5 * own
    source[:, 0] += shift
    return source, concept + 0.5 * other


@pytest.fixture(scope="module", params=[(100, 6, 0.0), (100, 6, 0.4), (100, 32, 1.6), (200, 6, 0.0)], ids=str)
def samples(request):
    """Estimates in every sample, (sample, metric, (value, low, high, spread of draws))."""
    found = []
    for seed in range(SAMPLES):
        source, target = draw(seed, *request.param)
        estimates = measure(source, Reference.from_target(target, n_resamples=DRAWS, seed=seed), NAMES)
        found.append([(e.value, e.low, e.high, e.draws.std()) for e in estimates.values()])
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_intervals_cover(samples, name):
    value, low, high, spread = samples[:, NAMES.index(name)].T
    assert 0.92 <= np.mean((low <= value.mean()) & (value.mean() <= high)) <= 0.98
    assert 0.88 < spread.mean() / value.std() < 1.25


@pytest.fixture
def row():
    """Nearly mixed sides with several targets a clip."""
    rng = np.random.default_rng(2)
    source = rng.standard_normal((60, 4))
    owner = np.repeat(np.arange(60), 3)
    target = source[owner] + 0.7 * rng.standard_normal((180, 4))
    reference = Reference.from_target(target, owner=owner, n_resamples=40, seed=1)
    return prepare(source + 0.2, reference, ["separability"], paired=True)[0]


def refitted(row, b):
    """Scores of classifiers that were fitted to one resample, by weights and not by a step."""
    weights = row.weights[b]
    clips = torch.repeat_interleave(torch.arange(row.both.x.n), weights.long())
    rows = [(row.both.y.owner == clip).nonzero().flatten() for clip in clips]
    source = row.both.x.rows[clips]
    target = row.both.y.rows[torch.cat(rows)]
    owner = torch.repeat_interleave(torch.arange(len(clips)), torch.tensor([len(r) for r in rows]))
    again = pair_of(source.numpy(), target.numpy(), owner.numpy())
    folds = row.reference.folds[clips.numpy()]
    return again, folds


def test_steps_are_those_of_classifiers_fitted_to_the_resample(row):
    refits = row.refits
    found = refits.found
    cosines = []
    for b in range(10):
        again, folds = refitted(row, b)
        fitted = probe(again, folds, folds)
        # In the units of the first classifiers.
        ratio = found.scale / fitted.scale
        normals = fitted.normals * ratio
        offsets = fitted.offsets + ((found.centre - fitted.centre) / fitted.scale) @ fitted.normals.T
        for k in range(refits.folds):
            whole, was = (
                torch.cat([n[k], o[k : k + 1]]) for n, o in ((normals, offsets), (found.normals, found.offsets))
            )
            # Cuts alone: a classifier that is longer by a factor has the same.
            moved = whole * (found.normals[k].norm() / whole[:-1].norm()) - was
            step = refits.steps[k, b].double()
            cosines.append(float(torch.nn.functional.cosine_similarity(moved, step, dim=0)))
    assert np.median(cosines) > 0.9


def test_changes_are_those_of_the_answers(monkeypatch):
    """Slopes against what answers change by when the cuts are moved; at a wrong cut, where they are no chance."""
    monkeypatch.setattr(refit_module, "LEAST_LEFT", 1.0)
    source, target = draw(4, 3000, 4, 0.8)
    row = prepare(source, Reference.from_target(target, n_resamples=40, seed=1), ["separability"], paired=True)[0]
    refits = row.refits
    # A cut that is turned and shifted: answers get worse or better with most steps.
    wrong = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.4])
    refits.sides = tuple(
        dataclasses.replace(side, scores=side.scores + (with_one(side) @ wrong).double()) for side in refits.sides
    )
    refits.steps = 3 * refits.steps
    found: dict[str, list[float]] = {"accuracy": [], "auc": [], "margin": []}
    before = [side.scores for side in refits.sides]
    length = refits.found.normals.norm(dim=1)
    for b in range(40):
        steps = [(with_one(side) * refits.steps[side.row_fold, b]).sum(dim=1).double() for side in refits.sides]
        after = [score + step for score, step in zip(before, steps, strict=True)]
        found["accuracy"].append(accuracy_of(row, after) - accuracy_of(row, before))
        found["auc"].append(area_of(row, after) - area_of(row, before))
        parts = (side.sign * step / length[side.row_fold] for side, step in zip(refits.sides, steps, strict=True))
        found["margin"].append(sum(float(part.mean()) for part in parts) / 2)
    np.testing.assert_allclose(refits.of_margin(), found["margin"], atol=1e-5)
    for said, name in ((refits.of_accuracy(), "accuracy"), (refits.of_auc(), "auc")):
        assert np.corrcoef(said, found[name])[0, 1] > 0.8
        assert np.polyfit(said, found[name], 1)[0] == pytest.approx(1, abs=0.25)


def with_one(side):
    return torch.nn.functional.pad(side.cloud.rows, (0, 1), value=1.0)


def accuracy_of(row, scores):
    x, y = correctness(row.both, *scores)
    return float(x.mean() + y.mean()) / 2


def area_of(row, scores):
    contests = list(fold_contests(row.both, *scores, row.fold_x, row.reference.folds))
    return sum(float(c.wins().sum()) for c in contests) / sum(c.pairs for c in contests)


def test_chance_is_taken_off_where_it_explains_everything(monkeypatch):
    """The sides are one distribution: what slopes say is chance, and half its spread is left at least."""
    source, target = draw(3, 400, 6, 0.0)
    reference = Reference.from_target(target, n_resamples=200, seed=0)
    row = prepare(source, reference, ["separability"], paired=True)[0]
    less = row.refits.of_accuracy().std()
    monkeypatch.setattr(refit_module, "LEAST_LEFT", 1.0)
    assert 0.5 <= float(less / row.refits.of_accuracy().std()) < 0.9


@pytest.mark.parametrize("paired", [True, False])
def test_groups_of_clips_tell_the_same(monkeypatch, paired):
    """Above 8,192 clips groups are drawn: the spread of the draws stays."""
    source, target = draw(1, 2000, 4, 0.2)
    spreads = []
    for units in (8192, 500):
        monkeypatch.setattr("gapkit.metrics.resamples.UNITS", units)
        reference = Reference.from_target(target, n_resamples=400, seed=0)
        row = prepare(source, reference, ["separability"], paired=paired)[0]
        spreads.append(Row.separability(row)[1].std())
    assert float(spreads[1] / spreads[0]) == pytest.approx(1, rel=0.2)


def test_sides_that_a_cut_parts_with_room_have_no_interval():
    source, target = draw(0, 200, 6, 40.0)
    found = measure(source, Reference.from_target(target, n_resamples=100), ["separability", "separability-auc"])
    for estimate in found.values():
        assert (estimate.value, estimate.low, estimate.high) == (1.0, 1.0, 1.0)
