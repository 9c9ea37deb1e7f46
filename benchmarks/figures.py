"""The migration figure in the PCA plane, from arrays to a PDF: five bridges, 2,000 clips, numbers with intervals.

python benchmarks/figures.py [--clips 2000]

Seconds of the processor, one thread. Importing matplotlib and fitting the bridges are not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

BRIDGES = ("mean-shift", "c3", "cca", "procrustes", "ridge")
PROMISE = 3.0


def main() -> int:
    """Print the time; exit code 1 where the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2000)
    given = parser.parse_args()
    import matplotlib as mpl
    import numpy as np

    import gapkit
    from gapkit.plots import migration, save, stage

    mpl.use("Agg")
    import matplotlib.pyplot as plt  # noqa: F401

    train = gapkit.load_dataset("soundscapes").subset("train")
    pairs = train.take(np.arange(given.clips))
    fitted = {name: gapkit.make_bridge(name).fit(*train.expanded()) for name in BRIDGES}
    moved = {name: bridge.transform(pairs.source) for name, bridge in fitted.items()}
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            began = time.process_time()
            scene = stage(pairs.source, pairs.target, moved, owner=pairs.owner, max_clips=given.clips)
            save(migration(scene), Path(folder) / "figure.pdf")
            times.append(time.process_time() - began)
    broken = times[0] > PROMISE
    print(f"PCA migration figure, {len(BRIDGES)} x {given.clips} clips: {times[0]:.1f} s, again {times[1]:.1f} s")
    print(f"promise: {PROMISE:.0f} s{'  BROKEN' if broken else ''}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
