"""Caption scores beside pycocoevalcap's own way, in turns in one run.

    python benchmarks/captioning_scores.py [--clips 912] [--references 5] [--systems 3] [--repeat 2]

Captions are those of the bundled soundscapes: each clip gets one as its candidate and others as its references, so that
real words meet the paraphrases of METEOR. Each side runs in a fresh process; CPU seconds are those of Python and its
Java together, the fastest run of each counts. pycocoevalcap's own way is what its README shows: its tokenizer on
references and on candidates, then its scorers one after the other, METEOR line by line, all again for each system.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from gapkit.captioning.scores import SETS, score_systems
from gapkit.datasets import load_dataset
from gapkit.encoders.packages import version

ALL, REST = 40.0, 10.0
"""Seconds promised for 912 clips with 5 references: with METEOR, and without."""

Captions = tuple[dict[str, dict[str, str]], dict[str, list[str]]]


def captions(clips: int, references: int, systems: int) -> Captions:
    """Candidates of each system, and references, out of the captions of the bundled soundscapes."""
    texts = [str(text) for text in load_dataset("soundscapes").captions]
    needed = clips * (references + systems)
    if needed > len(texts):
        raise SystemExit(f"{clips} clips of {references} references and {systems} systems need {needed} captions")
    said = {f"{i}": texts[i * references : (i + 1) * references] for i in range(clips)}
    spare = texts[clips * references :]
    return {f"system {k}": {f"{i}": spare[k * clips + i] for i in range(clips)} for k in range(systems)}, said


def gapkit_scores(work: Captions, names: tuple[str, ...]) -> None:
    """All systems in one call."""
    score_systems(*work, scores=names)


def their_scores(work: Captions, scorers: tuple[str, ...]) -> None:
    """What pycocoevalcap's README does, for each system."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    known = {"bleu": Bleu, "rouge": Rouge, "cider": Cider, "meteor": Meteor}
    systems, references = work
    for candidates in systems.values():
        tokenizer = PTBTokenizer()
        said = tokenizer.tokenize({key: [{"caption": text} for text in texts] for key, texts in references.items()})
        made = tokenizer.tokenize({key: [{"caption": text}] for key, text in candidates.items()})
        for name in scorers:
            known[name]().compute_score(said, made, **({"verbose": 0} if name == "bleu" else {}))


WITHOUT = tuple(name for name in SETS["default"] if name != "meteor")
SIDES: dict[str, Callable[[Captions], None]] = {
    "gapkit, all": lambda work: gapkit_scores(work, SETS["default"]),
    "gapkit, without METEOR": lambda work: gapkit_scores(work, WITHOUT),
    "own, all": lambda work: their_scores(work, ("bleu", "rouge", "cider", "meteor")),
    "own, without METEOR": lambda work: their_scores(work, ("bleu", "rouge", "cider")),
}


def alone(side: str, sizes: list[int]) -> tuple[float, float]:
    """CPU and clock seconds of one side in a process of its own, without what all sides load."""
    command = [sys.executable, __file__, "--side", side, *map(str, sizes)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    cpu, clock = json.loads(done.stdout.splitlines()[-1])
    return cpu, clock


def timed(side: str, sizes: list[int]) -> None:
    """Run one side here and print its seconds; Java's count with them."""
    work = captions(*sizes)
    began, before = time.perf_counter(), os.times()
    SIDES[side](work)
    clock, after = time.perf_counter() - began, os.times()
    print(json.dumps([sum(after[:4]) - sum(before[:4]), clock]))


Times = tuple[float, float]
"""CPU and clock seconds."""


def section(rows: list[tuple[str, int, Times, Times, float | None]]) -> str:
    """The table."""
    lines = [
        f"pycocoevalcap {version('pycocoevalcap')}. CPU seconds of Python and Java together; each side in fresh",
        "processes in turns, the fastest run of each counts. gapkit's times hold 1,000 resamples for the intervals and",
        "the diversity scores, pycocoevalcap's own do not.",
        "",
        "| scores | systems | gapkit, CPU s | clock, s | own way, CPU s | clock, s | CPU ratio | promise, clock s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for what, systems, (cpu, clock), (their_cpu, their_clock), promise in rows:
        lines.append(
            f"| {what} | {systems} | {cpu:.1f} | {clock:.1f} | {their_cpu:.1f} | {their_clock:.1f} "
            f"| {their_cpu / cpu:.1f} | {'–' if promise is None else f'{promise:g}'} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Time all sides in turns and print the table; exit code 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=912)
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--systems", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--side", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        timed(arguments.side[0], [int(size) for size in arguments.side[1:]])
        return 0
    rows = []
    what = f"{arguments.clips:,} clips, {arguments.references} references: "
    for end, name, systems, promise in (
        ("BLEU, ROUGE-L, CIDEr-D, METEOR, diversity", "all", 1, ALL),
        ("the same without METEOR", "without METEOR", 1, REST),
        ("BLEU, ROUGE-L, CIDEr-D, METEOR, diversity", "all", arguments.systems, None),
    ):
        sizes = [arguments.clips, arguments.references, systems]
        runs = {side: [] for side in (f"gapkit, {name}", f"own, {name}")}
        for _ in range(arguments.repeat):
            for side, seconds in runs.items():
                seconds.append(alone(side, sizes))
                print(
                    f"{side}, {systems} systems: {seconds[-1][0]:.1f} s CPU, {seconds[-1][1]:.1f} s clock",
                    file=sys.stderr,
                    flush=True,
                )
        ours, theirs = (min(seconds) for seconds in runs.values())
        rows.append((what + end, systems, ours, theirs, promise))
    print(section(rows))
    return int(any(promise is not None and clock > promise for _, _, (_, clock), _, promise in rows))


if __name__ == "__main__":
    sys.exit(main())
