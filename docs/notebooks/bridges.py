# %% [markdown]
# # Measure a gap, bridge it, watch it close, write a bridge
#
# A notebook in the percent format: VS Code, PyCharm, Spyder and Jupyter (with jupytext) open it as cells, and
# `python docs/notebooks/bridges.py` runs it as a script. It needs gapkit and nothing else, downloads nothing, writes
# nothing, and takes well under a minute on one core.
#
# ## 1. Load pairs
#
# `openclipart`: drawings (source) and one caption each (target), embedded by an image and a text encoder. Bridges are
# fitted on `train`, choices are made on `val`, numbers come from `test`. `"soundscapes"` (sounds, five captions each)
# goes through the same cells and takes longer; your own pairs come from `gapkit.load_pairs("pairs.npz")`.

# %%
import gapkit

pairs = gapkit.load_dataset("openclipart")
train, val, test = (pairs.subset(split) for split in ("train", "val", "test"))
print(pairs)

# %% [markdown]
# ## 2. Fit two bridges, measure before and after
#
# `cca` is a regression in closed form; `diffusion-link` trains a denoiser, here in fewer and smaller steps than by
# default (400 of 256 pairs). Rows of `expanded()` are pairs, also where a clip has several targets.

# %%
import pandas as pd

from gapkit.metrics import Reference, measure

METRICS = ("cosine", "centroid-distance", "mmd", "separability", "recall@10")
QUICK = {"steps": 100, "batch_size": 128}

cca = gapkit.make_bridge("cca").fit(*train.expanded(), validation=val.expanded())
link = gapkit.make_bridge("diffusion-link", **QUICK).fit(*train.expanded(), validation=val.expanded())

# Kernel width, folds and resamples of the clips are fixed once, so that all rows are measured alike.
reference = Reference.from_target(test.target, owner=test.owner)
clouds = {"before": test.source, "cca": cca.transform(test.source), "diffusion-link": link.transform(test.source)}
measured = {name: measure(cloud, reference, METRICS) for name, cloud in clouds.items()}
cells = {
    name: {metric: f"{e.value:.4f} [{e.low:.4f}, {e.high:.4f}]" for metric, e in row.items()}
    for name, row in measured.items()
}
print(pd.DataFrame(cells).to_string())

# %% [markdown]
# In brackets: 95 % intervals, clips resampled. Higher is better for `cosine` and `recall@10`, lower for the others; two
# clouds that cannot be told apart have a `separability` near 0.5. Both bridges close most of the gap (the first four
# rows). That says nothing of what they lose: `cca` loses retrieval (the last row). Each metric is also a function of
# two arrays, `gapkit.metrics.cosine(moved, test.target, owner=test.owner)`; docs/metrics.md says what each sees and
# misses.
#
# ## 3. Watch it close
#
# `trajectory` gives the states of the process, (states, clips, dimensions). By default `diffusion-link` has three: the
# source, where it enters the reverse process (moved from the drawings' mean to that of the captions), and the answer,
# since one reverse step (`sample_steps=1`) leads from there to the end. The number of steps belongs to inference: the
# same fitted network can take four.

# %%
import copy

import numpy as np

print("states, one step:", link.trajectory(test.source).shape[0])
in_steps = copy.copy(link).set_params(sample_steps=4)
states = in_steps.trajectory(test.source)
names = ["source", "entry", *(f"step {k}" for k in range(1, len(states) - 1))]
on_the_way = [measure(state, reference, ("cosine", "centroid-distance", "mmd")) for state in states]
print(pd.DataFrame([{k: e.value for k, e in row.items()} for row in on_the_way], index=names).round(4).to_string())

# %% [markdown]
# All states and the targets in one plane, by a PCA of all of them together. The first axis is the gap. Entering closes
# nearly all of it; the steps bring each drawing nearer to its own caption, which is seen only from near. The plane
# holds about a fifth of the variance: it is a picture, and the numbers above are the measure.

# %%
import matplotlib.pyplot as plt
from sklearn.decomposition import PCA

BEFORE, AFTER, CAPTIONS = "#009E73", "#E69F00", "#0072B2"  # Okabe & Ito: told apart with any colour vision

plane = PCA(n_components=2).fit(np.concatenate([*states, test.target]))
way = np.stack([plane.transform(state) for state in states])
captions = plane.transform(test.target)
own = captions[np.unique(test.owner, return_index=True)[1]]  # of several captions the first
shown = np.random.default_rng(0).choice(len(test), size=8, replace=False)

figure, (whole, near) = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
whole.scatter(*way[0].T, s=14, marker="o", color=BEFORE, alpha=0.5, linewidths=0, label="drawings before (source)")
for axis in (whole, near):
    axis.scatter(*captions.T, s=14, marker="s", color=CAPTIONS, alpha=0.5, linewidths=0, label="captions (target)")
    axis.scatter(*way[-1].T, s=16, marker="^", color=AFTER, alpha=0.5, linewidths=0, label="drawings after")
    axis.set_xlabel(f"PC 1, {plane.explained_variance_ratio_[0]:.0%} of the variance")
    axis.set_ylabel(f"PC 2, {plane.explained_variance_ratio_[1]:.0%} of the variance")
    axis.spines[["top", "right"]].set_visible(False)
