"""AudioCaps as text alone: what its captions are like, how far people agree, how near test lies to train.

    python analyses/audiocaps_text.py FOLDER WORK [--out results]

FOLDER holds ``v1_train.csv``, ``v1_val.csv`` and ``v1_test.csv`` of AudioCaps 1.0. No sound is needed. Captions are
embedded by the offline text encoder (all-MiniLM-L6-v2), about 110 a second of one core; what was embedded is kept in
WORK, and a run that was stopped goes on from there. Writes ``audiocaps_text.csv``, a row a number, and the same as
``audiocaps_text.json`` and as tables in ``audiocaps_text.md`` (``docs/audiocaps-text.md`` with the usual --out).

How far people agree: each of the five captions of a test clip is scored against the other four, five rounds in all. It
is what a score gives a person, and so what a captioner can be asked for. Beside it two systems that know no sound: the
caption of another clip, and the training caption nearest to the one that was taken out.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gapkit.atomic import replacing, write_text
from gapkit.captioning.scores import CaptionScores, score_captions, score_systems, tokenize
from gapkit.datasets.audiocaps import audiocaps_captions
from gapkit.encoders.minilm import MinilmText
from gapkit.encoders.packages import version
from gapkit.metrics import effective_rank
from gapkit.statistics import bootstrap_weights, percentile_interval

SPLITS = ("train", "val", "test")
CHUNK = 2000
"""Captions embedded before they are kept."""
DRAWS = 1000
AGREEMENT = ("bleu_1", "bleu_4", "rouge_l", "meteor", "cider_d")
COLUMNS = ("part", "what", "of", "value", "ci_low", "ci_high", "n")

Clips = dict[str, tuple[str, ...]]


class Study:
    """Captions of the splits, their words and their embeddings."""

    def __init__(self, folder: Path, work: Path) -> None:
        self.clips: dict[str, Clips] = {s: audiocaps_captions(folder / f"v1_{s}.csv") for s in SPLITS}
        texts = sorted({text for clips in self.clips.values() for said in clips.values() for text in said})
        self.words = tokenize(texts)
        self.place = {text: row for row, text in enumerate(texts)}
        self.rows = embed(texts, work)

    def texts(self, split: str) -> list[str]:
        """All captions of a split."""
        return [text for said in self.clips[split].values() for text in said]

    def embedded(self, texts: Sequence[str]) -> np.ndarray:
        """Unit rows of captions."""
        return self.rows[[self.place[text] for text in texts]]


def embed(texts: list[str], work: Path) -> np.ndarray:
    """Unit rows of distinct texts, (n, 384), from WORK where they are there."""
    encoder = MinilmText()
    # Of one length together: the longest decides what a batch costs.
    order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
    rows = np.empty((len(texts), encoder.dim), dtype=np.float32)
    for start in range(0, len(order), CHUNK):
        places = order[start : start + CHUNK]
        path = work / f"captions-{start:06d}.npz"
        if path.exists():
            with np.load(path, allow_pickle=False) as kept:
                if kept["texts"].tolist() == [texts[i] for i in places]:
                    rows[places] = kept["rows"]
                    continue
        rows[places] = encoder.features([texts[i] for i in places])
        with replacing(path) as temporary:
            np.savez(temporary, texts=np.array([texts[i] for i in places]), rows=rows[places])
    return rows


Row = tuple[str, str, str, float, float, float, int]


def row(part: str, what: str, of: str, value: float, n: int, interval: tuple[float, float] | None = None) -> Row:
    """One number of the table."""
    return (part, what, of, float(value), *(interval or (float("nan"),) * 2), n)


def mean(values: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Mean over clips and its interval."""
    return float(values.mean()), percentile_interval(bootstrap_weights(len(values), DRAWS, 0) @ values / len(values))


def counts(study: Study) -> Iterator[Row]:
    """Clips, captions, repeated captions, words."""
    known = {word for text in study.texts("train") for word in study.words[text].split()}
    for split in SPLITS:
        texts, clips = study.texts(split), study.clips[split]
        said = [study.words[text] for text in texts]
        times = Counter(said)
        yield row("counts", "clips", split, len(clips), len(clips))
        yield row("counts", "captions", split, len(texts), len(clips))
        yield row("counts", "captions a clip", split, len(texts) / len(clips), len(clips))
        repeated = sum(count for count in times.values() if count > 1)
        yield row("counts", "share of captions said more than once", split, repeated / len(said), len(said))
        yield row("counts", "most often said, times", split, times.most_common(1)[0][1], len(said))
        found = score_captions(
            {str(i): text for i, text in enumerate(texts)},
            {str(i): [text] for i, text in enumerate(texts)},
            scores=["words", "vocabulary", "distinct_1", "distinct_2", "distinct_captions"],
            draws=0,
        )
        for name in ("words", "vocabulary", "distinct_1", "distinct_2", "distinct_captions"):
            yield row("counts", name, split, found[name], len(said))
        spoken = Counter(word for text in said for word in text.split())
        strange = {word: count for word, count in spoken.items() if word not in known}
        yield row("counts", "share of its words that train has not", split, len(strange) / len(spoken), len(spoken))
        total = spoken.total()
        yield row("counts", "the same, by how often they are said", split, sum(strange.values()) / total, total)


