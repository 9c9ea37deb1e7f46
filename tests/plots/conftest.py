"""Small clouds with a gap, and a study of them; every figure is closed after its test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

from gapkit.comparison import Run, StudyConfig, open_run, run_study  # noqa: E402
from gapkit.embeddings import PairedEmbeddings  # noqa: E402
from gapkit.files import load_pairs, save_pairs  # noqa: E402
from gapkit.plots import Scene, stage, stage_steps  # noqa: E402

HOSTILE = (
    "<script>alert(1)</script> & $x_1$",
    "$\\frac{1}{2}$ costs $5 \\LaTeX %",
    "dog 🐕‍🦺 barks\x07\n twice ❤️",
    "犬が吠える",
)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., PairedEmbeddings]:
    """Pairs with a gap along the first axis; two captions for every third clip."""

    def make(n: int = 60, d: int = 8, *, seed: int = 0, split: bool = True) -> PairedEmbeddings:
        rng = np.random.default_rng(seed)
        meaning, gap = rng.standard_normal((n, d)), 3 * np.eye(d)[0]
        owner = np.sort(np.concatenate([np.arange(n), np.arange(0, n, 3)]))
        return PairedEmbeddings(
            meaning + 0.3 * rng.standard_normal((n, d)) + gap,
            meaning[owner] + 0.3 * rng.standard_normal((len(owner), d)) - gap,
            owner,
            captions=np.array([f"{HOSTILE[i % len(HOSTILE)]} {i}" for i in range(len(owner))]),
            split=np.array((["train"] * 3 + ["val"] + ["test"] * 2) * (n // 6 + 1))[:n] if split else None,
            name="tiny $x$",
        )

    return make


@pytest.fixture(scope="session")
def pairs(make_pairs: Callable[..., PairedEmbeddings]) -> PairedEmbeddings:
    return make_pairs()


@pytest.fixture(scope="session")
def moved(pairs: PairedEmbeddings) -> dict[str, np.ndarray]:
    """Two bridges: a shift, and one that hits the target."""
    shift = pairs.target.mean(axis=0) - pairs.source.mean(axis=0)
    first = np.unique(pairs.owner, return_index=True)[1]
    return {"shift": pairs.source + shift, "$oracle$": pairs.target[first]}


@pytest.fixture(scope="session")
def scene(pairs: PairedEmbeddings, moved: dict[str, np.ndarray]) -> Scene:
    return stage(
        pairs.source, pairs.target, moved, owner=pairs.owner, captions=list(pairs.captions), n_resamples=50, name="tiny"
    )


@pytest.fixture(scope="session")
def walk(pairs: PairedEmbeddings, moved: dict[str, np.ndarray]) -> Scene:
    """The straight way to the shifted cloud, in three steps."""
    shares = np.linspace(0, 1, 5)[:, None, None]
    states = pairs.source + shares * (moved["shift"] - pairs.source)
    return stage_steps(states, pairs.target, owner=pairs.owner, n_resamples=50, note="a walk")


@pytest.fixture(scope="session")
def folder(make_pairs: Callable[..., PairedEmbeddings], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of a file: bridges in one go and in steps, all default metrics."""
    root = tmp_path_factory.mktemp("study")
    save_pairs(make_pairs(120), root / "pairs.npz")
    config = StudyConfig(
        bridges=("mean-shift", "procrustes", "diffusion-link", "flow"), seeds=1, steps=3, threads=1, n_resamples=50
    )
    run_study(load_pairs(root / "pairs.npz"), config, out=root / "study")
    return root / "study"


@pytest.fixture(scope="session")
def run(folder: Path) -> Run:
    return open_run(folder)
