"""The cells that a study consists of."""

from __future__ import annotations

import gapkit
from gapkit.bridges.registry import BRIDGES
from gapkit.comparison import anchors
from gapkit.comparison.cells import cell_key, cell_stem
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.fitting import Task
from gapkit.comparison.splits import Parts
from gapkit.encoders.packages import version


def study_tasks(config: StudyConfig, parts: Parts) -> list[Task]:
    """One for each cell, in the order of the table: anchors, unpaired bridges, paired bridges."""
    first = config.seed
    anchor_keys = {name: cell_key(anchor=name, seed=first, version=gapkit.__version__) for name in anchors.SYNTHETIC}
    tasks = [Task(name, "anchor", name, name, key, None, {}, False) for name, key in anchor_keys.items()]
    for name in dict.fromkeys((*anchors.BRIDGES, *config.bridges)):
        kind = BRIDGES.get(name)
        block = "anchor" if name in anchors.BRIDGES else "paired" if kind.needs_pairs else "unpaired"
        for seed in range(first, first + config.seeds) if kind.stochastic else [None]:
            params = config.bridge_params(name, first if seed is None else seed, parts.fit.n_targets)
            key = cell_key(bridge=name, params=params, seed=seed, version=_version(name))
            label = name if seed is None else f"{name}, seed {seed}"
            tasks.append(Task(name, block, cell_stem(name, seed), label, key, seed, params, kind.needs_pairs))
    order = ("anchor", "unpaired", "paired")
    return sorted(tasks, key=lambda task: (order.index(task.block), task.name in anchors.SYNTHETIC))


def _version(bridge: str) -> list[str]:
    """Versions of gapkit and of the package that a bridge comes from: what they compute may change with them."""
    package = BRIDGES.origin(bridge)
    own = version(package)
    return [gapkit.__version__, package, *([own] if own else [])]  # what a script registers has none