def geometry(study: Study) -> Iterator[Row]:
    """How the embeddings lie."""
    rng = np.random.default_rng(0)
    for split in SPLITS:
        rows = study.embedded(study.texts(split))
        # The rank grows with the number of rows: one number of captions for all splits.
        some = rows[rng.permutation(len(rows))[:2000]]
        yield row("geometry", "effective rank of 2,000 captions", split, effective_rank(some), len(some))
        centroid = np.linalg.norm(rows.astype(np.float64).mean(axis=0))
        yield row("geometry", "length of the centroid", split, centroid, len(rows))
    for split in ("val", "test"):
        five = five_rows(study, split)
        near = np.einsum("nad,nbd->nab", five, five)
        own = (near.sum(axis=(1, 2)) - np.trace(near, axis1=1, axis2=2)) / (5 * 4)
        yield row("geometry", "cosine of two captions of one clip", split, *mean_n(own))
        middle = five.mean(axis=1)
        other = np.einsum("nd,nd->n", middle, middle.sum(axis=0) - middle) / (len(middle) - 1)
        yield row("geometry", "cosine of captions of two clips", split, *mean_n(other))


def mean_n(values: np.ndarray) -> tuple[float, int, tuple[float, float]]:
    """Mean, number of clips, interval."""
    value, interval = mean(values)
    return value, len(values), interval


def five_rows(study: Study, split: str) -> np.ndarray:
    """Embeddings of clips that have five captions, (clips, 5, 384)."""
    said = [texts for texts in study.clips[split].values() if len(texts) == 5]
    return study.embedded([text for texts in said for text in texts]).reshape(len(said), 5, -1)


