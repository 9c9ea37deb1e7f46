import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Cli = Callable[..., Any]


@pytest.fixture(scope="module")
def study(arrays: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from gapkit.comparison import StudyConfig, run_study
    from gapkit.files import load_pairs

    root = tmp_path_factory.mktemp("plot")
    np.savez(root / "tiny.npz", **arrays)
    metrics = ("cosine", "centroid-distance", "recall@10")
    bridges = ("mean-shift", "diffusion-link")
    config = StudyConfig(bridges=bridges, metrics=metrics, seeds=1, steps=2, threads=1, n_resamples=20)
    run_study(load_pairs(root / "tiny.npz"), config, out=root / "study")
    return root / "study"


def _refused(answer: Any, said: str, code: int = 2) -> None:
    assert answer.code == code
    assert said in answer.err
    assert answer.err.startswith("gapkit: error: ")
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_a_figure_of_a_study(cli: Cli, study: Path, tmp_path: Path) -> None:
    answer = cli("plot", "migration", study, "-o", tmp_path / "deep" / "m.svg", "--bridges", "mean-shift")
    assert answer.code == 0, answer.err
    assert answer.out == ""
    assert answer.err.splitlines()[-1] == f"gapkit: written to {tmp_path / 'deep' / 'm.svg'}"
    text = (tmp_path / "deep" / "m.svg").read_text()
    assert "mean-shift" in text
    assert "diffusion-link" not in text
    quiet = cli("plot", "cosines", study, "-o", tmp_path / "c.png", "-q")
    assert (quiet.code, quiet.err) == (0, "")


@pytest.mark.parametrize("name", ["m.png", "m.gif"])
def test_the_data_of_a_study_may_lie_elsewhere(
    cli: Cli, arrays: dict[str, np.ndarray], study: Path, tmp_path: Path, name: str
) -> None:
    moved, pairs = tmp_path / "sent", tmp_path / "here.npz"
    shutil.copytree(study, moved)
    manifest = moved / "manifest.json"
    content = json.loads(manifest.read_text())
    content["input"]["meta"]["opened"]["path"] = str(tmp_path / "gone.npz")
    del content["digest"]
    manifest.write_text(json.dumps(content))
    np.savez(pairs, **arrays)
    command = ("plot", "migration", moved, "--bridges", "diffusion-link", "-q", "-o", tmp_path / name)
    _refused(cli(*command), "gone.npz: cannot be opened")
    assert cli(*command, "--pairs", pairs).code == 0
    assert (tmp_path / name).exists()


def test_a_figure_of_embeddings_and_its_default_name(
    cli: Cli, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli("plot", "axis", npz).code == 0
    assert (tmp_path / "axis.pdf").read_bytes().startswith(b"%PDF")


def test_a_moving_picture_tells_how_far_it_is(cli: Cli, study: Path, tmp_path: Path) -> None:
    answer = cli("plot", "migration", study, "-o", tmp_path / "m.gif", "--dpi", 160)
    assert answer.code == 0, answer.err
    with Image.open(tmp_path / "m.gif") as picture:
        assert (picture.format, picture.size) == ("GIF", (640, 672))


def test_the_same_call_gives_the_same_file(cli: Cli, study: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        cli("plot", "migration", study, "-o", tmp_path / f"{name}.pdf", "-q")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["migratoin", "STUDY"], "expected one of migration, steps, arrows, path, cosines, similarity"),
        (["migration", "STUDY", "-o", "m.jpg"], "m.jpg: expected a name that ends in .pdf, .svg, .png"),
        (["migration", "STUDY", "-o", "m.png", "--font", "Nope Sans"], "font 'Nope Sans': not installed"),
        (["migration", "STUDY", "-o", "m.png", "--projection", "mds"], "expected one of pca, umap, tsne, lda, gap"),
        (["migration", "STUDY", "-o", "m.png", "--bridges", "rigde"], "holds no fitted bridge 'rigde'"),
        (["migration", "STUDY", "-o", "m.png", "--dataset", "sfx"], "a study knows its data"),
        (["migration", "STUDY", "-o", "m.png", "--pairs", "gone.npz"], "gone.npz: cannot be opened"),
        (["migration", "PAIRS", "-o", "m.png", "--pairs", "PAIRS"], "--pairs: goes with the folder of a study"),
        (["steps", "STUDY", "-o", "m.png", "--bridges", "mean-shift"], "moves in one go"),
        (["cosines", "STUDY", "-o", "m.gif"], "only migration moves"),
        (["frontier", "STUDY", "-o", "m.png"], "metrics mmd, separability missing"),
        (["table", "PAIRS", "-o", "m.png"], "needs the folder of a study"),
        (["migration", "nowhere", "-o", "m.png"], "nowhere"),
    ],
)  # fmt: skip
def test_wrong_arguments(
    cli: Cli, study: Path, npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    known = {"STUDY": str(study), "PAIRS": str(npz)}
    _refused(cli("plot", *(known.get(argument, argument) for argument in arguments)), said)
    assert not list(tmp_path.glob("m.*"))


def test_mp4_without_ffmpeg(cli: Cli, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    _refused(cli("plot", "migration", study, "-o", tmp_path / "m.mp4"), "mp4 needs ffmpeg, which is not installed")


def test_a_folder_that_cannot_be_written(cli: Cli, npz: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    answer = cli("plot", "axis", npz, "-o", tmp_path / "file" / "a.png")
    _refused(answer, "could not be written", code=1)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_study_of_a_newer_version(cli: Cli, study: Path, tmp_path: Path) -> None:
    newer = shutil.copytree(study, tmp_path / "newer")
    text = (newer / "manifest.json").read_text()
    (newer / "manifest.json").write_text(text.replace('"schema_version": 1', '"schema_version": 9'))
    _refused(cli("plot", "migration", newer, "-o", tmp_path / "m.png"), "written by a newer gapkit")


def test_captions_with_anything_in_them(cli: Cli, arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    words = np.array(["<script>alert(1)</script> $\\frac{1", "🐕‍🦺 $x$ $y$", "a\x07b", "%\\LaTeX{}"] * 15)
    path = tmp_path / "$odd$ <b>.npz"
    np.savez(path, **{**arrays, "captions": words})
    answer = cli("plot", "cosines", path, "-o", tmp_path / "c.svg")
    assert answer.code == 0, answer.err
    assert "warning" not in answer.err
    assert "<b>" not in (tmp_path / "c.svg").read_text()
