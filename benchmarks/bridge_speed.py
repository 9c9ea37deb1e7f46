"""The diffusion bridges against Diffusion Bridge as released: its 1-D U-Net and its training, in one run.

Prints three Markdown tables: samples a second of training and of transform (5 DDIM steps), transform against five
bare passes of the same network, and the gap on the validation split of `soundscapes` at equal time. CPU seconds of
this process, one thread: shared machines are noisy, ratios within one run are not.

The U-Net is that of denoising-diffusion-pytorch where it can be imported, else gapkit's own, which has the same layers
and the same number of parameters; the output says which. To have it without what it brings along:

    pip install --no-deps --target FOLDER denoising-diffusion-pytorch einops
    PYTHONPATH=FOLDER python benchmarks/bridge_speed.py [--seconds 120] [--rounds 5]
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import statistics
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from gapkit.arrays import generator
from gapkit.bridges import make_bridge
from gapkit.bridges.diffusion_bridge_unet import DiffusionBridgeUNet
from gapkit.bridges.network import NetworkBridge
from gapkit.datasets import load_dataset
from gapkit.metrics import Reference, measure
from gapkit.training.loop import train

DIM = 256
METRICS = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")


def peer_module() -> types.ModuleType | None:
    """The module that holds the peer's 1-D U-Net, without running its package, which also wants torchvision."""
    name = "denoising_diffusion_pytorch"
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        return None
    package = types.ModuleType(name)
    package.__path__ = [str(Path(found.origin).parent)]
    sys.modules[name] = package
    # Only its trainer uses these two.
    for other, what in (("accelerate", "Accelerator"), ("ema_pytorch", "EMA")):
        stand_in = types.ModuleType(other)
        setattr(stand_in, what, object)
        sys.modules.setdefault(other, stand_in)
    return importlib.import_module(f"{name}.denoising_diffusion_pytorch_1d")


class PeerNet(nn.Module):
    """The peer's network, called as gapkit's are."""

    def __init__(self, module: types.ModuleType, length: float) -> None:
        super().__init__()
        self.net = module.Unet1D(dim=32, dim_mults=(1, 2, 4, 8), channels=1)
        self.length = length

    def forward(self, x: Tensor, t: Tensor | int) -> Tensor:
        """Clean vectors (n, d) from noised ones."""
        times = t if isinstance(t, Tensor) else torch.full((len(x),), t)
        return self.net((F.normalize(x, dim=1) * self.length).unsqueeze(1), times).squeeze(1)


