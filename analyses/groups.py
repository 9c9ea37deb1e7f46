"""Measure what groups of items do to intervals and folds, and write the tables of ``docs/explanation/groups.md``.

    python analyses/groups.py

Takes a minute of one core. The same numbers come out each time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import write_text
from gapkit.bridges.registry import make_bridge
from gapkit.datasets import load_dataset, load_groups
from gapkit.embeddings import PairedEmbeddings
from gapkit.statistics import GroupDraws, Groups, folds, robust_variance
from gapkit.statistics.group_draws import quantile

PAGE = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "groups.md"
SHARES = (0.0, 0.3, 0.7, 1.0)
REPEATS = 500
RESAMPLES = 500
Array = NDArray[np.float64]


def scenes() -> Groups:
    """Groups of the test scenes of `soundscapes`."""
    test = np.flatnonzero(load_dataset("soundscapes").split == "test")
    return Groups.from_labels(load_groups("soundscapes")).take(test)


def designs() -> dict[str, Groups]:
    """What is simulated: 600 items with 1 to 3 groups of even or uneven sizes, and the scenes."""
    found = {}
    for zipf in (False, True):
        for n_groups in (20, 50, 500):
            for k in (1, 2, 3):
                rng = np.random.default_rng([n_groups, k])
                shares = 1 / np.arange(1, n_groups + 1) if zipf else np.ones(n_groups)
                drawn = [rng.choice(n_groups, k, replace=False, p=shares / shares.sum()).tolist() for _ in range(600)]
                groups = Groups.from_labels(drawn)
                name = f"{k} of {n_groups} {'uneven' if zipf else 'even'} groups an item"
                found[f"{name} (effective {groups.n_effective:.0f})"] = groups
    return {**found, "1,000 test scenes of `soundscapes`": scenes()}


def values(groups: Groups, share: float, rng: np.random.Generator) -> Array:
    """Items whose variance is to this share that of the mean of their groups' effects, (n, repeats)."""
    effects = groups.incidence @ rng.normal(size=(groups.n_groups, REPEATS)) / groups.per_item[:, None]
    effects /= np.sqrt((effects**2).mean())
    mixed: Array = np.sqrt(share) * effects + np.sqrt(1 - share) * rng.normal(size=effects.shape)
    return mixed


def covered(means: Array, errors: Array) -> str:
    """Coverage, and the mean half width over that which would do."""
    return f"{(np.abs(means) <= 1.96 * errors).mean():.3f} ({errors.mean() / means.std():.2f})"


def coverage_table() -> str:
    """Coverage of 95 % intervals by rule, design and share of the groups in the variance."""
    head = "| items | rule | " + " | ".join(f"{share:.0%}" for share in SHARES) + " |"
    lines = [head, "|---|---|" + "---|" * len(SHARES)]
    for name, groups in designs().items():
        draws = GroupDraws.draw(groups, RESAMPLES, 0)
        rules: dict[str, Callable[[Array], Array]] = {
            "items drawn": lambda x: x.std(axis=0) / len(x) ** 0.5,
            "groups drawn": lambda x, d=draws: spread(d, x),  # type: ignore[misc]
            "robust variance": lambda x, g=groups: np.sqrt(robust_variance(g, x)) * quantile(g),  # type: ignore[misc]
        }
        cells: dict[str, list[str]] = {rule: [] for rule in rules}
        for share in SHARES:
            x = values(groups, share, np.random.default_rng(1))
            for rule, error in rules.items():
                cells[rule].append(covered(x.mean(axis=0), error(x)))
        lines += [f"| {name} | {rule} | {' | '.join(row)} |" for rule, row in cells.items()]
    return "\n".join(lines)


def spread(draws: GroupDraws, x: Array) -> Array:
    """Half the width of the percentile interval over 1.96."""
    low, high = np.quantile(draws.of(x), [0.025, 0.975], axis=0)
    half: Array = (high - low) / 2 / 1.96
    return half


def difference_table() -> str:
    """Coverage of paired differences on the scenes, by the share of the groups in what differs."""
    lines = ["| groups in what differs | groups drawn | robust variance |", "|---|---|---|"]
    groups = scenes()
    draws = GroupDraws.draw(groups, RESAMPLES, 0)
    for own in (0.0, 0.5, 1.0):
        rng = np.random.default_rng(2)
        both = values(groups, 0.5, rng)
        first, second = (both + 0.3 * values(groups, own, rng) for _ in range(2))
        moved = draws.of(first) - draws.of(second)
        low, high = np.quantile(moved, [0.025, 0.975], axis=0)
        means = (first - second).mean(axis=0)
        robust = np.sqrt(robust_variance(groups, first - second)) * quantile(groups)
        drawn = covered(means, (high - low) / 2 / 1.96)
        lines.append(f"| {own:.0%} | {drawn} | {covered(means, robust)} |")
    return "\n".join(lines)


