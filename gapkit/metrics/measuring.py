"""`measure`: every metric of two sides in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from gapkit.arrays import ArrayLike
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.machine import give_back_memory
from gapkit.metrics.estimate import Estimate
from gapkit.metrics.estimating import Prepared, estimate, prepare
from gapkit.metrics.evaluation import Reference
from gapkit.metrics.measures import Measures
from gapkit.metrics.registry import METRICS
from gapkit.split_names import split_named
from gapkit.statistics import Groups

Progress = Callable[[int, int, str], None]
"""Called with the number of finished metrics, of all, and the name of the one that begins."""

OnError = Literal["raise", "note"]

TEST = "test"
"""Split that is measured where the data have it."""


def measure(
    source: ArrayLike | PairedEmbeddings,
    target: ArrayLike | PairedEmbeddings | Reference | None = None,
    metrics: Sequence[str] | str | None = "all",
    *,
    owner: ArrayLike | None = None,
    groups: Groups | Iterable[Any] | None = None,
    source_groups: Groups | Iterable[Any] | None = None,
    paired: bool = True,
    original: ArrayLike | None = None,
    fitted: ArrayLike | None = None,
    labels: Iterable[Any] | None = None,
    split: str | None = None,
    normalise: bool | None = None,
    n_resamples: int | None = None,
    seed: int | None = None,
    max_memory: int | None = None,
    max_work: float | None = None,
    progress: Progress | None = None,
    on_error: OnError = "raise",
) -> Measures:
    """Measure source against target, with an interval for each number.

    To measure several sources alike, make one `Reference` of the targets and pass it as `target`: bandwidths, folds
    and resamples are then the same for all, and what depends on the targets alone is computed once.

    Parameters
    ----------
    source : array-like of shape (n, d), or PairedEmbeddings
        One row a clip; numpy, torch on any device, pandas, lists, memory maps. Pairs bring their targets along.
    target : array-like of shape (m, d), PairedEmbeddings or Reference
        The targets; of pairs also the owner and, as `original`, their source. Everything is moved to its device.
    metrics : sequence of str or str
        Names, "all", or "default" for those of the default table.
    owner : array-like of shape (m,), optional
        Source row of each target row; left out, row i belongs to row i.
    groups : Groups, or sequence of str or of lists of str, optional
        Origins of each clip (of unrelated sides: of each target). Clips of one origin are not independent: intervals,
        tests and folds then take origins as units. Pairs bring theirs along.
    source_groups : likewise, optional
        Origins of each source row, where the sides are unrelated.
    paired : bool
        False: source rows are unrelated to the targets, in any number; they are resampled on their own, and metrics
        that need pairs are left out.
    original : array-like of shape (n, d), optional
        The source before it was moved; metrics that need it are left out otherwise.
    fitted : array-like of shape (f, d), optional
        The targets that the bridge was fitted on; metrics that need them are left out otherwise.
    labels : sequence of length n, optional
        Class of each clip, empty or None where it has none; metrics that need classes are left out otherwise. Pairs
        bring theirs along.
    split : str, optional
        Split of `source` where that is PairedEmbeddings, or "all". Left out: "test" where there is one.
    normalise : bool
        Scale every row to length one first, as `gapkit metrics` and `gapkit compare` do. Default: False.
    n_resamples, seed, max_memory, max_work
        See `Reference.from_target`. Defaults: 1000, 0, 512 MB, one to two hours of one core for one metric.
    progress : callable, optional
        ``progress(done, total, name)`` before each metric, and at the end with an empty name.
    on_error : {"raise", "note"}
        What becomes of a metric, one of a plugin say, that raises anything but InputError: "note" puts what it said
        into `Measures.failed`, and the others go on.

    Returns
    -------
    Measures
        A mapping of names to `Estimate` that prints as a table; `Measures.frame` is a tidy DataFrame. A metric that is
        undefined for these rows, or would take hours, is NaN and says why.

    Raises
    ------
    InputError
        Rows that do not fit each other, an unknown name (the nearest are offered), or options that the Reference has
        already fixed.

    Examples
    --------
    >>> found = measure([[1, 0], [0, 2]], [[1, 0], [1, 1]], ["cosine", "recall@1"], n_resamples=0)
    >>> round(found["cosine"].value, 6)
    0.853553
    >>> print(found)
    2 clips, 2 dimensions
    <BLANKLINE>
    closure          value
    ──────────────────────
    Paired cosine ↑   .854
    <BLANKLINE>
    preservation     value
    ──────────────────────
    R@1 ↑            1.000
    """
    if on_error not in get_args(OnError):
        raise InputError(f"measure: on_error: expected one of {', '.join(get_args(OnError))}, got {on_error!r}")
    name = ""
    fixed: dict[str, Any] = {
        "owner": owner, "groups": groups, "fitted": fitted, "labels": labels, "normalise": normalise,
        "n_resamples": n_resamples, "seed": seed, "max_memory": max_memory, "max_work": max_work,
    }  # fmt: skip
    given = {option: value for option, value in fixed.items() if value is not None}
    if isinstance(source, PairedEmbeddings):
        if target is not None or owner is not None or groups is not None:
            raise InputError(
                "measure: PairedEmbeddings bring their targets, owner and groups along; leave out target, owner and "
                "groups"
            )
        part = measured_part(source, split)
        name, source, target = part.name, part.source, part.target
        given |= {"owner": part.owner, "groups": part.origins, "labels": part.labels if labels is None else labels}
    elif split is not None:
        raise InputError("measure: split goes with PairedEmbeddings as source; take the rows of the split yourself")
    if isinstance(target, PairedEmbeddings):
        if owner is not None:
            raise InputError("measure: PairedEmbeddings as target bring their owner along; leave out owner")
        name, original = target.name, target.source if original is None else original
        given["owner"], given["groups"] = target.owner, target.origins if groups is None else groups
        given["labels"] = target.labels if labels is None else labels
        target = target.target
    if target is None:
        raise InputError("measure: expected a target: an array, PairedEmbeddings or a Reference")
    if isinstance(target, Reference):
        if given:
            raise InputError(
                f"measure: {next(iter(given))} is fixed by the Reference; give it to Reference.from_target"
            )
        reference = target
    else:
        reference = Reference.from_target(target, **given)
    if paired and source_groups is not None:
        raise InputError("measure: source_groups go with paired=False; give the groups of paired clips as groups")
    row, records, left_out = prepare(source, reference, metrics, paired=paired, original=original, groups=source_groups)
    estimates, failed = {}, {}
    for done, record in enumerate(records):
        if progress is not None:
            progress(done, len(records), record.name)
        try:
            estimates[record.name] = estimate(record, row)
        except Exception as error:  # a plugin may raise anything
            if on_error == "raise":
                raise
            failed[record.name] = _one_line(error)
        finally:
            give_back_memory()
    if progress is not None:
        progress(len(records), len(records), "")
    drawn = 0 if any(e.no_interval for e in estimates.values()) else len(reference.resamples)
    m, d = reference.target.base.shape
    sizes = _sizes(m, d, drawn, row.resamples.groups)
    resampling = (reference.seed, len(reference.resamples), row.pair.x.n, int(paired))
    return Measures(
        estimates, left_out, failed, f"{name}: {sizes}" if name else sizes, resampling,
        groups=row.resamples.groups, cautions=_cautions(row, estimates),
    )  # fmt: skip


def _cautions(row: Prepared, estimates: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Remarks on the groups: too few for more than a rough interval, or parted by the folds."""
    found: dict[str, None] = {}
    for resamples in dict.fromkeys((row.resamples, row.reference.resamples)):
        if (few := resamples.groups.caution) and any(len(e.draws) for e in estimates.values()):
            found[few] = None
    in_folds = [METRICS.get(name).label for name in estimates if METRICS.get(name).in_folds]
    if in_folds and (parted := row.reference.folds.note):
        found[f"{parted}: {', '.join(in_folds)} may be too high"] = None
    return tuple(found)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (f"{type(error).__name__}: {text}" if text else type(error).__name__)[:200]


def measured_part(pairs: PairedEmbeddings, split: str | None) -> PairedEmbeddings:
    """The clips of `measured_split`."""
    split = measured_split(pairs, split)
    return pairs if split == "all" else pairs.subset(split)


def measured_split(pairs: PairedEmbeddings, split: str | None) -> str:
    """The split that is measured: the given one; left out, "test" or its one synonym, or "all" without such."""
    if split is not None:
        return split
    found = split_named("test", TEST, pairs.splits)
    return found if found in pairs.splits else "all"


def _sizes(m: int, d: int, n_resamples: int, groups: Groups) -> str:
    n = len(groups)
    grouped = "" if groups.apart else f" in {groups.count}"
    targets = "" if m == n else f", {m:,} targets"
    draws = f"; 95 % intervals from {n_resamples:,} resamples of {'clips' if groups.apart else 'groups'}"
    return f"{n:,} clips{grouped}{targets}, {d} dimensions{draws if n_resamples else ''}"
