"""Write docs/results.md from ``results/``: every number and every claim on it is read from a file there.

Run: python analyses/results_page.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from gapkit.atomic import write_text
from gapkit.bridges.registry import BRIDGES, make_bridge
from gapkit.tuning import scoring as tuning

sys.path.insert(0, str(Path(__file__).resolve().parent))
from independence import REMARKS, UNTESTED, tested, unmarked
from modality_gap import INTERVALS

ROOT = Path(__file__).resolve().parents[1]
GAP = ROOT / "results" / "modality_gap"
PAGE = ROOT / "docs" / "results.md"
SUBJECT = "diffusion-link"
MAIN = "soundscapes"
CLOSURE = {"cosine": "higher", "centroid-distance": "lower", "mmd": "lower", "separability": "lower"}
LABELS = {
    "cosine": "cosine", "centroid-distance": "centroid", "mmd": "MMD² x1000", "separability": "separability",
    "share-risen": "clips risen", "recall@1": "R@1", "recall@10": "R@10",
}  # fmt: skip
COLUMNS = tuple(LABELS)
KEEP = 0.95


def text(metric: str, value: float) -> str:
    """A number as the tables print it."""
    if pd.isna(value):
        return ""
    return f"{value * 1000:.1f}" if metric == "mmd" else f"{value:.3f}"


def interval(row: pd.Series, metric: str) -> str:
    """Value and interval."""
    return f"{text(metric, row['value'])} [{text(metric, row['ci_low'])}, {text(metric, row['ci_high'])}]"


def load(name: str) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """Rows, tests and manifest of one dataset."""
    rows, tests = (pd.read_csv(GAP / f"{name}{suffix}.csv") for suffix in ("", "-tests"))
    return rows, tests, json.loads((GAP / f"{name}.json").read_text(encoding="utf-8"))


def of(rows: pd.DataFrame, bridge: str, metric: str) -> pd.Series:
    """The one row of a bridge and metric."""
    return rows[(rows["bridge"] == bridge) & (rows["metric"] == metric)].iloc[0]


def kept(rows: pd.DataFrame, bridge: str) -> float:
    """R@10 as a share of identity's."""
    return float(tuning.kept(*(of(rows, name, "recall@10")["value"] for name in (bridge, "identity"))))


def closed(rows: pd.DataFrame, bridge: str) -> float:
    """Mean share of identity's gap that is closed, as `gapkit tune` counts it."""
    values = [{m: of(rows, name, m)["value"] for m in CLOSURE} for name in (bridge, "identity")]
    return float(tuning.closure(*values, list(CLOSURE)))


def dataset_table(rows: pd.DataFrame) -> list[str]:
    """One line a bridge."""
    lines = [
        "| bridge | family | " + " | ".join(LABELS.values()) + " | closed | kept | fit s | transform ms |",
        "|---|---|" + "---|" * (len(LABELS) + 4),
    ]
    for bridge in rows["bridge"].drop_duplicates():
        own = rows[rows["bridge"] == bridge].set_index("metric")
        if own.index.isna().all():
            lines.append(
                f"| `{bridge}` | {own['family'].iloc[0]} | {own['error'].iloc[0]} |" + " |" * (len(LABELS) + 3)
            )
            continue
        cells = [text(m, own["value"].get(m, float("nan"))) for m in LABELS]
        comparable = "recall@10" in own.index and own["value"].get("cosine") is not None
        extra = [f"{closed(rows, bridge):.3f}", f"{kept(rows, bridge):.2f}"] if comparable else ["", ""]
        seconds = own["fit_seconds"].iloc[0], own["transform_seconds"].iloc[0]
        timed = [f"{seconds[0]:.1f}", f"{seconds[1] * 1000:.0f}"] if pd.notna(seconds[0]) else ["", ""]
        name = f"**`{bridge}`**" if bridge == SUBJECT else f"`{bridge}`"
        lines.append(f"| {name} | {own['family'].iloc[0]} | " + " | ".join([*cells, *extra, *timed]) + " |")
    return lines


def ahead(first: float, second: float, metric: str) -> bool:
    """Whether `first` is better."""
    return first > second if CLOSURE[metric] == "higher" else first < second


