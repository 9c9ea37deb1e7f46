"""A joint UMAP of five bridges beside umap-learn left to find its own neighbours.

python benchmarks/joint_umap.py [--clips 2000]

The clips of `soundscapes` as five closed-form bridges move them. Each side runs in a process of its own, so that both
pay for compiling what they use, as a user does who draws one figure; "again" is a second call in the same process. The
same rows, neighbours, epochs, seed and one thread on both sides. Seconds are those of the processor: with one thread
they are the clock's on a free core, and other work beside them does not count. Not named `umap`: it would hide the
package.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings

import numpy as np

BRIDGES = ("mean-shift", "c3", "cca", "procrustes", "ridge")
PROMISE, RATIO = 60.0, 2.0
"""Seconds of the first call on one core, and times as fast as umap-learn by itself."""


def clouds(clips: int) -> dict[str, np.ndarray]:
    """The first training clips, moved by each bridge."""
    import gapkit

    train = gapkit.load_dataset("soundscapes").subset("train")
    bridges = [gapkit.make_bridge(name).fit(*train.expanded()) for name in BRIDGES]
    return {name: bridge.transform(train.source[:clips]) for name, bridge in zip(BRIDGES, bridges, strict=True)}


def ours(rows: dict[str, np.ndarray]) -> None:
    """One call."""
    from gapkit.projections import project

    project(rows, "umap")


def theirs(rows: dict[str, np.ndarray]) -> None:
    """umap-learn at its defaults, but for the metric, the seed and the one thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(np.concatenate(list(rows.values())))


def main() -> int:
    """Print the times; exit code 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--side", choices=("ours", "theirs"), help="one side in this process")
    given = parser.parse_args()
    if given.side:
        rows = clouds(given.clips)
        for _ in range(2):
            began = time.process_time()
            {"ours": ours, "theirs": theirs}[given.side](rows)
            print(time.process_time() - began)
        return 0
    times = {}
    for side in ("ours", "theirs"):
        command = [sys.executable, __file__, "--side", side, "--clips", str(given.clips)]
        times[side] = [float(line) for line in subprocess.run(command, check=True, capture_output=True).stdout.split()]
    print(f"{len(BRIDGES)} x {given.clips} rows{'gapkit':>12}{'umap-learn':>13}{'ratio':>8}")
    for name, (own, other) in zip(("first call", "again"), zip(*times.values(), strict=True), strict=True):
        print(f"{name:14}{own:10.1f} s{other:11.1f} s{other / own:8.2f}")
    broken = times["ours"][0] > PROMISE or times["theirs"][0] / times["ours"][0] < RATIO
    print(f"promise: {PROMISE:.0f} s and {RATIO:.0f} times{'  BROKEN' if broken else ''}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
