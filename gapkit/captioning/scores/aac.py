"""`aac-metrics` as the scorer, in a Python environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from gapkit.captioning.scores import aac_worker
from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.catalogue import BLEU
from gapkit.captioning.scores.found import Found
from gapkit.captioning.scores.java import find_java
from gapkit.captioning.scores.material import Material
from gapkit.captioning.scores.tools import Tools

SCORED = (*BLEU, "rouge_l", "meteor", "cider_d", "spice", "spider", "fer", "spider_fl", "sbert_sim", "fense")
"""What is asked of it; the names are its own."""

OF_THE_SET = frozenset((*BLEU, "meteor"))
"""Scores that are no means over clips; of these it tells no counts, and so they have no resamples."""


def aac_scores(one: Material, needed: Iterable[str], tools: Tools) -> tuple[Found, str]:
    """Scores of one system, and the version of aac-metrics.

    Raises
    ------
    AbsentError
        The given Python cannot be run or has no aac-metrics.
    """
    asked = [name for name in SCORED if name in needed]
    # It is started in another folder; links stay links, by which an environment knows itself.
    python = os.path.abspath(shutil.which(str(tools.aac_python)) or str(tools.aac_python))  # noqa: PTH100
    try:
        java = find_java(tools.java)
    except AbsentError:
        java = "java"  # it says itself what it misses
    with tempfile.TemporaryDirectory() as scratch:
        task, told = Path(scratch, "captions.json"), Path(scratch, "scores.json")
        content = {
            "candidates": one.candidates,
            "references": one.references,
            "metrics": asked,
            "java": java,
            "device": tools.device,
        }
        task.write_text(json.dumps(content), encoding="utf-8")
        # Isolated: neither this folder nor the path of this process is searched for modules there.
        command = [python, "-I", aac_worker.__file__, str(task), str(told)]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, check=False)
        except OSError as error:
            raise AbsentError(f"{python} cannot be run ({error.strerror}); name the python with aac-metrics") from None
        try:
            answer = json.loads(told.read_text(encoding="utf-8"))
            found = _read(answer, asked, len(one.ids))
        except (OSError, ValueError, KeyError, TypeError):
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["nothing"]
            raise AbsentError(
                f"aac-metrics gave no scores (exit {done.returncode}, said: {said[-1][:200]}); run `{python} -m pip "
                "install aac-metrics`"
            ) from None
    return found, str(answer["version"])


def _read(answer: dict[str, dict[str, object]], asked: list[str], n: int) -> Found:
    found = Found()
    for name in asked:
        if name in answer["failed"]:
            found.absent[name] = f"aac-metrics failed: {answer['failed'][name]}"
        elif name not in answer["per_clip"]:
            found.absent[name] = "aac-metrics gave none"
        else:
            values = np.asarray(answer["per_clip"][name], dtype=np.float64)
            if values.shape != (n,):
                raise ValueError(f"{values.shape} scores for {n} clips")
            found.per_clip[name] = values
            if name in OF_THE_SET:
                found.corpus[name] = float(answer["corpus"][name])  # type: ignore[arg-type]
    return found
