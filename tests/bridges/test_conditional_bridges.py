"""DiffGAP-style, the unCLIP prior and SDEdit: what they learn, how they draw, what their options do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conformance import QUICK, toy_pairs

from gapkit.bridges import make_bridge
from gapkit.bridges.frame import to_frame
from gapkit.errors import InputError, NotFittedError

SOURCE, TARGET = toy_pairs(400)
HELD_OUT = SOURCE[:80], TARGET[:80]
TRAINED = {"steps": 250, "hidden": 64, "batch_size": 64, "lr": 3e-3}
NAMES = ("diffgap", "unclip-prior", "sdedit")
PAIRED = ("diffgap", "unclip-prior")


def paired_cosine(a, b):
    return float((a * b).sum(1).mean())


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def trained():
    """One trained bridge of each name, made when first asked for; tests leave its parameters alone."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = make_bridge(name, **TRAINED).fit(SOURCE[80:], TARGET[80:], validation=HELD_OUT)
        return made[name]

    return get


@pytest.mark.parametrize("name", PAIRED)
def test_pairs_are_learned_on_clips_never_seen(trained, name):
    shifted = make_bridge("mean-shift").fit(SOURCE[80:], TARGET[80:]).transform(SOURCE[:80])
    assert paired_cosine(trained(name).transform(SOURCE[:80]), TARGET[:80]) > paired_cosine(shifted, TARGET[:80]) + 0.1


@pytest.fixture(scope="module")
def ambiguous():
    """Pairs where a source has two equally good targets: one coordinate is +3 or -3 and the source does not know."""
    rng = np.random.default_rng(0)
    meaning, filler = rng.normal(size=(2000, 3)), 0.2 * rng.normal(size=(2000, 4))
    side = rng.choice([-3.0, 3.0], size=(2000, 1))
    source = unit(np.concatenate([meaning, filler, np.full((2000, 1), 4.0)], 1))
    target = unit(np.concatenate([meaning, filler[:, :3], side, np.full((2000, 1), 4.0)], 1))
    return source, target


@pytest.mark.parametrize(("name", "option"), [("diffgap", {}), ("unclip-prior", {"candidates": 1, "guidance": 0.0})])
def test_an_ambiguous_source_is_answered_with_one_of_its_targets(ambiguous, name, option):
    source, target = ambiguous
    bridge = make_bridge(name, **TRAINED, sample_steps=20, **option).fit(source[200:], target[200:])
    drawn = bridge.samples(source[:200], 4)[..., 6]
    regression = make_bridge("residual-mlp", **TRAINED).fit(source[200:], target[200:]).transform(source[:200])[:, 6]
    wide = np.abs(target[:, 6]).mean()
    # The regression answers with the mean of the two; samples lie on either side and rarely between them.
    assert np.abs(regression).mean() < 0.3 * wide
    assert np.abs(drawn).mean() > 0.8 * wide
    assert 0.35 < (drawn > 0).mean() < 0.65
    # Of four samples 7/8 would have both signs by chance alone: the side is drawn and does not hang on the source.
    assert (np.abs(np.sign(drawn).sum(0)) < 4).mean() > 0.6


def test_both_directions_of_diffgap_are_learned(trained):
    back = trained("diffgap").inverse_transform(TARGET[:80])
    assert back.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(back, axis=1), 1, atol=1e-5)
    shifted = make_bridge("mean-shift").fit(TARGET[80:], SOURCE[80:]).transform(TARGET[:80])
    assert paired_cosine(back, SOURCE[:80]) > paired_cosine(shifted, SOURCE[:80]) + 0.1
    np.testing.assert_array_equal(trained("diffgap").inverse_transform(torch.from_numpy(TARGET[:80])).numpy(), back)


def test_the_way_back_refuses_what_the_way_there_refuses(trained):
    with pytest.raises(NotFittedError, match="not fitted"):
        make_bridge("diffgap").inverse_transform(TARGET)
    with pytest.raises(InputError, match="target: expected 12 features"):
        trained("diffgap").inverse_transform(TARGET[:, :5])


def test_the_way_back_survives_saving(trained, tmp_path):
    bridge = trained("diffgap")
    bridge.save(tmp_path)
    np.testing.assert_array_equal(
        type(bridge).load(tmp_path).inverse_transform(TARGET), bridge.inverse_transform(TARGET)
    )


