"""Every notebook runs in a process of its own, leaves nothing behind, and what it says of its numbers holds."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
PROBE = Path(__file__).with_name("notebook_probe.py")
CPU_SECONDS = 60
OKABE_ITO = {"#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"}


@dataclass(frozen=True)
class Run:
    """What a notebook printed, left and did."""

    done: subprocess.CompletedProcess[str]
    out: Path
    left: list[str]

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.out / "facts.json").read_text())
        return facts


@pytest.fixture(scope="session")
def run_notebook(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Run]:
    runs: dict[Path, Run] = {}

    def run(notebook: Path) -> Run:
        if notebook not in runs:
            home = tmp_path_factory.mktemp(notebook.stem)
            cwd, temporary, out = home / "cwd", home / "tmp", home / "out"
            for folder in (cwd, temporary, out):
                folder.mkdir()
            quiet = {"MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
            found = {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "TMPDIR": str(temporary)}
            strict = ["-W", "error", "-W", "ignore:Please use the new API settings:UserWarning"]
            command = [sys.executable, *strict, str(PROBE), str(notebook), str(ROOT), str(out)]
            done = subprocess.run(command, cwd=cwd, env=os.environ | quiet | found, capture_output=True, text=True)
            runs[notebook] = Run(done, out, sorted(p.name for folder in (cwd, temporary) for p in folder.iterdir()))
        return runs[notebook]

    return run


@pytest.fixture
def facts_of(run_notebook: Callable[[Path], Run]) -> Callable[[str], dict[str, Any]]:
    def facts(name: str) -> dict[str, Any]:
        run = run_notebook(ROOT / "docs" / "notebooks" / f"{name}.py")
        assert run.done.returncode == 0, run.done.stderr
        return run.facts

    return facts


@pytest.fixture
def facts(facts_of: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    return facts_of("bridges")


def cells(notebook: Path) -> list[tuple[str, str]]:
    """Kind (code, markdown) and text of each cell of a percent script."""
    parts = re.split(r"^# %%(.*)\n", notebook.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert parts[0] == "", "text before the first cell"
    kinds = ["markdown" if "[markdown]" in head else "code" for head in parts[1::2]]
    return list(zip(kinds, parts[2::2], strict=True))


def bridge_cell() -> str:
    (cell,) = [text for kind, text in cells(ROOT / "docs/notebooks/bridges.py") if "@register_bridge" in text]
    return cell


def test_there_are_notebooks_and_they_are_linked() -> None:
    assert NOTEBOOKS
    assert "(docs/notebooks/bridges.py)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(notebooks/bridges.py)" in (ROOT / "docs" / "bridges.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_leaves_nothing_behind(notebook: Path, run_notebook: Callable[[Path], Run]) -> None:
    run = run_notebook(notebook)
    assert run.done.returncode == 0, run.done.stderr
    assert run.done.stderr == ""
    assert run.done.stdout
    assert run.facts["written"] == []
    # torch may make a cache of its own in the temporary folder.
    assert [name for name in run.left if not name.startswith("torchinductor")] == []
    assert run.facts["cpu_seconds"] < CPU_SECONDS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_cells_are_whole(notebook: Path) -> None:
    kinds = [kind for kind, _ in cells(notebook)]
    assert kinds[0] == "markdown"
    assert {"code", "markdown"} == set(kinds)
    for kind, text in cells(notebook):
        if kind == "code":
            assert ast.parse(text).body
        else:
            assert all(line.startswith("#") for line in text.strip().splitlines())


def test_both_bridges_close_the_gap_and_cca_loses_retrieval(facts: dict[str, Any]) -> None:
    before = facts["measured"]["before"]
    for name in ("cca", "diffusion-link"):
        after = facts["measured"][name]
        assert after["cosine"] > before["cosine"]
        assert after["centroid-distance"] < 0.1 * before["centroid-distance"]
        assert after["mmd"] < 0.1 * before["mmd"]
        assert after["separability"] - 0.5 < 0.5 * (before["separability"] - 0.5)
    assert facts["lost_by_cca"][2] < 0
    # The study measures what the cells above measured.
    for name, row in (("identity", "before"), ("cca", "cca"), ("diffusion-link", "diffusion-link")):
        assert facts["table"][name] == pytest.approx(facts["measured"][row], abs=1e-5)


def test_the_trajectory_is_what_the_words_say(facts: dict[str, Any], run_notebook: Callable[[Path], Run]) -> None:
    assert facts["default_states"] == 3
    clouds = np.load(run_notebook(ROOT / "docs/notebooks/bridges.py").out / "clouds.npz")
    states = clouds["states"]
    assert len(states) == len(facts["on_the_way"]) == 6
    np.testing.assert_allclose(states[0], clouds["source"], atol=2e-3)  # the file is float16, the state of length one
    np.testing.assert_array_equal(states[-1], clouds["answer"])
    gap = [row["centroid-distance"] for row in facts["on_the_way"]]
    assert gap[0] - gap[1] > 0.9 * (gap[0] - gap[-1])
    cosines = [row["cosine"] for row in facts["on_the_way"]]
    assert cosines == sorted(cosines)
    assert cosines[-1] - cosines[1] > 0.01


def test_the_figure_shows_clouds_and_ways_in_one_plane(
    facts: dict[str, Any], run_notebook: Callable[[Path], Run]
) -> None:
    clouds = np.load(run_notebook(ROOT / "docs/notebooks/bridges.py").out / "clouds.npz")
    states, target, shown = clouds["states"].astype(float), clouds["target"].astype(float), facts["shown"]
    # An independent PCA: singular vectors of everything together. The sign of an axis is free.
    everything = np.concatenate([*states, target])
    _, spread, axes = np.linalg.svd(everything - everything.mean(axis=0), full_matrices=False)
    share = spread**2 / (spread**2).sum()
    planar = [(cloud - everything.mean(axis=0)) @ axes[:2].T for cloud in (*states, target)]
    whole, near = facts["figure"]["axes"]
    signs = np.sign(np.sum(np.array(whole["points"][0]["at"]) * planar[0], axis=0))
    way, captions = np.stack(planar[:-1]) * signs, planar[-1] * signs

    gap = target.mean(axis=0) - states[0].mean(axis=0)
    assert abs(axes[0] @ gap) > 0.95 * np.linalg.norm(gap)
    assert share[:2].sum() == pytest.approx(0.2, abs=0.05)
    for panel in (whole, near):
        assert panel["x"].startswith(f"PC 1, {share[0]:.0%}")
        assert panel["y"].startswith(f"PC 2, {share[1]:.0%}")
        assert panel["title"]
    expected = {"drawings before (source)": way[0], "captions (target)": captions, "drawings after": way[-1]}
    assert [cloud["label"] for cloud in whole["points"]] == list(expected)
    assert [cloud["label"] for cloud in near["points"]] == list(expected)[1:]
    for cloud in (*whole["points"], *near["points"]):
        np.testing.assert_allclose(cloud["at"], expected[cloud["label"]], atol=1e-4)

    assert len(set(shown)) == len(shown) == 8
    for line, clip in zip(whole["lines"], shown, strict=True):
        np.testing.assert_allclose(line["at"], way[:, clip], atol=1e-4)
    moves, entries, rests = near["lines"][:8], near["lines"][8], near["lines"][9:]
    np.testing.assert_allclose(entries["at"], way[1, shown], atol=1e-4)
    for move, rest, clip in zip(moves, rests, shown, strict=True):
        np.testing.assert_allclose(move["at"], way[1:, clip], atol=1e-4)
        np.testing.assert_allclose(rest["at"], [way[-1, clip], captions[clip]], atol=1e-4)
        assert (move["style"], rest["style"]) == ("-", ":")
    ways = ["a drawing on its way", "entry", "from answer to own caption"]
    assert facts["figure"]["legend"] == [*expected, *ways]


def test_the_clouds_are_told_apart_without_colour(facts: dict[str, Any]) -> None:
    points = facts["figure"]["axes"][0]["points"]
    colours = {"#" + "".join(f"{round(255 * part):02X}" for part in cloud["colour"]) for cloud in points}
    assert len(colours) == len(points)
    assert colours <= OKABE_ITO
    assert len({json.dumps(cloud["marker"]) for cloud in points}) == len(points)


def test_the_new_bridge_has_twenty_lines_at_most() -> None:
    cell = bridge_cell()
    (cls,) = [node for node in ast.parse(cell).body if isinstance(node, ast.ClassDef)]
    assert cls.end_lineno is not None
    # The class as it stands, its decorator and blank lines included; and all code of the cell, imports included.
    assert cls.end_lineno - cls.decorator_list[0].lineno + 1 <= 20
    assert sum(bool(line.strip()) for line in cell.splitlines()) <= 20
    assert ast.get_docstring(cls)


def test_the_new_bridge_is_saved_loaded_and_chosen_on_val(facts: dict[str, Any]) -> None:
    assert facts["loaded"] == "LocalShift"
    assert facts["same"] is True
    assert str(facts["default_k"]) == max(facts["choices"], key=facts["choices"].get)


def test_the_study_says_what_the_words_say(facts: dict[str, Any]) -> None:
    assert facts["failures"] == []
    assert {"identity", "oracle-target", "c3", "memory", "cca", "local-shift", "diffusion-link"} <= set(facts["table"])
    low = {key: interval[1] for key, interval in facts["differences"].items()}
    assert low["c3 cosine"] > 0
    assert low["c3 recall@10"] > 0
    assert low["cca recall@10"] > 0
    _, under, over, *_ = facts["differences"]["c3 separability"]
    assert under < 0 < over


def test_the_cell_of_the_bridge_is_a_plugin(tmp_path: Path) -> None:
    (words,) = [text for _, text in cells(ROOT / "docs/notebooks/bridges.py") if "```toml" in text]
    toml = re.sub(r"^# ?", "", words, flags=re.MULTILINE).split("```toml\n")[1].split("```")[0]
    points = tomllib.loads(toml)["project"]["entry-points"]
    module = tmp_path / (points["gapkit.bridges"]["local-shift"].split(":")[0].replace(".", "/") + ".py")
    module.parent.mkdir()
    (module.parent / "__init__.py").write_text("")
    module.write_text(bridge_cell(), encoding="utf-8")
    info = tmp_path / "my_package-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 0.1\n")
    listed = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in names.items()) for group, names in points.items()]
    (info / "entry_points.txt").write_text("\n".join(listed))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT), *sys.path])}
    command = [sys.executable, "-m", "gapkit", "list", "bridges", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (row,) = [row for row in json.loads(done.stdout) if row["name"] == "local-shift"]
    assert row["package"] == "my-package"
    assert row["what"].startswith("Moves each row by the mean gap")


def test_measuring_says_what_the_words_say(facts_of: Callable[[str], dict[str, Any]]) -> None:
    facts = facts_of("measure_a_gap")
    assert facts["errors"] == []
    assert not [text for text in facts["messages"] if "'train'" in text and "'test'" in text]
    cosines = facts["cosines"]
    inside = min(cosines["sound and another sound"], cosines["caption and another caption"])
    assert inside > cosines["sound and own caption"] > cosines["sound and another's caption"]
    value = {name: row[0] for name, row in facts["measured"].items()}
    assert value["cosine"] == pytest.approx(cosines["sound and own caption"], abs=1e-4)
    assert value["separability"] == 1
    assert value["knn-mixing"] == pytest.approx(1, abs=1e-3)
    assert abs(value["residual-mmd"]) < 0.01 * value["mmd"]
    assert facts["measured"]["residual-separability"][1] > 0.8
    for name, (mean, spread) in facts["floor"].items():
        assert value[name] - mean > 10 * spread
    observed, largest, p = facts["relabelled"]
    assert observed > 10 * largest
    assert p == pytest.approx(1 / 1001)
    assert facts["likeness"][0] > 2 * facts["likeness"][1]
    consistency, orthogonality, chance = facts["direction"]
    assert consistency > 0.95
    assert orthogonality < chance
    after = facts["after"]
    assert after["centroid-distance"][0] < 0.2 * value["centroid-distance"]
    assert after["separability"][1] > 0.5
    assert after["residual-cosine"][0] == pytest.approx(value["residual-cosine"], abs=0.002)
    assert after["recall@10"][0] < value["recall@10"]


def test_the_histogram_is_labelled(facts_of: Callable[[str], dict[str, Any]]) -> None:
    facts = facts_of("measure_a_gap")
    (axis,) = facts["figure"]["axes"]
    assert (axis["x"], axis["y"]) == ("cosine", "density")
    assert facts["bins"] == [142, 142, 142, 142]  # outlines of 70 bins


def test_comparing_says_what_the_words_say(facts_of: Callable[[str], dict[str, Any]]) -> None:
    facts = facts_of("compare_bridges")
    table = facts["table"]
    assert table["collapse"]["cosine"] > table["mean-shift"]["cosine"]
    assert table["collapse"]["recall@10"] == pytest.approx(10 / 284, abs=1e-6)
    assert table["c3"]["mmd"] < table["random-target"]["mmd"] < table["ridge"]["mmd"]
    assert table["random-target"]["recall@10"] < 0.05
    assert table["mean-shift"]["residual-cosine"] == pytest.approx(table["identity"]["residual-cosine"], abs=1e-3)
    # Nobody but the oracle keeps retrieval and closes the gap.
    bridges = ("c3", "memory", "cca", "procrustes", "ridge")
    assert all(table[name]["recall@10"] < table["identity"]["recall@10"] < 0.6 for name in bridges)
    assert all(table[name]["cosine"] < 0.9 for name in bridges)
    assert len(facts["tests"]) == 15
    assert {row["verdict"] for row in facts["tests"]} == {"better", "worse", ""}
    assert 15 * 2 / 201 > 0.05
    assert facts["pair"][0] == pytest.approx(table["cca"]["recall@10"] - table["procrustes"]["recall@10"])
    assert {"ridge", "ridge [weak]", "ridge [strong]"} <= set(facts["merged"])
    assert facts["merged"]["ridge"] == table["ridge"]
    assert facts["shown"] == ["identity", "c3", "memory", "cca", "procrustes", "ridge"]


def test_the_scatter_shows_the_table(facts_of: Callable[[str], dict[str, Any]]) -> None:
    facts = facts_of("compare_bridges")
    table = {name: row for name, row in facts["table"].items() if name != "target-split-half"}
    for axis, names, metric in zip(facts["figure"]["axes"], facts["names"], ("cosine", "mmd"), strict=True):
        assert names == list(table)
        dots = [line["at"] for line in axis["lines"] if len(line["at"]) == 1]
        expected = [[table[name][metric], table[name]["recall@10"]] for name in names]
        assert np.allclose(np.array(dots)[:, 0], expected)


def test_the_refusal_is_printed(run_notebook: Callable[[Path], Run]) -> None:
    said = run_notebook(ROOT / "docs/notebooks/compare_bridges.py").done.stdout
    assert "refused: merge: ridge has other parameters, alpha is loo in .../study and 1.0 in .../weak" in said
    assert "\\begin{table}" in said


def test_the_paper_figure_and_its_caption(facts_of: Callable[[str], dict[str, Any]]) -> None:
    facts = facts_of("paper_figure")
    assert facts["titles"] == ["(a) before any bridge", "(b) procrustes", "(c) flow", "(d)", "(e)"]
    assert facts["inches"] == [7.2, 5.0]
    assert facts["same"] is True
    value = {(row["cloud"], row["metric"]): row["value"] for row in facts["numbers"]}
    for name in ("procrustes", "flow"):
        closed = 1 - value[name, "centroid-distance"] / value["source", "centroid-distance"]
        assert f"{name} closes {closed:.0%} of the distance" in facts["caption"]
        assert f"R@10 {value[name, 'recall@10']:.3f}".replace("0.", ".") in facts["caption"]
    # Pairs and strangers go to the right, and their distance hardly grows.
    (own, strangers), *after = facts["means"]
    assert own == pytest.approx(value["source", "cosine"], abs=1e-4)
    for moved, others in after:
        assert min(moved - own, others - strangers) > 0.15
        assert abs((moved - others) - (own - strangers)) < 0.03
