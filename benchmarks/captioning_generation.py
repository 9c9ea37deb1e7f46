"""Captions written in batches beside one by one, in turns in one run.

    python benchmarks/captioning_generation.py [--clips 64] [--repeat 3] [--epochs 0.2] [--model NAME]

The decoder is `small`, trained for a moment on the bundled soundscapes so that its captions end where captions
end; with --model it is `prefix` on that language model instead. CPU seconds of one thread, the fastest turn of each
side counts; greedy captions and beams must be the same both ways, up to the few that rounding turns.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import torch

from gapkit.captioning.decoders import CaptionDecoder, make_decoder
from gapkit.datasets import load_dataset
from gapkit.encoders.packages import version

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
    """The table."""
    lines = [
        f"{title}, transformers {version('transformers')}; {clips} clips in one batch beside one clip at a time, in",
        f"turns, the fastest of each. Promise: {PROMISE:g} times as fast.",
        "",
        "| captions by | batched, CPU s | one by one, CPU s | times as fast | same captions |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {way} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} | {same:.0%} |" for way, ours, theirs, same in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """Time both sides in turns and print the table; exit code 1 where the promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=0.2)
    parser.add_argument("--model")
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
    print(section(title, arguments.clips, rows))
    return int(min(theirs / ours for _, ours, theirs, _ in rows) < PROMISE)


if __name__ == "__main__":
    sys.exit(main())
