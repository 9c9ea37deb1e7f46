"""`gapkit embed` from the outside."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from gapkit.encoders import ENCODERS, Encoder
from gapkit.files import load_pairs

soundfile = pytest.importorskip("soundfile")
pytest.importorskip("soxr")


class Tiny(Encoder):
    """Loudness and length."""

    sample_rate = 8000

    def __init__(self, *, device: str = "cpu") -> None:
        self.device = device

    @property
    def dim(self):
        return 2

    def provenance(self):
        return {"encoder": "tiny"}

    def _source(self, items):
        return np.array([[np.abs(item).mean() + 1e-3, len(item) / 8000] for item in items])

    def _target(self, texts):
        return np.array([[1.0, len(text)] for text in texts])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setitem(ENCODERS._items, "tiny", Tiny)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    root = tmp_path / "my sounds"
    root.mkdir()
    rng = np.random.default_rng(0)
    for i in range(6):
        soundfile.write(root / f"ü {i}.wav", rng.standard_normal(800) / 10, 16_000)
    (root / "ü 4.wav").write_bytes(b"")
    soundfile.write(root / "ü 5.wav", np.zeros(800), 16_000)
    lines = ["path,caption,split", *(f"ü {i}.wav,sound {i},{'test' if i % 2 else 'train'}" for i in range(6))]
    (root / "m.csv").write_text("\n".join(lines), encoding="utf-8")
    return root


def test_pairs_failures_and_words(cli, folder, tmp_path):
    done = cli("embed", folder / "m.csv", "-o", tmp_path / "out" / "pairs.npz", "--encoder", "tiny", "--workers", 2)
    assert (done.code, done.out) == (0, "")
    assert "5 of 6 clips embedded with 5 captions (0 from the cache, 5 encoded" in done.err
    assert "1 clip failed (16.7%)" in done.err
    assert "1 clips are kept but odd (1 silent)" in done.err
    pairs = load_pairs(tmp_path / "out" / "pairs.npz")
    assert pairs.splits == {"train": 2, "test": 3}
    assert "ü 4.wav,no,is empty (0 bytes)" in (tmp_path / "out" / "failures.csv").read_text("utf-8")
    assert (tmp_path / "home" / "gapkit" / "rows").is_dir()
    assert cli("inspect", tmp_path / "out" / "pairs.npz").code == 0


def test_json_resume_and_cache_folder(cli, folder, tmp_path):
    given = [
        "embed",
        folder / "m.csv",
        "-o",
        tmp_path / "p.npz",
        "--encoder",
        "tiny",
        "--cache",
        tmp_path / "c",
        "--json",
    ]
    first, again = json.loads(cli(*given).out), cli(*given, "--quiet")
    assert (first["embedded"], first["encoded"], first["failed"], first["share_failed"]) == (5, 5, 1, 0.166667)
    assert again.err == ""
    assert (json.loads(again.out)["encoded"], json.loads(again.out)["cached"]) == (0, 5)
    assert not (tmp_path / "home").exists()


def test_root_and_readers(cli, folder, tmp_path):
    (tmp_path / "m.csv").write_text("path,caption\nü 0.wav,x\n", encoding="utf-8")
    assert cli("embed", tmp_path / "m.csv", "--root", folder, "-o", tmp_path / "p.npz", "--encoder", "tiny").code == 0
    (tmp_path / "test.csv").write_text("audiocap_id,youtube_id,start_time,caption\n1,abc,30,x\n2,gone,0,y\n")
    shutil.copy(folder / "ü 0.wav", folder / "abc_30.wav")
    given = ["embed", tmp_path / "test.csv", "--root", folder, "-o", tmp_path / "p.npz", "--encoder", "tiny"]
    done = cli(*given, "--reader", "audiocaps", "--json")
    assert (done.code, json.loads(done.out)["listed"], json.loads(done.out)["failed"]) == (0, 2, 1)
    assert load_pairs(tmp_path / "p.npz").splits == {"test": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoder", "tinny"], "unknown encoder 'tinny': did you mean tiny?"),
        (["--encoder", "tiny", "--model", "x"], "encoder 'tiny' has no option 'model'"),
        (["--encoder", "tiny", "--reader", "esc50"], "--reader: expected one of table, audiocaps, clotho"),
        (["--encoder", "tiny", "--reader", "clotho"], "no column 'file_name'"),
        (["--encoder", "callables"], "encoder 'callables' needs source, target"),
        (["--encoder", "tiny", "-o", "pairs.npy"], "expected one of .npz"),
    ],
)
def test_wrong_use_is_one_line(cli, folder, tmp_path, options, message):
    done = cli("embed", folder / "m.csv", "-o", tmp_path / "p.npz", *options)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "p.npz").exists()


def test_the_manifest_is_not_written_over(cli, folder, tmp_path):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"path": ["a.wav"], "caption": ["x"]}).to_parquet(tmp_path / "m.parquet")
    before = (tmp_path / "m.parquet").read_bytes()
    done = cli("embed", tmp_path / "m.parquet", "--root", folder, "-o", tmp_path / "m.parquet", "--encoder", "tiny")
    assert (done.code, "is the manifest, which the pairs would replace" in done.err) == (2, True)
    assert (tmp_path / "m.parquet").read_bytes() == before


def test_list_encoders(cli):
    rows = {row["name"]: row for row in json.loads(cli("list", "encoders", "--json").out)}
    assert rows["offline"]["default"]
    assert rows["clip"]["modalities"] == "image and text"
    assert all(row["what"] for row in rows.values())
