"""Intervals of what hangs on classifiers: they hold where the two sides nearly mix, and follow real refits."""

import dataclasses

import numpy as np
import pytest
import torch

from gapkit import arrays
from gapkit.metrics import Reference, measure
from gapkit.metrics import refit as refit_module
from gapkit.metrics.contests import fold_contests
from gapkit.metrics.folds import folds_of
from gapkit.metrics.pair import pair_of
from gapkit.metrics.probe import probe_of
from gapkit.metrics.refit import Refit, refit_of
from gapkit.metrics.resamples import Resamples
from gapkit.metrics.separability import correctness

NAMES = ("separability", "separability-auc", "separability-margin", "residual-separability", "c2st-knn")
SAMPLES, DRAWS = 150, 200


def draw(seed, n, d, shift):
    """Two noisy views of one concept, the source shifted along one axis."""
    concept, own, other = np.random.default_rng([seed, 5, n, d]).standard_normal((3, n, d))
    source = concept + 0.5 * own
    source[:, 0] += shift
    return source, concept + 0.5 * other


@pytest.fixture(scope="module", params=[(100, 6, 0.0), (100, 6, 0.4), (100, 32, 1.6)], ids=str)
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
def pair():
    """Nearly mixed sides with several targets an item."""
    rng = np.random.default_rng(2)
    source = rng.standard_normal((60, 4))
    owner = np.repeat(np.arange(60), 3)
    target = source[owner] + 0.7 * rng.standard_normal((180, 4))
    return pair_of(source + 0.2, target, owner, seed=1)


def steps_of(refit, weights):
    """Steps of the classifiers in each resample, (B, k, d + 1): of each of their numbers by the items."""
    k, width = refit.folds, len(refit.mean)
    steps = torch.empty(len(weights), k, width)
    for fold in range(k):
        for j in range(width):
            whole = torch.zeros(k, width, dtype=torch.float64)
            whole[fold, j] = 1
            x, y = refit.of_steps(whole)
            steps[:, fold, j] = ((weights - 1).double() @ (x + y) / len(x)).float()
    return steps


def drawn(n, b, seed=1):
    return Resamples.draw(n, b, [seed, 0], torch.device("cpu")).weights


def refitted(pair, weights):
    """Classifiers that were fitted to one resample, by weights and not by a step."""
    clips = torch.repeat_interleave(torch.arange(pair.x.n), weights.long())
    rows = [(pair.y.owner == clip).nonzero().flatten() for clip in clips]
    owner = torch.repeat_interleave(torch.arange(len(clips)), torch.tensor([len(r) for r in rows]))
    again = pair_of(pair.x.rows[clips].numpy(), pair.y.rows[torch.cat(rows)].numpy(), owner.numpy())
    return probe_of(dataclasses.replace(again, folds=tuple(fold[clips.numpy()] for fold in folds_of(pair))))


def test_steps_are_those_of_classifiers_fitted_to_the_resample(pair):
    refit = refit_of(pair)
    found, weights = refit.found, drawn(60, 10)
    steps, cosines = steps_of(refit, weights), []
    for b in range(10):
        fitted = refitted(pair, weights[b])
        # In the units of the first classifiers.
        ratio = found.scale / fitted.scale
        normals = fitted.normals * ratio
        offsets = fitted.offsets + ((found.centre - fitted.centre) / fitted.scale) @ fitted.normals.T
        for k in range(refit.folds):
            whole, was = (
                torch.cat([n[k], o[k : k + 1]]) for n, o in ((normals, offsets), (found.normals, found.offsets))
            )
            # Cuts alone: a classifier that is longer by a factor has the same.
            moved = whole * (found.normals[k].norm() / whole[:-1].norm()) - was
            cosines.append(float(torch.nn.functional.cosine_similarity(moved, steps[b, k].double(), dim=0)))
    assert np.median(cosines) > 0.9


def test_trial_steps_spread_as_those_of_resamples_do(pair):
    refit = refit_of(pair)
    spread = steps_of(refit, drawn(60, 4000)).std(dim=0)
    ratio = refit.newton.trials.square().mean(dim=1).sqrt() / spread
    assert float(ratio.mean()) == pytest.approx(1, abs=0.05)
    assert 0.7 < float(ratio.min()) < float(ratio.max()) < 1.35


