"""What `measure` gives back: a mapping of estimates that shows itself as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gapkit.errors import InputError
from gapkit.metrics.display import to_html, to_text
from gapkit.metrics.estimate import Estimate
from gapkit.metrics.registry import METRICS
from gapkit.statistics import Groups, PValue, paired_tests, probability_of_superiority, sign_flip_test

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Measures(Mapping[str, Estimate]):
    """Estimates by the name of the metric, in the order asked for.

    Prints as a table in the groups closure, residual closure and preservation; in a notebook as an HTML table.

    Parameters
    ----------
    estimates : mapping of str to Estimate
    left_out : mapping of str to str
        Metrics that were asked for and do not apply, and what they lack.
    failed : mapping of str to str
        Metrics that raised, and what they said.
    title : str
        What was measured, in one line.
    resampling : tuple of int
        What the draws depend on besides the data: seed, number of draws, of clips, and whether the rows are paired.
    notes : tuple of str
        Faults of the embeddings, one line each, where somebody looked.
    groups : Groups, optional
        Of the clips: the units of chance.
    cautions : tuple of str
        Remarks on the groups, one line each: they are few, or folds had to part some.
    """

    estimates: Mapping[str, Estimate]
    left_out: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    resampling: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    groups: Groups | None = field(default=None, repr=False)
    cautions: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a metric: metric, label, group, value, low, high, better, best, n, seconds, why."""
        import pandas as pd

        records = []
        for name, e in self.items():
            m = METRICS.get(name)
            about = {"metric": name, "label": m.label, "group": m.group}
            found = {"value": e.value, "low": e.low, "high": e.high, "better": m.better, "best": m.best}
            records.append({**about, **found, "n": e.n, "seconds": e.seconds, "why": e.why})
        columns = ["metric", "label", "group", "value", "low", "high", "better", "best", "n", "seconds", "why"]
        return pd.DataFrame(records, columns=columns).astype({"best": "float64"})

    def against(self, other: Measures, *, seed: int = 0, p: PValue = "draws") -> pd.DataFrame:
        """These values minus those of another row, tested on the same resamples of clips.

        Parameters
        ----------
        other : Measures
            Of other rows for the same clips: same targets, seed and number of resamples.
        seed : int
            Of the sign flips.
        p : {"draws", "normal"}
            Bootstrap p counted among the draws, or by their standard error: see `paired_difference`.

        Returns
        -------
        DataFrame
            One row a metric that both have: metric, difference, low, high (95 % paired bootstrap interval), p
            (two-sided, bootstrap), p_holm (adjusted for the number of metrics), effect (difference in standard
            deviations of its clips). For metrics that are a mean over clips also superiority (chance that a clip has
            more here than there, ties half) and p_flip (paired sign-flip test); NaN otherwise.

        Raises
        ------
        InputError
            Resamples that differ.

        References
        ----------
        See `gapkit.statistics.paired_difference` and `sign_flip_test`.
        """
        if self.resampling != other.resampling or not _same_groups(self.groups, other.groups):
            raise InputError(
                f"against: expected rows measured on the same resamples, got (seed, draws, clips, paired) "
                f"{self.resampling} and {other.resampling}; measure both against one Reference"
            )
        import pandas as pd

        names = [name for name in self if name in other]
        pairs = [(self[name], other[name]) for name in names]
        found = paired_tests(
            [a.value - b.value for a, b in pairs],
            [a.draws if len(a.draws) == len(b.draws) else [] for a, b in pairs],
            [b.draws if len(a.draws) == len(b.draws) else [] for a, b in pairs],
            n=[a.n if self.groups is None or self.groups.apart else self.groups.n_effective for a, _ in pairs],
            p=p,
        )
        frame = pd.DataFrame({"metric": names, **found})
        means = [k for k, (a, b) in enumerate(pairs) if len(a.clips) and len(b.clips)]
        frame["superiority"] = frame["p_flip"] = np.nan
        if means:
            moved = np.stack([pairs[k][0].clips - pairs[k][1].clips for k in means], axis=1)
            frame.loc[means, "superiority"] = [probability_of_superiority(column, 0 * column) for column in moved.T]
            frame.loc[means, "p_flip"] = sign_flip_test(moved, seed=seed, groups=self.groups)
        return frame

    def __repr__(self) -> str:
        return to_text(self.estimates, self.title, list(self._remarks()))

    def _repr_html_(self) -> str:
        return to_html(self.estimates, self.title, list(self._remarks()))

    def _remarks(self) -> Iterator[str]:
        """Lines below the table: what is undefined, what failed, what was left out."""
        for name, estimate in self.items():
            if estimate.why:
                yield f"undefined: {name}: {estimate.why}"
        yield from dict.fromkeys(f"no intervals: {e.no_interval}" for e in self.values() if e.no_interval)
        yield from self.cautions
        for name, reason in self.failed.items():
            yield f"failed: {name}: {reason}"
        why: dict[str, list[str]] = {}
        for name, reason in self.left_out.items():
            why.setdefault(reason, []).append(name)
        for reason, names in why.items():
            yield f"left out ({reason}): {', '.join(names)}"


def _same_groups(a: Groups | None, b: Groups | None) -> bool:
    if a is None or b is None:
        return a is b
    return a is b or (np.array_equal(a.start, b.start) and np.array_equal(a.number, b.number))
