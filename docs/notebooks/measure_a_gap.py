# %% [markdown]
# # Measure a gap
#
# How far apart are two modalities in one embedding space, in which sense, and is it more than chance? A notebook in the
# percent format: `python docs/notebooks/measure_a_gap.py` runs it as a script, in a few seconds on one core. It
# downloads and writes nothing.
#
# ## 1. Look at the data first
#
# `sfx`: sound effects (source) and a caption each (target), embedded by an audio and a text encoder that were trained
# together. Your own pairs come from `gapkit.load_pairs("pairs.npz")`.

# %%
import gapkit
from gapkit.checks import inspect_pairs

pairs = gapkit.load_dataset("sfx")
found = inspect_pairs(pairs)
print(pairs)
for problem in found.problems:
    print(f"{problem.severity}: {problem.message}")
test = pairs.subset("test")

# %% [markdown]
# `gapkit inspect` prints the same. NaN or rows of zeros are errors and stop a comparison; copies, half precision and
# rows that two splits share are warnings. Each makes numbers that look fine and mean less, so this comes before any
# metric. Of the warnings here none concerns `train` and `test` together.
#
# ## 2. One picture
#
# The cosines of each sound with its own caption and with those of other sounds, and the cosines inside each side.

# %%
import matplotlib.pyplot as plt
import numpy as np

sound, text = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (test.source, test.target))
other = ~np.eye(len(test), dtype=bool)
cosines = {
    "sound and own caption": np.diagonal(sound @ text.T),
    "sound and another's caption": (sound @ text.T)[other],
    "sound and another sound": (sound @ sound.T)[other],
    "caption and another caption": (text @ text.T)[other],
}
figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
looks = {"color": ["#D55E00", "#009E73", "#56B4E9", "#0072B2"], "style": ["-", "-", "--", ":"]}
bins = np.linspace(0.3, 1, 71)
for (label, values), colour, style in zip(cosines.items(), looks["color"], looks["style"], strict=True):
    axis.hist(values, bins, density=True, histtype="step", color=colour, linestyle=style, linewidth=1.5, label=label)
axis.set_xlabel("cosine")
axis.set_ylabel("density")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False, fontsize=8, loc="upper left")
print({label: f"{values.mean():.3f}" for label, values in cosines.items()})
# As a script: figure.savefig("cosines.png", dpi=200)

# %% [markdown]
# That is the modality gap: two sounds that have nothing to do with each other are nearer to one another than a sound is
# to its own caption. Retrieval does not see it: it ranks captions against one another, and all of them are as far.
#
# ## 3. Numbers, with intervals
#
# No single number says it. The first group asks how near the clouds are, the second the same without the offset between
# their means, the third what the pairs know of each other.

# %%
import pandas as pd

from gapkit.metrics import METRICS, measure

NAMES = (
    "cosine", "centroid-distance", "mmd", "separability", "rmg", "knn-mixing",
    "residual-cosine", "residual-mmd", "residual-separability",
    "recall@10", "cosine-margin", "effective-rank",
)  # fmt: skip
measured = measure(test, metrics=NAMES, normalise=True)
table = pd.DataFrame(
    [
        {
            "group": METRICS.get(name).group,
            "metric": name,
            "value": e.value,
            "95 % interval": f"[{e.low:.4f}, {e.high:.4f}]",
            "better": METRICS.get(name).arrow,
        }
        for name, e in measured.items()
    ]
)
print(table.round(4).to_string(index=False))

# %% [markdown]
# A linear classifier tells every sound from every caption (`separability` 1), and neighbourhoods hold one modality only
# (`knn-mixing` 1). Without the offset `residual-mmd` is near 0: at the width of its kernel the clouds then look alike.
# A classifier on squared coordinates still tells them apart (`residual-separability`): they are stretched along
# different axes. `residual-cosine` is the agreement of pairs that the shift has nothing to do with.
#
# ## 4. What is no gap at all worth?
#
# A distance between two finite samples of one distribution is not 0. Two halves of the captions say what each number is
# where there is no gap: read your own beside it.

# %%
rng = np.random.default_rng(0)
halves = []
for _ in range(20):
    order = rng.permutation(len(test))
    one, two = text[order[: len(test) // 2]], text[order[len(test) // 2 :]]
    row = measure(one, two, ("centroid-distance", "mmd", "separability"), paired=False, n_resamples=0)
    halves.append({name: e.value for name, e in row.items()})
floor = pd.DataFrame(halves)
beside = {
    "sounds and captions": {name: measured[name].value for name in floor},
    "captions and captions": floor.mean().to_dict(),
    "spread of those": floor.std().to_dict(),
}
print(pd.DataFrame(beside).round(4).to_string())

# %% [markdown]
# ## 5. Is it chance?
#
# Swap the two sides of a clip at random, a thousand times: where there is no gap that changes nothing. And shuffle the
# pairs: where the sides do not know of each other that changes nothing.

# %%
from gapkit.metrics import calibrated, cka, permutation_test

gap_test = permutation_test(sound, text)
likeness = calibrated(cka, sound, text)
print(f"MMD² {gap_test.value:.4f}, relabelled at most {gap_test.draws.max():.4f}: p = {gap_test.p:.4f}")
print(f"CKA {likeness.raw:.3f}, shuffled pairs {likeness.null_mean:.3f} ± {likeness.null_sd:.3f}: p = {likeness.p:.4f}")

# %% [markdown]
# p cannot be below 1 / (B + 1); the relabelled values say more: none comes near. Sounds of one package are alike:
# `permutation_test(sound, text, groups=test.origins)` swaps whole packages, and its p is the same.
#
# ## 6. Is the gap one vector?
#
# If it were the same for every clip, adding it would close it.

# %%
from gapkit.metrics import gap_direction

train = pairs.subset("train")
direction = gap_direction(train.source, train.target)
print(f"length {direction.length:.3f} ± {direction.length_sd:.3f} over {direction.n_groups} groups of 100 pairs")
print(f"cosine between the gaps of two groups: {direction.consistency:.3f}")
chance = (2 / (np.pi * train.dim)) ** 0.5
print(f"cosine with what tells clips apart: {direction.orthogonality:.3f} (chance: {chance:.3f})")

shift = gapkit.make_bridge("mean-shift").fit(*train.expanded())
after = measure(shift.transform(test.source), test.target, NAMES, normalise=True)
print(
    pd.DataFrame(
        {"before": {k: e.value for k, e in measured.items()}, "shifted": {k: e.value for k, e in after.items()}}
    )
    .round(4)
    .to_string()
)

# %% [markdown]
# Groups of pairs agree on the direction almost wholly, and it runs across what tells clips apart, no more along it than
# chance has it. So a shift, learned on the training pairs, closes most of the distance. A classifier still tells the
# sides apart more often than by chance, and the pairs know no more of each other than before: `residual-cosine` is the
# same, and retrieval does not rise. What bridges do beyond a shift, and what they lose, is `compare_bridges.py`.