def test_influences_are_the_same_block_by_block(pair, monkeypatch):
    whole = Refit(probe_of(pair), 0)
    expected = *whole.of_auc(), *whole.of_margin()
    monkeypatch.setattr(refit_module, "slices", lambda n, width: arrays.slices(n, width, 40))
    parts = Refit(probe_of(pair), 0)
    for side, again in zip(expected, (*parts.of_auc(), *parts.of_margin()), strict=True):
        torch.testing.assert_close(side, again, atol=1e-6, rtol=1e-4)


def test_changes_are_those_of_the_answers(monkeypatch):
    """Slopes against what answers change by when the cuts are moved; at a wrong cut, where they are no chance."""
    monkeypatch.setattr(refit_module, "LEAST_LEFT", 1.0)
    pair = pair_of(*draw(4, 3000, 4, 0.8), seed=1)
    fitted = probe_of(pair)
    # A cut that is turned and shifted: answers get worse or better with most steps.
    wrong = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.4])
    before = with_scores(fitted, [side.scores + (with_one(side) @ wrong).double() for side in (fitted.x, fitted.y)])
    refit, weights = Refit(before, 0), drawn(3000, 40)
    steps = 3 * steps_of(refit, weights)
    numbers = {"accuracy": accuracy_of, "auc": area_of, "margin": margin_of}
    found: dict[str, list[float]] = {name: [] for name in numbers}
    for step in steps:
        moved = [side.scores + (with_one(side) * step[side.row_fold]).sum(dim=1).double() for side in refit.sides]
        after = with_scores(before, moved)
        for name, number in numbers.items():
            found[name].append(number(after) - number(before))
    said = {
        name: 3 * (weights - 1).double() @ sum(make()) / 3000
        for name, make in (("accuracy", refit.of_accuracy), ("auc", refit.of_auc), ("margin", refit.of_margin))
    }
    np.testing.assert_allclose(said["margin"], found["margin"], atol=1e-5)
    for name in ("accuracy", "auc"):
        assert np.corrcoef(said[name], found[name])[0, 1] > 0.8
        assert np.polyfit(said[name], found[name], 1)[0] == pytest.approx(1, abs=0.25)


def with_scores(found, scores):
    x, y = (dataclasses.replace(side, scores=own) for side, own in zip((found.x, found.y), scores, strict=True))
    return dataclasses.replace(found, x=x, y=y)


def with_one(side):
    return torch.nn.functional.pad(side.cloud.rows, (0, 1), value=1.0)


def accuracy_of(found):
    x, y = correctness(found)
    return float(x.mean() + y.mean()) / 2


def area_of(found):
    contests = list(fold_contests(found))
    return sum(float(c.wins().sum()) for c in contests) / sum(c.pairs for c in contests)


def margin_of(found):
    return sum(float((s.sign * s.scores * found.per_length[s.row_fold]).mean()) for s in (found.x, found.y)) / 2


def test_chance_is_taken_off_where_it_explains_everything(monkeypatch):
    """The sides are one distribution: what slopes say is chance, and half its spread is left at least."""
    refit = refit_of(pair_of(*draw(3, 400, 6, 0.0)))
    less = sum(refit.of_accuracy()).std()
    monkeypatch.setattr(refit_module, "LEAST_LEFT", 1.0)
    assert 0.5 <= float(less / sum(refit.of_accuracy()).std()) < 0.9


@pytest.mark.parametrize("paired", [True, False])
def test_groups_of_clips_tell_the_same(monkeypatch, paired):
    """Above 8,192 clips groups are drawn: the spread of the draws stays."""
    source, target = draw(1, 2000, 4, 0.2)
    spreads = []
    for units in (8192, 500):
        monkeypatch.setattr("gapkit.statistics.group_draws.UNITS", units)
        reference = Reference.from_target(target, n_resamples=400, seed=0)
        spreads.append(measure(source, reference, ["separability"], paired=paired)["separability"].draws.std())
    assert float(spreads[1] / spreads[0]) == pytest.approx(1, rel=0.2)


def test_sides_that_a_cut_parts_with_room_have_no_interval():
    source, target = draw(0, 200, 6, 40.0)
    found = measure(source, Reference.from_target(target, n_resamples=100), ["separability", "separability-auc"])
    for estimate in found.values():
        assert (estimate.value, estimate.low, estimate.high) == (1.0, 1.0, 1.0)