def diffusion_claim(rows: pd.DataFrame, tests: pd.DataFrame, manifest: dict) -> list[str]:
    """Whether it is first in value among the diffusion methods on the four closure metrics together."""
    others = [b for b in rows.loc[rows["family"] == "diffusion", "bridge"].drop_duplicates() if b != SUBJECT]
    lines = [
        "| metric | `diffusion-link` | best other | first in value | paired difference |",
        "|---|---|---|---|---|",
    ]
    verdicts = []
    for metric, better in CLOSURE.items():
        own = of(rows, SUBJECT, metric)
        best = sorted(others, key=lambda b: of(rows, b, metric)["value"], reverse=better == "higher")[0]
        other = of(rows, best, metric)
        first = ahead(own["value"], other["value"], metric)
        test = tests[(tests["bridge"] == best) & (tests["metric"] == metric)].iloc[0]
        # The file holds the other minus the subject.
        gap, low, high = -test["difference"], -test["high"], -test["low"]
        difference = f"{text(metric, gap)} [{text(metric, low)}, {text(metric, high)}]"
        lines.append(
            f"| {LABELS[metric]} | {interval(own, metric)} | `{best}` {interval(other, metric)} | "
            f"{'yes' if first else 'no'} | {difference} |"
        )
        verdicts.append((metric, first))
    holds = all(first for _, first in verdicts)
    firsts = [LABELS[m] for m, first in verdicts if first]
    marks = []
    for name, what in (
        ("target-split-half", "two random halves of the captions"),
        ("random-target", "random fitted captions"),
        ("oracle-target", "each clip's own first caption against all of its captions"),
    ):
        numbers = [f"{LABELS[m]} {text(m, of(rows, name, m)['value'])}" for m in CLOSURE if m != "cosine"]
        marks.append(f"- {what} (`{name}`): {', '.join(numbers)}")
    lines += [
        "",
        f"**{'Holds' if holds else 'Does not hold'} in value**: of {len(CLOSURE)} metrics it is first on {len(firsts)} "
        f"({', '.join(firsts) or 'none'}). {UNTESTED}",
        "What a distance can mean on this set is seen from captions held against captions:",
        "",
        *marks,
        "",
        "A bridge that answered every clip with a caption of its own would read like the last line, and one that draws",
        "captions at random reads lower still: a value below the last line is no better answer. So these three do not",
        "rank the methods that reach it. Cosine and retrieval rank them in value.",
    ]
    share, risen = kept(rows, SUBJECT), of(rows, SUBJECT, "share-risen")
    lines += [
        "",
        f"R@10 after the bridge is {text('recall@10', of(rows, SUBJECT, 'recall@10')['value'])}, "
        f"{share:.1%} of identity's {text('recall@10', of(rows, 'identity', 'recall@10')['value'])}: the bound of "
        f"{KEEP:.0%} **{'holds' if share >= KEEP else 'does not hold'}** in value.",
        "",
        f"Clips of the test split whose own cosine rose: {risen['value']:.1%}. The whole cloud "
        f"**{'migrates' if risen['value'] > KEEP else 'does not migrate together'}** (bound {KEEP:.0%}).",
    ]
    return lines


def frontier(rows: pd.DataFrame) -> list[str]:
    """Bridges that no other beats on closure and preservation at once."""
    points = {b: (closed(rows, b), kept(rows, b)) for b in measured(rows)}
    front = [
        b
        for b, (c, k) in points.items()
        if not any(c2 >= c and k2 >= k and (c2, k2) != (c, k) for c2, k2 in points.values())
    ]
    front.sort(key=lambda b: points[b])
    lines = ["| bridge | closed | kept |", "|---|---|---|"]
    lines += [f"| `{b}` | {points[b][0]:.3f} | {points[b][1]:.3f} |" for b in front]
    return [*lines, "", standing(points)]


def standing(points: dict[str, tuple[float, float]]) -> str:
    """Whether Diffusion-Link is on the frontier."""
    c, k = points[SUBJECT]
    beaten = [b for b, (c2, k2) in points.items() if c2 >= c and k2 >= k and (c2, k2) != (c, k)]
    verdict = (
        "is on the frontier: no bridge of the table closes more and keeps more at once."
        if not beaten
        else f"is not on the frontier: {', '.join(f'`{b}`' for b in beaten)} close and keep at least as much."
    )
    return f"`{SUBJECT}` ({c:.3f}, {k:.3f}) {verdict}"


