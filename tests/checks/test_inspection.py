import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapkit.checks import inspect_pairs, require_usable
from gapkit.checks.scan import scan
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError


def rows(n=60, d=8, seed=0, *, unit=True):
    """Rows of one cloud: those of two seeds are pairs."""
    x = np.random.default_rng(99).normal(size=(n, d)) + 0.5 * np.random.default_rng(seed).normal(size=(n, d))
    return x / np.linalg.norm(x, axis=1, keepdims=True) if unit else x


def healthy(**changes):
    return PairedEmbeddings(**{"source": rows(seed=1), "target": rows(seed=2), "name": "clips", **changes})


def messages(pairs, severity=None):
    return [p.message for p in inspect_pairs(pairs).problems if severity in (None, p.severity)]


def only(pairs, severity, start):
    """The one problem there is."""
    problems = inspect_pairs(pairs).problems
    assert [p.severity for p in problems] == [severity], problems
    assert problems[0].message.startswith(start), problems
    assert "\n" not in problems[0].message
    return problems[0].message


def test_healthy_embeddings_have_no_problem():
    findings = inspect_pairs(healthy())
    assert findings.problems == ()
    assert findings.errors == ()
    assert (findings.clips, findings.targets, findings.source.rows, findings.source.dim) == (60, 60, 60, 8)
    assert findings.source.unit
    assert findings.sampled is None
    assert require_usable(healthy()) == findings


# Figures, against the formulas written out


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 12), extra=st.integers(0, 8), d=st.integers(1, 6), seed=st.integers(0, 999))
def test_figures_are_those_of_the_definitions(n, extra, d, seed):
    rng = np.random.default_rng(seed)
    owner = rng.permutation([*range(n), *rng.integers(0, n, extra)])
    x, y = (rng.normal(size=(k, d)).astype(np.float32).astype(float) for k in (n, n + extra))
    findings = inspect_pairs(PairedEmbeddings(x, y, owner=owner))
    lengths = np.linalg.norm(x, axis=1)
    assert findings.source.norm_min == pytest.approx(lengths.min())
    assert findings.source.norm_mean == pytest.approx(lengths.mean())
    assert findings.source.norm_max == pytest.approx(lengths.max())
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    others = ~np.eye(n, dtype=bool)
    assert findings.source.mean_cosine == pytest.approx((x @ x.T)[others].mean(), abs=1e-9)
    s = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    if s.sum() > 1e-6:
        p = s[s > 1e-12] / s.sum()
        assert findings.source.effective_rank == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-4)
    similarity = x @ y.T
    own = owner[None, :] == np.arange(n)[:, None]
    assert findings.gap.paired_cosine == pytest.approx(similarity[own].mean(), abs=1e-9)
    assert findings.gap.unpaired_cosine == pytest.approx(similarity[~own].mean(), abs=1e-9)
    assert findings.gap.centroid_distance == pytest.approx(np.linalg.norm(x.mean(0) - y.mean(0)), abs=1e-9)


def test_figures_do_not_change_under_rotation_or_order():
    pairs = healthy()
    q, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(8, 8)))
    turned = inspect_pairs(healthy(source=rows(seed=1) @ q, target=rows(seed=2) @ q))
    mixed = inspect_pairs(pairs.take(np.random.default_rng(4).permutation(60)))
    for other in (turned, mixed):
        for side in ("source", "target"):
            a, b = getattr(inspect_pairs(pairs), side), getattr(other, side)
            assert a.effective_rank == pytest.approx(b.effective_rank, rel=1e-5)
            assert a.mean_cosine == pytest.approx(b.mean_cosine, abs=1e-6)
        assert dataclasses.astuple(other.gap) == pytest.approx(dataclasses.astuple(inspect_pairs(pairs).gap), abs=1e-6)


def test_blocks_give_what_one_block_gives(monkeypatch):
    pairs = healthy(owner=None, split=["train", "test"] * 30)
    whole = inspect_pairs(pairs)
    monkeypatch.setattr("gapkit.checks.scan.BLOCK", 7)
    parts = inspect_pairs(pairs)
    assert dataclasses.astuple(parts.gap) == pytest.approx(dataclasses.astuple(whole.gap), abs=1e-12)
    assert parts.source.norm_mean == pytest.approx(whole.source.norm_mean)
    assert parts.source.effective_rank == pytest.approx(whole.source.effective_rank)


