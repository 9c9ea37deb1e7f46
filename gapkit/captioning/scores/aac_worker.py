"""Runs in the environment of aac-metrics, which need not know gapkit: reads captions, writes scores, both JSON.

``python aac_worker.py ASKED TOLD``. ASKED holds candidates, references, metrics, java and device; TOLD gets the
version, and for each metric the scores of the set and of the clips, or why it failed.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from typing import Any


def main(asked: str, told: str) -> None:
    """Score what `asked` holds and write it to `told`."""
    from aac_metrics.functional.evaluate import evaluate
    from aac_metrics.utils.tokenization import preprocess_mono_sents, preprocess_mult_sents

    with open(asked, encoding="utf-8") as file:  # noqa: PTH123 - the other Python may be an old one
        task = json.load(file)
    answer: dict[str, Any] = {"version": version("aac-metrics"), "corpus": {}, "per_clip": {}, "failed": {}}
    try:
        candidates = preprocess_mono_sents(task["candidates"], java_path=task["java"])
        references = preprocess_mult_sents(task["references"], java_path=task["java"])
    except Exception as error:
        answer["failed"] = dict.fromkeys(task["metrics"], _reason(error))
        task["metrics"] = []
    for name in task["metrics"]:
        try:
            corpus, clips = evaluate(
                candidates,
                references,
                preprocess=False,
                metrics=[name],
                java_path=task["java"],
                device=task["device"],
            )
        except Exception as error:  # one that fails must not take the others with it
            answer["failed"][name] = _reason(error)
            continue
        answer["corpus"].update({key: float(value) for key, value in corpus.items()})
        answer["per_clip"].update({key: [float(v) for v in values] for key, values in clips.items()})
    with open(told, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(answer, file)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    main(*sys.argv[1:])
