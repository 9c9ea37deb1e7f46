"""Captions written in batches beside one by one, in turns in one run; writes its part of docs/performance.md.

    python benchmarks/captioning_generation.py [--clips 64] [--repeat 3] [--epochs 0.2] [--model NAME] [--out FILE]

The decoder is `small`, trained for a moment on the bundled soundscapes so that its captions end where captions
end; with --model it is `prefix` on that language model instead. CPU seconds of one thread, the fastest turn of each
side counts; greedy captions and beams must be the same both ways, up to the few that rounding turns.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from gapkit.atomic import write_text
from gapkit.captioning.decoders import CaptionDecoder, make_decoder
from gapkit.datasets import load_dataset
from gapkit.encoders.packages import version

OUT = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- caption generation: begin -->", "<!-- caption generation: end -->"
PROMISE = 3.0
"""Times as fast as one by one."""

WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("greedy", {}),
    ("3 beams", {"beams": 3}),
    ("nucleus, top-p 0.9", {"top_p": 0.9}),
)


def timed(decoder: CaptionDecoder, rows: Any, **options: Any) -> tuple[float, list[str]]:
    """CPU seconds and captions."""
    began = time.process_time()
    texts = decoder.generate(rows, **options)
    return time.process_time() - began, texts


def section(title: str, clips: int, rows: list[tuple[str, float, float, float]]) -> str:
    """The part of the page between its marks."""
    lines = [
        BEGIN,
        "## Caption generation",
        "",
        f"Written by `python benchmarks/captioning_generation.py` on {datetime.now(UTC):%Y-%m-%d}.",
        f"{platform.machine()}, {os.cpu_count()} cores, shared, 1 thread used; torch {torch.__version__}, "
        f"transformers {version('transformers')}. {title}; {clips} clips in",
        f"one batch beside one clip at a time, in turns, the fastest of each. Promise: {PROMISE:g} times as fast.",
        "",
        "| captions by | batched, CPU s | one by one, CPU s | times as fast | same captions |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {way} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} | {same:.0%} |" for way, ours, theirs, same in rows
    ]
    return "\n".join([*lines, "", END])


def main() -> None:
    """Time both sides in turns and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=0.2)
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pairs = load_dataset("soundscapes")
    train, test = pairs.subset("train"), pairs.subset("test")
    options: dict[str, Any] = {"epochs": arguments.epochs, "device": "cpu"}
    name = "prefix" if arguments.model else "small"
    if arguments.model:
        options["model"] = arguments.model
    decoder = make_decoder(name, **options).fit(train.target, [str(text) for text in train.captions])
    title = f"`{name}`" + (f" on {arguments.model}" if arguments.model else "")
    rows = []
    clips = test.source[: arguments.clips]
    decoder.generate(clips[:2])
    for way, how in WAYS:
        took: dict[int, list[float]] = {arguments.clips: [], 1: []}
        said: dict[int, list[str]] = {}
        for _ in range(arguments.repeat):
            for size, seconds in took.items():
                spent, said[size] = timed(decoder, clips, batch_size=size, **how)
                seconds.append(spent)
        same = sum(a == b for a, b in zip(said[arguments.clips], said[1], strict=True)) / len(clips)
        rows.append((way, min(took[arguments.clips]), min(took[1]), same))
        print(f"{way}: {rows[-1][1]:.2f} s batched, {rows[-1][2]:.2f} s one by one", flush=True)
    text = arguments.out.read_text(encoding="utf-8") if arguments.out.exists() else ""
    part = section(title, arguments.clips, rows)
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), flags=re.DOTALL)
    text = pattern.sub(lambda _: part, text) if BEGIN in text else f"{text.rstrip()}\n\n{part}\n".lstrip()
    write_text(arguments.out, text)


if __name__ == "__main__":
    main()
