from collections.abc import Callable

import pytest

from gapkit.comparison import Results

Made = Callable[..., Results]


def _marked(results: Results, metric: str) -> set[str]:
    table = results.table()
    place = [column.name for column in table.columns].index(metric)
    return {row.name for rows in table.blocks.values() for row in rows if row.entries[place].marked}


def _cosines(**values: float) -> dict[str, dict[str, float]]:
    return {name.replace("_", "-"): {"cosine": value} for name, value in values.items()}


def test_every_row_that_cannot_be_told_from_the_best_is_marked(made: Made) -> None:
    results = made(_cosines(identity=0.3, oracle_target=1.0, c3=0.700, ridge=0.702, cca=0.6))
    assert _marked(results, "cosine") == {"c3", "ridge"}


@pytest.mark.parametrize(
    "values",
    [
        {"c3": 0.700, "ridge": 0.702, "cca": 0.699},  # nothing can be told apart
        {"ridge": 0.7},  # no rival
        {"c3": 0.7, "ridge": 0.7, "cca": 0.7},  # all equal
    ],
)
def test_where_nothing_can_be_told_apart_nothing_is_marked(made: Made, values: dict[str, float]) -> None:
    assert _marked(made(_cosines(identity=0.3, **values)), "cosine") == set()


def test_without_draws_nothing_is_marked(made: Made) -> None:
    assert _marked(made(_cosines(identity=0.3, c3=0.7, ridge=0.2), draws=False), "cosine") == set()


@pytest.mark.parametrize("metric", ["centroid-distance", "residual-mmd", "separability"])
def test_none_below_the_floor_is_better_than_another(made: Made, metric: str) -> None:
    floor = {"centroid-distance": 0.1, "residual-mmd": 0.0001, "separability": 0.55}[metric]
    below = {"c3": floor - 0.03, "ridge": floor - 0.0602, "cca": floor - 0.01}
    rows = {
        "identity": {metric: 0.9},
        "target-split-half": {metric: floor},
        **{k: {metric: v} for k, v in below.items()},
    }
    assert _marked(made(rows, spread=0.0001), metric) == set()
    worse = {**rows, "cca": {metric: floor + 0.2}}
    assert _marked(made(worse, spread=0.0001), metric) == {"c3", "ridge"}


@pytest.mark.parametrize(("values", "why"), [((0.05, 0.02, 0.05), "chance"), ((0.995, 0.992, 0.999), "ceiling")])
def test_none_is_marked_where_all_are_at_chance_or_at_the_ceiling(
    made: Made, values: tuple[float, ...], why: str
) -> None:
    recalls = dict(zip(("identity", "c3", "ridge"), values, strict=True))
    rows = {name: {"recall@10": value} for name, value in recalls.items()} | {"oracle-target": {"recall@10": 1.0}}
    assert _marked(made(rows, spread=0.0004, n=200), "recall@10") == set(), why


def test_chance_stands_in_the_heading_and_a_ceiling_below_one(made: Made) -> None:
    rows = {"identity": {"recall@10": 0.5, "cosine": 0.3}, "oracle-target": {"recall@10": 0.9, "cosine": 0.9}}
    table = made(rows).table()
    notes = {column.name: column.note for column in table.columns}
    assert notes == {"cosine": (), "recall@10": ("chance .050", "ceiling .900")}
    full = made({**rows, "oracle-target": {"recall@10": 1.0, "cosine": 0.9}}).table()
    assert full.columns[-1].note == ("chance .050",)
