"""`Scene`: clouds in one plane, and the numbers that were measured on them before they were flattened."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gapkit.atomic import write_bytes
from gapkit.errors import InputError
from gapkit.files.npy import open_npz
from gapkit.metrics import METRICS

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "source"
"""What the source before any bridge is called in `Scene.numbers`."""

SHORT = {"cosine": "Cosine", "centroid-distance": "Centroid"}
"""Metrics whose heading is too long for a panel."""

SCHEMA = 1


def state_names(states: int) -> list[str]:
    """What the states of a process are called after the source: start, where the process begins, step 1, step 2, ..."""
    return ["start", *(f"step {k}" for k in range(1, states - 1))]


@dataclass(frozen=True, eq=False)
class Scene:
    """What a migration figure shows; made by `stage` or `stage_steps`.

    Parameters
    ----------
    before : array of shape (n, 2)
        The drawn clips of the source.
    target : array of shape (n, 2)
        One target row for each of them.
    clouds : mapping of name to array of shape (n, 2)
        The same clips moved: one cloud a bridge, or one a reverse step, in order.
    labels : pair of str
        The axes.
    method : str
        How the plane was found.
    numbers : DataFrame
        One row a cloud and metric: cloud (`SOURCE` for that before), metric, value, low, high. Measured on all clips in
        the space itself.
    n_clips : int
        Clips behind the numbers.
    name : str
        What the data are called.
    captions : tuple of str
        Text of each drawn target row; empty where there is none.
    steps : bool
        The clouds are states of one process, in order.
    note : str
        What a reader has to know.
    """

    before: NDArray[np.float64]
    target: NDArray[np.float64]
    clouds: Mapping[str, NDArray[np.float64]]
    labels: tuple[str, str]
    method: str
    numbers: pd.DataFrame
    n_clips: int
    name: str = ""
    captions: tuple[str, ...] = ()
    steps: bool = False
    note: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)

    def lines(self, cloud: str) -> list[str]:
        """The numbers of one cloud, a line each: label, value, 95 % interval."""
        own = self.numbers[self.numbers["cloud"] == cloud]
        said = []
        for metric, value, low, high in zip(own["metric"], own["value"], own["low"], own["high"], strict=True):
            record = METRICS.get(str(metric))
            text = f"{SHORT.get(record.name, record.label)} {record.text(value)}"
            said.append(f"{text} [{record.text(low)}, {record.text(high)}]" if np.isfinite([low, high]).all() else text)
        return said

    def only(self, names: Sequence[str]) -> Scene:
        """The same plane with some of the clouds, in the order given.

        Raises
        ------
        InputError
            A name that is not here.
        """
        from dataclasses import replace

        for name in names:
            if name not in self.clouds:
                raise InputError(f"figure: no cloud {name!r}; here are: {', '.join(self.clouds) or 'none'}")
        return replace(self, clouds={name: self.clouds[name] for name in names})

    def save(self, path: str | Path) -> None:
        """Write everything to one npz file; coordinates in half precision, which is finer than print."""
        about = {
            "schema": SCHEMA, "clouds": list(self.clouds), "labels": list(self.labels), "method": self.method,
            "numbers": self.numbers.to_dict("list"), "n_clips": self.n_clips, "name": self.name,
            "captions": list(self.captions), "steps": self.steps, "note": self.note, "params": dict(self.params),
        }  # fmt: skip
        buffer = io.BytesIO()
        stacked = np.stack([self.before, self.target, *self.clouds.values()]).astype(np.float16)
        np.savez_compressed(buffer, coordinates=stacked, about=np.frombuffer(_json(about), dtype=np.uint8))
        write_bytes(path, buffer.getvalue())

    @classmethod
    def read(cls, path: str | Path) -> Scene:
        """What `save` wrote.

        Raises
        ------
        InputError
            No such file, another one, or one of a newer gapkit.
        """
        import pandas as pd

        try:
            store = open_npz(Path(path))
            about = json.loads(store.array("about").tobytes())
            before, target, *clouds = store.array("coordinates").astype(np.float64)
            if about["schema"] > SCHEMA:
                raise InputError(f"{path}: written by a newer gapkit (schema {about['schema']}); upgrade gapkit")
            return cls(
                before,
                target,
                dict(zip(about["clouds"], clouds, strict=True)),
                (about["labels"][0], about["labels"][1]),
                about["method"],
                pd.DataFrame(about["numbers"]).astype({"value": float, "low": float, "high": float}),
                about["n_clips"],
                about["name"],
                tuple(about["captions"]),
                about["steps"],
                about["note"],
                about["params"],
            )
        except FileNotFoundError:
            raise InputError(f"{path}: no such file") from None
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, BadZipFile, RecursionError):
            raise InputError(f"{path}: expected a scene that gapkit wrote; make it again") from None


def _json(content: Mapping[str, Any]) -> bytes:
    """NaN is null; six significant digits are more than any figure shows."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(own) for key, own in value.items()}
        if isinstance(value, list | tuple):
            return [plain(own) for own in value]
        if isinstance(value, float | np.floating):
            return float(f"{value:.6g}") if np.isfinite(value) else None
        return value

    return json.dumps(plain(content), ensure_ascii=False, allow_nan=False).encode("utf-8")
