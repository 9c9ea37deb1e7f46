"""Write docs/captioning-results.md from ``results/captioning``: every number and claim on it is read from a file there.

Run: python analyses/captioning_page.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from gapkit.atomic import write_text
from gapkit.plots import beside_closure, rank_correlation

sys.path.insert(0, str(Path(__file__).resolve().parent))
from captioning_parts import (
    ALIKE,
    COLUMNS,
    GAP,
    MAIN,
    OUTPUT,
    PAGE,
    SCORE,
    SUBJECT,
    Tables,
    claims,
    of,
    standing,
    table,
    told,
    verdicts,
)  # fmt: skip
from independence import REMARKS, UNTESTED


def answers(tables: Tables) -> list[str]:
    """What decoders read: how near fitted captions, and how much alike."""
    as_is, moved = tables.read_as(), tables.read_as(moved=True)
    lines = [
        "| bridge | own captions | nearness | its answers | projected: own captions | nearness | its answers |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in as_is.sort_values("nearness", ascending=False).index:
        cells = [f"{part.loc[name, column]:.3f}" for part in (as_is, moved) for column in COLUMNS]
        shown = f"**`{name}`**" if name == SUBJECT else f"`{name}`"
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    return lines


def because(tables: Tables) -> list[str]:
    """What the answers say of bridges that answer alike, or that the subject is behind, read by the plain decoder."""
    as_is, moved = tables.read_as(), tables.read_as(moved=True)
    own, nearer = as_is.loc[SUBJECT], moved.loc[SUBJECT]
    gap = pd.read_csv(GAP / f"{MAIN}.csv")
    found = gap[gap["metric"] == "recall@10"].set_index("bridge")["value"]
    lines = []
    ahead, behind = standing(tables, "zero-shot", "clean")
    for name in (name for name in (*behind, *ahead) if name in as_is.index):
        other = as_is.loc[name]
        if other["agreement"] > ALIKE:
            lines.append(
                f"- `{name}` gives nearly the same answers: cosine {other['agreement']:.3f} to those of `{SUBJECT}`, "
                f"which agree to {own['agreement']:.3f} among themselves where only the seed differs."
            )
        elif name in behind and other["nearness"] > own["nearness"] and found[name] < found[SUBJECT]:
            gained = score_of(tables, "projected", SUBJECT) - score_of(tables, "clean", SUBJECT)
            lines.append(
                f"- `{name}` answers with means of the very captions that the decoder learnt from: its nearness is "
                f"{other['nearness']:+.3f}, that of `{SUBJECT}` {own['nearness']:+.3f}. It tells clips apart less "
                f"well (R@10 {found[name]:.2f}, `{SUBJECT}` {found[SUBJECT]:.2f}). Projected, `{SUBJECT}` comes to a "
                f"nearness of {nearer['nearness']:+.3f}, and gains {gained:+.1f} CIDEr-D."
            )
    return lines


def score_of(tables: Tables, training: str, bridge: str) -> float:
    """CIDEr-D of a zero-shot row, times 100."""
    found = of(tables.summary, "zero-shot", training, bridge=bridge, score=SCORE)
    return 100 * float(found["value"].iloc[0])


def variants(tables: Tables) -> list[str]:
    """Settings of the subject on the validation split."""
    frame, facts = tables.variants, tables.tried
    trainings = list(dict.fromkeys(frame["training"]))
    own = [name for name in dict.fromkeys(frame["bridge"]) if "=" in name and ":" not in name]
    lines = [
        f"Fitted on train, captioned on the {facts['parts']['test']['clips']} clips of val; seeds {facts['seeds']} "
        "(`analyses/captioning_variants.py`).",
        "Differences are from the defaults, paired over clips, each with its own 95 % interval over clips, taken as",
        "independent.",
        "",
        f"| `{SUBJECT}` with | " + " | ".join(f"{training}: CIDEr-D | difference" for training in trainings) + " |",
        "|---|" + "---|---|" * len(trainings),
    ]
    for name in [n for n in dict.fromkeys(frame["bridge"]) if n not in ("identity", "oracle")]:
        cells = []
        for training in trainings:
            row = of(frame, "zero-shot", training, bridge=name).iloc[0]
            ends = f"{100 * row['difference']:+.1f} [{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
            cells += [f"{100 * row['value']:.1f}", "" if name == SUBJECT else ends]
        shown = "its defaults" if name == SUBJECT else f"`{name}`" if name in own else f"beside it: `{name}`"
        lines.append(f"| {shown} | " + " | ".join(cells) + " |")
    found = []
    for training in trainings:
        row = of(frame[frame["bridge"].isin(own)], "zero-shot", training).nlargest(1, "difference").iloc[0]
        if row["difference"] > 0:
            found.append(f"`{row['bridge']}` ({training}, {100 * row['difference']:+.1f})")
    said = f"the highest above the defaults in value: {', '.join(found)}" if found else "none is above the defaults"
    return [*lines, "", f"Of {len(own)} settings {said}. {UNTESTED}"]


def reasons(tables: Tables) -> list[str]:
    """Why, and what was tried, where that was measured."""
    lines = []
    if tables.answers is not None:
        lines += [
            "## What the decoder reads",
            "",
            "What the decoder reads of the test clips (`analyses/captioning_answers.py`): the mean cosine of the",
            "answer to its clip's *own captions*; its *nearness*: by how much its cosine to the nearest fitted caption",
            f"is above that of captions that were not fitted; its cosine to the answer of `{SUBJECT}` (*its answers*).",
            "*Projected*: moved half-way toward fitted captions, as in that part.",
            "",
            *answers(tables),
            "",
            *because(tables),
            "",
        ]
    if tables.variants is not None:
        lines += ["## What was tried on validation", "", *variants(tables), ""]
    return [*lines, *(tuned(tables.tuned) if tables.tuned else [])]


def tuned(tables: Tables) -> list[str]:
    """The zero-shot part again, with what the validation split chose for captions."""
    chosen = "; ".join(
        f"`{bridge}` {', '.join(f'{key} = {value}' for key, value in options.items())}"
        for bridge, options in tables.manifest["config"]["fitted_params"].items()
    )
    lines = [
        "## With the widths that validation chose",
        "",
        f"The zero-shot part once more, on the test split: {chosen}, every other bridge as above",
        "(`python analyses/captioning.py WORK --tuned`).",
        *same_width(tables),
        "",
        *verdicts(tables),
        "",
        *claims(tables),
        "",
    ]
    for protocol, training in tables.parts():
        lines += [f"### {protocol}, tuned: {told(training)}", "", *table(tables, protocol, training), ""]
    return lines


def same_width(tables: Tables) -> list[str]:
    """What the same change made of other bridges on the validation split, projected."""
    if tables.variants is None:
        return []
    own = of(tables.variants, "zero-shot", "projected").set_index("bridge")["value"]
    pairs = [(name, name.partition(":")[0]) for name in own.index if ":" in name]
    told_ = [f"`{bridge}` {100 * own[bridge]:.1f} -> {100 * own[name]:.1f}" for name, bridge in pairs]
    return [f"On validation, *projected*, the same width made of others: {', '.join(told_)}."] if told_ else []


def relation(tables: Tables) -> list[str]:
    """Whether what closes more of the gap is captioned better."""
    frame = beside_closure(tables.summary, pd.read_csv(GAP / f"{MAIN}.csv"), SCORE)
    lines = [
        "| protocol | decoder | bridges | rank correlation with the share of the gap closed | with R@10 kept |",
        "|---|---|---|---|---|",
    ]
    for protocol, training in tables.parts():
        own = of(frame, protocol, training)
        if len(own) < 4:
            continue
        cells = []
        for column in ("closed", "kept"):
            found = rank_correlation(own[column], own["value"])
            cells.append(f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]")
        lines.append(f"| {protocol} | {training} | {len(own)} | " + " | ".join(cells) + " |")
    return lines


def seen(tables: Tables) -> list[str]:
    """What each stage of each row saw, equal rows together."""
    lines = ["| rows | bridge | decoder |", "|---|---|---|"]
    groups: dict[tuple[str, str], list[str]] = {}
    choices: dict[str, list[str]] = {}
    for row in tables.manifest["data_seen"]:
        stages = row["stages"]
        choices.setdefault(stages["validation"], []).append(f"{row['protocol']} {row['training']}")
        name = f"{row['protocol']} {row['training']} `{row['bridge']}`"
        groups.setdefault((stages["bridge"], stages["decoder"]), []).append(name)
    lines += [f"| {'; '.join(names)} | {bridge} | {decoder} |" for (bridge, decoder), names in groups.items()]
    encoder = tables.manifest["data_seen"][0]["stages"]["encoder"]
    held = [
        f"Validation, in {'all rows' if len(choices) == 1 else ', '.join(dict.fromkeys(rows))}: {said}."
        for said, rows in choices.items()
    ]
    return [f"Encoder of all rows: {encoder}.", *held, "", *lines]


def page(tables: Tables) -> str:
    """The whole page."""
    manifest = tables.manifest
    parts, config = manifest["parts"], manifest["config"]
    options = ", ".join(f"{k} = {v}" for k, v in config["decoder_options"].items()) or "its defaults"
    lines = [
        "# Does closing the gap make captions better?",
        "",
        REMARKS[MAIN],
        "",
        "Written by `analyses/captioning_page.py` from `results/captioning/`; nothing here is typed by hand. The",
        "numbers come from `python analyses/captioning.py WORK`.",
        "",
        f"`{MAIN}`: {parts['test']['clips']:,} test clips with {parts['test']['captions']:,} captions, fitted on "
        f"{parts['fit']['clips']:,} clips with {parts['fit']['captions']:,}; decoder `{config['decoder']}` "
        f"({options}), the same for every row; seeds {manifest['seeds']}; 95 % intervals over clips,",
        "taken as independent, of means over seeds. Scores are times 100.",
        "",
        "*Zero-shot*: the decoder learns from captions alone and reads bridged sounds at test. *Supervised*: it learns",
        "from bridged sounds and their captions. A gain is over the row `identity` (no bridge) of the same part, so by",
        "the same decoder, clips resampled together in both. `oracle` reads the embedding of a caption of the measured",
        "clip, which is also among its references: a ceiling that no bridge can reach.",
        "",
        f"## The claim: `{SUBJECT}` makes captions better",
        "",
        *verdicts(tables),
        "",
        "*Ahead of*, *behind*: by the sign of the difference in CIDEr-D over the same clips; no bridge and the ceiling",
        f"aside. {UNTESTED} The paper's are the relative gains of its abstract (up to; AudioCaps,",
        "a large language model, other embeddings): another decoder and other data, so they say what was claimed, not",
        "what should come out here.",
        "",
        *claims(tables),
        *(
            line.replace("- Zero-shot,", "- With the widths that validation chose (below), zero-shot,")
            for line in (claims(tables.tuned) if tables.tuned else [])
            if line.startswith("- Zero-shot, decoder trained on captions' embeddings as they are")
        ),
        "",
        *reasons(tables),
        "## Is the closed gap the cause?",
        "",
        "If it were, bridges that close more would be captioned better. Spearman's rank correlation over the bridges",
        "of a part (no bridge among them, the ceiling not), with its 95 % interval over resamples of bridges:",
        "",
        *relation(tables),
        "",
    ]
    for protocol, training in tables.parts():
        lines += [f"## {protocol}: {told(training)}", "", *table(tables, protocol, training), ""]
    lines += ["## What each stage saw", "", *seen(tables), "", *choices(tables), ""]
    if manifest["absent"]:
        lines += ["## Scores that are not here", "", *(f"- {n}: {why}" for n, why in manifest["absent"].items()), ""]
    if manifest["failed"]:
        lines += ["## What failed", "", *(f"- {n}: {why}" for n, why in manifest["failed"].items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def choices(tables: Tables) -> list[str]:
    """What validation chose."""
    lines = ["## What validation chose", "", "| protocol | decoder | bridge | level | beams | CIDEr-D there |"]
    lines += ["|---|---|---|---|---|---|"]
    for c in tables.manifest["choices"]:
        value = "" if c["value"] is None else f"{100 * c['value']:.1f}"
        level = f"{c['level']:g}" if c["level"] else ""
        lines.append(f"| {c['protocol']} | {c['training']} | `{c['bridge']}` | {level} | {c['beams']} | {value} |")
    return [
        *lines, "",
        "Level: the variance a coordinate of the noise, the time to which captions' embeddings are noised before they",
        "go through the bridge, or the weight of the projection of an answer onto the fitted captions. Chosen with the",
        "first seed.",
    ]  # fmt: skip


def write_page(folder: Path = OUTPUT, path: Path = PAGE) -> None:
    """Write it."""
    write_text(path, page(Tables(folder)))


if __name__ == "__main__":
    write_page()