def test_the_candidate_closest_to_the_source_is_kept():
    base = TRAINED | {"guidance": 0.0, "steps": 60}
    several = make_bridge("unclip-prior", **base, candidates=3).fit(SOURCE, TARGET)
    one = make_bridge("unclip-prior", **base, candidates=1).fit(SOURCE, TARGET)
    drawn = one.samples(SOURCE, 6)
    condition = to_frame(torch.from_numpy(SOURCE), one.source_centre_).numpy()
    seen = np.stack([to_frame(torch.from_numpy(rows), one.target_centre_).numpy() for rows in drawn])
    cosines = (seen * condition).sum(-1)
    # The three candidates of sample 0 are the samples 0, 1, 2 of the bridge with one candidate; those of 1 are 3, 4, 5.
    for sample in (0, 1):
        block = slice(3 * sample, 3 * sample + 3)
        best = drawn[block][cosines[block].argmax(0), np.arange(len(SOURCE))]
        np.testing.assert_allclose(several.samples(SOURCE, 2)[sample], best, atol=2e-5)
    assert len(set(cosines[:3].argmax(0).tolist())) == 3


def test_guidance_draws_answers_together_and_towards_the_pair():
    fitted = make_bridge("unclip-prior", **TRAINED, candidates=1).fit(SOURCE[80:], TARGET[80:], validation=HELD_OUT)
    spread, cosine = [], []
    for weight in (-1.0, 0.0, 2.0):
        drawn = fitted.set_params(guidance=weight).samples(SOURCE[:80], 2)
        spread.append(1 - paired_cosine(*drawn))
        cosine.append(paired_cosine(drawn[0], TARGET[:80]))
    assert spread[0] > spread[1] > spread[2]
    assert cosine[0] < cosine[1] - 0.1
    assert cosine[1] < cosine[2]


def test_guidance_at_minus_one_hears_no_condition():
    fitted = make_bridge("unclip-prior", **TRAINED, guidance=-1.0, candidates=1).fit(SOURCE, TARGET)
    deaf = fitted.transform(SOURCE)
    fitted.denoiser_.listen[0].weight.data.neg_()
    np.testing.assert_allclose(fitted.transform(SOURCE), deaf, atol=2e-5)
    assert not np.allclose(fitted.set_params(guidance=0.0).transform(SOURCE), deaf, atol=2e-5)


def test_an_estimate_longer_than_clean_vectors_is_cut_back(trained):
    bridge = trained("unclip-prior")
    ends = bridge._generate(lambda x, t: 100 + 0 * x, lambda t: torch.zeros(2, 12))
    torch.testing.assert_close(ends, torch.full((2, 12), bridge.scale / 12**0.5))
    short = bridge._generate(lambda x, t: 0.1 + 0 * x, lambda t: torch.zeros(2, 12))
    torch.testing.assert_close(short, torch.full((2, 12), 0.1))


def test_sdedit_is_the_training_of_diffusion_bridge_entered_with_noise():
    same = QUICK | {"start": 300, "sample_steps": 4, "sampler": "ddpm", "weighting": "uniform"}
    ours = make_bridge("sdedit", **same).fit(SOURCE, TARGET)
    theirs = make_bridge("diffusion-bridge", **same, entry_noise=True).fit(SOURCE, TARGET)
    np.testing.assert_array_equal(ours.transform(SOURCE), theirs.transform(SOURCE))
    clean = theirs.set_params(entry_noise=False).transform(SOURCE)
    assert not np.array_equal(ours.transform(SOURCE), clean)


def test_sdedit_forgets_the_source_as_it_starts_later(trained):
    bridge = trained("sdedit")
    centred = make_bridge("c3").fit(SOURCE[80:], TARGET[80:]).transform(SOURCE[:80])
    usual = bridge.start
    try:
        moved = [bridge.set_params(start=start).transform(SOURCE[:80]) for start in (10, 100, 300, 1000)]
    finally:
        bridge.set_params(start=usual)
    kept = [paired_cosine(rows, centred) for rows in moved]
    assert kept == sorted(kept, reverse=True)
    assert kept[0] > 0.95
    # From the last time on nothing is left: as far from the source as from any other.
    assert abs(kept[-1] - float((centred.mean(0) ** 2).sum())) < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_goes_with_its_row_and_not_with_its_place(trained, name):
    order = np.random.default_rng(0).permutation(len(SOURCE))
    np.testing.assert_allclose(
        trained(name).transform(SOURCE[order]), trained(name).transform(SOURCE)[order], atol=2e-5
    )


