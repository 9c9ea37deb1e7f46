import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from gapkit.bridges import Bridge, make_bridge
from gapkit.comparison import StudyConfig, read_config
from gapkit.comparison.splits import unit_pairs
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import GapkitError, InputError
from gapkit.space import Choice, Range, Space
from gapkit.tuning import TuningResult, choose, frontier, tune_bridge
from gapkit.tuning.parts import tuning_parts
from gapkit.tuning.scoring import Yardstick
from gapkit.tuning.writing import to_toml

Kind = type[Bridge]
Add = Callable[[str, Kind], None]
TIMES = ("started", "finished", "digest")


class Notes:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.trials: dict[str, str] = {}
        self.messages: list[str] = []
        self.total = 0

    def start(self, total: int) -> None:
        self.total = total

    def begin(self, label: str) -> None:
        assert label not in self.trials

    def step(self, done: int, total: int, note: str) -> None:
        assert 0 < done <= total

    def advance(self, label: str, note: str) -> None:
        self.trials[label] = note

    def message(self, text: str) -> None:
        self.messages.append(text)


def _numbers(result: TuningResult) -> pd.DataFrame:
    return result.frame.drop(columns="seconds")


def _same(one: TuningResult, two: TuningResult) -> None:
    pd.testing.assert_frame_equal(_numbers(one), _numbers(two), check_exact=True)
    assert (one.best.number, one.enough, one.chosen) == (two.best.number, two.enough, two.chosen)


def test_the_first_trial_is_the_defaults_and_every_score_is_that_of_the_bridge(
    pairs: PairedEmbeddings, toy: Kind
) -> None:
    result = tune_bridge(pairs, "toy", trials=5, seeds=2)
    assert result.default.params == {"share": 0.5, "noise": 0.1, "sign": 1}
    parts = tuning_parts(pairs, StudyConfig(bridges=("toy",), device="cpu"))
    yardstick = Yardstick.of(parts.scoring, seed=0)
    for trial in (trial for trial in result.trials if trial.complete):
        bridges = [make_bridge("toy", **trial.params, random_state=seed) for seed in (0, 1)]
        moved = [b.fit(parts.fit.source, parts.fit.target).transform(parts.scoring.source) for b in bridges]
        score = yardstick.score(moved)
        assert (trial.closure, trial.kept, trial.metrics) == (score.closure, score.kept, score.metrics)


def test_the_choice_and_the_frontier(pairs: PairedEmbeddings, toy: Kind) -> None:
    result = tune_bridge(pairs, "toy", trials=10, keep=0.9)
    frame = result.frame
    assert (result.best, result.enough) == choose(result.trials, 0.9)
    assert result.enough
    able = frame[(frame["state"] == "complete") & (frame["kept"] >= 0.9)]
    assert result.best.closure == able["closure"].max()
    assert result.best.closure > result.default.closure
    assert frame.loc[frame["chosen"], "number"].tolist() == [result.best.number]
    assert result.frontier["number"].tolist() == [t.number for t in frontier(result.trials)]
    assert result.frontier["frontier"].all()
    assert frame["frontier"].sum() == len(result.frontier)
    assert make_bridge("toy", **result.chosen).get_params()["share"] == result.best.params["share"]


def test_where_none_keeps_enough_it_says_so(pairs: PairedEmbeddings, toy: Kind, bridge_for_a_test: Add) -> None:
    class Lossy(toy):  # type: ignore[misc,valid-type]
        """Loses its way in every setting."""

        space: ClassVar[Space] = {"noise": Range(2.0, 3.0)}

        def __init__(self, share: float = 0.5, noise: float = 2.5, sign: int = 1, random_state: int = 0) -> None:
            super().__init__(share, noise, sign, random_state)

    bridge_for_a_test("lossy", Lossy)
    result = tune_bridge(pairs, "lossy", trials=4)
    assert not result.enough
    able = [trial for trial in result.trials if trial.kept >= result.default.kept]
    assert result.best.closure == max(trial.closure for trial in able)
    assert max(trial.kept for trial in able) < 0.95
    rule = "the highest closure of those that keep as much as the defaults"
    assert result.layout.notes[0].startswith(f"No trial keeps 0.95 of R@10. Chosen: trial {result.best.number}, {rule}")


