import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapkit.encoders.manifest import Fault
from gapkit.encoders.pipeline import _as_csv
from gapkit.files.csv_cells import csv_text, guarded, original
from gapkit.tuning.result import TuningResult
from gapkit.tuning.trials import Trial

STARTS = ["=", "+", "-", "@", "\t=", "\r=", "\n=", "＝", "＋", "－", "＠", "'=", "''@"]


@given(st.text(alphabet=st.sampled_from("=+-@\t\r\n'\"＝＋－＠a, "), max_size=6) | st.text())
def test_what_is_read_back_is_the_original(text: str) -> None:
    assert original(guarded(text)) == text


@pytest.mark.parametrize("start", STARTS)
def test_no_cell_begins_a_formula(start: str) -> None:
    assert guarded(f"{start}1+1") == f"'{start}1+1"
    assert guarded(f"a{start}") == f"a{start}"


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_a_file_reads_back(rows: list[tuple[str, str]]) -> None:
    read = list(csv.reader(io.StringIO(csv_text(("id", "caption"), rows), newline=""), strict=True))
    assert [tuple(map(original, row)) for row in read[1:]] == rows


def test_a_lone_carriage_return_ends_no_line() -> None:
    assert csv_text(("id", "caption"), [("a", "rain\rthunder"), ("b", "wind")]) == (
        'id,caption\n"a","rain\rthunder"\nb,wind\n'
    )


@pytest.mark.parametrize("start", STARTS)
def test_failures_of_an_embedding(start: str) -> None:
    evil = f'{start}cmd|"/c calc"!A0'
    rows = list(csv.reader(io.StringIO(_as_csv([Fault(evil, evil, evil)]), newline="")))
    assert all(cell.startswith("'") for cell in (rows[1][0], rows[1][1], rows[1][3]))
    assert [original(cell) for cell in rows[1]] == [evil, evil, "no", evil]


@pytest.mark.parametrize("start", STARTS)
def test_trials_of_a_search(start: str) -> None:
    from gapkit.space import Choice

    evil = f"{start}1+1"
    trials = (Trial(0, {"kind": evil}, 0.5, 1.0), Trial(1, {"kind": "a"}, error=evil))
    found = TuningResult("ridge", trials, trials[0], True, 0.9, {"kind": Choice((evil, "a"))}, {}, {}, ())
    rows = list(csv.DictReader(io.StringIO(found.to_csv(), newline="")))
    assert original(rows[0]["params_kind"]) == original(rows[1]["error"]) == evil
    assert rows[0]["params_kind"].startswith("'")
    assert rows[1]["error"].startswith("'")
    assert float(rows[0]["closure"]) == 0.5
