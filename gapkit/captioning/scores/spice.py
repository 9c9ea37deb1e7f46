"""SPICE, where its parser is: pycocoevalcap carries all jars but those of Stanford CoreNLP 3.6.0."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.found import Found
from gapkit.captioning.scores.java import UTF8, complaint, find_java, jar, package
from gapkit.captioning.scores.tools import Tools

JARS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")
WHERE = "https://nlp.stanford.edu/software/stanford-corenlp-full-2015-12-09.zip"


def spice(candidates: Sequence[str], references: Sequence[Sequence[str]], tools: Tools) -> Found:
    """SPICE of each clip, NaN where the parser gives none; one Java process for all.

    Nothing is downloaded and nothing is written beside the package, both of which its own class does.

    Raises
    ------
    AbsentError
        Java or a jar is missing, or the process failed.
    """
    jars = jars_of(tools)
    java = find_java(tools.java)
    path = os.pathsep.join([str(jar("spice", "spice-1.0.jar")), *map(str, jars), f"{_own()}/*"])
    # Its cache of parses opens classes that Java has kept closed since 16; Java 8 knows no such option.
    opened = f"{os.environ.get('JDK_JAVA_OPTIONS', '')} --add-opens=java.base/java.lang=ALL-UNNAMED"
    with tempfile.TemporaryDirectory() as scratch:
        asked, told = Path(scratch, "captions.json"), Path(scratch, "scores.json")
        clips = [
            {"image_id": place, "test": said, "refs": list(refs)}
            for place, (said, refs) in enumerate(zip(candidates, references, strict=True))
        ]
        asked.write_text(json.dumps(clips), encoding="utf-8")
        command = [java, *UTF8, "-Xmx8G", "-cp", path, "edu.anu.spice.SpiceScorer", str(asked), "-out", str(told)]
        try:
            done = subprocess.run(
                [*command, "-subset", "-silent"],
                cwd=scratch,
                env=os.environ | {"JDK_JAVA_OPTIONS": opened.strip()},
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise AbsentError(f"Java could not be started ({error.strerror}); check {java}") from None
        try:
            scores = {int(clip["image_id"]): clip["scores"]["All"]["f"] for clip in json.loads(told.read_text())}
            # Where neither caption nor references hold anything it writes null.
            values = np.array([scores[place] for place in range(len(clips))], dtype=np.float64)
        except (OSError, ValueError, KeyError, TypeError):
            raise AbsentError(
                f"SPICE's Java gave no scores (exit {done.returncode}, said: {complaint(done.stderr)}); it wants 8 GB "
                "of memory and is made for Java 8: name one with --java"
            ) from None
    if np.isnan(values).all():
        raise AbsentError("SPICE is undefined: its parser found nothing in any caption and its references")
    return Found(per_clip={"spice": values})


def jars_of(tools: Tools) -> list[Path]:
    """The jars of CoreNLP.

    Raises
    ------
    AbsentError
        One is not there.
    """
    folder = Path(tools.spice_jars).absolute() if tools.spice_jars is not None else _own()
    missing = [name for name in JARS if not (folder / name).is_file()]
    if missing:
        raise AbsentError(
            f"no {' and no '.join(missing)} in {folder}; unpack both from {WHERE} and name their folder with "
            "--spice-jars"
        )
    return [folder / name for name in JARS]


def _own() -> Path:
    return package() / "spice" / "lib"
