"""METEOR in one Java process for all captions.

The jar of `pycocoevalcap` speaks a protocol of lines: ``SCORE ||| reference ||| ... ||| hypothesis`` answers with
counts, ``EVAL ||| counts ||| counts ...`` with one score for each and one for the sum. Its own class waits for every
answer before it asks again; here all questions are written while the answers are read.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from gapkit.captioning.scores.absence import AbsentError
from gapkit.captioning.scores.java import UTF8, complaint, find_java, jar

TEST_LENGTH, REFERENCE_LENGTH, CHUNKS, TEST_MATCHES, REFERENCE_MATCHES = 0, 1, 20, 21, 22
"""Places in the counts of a caption."""

_BLANKS = re.compile("[ \\t\\n\\r\\f]+")
"""Characters at which METEOR itself parts words; a no-break space is a part of its word."""


class Meteor:
    """A METEOR 1.5 process; it loads its paraphrases (10 to 20 seconds) from when it is made.

    Parameters
    ----------
    java : path, optional
        The java program.

    Raises
    ------
    AbsentError
        Java or the jar is missing; later, that the process has stopped.
    """

    def __init__(self, java: str | Path | None = None) -> None:
        path = jar("meteor", "meteor-1.5.jar")
        command = [find_java(java), *UTF8, "-Xmx2G", "-jar", path.name, "-", "-", "-stdio", "-l", "en", "-norm"]
        self._said = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                command, cwd=path.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said
            )
        except OSError as error:
            self._said.close()
            raise AbsentError(f"Java could not be started ({error.strerror}); check {command[0]}") from None

    def __enter__(self) -> Meteor:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._said.close()

    def counts(self, candidates: Sequence[str], references: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """What matches in each caption.

        Parameters
        ----------
        candidates : sequence of n str
            Words, joined by blanks.
        references : sequence of n sequences of str

        Returns
        -------
        array of shape (n, 23)
            Counts of METEOR, of the reference with the best score.

        Raises
        ------
        AbsentError
            The process has stopped.
        """
        lines = [
            " ||| ".join(["SCORE", *map(_plain, said), _plain(candidate)])
            for candidate, said in zip(candidates, references, strict=True)
        ]
        answers = self._ask(lines, len(lines), "captions")
        try:
            return np.array([[float(number) for number in line.split()] for line in answers]).reshape(len(lines), 23)
        except ValueError:
            bad = next((line for line in answers if not line[:1].isdigit()), "counts of another number")
            raise AbsentError(f"METEOR refused a caption ({bad[:200]}); look for control characters in it") from None

    def scores(self, counts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Score of each row of counts, and of all together.

        Raises
        ------
        AbsentError
            The process has stopped.
        """
        rows = (" ".join(map(repr, row)) for row in counts.tolist())
        answers = self._ask([" ||| ".join(["EVAL", *rows])], len(counts) + 1, "scores")
        values = np.array([float(line) for line in answers])
        return values[:-1], float(values[-1])

    def resampled(self, counts: NDArray[np.float64], weights: NDArray[np.float32]) -> NDArray[np.float64]:
        """Score of each resample of the captions, from sums of their counts.

        Parameters
        ----------
        counts : array of shape (n, 23)
        weights : array of shape (B, n)
            How often each caption occurs in each resample.

        Returns
        -------
        array of shape (B,)

        Raises
        ------
        AbsentError
            The process has stopped.
        """
        if not len(weights):
            return np.empty(0)
        summed = counts.copy()
        # METEOR adds no chunk where a caption is its reference, word for word.
        whole = (counts[:, TEST_MATCHES] == counts[:, TEST_LENGTH]) & (
            counts[:, REFERENCE_MATCHES] == counts[:, REFERENCE_LENGTH]
        )
        summed[whole & (counts[:, CHUNKS] == 1), CHUNKS] = 0
        return self.scores(weights.astype(np.float64) @ summed)[0]

    def _ask(self, lines: Sequence[str], expected: int, what: str) -> list[str]:
        """Write all lines while the answers are read: neither side waits for a full pipe."""
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None

        def write() -> None:
            # The reader sees the end, and says so.
            with contextlib.suppress(OSError, ValueError):
                to.writelines(f"{line}\n".encode(errors="replace") for line in lines)
                to.flush()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        answers: list[str] = []
        try:
            for _ in range(expected):
                line = back.readline()
                if not line.endswith(b"\n"):
                    break
                answers.append(line.decode(errors="replace").strip())
        except ValueError:  # the pipe was closed under it
            pass
        if len(answers) < expected:
            raise AbsentError(self._last_words(len(answers), expected, what))
        writer.join()
        return answers

    def _last_words(self, done: int, expected: int, what: str) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=10)
        said = "nothing"
        with contextlib.suppress(OSError, ValueError):
            self._said.seek(0)
            said = complaint(self._said.read())
        return (
            f"METEOR's Java stopped after {done:,} of {expected:,} {what} (exit {self._process.returncode}, said: "
            f"{said}); run again, with 2 GB of memory free"
        )


def _plain(words: str) -> str:
    """One caption of a line: nothing in it that the protocol would take for its own."""
    return " ".join(_BLANKS.split(words.replace("|||", " "))).strip()
