import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tokenizers")

SOUNDS = ("a dog barks", "heavy rain falls", "=a car passes by", "two people laugh")
SMALL = ["--set", "width=32", "--set", "layers=1", "--set", "heads=2", "--set", "vocabulary=300", "--set", "lr=0.01"]


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four sounds, twelve clips each, a gap between the sides."""
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((4, 8)).repeat(12, axis=0)
    source, target = (meaning + 0.1 * rng.standard_normal(meaning.shape) for _ in range(2))
    path = tmp_path_factory.mktemp("sounds") / "sounds.npz"
    np.savez(
        path,
        source=source.astype(np.float32) + 1,
        target=target.astype(np.float32),
        captions=np.array([caption for caption in SOUNDS for _ in range(12)]),
        ids=np.array([f"clip{i}" for i in range(48)]),
        split=np.array((["train"] * 8 + ["val"] * 2 + ["test"] * 2) * 4),
    )
    return path


@pytest.fixture(scope="session")
def trained(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from gapkit.cli.main import run

    out = tmp_path_factory.mktemp("decoder") / "d"
    command = ["caption", "train", sounds, "-o", out, *SMALL, "--epochs", 30, "--noise", 0.001, "--quiet"]
    assert run([str(part) for part in command]) == 0
    return out


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_train_and_generate(cli: Callable[..., Any], sounds: Path, trained: Path, tmp_path: Path) -> None:
    assert sorted(p.name for p in trained.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    out = tmp_path / "captions.csv"
    answer = cli("caption", "generate", trained, sounds, "-o", out, "--side", "target", "--split", "test")
    assert (answer.code, answer.out) == (0, "")
    assert "8 captions written to" in answer.err
    rows = _rows(out)
    assert [row["id"] for row in rows] == [f"clip{12 * i + j}" for i in range(4) for j in (10, 11)]
    # A cell that a spreadsheet would run has an apostrophe before it.
    assert [row["caption"] for row in rows[::2]] == [
        "a dog barks",
        "heavy rain falls",
        "'=a car passes by",
        "two people laugh",
    ]


def test_one_array_has_row_numbers(cli: Callable[..., Any], sounds: Path, trained: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.load(sounds)["target"][::12])
    answer = cli("caption", "generate", trained, tmp_path / "rows.npy", "-o", tmp_path / "c.csv", "--beams", 2, "-q")
    assert answer == (0, "", "")
    rows = _rows(tmp_path / "c.csv")
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    # Both sides in one array, (2, n, d), are pairs here as everywhere.
    np.save(tmp_path / "both.npy", np.stack([np.load(sounds)[side][::12] for side in ("source", "target")]))
    both = (tmp_path / "both.npy", "--side", "target", "-o", tmp_path / "b.csv", "--beams", 2, "-q")
    assert cli("caption", "generate", trained, *both) == (0, "", "")
    assert _rows(tmp_path / "b.csv") == rows


def test_sources_through_a_bridge(cli: Callable[..., Any], sounds: Path, tmp_path: Path) -> None:
    assert cli("fit", "mean-shift", sounds, "-o", tmp_path / "bridge", "-q").code == 0
    train = ["caption", "train", sounds, "-o", tmp_path / "d", *SMALL, "--epochs", 30, "--read", "source", "-q"]
    assert cli(*train, "--bridge", tmp_path / "bridge").code == 0
    generate = ["caption", "generate", tmp_path / "d", sounds, "--split", "test", "-q", "--bridge", tmp_path / "bridge"]
    assert cli(*generate, "-o", tmp_path / "c.csv").code == 0
    assert _rows(tmp_path / "c.csv")[0]["caption"] == "a dog barks"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--read", "both"], "--read: expected source or target, got 'both'"),
        (["--bridge", "b"], "--bridge moves source rows; give --read source too"),
        (["--decoder", "smal"], "unknown caption decoder 'smal': did you mean small?"),
        (["--model", "gpt2"], "caption decoder 'small' has no option 'model'"),
        (["--epochs", "1", "--set", "epochs=2"], "--set: epochs is given twice"),
        (["--noise", "-1"], "noise is a variance"),
        (["--decoder", "prefix", "--model", "none.gguf"], "no such file"),
    ],
)
def test_train_refuses(
    cli: Callable[..., Any], sounds: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    answer = cli("caption", "train", sounds, "-o", tmp_path / "d", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_pairs_without_captions(cli: Callable[..., Any], sounds: Path, tmp_path: Path) -> None:
    with np.load(sounds) as arrays:
        np.savez(tmp_path / "bare.npz", source=arrays["source"], target=arrays["target"])
    answer = cli("caption", "train", tmp_path / "bare.npz", "-o", tmp_path / "d")
    assert answer.code == 2
    assert "holds no captions to learn from; give --captions CSV" in answer.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--beams", "2", "--top-p", "0.9"], "expected beams or top_p, got both"),
        (["--temperature", "0.7"], "temperature: expected 1 where nothing is sampled, got 0.7; give top_p too"),
        (["--side", "left"], "--side: expected source or target"),
        (["--device", "gpu"], "device 'gpu' cannot be used"),
        (["--model", "gpt2"], "caption decoder 'small' is loaded without model; leave it out"),
        (["--split", "dev"], "no item in split 'dev'"),
        (["--max-new-tokens", "5000"], "--max-new-tokens: expected at most 64"),
    ],
)
def test_generate_refuses(
    cli: Callable[..., Any], sounds: Path, trained: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    answer = cli("caption", "generate", trained, sounds, "-o", tmp_path / "c.csv", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert not (tmp_path / "c.csv").exists()


def test_generate_refuses_what_does_not_fit(
    cli: Callable[..., Any], sounds: Path, trained: Path, tmp_path: Path
) -> None:
    np.save(tmp_path / "wide.npy", np.ones((3, 9), np.float32))
    np.save(tmp_path / "nan.npy", np.full((3, 8), np.nan, np.float32))
    for file, where, message in (
        ("wide.npy", trained, "expected 8 features"),
        ("nan.npy", trained, "NaN or infinity in 3 of 3 rows"),
        ("wide.npy", tmp_path, "no config.json here; expected a folder written by `gapkit caption train`"),
    ):
        answer = cli("caption", "generate", where, tmp_path / file, "-o", tmp_path / "c.csv")
        assert answer.code == 2
        assert message in answer.err
    assert cli("caption", "generate", trained, sounds, "-o", tmp_path / "c.txt").code == 2
