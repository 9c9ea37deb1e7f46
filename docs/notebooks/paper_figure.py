# %% [markdown]
# # Draw a paper figure
#
# From embeddings to one figure of a page's width and its caption, for print: editable letters, colours that everybody
# can tell apart, the same bytes every time. A notebook in the percent format: `python docs/notebooks/paper_figure.py`
# runs it as a script, in a few seconds on one core. It downloads nothing and keeps nothing.
#
# A single figure of a study is one command: `gapkit plot migration study -o migration.pdf`. This is for the figure that
# no command draws, put together from the same parts.
#
# ## 1. What is to be shown
#
# `sfx`: sound effects and their captions. Two bridges: a rotation in closed form, and `flow`, here with fewer steps of
# training than by default.

# %%
import gapkit

pairs = gapkit.load_dataset("sfx")
train, val, test = (pairs.subset(split) for split in ("train", "val", "test"))
bridges = {
    "procrustes": gapkit.make_bridge("procrustes"),
    "flow": gapkit.make_bridge("flow", steps=150, batch_size=128),
}
moved = {}
for name, bridge in bridges.items():
    moved[name] = bridge.fit(*train.expanded(), validation=val.expanded()).transform(test.source)

# %% [markdown]
# ## 2. A scene: one plane, and the numbers of the space itself
#
# `stage` measures each cloud in all 256 dimensions, with intervals over their groups, and only then puts everything
# into one plane. A plane shows, it does not measure: distances in it are not those of the space. So each panel prints
# the numbers. The axes of a PCA are found on source and target alone: a bridge does not choose the plane that it is
# seen in.

# %%
from gapkit.plots import stage

scene = stage(
    test.source,
    test.target,
    moved,
    owner=test.owner,
    groups=test.origins,
    metrics=("cosine", "centroid-distance", "recall@10"),
    captions=test.captions,
    name=pairs.name,
)
print(scene.numbers.round(3).to_string(index=False))

# %% [markdown]
# ## 3. The figure
#
# Every function of `gapkit.plots` takes Axes and gives them back, so that panels of different kinds go into one figure.
# Inside `style()` everything has the sizes of print; matplotlib's own settings are untouched afterwards.

# %%
import matplotlib.pyplot as plt

from gapkit.plots import cosines, migration, pair_cosines, style

with style():
    figure = plt.figure(figsize=(7.2, 5.0), layout="constrained")
    clouds, histograms = figure.subfigures(2, 1, height_ratios=(1.35, 1))
    upper, lower = clouds.subplots(1, 3), histograms.subplots(1, 2)
    migration(scene, ax=upper, links=30)
    upper[-1].get_legend().set_loc("lower center")  # between the clouds
    before = pair_cosines(test.source, test.target, owner=test.owner)
    for axis, (name, rows) in zip(lower, moved.items(), strict=True):
        cosines({"before": before, name: pair_cosines(rows, test.target, owner=test.owner)}, ax=axis)
        axis.set_ylim(top=1.15 * axis.get_ylim()[1])  # room for the legend
    for letter, axis in zip("abcde", [*upper, *lower], strict=True):
        axis.set_title(f"({letter}) {axis.get_title(loc='left')}".strip(), loc="left", fontweight="bold")

# %% [markdown]
# ## 4. The caption, from the numbers
#
# A caption that is typed goes stale; this one cannot.

# %%
from gapkit.metrics import METRICS

wide = scene.numbers.pivot(index="cloud", columns="metric", values="value")


def said(metric, cloud):
    """A number as tables show it."""
    return METRICS.get(metric).text(wide.loc[cloud, metric])


closed = {name: 1 - wide.loc[name, "centroid-distance"] / wide.loc["source", "centroid-distance"] for name in moved}
caption = (
    f"The {scene.n_clips} test clips of {scene.name} before and after two bridges. (a) to (c): sounds, captions and 30 "
    f"pairs ({scene.method.upper()} of sounds before and captions; numbers from all {test.dim} dimensions). "
    + " ".join(
        f"{name} closes {closed[name]:.0%} of the distance between the centroids; its paired cosine is "
        f"{said('cosine', name)} (before: {said('cosine', 'source')}), its R@10 {said('recall@10', name)} "
        f"({said('recall@10', 'source')})."
        for name in moved
    )
    + " (d), (e): cosines of pairs, filled, and of sounds with captions of other clips, dashed."
)
print(caption)

# %% [markdown]
# Both bridges move pairs *and* strangers to the right, (d) and (e): what tells a pair from strangers is the distance
# between the two histograms, and that hardly grows.
#
# ## 5. To a file
#
# `.pdf` and `.svg` for print (letters stay letters), `.png` for a screen; a file is there whole or not at all.

# %%
import tempfile
from pathlib import Path

from gapkit.plots import save

with tempfile.TemporaryDirectory() as folder:  # a folder of your own keeps them
    for suffix in ("pdf", "svg", "png"):
        first, again = (save(figure, Path(folder) / f"{copy}.{suffix}") for copy in ("figure", "again"))
        same = first.read_bytes() == again.read_bytes()
        print(f"{suffix}: {first.stat().st_size / 1000:.0f} kB, the same bytes again: {same}")