CONTROLS = {
    "residual-mlp": "residual blocks, pairs and topology loss; no noise, no second side",
    "residual-mlp-plain": "residual blocks and pairs alone",
    "procrustes": "the pairs alone: the best rotation",
    "noise-only": "noise alone",
    "ddbm": "diffusion from the source itself, along the pair",
    "diffusion-bridge": "diffusion of targets alone, without pairs",
}
"""What each control leaves of Diffusion-Link."""


def controls(rows: pd.DataFrame, tests: pd.DataFrame) -> list[str]:
    """What it is that helps: Diffusion-Link minus the bridges that share a part of it."""
    lines = ["| control | what it shares | closed | kept | cosine of `diffusion-link` minus its own | R@10 likewise |"]
    lines += ["|---|---|---|---|---|---|"]
    for name in (SUBJECT, *CONTROLS):
        cells = [f"{closed(rows, name):.3f}", f"{kept(rows, name):.3f}"]
        for metric in ("cosine", "recall@10"):
            row = tests[(tests["bridge"] == name) & (tests["metric"] == metric)]
            cells.append("" if row.empty else against(row.iloc[0]))
        lines.append(f"| `{name}` | {CONTROLS.get(name, 'all of it')} | " + " | ".join(cells) + " |")
    return lines


def against(row: pd.Series) -> str:
    """Diffusion-Link minus another, with the interval; the file holds the other minus Diffusion-Link."""
    return f"{-row['difference']:+.3f} [{-row['high']:+.3f}, {-row['low']:+.3f}]"


def across(names: list[str]) -> list[str]:
    """Closed and kept of every bridge on every dataset."""
    tables = {name: load(name)[0] for name in names}
    bridges = dict.fromkeys(b for rows in tables.values() for b in measured(rows))
    lines = ["| bridge | " + " | ".join(f"`{name}`" for name in tables) + " |", "|---|" + "---|" * len(tables)]
    for bridge in bridges:
        cells = [
            f"{closed(rows, bridge):.3f} / {kept(rows, bridge):.2f}" if bridge in measured(rows) else ""
            for rows in tables.values()
        ]
        lines.append(f"| {f'**`{bridge}`**' if bridge == SUBJECT else f'`{bridge}`'} | " + " | ".join(cells) + " |")
    lines.append("")
    for name, rows in tables.items():
        points = {b: (closed(rows, b), kept(rows, b)) for b in measured(rows)}
        lines += [f"On `{name}` {standing(points)}", ""]
    return lines[:-1]


def older(name: str, manifest: dict) -> list[str]:
    """What of a table was made otherwise than it would be made today."""
    lines = []
    changed = []
    for bridge, params in manifest["params"].items():
        if bridge in BRIDGES.names():
            now = json.loads(json.dumps(make_bridge(bridge).get_params()))
            if any(now[key] != value for key, value in params.items() if key in now and key != "device"):
                changed.append(bridge)
    if changed:
        them = ", ".join(f"`{bridge}`" for bridge in changed)
        lines += [
            f"Defaults have changed since this table was made: {them} are here with those of `{name}.json` beside it.",
            "",
        ]
    if manifest.get("intervals", 1) < INTERVALS:
        lines += [
            "Intervals of separability take the classifiers as they are here, and are about a sixth too narrow; those",
            "of the residual MMD² are up to root 2 too wide. Values are the same.",
            "",
        ]
    return lines


def measured(rows: pd.DataFrame) -> list[str]:
    """Bridges of a table that were measured, anchors left out."""
    there = rows[(rows["metric"] == "recall@10") & (rows["family"] != "anchor")]
    return list(there["bridge"].drop_duplicates())


def tests_table(tests: pd.DataFrame, *, starred: bool) -> list[str]:
    """Diffusion-Link minus each other bridge, with a star at those that the stored test tells from 0."""
    lines = [
        "| against | " + " | ".join(LABELS[m] for m in (*CLOSURE, "recall@10")) + " |",
        "|---|" + "---|" * (len(CLOSURE) + 1),
    ]
    for bridge in tests["bridge"].drop_duplicates():
        own = tests[tests["bridge"] == bridge].set_index("metric")
        cells = []
        for metric in (*CLOSURE, "recall@10"):
            if metric not in own.index:
                cells.append("")
                continue
            row = own.loc[metric]
            shown = text(metric, -row["difference"])
            sign = "" if shown.startswith("-") else "+"
            mark = "*" if starred and row["p_holm"] < 0.05 else ""
            cells.append(f"{sign}{shown}{mark}")
        lines.append(f"| `{bridge}` | " + " | ".join(cells) + " |")
    return lines


