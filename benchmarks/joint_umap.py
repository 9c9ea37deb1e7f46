"""A joint UMAP of five bridges beside umap-learn left to find its own neighbours.

python benchmarks/joint_umap.py [--clips 2000]

The clips of `soundscapes` as five closed-form bridges move them. Each side runs in a process of its own, so that both
pay for compiling what they use, as a user does who draws one figure; "again" is a second call in the same process. The
same rows, neighbours, epochs, seed and one thread on both sides. Seconds are those of the processor: with one thread
they are the clock's on a free core, and other work beside them does not count. Not named `umap`: it would hide the
package.

What the layouts are worth, in three numbers: trustworthiness (15 neighbours, among 2,000 of the rows), the share of the
15 nearest rows of each row that are its nearest in the plane, and Spearman's correlation of the distances of 100,000
pairs of rows in space and in the plane.
"""

from __future__ import annotations

import argparse
import json
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


def ours(rows: dict[str, np.ndarray]) -> np.ndarray:
    """One call."""
    from gapkit.projections import project

    return np.concatenate(list(project(rows, "umap").coordinates.values()))


def theirs(rows: dict[str, np.ndarray]) -> np.ndarray:
    """umap-learn at its defaults, but for the metric, the seed and the one thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        return UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(np.concatenate(list(rows.values())))


def worth(rows: np.ndarray, plane: np.ndarray) -> list[float]:
    """Trustworthiness, share of neighbours kept, correlation of distances."""
    from scipy.stats import spearmanr
    from sklearn.manifold import trustworthiness

    from gapkit.metrics.neighbours import nearest_neighbours

    draw = np.random.default_rng(0)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    some = draw.choice(len(rows), min(2000, len(rows)), replace=False)
    near = nearest_neighbours(rows, k=15).indices.numpy()
    kept = nearest_neighbours(plane.astype(np.float32), k=15, metric="euclidean").indices.numpy()
    both = np.mean([len(np.intersect1d(a, b)) / 15 for a, b in zip(near, kept, strict=True)])
    one, two = draw.integers(len(rows), size=(2, 100_000))
    far = np.einsum("nd,nd->n", unit[one], -unit[two]), np.linalg.norm(plane[one] - plane[two], axis=1)
    trust = trustworthiness(rows[some], plane[some], n_neighbors=15, metric="cosine")
    return [float(trust), float(both), float(spearmanr(*far).statistic)]


def side(name: str, clips: int) -> dict[str, list[float]]:
    """Seconds of two calls in this process, and what the layout is worth."""
    rows = clouds(clips)
    seconds = []
    for _ in range(2):
        began = time.process_time()
        plane = {"ours": ours, "theirs": theirs}[name](rows)
        seconds.append(time.process_time() - began)
    return {"seconds": seconds, "worth": worth(np.concatenate(list(rows.values())), plane)}


def main() -> int:
    """Print the times; exit code 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--side", choices=("ours", "theirs"), help="one side in this process")
    given = parser.parse_args()
    if given.side:
        print(json.dumps(side(given.side, given.clips)))
        return 0
    found = []
    for name in ("ours", "theirs"):
        command = [sys.executable, __file__, "--side", name, "--clips", str(given.clips)]
        found.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    own, other = found
    print(f"{len(BRIDGES)} x {given.clips} rows{'gapkit':>18}{'umap-learn':>13}{'ratio':>8}")
    ratios = []
    for name, a, b in zip(("first call", "again"), own["seconds"], other["seconds"], strict=True):
        ratios.append(b / a)
        print(f"{name:20}{a:10.1f} s{b:11.1f} s{b / a:8.2f}")
    for name, a, b in zip(
        ("trustworthiness", "neighbours kept", "distances alike"), own["worth"], other["worth"], strict=True
    ):
        print(f"{name:20}{a:12.3f}{b:13.3f}")
    broken = own["seconds"][0] > PROMISE or min(ratios) < RATIO
    print(f"promise: {PROMISE:.0f} s, and {RATIO:.0f} times in both calls{'  BROKEN' if broken else ''}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