@pytest.mark.parametrize("name", NAMES)
def test_samples_differ_and_the_first_is_the_answer(trained, name):
    drawn = trained(name).samples(SOURCE[:9], 3)
    np.testing.assert_array_equal(drawn[0], trained(name).transform(SOURCE[:9]))
    assert np.abs(drawn[1] - drawn[0]).max(axis=1).min() > 1e-3
    assert np.abs(drawn[2] - drawn[1]).max(axis=1).min() > 1e-3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm-solver"])
def test_every_sampler_ends_its_trajectory_at_the_answer(trained, name, sampler):
    bridge = trained(name)
    kept = bridge.get_params()
    try:
        bridge.set_params(sampler=sampler)
        path = bridge.trajectory(SOURCE[:7], 4)
        np.testing.assert_array_equal(path[-1], bridge.transform(SOURCE[:7]))
        assert np.isfinite(path).all()
    finally:
        bridge.set_params(**kept)


@pytest.fixture(scope="module")
def plain():
    return {name: make_bridge(name, **QUICK).fit(SOURCE, TARGET).transform(SOURCE) for name in NAMES}


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("diffgap", {"prediction": "epsilon"}),
        ("diffgap", {"prediction": "v"}),
        ("diffgap", {"sample_steps": 3}),
        ("diffgap", {"sampler": "ddim"}),
        ("diffgap", {"sampler": "dpm-solver"}),
        ("diffgap", {"schedule": "linear"}),
        ("diffgap", {"scale": 2.0}),
        ("unclip-prior", {"candidates": 5}),
        ("unclip-prior", {"guidance": 0.5}),
        ("unclip-prior", {"condition_dropout": 0.5}),
        ("unclip-prior", {"sample_steps": 3}),
        ("unclip-prior", {"sampler": "dpm-solver"}),
        ("unclip-prior", {"schedule": "linear"}),
        ("unclip-prior", {"scale": 2.0}),
        ("sdedit", {"start": 400}),
        ("sdedit", {"sample_steps": 7}),
        ("sdedit", {"sampler": "dpm-solver"}),
        ("sdedit", {"weighting": "uniform"}),
        ("sdedit", {"schedule": "linear"}),
        ("sdedit", {"scale": 2.0}),
        ("sdedit", {"precondition": False}),
    ],
    ids=str,
)
def test_every_option_does_something(plain, name, option):
    other = make_bridge(name, **(QUICK | option)).fit(SOURCE, TARGET).transform(SOURCE)
    assert np.isfinite(other).all()
    assert not np.array_equal(plain[name], other)


@pytest.mark.parametrize("name", PAIRED)
def test_training_stops_where_the_held_out_error_rises(name):
    params = TRAINED | {"steps": 3000, "lr": 1e-2, "patience": 2}
    short = make_bridge(name, **params).fit(SOURCE[:40], TARGET[:40], validation=(SOURCE[80:], TARGET[80:]))
    assert short.best_step_ < short.steps_ < 3000


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("diffgap", {"prediction": "x1"}, "prediction must be one of"),
        ("diffgap", {"sampler": "euler"}, "sampler must be one of"),
        ("diffgap", {"sample_steps": 0}, "sample_steps must lie in 1..1000"),
        ("unclip-prior", {"sample_steps": 1001}, "sample_steps must lie in 1..1000"),
        ("unclip-prior", {"candidates": 0}, "candidates must be"),
        ("unclip-prior", {"candidates": 1.5}, "candidates must be"),
        ("unclip-prior", {"condition_dropout": 1.0}, r"condition_dropout must be a number in \[0, 1\)"),
        ("unclip-prior", {"condition_dropout": 0.0, "guidance": 1.0}, "guidance needs rows trained without"),
        ("unclip-prior", {"condition_dropout": "0.1"}, r"condition_dropout must be a number in \[0, 1\), got '0.1'"),
        ("unclip-prior", {"guidance": None}, "guidance must be a number, got None"),
        ("unclip-prior", {"guidance": float("nan")}, "guidance must be a number, got nan"),
        ("residual-mlp", {"topology_weight": "0.1"}, "topology_weight must be a number of at least 0, got '0.1'"),
        ("sdedit", {"start": 0}, "start must lie in"),
        ("sdedit", {"weighting": "x"}, "weighting must be one of"),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused_at_fit(name, wrong, words):
    with pytest.raises(InputError, match=words) as caught:
        make_bridge(name, **(QUICK | wrong)).fit(SOURCE, TARGET)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