# One line a drawing, one dot a state.
steps, missing = way[1:, shown], np.stack([way[-1, shown], own[shown]])
whole.plot(*np.moveaxis(way[:, shown], 2, 0), color="black", linewidth=0.9, marker=".", markersize=4)
moves = near.plot(*np.moveaxis(steps, 2, 0), color="black", linewidth=1.1, marker=".", markersize=5)
entries = near.plot(*steps[0].T, "o", color="black", markersize=6, markerfacecolor="white")
rests = near.plot(*np.moveaxis(missing, 2, 0), color="black", linewidth=0.9, linestyle=":")
around = np.concatenate([captions, way[-1], *steps])
near.set_xlim(around[:, 0].min() - 0.005, around[:, 0].max() + 0.005)
whole.set_title(f"The way of {len(shown)} drawings", fontsize=10)
near.set_title("The captions' end of it, PC 1 stretched", fontsize=10)
handles, labels = whole.get_legend_handles_labels()
handles += [moves[0], entries[0], rests[0]]
labels += ["a drawing on its way", "entry", "from answer to own caption"]
figure.legend(handles, labels, fontsize=8, ncols=3, frameon=False, loc="outside lower center")
# As a script: figure.savefig("trajectory.png", dpi=200)

# %% [markdown]
# ## 4. Write a bridge
#
# `mean-shift` and `c3` move every row by one gap. The gap need not be the same everywhere, so this bridge averages it
# over the `k` fitted sources nearest to a row. An average is shorter than what it is made of and would pull the cloud
# together, so the answer is the point of the sphere in that direction from the targets' mean (`from_frame`).
#
# The base class checks the arrays, scales rows to length one, converts numpy, pandas and torch, and makes the class a
# scikit-learn transformer. `_fit` keeps what it learned in attributes that end in `_`: those are what `save` writes.

# %%
from gapkit.bridges import Bridge, register_bridge
from gapkit.bridges.frame import from_frame, to_frame
from gapkit.errors import InputError


@register_bridge("local-shift")
class LocalShift(Bridge):
    """Moves each row by the mean gap of the `k` nearest fitted pairs."""

    def __init__(self, k: int = 10) -> None:
        self.k = k

    def _fit(self, source, target, context):
        if not 1 <= self.k <= len(source):
            raise InputError(f"{self._title}: k must lie in 1..{len(source)} (fitted pairs), got {self.k}")
        self.source_, self.gap_, self.centre_ = source, target - source, target.mean(dim=0)

    def _transform(self, source):
        fitted, gaps, centre = (kept.to(source.device) for kept in (self.source_, self.gap_, self.centre_))
        nearest = (source @ fitted.T).topk(self.k).indices
        return from_frame(to_frame(source + gaps[nearest].mean(dim=1), centre), centre)


# %% [markdown]
# It has a name, parameters and a folder like any other. `k` is a choice, so it is made on `val`.

# %%
import tempfile

on_val = Reference.from_target(val.target, owner=val.owner, n_resamples=0)
choices = {}
for k in (1, 3, 10, 30, 100, 300):
    candidate = gapkit.make_bridge("local-shift", k=k).fit(*train.expanded())
    row = measure(candidate.transform(val.source), on_val, METRICS)
    choices[k] = {metric: e.value for metric, e in row.items()}
print(pd.DataFrame(choices).T.rename_axis("k").round(4).to_string())

shift = gapkit.make_bridge("local-shift").fit(*train.expanded())
with tempfile.TemporaryDirectory() as folder:
    shift.save(folder)
    loaded = gapkit.load_bridge(folder)
same = np.array_equal(loaded.transform(test.source), shift.transform(test.source))
print(f"saved and loaded: {loaded}, the same rows: {same}")

# %% [markdown]
# `run_study` fits by name, measures every bridge on the same resamples of clips beside anchors (what no bridge, a
# shift, a collapse, a random and the right caption come to), and tells differences with their intervals. With
# `out="study"` it keeps what is finished and goes on where it was; `seeds=3`, the default, fits what draws random
# numbers three times.

# %%
from gapkit.comparison import StudyConfig, run_study

config = StudyConfig(
    bridges=("c3", "memory", "cca", "local-shift", "diffusion-link"),
    metrics=METRICS,
    seeds=1,
    params={"diffusion-link": QUICK},
)
results = run_study(pairs, config)
print(results.to_markdown())
rows = {}
for other in ("identity", "c3", "cca", "diffusion-link"):
    differences = {metric: results.difference("local-shift", other, metric) for metric in config.metrics}
    rows[other] = {m: f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}]" for m, d in differences.items()}
print("local-shift minus another, with the interval of the difference:")
print(pd.DataFrame(rows).to_string())

# %% [markdown]
# On these drawings `local-shift` is nearer to the captions than `c3` by cosine, and keeps more retrieval than `c3` and
# `cca`; whether a linear classifier tells it from the captions more easily than `c3` is not to be said: the interval of
# that difference holds 0.

# %% [markdown]
# ## 5. Share it
#
# A bridge in a notebook is there for that session. From an installed package it is there by name in `make_bridge`, in
# every study and on the command line (`gapkit list bridges`), without a change to gapkit: put the cell of the class
# into a module and name it in that package's `pyproject.toml`.
#
# ```toml
# [project.entry-points."gapkit.bridges"]
# local-shift = "my_package.local_shift:LocalShift"
# ```
#
# Metrics register the same way in the group `gapkit.metrics` (docs/metrics.md). A plugin that does not import is a
# warning that names it, and takes nothing else down.
