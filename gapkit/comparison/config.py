"""`StudyConfig`: everything that a comparison can be told, from code, a TOML file or flags."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gapkit.bridges.registry import BRIDGES, bridge_names, make_bridge
from gapkit.errors import InputError
from gapkit.given import whole
from gapkit.metrics.registry import METRICS, metric_names
from gapkit.records import read_toml
from gapkit.registry import nearest_of


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """What is compared, and how.

    Parameters
    ----------
    bridges : tuple of str
        Names; empty for those of the default table (`Bridge.in_default`), ``("all",)`` for every registered bridge.
        `identity` and `mean-shift` always stand among the
        anchors.
    metrics : tuple of str
        Names; empty for the default table, ``("all",)`` for every metric.
    seeds : int
        How many seeds a stochastic bridge is fitted with: ``seed .. seed + seeds - 1``.
    seed : int
        First seed; also that of the split, the folds and the bootstrap.
    n_resamples : int
        Bootstrap resamples behind each interval; clips are resampled.
    steps, epochs : int, optional
        Training length of every bridge that trains.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"``.
    threads : int, optional
        Recorded in the manifest; the command line sets them.
    params : mapping of bridge name to parameters
        Parameters of single bridges.
    fit_split, validation_split, test_split : str
        Names of the splits.
    folds : int, optional
        Measure every item by one of so many fits that has not seen it; splits of the data are then left aside.
    normalise : bool
        Scale every embedding to length one first.

    Raises
    ------
    InputError
        A value out of range, or of another type.
    """

    bridges: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    seeds: int = 3
    seed: int = 0
    n_resamples: int = 1000
    steps: int | None = None
    epochs: int | None = None
    device: str = "auto"
    threads: int | None = None
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fit_split: str = "train"
    validation_split: str = "val"
    test_split: str = "test"
    folds: int | None = None
    normalise: bool = True

    def __post_init__(self) -> None:
        for name in ("bridges", "metrics"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(v, str) for v in value):
                raise InputError(f"{name}: expected a list of names, got {value!r}")
            object.__setattr__(self, name, tuple(dict.fromkeys(value)))
        for name, least in (
            ("seeds", 1),
            ("seed", 0),
            ("n_resamples", 0),
            ("steps", 1),
            ("epochs", 1),
            ("threads", 1),
            ("folds", 2),
        ):
            value = getattr(self, name)
            if value is None and name in ("steps", "epochs", "threads", "folds"):
                continue
            object.__setattr__(self, name, whole(name, value, least))
        if self.steps is not None and self.epochs is not None:
            raise InputError("steps and epochs: expected one of the two, got both; leave one out")
        for name in ("device", "fit_split", "validation_split", "test_split"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise InputError(f"{name}: expected a name, got {getattr(self, name)!r}")
        if not isinstance(self.normalise, bool):
            raise InputError(f"normalise: expected true or false, got {self.normalise!r}")
        if len(set(self.splits)) < 3:
            raise InputError(
                f"fit, validation and test split: expected three different names, got {', '.join(self.splits)}"
            )

    @property
    def splits(self) -> tuple[str, str, str]:
        """Names of the fit, validation and test split."""
        return self.fit_split, self.validation_split, self.test_split

    def resolved(self) -> StudyConfig:
        """The same with every name checked, ``all`` spelt out and the device settled.

        Raises
        ------
        InputError
            An unknown bridge, metric, parameter or device.
        """
        bridges = self.bridges or tuple(name for name in bridge_names() if BRIDGES.get(name).in_default)
        if "all" in bridges:
            bridges = tuple(bridge_names())
        metrics = self.metrics or tuple(metric_names(default=True))
        if "all" in metrics:
            metrics = tuple(metric_names())
        metrics, bridges = tuple(map(METRICS.name_of, metrics)), tuple(map(BRIDGES.name_of, bridges))
        params = {BRIDGES.name_of(name): own for name, own in self.params.items()}
        device = settle_device(self.device)
        config = dataclasses.replace(self, bridges=bridges, metrics=metrics, params=params, device=device)
        for name in bridges:
            config.bridge_params(name, config.seed)
        return config

    def bridge_params(self, name: str, seed: int, n_pairs: int | None = None) -> dict[str, Any]:
        """All parameters of one bridge: its defaults, what this study sets for every bridge, what it sets for this one.

        Parameters
        ----------
        name : str
        seed : int
            Given as ``random_state`` to a bridge that has it.
        n_pairs : int, optional
            Number of fitted pairs, by which `epochs` become steps for a bridge that counts steps.
        """
        name = BRIDGES.name_of(name)
        own = dict(self.params.get(name, {}))
        known = inspect.signature(BRIDGES.get(name)).parameters
        common: dict[str, Any] = {
            "random_state": seed,
            "device": self.device,
            "steps": self.steps,
            "epochs": self.epochs,
        }
        given = {key: value for key, value in common.items() if value is not None and key in known and key not in own}
        bridge = make_bridge(name, **given, **own)
        params = dict(bridge.get_params(deep=False))
        if self.epochs is not None and "epochs" not in known and "steps" in known and "steps" not in own and n_pairs:
            batch = params.get("batch_size") or n_pairs
            params["steps"] = self.epochs * -(-n_pairs // int(batch))
        return params


def settle_device(device: str) -> str:
    """The device that ``auto`` stands for here, or the given one if it is there.

    Raises
    ------
    InputError
        A device that this machine does not have.
    """
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next((name for name in ("cuda", "mps") if there[name]), "cpu")
    kind = device.split(":")[0]
    if kind not in there or not there[kind]:
        here = ", ".join(["auto", *(name for name, is_there in there.items() if is_there)])
        raise InputError(f"device: expected one of this machine ({here}), got {device!r}")
    return device


def read_config(path: str | Path) -> dict[str, Any]:
    """The fields of a `StudyConfig` that a TOML file sets.

    Parameters
    ----------
    path : path
        Keys of the table ``[compare]`` are the fields of `StudyConfig`; each table ``[bridges.NAME]`` holds parameters
        of one bridge.

    Returns
    -------
    dict
        For ``StudyConfig(**fields)``.

    Raises
    ------
    InputError
        Not there, not TOML, or a key that does not exist (the nearest are offered).
    """
    try:
        content = read_toml(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected a TOML file with a table [compare]") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as TOML ({error})") from None
    _refuse_unknown(content, ("compare", "bridges"), f"{path}: table")
    fields = [f.name for f in dataclasses.fields(StudyConfig) if f.name != "params"]
    compare, bridges = content.get("compare", {}), content.get("bridges", {})
    if not isinstance(compare, dict) or not isinstance(bridges, dict):
        raise InputError(f"{path}: expected the tables [compare] and [bridges.NAME]")
    _refuse_unknown(compare, fields, f"{path}: key of [compare]")
    for name, params in bridges.items():
        if not isinstance(params, dict):
            raise InputError(f"{path}: bridges.{name}: expected a table [bridges.{name}], got {params!r}")
    return {**compare, **({"params": bridges} if bridges else {})}


def _refuse_unknown(given: Mapping[str, Any], known: Sequence[str], what: str) -> None:
    for key in given:
        if key not in known:
            raise InputError(f"{what} {key!r} is unknown: {nearest_of(key, known)}")