def test_sampling_touches_the_effective_rank_only_and_follows_the_seed():
    pairs = healthy()
    full, first, again, other = (
        inspect_pairs(pairs, max_rows=max_rows, seed=seed) for max_rows, seed in ((60, 0), (20, 0), (20, 0), (20, 1))
    )
    assert (full.sampled, first.sampled) == (None, 20)
    assert first == again
    assert first.source.effective_rank != other.source.effective_rank
    assert first.source.effective_rank == pytest.approx(full.source.effective_rank, rel=0.3)
    assert first.gap == full.gap
    with pytest.raises(InputError, match="max_rows: expected at least 2, got 1"):
        inspect_pairs(pairs, max_rows=1)


def test_a_known_effective_rank():
    """The corners of a cross in k of d dimensions: k equal singular values."""
    cross = np.concatenate([np.eye(6)[:4], -np.eye(6)[:4]])
    findings = inspect_pairs(PairedEmbeddings(cross, cross))
    assert findings.source.effective_rank == pytest.approx(4)
    assert findings.source.constant == 2


# Errors


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("side", ["source", "target"])
def test_rows_that_are_not_finite(side, bad):
    x = rows(seed=5)
    x[[4, 17, 30, 31], [0, 1, 2, 3]] = bad
    pairs = healthy(**{side: x})
    message = only(pairs, "error", f"{side}: 4 of 60 rows hold NaN or infinity (first: 4, 17, 30)")
    with pytest.raises(InputError) as caught:
        require_usable(pairs)
    assert str(caught.value) == f"clips: {message}"


def test_zero_rows():
    x = rows()
    x[[3, 9]] = 0
    x[9, 0] = -0.0
    only(healthy(source=x), "error", "source: 2 of 60 rows are all zeros (first: 3, 9)")


def test_figures_leave_broken_rows_out():
    good = healthy()
    x, y = np.concatenate([rows(seed=1), np.full((2, 8), np.nan)]), np.concatenate([rows(seed=2), np.ones((2, 8))])
    y[-1] = 0
    broken = inspect_pairs(PairedEmbeddings(x, y))
    assert len(broken.errors) == 2
    assert broken.gap.paired_cosine == pytest.approx(inspect_pairs(good).gap.paired_cosine)
    assert broken.source.mean_cosine == pytest.approx(inspect_pairs(good).source.mean_cosine)
    assert broken.source.effective_rank == pytest.approx(inspect_pairs(good).source.effective_rank)


def test_nothing_usable_at_all():
    findings = inspect_pairs(PairedEmbeddings(np.full((3, 2), np.nan), np.zeros((3, 2))))
    assert findings.gap is None
    assert np.isnan(findings.source.norm_mean)
    assert len(findings.errors) == 2
    json.loads(json.dumps(findings.as_dict(), allow_nan=False))


def test_one_clip_is_too_few():
    findings = inspect_pairs(PairedEmbeddings(rows(1), rows(1, seed=2)))
    assert [p.message.split(",")[0] for p in findings.errors] == ["1 clip is too few"]
    with pytest.raises(InputError, match="pairs: 1 clip is too few"):
        require_usable(PairedEmbeddings(rows(1), rows(3), owner=[0, 0, 0]))


def test_errors_stand_before_warnings_and_the_first_is_raised():
    x = rows(unit=False)
    x[0] = np.nan
    x[1] = 0
    problems = inspect_pairs(healthy(source=x)).problems
    assert [p.severity for p in problems] == ["error", "error", "warning"]
    with pytest.raises(InputError, match="NaN or infinity"):
        require_usable(healthy(source=x))


# Warnings


def test_collapse():
    x = np.ones(8) + rows(seed=3) * 0.05
    message = only(healthy(target=x / np.linalg.norm(x, axis=1, keepdims=True)), "warning", "target: collapsed")
    assert "mean cosine of 0.99" in message


def test_low_effective_rank():
    x = np.random.default_rng(0).normal(size=(100, 1)) * np.ones(64) + 1e-4 * rows(100, 64)
    pairs = PairedEmbeddings(x / np.linalg.norm(x, axis=1, keepdims=True), rows(100, 64))
    assert any(m.startswith("source: low effective rank, 1.") for m in messages(pairs, "warning"))


def test_all_rows_the_same():
    findings = inspect_pairs(healthy(source=np.tile(rows(1), (60, 1))))
    assert findings.source.effective_rank == 0
    assert findings.source.duplicates == 59
    assert findings.source.constant == 8
    assert {m.split(",")[0].split(" of")[0] for m in messages(healthy(source=np.tile(rows(1), (60, 1))))} == {
        "source: collapsed",
        "source: low effective rank",
        "source: 59",
        "source: 8",
    }


def test_duplicates():
    x = rows()
    x[[10, 20]] = x[5]
    only(healthy(source=x), "warning", "source: 2 of 60 rows repeat an earlier row")


