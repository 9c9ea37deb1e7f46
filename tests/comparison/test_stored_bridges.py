"""Which fitted bridge of a study is meant."""

import re
from pathlib import Path

import pytest

from gapkit.comparison.stored_bridges import stored_bridge
from gapkit.errors import InputError
from gapkit.study.kinds import KINDS, SearchFolder

FITS = ("ridge", "flow-s0", "flow-s2", "flow (steps=9)-s0")
FOLDED = ("ridge-f1", "ridge-f2", "flow-s0-f1", "flow-s0-f2", "flow-s2-f1", "flow-s2-f2")
HELD = [kind for kind in KINDS if kind is not SearchFolder]


def made(root: Path, kind: type, fits: tuple[str, ...]) -> Path:
    """A folder with the files that tell a study and its fits."""
    for name in fits:
        (root / "bridges" / name).mkdir(parents=True)
        (root / "bridges" / name / "config.json").touch()
    (root / kind.file).touch()
    return root


@pytest.mark.parametrize("kind", HELD)
@pytest.mark.parametrize(
    ("given", "home", "said"),
    [
        (("ridge",), "ridge", ""),
        (("flow",), "flow-s0", "flow: seed 0 of 0, 2; --seed takes another"),
        (("flow", 2), "flow-s2", ""),
        (("flow (steps=9)",), "flow (steps=9)-s0", ""),
    ],
)
def test_by_name_and_seed(kind, given, home, said, tmp_path):
    found = stored_bridge(made(tmp_path, kind, FITS), *given)
    assert found == (tmp_path / "bridges" / home, said)


@pytest.mark.parametrize(
    ("given", "home"),
    [(("ridge", None, 2), "ridge-f2"), (("flow", 2, 1), "flow-s2-f1"), (("flow", None, 2), "flow-s0-f2")],
)
def test_by_fold(given, home, tmp_path):
    assert stored_bridge(made(tmp_path, KINDS[0], FOLDED), *given).home == tmp_path / "bridges" / home


@pytest.mark.parametrize(
    ("fits", "given", "said"),
    [
        (FITS, (), "say which of its bridges with --bridge NAME: flow (seeds 0, 2), flow (steps=9), ridge"),
        (FITS, ("flw",), "no fitted bridge 'flw'; it has: flow (seeds 0, 2), flow (steps=9), ridge"),
        (FITS, ("flow", 1), "--seed: flow was not fitted with seed 1 in"),
        (FITS, ("flow", 1), "its seeds: 0, 2"),
        (FITS, ("ridge", 0), "none: it depends on no seed"),
        (FITS, ("ridge", None, 1), "its folds: none: the study has no folds"),
        (FOLDED, (), "flow (seeds 0, 2; folds 1, 2), ridge (folds 1, 2)"),
        (FOLDED, ("ridge",), "say which with --fold N: 1, 2"),
        (FOLDED, ("flow", 2, 9), "its folds: 1, 2"),
        ((), ("ridge",), "it has: none; run the same `gapkit compare` again to fit them"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_there_is_refused_with_those_that_are(fits, given, said, tmp_path):
    with pytest.raises(InputError, match=re.escape(said)):
        stored_bridge(made(tmp_path, KINDS[0], fits), *given)


def test_a_search_keeps_none(tmp_path):
    with pytest.raises(InputError, match=r"is a search, .*`gapkit fit NAME PAIRS --config .*tuned\.toml`"):
        stored_bridge(made(tmp_path, SearchFolder, ()), "ridge")


@pytest.mark.parametrize(("given", "option"), [(("ridge",), "bridge"), ((None, 0), "seed"), ((None, None, 1), "fold")])
def test_the_folder_of_a_bridge_takes_no_name(given, option, tmp_path):
    with pytest.raises(InputError, match=f"--{option}: goes with a study folder"):
        stored_bridge(tmp_path, *given)
    assert stored_bridge(tmp_path).home == tmp_path
