"""The contract of a bridge: a scikit-learn transformer from source to target space."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import torch
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, like, unit_rows
from gapkit.bridges.fitted_on import FittedOn
from gapkit.bridges.saving import read_bridge, save_bridge
from gapkit.errors import InputError, NotFittedError
from gapkit.options import DeclaredSpace, options_of
from gapkit.space import Space


@dataclass(frozen=True)
class FitContext:
    """What a caller may hand to a long fit.

    Parameters
    ----------
    validation : pair of Tensor (v, d), optional
        Held-out pairs, row i of one with row i of the other. Without them a network is trained to its last step,
        and `pls-svd` and `cca` hold out a part of their own pairs.
    checkpoint : Path, optional
        File that training writes its state to and resumes from.
    progress : callable, optional
        Called as ``progress(done, total, note)``.
    """

    validation: tuple[Tensor, Tensor] | None = None
    checkpoint: Path | None = None
    progress: Callable[[int, int, str], None] | None = None


class Bridge(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base of all bridges.

    A subclass declares its options (`gapkit.options`), learns in ``_fit`` and moves in ``_transform``; both
    get float32 tensors with rows of length one. What it learned it keeps in attributes that end in ``_``: tensors,
    plain numbers, or modules that ``_build`` makes again.

    Attributes
    ----------
    needs_pairs : bool
        Class attribute. False: source and target rows may be unrelated and of different number.
    stochastic : bool
        Class attribute. True: the result depends on ``random_state``.
    family : str
        Class attribute. How tables group it: closed form, memory, transport, regression, diffusion, control.
    space : mapping
        Class attribute. Parameters that `gapkit tune` searches, and where, as the options declare it.
    in_default : bool
        Class attribute. Part of a comparison that names no bridges; ``all`` has the others too.
    defaults_from : str
        Class attribute. What the default parameters were chosen on; empty where there was nothing to choose.
    keeps_rows : tuple of str
        Class attribute. Fitted attributes that are rows of the data, which another bridge may keep too.
    fitted_on_ : FittedOn or None
        The rows that it was fitted on; None where an older gapkit fitted it.
    """

    name: ClassVar[str] = ""
    needs_pairs: ClassVar[bool] = True
    stochastic: ClassVar[bool] = False
    family: ClassVar[str] = "closed form"
    space: ClassVar[Space] = DeclaredSpace()  # type: ignore[assignment]
    in_default: ClassVar[bool] = True
    defaults_from: ClassVar[str] = ""
    keeps_rows: ClassVar[tuple[str, ...]] = ()

    n_features_in_: int
    fitted_on_: FittedOn | None = None
    _at_fit: Mapping[str, Any] = MappingProxyType({})
    _fit_seconds: float = math.nan
    _earlier_seconds: float = 0.0

    # A fit may have to differentiate, also where its caller does not.
    @torch.inference_mode(False)
    @torch.enable_grad()
    def fit(
        self,
        source: ArrayLike,
        target: ArrayLike,
        *,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        checkpoint: Path | None = None,
        progress: Callable[[int, int, str], None] | None = None,
        fitted_on: FittedOn | None = None,
    ) -> Self:
        """Learn the map.

        Parameters
        ----------
        source : array-like of shape (n, d)
            Embeddings of the modality that is moved.
        target : array-like of shape (m, d)
            Embeddings of the modality that is reached. Where `needs_pairs`, m == n and row i describes row i.
        validation, checkpoint, progress
            See `FitContext`; a bridge without training ignores them.
        fitted_on : FittedOn, optional
            What to remember of these rows, by a caller who knows their ids, split and encoder: see
            `FittedOn.of_pairs`. Left out: what the rows tell.

        Returns
        -------
        self

        Raises
        ------
        InputError
            Arrays that do not fit, too few rows, or parameters out of range.
        """
        began, self._earlier_seconds = time.perf_counter(), 0.0
        for option in options_of(type(self)).values():
            option.check(self._title, getattr(self, option.name, option.default))
        self._check_parameters()
        x = self._rows(source, "source")
        y = self._rows(target, "target", n_features=x.shape[1]).to(x.device)
        if self.needs_pairs and len(x) != len(y):
            raise InputError(
                f"{self._title}: needs pairs, row i of source with row i of target, got {len(x)} and {len(y)} rows; "
                "repeat the source of a clip for each of its targets"
            )
        if min(len(x), len(y)) < 2:
            raise InputError(f"{self._title}: needs at least 2 rows a side to fit, got {len(x)} and {len(y)}")
        held_out = None
        if validation is not None:
            vx = self._rows(validation[0], "validation source", n_features=x.shape[1]).to(x.device)
            vy = self._rows(validation[1], "validation target", n_features=x.shape[1]).to(x.device)
            if len(vx) != len(vy):
                raise InputError(f"{self._title}: validation needs pairs, got {len(vx)} and {len(vy)} rows")
            held_out = (vx, vy)
        self.n_features_in_ = int(x.shape[1])
        self._at_fit = self._declared()
        try:
            self._fit(x, y, FitContext(held_out, checkpoint, progress))
        except BaseException:
            # Half a fit would answer all the same: with an untrained network, or with parts of the fit before.
            self.__dict__.pop("n_features_in_")
            raise
        if fitted_on is None:
            held = None if held_out is None else held_out[0].cpu().numpy()
            fitted_on = FittedOn.of_rows(x.cpu().numpy(), y.cpu().numpy(), validation=held)
        self.fitted_on_ = fitted_on
        self._fit_seconds = time.perf_counter() - began + self._earlier_seconds
        return self

    def transform(self, source: ArrayLike) -> Any:
        """Move `source` into the target space.

        Parameters
        ----------
        source : array-like of shape (n, d)

        Returns
        -------
        array of shape (n, d)
            Rows of length one (`identity` gives its input back). torch in, torch out on the same device;
            otherwise numpy. The same input gives the same output.

        Raises
        ------
        NotFittedError, InputError
        """
        x = self._rows(source, "source", n_features=self._fitted_width())
        with torch.no_grad():
            return like(self._transform(x), source)

    def _fit(self, source: Tensor, target: Tensor, context: FitContext) -> None:
        raise TypeError(f"{type(self).__name__} must define _fit(source, target, context)")

    def _transform(self, source: Tensor) -> Tensor:
        raise TypeError(f"{type(self).__name__} must define _transform(source)")

    def _build(self) -> None:
        """Make the modules that `load` fills; a bridge without modules has nothing to make."""

    def _check_parameters(self) -> None:
        """Refuse options that do not fit each other; each by itself was checked before."""

    @property
    def fit_seconds(self) -> float:
        """Seconds that its fit took, all parts of one that was resumed; NaN where it was not fitted here."""
        return self._fit_seconds

    @property
    def _title(self) -> str:
        return f"bridge {self.name or type(self).__name__!r}"

    def _rows(self, values: ArrayLike, side: str, n_features: int | None = None) -> Tensor:
        x = as_matrix(values, name=f"{self._title}: {side}", n_features=n_features)
        zero = (x == 0).all(dim=1)
        if bool(zero.any()):
            rows = zero.nonzero().flatten()
            raise InputError(
                f"{self._title}: {side}: expected a direction in every row, got {len(rows)} zero rows "
                f"(first: {int(rows[0])}); drop or recompute them"
            )
        return unit_rows(x)

    def _declared(self) -> dict[str, Any]:
        """Options that are declared, and their values."""
        return {name: getattr(self, name) for name, found in options_of(type(self)).items() if found.kind != "any"}

    def _fitted_width(self) -> int:
        """Width of the rows that it was fitted on.

        Raises
        ------
        NotFittedError
        InputError
            An option has changed since, and the fit does not go with it.
        """
        try:
            width = self.n_features_in_
        except AttributeError:
            raise NotFittedError(f"{self._title} is not fitted; call fit(source, target) first") from None
        changed = [name for name, value in self._at_fit.items() if getattr(self, name) != value]
        for name in changed:
            option, value = options_of(type(self))[name], getattr(self, name)
            if not option.after_fit:
                raise InputError(
                    f"{self._title}: {name} was {self._at_fit[name]!r} at the fit and is {value!r} now; "
                    "fit again, or set it back"
                )
            option.check(self._title, value)
        if changed:
            self._check_parameters()
        return width

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")

    def save(self, folder: str | Path, *, shared: str | Path | None = None) -> None:
        """Write ``model.safetensors`` and ``config.json`` into `folder`.

        Parameters
        ----------
        folder : path
        shared : path, optional
            Folder for arrays that other bridges fitted on the same rows hold too: it is called ``shared``, stands
            beside `folder` and goes along with it. Left out: everything lies in `folder`.

        Raises
        ------
        NotFittedError, InputError
        """
        save_bridge(self, Path(folder), shared=None if shared is None else Path(shared))

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The bridge that `save` wrote.

        Raises
        ------
        InputError
            Files that are missing, broken, of another bridge or of a newer format.
        """
        bridge: Self = read_bridge(cls, Path(folder))
        return bridge
