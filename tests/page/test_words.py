"""The answer in words says what the table says, and no more."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gapkit.comparison import open_run
from gapkit.errors import InputError
from gapkit.page.words import answers, question
from gapkit.report import Column, Entry, Row, Table

COSINE = Column("cosine", "Paired cosine", "closure", "higher", 1.0, (-1.0, 1.0))
RECALL = Column("recall@10", "R@10", "preservation", "higher", 1.0, (0.0, 1.0))


def _table(anchors, bridges, columns=(COSINE, RECALL)):
    rows = {
        block: tuple(Row(name, tuple(Entry(v) for v in values)) for name, values in own.items())
        for block, own in (("anchor", anchors), ("paired", bridges))
    }
    return Table(columns, rows)


def _results(apart=None, verdicts=None):
    """Differences and tests as the results of a study give them."""

    def difference(*_):
        if apart is None:
            raise InputError("no draws")
        return SimpleNamespace(value=sum(apart) / 2, low=apart[0], high=apart[1])

    def tests(against, metrics, *, bridges):
        if verdicts is None:
            raise InputError("no draws")
        p = [np.nan if v is None else 0.01 for v in verdicts.values()]
        return pd.DataFrame({"bridge": list(verdicts), "p_holm": p, "verdict": [v or "" for v in verdicts.values()]})

    return SimpleNamespace(difference=difference, tests=tests)


def test_the_first_is_named_with_how_sure_that_is() -> None:
    table = _table({"identity": (0.5, 0.4)}, {"a": (0.7, 0.3), "b": (0.8, 0.2)})
    told = dict(answers(_results((-0.01, 0.03)), table))
    assert told["The gap"] == "Without a bridge: paired cosine .500."
    assert told["Closest"] == (
        "b comes nearest: paired cosine .800; without a bridge it is .500. Next is a, .700; on the same clips the "
        "difference is .010 [-.010, .030], which may be chance."
    )
    assert told["Kept"].startswith("a keeps most: R@10 .300")
    assert told["Both"].endswith("Not beaten on both by any other: b and a.")
    sure = dict(answers(_results((0.01, 0.03)), table))
    assert "chance" not in sure["Closest"]
    assert "Price" not in told


def test_one_that_is_ahead_on_both_and_the_warning_of_the_anchor() -> None:
    table = _table({"identity": (0.5, 0.4), "collapse": (0.75, 0.01)}, {"a": (0.7, 0.1), "b": (0.8, 0.2)})
    told = dict(answers(_results(verdicts={"a": "worse", "b": ""}), table))
    assert told["Both"] == "b is ahead on both paired cosine and R@10."
    assert told["Beware"].endswith("reads .750, nearer than 1 of 2 bridges, at R@10 .010.")
    assert told["Price"].startswith("R@10 is worse than without a bridge for a; not measurably different for b")


def test_better_is_lower_where_the_metric_says_so() -> None:
    distance = Column("centroid-distance", "Centroid distance", "closure", "lower", 0.0, (0.0, 2.0))
    table = _table({}, {"a": (0.7,), "b": (0.2,)}, (distance,))
    assert dict(answers(_results(), table)) == {"Closest": "b comes nearest: centroid distance .200. Next is a, .700."}


@pytest.mark.parametrize("bridges", [{}, {"a": (np.nan, np.nan)}, {"a": (0.7, 0.3)}])
def test_few_or_no_bridges_say_less(bridges) -> None:
    told = dict(answers(_results(), _table({"identity": (0.5, 0.4)}, bridges)))
    assert "Both" not in told
    assert ("Closest" in told) == (bridges.get("a", (np.nan,))[0] == 0.7)


def test_the_question_counts_the_bridges() -> None:
    assert question("x", 1000, ["ridge"], "caption").startswith(
        "How near does ridge bring 1,000 clips of x to their ca"
    )
    assert question("x", 5, [], "target") == "How far apart are 5 clips of x and their targets?"
    assert "each of 2 bridges" in question("x", 3, ["a", "b"], "target")


def test_a_study_is_told_with_its_own_numbers(study) -> None:
    results = open_run(study).results
    told = dict(answers(results, results.table()))
    best = results.pivot().loc[["procrustes", "ddbm"], "cosine"]
    assert told["Closest"].startswith(
        f"{best.idxmax()} comes nearest: paired cosine {best.max():.3f}".replace(" 0.", " .")
    )
    assert "Holm" in told["Price"]
