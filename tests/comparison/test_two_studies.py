"""Two studies held against each other: by place, by id, in another order, and what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from gapkit.cli.main import run
from gapkit.comparison import StudyConfig, diff_runs, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import save_pairs
from gapkit.statistics import holm, paired_difference

CONFIG = StudyConfig(bridges=("coral",), metrics=("cosine", "recall@1"), n_resamples=100, threads=1)


def pairs(noise, order=None):
    rng = np.random.default_rng(0)
    meaning = rng.standard_normal((60, 6))
    x, y = (meaning + noise * rng.standard_normal((60, 6)) for _ in range(2))
    made = PairedEmbeddings(
        x + 2, y, ids=np.array([f"item {i}" for i in range(60)]), split=np.repeat(["train", "val", "test"], [30, 6, 24])
    )
    return made if order is None else made.take(np.asarray(order))


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """Folders of four studies: clear rows, noisy ones, the latter in another order, and other items."""
    root = tmp_path_factory.mktemp("studies")
    turned = [*range(30), *range(30, 36), *np.random.default_rng(1).permutation(np.arange(36, 60))]
    data = {"clear": pairs(0.2), "noisy": pairs(1.5), "turned": pairs(1.5, turned)}
    data["other"] = replace(data["noisy"], ids=np.char.add("no ", data["noisy"].ids))
    data["nameless"] = replace(data["noisy"], ids=None)
    for name, own in data.items():
        save_pairs(own, root / f"{name}.npz")
        run_study(own, CONFIG, out=root / name)
    return root, data


def test_of_the_same_items_by_id(studies):
    root, data = studies
    found = diff_runs(root / "clear", root / "noisy", pairs=(data["clear"], data["noisy"]))
    assert (found.items, found.joined) == (24, "id")
    assert set(found.frame["bridge"]) >= {"identity", "mean-shift", "coral"}
    row = found.frame.set_index(["bridge", "metric"]).loc["coral", "cosine"]
    draws = [run_study(data[name], CONFIG).draws["coral", None, "cosine"] for name in ("noisy", "clear")]
    expected = paired_difference(*draws, value=row["second"] - row["first"], p="normal")
    assert [row["difference"], row["low"], row["high"], row["p"]] == pytest.approx(
        [expected.value, expected.low, expected.high, expected.p]
    )
    assert row["verdict"] == "worse"
    known = found.frame["p"].notna()
    np.testing.assert_allclose(found.frame.loc[known, "p_holm"], holm(found.frame.loc[known, "p"]))


def test_in_another_order_the_second_is_measured_anew(studies):
    root, data = studies
    straight = diff_runs(root / "clear", root / "noisy", pairs=(data["clear"], data["noisy"])).frame
    found = diff_runs(root / "clear", root / "turned", pairs=(data["clear"], data["turned"]))
    assert found.joined.endswith("in the order of the first")
    for column in ("second", "low", "high", "p"):
        of_place = straight["bridge"] != "random-target"  # whose targets go by place
        np.testing.assert_allclose(found.frame.loc[of_place, column], straight.loc[of_place, column], atol=1e-6)


def test_a_study_and_itself_need_no_data_and_differ_nowhere(studies):
    root, _ = studies
    found = diff_runs(root / "nameless", root / "nameless")
    assert (found.frame["difference"] == 0).all()
    assert (found.frame["verdict"] == "").all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("other", "expected the 24 measured items of .*, got 24, 0 of them the same"),
        ("nameless", "has no ids, so its items cannot be joined"),
    ],
)
def test_items_that_are_not_the_same_are_refused(studies, name, said):
    root, data = studies
    with pytest.raises(InputError, match=said) as caught:
        diff_runs(root / "clear", root / name, pairs=(data["clear"], data[name]))
    assert "\n" not in str(caught.value)


def test_other_resamples_are_refused(studies, tmp_path):
    root, data = studies
    run_study(data["clear"], replace(CONFIG, n_resamples=50), out=tmp_path)
    with pytest.raises(InputError, match=r"expected the number of resamples of .* got 50; run one of them again"):
        diff_runs(root / "clear", tmp_path)


def test_the_command(studies, capsys):
    root, _ = studies
    given = ("--pairs-a", str(root / "clear.npz"), "--pairs-b", str(root / "noisy.npz"))
    folders = str(root / "clear"), str(root / "noisy")
    assert run(["diff", *folders, *given, "--metrics", "R@1", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert {row["metric"] for row in content["rows"]} == {"recall@1"}
    assert run(["diff", *folders, *given]) == 0
    shown = capsys.readouterr()
    assert "mean-shift" in shown.out
    assert "24 items, joined by id" in shown.err
