"""The script for AudioCaps, end to end: sounds made on the spot, models of random weights that lie on disk."""

import csv
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gapkit.captioning import CaptionResults

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "analyses" / "captioning_audiocaps.py"
SPLITS = {"train": 24, "val": 4, "test": 6}
ACTS = ("barks", "rings", "falls", "sings")
CAPTIONED = (
    "--stage", "caption", "--seeds", "1", "--bridges", "mean-shift,diffusion-link", "--epochs", "1", "--tune", "lora",
    "--max-new-tokens", "5", "--tokenizer", "words", "--scores", "cider_d,rouge_l",
)  # fmt: skip

pytestmark = pytest.mark.slow


def run(*arguments, launcher=(sys.executable,)):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, SCRIPT, *map(str, arguments)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    for name in ("transformers", "peft", "soundfile", "soxr"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"not installed: {name}")
    home = tmp_path_factory.mktemp("models")
    sys.path[:0] = [str(ROOT / "tests")]
    try:
        from encoders.tiny_models import save_clap

        from captioning.decoders.tiny_lms import save_lm
    finally:
        del sys.path[0]
    return save_clap(home / "clap", fusion=False), save_lm(home / "lm", "llama")


@pytest.fixture(scope="module")
def prepared(models, tmp_path_factory):
    """What the first stage leaves; one sound of the test split is missing, as videos are."""
    import soundfile

    home = tmp_path_factory.mktemp("audiocaps")
    rng = np.random.default_rng(0)
    (home / "sounds").mkdir()
    for split, count in SPLITS.items():
        with (home / f"{split}.csv").open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["audiocap_id", "youtube_id", "start_time", "caption"])
            for k in range(count):
                for again in range(1 if split == "train" else 2):
                    caption = f"a sound {ACTS[k % len(ACTS)]} {'and stops' if again else 'far away'}"
                    writer.writerow([f"{split}{k}{again}", f"{split}{k}", k, caption])
        for k in range(count - (split == "test")):
            pitch = 200 + 150 * (k % len(ACTS))
            wave = np.sin(2 * np.pi * pitch * np.arange(6000) / 8000) + 0.3 * rng.standard_normal(6000)
            soundfile.write(home / "sounds" / f"Y{split}{k}.wav", 0.3 * wave, 8000)
    run(
        home / "work", "--stage", "prepare", "--captions", home, "--sounds", home / "sounds", "--clap", models[0],
        "--seeds", 1, "--steps", 5, "--device", "cpu", "--bridges", "mean-shift,diffusion-link",
    )  # fmt: skip
    return home / "work"


def test_clips_that_are_missing_are_counted(prepared):
    counts = json.loads((prepared / "clips.json").read_text(encoding="utf-8"))
    assert counts["test"] == {"listed": 6, "embedded": 5}
    assert counts["train"] == {"listed": 24, "embedded": 24}


@pytest.mark.parametrize("processes", [1, 2])
def test_both_protocols_in_one_process_and_in_two(prepared, models, tmp_path, processes):
    work = shutil.copytree(prepared, tmp_path / "work")
    launcher = [sys.executable]
    if processes > 1:
        if importlib.util.find_spec("accelerate") is None:
            pytest.skip("not installed: accelerate")
        launcher += [
            "-m", "accelerate.commands.launch", "--cpu", "--num_processes", str(processes), "--num_machines", "1",
            "--mixed_precision", "no", "--dynamo_backend", "no",
        ]  # fmt: skip
    run(work, *CAPTIONED, "--lm", models[1], launcher=launcher)
    results = CaptionResults.read(work / "captions")
    assert results.manifest["failed"] == {}
    assert {(p, t) for p, t in results.groups()} >= {
        ("zero-shot", "clean"), ("zero-shot", "noise"), ("zero-shot", "bridged:diffusion-link"),
        ("supervised", "source"),
    }  # fmt: skip
    # However many processes shared the clips, each has its caption, once and in its place.
    own = results.captions.query("protocol == 'supervised' and bridge == 'diffusion-link'")
    assert list(own["id"]) == results.manifest["ids"]
    assert len(own) == 5
    gains = pd.read_csv(work / "audiocaps-gains.csv")
    assert set(gains["bridge"]) == {"mean-shift", "diffusion-link", "oracle"}
    assert (work / "audiocaps.md").read_text(encoding="utf-8").count("|") > 50


def test_what_is_missing_is_one_line(tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    done = subprocess.run(
        [sys.executable, SCRIPT, tmp_path, "--stage", "caption"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith("not there; run --stage prepare first")
