import csv
import io

import pandas as pd

from gapkit.report import Column, build_table, to_csv


def _rows(summary: pd.DataFrame, columns: tuple[Column, ...]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(build_table(summary, columns)))))


def test_every_digit_in_the_units_of_the_metric(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    rows = {row["bridge"]: row for row in _rows(summary, columns)}
    assert list(rows) == ["oracle", "a_b", "c|d", "e&f", "bad_one"]
    assert (rows["c|d"]["block"], float(rows["c|d"]["cosine"]), float(rows["c|d"]["mmd"])) == (
        "paired", 0.80004, -0.0004,
    )  # fmt: skip
    assert (rows["a_b"]["mmd_low"], rows["a_b"]["mmd_high"]) == ("0.003", "0.005")
    assert (rows["a_b"]["separability_low"], rows["a_b"]["spread"]) == ("", "")
    assert rows["bad_one"]["error"] == "failed: 100% of <rows> & more_of_it"


def test_no_text_is_a_formula(summary: pd.DataFrame, columns: tuple[Column, ...]) -> None:
    odd = summary.assign(bridge=summary["bridge"].replace({"a_b": '=HYPERLINK("x")', "c|d": "a\nb,c"}))
    assert [row["bridge"] for row in _rows(odd, columns)][1:3] == ['\'=HYPERLINK("x")', "a b,c"]