def test_minus_zero_and_zero_are_the_same_row():
    x = rows()
    x[0, 0], x[1] = 0.0, x[0]
    x[1, 0] = -0.0
    assert inspect_pairs(healthy(source=x)).source.duplicates == 1


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_fingerprints_part_rows_like_numpy_does(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, size=(200, 3)).astype(np.float32)
    _, exact = np.unique(x, axis=0, return_inverse=True)
    _, printed = np.unique(scan(x).prints, return_inverse=True)
    assert len(np.unique(exact)) == len(np.unique(printed)) == len(set(zip(exact, printed, strict=True)))


def test_constant_dimensions():
    x = rows(unit=False)
    x[:, [2, 5]] = 0
    only(healthy(source=x / np.linalg.norm(x, axis=1, keepdims=True)), "warning", "source: 2 of 8 dimensions")


def test_rows_that_are_not_normalised():
    message = only(
        healthy(source=rows(seed=1) * 3), "warning", "source: rows are not normalised, lengths 3 to 3, mean 3"
    )
    assert "normalise if" in message


@pytest.mark.parametrize(
    ("dtype", "word"),
    [
        ("float16", "stored as float16, about 3 digits; differences below 0.001"),
        ("bfloat16", "stored as bfloat16, about 2 digits; differences below 0.01"),
        ("float8_e4m3fn", "stored as float8_e4m3fn, about 1 digit; differences below 0.1"),
        ("float8_e5m2", "stored as float8_e5m2, about 1 digit;"),
        ("int8", "whole numbers (int8)"),
        ("uint16", "(uint16)"),
    ],
)
def test_dtypes_of_the_file(dtype, word):
    assert word in only(healthy(meta={"target_dtype": dtype}), "warning", "target: ")
    assert messages(healthy(meta={"target_dtype": "float64", "source_dtype": "float32"})) == []


def test_a_row_in_two_splits():
    x, y = rows(seed=1), rows(seed=2)
    x[40], x[59] = x[3], x[3]
    y[45] = y[7]
    pairs = healthy(source=x, target=y, split=["train"] * 30 + ["val"] * 20 + ["test"] * 10)
    findings = inspect_pairs(pairs)
    assert [(leak.side, leak.first, leak.second, leak.rows) for leak in findings.leaks] == [
        ("source", "test", "train", 1),
        ("source", "test", "val", 1),
        ("source", "train", "val", 1),
        ("target", "train", "val", 1),
    ]
    assert sum("stand in both split" in m for m in messages(pairs, "warning")) == 4


def test_a_caption_in_two_splits_is_found_through_the_owner():
    y = rows(4)
    y[3] = y[0]
    pairs = PairedEmbeddings(rows(2, seed=3), y, owner=[1, 1, 0, 0], split=["train", "test"])
    assert [(leak.side, leak.rows) for leak in inspect_pairs(pairs).leaks] == [("target", 1)]


def test_duplicates_set_apart_are_no_leak():
    x = rows()
    x[50] = x[0]
    split = np.array(["test"] * 60, dtype="<U20")
    split[50] = "test-duplicates"
    split[20:40] = "train"
    assert inspect_pairs(healthy(source=x, split=split)).leaks == ()


def test_no_splits_no_leaks():
    assert inspect_pairs(healthy(source=np.tile(rows(1), (60, 1)))).leaks == ()


def test_repeated_captions():
    captions = [f"caption {i}" for i in range(60)]
    captions[4] = captions[9] = captions[1]
    only(healthy(captions=captions), "warning", "captions: 2 repeat an earlier caption")


# The whole


def test_as_dict_is_json():
    findings = inspect_pairs(healthy(split=["a", "b"] * 30))
    plain = json.loads(json.dumps(findings.as_dict(), allow_nan=False))
    assert plain["splits"] == {"a": 30, "b": 30}
    assert plain["source"]["norm_mean"] == findings.source.norm_mean
    assert plain["problems"] == []


def test_input_stays_as_it_was():
    pairs = healthy()
    before = pairs.content_hash()
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    inspect_pairs(pairs, max_rows=10)
    assert pairs.content_hash() == before
    assert np.array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_embeddings_of_clip_are_fine(shared_data):
    from gapkit.files import load_pairs

    findings = require_usable(load_pairs(shared_data / "clip-coco500" / "features_clip.npy"))
    assert findings.gap.centroid_distance == pytest.approx(0.851, abs=5e-4)
    assert findings.gap.paired_cosine == pytest.approx(0.310, abs=5e-4)
    assert findings.gap.unpaired_cosine == pytest.approx(0.162, abs=5e-4)
    assert findings.problems == ()
