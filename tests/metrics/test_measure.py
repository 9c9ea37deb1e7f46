"""`measure` from the outside: what goes in, what comes out, and what it says where something does not fit."""

import dataclasses
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch

import gapkit.arrays
import gapkit.metrics.cloud
import gapkit.metrics.estimating
from gapkit.cli.main import run
from gapkit.datasets import load_dataset
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import save_pairs
from gapkit.metrics import METRICS, Estimate, Measures, Reference, measure, metric_names, register_metric

NAMES = ["cosine", "centroid-distance", "mmd", "separability", "residual-mmd", "recall@5", "effective-rank"]
COLUMNS = ["metric", "label", "group", "value", "low", "high", "better", "best", "n", "seconds", "why"]


@pytest.fixture(scope="module")
def real():
    """Sound effects and their captions: real embeddings, 60 clips of the test split."""
    pairs = load_dataset("sfx").subset("test")
    # From two packages, which are too few groups for an interval.
    return dataclasses.replace(pairs.take(np.arange(60)), groups=None)


def numbers(found):
    return found.frame.set_index("metric")[["value", "low", "high"]].to_numpy()


def as_file(values, folder):
    path = folder / f"{len(list(folder.iterdir()))}.npy"
    np.save(path, values)
    return np.load(path, mmap_mode="r")


KINDS = {
    "torch": lambda v, _: torch.from_numpy(v.copy()),
    "torch, float64, gradient": lambda v, _: torch.from_numpy(v.copy()).double().requires_grad_(),
    "pandas": lambda v, _: pd.DataFrame(v, index=range(100, 100 + len(v))),
    "list": lambda v, _: v.tolist(),
    "float64": lambda v, _: v.astype(np.float64),
    "columns first": lambda v, _: np.asfortranarray(v),
    "other bytes": lambda v, _: v.astype(">f4"),
    "every second row": lambda v, _: np.repeat(v, 2, axis=0)[::2],
    "memory map": lambda v, tmp_path: as_file(v, tmp_path),
}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_holds_the_numbers(kind, real, tmp_path):
    want = measure(real.source, real.target, NAMES, owner=real.owner, n_resamples=50)
    x, y = (KINDS[kind](v, tmp_path) for v in (real.source, real.target))
    owner = torch.from_numpy(real.owner) if kind == "torch" else real.owner.tolist() if kind == "list" else real.owner
    got = measure(x, y, NAMES, owner=owner, n_resamples=50)
    if kind in ("pandas", "columns first", "every second row"):
        # Another layout in memory may be added up in another order.
        assert numbers(got) == pytest.approx(numbers(want), rel=1e-5, abs=1e-6)
    else:
        assert (numbers(got) == numbers(want)).all()


def test_input_is_left_as_it_was(real):
    x, y = real.source.copy(), real.target.copy()
    before = np.random.get_state()[1].copy(), torch.random.get_rng_state()  # noqa: NPY002
    measure(x, y, NAMES, owner=real.owner, n_resamples=20, normalise=True)
    assert (x == real.source).all()
    assert (y == real.target).all()
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert torch.equal(torch.random.get_rng_state(), before[1])


def test_half_precision_is_read_as_what_it_holds(real):
    half = [v.astype(np.float16) for v in (real.source, real.target)]
    got, want = (
        measure(x, y, NAMES, owner=real.owner, n_resamples=30) for x, y in (half, [v.astype(np.float32) for v in half])
    )
    assert (numbers(got) == numbers(want)).all()
    exact = measure(real.source, real.target, NAMES, owner=real.owner, n_resamples=0)
    for name in ("cosine", "centroid-distance", "mmd"):
        assert got[name].value == pytest.approx(exact[name].value, abs=2e-4)
    for dtype in (torch.float16, torch.bfloat16):
        rows = torch.from_numpy(real.source).to(dtype)
        found = measure(rows, real.target, ["cosine"], owner=real.owner, n_resamples=0)
        assert found["cosine"].value == pytest.approx(exact["cosine"].value, abs=5e-3)


