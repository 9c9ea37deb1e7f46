"""Bridges that move in steps: the trajectory, and several samples of one source."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from gapkit.arrays import ArrayLike, like
from gapkit.bridges.network import NetworkBridge
from gapkit.diffusion.noise import row_noise
from gapkit.diffusion.samplers import Callback
from gapkit.given import MUST, whole


class SteppingBridge(NetworkBridge):
    """A subclass says how rows travel: `_travel(source, callback, sample)`, in the network's frame."""

    def _travel(self, source: Tensor, callback: Callback | None = None, sample: int = 0) -> Tensor:
        """Unit source rows to clean vectors of the frame; sample 0 is what `transform` gives."""
        raise TypeError(f"{type(self).__name__} must define _travel(source, callback, sample)")

    def _transform(self, source: Tensor) -> Tensor:
        return self._leave(self._travel(source))

    def trajectory(self, source: ArrayLike, n_snapshots: int = 6) -> object:
        """The source on its way: input, states of the process, result.

        Parameters
        ----------
        source : array-like of shape (n, d)
        n_snapshots : int
            Wanted states, at least 2; the process has at most one more than its steps between input and result, and no
            more are given.

        Returns
        -------
        array of shape (s, n, d)
            Unit rows in the target space. The first is the input, the last is ``transform(source)``; between them
            lie evenly chosen states, each as the direction of x_t seen from the target's mean.

        Raises
        ------
        NotFittedError, InputError
        """
        x = self._rows(source, "source", n_features=self._fitted_width())
        # The input and the result at least.
        whole(f"{self._title}: n_snapshots", n_snapshots, 2, says=MUST)
        states: list[Tensor] = [x]
        with torch.no_grad():
            self._travel(x, lambda _, state: states.append(self._leave(state)))
        keep = torch.linspace(0, len(states) - 1, min(n_snapshots, len(states))).round().long().tolist()
        return like(torch.stack([states[i] for i in keep]), source)

    def samples(self, source: ArrayLike, n_samples: int) -> object:
        """Several answers for each row, where the process draws noise; equal ones where it does not.

        Parameters
        ----------
        source : array-like of shape (n, d)
        n_samples : int
            At least 1.

        Returns
        -------
        array of shape (n_samples, n, d)
            Unit rows in the target space; the first is ``transform(source)``.

        Raises
        ------
        NotFittedError, InputError
        """
        x = self._rows(source, "source", n_features=self._fitted_width())
        whole(f"{self._title}: n_samples", n_samples, 1, says=MUST)
        with torch.no_grad():
            return like(torch.stack([self._leave(self._travel(x, sample=k)) for k in range(n_samples)]), source)

    def _noise(self, source: Tensor, sample: int | Tensor) -> Callable[[int], Tensor]:
        """Noise of the step that arrives at t, for each source row by itself; ``-1``: noise at the entry."""
        # Rounded, or the last bit of a row would decide: one direction given at two lengths gets one noise.
        rows = (source * 256).round()
        # Steps lie below 2^16, so every (sample, step) has a stream of its own.
        return lambda t: row_noise(rows, self.random_state, stream=(sample << 16) + t + 1)
