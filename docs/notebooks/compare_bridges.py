# %% [markdown]
# # Compare bridges
#
# Which bridge closes the gap, what does it lose on the way, and is the difference more than chance? A notebook in the
# percent format: `python docs/notebooks/compare_bridges.py` runs it as a script, in a few seconds on one core. It
# downloads nothing and keeps nothing.
#
# ## 1. One study
#
# `sfx`: sound effects and their captions. Bridges are fitted on `train`, everything is measured on `test`. On the
# command line: `gapkit compare --dataset sfx --bridges c3,memory,... --out study`.

# %%
import tempfile
from pathlib import Path

import gapkit
from gapkit.comparison import Results, StudyConfig, merge_runs, run_study
from gapkit.errors import InputError

pairs = gapkit.load_dataset("sfx")
config = StudyConfig(
    bridges=("c3", "memory", "cca", "procrustes", "ridge"),
    metrics=("cosine", "centroid-distance", "mmd", "separability", "residual-cosine", "recall@10", "effective-rank"),
)
home = tempfile.TemporaryDirectory()  # a folder of your own keeps the study, and goes on where it was stopped
study = Path(home.name) / "study"
results = run_study(pairs, config, out=study)
print(results.to_markdown())

# %% [markdown]
# How to read it. The **anchors** are no methods: they show what the numbers can be. `identity` is the gap as it is,
# `mean-shift` closes the offset and nothing else, `collapse` maps every sound onto the mean caption, `random-target`
# gives each sound somebody else's caption, `oracle-target` its own; `target-split-half` is what two halves of the
# captions are to each other. Bold is every bridge that cannot be told from the best; in brackets 95 % intervals. The
# sentences above the table are the verdict: which bridge to take, and what not to believe.
#
# **Read closure beside preservation.** `collapse` has a better paired cosine than `mean-shift`, and retrieves nothing:
# a bridge that answers with averages looks near. `random-target` has the right cloud (MMD near that of the bridges) and
# the wrong pairs.
#
# ## 2. Closure against preservation
#
# One dot a row: to the right what is closed, upwards what is kept. Only the oracle is at the upper right. Bars are
# 95 % intervals over packages of clips.

# %%
import matplotlib.pyplot as plt

wide, low, high = (results.pivot(values) for values in ("value", "ci_low", "ci_high"))
block = dict(zip(results.frame["bridge"], results.frame["block"], strict=True))
looks = {"anchor": ("#666666", "o"), "unpaired": ("#0072B2", "s"), "paired": ("#D55E00", "^")}
beside = {"c3": (-12, 6), "memory": (6, 0), "procrustes": (6, -4), "cca": (6, -8)}  # c3 lies on mean-shift
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
for axis, metric, label in zip(axes, ("cosine", "mmd"), ("paired cosine", "MMD² (better to the right)"), strict=True):
    for name in wide.index.drop("target-split-half"):
        (x, y), (colour, marker) = wide.loc[name, [metric, "recall@10"]], looks[block[name]]
        error = [[y - low.loc[name, "recall@10"]], [high.loc[name, "recall@10"] - y]]
        axis.errorbar(x, y, yerr=error, fmt=marker, color=colour, markersize=5, elinewidth=0.8)
        axis.annotate(name, (x, y), textcoords="offset points", xytext=beside.get(name, (6, 3)), fontsize=7)
    axis.set_xlabel(label)
    axis.spines[["top", "right"]].set_visible(False)
for kind, (colour, marker) in looks.items():
    axes[0].plot([], [], marker, color=colour, markersize=5, label=kind)
axes[0].legend(frameon=False, fontsize=8, loc="upper left")
axes[1].set_xscale("symlog", linthresh=1e-3)
axes[1].invert_xaxis()
axes[0].set_ylabel("R@10, sound to caption")
# As a script: figure.savefig("closure_and_preservation.png", dpi=200)

# %% [markdown]
# ## 3. Is a difference more than chance?
#
# Every row was measured on the same resamples of packages, so differences have intervals of their own. These are
# narrower than the intervals of the table suggest: what makes a clip hard makes it hard for all bridges.

# %%
pair = results.difference("cca", "procrustes", "recall@10")
print(f"R@10, cca minus procrustes: {pair.value:+.3f} [{pair.low:+.3f}, {pair.high:+.3f}], p = {pair.p:.3f}")
tests = results.tests(against="mean-shift", metrics=("cosine", "separability", "recall@10"))
print(tests.round(3).to_string(index=False))

# %% [markdown]
# `p_holm` is adjusted for the number of rows, `effect` is the difference in standard deviations of its clips. The
# verdict goes by the direction of the metric; none is no proof of equality. p is counted among B resamples and cannot
# be below 2 / (B + 1): with `n_resamples=200` no row of fifteen could have a verdict. For many rows `p="normal"` has no
# such floor.
#
# ## 4. A parameter, in the same table
#
# How strong should `ridge` be held? Two more runs, then one table. `merge_runs` refuses runs that do not compare (other
# data, another split, other resamples, another version) and says why. On the command line: `gapkit merge study weak
# strong --label -o all`.

# %%
for label, alpha in (("weak", 1.0), ("strong", 1000.0)):
    sweep = StudyConfig(bridges=("ridge",), metrics=config.metrics, params={"ridge": {"alpha": alpha}})
    run_study(pairs, sweep, out=Path(home.name) / label)
folders = [study, *(Path(home.name) / label for label in ("weak", "strong"))]
merged = merge_runs(folders, Path(home.name) / "all", label=True)
print(merged.select(["identity", "ridge", "ridge [weak]", "ridge [strong]"]).pivot().round(3).to_string())

try:
    merge_runs([study, Path(home.name) / "weak"], Path(home.name) / "refused")
except InputError as refusal:
    print("refused:", str(refusal).replace(home.name, "..."))

# %% [markdown]
# Parameters are chosen on the validation split, not here: `gapkit tune` does that (docs/tuning.md).
#
# ## 5. The table for a paper
#
# Some rows, some columns, best and second of unpaired and paired bridges apart: those that saw the pairs saw more. On
# the command line: `gapkit table all --format latex --label tab:gap -o table.tex`.

# %%
from gapkit.report import to_latex

chosen = Results.read(study).select(["identity", "unpaired", "paired"], ["cosine", "mmd", "recall@10"])
print(to_latex(chosen.table(apart=True), intervals="half", label="tab:gap"))
home.cleanup()