class PeerBridge(DiffusionBridgeUNet):
    """The released recipe around the peer's own network."""

    module: types.ModuleType

    def _build(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            self.denoiser_ = PeerNet(self.module, self.scale).eval()


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def training(bridge: NetworkBridge, x: Tensor, y: Tensor) -> Callable[[int], None]:
    """The training loop of a bridge as it is used, for a number of steps."""
    bridge.n_features_in_ = DIM
    bridge._build()
    draw = generator(0)
    loss = bridge._loss(x, y, draw)

    def run(steps: int) -> None:
        bridge.steps = steps
        train(bridge.denoiser_, loss, bridge._options(), generators=(draw,))

    return run


def speeds(bridges: dict[str, NetworkBridge], slow: str, rounds: int) -> None:
    """Samples a second, each bridge measured in every round."""
    x, y = (F.normalize(torch.randn(4096, DIM, generator=generator(i))) * 5 for i in (1, 2))
    loops = {name: training(bridge, x, y) for name, bridge in bridges.items()}
    steps = {name: 2 if name == slow else 40 for name in bridges}
    trained: dict[str, list[float]] = {name: [] for name in bridges}
    moved: dict[str, list[float]] = {name: [] for name in bridges}
    for name, bridge in bridges.items():
        loops[name](1)
        bridge.source_centre_ = bridge.target_centre_ = torch.zeros(DIM)
    for _ in range(rounds):
        for name, bridge in bridges.items():
            rows = x[:64] if name == slow else x
            seconds = cpu_seconds(lambda name=name: loops[name](steps[name]))
            trained[name].append(steps[name] * bridge.batch_size / seconds)
            moved[name].append(len(rows) / cpu_seconds(lambda bridge=bridge, rows=rows: bridge.transform(rows)))
    print("| bridge | batch | parameters | training, samples/s | against the U-Net | transform, rows/s | against it |")
    print("|:--|--:|--:|--:|--:|--:|--:|")
    for name, bridge in bridges.items():
        size = sum(p.numel() for p in bridge.denoiser_.parameters())
        cells = []
        for values in (trained, moved):
            ratio = statistics.median(a / b for a, b in zip(values[name], values[slow], strict=True))
            cells += [f"{statistics.median(values[name]):,.0f}", f"{ratio:.0f}"]
        print(f"| {name} | {bridge.batch_size} | {size:,} | {' | '.join(cells)} |", flush=True)


def overhead(bridges: dict[str, NetworkBridge], rounds: int) -> None:
    """Transform of 10,000 rows in 5 steps against five bare passes of its network over the same rows."""
    rows = F.normalize(torch.randn(10_000, DIM, generator=generator(3)))
    print("\n| bridge | transform of 10,000, s | five bare passes, s | ratio |")
    print("|:--|--:|--:|--:|")
    for name, bridge in bridges.items():
        times = bridge._schedule.times(bridge.start, 5)[:-1]
        inner = bridge._enter(rows)

        def bare(bridge: NetworkBridge = bridge, inner: Tensor = inner, times: list[int] = times) -> None:
            with torch.no_grad():
                for t in times:
                    bridge.denoiser_(inner, t)

        bare()
        pairs = [
            (cpu_seconds(lambda bridge=bridge: bridge.transform(rows)), cpu_seconds(bare))
            for _ in range(2 * rounds + 1)
        ]
        ours, floor = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {name} | {ours:.2f} | {floor:.2f} | {ratio:.2f} |", flush=True)


def gap_at_equal_time(unet: DiffusionBridgeUNet, seconds: float) -> None:
    """Fit the U-Net for a time and ours, with their defaults, for no more; what both leave of the gap."""
    pairs = load_dataset("soundscapes")
    fitted, held_out = pairs.subset("train"), pairs.subset("val")
    reference = Reference.from_target(held_out.target, owner=held_out.owner, n_resamples=0)

    def fit(bridge: NetworkBridge) -> float:
        sides = fitted.expanded() if bridge.needs_pairs else (fitted.source, fitted.target)
        return cpu_seconds(lambda: bridge.fit(*sides, validation=held_out.expanded()))

    def row(label: str, moved: np.ndarray, steps: str, spent: float) -> None:
        values = {name: estimate.value for name, estimate in measure(moved, reference, METRICS).items()}
        values["mmd"] *= 1000
        cells = " | ".join(f"{values[name]:.{2 if name == 'mmd' else 3}f}" for name in METRICS)
        print(f"| {label} | {steps} | {spent:.0f} | {cells} |", flush=True)

    print(f"\n| bridge | steps | fit, s | {' | '.join(METRICS).replace('mmd', 'mmd x1000')} |")
    print("|:--|--:|--:|" + "--:|" * len(METRICS))
    row("identity", held_out.source, "", 0)
    unet.steps = 3
    unet.steps = max(1, int(3 * seconds / fit(unet)))
    # The released rate goes with 3,000,000 steps; the other is gapkit's for a short training.
    for rate, anneal in ((8e-5, False), (unet.lr, unet.anneal)):
        spent = fit(unet.set_params(lr=rate, anneal=anneal, start=600))
        for start in (600, 100):
            label = f"U-Net, rate {rate:g}{' falling' if anneal else ''}, start {start}"
            row(label, unet.set_params(start=start).transform(held_out.source), str(unet.steps), spent)
    for name in ("diffusion-bridge", "diffusion-link"):
        bridge = make_bridge(name)
        spent = fit(bridge)
        if spent > seconds:
            print(f"(the next took {spent:.0f} s, more than the U-Net: give both longer with --seconds)")
        row(name, bridge.transform(held_out.source), str(bridge.steps_), spent)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="CPU seconds that the U-Net is trained for")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    module = peer_module()
    unet_type: type[DiffusionBridgeUNet] = DiffusionBridgeUNet
    if module is not None:
        PeerBridge.module = module
        unet_type = PeerBridge
    print(f"U-Net: {'gapkit, of equal size' if module is None else 'denoising-diffusion-pytorch'}; d = {DIM}\n")
    slow = "U-Net as released"
    bridges: dict[str, NetworkBridge] = {slow: unet_type()}
    for name in ("diffusion-link", "diffusion-bridge"):
        for batch in (64, make_bridge(name).batch_size):
            bridges[f"{name}, {batch} a batch"] = make_bridge(name, batch_size=batch, sample_steps=5)
    speeds(bridges, slow, arguments.rounds)
    default = {name.split(",")[0]: bridge for name, bridge in bridges.items() if name != slow}
    overhead(default, arguments.rounds)
    gap_at_equal_time(unet_type(), arguments.seconds)


if __name__ == "__main__":
    main()