def scene_table() -> str:
    """Standard errors of the test scenes by items, by drawn groups and by the robust variance."""
    pairs, groups = load_dataset("soundscapes"), scenes()
    train, test = pairs.subset("train"), pairs.subset("test")
    rows = {}
    for name in ("identity", "mean-shift", "ridge"):
        moved = make_bridge(name).fit(*train.expanded()).transform(test.source)
        rows[name] = per_item(moved, test)
    draws = GroupDraws.draw(groups, RESAMPLES, 0)
    lines = ["| row | number | value | items | groups drawn | ratio | robust |", "|---|---|---|---|---|---|---|"]
    for row in (*rows, "ridge minus mean-shift"):
        for number in ("cosine", "R@10"):
            first = rows[row.split()[0]][number]
            x = first - rows["mean-shift"][number] if " minus " in row else first
            item = x.std(ddof=1) / len(x) ** 0.5
            drawn, robust = draws.of(x).std(), float(np.sqrt(robust_variance(groups, x)))
            lines.append(
                f"| {row} | {number} | {x.mean():.4f} | {item:.4f} | {drawn:.4f} | {drawn / item:.2f} | {robust:.4f} |"
            )
    return "\n".join(lines)


def per_item(moved: NDArray[np.float32], test: PairedEmbeddings) -> dict[str, Array]:
    """Mean cosine of each clip with its captions, and 1 where its first caption is among the ten nearest."""
    rows = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    first = test.target[np.unique(test.owner, return_index=True)[1]]
    cosine = np.bincount(test.owner, weights=(rows[test.owner] * test.target).sum(axis=1)) / np.bincount(test.owner)
    scores = rows @ first.T
    hit = (scores > np.diagonal(scores)[:, None]).sum(axis=1) < 10
    return {"cosine": cosine, "R@10": hit.astype(np.float64)}


def fold_table() -> str:
    """Held-out accuracy of a linear classifier of two sides, by how the folds are made."""
    lines = ["| items | folds of items | folds of groups | items of new groups |", "|---|---|---|---|"]
    for name, groups in (
        ("1,000 items in 200 groups of 5", Groups.from_labels(np.repeat(np.arange(200), 5))),
        ("1,000 test scenes", scenes()),
    ):
        found = np.array([accuracies(groups, seed) for seed in range(20)])
        cells = [f"{mean:.3f} ± {error:.3f}" for mean, error in zip(found.mean(0), found.std(0) / 20**0.5, strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def accuracies(groups: Groups, seed: int, d: int = 64) -> tuple[float, float, float]:
    """By folds of items, by folds of groups, and on items of groups that were never seen."""
    rng = np.random.default_rng(seed)

    def sides() -> tuple[Array, Array]:
        effects = rng.normal(size=(2, groups.n_groups, d))
        x, y = (groups.incidence @ e + 0.5 * rng.normal(size=(len(groups), d)) for e in effects)
        return x, y + 0.15

    x, y = sides()
    items = folds(Groups.from_labels(np.arange(len(x))), 5, seed).part
    own = folds(groups, 5, seed).part
    within = [float(np.mean([accuracy(x, y, p != f, p == f) for f in range(5)])) for p in (items, own)]
    new = sides()
    both = [np.concatenate(pair) for pair in zip((x, y), new, strict=True)]
    seen = np.arange(2 * len(x)) < len(x)
    return within[0], within[1], accuracy(both[0], both[1], seen & (np.arange(len(seen)) % 5 > 0), ~seen)


def accuracy(x: Array, y: Array, fit: NDArray[np.bool_], held: NDArray[np.bool_]) -> float:
    """Share of the held rows on the right side of a linear discriminant of the fitted ones."""
    means = x[fit].mean(axis=0), y[fit].mean(axis=0)
    within = np.cov(x[fit].T) + np.cov(y[fit].T)
    normal = np.linalg.solve(within, means[1] - means[0])
    cut = (means[0] + means[1]) @ normal / 2
    return float(((x[held] @ normal < cut).mean() + (y[held] @ normal > cut).mean()) / 2)


def main() -> None:
    """Write all tables into the page."""
    text = PAGE.read_text(encoding="utf-8")
    tables = {"scenes": scene_table, "coverage": coverage_table, "differences": difference_table, "folds": fold_table}
    for name, make in tables.items():
        before, rest = text.split(f"<!-- {name} -->\n", 1)
        text = f"{before}<!-- {name} -->\n\n{make()}\n\n<!-- end -->{rest.split('<!-- end -->', 1)[1]}"
    write_text(PAGE, text)


if __name__ == "__main__":
    main()