def compared(name: str) -> list[str]:
    """What the table of differences holds."""
    said = f"`{SUBJECT}` minus each other bridge, paired over the same clips"
    if not tested(name):
        return [f"{said}. {UNTESTED}"]
    return [
        f"{said}; * where Holm-corrected p < .05 over all",
        "comparisons of this table (p from the bootstrap's standard error: its draws are too few to count tails of",
        "so many tests).",
    ]


def told(path: Path) -> str:
    """A table of ``results/`` without the remark that the page has already."""
    return unmarked(path.read_text(encoding="utf-8"))


def page() -> str:
    """The whole page."""
    names = [path.stem for path in sorted(GAP.glob("*.json"))]
    names.sort(key=lambda name: (name != MAIN, name))
    rows, tests, manifest = load(MAIN)
    parts = manifest["parts"]
    lines = [
        "# Results",
        "",
        REMARKS[MAIN],
        "",
        "Written by `analyses/results_page.py` from the files in `results/`; nothing here is typed by hand. Each",
        f"claim stands on the rows of `results/modality_gap/{MAIN}.csv` and `{MAIN}-tests.csv` that it names by",
        "bridge and metric. The numbers come from `python analyses/modality_gap.py WORK`,",
        "`python analyses/ablation.py WORK`, `python analyses/tuning.py WORK` and "
        "`python analyses/tuning_confirmed.py WORK`.",
        "",
        "*Closed* is the mean share of identity's gap that is closed over cosine (to 1), centroid distance (to 0),",
        "the root of MMD² (to 0) and separability (to .5). *Kept* is R@10 as a share of identity's. Both are one",
        "number for much: the columns beside them say more. Standings by them are by value.",
        "",
        "Seconds are of shared machines, some busy, and hold to a factor of a few: `benchmarks/` compares speeds.",
        "",
        f"## Does Diffusion-Link close the gap more than other diffusion methods? (`{MAIN}`, test split)",
        "",
        f"{parts['test']['clips']:,} clips with {parts['test']['targets']:,} captions, fitted on "
        f"{parts['fit']['clips']:,} clips; seeds {manifest['seeds']}; 95 % intervals over clips, taken as independent.",
        "",
        *diffusion_claim(rows, tests, manifest),
        "",
        "## Closure against preservation, all bridges",
        "",
        "Bridges that no other bridge of the table beats on both in value (anchors and controls made of targets left",
        "out):",
        "",
        *frontier(rows),
        "",
        "## What is it that helps?",
        "",
        f"On the same split, with 95 % intervals over clips, taken as independent. {UNTESTED}",
        "",
        *controls(rows, tests),
        "",
        "## Closed / kept on every dataset",
        "",
        *across(names),
        "",
    ]
    for name in names:
        rows, tests, manifest = load(name)
        parts = manifest["parts"]
        lines += [
            f"## `{name}`",
            "",
            f"Fitted on {parts['fit']['clips']:,} clips ({parts['fit']['targets']:,} captions), measured on "
            f"{parts['test']['clips']:,} ({parts['test']['targets']:,}); {parts['rule']}; mean over seeds "
            f"{manifest['seeds']}. gapkit {manifest['gapkit']}, torch {manifest['packages']['torch']}, "
            f"{manifest['device']}, {manifest['threads']} thread.",
            "",
            *([REMARKS[name], ""] if name in REMARKS and name != MAIN else []),
            *older(name, manifest),
            *dataset_table(rows),
            "",
            *compared(name),
            "",
            *tests_table(tests, starred=tested(name)),
            "",
        ]
    ablation = ROOT / "results" / "ablation.md"
    if ablation.exists():
        lines += ["## Diffusion-Link, one choice at a time", "", told(ablation)]
    tuning = ROOT / "results" / "tuning.md"
    if tuning.exists():
        lines += ["## Defaults beside what a search finds", "", told(tuning)]
        lines += [told(ROOT / "results" / "tuning-confirmed.md")]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write the page."""
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
