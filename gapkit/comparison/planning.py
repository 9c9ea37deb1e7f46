"""The cells that a study consists of."""

from __future__ import annotations

from dataclasses import replace

import gapkit
from gapkit.bridges.registry import BRIDGES
from gapkit.comparison import anchors
from gapkit.comparison.cells import cell_key, cell_stem
from gapkit.comparison.config import StudyConfig
from gapkit.comparison.division import Division, fold_seed
from gapkit.comparison.fitting import Task
from gapkit.encoders.packages import version


def study_tasks(config: StudyConfig, division: Division) -> list[Task]:
    """One for each cell, in the order of the table: anchors, unpaired bridges, paired bridges."""
    first = config.seed
    anchor_keys = {name: cell_key(anchor=name, seed=first, version=gapkit.__version__) for name in anchors.SYNTHETIC}
    tasks = [Task(name, "anchor", name, name, key, None, {}, False) for name, key in anchor_keys.items()]
    for name in dict.fromkeys((*anchors.BRIDGES, *config.bridges)):
        kind = BRIDGES.get(name)
        block = "anchor" if name in anchors.BRIDGES else "paired" if kind.needs_pairs else "unpaired"
        for seed in range(first, first + config.seeds) if kind.stochastic else [None]:
            params = config.bridge_params(name, first if seed is None else seed, division.fit_targets)
            key = cell_key(bridge=name, params=params, seed=seed, version=_version(name))
            label = name if seed is None else f"{name}, seed {seed}"
            tasks.append(Task(name, block, cell_stem(name, seed), label, key, seed, params, kind.needs_pairs))
    order = ("anchor", "unpaired", "paired")
    return sorted(tasks, key=lambda task: (order.index(task.block), task.name in anchors.SYNTHETIC))


def fit_tasks(task: Task, division: Division) -> list[Task]:
    """Fits of a cell: the task itself, or one for each fold."""
    if not division.in_folds:
        return [task]
    tasks = []
    for k, stem in enumerate(division.stems(task.stem)):
        seed = task.params.get("random_state")
        own = {"random_state": fold_seed(seed, k)} if isinstance(seed, int) else {}
        label = f"{task.label}, fold {k + 1} of {len(division)}"
        key = cell_key(cell=task.key, fold=k)
        tasks.append(replace(task, stem=stem, label=label, key=key, params={**task.params, **own}))
    return tasks


def _version(bridge: str) -> list[str]:
    """Versions of gapkit and of the package that a bridge comes from: what they compute may change with them."""
    package = BRIDGES.origin(bridge)
    own = version(package)
    return [gapkit.__version__, package, *([own] if own else [])]  # what a script registers has none
