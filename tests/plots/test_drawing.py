"""`draw`: every kind from a study, and a line for what a study lacks."""

import json
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest

from gapkit.cli.plot import KINDS as HELP
from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.errors import InputError
from gapkit.plots import KINDS, draw
from gapkit.plots.material import Material
from gapkit.plots.style import figure_of
from gapkit.records import SEAL
from gapkit.study.manifest import manifest_text

SMALL = ("cosine", "centroid-distance")


def test_the_help_lists_the_kinds():
    assert tuple(HELP) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_from_a_study(run, kind):
    drawn = draw(kind, run, metrics=("cosine", "recall@10") if kind != "table" else None)
    figure = figure_of(drawn)
    figure.draw_without_rendering()
    assert plt.fignum_exists(figure.number)


@pytest.mark.parametrize("kind", ["migration", "cosines", "similarity", "retrieval", "pool"])
def test_the_gap_as_it_is(pairs, kind):
    drawn = np.ravel(draw(kind, pairs))
    assert len(drawn) == 1


def test_the_bridges_that_were_asked_for_in_their_order(run):
    axes = draw("migration", run, bridges=("flow", "mean-shift"), metrics=SMALL)
    assert [ax.get_title("left") for ax in axes] == ["before any bridge", "flow", "mean-shift"]


def test_the_table_has_the_bridges_that_were_asked_for(run):
    axes = draw("table", run, bridges=("flow", "mean-shift"))
    assert {text.get_text() for text in axes[0].get_yticklabels()} == {"flow", "mean-shift"}
    with pytest.raises(InputError, match="no bridge 'sloth'"):
        draw("table", run, bridges=("sloth",))


def test_the_drawn_cloud_is_what_the_study_measured(run):
    axes = draw("migration", run, bridges=("procrustes",), metrics=("cosine",))
    value = run.results.pivot().loc["procrustes", "cosine"]
    said = next(text.get_text() for text in axes[1].texts if text.get_gid() == "numbers")
    assert said.startswith(f"Cosine {value:.3f}".replace("0.", "."))


def test_more_steps_than_those_of_the_table_are_said(run):
    ax = draw("arrows", run, bridges=("diffusion-link",), sample_steps=4, metrics=SMALL)
    assert ax.get_title("left").startswith("diffusion-link, 4 steps (the table: 1)")
    states, names, note = Material.of(run).states("diffusion-link", None, None)
    assert (len(states), names, note) == (3, ["start", "step 1"], "diffusion-link")
    states, names, _ = Material.of(run).states("diffusion-link", None, 40)
    assert len(states) == len(names) + 1 == 9
    assert (names[0], names[-1]) == ("start", "step 40")


@pytest.mark.parametrize(
    ("kind", "wishes", "said"),
    [
        ("migrations", {}, r"expected one of migration, .*, got 'migrations' \(did you mean migration\?\)"),
        ("migration", {"bridges": ("rigde",)}, "holds no fitted bridge 'rigde'; here are: identity, mean-shift"),
        ("steps", {"bridges": ("procrustes",)}, "moves in one go.*; here do: diffusion-link, flow"),
        ("migration", {"metrics": ("cosin",)}, "unknown metric 'cosin'"),
        ("migration", {"method": "mds"}, "expected one of pca"),
        ("migration", {"colour": "red"}, "unexpected keyword argument 'colour'"),
        ("migration", {"seed": 7, "bridges": ("flow",)}, "was not fitted with seed 7"),
        ("frontier", {"bridges": ("rigde",)}, "no bridge 'rigde' in this study"),
        ("table", {"metrics": ("mmd-multi",)}, "no metric 'mmd-multi' here"),
    ],
)  # fmt: skip
def test_wishes_that_cannot_be_met(run, kind, wishes, said):
    with pytest.raises(InputError, match=said) as caught:
        draw(kind, run, **wishes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "said"), [("steps", "have no reverse steps"), ("frontier", "needs the folder of a study")]
)
def test_embeddings_have_no_bridges(pairs, kind, said):
    with pytest.raises(InputError, match=said):
        draw(kind, pairs)
    with pytest.raises(InputError, match="embeddings hold no bridges"):
        draw("migration", pairs, bridges=("flow",))


@pytest.fixture(scope="module")
def plain(make_pairs, tmp_path_factory):
    """One bridge, in one go, two metrics."""
    root = tmp_path_factory.mktemp("plain")
    pairs = make_pairs(60)
    config = StudyConfig(bridges=("mean-shift",), metrics=SMALL, threads=1, n_resamples=20)
    run_study(pairs, config, out=root / "study")
    return open_run(root / "study", pairs)


def test_one_bridge_only(plain):
    assert [ax.get_title("left") for ax in draw("migration", plain)] == ["before any bridge", "mean-shift"]
    for kind in ("cosines", "similarity", "axis", "retrieval", "table"):
        draw(kind, plain)


def test_a_study_without_trajectories_or_closure(plain):
    for kind in ("steps", "arrows", "path"):
        with pytest.raises(InputError, match="no bridge here moves in steps; fit one of the family diffusion"):
            draw(kind, plain)
    with pytest.raises(InputError, match="metrics mmd, separability, recall@10 missing in this study"):
        draw("frontier", plain)


def test_results_are_enough_where_the_data_are_gone(folder, tmp_path):
    home = tmp_path / "study"
    shutil.copytree(folder, home)
    manifest = json.loads((home / "manifest.json").read_text())
    manifest["input"]["meta"] = {"opened": {"path": str(tmp_path / "gone.npz")}}
    (home / "manifest.json").write_text(manifest_text({key: value for key, value in manifest.items() if key != SEAL}))
    for kind in ("table", "frontier", "cost"):
        draw(kind, home)
    with pytest.raises(InputError, match="its data cannot be opened"):
        draw("migration", home)
    results = json.loads((home / "results.json").read_text())
    (home / "results.json").write_text(json.dumps(results | {"schema_version": 99}))
    with pytest.raises(InputError, match="written by a newer gapkit"):
        draw("table", home)


def test_a_study_whose_fitted_bridges_are_gone(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "study")
    shutil.rmtree(tmp_path / "study" / "bridges")
    run = open_run(tmp_path / "study")
    with pytest.raises(InputError, match="no fitted bridge 'flow'; here are: none"):
        draw("migration", run, bridges=("flow",))
    with pytest.raises(InputError, match="holds no fitted bridges"):
        draw("migration", run)
