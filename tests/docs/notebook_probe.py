"""Run one notebook in a process of its own and write down what it did: ``python notebook_probe.py NOTEBOOK ROOT OUT``.

Writes ``facts.json`` and, where the notebook has a figure, ``clouds.npz`` into OUT.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MOVES = ("os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.truncate")


def watch_writes(root: Path) -> list[str]:
    """Paths under `root` that this process opens for writing, makes, moves or removes from now on."""
    seen: list[str] = []

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and int(args[2]) & WRITES:
            paths = args[:1]
        elif event in MOVES:
            paths = args[:2]
        else:
            return
        seen.extend(
            f"{event} {os.fsdecode(path)}"
            for path in paths
            if isinstance(path, (str, bytes)) and Path(os.fsdecode(path)).absolute().is_relative_to(root)
        )

    sys.addaudithook(hook)
    return seen


def figure_facts(figure: Any) -> dict[str, Any]:
    """The artists of a figure as plain values."""
    from matplotlib.collections import PathCollection

    axes = []
    for axis in figure.axes:
        points = [
            {
                "label": cloud.get_label(),
                "at": np.asarray(cloud.get_offsets()).tolist(),
                "colour": np.asarray(cloud.get_facecolor())[0, :3].tolist(),
                "marker": np.asarray(cloud.get_paths()[0].vertices).tolist(),
            }
            for cloud in axis.collections
            if isinstance(cloud, PathCollection)
        ]
        lines = [{"at": line.get_xydata().tolist(), "style": line.get_linestyle()} for line in axis.lines]
        texts = {"x": axis.get_xlabel(), "y": axis.get_ylabel(), "title": axis.get_title()}
        axes.append(texts | {"points": points, "lines": lines})
    figure.canvas.draw()  # what cannot be drawn fails here
    legend = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return {"axes": axes, "legend": legend}


def bridges_facts(said: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """What the tests of ``bridges.py`` need of its variables."""
    test, states, results = said["test"], said["states"], said["results"]
    answer = said["in_steps"].transform(test.source)
    np.savez(out / "clouds.npz", source=test.source, states=states, answer=answer, target=test.target)
    others = {
        f"{other} {metric}": [d.value, d.low, d.high]
        for other in ("identity", "c3", "cca", "diffusion-link")
        for metric in said["METRICS"]
        for d in [results.difference("local-shift", other, metric)]
    }
    lost = results.difference("cca", "identity", "recall@10")
    return {
        "measured": {row: {m: e.value for m, e in of.items()} for row, of in said["measured"].items()},
        "default_states": len(said["link"].trajectory(test.source)),
        "on_the_way": [{m: e.value for m, e in row.items()} for row in said["on_the_way"]],
        "shown": said["shown"].tolist(),
        "figure": figure_facts(said["figure"]),
        "choices": {str(k): row["recall@10"] for k, row in said["choices"].items()},
        "default_k": said["shift"].k,
        "loaded": type(said["loaded"]).__name__,
        "same": bool(said["same"]),
        "failures": results.failures,
        "table": results.pivot().to_dict("index"),
        "differences": others,
        "lost_by_cca": [lost.value, lost.low, lost.high],
    }


def measure_a_gap_facts(said: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """What the tests of ``measure_a_gap.py`` need of its variables."""
    values = {"measured": said["measured"], "after": said["after"]}
    direction = said["direction"]
    return {
        "errors": [problem.message for problem in said["found"].errors],
        "messages": [problem.message for problem in said["found"].problems],
        "cosines": {label: float(cosines.mean()) for label, cosines in said["cosines"].items()},
        "figure": figure_facts(said["figure"]),
        "bins": [len(patch.get_xy()) for patch in said["axis"].patches],
        "floor": {
            name: [float(said["floor"][name].mean()), float(said["floor"][name].std())] for name in said["floor"]
        },
        "relabelled": [said["gap_test"].value, float(said["gap_test"].draws.max()), said["gap_test"].p],
        "likeness": [said["likeness"].raw, said["likeness"].null_mean, said["likeness"].p],
        "direction": [direction.consistency, direction.orthogonality, float(said["chance"])],
        **{key: {name: [e.value, e.low, e.high] for name, e in row.items()} for key, row in values.items()},
    }


def compare_bridges_facts(said: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """What the tests of ``compare_bridges.py`` need of its variables."""
    return {
        "table": said["results"].pivot().to_dict("index"),
        "merged": said["merged"].pivot().to_dict("index"),
        "tests": said["tests"].to_dict("records"),
        "pair": [said["pair"].value, said["pair"].low, said["pair"].high],
        "figure": figure_facts(said["figure"]),
        "names": [[text.get_text() for text in axis.texts] for axis in said["figure"].axes],
        "shown": list(said["chosen"].pivot().index),
    }


def paper_figure_facts(said: Mapping[str, Any], out: Path) -> dict[str, Any]:
    """What the tests of ``paper_figure.py`` need of its variables."""
    test, before = said["test"], said["before"]
    after = [said["pair_cosines"](rows, test.target, owner=test.owner) for rows in said["moved"].values()]
    return {
        "numbers": said["scene"].numbers.to_dict("records"),
        "caption": said["caption"],
        "titles": [axis.get_title(loc="left") for axis in said["figure"].axes],
        "means": [[float(c.own.mean()), float(c.strangers.mean())] for c in (before, *after)],
        "inches": said["figure"].get_size_inches().tolist(),
        "same": bool(said["same"]),
    }


FACTS = {
    "bridges": bridges_facts,
    "compare_bridges": compare_bridges_facts,
    "measure_a_gap": measure_a_gap_facts,
    "paper_figure": paper_figure_facts,
}

if __name__ == "__main__":
    notebook, root, out = (Path(argument) for argument in sys.argv[1:])
    written = watch_writes(root.resolve())
    namespace = runpy.run_path(str(notebook), run_name="__main__")
    facts = {"written": written, "cpu_seconds": time.process_time()}
    if notebook.stem in FACTS:
        facts |= FACTS[notebook.stem](namespace, out)
    (out / "facts.json").write_text(json.dumps(facts))
