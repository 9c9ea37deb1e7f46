"""What one row of the table costs: all metrics with 1,000 bootstrap draws, on one thread.

    python benchmarks/metrics_cost.py [--sizes 284x256 1000x512 5000x512] [--captions 1]

The promise is 10 s at 1,000 x 1,000 x 512.
"""

import argparse
import json
import os
import resource
import time


def main() -> None:
    """Measure and print one JSON object a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["284x256", "1000x512", "5000x512"])
    parser.add_argument("--captions", type=int, default=1, help="targets a clip")
    parser.add_argument("--draws", type=int, default=1000)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"

    import numpy as np
    import torch

    from gapkit.metrics import Reference, measure

    torch.set_num_threads(1)
    for size in options.sizes:
        n, d = map(int, size.split("x"))
        rng = np.random.default_rng(0)
        concept = rng.standard_normal((n, d), dtype=np.float32)
        owner = np.repeat(np.arange(n), options.captions)
        target = concept[owner] + rng.standard_normal((len(owner), d), dtype=np.float32)
        source = concept + rng.standard_normal((n, d), dtype=np.float32) + np.float32(0.1)
        start = time.process_time()
        reference = Reference.from_target(target, owner=owner, n_resamples=options.draws)
        built = time.process_time()
        measure(source, reference)
        first = time.process_time()
        estimates = measure(source, reference)
        second = time.process_time()
        report = {
            "clips": n,
            "targets": len(owner),
            "dim": d,
            "draws": options.draws,
            "cpu_seconds": {
                "reference": round(built - start, 3),
                "first row": round(first - built, 3),
                "each further row": round(second - first, 3),
            },
            "by metric": {name: round(e.seconds, 4) for name, e in estimates.items()},
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000),
        }
        print(json.dumps(report))


if __name__ == "__main__":
    main()
