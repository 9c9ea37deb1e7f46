from collections.abc import Callable

import numpy as np
import pytest

from gapkit.comparison.splits import unit_pairs
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.metrics import Reference, centroid_distance, cosine, linear_separability, measure, mmd
from gapkit.metrics.bandwidth import median_bandwidth
from gapkit.metrics.retrieval import recall_at_k
from gapkit.tuning.scoring import Yardstick
from gapkit.verdict.shares import CLOSURE, PRESERVATION, closure


@pytest.fixture
def clips(pairs: PairedEmbeddings) -> PairedEmbeddings:
    return unit_pairs(pairs.subset("test"))


def test_the_source_as_it_is_scores_zero_and_one(clips: PairedEmbeddings) -> None:
    score = Yardstick.of(clips, seed=0).score([clips.source])
    assert (score.closure, score.closure_interval) == (0.0, (0.0, 0.0))
    assert (score.kept, score.kept_interval) == (1.0, (1.0, 1.0))


def test_a_score_by_hand(clips: PairedEmbeddings) -> None:
    moved = clips.source - 0.4 * np.eye(clips.dim, dtype=np.float32)[0]
    yardstick = Yardstick.of(clips, seed=3)
    score = yardstick.score([moved])
    assert yardstick.metrics == CLOSURE
    width = median_bandwidth(clips.target, seed=3)
    assert score.metrics["mmd"] == pytest.approx(mmd(moved, clips.target, owner=clips.owner, bandwidth=width), rel=1e-4)

    def by_hand(x: np.ndarray) -> list[float]:
        y, owner = clips.target, clips.owner
        own = (cosine(x, y, owner=owner), centroid_distance(x, y, owner=owner))
        return [*own, mmd(x, y, owner=owner, bandwidth=width) ** 0.5, linear_separability(x, y, owner=owner, seed=3)]

    shares = [(a - b) / (best - b) for a, b, best in zip(by_hand(moved), by_hand(clips.source), (1.0, 0.0, 0.0, 0.5))]  # noqa: B905
    assert score.closure == pytest.approx(np.mean(shares), rel=1e-4)
    found = [recall_at_k(x, clips.target, owner=clips.owner, k=10) for x in (moved, clips.source)]
    assert score.kept == pytest.approx(found[0] / found[1])


def test_intervals_resample_the_source_as_it_is_alike(clips: PairedEmbeddings) -> None:
    moved = clips.source - 0.4 * np.eye(clips.dim, dtype=np.float32)[0]
    score = Yardstick.of(clips, seed=0).score([moved])
    reference = Reference.from_target(clips.target, owner=clips.owner)
    rows = [measure(x, reference, metrics=[*CLOSURE, PRESERVATION]) for x in (moved, clips.source)]
    a, b = ({m: e.draws for m, e in row.items()} for row in rows)
    for interval, draws in (
        (score.closure_interval, closure(a, b)),
        (score.kept_interval, a[PRESERVATION] / b[PRESERVATION]),
    ):
        np.testing.assert_allclose(interval, np.quantile(draws, [0.025, 0.975]))
    assert score.closure_interval[0] < score.closure < score.closure_interval[1]


def test_seeds_are_averaged(clips: PairedEmbeddings) -> None:
    yardstick = Yardstick.of(clips, seed=0)
    rng = np.random.default_rng(0)
    rows = [clips.source + rng.normal(0, 0.2, clips.source.shape).astype(np.float32) for _ in range(3)]
    both, alone = yardstick.score(rows), [yardstick.score([row]) for row in rows]
    assert both.closure == pytest.approx(np.mean([s.closure for s in alone]))
    assert both.kept == pytest.approx(np.mean([s.kept for s in alone]))
    assert both.metrics["cosine"] == pytest.approx(np.mean([s.metrics["cosine"] for s in alone]))
    widths = [np.ptp(s.closure_interval) for s in (both, *alone)]
    assert widths[0] < max(widths[1:])


def test_metrics_without_a_gap_are_left_out_and_told(make_pairs: Callable[..., PairedEmbeddings]) -> None:
    # One cloud, drawn twice: only the pairs are apart.
    clips = unit_pairs(make_pairs(gap=0.0).subset("test"))
    yardstick = Yardstick.of(clips, seed=0)
    assert yardstick.metrics == ("cosine",)
    assert [note.split(":")[0] for note in yardstick.notes][:3] == ["centroid-distance", "mmd", "separability"]
    assert "no gap beyond chance" in yardstick.notes[0]


def test_a_source_that_finds_nothing_is_refused(clips: PairedEmbeddings) -> None:
    from dataclasses import replace

    other = replace(clips, source=-clips.target[np.unique(clips.owner, return_index=True)[1]])
    with pytest.raises(InputError, match="recall@10 is 0 before any bridge"):
        Yardstick.of(other, seed=0)


def test_too_few_clips_for_a_recall_are_told(clips: PairedEmbeddings) -> None:
    notes = Yardstick.of(clips.take(np.arange(7)), seed=0).notes
    assert any("recall@10 is 1 before any bridge (7 clips" in note for note in notes)


def test_a_moved_source_without_a_direction(clips: PairedEmbeddings) -> None:
    with pytest.raises(GapkitError, match="cosine is undefined"):
        Yardstick.of(clips, seed=0).score([np.zeros_like(clips.source)])