def nearest(study: Study, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and place of the training caption nearest to each row."""
    train = study.embedded(study.texts("train"))
    cosines, places = np.empty(len(rows), np.float32), np.empty(len(rows), np.int64)
    for start in range(0, len(rows), 500):
        near = rows[start : start + 500] @ train.T
        places[start : start + 500] = near.argmax(axis=1)
        cosines[start : start + 500] = near.max(axis=1)
    return cosines, places


def nearness(study: Study) -> Iterator[Row]:
    """How near the captions of val and test lie to those of train."""
    train = {study.words[text] for text in study.texts("train")}
    for split in ("val", "test"):
        said = [texts for texts in study.clips[split].values() if len(texts) == 5]
        five = five_rows(study, split)
        cosines = nearest(study, five.reshape(-1, five.shape[-1]))[0].reshape(-1, 5)
        yield row("nearness", "cosine to the nearest training caption", split, *mean_n(cosines.mean(axis=1)))
        for share in (0.1, 0.5, 0.9):
            yield row("nearness", f"the same, {share:.0%} quantile", split, np.quantile(cosines, share), cosines.size)
        same = np.array([[study.words[text] in train for text in texts] for texts in said])
        yield row("nearness", "share of captions that are a training caption", split, *mean_n(same.mean(axis=1)))
        yield row("nearness", "share of clips with such a caption", split, *mean_n(same.any(axis=1).astype(float)))
        near = np.einsum("nad,nbd->nab", five, five) - 2 * np.eye(5)
        closer = (cosines > near.max(axis=2)).mean(axis=1)
        told = "share of captions nearer to a training caption than to the clip's other four"
        yield row("nearness", told, split, *mean_n(closer))


def agreement(study: Study) -> Iterator[Row]:
    """People, another clip's caption and the nearest training caption, against four captions of a test clip."""
    clips = {key: said for key, said in study.clips["test"].items() if len(said) == 5}
    keys, five = list(clips), five_rows(study, "test")
    others = {k: {key: [*said[:k], *said[k + 1 :]] for key, said in clips.items()} for k in range(5)}
    systems = {f"person {k + 1}": {key: said[k] for key, said in clips.items()} for k in range(5)}
    references = {f"person {k + 1}": others[k] for k in range(5)}
    texts = study.texts("train")
    systems["nearest"] = {key: texts[place] for key, place in zip(keys, nearest(study, five[:, 0])[1], strict=True)}
    shift = len(keys) // 2
    systems["another clip"] = {key: clips[keys[(i + shift) % len(keys)]][0] for i, key in enumerate(keys)}
    references |= {"nearest": others[0], "another clip": others[0]}
    found = score_systems(systems, references, scores=AGREEMENT, draws=DRAWS)
    people = [found[f"person {k + 1}"] for k in range(5)]
    kinds = {
        "a person, mean of five": people,
        "the training caption nearest to it": [found["nearest"]],
        "a caption of another clip": [found["another clip"]],
    }
    for name in AGREEMENT:
        for of, scored in kinds.items():
            yield agreed(name, of, scored)
    cosines = {
        "a person, mean of five": np.mean([similarity(five[:, k], five, k) for k in range(5)], axis=0),
        "the training caption nearest to it": similarity(study.embedded([*systems["nearest"].values()]), five, 0),
        "a caption of another clip": similarity(study.embedded([*systems["another clip"].values()]), five, 0),
    }
    for of, values in cosines.items():
        yield row("agreement", "minilm_sim", of, *mean_n(values))


def agreed(name: str, of: str, scored: list[CaptionScores]) -> Row:
    """One score of one kind of system; the rounds share their resamples."""
    value = float(np.mean([found[name] for found in scored]))
    draws = np.mean([found.draws[name] for found in scored], axis=0)
    return row("agreement", name, of, value, len(scored[0].per_clip), percentile_interval(draws))


def similarity(rows: np.ndarray, five: np.ndarray, k: int) -> np.ndarray:
    """Mean cosine of each clip's row to its captions but the k-th."""
    return np.einsum("nd,nbd->nb", rows, np.delete(five, k, axis=1)).mean(axis=1)


def pages(frame: pd.DataFrame) -> str:
    """The tables for a reader."""
    titles = {
        "counts": "Captions and words",
        "geometry": "Embeddings (all-MiniLM-L6-v2)",
        "nearness": "How near to the training captions",
        "agreement": "Against the other four captions of a test clip",
    }
    lines = [
        "# AudioCaps as text",
        "",
        "What its captions are like, how far people agree, and how near test lies to train, before any sound is heard.",
        "The last table is what a score gives a person, and so what a captioner can be asked for.",
        "",
    ]
    for part, title in titles.items():
        rows = frame[frame["part"] == part]
        heads = list(dict.fromkeys(rows["of"]))
        lines += [f"## {title}", "", f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
        for what in dict.fromkeys(rows["what"]):
            cells = [cell(rows[(rows["what"] == what) & (rows["of"] == of)]) for of in heads]
            lines.append(f"| {what} | {' | '.join(cells)} |")
        lines.append("")
    clips = int(frame.loc[frame["part"] == "agreement", "n"].iloc[0])
    lines += [
        f"AudioCaps 1.0. In brackets 95 % bootstrap intervals over clips, {DRAWS:,} resamples. Words are those of the",
        f"PTB tokenizer. The last table: {clips:,} clips, four references each, so that its numbers are lower than",
        "with all five; the nearest training caption is chosen by the caption that was taken out.",
        f"Made by `python analyses/audiocaps_text.py`; pycocoevalcap {version('pycocoevalcap')}.",
    ]
    return "\n".join(lines) + "\n"


def cell(rows: pd.DataFrame) -> str:
    """A number and its interval."""
    if rows.empty:
        return "–"
    value, low, high = (rows.iloc[0][name] for name in ("value", "ci_low", "ci_high"))
    shown = f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.3f}"
    return shown if np.isnan(low) else f"{shown} ({low:.3f} to {high:.3f})"


def main() -> None:
    """Measure everything and write the three files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("work", type=Path)
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=Path, default=root / "results")
    arguments = parser.parse_args()
    study = Study(arguments.folder, arguments.work)
    parts = (counts(study), geometry(study), nearness(study), agreement(study))
    frame = pd.DataFrame([found for part in parts for found in part], columns=COLUMNS)
    write_text(arguments.out / "audiocaps_text.csv", frame.to_csv(index=False))
    records = json.loads(frame.to_json(orient="records"))
    write_text(arguments.out / "audiocaps_text.json", json.dumps(records, indent=1) + "\n")
    write_text(arguments.out / "audiocaps_text.md", pages(frame))
    if arguments.out == root / "results":
        write_text(root / "docs" / "audiocaps-text.md", pages(frame))


if __name__ == "__main__":
    main()