def test_the_source_is_brought_to_the_device_of_the_target(single, monkeypatch):
    # Without a second device: what is asked for. Real ones are below.
    reference = Reference.from_target(single.target, n_resamples=0)
    asked, usual = set(), gapkit.arrays.as_matrix

    def note(values, **options):
        if options.get("device") is not None:
            asked.add((options["name"], str(options["device"])))
        return usual(values, **options)

    for module in (gapkit.metrics.cloud, gapkit.metrics.estimating):
        monkeypatch.setattr(module, "as_matrix", note, raising=False)
    measure(single.source, reference, ["cosine"], original=single.source)
    assert {("source", "cpu"), ("original", "cpu")} <= asked


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no second device")
def test_mixed_devices_give_the_same(single):
    want = measure(single.source, single.target, NAMES, n_resamples=30)
    x, y = (torch.from_numpy(v).cuda() for v in (single.source, single.target))
    for pair in ((x, y), (x, single.target), (single.source, y)):
        assert numbers(measure(*pair, NAMES, n_resamples=30)) == pytest.approx(numbers(want), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_device_without_numbers(single, side):
    sides = {"source": single.source, "target": single.target}
    sides[side] = torch.empty(40, 6, device="meta")
    with pytest.raises(InputError, match=f"{side}: expected numbers, got a tensor on the meta device"):
        measure(sides["source"], sides["target"], ["cosine"])
    with pytest.raises(InputError, match=f"{side}: expected numbers"):
        METRICS.get("mmd").function(sides["source"], sides["target"])


def test_pairs_bring_everything_along(real):
    want = measure(real.source, real.target, NAMES, owner=real.owner, n_resamples=30)
    assert (numbers(measure(real, metrics=NAMES, n_resamples=30)) == numbers(want)).all()
    reference = Reference.from_target(real.target, owner=real.owner, n_resamples=30)
    assert (numbers(measure(real.source, reference, NAMES)) == numbers(want)).all()
    # As target they bring the source from before it was moved.
    moved = real.source + 0.05
    kept = measure(moved, real, ["cka-kept", "share-risen"], n_resamples=30)
    direct = measure(moved, real.target, list(kept), owner=real.owner, original=real.source, n_resamples=30)
    assert (kept.frame["value"] == direct.frame["value"]).all()
    assert kept.title.startswith(real.name)


def test_splits(real):
    whole = load_dataset("sfx")
    found = measure(whole, metrics=["cosine"], n_resamples=0)
    assert found["cosine"].n == len(whole.subset("test"))
    assert measure(whole, metrics=["cosine"], n_resamples=0, split="all")["cosine"].n == len(whole)
    assert measure(real, metrics=["cosine"], n_resamples=0, split="test")["cosine"].n == 60


def test_one_name_all_names_and_those_of_the_table(single):
    x, y = single.source, single.target
    assert list(measure(x, y, "cosine", n_resamples=0)) == ["cosine"]
    assert list(measure(x, y, ["mmd", "cosine", "mmd"], n_resamples=0)) == ["mmd", "cosine"]
    assert list(measure(x, y, "default", n_resamples=0)) == metric_names(default=True)
    found = measure(x, y, n_resamples=0)
    assert set(found) | set(found.left_out) == set(metric_names())
    assert found.left_out == {
        name: f"needs {' and '.join(METRICS.get(name).needs)}" for name in metric_names() if METRICS.get(name).needs
    }


def test_normalise_is_what_the_user_would_do(real):
    x, y = real.source * np.linspace(1, 3, 60, dtype=np.float32)[:, None], real.target * 2
    lengths = [np.linalg.norm(v.astype(np.float64), axis=1, keepdims=True) for v in (x, y)]
    want = measure(x / lengths[0], y / lengths[1], NAMES, owner=real.owner, n_resamples=20)
    got = measure(x, y, NAMES, owner=real.owner, n_resamples=20, normalise=True)
    assert numbers(got) == pytest.approx(numbers(want), abs=2e-6)
    assert got["mmd"].value != pytest.approx(measure(x, y, ["mmd"], owner=real.owner)["mmd"].value, rel=0.01)


# What comes out.


def test_the_frame_is_tidy(real):
    found = measure(real, metrics="default", n_resamples=40)
    frame = found.frame
    assert list(frame.columns) == COLUMNS
    assert list(frame["metric"]) == list(found) == metric_names(default=True)
    for row in frame.itertuples():
        metric, estimate = METRICS.get(row.metric), found[row.metric]
        assert (row.label, row.group, row.better) == (metric.label, metric.group, metric.better)
        assert (row.value, row.low, row.high) == (estimate.value, estimate.low, estimate.high)
        assert row.low <= row.value <= row.high
        assert row.n == 60
        assert row.seconds >= 0
        assert row.why == ""
    assert (frame[["value", "low", "high", "best", "seconds"]].dtypes == "float64").all()
    assert frame["best"].isna().sum() == sum(METRICS.get(name).best is None for name in found)


def test_it_is_a_mapping(single):
    found = measure(single.source, single.target, ["cosine", "mmd"], n_resamples=10)
    assert len(found) == 2
    assert "mmd" in found
    assert "rmg" not in found
    assert isinstance(found["mmd"], Estimate)
    assert {name: e.n for name, e in found.items()} == {"cosine": 40, "mmd": 40}
    with pytest.raises(KeyError):
        found["rmg"]


class Cells(HTMLParser):
    """Rows of cells, tips, and whether all that opened has closed."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.rows, self.tips, self.notes = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.tips += [value for key, value in attributes if key == "title"]
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        else:
            self.notes.append(data)


def test_html_is_a_table_of_the_same_cells(real):
    found = measure(real, metrics=["recall@5", "cosine", "residual-mmd"], n_resamples=40)
    page = Cells(found._repr_html_())
    assert page.open == []
    heads = [row for row in page.rows if len(row) == 1]
    assert heads == [["closure"], ["residual closure"], ["preservation"]]
    body = {row[0]: row[1:] for row in page.rows if len(row) == 3 and row[0]}
    assert list(body) == [METRICS.get(name).heading for name in ("cosine", "residual-mmd", "recall@5")]
    for name, e in found.items():
        metric = METRICS.get(name)
        assert body[metric.heading] == [metric.text(e.value), f"[{metric.text(e.low)}, {metric.text(e.high)}]"]
        assert metric.definition in page.tips
    assert found.title in page.notes
    # Text says the same in the same order.
    text = repr(found)
    for heading, (value, interval) in body.items():
        line = next(line for line in text.splitlines() if line.startswith(heading))
        assert line.split(heading)[1].split("[")[0].strip() == value
        assert line.endswith(interval)


def test_html_escapes_and_says_what_is_missing(single):
    nothing = Estimate(np.nan, np.nan, np.nan, np.empty(0), 5, 0.0, why='rows "<b>" & co')
    found = Measures({"cosine": nothing}, {"cka-kept": "needs original"}, {"mmd": "E: <x>"}, title="<i>a & b</i>")
    html = found._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "<x>" not in html
    page = Cells(html)
    assert page.open == []
    assert 'rows "<b>" & co' in page.tips
    assert page.notes == [
        "<i>a & b</i>", 'undefined: cosine: rows "<b>" & co', "failed: mmd: E: <x>",
        "left out (needs original): cka-kept",
    ]  # fmt: skip
    assert "–" in repr(found)


def test_without_intervals_there_is_no_third_column(single):
    found = measure(single.source, single.target, ["cosine"], n_resamples=0)
    assert "interval" not in repr(found)
    assert "[" not in found._repr_html_()


def test_progress_tells_each_metric_as_it_begins(single):
    told = []
    measure(single.source, single.target, ["mmd", "cosine"], n_resamples=0, progress=lambda *a: told.append(a))
    assert told == [(0, 2, "mmd"), (1, 2, "cosine"), (2, 2, "")]


@pytest.fixture
def broken():
    metric_names()
    before, origins = dict(METRICS._items), dict(METRICS._origins)

    @register_metric("broken", group="closure", better="lower")
    def broken(source, target):
        """Always raises."""
        raise ZeroDivisionError("by\nnothing")

    yield "broken"
    for kept, now in ((before, METRICS._items), (origins, METRICS._origins)):
        now.clear()
        now.update(kept)


def test_a_metric_that_raises(broken, single):
    with pytest.raises(ZeroDivisionError):
        measure(single.source, single.target, [broken, "cosine"])
    found = measure(single.source, single.target, [broken, "cosine"], n_resamples=0, on_error="note")
    assert list(found) == ["cosine"]
    assert found.failed == {"broken": "ZeroDivisionError: by nothing"}
    assert "failed: broken: ZeroDivisionError: by nothing" in repr(found)


def test_two_rows_on_the_same_resamples(real):
    reference = Reference.from_target(real.target, owner=real.owner, n_resamples=400)
    shift = real.target.mean(axis=0) - real.source.mean(axis=0)
    a, b = measure(real.source + shift, reference, NAMES), measure(real.source, reference, NAMES)
    frame = a.against(b).set_index("metric")
    assert list(frame.index) == NAMES
    for name in NAMES:
        assert frame.loc[name, "difference"] == a[name].value - b[name].value
        assert frame.loc[name, "low"] <= frame.loc[name, "difference"] <= frame.loc[name, "high"]
        assert frame.loc[name, "p"] <= frame.loc[name, "p_holm"]
    assert frame.loc["cosine", "superiority"] == np.mean(a["cosine"].clips > b["cosine"].clips)
    assert frame.loc["cosine", "p_flip"] == 1 / 10_000
    assert np.isnan(frame.loc["mmd", "p_flip"])
    turned = b.against(a).set_index("metric")
    assert turned["difference"].to_numpy() == pytest.approx(-frame["difference"].to_numpy())
    assert turned["superiority"].to_numpy() == pytest.approx(1 - frame["superiority"].to_numpy(), nan_ok=True)
    normal = a.against(b, p="normal").set_index("metric")
    assert normal.loc["centroid-distance", "p"] < 1e-6 < frame.loc["centroid-distance", "p"]
    same = a.against(a)
    assert (same["difference"] == 0).all()
    assert (same["p"] == 1).all()


def test_rows_of_other_resamples_do_not_compare(single):
    a, b = (measure(single.source, single.target, ["cosine"], n_resamples=20, seed=seed) for seed in (0, 1))
    with pytest.raises(InputError, match="same resamples"):
        a.against(b)


# The command line says the same.


def test_the_command_prints_what_the_notebook_shows(real, tmp_path, capsys):
    path = tmp_path / "pairs.npz"
    save_pairs(real, path)
    assert run(["metrics", str(path), "--metrics", ",".join(NAMES), "--resamples", "50", "--quiet"]) == 0
    printed = capsys.readouterr().out.rstrip("\n").splitlines()
    found = measure(real, metrics=NAMES, n_resamples=50, normalise=True)
    shown = repr(found).splitlines()
    assert printed[1:] == shown[1:]
    assert printed[0].split(": ")[1] == shown[0].split(": ")[1]


# What does not fit.


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x, y: measure(x), "expected a target"),
        (lambda x, y: measure(x, y, ["mdm"]), "did you mean mmd"),
        (lambda x, y: measure(x, y, [3]), "expected names"),
        (lambda x, y: measure(x, y, 3), "expected names, got 3"),
        (lambda x, y: measure(x, y, max_work="1e14"), "max_work: expected a number .*above 0, got '1e14'"),
        (lambda x, y: measure(x, y, max_work=float("nan")), "max_work: expected a number .*above 0, got nan"),
        (lambda x, y: measure(x, y, on_error="ignore"), "on_error: expected one of raise, note, got 'ignore'"),
        (lambda x, y: measure(x, y, split="test"), "split goes with PairedEmbeddings"),
        (lambda x, y: measure(x, y[:20]), "paired=False"),
        (lambda x, y: measure(x[:, :3], y), "expected 6 features .*got 3"),
        (lambda x, y: measure(x, y, original=x[:5]), r"original: expected one row a source row \(40\), got 5"),
        (lambda x, y: measure(x, y, fitted=x[:, :2]), "fitted: expected 6 features"),
        (lambda x, y: measure(x, Reference.from_target(y), owner=np.arange(40)), "owner is fixed by the Reference"),
        (lambda x, y: measure(x, Reference.from_target(y), seed=1), "seed is fixed by the Reference"),
        (lambda x, y: measure(x, y, n_resamples=-1), "n_resamples: expected a whole number of at least 0, got -1"),
        (lambda x, y: measure(PairedEmbeddings(source=x, target=y), y), "leave out target"),
        (lambda x, y: measure(x, PairedEmbeddings(source=x, target=y), owner=np.arange(40)), "leave out owner"),
        (lambda x, y: measure(PairedEmbeddings(source=x, target=y), split="dev"), "dev"),
        (lambda x, y: measure(torch.from_numpy(x).to_sparse(), y), "dense tensor"),
        (lambda x, y: measure(x + 0j, y), "source: expected numbers"),
        (lambda x, y: measure([["a"]], y), "source: expected numbers"),
        (lambda x, y: measure([[1.0], [1.0, 2.0]], y), "source: cannot be read as an array"),
    ],
)
def test_one_line_says_what_does_not_fit(single, call, says):
    with pytest.raises(InputError, match=says) as caught:
        call(single.source, single.target)
    assert "\n" not in str(caught.value)
