"""How a study was computed, in words, from its manifest."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import gapkit
from gapkit.comparison.run import Run

Facts = dict[str, dict[str, str]]


def facts_of(run: Run) -> Facts:
    """Headings with names and texts; what the manifest lacks is left out."""
    manifest = run.manifest
    given = dict(manifest.get("input", {}))
    meta = dict(given.get("meta", {}))
    dataset = meta["dataset"] if isinstance(meta.get("dataset"), dict) else {}
    parts = dict(manifest.get("parts", {}))
    data = {
        "name": given.get("name"),
        "title": dataset.get("title"),
        "source": dataset.get("source"),
        "target": dataset.get("target"),
        "licence": dataset.get("licence"),
        "attribution": dataset.get("attribution"),
        "parts": parts.get("rule"),
        "fitted on": _part(parts.get("fit")),
        "validated on": _part(parts.get("validation")),
        "measured on": _part(parts.get("test")),
        "dimensions": str(run.test.dim),
        "rows": "scaled to length one" if run.config.normalise else "as given",
        "content hash": given.get("content_hash"),
    }
    packages = {name: version for name, version in dict(manifest.get("packages", {})).items() if version}
    machine = {
        "gapkit": _version(manifest.get("gapkit")),
        "Python": manifest.get("python"),
        "packages": ", ".join(f"{name} {version}" for name, version in packages.items()),
        "platform": manifest.get("platform"),
        "device": manifest.get("device"),
        "threads": _text(manifest.get("threads")),
        "started": manifest.get("started"),
        "finished": manifest.get("finished"),
        "took": _took(manifest.get("started"), manifest.get("finished")),
    }
    config = run.config
    lengths = {"steps": config.steps, "epochs": config.epochs}
    method = {
        "seeds": ", ".join(map(str, manifest.get("seeds", []))),
        "intervals": f"95 % bootstrap over clips, {config.n_resamples:,} resamples"
        if config.n_resamples
        else "none asked for",
        "training length": ", ".join(f"{value} {name}" for name, value in lengths.items() if value)
        or "each bridge's own",
    }
    groups: dict[str, dict[str, Any]] = {"Data": data, "Method": method, "Machine": machine}
    return {heading: {k: str(v) for k, v in own.items() if v} for heading, own in groups.items()}


def cells_of(run: Run) -> tuple[dict[str, str], ...]:
    """A row for each fitted bridge and seed: times, parameters, why it failed."""
    rows = []
    for stem, cell in dict(run.manifest.get("cells", {})).items():
        rows.append(
            {
                "bridge": stem,
                "fit": _seconds(cell.get("fit_seconds")),
                "move": _seconds(cell.get("transform_seconds")),
                "measure": _seconds(cell.get("metric_seconds")),
                "parameters": ", ".join(f"{k} = {_plain(v)}" for k, v in dict(cell.get("params") or {}).items())
                or "none",
                "failed": str(cell.get("error") or ""),
            }
        )
    return tuple(rows)


def _part(part: Mapping[str, Any] | None) -> str | None:
    return None if not part else f"{part['clips']:,} clips, {part['targets']:,} targets"


def _version(made_by: Any) -> str:
    """The gapkit of the study, and that of the page where it is another."""
    if made_by == gapkit.__version__:
        return str(made_by)
    return f"{made_by or 'unknown'} measured, {gapkit.__version__} wrote this page and moved the clips shown here"


def _took(began: Any, ended: Any) -> str:
    try:
        seconds = (dt.datetime.fromisoformat(ended) - dt.datetime.fromisoformat(began)).total_seconds()
    except (TypeError, ValueError):
        return ""
    if seconds < 0:  # the clock was set back meanwhile
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _seconds(value: Any) -> str:
    return "–" if not isinstance(value, int | float) else f"{value:.2f} s"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=repr, ensure_ascii=False)
