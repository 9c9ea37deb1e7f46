"""`embed` beside a plain loop over the same files, and the memory that it takes.

    python benchmarks/embed.py [--clips 200] [--seconds 4] [--memory 500 5000]

The loop is what one writes without gapkit: read, mix, resample, encode, next, one file after the other with all
threads of torch that the workers of `embed` have together. Loop and `embed` take turns, three times each, so that both
see the same machine; the medians are compared. On a machine that is busy with other things the ratio says little, so
the share of time in which every worker could run (on Linux) is told too: 1 means that none ever waits for another.
Memory is the peak of a process of its own for each number of clips (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from gapkit.encoders import embed, make_encoder
from gapkit.machine import cores

RATE = 32_000
WORDS = ("a dog", "a car", "rain", "thunder", "barks", "passes", "falls on a roof", "far away", "in a room", "twice")


def write_clips(folder: Path, n: int, seconds: float) -> Path:
    """Noise with a moving pitch, 16 bits, and a manifest with one caption a clip."""
    rng = np.random.default_rng(0)
    lines = ["path,caption"]
    for i in range(n):
        wave = 0.1 * rng.standard_normal(int(seconds * rng.uniform(0.5, 1.5) * RATE)).cumsum()
        wave = wave / (np.abs(wave).max() + 1e-9)
        soundfile.write(folder / f"{i}.wav", np.stack([wave, wave], axis=1), RATE)
        lines.append(f"{i}.wav,{' '.join(rng.choice(WORDS, 5))}")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return folder / "manifest.csv"


def plain_loop(encoder, manifest: Path) -> float:
    """Seconds for what one writes without gapkit."""
    begun = time.perf_counter()
    for line in manifest.read_text().splitlines()[1:]:
        name, caption = line.split(",")
        wave, rate = soundfile.read(manifest.parent / name, dtype="float32")
        encoder.encode_source([soxr.resample(wave.mean(axis=1), rate, encoder.sample_rate)])
        encoder.encode_target([caption])
    return time.perf_counter() - begun


class Watch:
    """Samples, from a process beside this one, how many threads of this one run or could run."""

    CODE = """
import os, sys, time
task = f"/proc/{sys.argv[1]}/task"
while True:
    states = []
    for thread in os.listdir(task):
        try:
            states.append(open(f"{task}/{thread}/stat").read().rpartition(")")[2].split()[0])
        except OSError:
            pass
    print(states.count("R"), flush=True)
    time.sleep(0.005)
"""

    def __enter__(self) -> Watch:
        command = [sys.executable, "-c", self.CODE, str(os.getpid())]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        lines = self.process.communicate()[0].split("\n")[:-1]
        self.samples = [int(line) for line in lines]


def speed(clips: int, seconds: float, workers: int) -> dict[str, float]:
    """Clips a second of both, and their ratio."""
    encoder = make_encoder("offline", device="cpu")
    took: dict[str, list[float]] = {"loop": [], "embed": []}
    busy: list[bool] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_clips(folder, clips, seconds)
        encoder.encode_source([np.zeros(1000, np.float32)])
        encoder.encode_target(["warm"])
        for turn in range(3):
            took["loop"].append(plain_loop(encoder, manifest))
            with Watch() as watch:
                report = embed(manifest, encoder, workers=workers, cache=folder / f"cache{turn}")
            busy += [count >= workers for count in watch.samples]
            assert report.encoded == clips
            took["embed"].append(report.seconds)
    rates = {key: clips / statistics.median(values) for key, values in took.items()}
    answer = {**rates, "ratio": rates["embed"] / rates["loop"]}
    return {**answer, "all_workers_could_run": statistics.mean(busy)} if busy else answer


def memory(clips: int, workers: int) -> float:
    """Peak memory in MB of a process that embeds so many clips of half a second."""
    with tempfile.TemporaryDirectory() as name:
        manifest = write_clips(Path(name), clips, 0.5)
        command = [sys.executable, __file__, "--child", str(manifest), "--workers", str(workers)]
        return float(subprocess.check_output(command, text=True).splitlines()[-1])


def child(manifest: Path, workers: int) -> None:
    """The process that `memory` starts."""
    report = embed(manifest, "offline", manifest.parent / "pairs.npz", workers=workers, cache=manifest.parent / "cache")
    assert report.failed == 0
    # Not getrusage: its peak starts at that of the process that started this one.
    status = Path("/proc/self/status").read_text()
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--workers", type=int, default=cores())
    parser.add_argument("--memory", type=int, nargs="*", default=[500, 5000], metavar="CLIPS")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or given.workers))
    if given.child:
        child(given.child, given.workers)
        return
    result = {"workers": given.workers, "torch_threads": torch.get_num_threads()}
    result |= {key: round(value, 3) for key, value in speed(given.clips, given.seconds, given.workers).items()}
    result["peak_mb"] = {str(clips): round(memory(clips, given.workers), 1) for clips in given.memory}
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
