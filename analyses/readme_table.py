"""Put the table of a study into README.md, between its markers.

Run: python analyses/readme_table.py STUDY "machine in words"
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from gapkit.atomic import write_text
from gapkit.comparison import Results
from gapkit.comparison.tabulating import short_order
from gapkit.report.terminal import to_text

README = Path(__file__).resolve().parents[1] / "README.md"
WIDTH = 88
"""Columns of a block of code in README."""
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def main() -> None:
    """Rewrite README.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("machine")
    arguments = parser.parse_args()
    results = Results.read(arguments.study)
    manifest = json.loads((arguments.study / "manifest.json").read_text(encoding="utf-8"))
    table = short_order(results.table(), "closure")
    printed = to_text(table, width=WIDTH, short=True, lines=results.verdict().lines)
    text = "\n".join(line.rstrip() for line in printed.splitlines())
    versions = manifest["packages"]
    block = (
        f"{BEGIN}\n```\n{text}\n```\n\nMeasured on {arguments.machine}, gapkit {manifest['gapkit']}, "
        f"torch {versions['torch']}.\n{END}"
    )
    readme = README.read_text(encoding="utf-8")
    head, rest = readme.split(BEGIN)
    write_text(README, head + block + rest.split(END)[1])


if __name__ == "__main__":
    main()
