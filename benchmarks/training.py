"""Training of the denoiser against its floor, the bare matrix products of the same step, in one run.

Prints a Markdown table, one of the two libraries of products where gapkit prefers the other one, and one of bfloat16
beside float32 where the processor multiplies in it. CPU seconds of this process, one thread, the median of alternating
rounds: shared machines are noisy, ratios within one run are not.
Run: python benchmarks/training.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from gapkit.arrays import generator
from gapkit.bridges import make_bridge
from gapkit.bridges.diffusion_link import DiffusionLink
from gapkit.products import by_onednn, product
from gapkit.training.loop import train
from gapkit.training.options import TrainingOptions, has_bfloat16


def training_steps(bridge: DiffusionLink, x: Tensor, y: Tensor, precision: str = "float32") -> Callable[[int], None]:
    """The training loop of a bridge as it is used, for a number of steps."""
    bridge.n_features_in_ = x.shape[1]
    bridge._build()
    draw = generator(0)
    loss = bridge._loss(x, y, draw)

    def run(n: int) -> None:
        options = TrainingOptions(n, evaluate_every=n, precision=precision)
        train(bridge.denoiser_, loss, options, generators=(draw,))

    return run


def bare_products(bridge: DiffusionLink, dim: int) -> Callable[[int], None]:
    """Forward, input-gradient and weight-gradient products of every linear layer, and nothing else."""
    rows = 2 * bridge.batch_size
    shapes = []
    for block in bridge.denoiser_.blocks:
        shapes += [(dim, bridge.hidden, True), (bridge.hidden, dim, True)]
        shapes += [(block.time.in_features, block.time.out_features, False)]
    tables = [
        (torch.randn(rows, i), torch.randn(o, i), torch.randn(rows, o), needs_input_gradient)
        for i, o, needs_input_gradient in shapes
    ]

    def run(n: int) -> None:
        for _ in range(n):
            for inputs, weight, gradient, needs_input_gradient in tables:
                product(inputs, weight)
                product(gradient.T, inputs.T)
                if needs_input_gradient:
                    product(gradient, weight.T)

    return run


def cpu_seconds(run: Callable[[int], None], steps: int) -> float:
    """CPU seconds a step."""
    start = time.process_time()
    run(steps)
    return (time.process_time() - start) / steps


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| d | hidden | pairs a batch | topology | step ms | bare products ms | ratio |")
    print("|--:|--:|--:|:--|--:|--:|--:|")
    for dim, hidden, batch, weight in ((256, 512, 256, 0.05), (256, 512, 256, 0.0), (512, 1024, 256, 0.05)):
        bridge = make_bridge("diffusion-link", hidden=hidden, batch_size=batch, topology_weight=weight)
        x, y = (torch.nn.functional.normalize(torch.randn(4096, dim, generator=generator(i))) * 5 for i in (1, 2))
        steps = training_steps(bridge, x, y)
        bare = bare_products(bridge, dim)
        steps(3)
        bare(3)
        pairs = [
            (cpu_seconds(steps, arguments.steps), cpu_seconds(bare, arguments.steps)) for _ in range(arguments.rounds)
        ]
        ours, floor = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(
            f"| {dim} | {hidden} | {batch} | {weight or 'none'} | {ours:.1f} | {floor:.1f} | {ratio:.2f} |", flush=True
        )
    if by_onednn(torch.ones(1, 1), torch.ones(1, 1)):
        print("\n| d | hidden | pairs a batch | step by MKL ms | by oneDNN ms | times as fast |")
        _beside(arguments, lambda x, y, options: [_by_mkl(_steps(x, y, options)), _steps(x, y, options)])
    if not has_bfloat16(torch.device("cpu")):
        print("\nThis processor does not multiply in bfloat16.")
        return
    print("\n| d | hidden | pairs a batch | float32 step ms | bfloat16 step ms | times as fast |")
    _beside(arguments, lambda x, y, options: [_steps(x, y, options, kind) for kind in ("float32", "bfloat16")])


Loop = Callable[[int], None]


def _beside(arguments: argparse.Namespace, loops: Callable[[Tensor, Tensor, dict[str, int]], list[Loop]]) -> None:
    """Rows of two loops, in turns, at the size of 256 coordinates and of 512."""
    print("|--:|--:|--:|--:|--:|--:|")
    for dim, hidden in ((256, None), (512, 1024)):
        options = {} if hidden is None else {"hidden": hidden}
        x, y = (torch.nn.functional.normalize(torch.randn(4096, dim, generator=generator(i))) * 5 for i in (1, 2))
        bridge = make_bridge("diffusion-link", **options)
        both = loops(x, y, options)
        for steps in both:
            steps(3)
        pairs = [tuple(cpu_seconds(steps, arguments.steps) for steps in both) for _ in range(arguments.rounds)]
        one, other = (statistics.median(side) * 1e3 for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {dim} | {bridge.hidden} | {bridge.batch_size} | {one:.1f} | {other:.1f} | {ratio:.2f} |", flush=True)


def _steps(x: Tensor, y: Tensor, options: dict[str, int], precision: str = "float32") -> Loop:
    return training_steps(make_bridge("diffusion-link", **options), x, y, precision)


def _by_mkl(steps: Loop) -> Loop:
    def run(n: int) -> None:
        torch.backends.mkldnn.enabled = False
        try:
            steps(n)
        finally:
            torch.backends.mkldnn.enabled = True

    return run


if __name__ == "__main__":
    main()
