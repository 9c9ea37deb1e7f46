"""Commands in child processes that something befalls, forked from one that has everything loaded."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gapkit.cli.main import main

Fault = Callable[[], None]
"""Called in the child before the command starts."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (minus the signal that killed it), what it printed, its seconds."""

    code: int
    out: str
    err: str
    seconds: float


class Child:
    """A command that runs in a fork of this process."""

    def __init__(self, arguments: list[str], fault: Fault | None = None) -> None:
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115
        self._began = time.perf_counter()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads: those of pytest only wait
            self.pid = os.fork()
        if not self.pid:
            self._run(arguments, fault)

    def _run(self, arguments: list[str], fault: Fault | None) -> None:
        code: Any = 70
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number, file in ((1, self._out), (2, self._err)):
                os.dup2(file.fileno(), number)
            sys.stdout, sys.stderr = (open(n, "w", encoding="utf-8", closefd=False) for n in (1, 2))  # noqa: SIM115
            os.environ["COLUMNS"] = "100"
            if fault is not None:
                fault()
            try:
                main(arguments)
            except SystemExit as end:
                code = end.code
            sys.stdout.flush()
            sys.stderr.flush()
            # As Python does before it ends, which `os._exit` does not.
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and not thread.daemon:
                    thread.join()
        except BaseException as error:  # nothing of this process may go on in the fork
            os.write(2, f"Traceback: {error!r}".encode())
        finally:
            os._exit(code)

    def kill(self) -> None:
        """End it, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Its end."""
        _, status = os.waitpid(self.pid, 0)
        seconds = time.perf_counter() - self._began
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode())
            file.close()
        return Ended(os.waitstatus_to_exitcode(status), texts[0], texts[1], seconds)


def run(arguments: list[str], fault: Fault | None = None) -> Ended:
    """A command from beginning to end."""
    return Child(arguments, fault).wait()


def killed_after(arguments: list[str], seconds: float) -> Ended:
    """A command that is killed after so many seconds, if it runs as long."""
    child = Child(arguments)
    time.sleep(seconds)
    child.kill()
    return child.wait()


@dataclass
class Boundary:
    """Gets a signal at the k-th step of the file system under `root`: before it, or in the middle of what is written.

    Opening for writing, renaming, removing, making folders and synchronising are one step each; writing is one too,
    and dying in it leaves the first half of the bytes.
    """

    root: Path
    kill_at: int
    number: int = signal.SIGKILL
    done: int = 0

    def __call__(self) -> None:
        """Put the traps up, in this process for good."""
        inside = os.fspath(self.root)

        def audit(event: str, given: tuple[Any, ...]) -> None:
            if event == "open":
                path, _, flags = given
                writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
                if writes and os.fspath(path if not isinstance(path, int) else "").startswith(inside):
                    self._step()
            elif event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir") and os.fspath(given[0]).startswith(inside):
                self._step()

        write_bytes, write, fsync = Path.write_bytes, os.write, os.fsync

        def half_a_file(path: Path, content: bytes) -> int:
            if self._is_last():
                with path.open("wb") as handle:
                    handle.write(content[: len(content) // 2])
                self._strike()
            return write_bytes(path, content)

        def half_a_record(descriptor: int, content: bytes) -> int:
            if self._is_last():
                write(descriptor, content[: len(content) // 2])
                self._strike()
            return write(descriptor, content)

        def sync(descriptor: int) -> None:
            self._step()
            fsync(descriptor)

        Path.write_bytes, os.write, os.fsync = half_a_file, half_a_record, sync  # type: ignore[method-assign, assignment]
        sys.addaudithook(audit)

    def _is_last(self) -> bool:
        self.done += 1
        return self.done == self.kill_at

    def _step(self) -> None:
        if self._is_last():
            self._strike()

    def _strike(self) -> None:
        os.kill(os.getpid(), self.number)


def boundaries(arguments: list[str], root: Path) -> int:
    """Steps of an undisturbed command, which is run for it."""
    counter = Boundary(root, kill_at=-1)
    ends, begins = os.pipe()

    def count() -> None:
        counter()
        leave = os._exit

        def exit_telling(code: int) -> None:
            os.write(begins, str(counter.done).encode())
            leave(code)

        os._exit = exit_telling  # type: ignore[assignment]

    ended = run(arguments, count)
    os.close(begins)
    with os.fdopen(ends) as pipe:
        steps = pipe.read()
    assert ended.code == 0, ended.err
    return int(steps)
