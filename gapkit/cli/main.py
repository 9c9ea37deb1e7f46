"""The `gapkit` command. Faces load here; what is heavy loads when a command runs."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

from gapkit import __version__
from gapkit.cli import (
    caption,
    clean,
    compare,
    curve,
    diff,
    doctor,
    embed,
    fit,
    inspect,
    listing,
    matrix,
    merge,
    metrics,
    plot,
    report,
    table,
    transform,
    tune,
    verdict,
    verify,
)
from gapkit.errors import GapkitError, InputError, printable

app = typer.Typer(
    name="gapkit",
    help="Measure, bridge and tabulate the modality gap between paired embeddings.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,  # its options cost every --help a tenth of a second
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("compare")(compare.compare)
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)
app.command("metrics")(metrics.metrics)
app.command("fit")(fit.fit)
app.command("transform")(transform.transform)
app.command("tune")(tune.tune)
app.command("plot")(plot.plot)
app.command("embed")(embed.embed)
app.command("report")(report.report)
app.command("table")(table.table)
app.command("verdict")(verdict.verdict)
app.command("merge")(merge.merge)
app.command("curve")(curve.curve)
app.command("diff")(diff.diff)
app.command("matrix")(matrix.matrix)
app.command("verify")(verify.verify)
app.command("clean")(clean.clean)
app.command("list")(listing.list_)
app.add_typer(caption.caption, name="caption")


def _version(value: bool) -> None:
    if value:
        typer.echo(f"gapkit {__version__}")
        raise typer.Exit


@app.callback()
def _gapkit(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    pass


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong input, 130 interrupted, 143 terminated."""
    terminated = False

    def stop(*_: object) -> NoReturn:
        nonlocal terminated
        terminated = True
        raise KeyboardInterrupt

    _open_closed_streams()
    # As an interrupt, so that no half file is left behind.
    signal.signal(signal.SIGTERM, stop)
    code = run(list(sys.argv[1:] if arguments is None else arguments))
    sys.exit(143 if terminated and code == 130 else code)


def _open_closed_streams() -> None:
    """A stream that was closed at the start leads nowhere: else the next file that is opened would take its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def run(arguments: list[str]) -> int:
    """The exit code of one command; every failure is one line on stderr."""
    warnings.showwarning = _show_warning
    debug = "--debug" in arguments
    # A command has no --debug of its own: it may stand anywhere.
    arguments = [*(["--debug"] if debug else []), *(a for a in arguments if a != "--debug")]
    try:
        code = app(arguments, standalone_mode=False, prog_name="gapkit")
        sys.stdout.flush()
    except TyperException as error:
        line = " ".join(error.format_message().split())
        return _fail(line, 2) if line else 2  # without a command the help is all that is said
    except BrokenPipeError:
        return _quiet_pipe()
    except (InputError, GapkitError, OSError, MemoryError) as error:
        if debug:
            raise
        line = _line(error)
        return _fail(_by_option(line, arguments), 2) if isinstance(error, InputError) else _fail(line, 1)
    except KeyboardInterrupt:
        code = 130
    except typer.Abort:
        return _fail("stopped", 1)
    except Exception as error:
        if debug:
            raise
        return _fail(f"{_line(error)} (this is a bug in gapkit or in a plugin; --debug shows where)", 1)
    if code == 130:
        resumes = not {"compare", "tune", "embed"}.isdisjoint(arguments) or any(
            {"caption", name} <= set(arguments) for name in ("train", "study")
        )
        resume = "; finished work is kept, the same command goes on from there" if resumes else ""
        print(f"gapkit: stopped{resume}", file=sys.stderr)  # noqa: T201
    return code if isinstance(code, int) else 0


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, GapkitError):
        return text
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or text}"
    if isinstance(error, MemoryError):
        return "out of memory; use fewer clips or a machine with more"
    return f"{type(error).__name__}: {text}"


def _by_option(line: str, arguments: list[str]) -> str:
    """The message, opened by the option instead of the parameter where that option was given."""
    name, colon, rest = line.partition(":")
    option = f"--{name.removeprefix('n_').replace('_', '-')}"
    given = any(argument.partition("=")[0] == option for argument in arguments)
    return f"{option}:{rest}" if colon and given else line


def _fail(line: str, code: int) -> int:
    print(f"gapkit: error: {printable(line)}", file=sys.stderr)  # noqa: T201
    return code


def _quiet_pipe() -> int:
    """The reader of our output has gone: nothing to say, and nothing to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    print(f"gapkit: warning: {printable(' '.join(str(message).split()))}", file=sys.stderr)  # noqa: T201
