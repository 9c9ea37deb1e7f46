"""Diffusion-Link's further readings: what each does, against a closed form where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conformance import QUICK, toy_pairs

from gapkit.bridges import load_bridge, make_bridge
from gapkit.bridges.link_loss import LinkLoss
from gapkit.diffusion.schedule import make_schedule
from gapkit.errors import InputError
from gapkit.training import loop

SOURCE, TARGET = toy_pairs(200)
BASE = QUICK | {"start": 100, "sample_steps": 4}
PLAIN = {
    "schedule": make_schedule("cosine"), "scale": 1.0, "last_time": 100, "batch_size": 4096, "inputs": "both",
    "source_weight": 0.5, "shared_noise": True, "prediction": "x0", "targets": "own", "topology": "frobenius",
    "topology_weight": 0.0, "contrast_weight": 0.0, "contrast_temperature": 0.1, "condition": False,
    "self_condition": False,
}  # fmt: skip


def bound(x, y, **options):
    return LinkLoss(**(PLAIN | options)).bind(x, y, torch.Generator().manual_seed(0))


def zeros(x, t, *conditions, draw=None):
    return torch.zeros_like(x)


@pytest.fixture
def captions():
    """Two clips, two captions each: x of a clip, and targets at right angles."""
    return torch.eye(4)[[0, 0, 1, 1]], torch.eye(4)


def test_a_mean_target_is_reached_by_the_mean_and_any_target_costs_the_spread(captions):
    x, y = captions
    mean = torch.nn.functional.normalize(torch.stack([y[0] + y[1]] * 2 + [y[2] + y[3]] * 2), dim=1)

    def answer_by_clip(state, t, *conditions, draw=None):
        # Noise of the first 100 steps does not hide which clip a source row is.
        return mean[[0, 2]][(state[:, 1] > state[:, 0]).long()]

    sides = {"inputs": "source", "last_time": 20}
    assert float(bound(x, y, targets="mean", **sides)(answer_by_clip)) < 1e-6
    # |mean - caption|^2 = 2 - 2 cos 45 degrees for either caption of the clip.
    assert float(bound(x, y, targets="any", **sides)(answer_by_clip)) == pytest.approx(2 - 2**0.5, rel=1e-4)
    assert float(bound(x, y, targets="own", **sides)(answer_by_clip)) == pytest.approx(2 - 2**0.5, rel=1e-4)


@pytest.mark.parametrize("prediction", ["x0", "epsilon", "v"])
def test_every_prediction_weighs_times_so_that_the_mean_weight_is_one(captions, prediction):
    x, y = captions
    # Answering zero costs |y|^2 = 1 at every time, so the loss is the mean weight of the drawn times.
    assert float(bound(x, y, prediction=prediction)(zeros)) == pytest.approx(1, rel=0.6 if prediction != "x0" else 1e-6)


def test_condition_is_the_clean_source_and_is_left_out_for_a_tenth(captions):
    x, y = captions
    seen = []

    def spy(state, t, condition, draw=None):
        seen.append(condition)
        return torch.zeros_like(state)

    bound(x, y, condition=True)(spy)
    left_out = (seen[0] == 0).all(dim=1)
    assert float(left_out.float().mean()) == pytest.approx(0.1, abs=0.02)
    assert torch.equal(seen[0][:4096], seen[0][4096:])
    assert (seen[0][~left_out].max(dim=1).values == 1).all()


def test_self_condition_feeds_the_first_guess_to_half_of_the_rows(captions):
    x, y = captions
    seen = []

    def spy(state, t, guess, draw=None):
        seen.append(guess)
        return torch.ones_like(state)

    bound(x, y, self_condition=True)(spy)
    assert len(seen) == 2
    assert (seen[0] == 0).all()
    fed = seen[1].mean(dim=1)
    assert set(fed.unique().tolist()) == {0.0, 1.0}
    assert float(fed.mean()) == pytest.approx(0.5, abs=0.03)


def test_distilled_it_answers_in_one_pass_near_what_the_teacher_says():
    params = BASE | {"start": 500, "last_time": 1000, "steps": 300, "lr": 3e-3, "hidden": 64}
    teacher = make_bridge("diffusion-link", **params).fit(SOURCE, TARGET)
    student = make_bridge("diffusion-link", **params, distil_steps=300).fit(SOURCE, TARGET)
    assert len(teacher.trajectory(SOURCE[:3], 99)) == 6
    assert len(student.trajectory(SOURCE[:3], 99)) == 3
    one_step = make_bridge("diffusion-link", **(params | {"sample_steps": 1})).fit(SOURCE, TARGET)
    wanted = teacher.transform(SOURCE)
    error = np.square(student.transform(SOURCE) - wanted).sum(1).mean()
    assert error < 0.5 * np.square(one_step.transform(SOURCE) - wanted).sum(1).mean()


def test_a_distillation_that_was_killed_ends_as_one_that_was_not(tmp_path, monkeypatch):
    params = BASE | {"steps": 3, "sampler": "ddpm", "entry_noise": True, "distil_steps": 200}
    whole = make_bridge("diffusion-link", **params).fit(SOURCE, TARGET)

    def killed(done, total, note):
        if done == 100:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
        with pytest.raises(KeyboardInterrupt):
            make_bridge("diffusion-link", **params).fit(SOURCE, TARGET, checkpoint=tmp_path / "c", progress=killed)
    told = []
    again = make_bridge("diffusion-link", **params)
    again.fit(SOURCE, TARGET, checkpoint=tmp_path / "c", progress=lambda done, total, note: told.append((done, total)))
    # Nothing of the training is done again, nor the first half of the distillation but for its last step.
    assert told == [(step, 200) for step in range(100, 201)]
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
    np.testing.assert_array_equal(again.transform(SOURCE), whole.transform(SOURCE))


def test_a_distilled_bridge_is_saved_as_such(tmp_path):
    student = make_bridge("diffusion-link", **BASE, distil_steps=20).fit(SOURCE, TARGET)
    student.save(tmp_path)
    np.testing.assert_array_equal(load_bridge(tmp_path).transform(SOURCE), student.transform(SOURCE))


def test_targets_go_through_a_distilled_bridge_in_one_pass_too(monkeypatch):
    student = make_bridge("diffusion-link", **BASE, distil_steps=20).fit(SOURCE, TARGET)
    asked = []
    forward = student.denoiser_.forward
    monkeypatch.setattr(student.denoiser_, "forward", lambda x, t, *rest: asked.append(t) or forward(x, t, *rest))
    student.denoised_targets(TARGET)
    student.denoised_targets(TARGET, start=30)
    # Of other times a student was taught nothing.
    assert asked == [100, 30]


@pytest.mark.parametrize("option", [{"entry_noise": True}, {"sampler": "ddpm"}], ids=str)
def test_samples_differ_where_noise_is_drawn_and_do_not_hang_on_the_batch(option):
    bridge = make_bridge("diffusion-link", **BASE, **option).fit(SOURCE, TARGET)
    samples = bridge.samples(SOURCE, 3)
    assert samples.shape == (3, *SOURCE.shape)
    np.testing.assert_array_equal(samples[0], bridge.transform(SOURCE))
    assert not np.allclose(samples[0], samples[1])
    assert not np.allclose(samples[1], samples[2])
    np.testing.assert_allclose(bridge.samples(SOURCE[5:7], 3), samples[:, 5:7], atol=2e-5)


def test_without_noise_samples_are_equal_and_none_is_an_error():
    bridge = make_bridge("diffusion-link", **BASE).fit(SOURCE, TARGET)
    samples = bridge.samples(SOURCE, 2)
    np.testing.assert_array_equal(samples[0], samples[1])
    for wrong in (0, 2.0, "3"):
        with pytest.raises(InputError, match="n_samples must be a whole number of at least 1, got"):
            bridge.samples(SOURCE, wrong)
        with pytest.raises(InputError, match="n_snapshots must be a whole number of at least 2, got"):
            bridge.trajectory(SOURCE, wrong)


def test_guidance_leans_away_from_the_unconditional_answer():
    params = BASE | {"sample_steps": 1, "condition": True}
    plain = make_bridge("diffusion-link", **params).fit(SOURCE, TARGET)
    without, half, full = (plain.set_params(guidance=g)._travel(torch.from_numpy(SOURCE)) for g in (-1.0, -0.5, 0.0))
    torch.testing.assert_close(half, (without + full) / 2, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(without, full)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"align": "svd"}, "align must be one of none, procrustes, cca, blend, got 'svd'"),
        ({"targets": "all"}, "targets must be one of own, any, mean, got 'all'"),
        ({"prediction": "score"}, "prediction must be one of x0, epsilon, v, got 'score'"),
        ({"contrast_temperature": 0.0}, "contrast_temperature must be a number above 0"),
        ({"contrast_weight": -1.0}, "contrast_weight must be a number of at least 0"),
        ({"distil_steps": -1}, "distil_steps must be a whole number of at least 0"),
        ({"topology_weight": "high"}, "topology_weight must be a number of at least 0, got 'high'"),
        ({"contrast_weight": "0.1"}, "contrast_weight must be a number of at least 0, got '0.1'"),
        ({"contrast_temperature": None}, "contrast_temperature must be a number above 0, got None"),
        ({"contrast_weight": float("nan")}, "contrast_weight must be a number of at least 0, got nan"),
        ({"source_weight": "half"}, "source_weight must be a number in .0, 1., got 'half'"),
        ({"guidance": "1"}, "guidance must be a number, got '1'"),
        ({"last_time": "200"}, "last_time must be a whole number, got '200'"),
        ({"distil_steps": 2.5}, "distil_steps must be a whole number of at least 0, got 2.5"),
        ({"precision": "half"}, "precision must be one of float32, bfloat16, auto, got 'half'"),
    ],
    ids=str,
)
def test_bad_options(option, message):
    with pytest.raises(InputError, match=message):
        make_bridge("diffusion-link", **(BASE | option)).fit(SOURCE, TARGET)


@pytest.mark.parametrize("align", ["procrustes", "cca"])
def test_untrained_it_is_the_linear_map_that_it_starts_from(align):
    # A learning rate of nothing leaves the zero-initialised blocks silent.
    link = make_bridge("diffusion-link", **(BASE | {"lr": 1e-30, "sample_steps": 1}), align=align)
    link.fit(SOURCE, TARGET, validation=(SOURCE[:50], TARGET[:50]))
    linear = make_bridge(align).fit(SOURCE, TARGET, validation=(SOURCE[:50], TARGET[:50]))
    np.testing.assert_allclose(link.transform(SOURCE), linear.transform(SOURCE), atol=2e-5)


@pytest.mark.parametrize("align", ["cca", "blend"])
def test_a_map_that_cannot_be_learned_is_told_in_words_of_the_link(align):
    source = np.repeat(SOURCE[:10], 8, axis=0)
    with pytest.raises(InputError, match=f"^bridge 'diffusion-link': align '{align}' cannot be learned .* procrustes$"):
        make_bridge("diffusion-link", **BASE, align=align).fit(source, TARGET[:80])


def test_blended_it_starts_half_way_between_the_two_maps():
    link = make_bridge("diffusion-link", **(BASE | {"lr": 1e-30, "sample_steps": 1}), align="blend")
    moved = link.fit(SOURCE, TARGET, validation=(SOURCE[:50], TARGET[:50])).transform(SOURCE)
    ends = [
        make_bridge(name).fit(SOURCE, TARGET, validation=(SOURCE[:50], TARGET[:50])) for name in ("procrustes", "cca")
    ]
    centre = TARGET.mean(axis=0)
    directions = [bridge.transform(SOURCE) - centre for bridge in (link, *ends)]
    unit = [d / np.linalg.norm(d, axis=1, keepdims=True) for d in directions]
    to_first, to_second = ((unit[0] * other).sum(axis=1) for other in unit[1:])
    np.testing.assert_allclose(to_first, to_second, atol=2e-5)
    assert (to_first > (unit[1] * unit[2]).sum(axis=1) - 1e-5).all()
    assert moved.shape == SOURCE.shape


def test_bfloat16_lands_within_the_spread_of_seeds():
    params = QUICK | {"steps": 200}
    runs = [make_bridge("diffusion-link", **params, random_state=s).fit(SOURCE, TARGET) for s in (0, 1, 2)]
    exact = [float((b.transform(SOURCE) * TARGET).sum(1).mean()) for b in runs]
    half = make_bridge("diffusion-link", **params, precision="bfloat16").fit(SOURCE, TARGET)
    assert abs(float((half.transform(SOURCE) * TARGET).sum(1).mean()) - exact[0]) < max(exact) - min(exact)