def test_stopped_and_resumed_is_as_never_stopped(
    pairs: PairedEmbeddings, toy: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tune_bridge(pairs, "toy", trials=8, seed=3, out=tmp_path / "whole")
    real, fits = toy._fit, []

    def interrupted(self: Any, *given: Any) -> None:
        if len(fits) == stop:
            raise KeyboardInterrupt
        fits.append(1)
        real(self, *given)

    # Before anything is done, after the defaults, among the draws.
    for stop in (0, 1, 5):
        monkeypatch.setattr(toy, "_fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tune_bridge(pairs, "toy", trials=8, seed=3, out=tmp_path / "again")
        assert len(list((tmp_path / "again").glob("trials/*.json"))) == stop
    monkeypatch.setattr(toy, "_fit", real)
    notes = Notes()
    again = tune_bridge(pairs, "toy", trials=8, seed=3, out=tmp_path / "again", progress=notes)
    _same(again, whole)
    assert [note == "done before" for note in notes.trials.values()] == [True] * 5 + [False] * 3
    for name in ("tuned.toml", "frontier.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    timeless = [
        {k: v for k, v in json.loads((tmp_path / name / "tune.json").read_text()).items() if k not in TIMES}
        for name in ("again", "whole")
    ]
    assert timeless[0] == timeless[1]


def test_more_trials_go_on_and_fewer_are_the_first(
    pairs: PairedEmbeddings, toy: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tune_bridge(pairs, "toy", trials=6)
    few = tune_bridge(pairs, "toy", trials=3, out=tmp_path)
    assert [repr(replace(t, seconds=0)) for t in few.trials] == [repr(replace(t, seconds=0)) for t in whole.trials[:3]]
    _same(tune_bridge(pairs, "toy", trials=6, out=tmp_path), whole)

    def never(*_: Any) -> None:
        raise AssertionError("computed again")

    # A finished trial is never computed again, whatever is to be kept.
    monkeypatch.setattr(toy, "_fit", never)
    _same(tune_bridge(pairs, "toy", trials=3, out=tmp_path), few)
    assert tune_bridge(pairs, "toy", trials=6, keep=0.3, out=tmp_path).best.closure >= whole.best.closure


def test_a_broken_trial_is_computed_again(pairs: PairedEmbeddings, toy: Kind, tmp_path: Path) -> None:
    first = tune_bridge(pairs, "toy", trials=4, out=tmp_path)
    path = tmp_path / "trials" / "0002.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "closure": 1.0}))
    _same(tune_bridge(pairs, "toy", trials=4, out=tmp_path), first)


def test_another_seed_makes_another_search(pairs: PairedEmbeddings, toy: Kind) -> None:
    one, two = (tune_bridge(pairs, "toy", trials=2, seed=seed) for seed in (0, 1))
    assert one.trials[1].params != two.trials[1].params


def test_a_folder_of_another_search_is_refused(
    pairs: PairedEmbeddings,
    make_pairs: Callable[..., PairedEmbeddings],
    toy: Kind,
    bridge_for_a_test: Add,
    tmp_path: Path,
) -> None:
    bridge_for_a_test("twin", type("Twin", (toy,), {"__init__": toy.__init__}))
    tune_bridge(pairs, "toy", trials=2, out=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*.*")}
    common = {"trials": 2, "out": tmp_path}
    with pytest.raises(InputError, match=r"belongs to another search \(data content_hash: .* give another --out"):
        tune_bridge(make_pairs(seed=1), "toy", **common)
    with pytest.raises(InputError, match=r"another search \(search bridge: toy there, twin here\)"):
        tune_bridge(pairs, "twin", **common)
    with pytest.raises(InputError, match=r"another search \(search seed: 0 there, 1 here\)"):
        tune_bridge(pairs, "toy", seed=1, **common)
    with pytest.raises(InputError, match=r"another search \(search seeds: 1 there, 2 here\)"):
        tune_bridge(pairs, "toy", seeds=2, **common)
    with pytest.raises(InputError, match=r"another search \(space share: .*0.5.* here\)"):
        tune_bridge(pairs, "toy", space={"share": Range(0.0, 0.5)}, **common)
    toy.space = {key: what for key, what in toy.space.items() if key != "sign"}
    with pytest.raises(InputError, match=r"another search \(search parameters"):
        tune_bridge(pairs, "toy", **common)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.*")} == before


def test_a_folder_with_other_things_is_refused(pairs: PairedEmbeddings, toy: Kind, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{}")
    with pytest.raises(InputError, match="expected a new, empty or search folder, got one with other files"):
        tune_bridge(pairs, "toy", trials=1, out=tmp_path)


def test_a_trial_that_fails_says_why_and_the_search_goes_on(pairs: PairedEmbeddings, toy: Kind) -> None:
    notes = Notes()
    result = tune_bridge(pairs, "toy", trials=7, space={"share": Range(1.1, 1.5)}, progress=notes)
    failed = result.frame[result.frame["state"] == "failed"]
    assert 0 < len(failed) < 7
    assert set(failed["error"]) == {"share: too much"}
    assert failed[["closure", "kept", "cosine"]].isna().all(axis=None)
    assert not failed["frontier"].any()
    assert (failed["params_share"] > 1.3).all()
    assert sum(note == "failed: share: too much" for note in notes.trials.values()) == len(failed)
    assert f"7 trials ({len(failed)} failed)" in result.to_markdown()
    json.loads(result.to_json(), parse_constant=lambda _: pytest.fail("NaN"))


def test_any_failure_of_a_bridge_is_a_trial(pairs: PairedEmbeddings, bridge_for_a_test: Add) -> None:
    class Moody(Bridge):
        """Fails in its own ways."""

        needs_pairs = False
        space: ClassVar[Space] = {"mood": Choice(("nan", "raise", "zero", "good"))}

        def __init__(self, mood: str = "nan") -> None:
            self.mood = mood

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            if self.mood == "raise":
                raise ZeroDivisionError

        def _transform(self, source: Any) -> Any:
            return source * {"nan": float("nan"), "zero": 0.0}.get(self.mood, 1.0)

    bridge_for_a_test("moody", Moody)
    notes = Notes()
    result = tune_bridge(pairs, "moody", trials=9, progress=notes)
    by_mood = {trial.params["mood"]: trial for trial in result.trials}
    assert len(result.trials) == 4
    assert any("the search ends with 4" in message for message in notes.messages)
    assert "NaN" in by_mood["nan"].error
    assert by_mood["raise"].error == "ZeroDivisionError"
    assert "cosine is undefined" in by_mood["zero"].error
    # A default that failed stands in the table, and says why.
    assert result.best == by_mood["good"]
    assert "| 0 default | failed |" in result.to_markdown()

    Moody.space = {"mood": Choice(("nan", "raise"))}
    with pytest.raises(GapkitError, match=r"bridge 'moody': all 2 trials failed; the first: .*NaN"):
        tune_bridge(pairs, "moody", trials=2)


def test_what_each_fit_is_given(pairs: PairedEmbeddings, bridge_for_a_test: Add) -> None:
    seen = []

    class Watched(Bridge):
        """Tells what it saw."""

        space: ClassVar[Space] = {"steps": Range(1, 9), "width": Range(1, 9)}

        def __init__(self, steps: int = 3, width: int = 3) -> None:
            self.steps = steps
            self.width = width

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            seen.append((source, target, context))
            context.progress(1, 2, "half")

        def _transform(self, source: Any) -> Any:
            return source

    bridge_for_a_test("watched", Watched)
    result = tune_bridge(pairs, "watched", trials=3, seeds=5, steps=7, progress=Notes())
    # It has no random state: one fit a trial, whatever the seeds.
    assert len(seen) == 3
    unit = unit_pairs(pairs)
    train, scoring = unit.subset("train"), unit.subset("val")
    rows = {row.tobytes() for row in train.target}
    for source, target, context in seen:
        stop_source, stop_target = context.validation
        assert len(source) == len(target)
        assert len(target) + len(stop_target) == train.n_targets
        given = {row.numpy().tobytes() for row in target} | {row.numpy().tobytes() for row in stop_target}
        assert len(given) == train.n_targets
        np.testing.assert_allclose(
            np.sort(np.concatenate([target, stop_target]), axis=0), np.sort(train.target, axis=0), atol=1e-6
        )
        assert not given & {row.tobytes() for row in scoring.target}
        assert len(stop_source) == len(stop_target)
    assert len(rows) == train.n_targets
    assert all(set(trial.params) == {"width"} for trial in result.trials)
    assert result.chosen["steps"] == 7
    Watched.space = {"steps": Range(1, 9)}
    with pytest.raises(InputError, match="only steps are to be searched"):
        tune_bridge(pairs, "watched", trials=3, steps=7)


def test_the_test_split_is_never_looked_at(pairs: PairedEmbeddings, toy: Kind, tmp_path: Path) -> None:
    one = tune_bridge(pairs, "toy", trials=4, out=tmp_path)
    test = np.asarray(pairs.split) == "test"
    broken, shuffled = pairs.source.copy(), pairs.source.copy()
    broken[test] = np.nan
    shuffled[test] = shuffled[test][::-1]
    for other in (replace(pairs, source=broken), replace(pairs, source=shuffled), pairs.take(np.flatnonzero(~test))):
        _same(tune_bridge(other, "toy", trials=4), one)
        # It is the same search too.
        _same(tune_bridge(other, "toy", trials=4, out=tmp_path), one)


@pytest.mark.parametrize("split", [True, False])
def test_data_without_a_validation_split(
    make_pairs: Callable[..., PairedEmbeddings], toy: Kind, split: bool, tmp_path: Path
) -> None:
    pairs = make_pairs(split=split)
    notes = Notes()
    name = "dev" if split else "val"
    result = tune_bridge(pairs, "toy", trials=2, validation_split=name, out=tmp_path, progress=notes)
    assert any("held out to score" in m or "drawn 60% fit" in m for m in notes.messages)
    assert result.study["data"]["scoring_clips"] == (12 if split else 24)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "tyo"}, "unknown bridge 'tyo': did you mean toy"),
        ({"name": "identity"}, "declares no search space"),
        ({"trials": 0}, "trials: expected a whole number of at least 1, got 0"),
        ({"trials": True}, "trials: expected a whole number"),
        ({"keep": 0.0}, "keep: expected a share above 0 and at most 1, got 0.0"),
        ({"keep": 1.01}, "keep: expected a share"),
        ({"keep": float("nan")}, "keep: expected a share"),
        ({"seeds": 0}, "seeds: expected a whole number of at least 1"),
        ({"seed": -1}, "seed: expected a whole number of at least 0"),
        ({"device": "abacus"}, "device: expected one of this machine"),
        ({"space": {"shrae": Range(0, 1)}}, "did you mean share"),
        ({"validation_split": "train"}, "three different names"),
    ],
)
def test_wrong_input_leaves_no_folder(
    pairs: PairedEmbeddings, toy: Kind, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    arguments = {"name": "toy", "out": tmp_path / "out", **given}
    with pytest.raises(InputError, match=said) as caught:
        tune_bridge(pairs, **arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_files(pairs: PairedEmbeddings, toy: Kind, tmp_path: Path) -> None:
    result = tune_bridge(pairs, "toy", trials=6, keep=0.9, out=tmp_path)
    assert {p.name for p in tmp_path.iterdir() if not p.name.startswith(".")} == {
        "frontier.md", "trials", "trials.csv", "tune.json", "tuned.toml",
    }  # fmt: skip
    # A comparison reads the setting.
    study = StudyConfig(**read_config(tmp_path / "tuned.toml"))
    assert study.bridge_params("toy", 4) == {**result.chosen, "random_state": 4}
    assert tomllib.loads((tmp_path / "tuned.toml").read_text()) == {"bridges": {"toy": result.chosen}}
    table = pd.read_csv(tmp_path / "trials.csv", keep_default_na=True)
    np.testing.assert_array_equal(table["closure"], result.frame["closure"])
    assert table["chosen"].sum() == 1
    manifest = json.loads((tmp_path / "tune.json").read_text())
    assert manifest["data"]["content_hash"] == tuning_parts(pairs, study).content_hash
    assert manifest["chosen"]["params"] == result.chosen
    assert (manifest["keep"], manifest["trials"], manifest["search"]["seed"]) == (0.9, 6, 0)
    assert manifest["space"]["sign"] == [1, -1]
    assert {"optuna", "torch", "numpy"} <= set(manifest["packages"])
    assert manifest["started"] <= manifest["finished"]
    assert (tmp_path / "frontier.md").read_text() == result.to_markdown()


def test_how_it_shows_itself(pairs: PairedEmbeddings, toy: Kind) -> None:
    result = tune_bridge(pairs, "toy", trials=6, keep=0.9)
    markdown, html = result.to_markdown(), result._repr_html_()
    layout = result.layout
    assert layout.title == "toy on tiny: 6 trials (1 failed), fitted on 108 clips, scored on 40"
    names = [row[0] for row in layout.rows]
    assert names[0] == "before"
    assert f"{result.best.number} chosen" in names or result.best.number == 0
    assert any(name.startswith("0 default") for name in names)
    assert len(names) == 1 + len({0, *(t.number for t in frontier(result.trials))})
    chosen = next(row for row in layout.rows if "chosen" in row[0])
    for key, value in result.best.params.items():
        assert (f"{key}={json.dumps(value)}" in chosen[-1]) is (value != result.default.params[key])
    assert chosen[1].startswith(f"{result.best.closure:.3f}".lstrip("0"))
    for text in (markdown, html):
        assert "highest closure of those that keep at least 0.9 of R@10" in text
    assert len({line.count("|") for line in markdown.splitlines() if line.startswith("|")}) == 1
    assert repr(result).startswith("TuningResult('toy': 6 trials, chosen")
    content = json.loads(result.to_json())
    assert content["chosen"] == {"number": result.best.number, "params": result.chosen}
    assert content["frontier"] == result.frontier["number"].tolist()
    assert len(content["trials"]) == 6


def test_a_choice_with_odd_words_is_written_and_read(
    pairs: PairedEmbeddings, bridge_for_a_test: Add, tmp_path: Path
) -> None:
    words = ('a "b"\\', "ü→\U0001f600\x7f", "=1+1|x")

    class Odd(Bridge):
        """Has odd choices."""

        needs_pairs = False
        space: ClassVar[Space] = {"word": Choice(words), "flag": Choice((True, False)), "tiny": Range(1e-9, 1e-7)}

        def __init__(self, word: str = words[0], flag: bool | None = None, tiny: float = 1e-8) -> None:
            self.word = word
            self.flag = flag
            self.tiny = tiny

        def _fit(self, source: Any, target: Any, context: Any) -> None:
            self.shift_ = (0.3 + 0.2 * words.index(self.word)) * (target.mean(dim=0) - source.mean(dim=0))

        def _transform(self, source: Any) -> Any:
            return source + self.shift_

    bridge_for_a_test("odd.one", Odd)
    for number, keep in enumerate((0.1, 1.0)):
        result = tune_bridge(pairs, "odd.one", trials=3, keep=keep, out=tmp_path / str(number))
        wanted = {key: value for key, value in result.chosen.items() if value is not None}
        read = tomllib.loads((tmp_path / str(number) / "tuned.toml").read_text())
        assert tomllib.loads(to_toml(replace(result, study={"name": "a\x1bb"}))) == read
        assert read == {"bridges": {"odd.one": wanted}}
        assert tune_bridge(pairs, "odd.one", trials=3, keep=keep, out=tmp_path / str(number)).chosen == result.chosen
