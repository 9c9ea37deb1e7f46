"""`gapkit fit`: one bridge, kept in a folder."""

from __future__ import annotations

import ast
import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gapkit.cli import options

if TYPE_CHECKING:
    from gapkit.bridges.fitted_on import FittedOn

Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder that the fitted bridge goes to.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the bridge; may be given again.")
]

Config = Annotated[
    Path | None,
    typer.Option(metavar="TOML", help="File with the parameters, as `gapkit tune` writes it; flags go before it."),
]

HoldOut = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Keep back this share of the items, say 30%: `compare` draws the same ones."),
]


def fit(
    bridge: Annotated[str, typer.Argument(help="Name of the bridge: see `gapkit list bridges`.")],
    out: Out,
    pairs: options.Pairs = None,
    target: options.Target = None,
    owner: options.Owner = None,
    groups: options.Groups = None,
    captions: options.Captions = None,
    join: options.Join = "all",
    dataset: options.Dataset = None,
    hold_out: HoldOut = None,
    config: Config = None,
    set_: Set = None,
    steps: options.Steps = None,
    epochs: options.Epochs = None,
    fit_split: options.FitSplit = None,
    validation_split: options.ValidationSplit = None,
    seed: options.Seed = 0,
    device: options.Device = None,
    threads: options.Threads = 1,
    quiet: options.Quiet = False,
) -> None:
    """Fit one bridge on the train split (on all items where there are no splits) and keep it."""
    from gapkit.bridges.registry import BRIDGES
    from gapkit.cli.progress import reporting, say
    from gapkit.comparison import StudyConfig, fit_alone
    from gapkit.machine import limit_threads
    from gapkit.study.folder import held_alone

    bridge = BRIDGES.name_of(bridge)
    given, kept_back = parameters(set_ or []), None if hold_out is None else share(hold_out)
    if config is not None:
        lengths = ("steps", "epochs") if steps is not None or epochs is not None else ()
        from_file = parameters_of(config, bridge)
        given = {**{key: value for key, value in from_file.items() if key not in lengths}, **given}
    settings: dict[str, Any] = {"seed": seed, "steps": steps, "epochs": epochs, "device": device or "auto"}
    settings |= options.given_splits(fit_split, validation_split)
    study = StudyConfig(bridges=(bridge,), params={bridge: given}, **settings).resolved()
    options.refuse_foreign_folder(out, "config.json")
    limit_threads(threads)
    data = options.open_pairs(pairs, target, owner, captions, dataset, join=join, groups=groups, quiet=quiet)
    with reporting(quiet=quiet) as progress:
        fitted = fit_alone(data, bridge, study, hold_out=kept_back, progress=progress)
    with held_alone(out):
        fitted.save(out)
    if not quiet:
        if fitted.fitted_on_ is not None:
            say(told(fitted.fitted_on_))
        say(f"{bridge} written to {out}")


def told(record: FittedOn) -> str:
    """The fitted items of a bridge, in one line."""
    from gapkit.comparison.alone import ALL_ITEMS

    if record.part == ALL_ITEMS:
        return f"fitted on all {record.items:,} items: measure on others, or fit with --hold-out 30%"
    validated = f"; {record.validating:,} more stop or choose" if record.validating else ""
    return (
        f"fitted on {record.items:,} items{' of' if record.part.startswith('split ') else ','} {record.part}{validated}"
    )


def share(given: str) -> float:
    """A share as a number from its text, ``30%`` or ``0.3``.

    Raises
    ------
    InputError
    """
    from gapkit.errors import InputError

    number, percent, rest = given.strip().partition("%")
    with contextlib.suppress(ValueError):
        value = round(float(number) / (100 if percent else 1), 12)
        if not rest and 0 < value < 1:
            return value
    raise InputError(f"--hold-out: expected a share between 0 and 1, such as 30% or 0.3, got {given!r}")


def parameters_of(path: Path, bridge: str) -> dict[str, Any]:
    """What the table ``[bridges.NAME]`` of a TOML file holds.

    Raises
    ------
    InputError
        A file that cannot be read, or without that table.
    """
    from gapkit.comparison import read_config
    from gapkit.errors import InputError

    tables: dict[str, dict[str, Any]] = read_config(path).get("params", {})
    if bridge not in tables:
        there = ", ".join(f"[bridges.{name}]" for name in tables) or "none of a bridge"
        raise InputError(f"{path}: expected a table [bridges.{bridge}], got {there}; give the file of this bridge")
    return tables[bridge]


def parameters(given: list[str], *, option: str = "--set") -> dict[str, Any]:
    """Parameters from ``key=value``; a value is read as JSON or a literal of Python where it is one, else as text.

    Parameters
    ----------
    given : list of str
    option : str
        The option that they were given by; opens the messages.

    Returns
    -------
    dict

    Raises
    ------
    InputError
        No ``=``, or one key twice.
    """
    from gapkit.errors import InputError

    answer: dict[str, Any] = {}
    for item in given:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            raise InputError(f"{option}: expected KEY=VALUE, got {item!r}")
        if key.strip() in answer:
            raise InputError(f"{option}: {key.strip()} is given twice; leave one out")
        answer[key.strip()] = _value(text)
    return answer


def _value(text: str) -> Any:
    for read in (json.loads, ast.literal_eval):
        with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return read(text)
    return text
