import json
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture
def sets(tmp_path):
    rng = np.random.default_rng(0)
    for name, n in (("made", 50), ("real", 70)):
        np.save(tmp_path / f"{name}.npy", (rng.normal(size=(n, 5)) * 3 + 1).astype(np.float32))
    return tmp_path / "made.npy", "--target", tmp_path / "real.npy"


def test_two_sets_that_are_not_pairs(cli, sets):
    names = ("--metrics", "frechet,cosine,recall@10", "--resamples", "20")
    found = cli("metrics", *sets, "--unpaired", "--no-normalise", *names, "--quiet")
    assert (found.code, found.err) == (0, "")
    assert found.out.splitlines()[-1] == "left out (needs pairs): cosine, recall@10"
    options = json.loads(cli("metrics", *sets, "--unpaired", *names, "--json", "--quiet").out)["study"]["options"]
    assert (options["paired"], options["normalise"]) == (False, True)


def test_sizes_that_differ_name_the_way_out(cli, sets):
    found = cli("metrics", *sets)
    assert found.code == 2
    assert "50 source rows but 70 target rows" in found.err
    assert "--unpaired" in found.err


@pytest.mark.parametrize(
    ("more", "words"),
    [(("--owner", "o.npy"), "--owner"), (("--captions", "c.csv"), "--captions"), (("--split", "test"), "--split")],
)
def test_what_pairs_alone_have(cli, sets, more, words):
    found = cli("metrics", *sets, "--unpaired", *more)
    assert found.code == 2
    assert f"two files that are not pairs have no {words}" in found.err


def test_names_as_tables_print_them(cli, npz):
    found = cli("metrics", npz, "--metrics", "R@10,Frechet_Distance²,rmg", "--resamples", "0", "--json", "--quiet")
    assert sorted(row["metric"] for row in json.loads(found.out)["rows"]) == ["frechet", "recall@10", "rmg"]


def test_an_unknown_split_names_the_option(cli, npz):
    found = cli("metrics", npz, "--split", "tset")
    assert found.code == 2
    assert "no item in split 'tset'; splits here: train (30), val (10), test (20)" in found.err


def test_the_module_is_the_program():
    said = subprocess.run([sys.executable, "-m", "gapkit", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("gapkit ")


def test_json_says_what_is_left_out_and_what_is_odd(cli, sets, npz, tmp_path):
    names = ("--metrics", "frechet,cosine", "--resamples", "0", "--json", "--quiet")
    found = json.loads(cli("metrics", *sets, "--unpaired", *names).out)
    assert [metric["name"] for metric in found["metrics"]] == ["frechet"]
    assert found["study"]["left_out"] == {"cosine": "needs pairs"}
    cli("fit", "ridge", npz, "--out", tmp_path / "bridge")
    cli("transform", tmp_path / "bridge", npz, "--out", tmp_path / "moved.npz")
    notes = json.loads(cli("metrics", tmp_path / "moved.npz", "--split", "all", *names).out)["study"]["notes"]
    assert "40 of 60 items were fitted on: measure the other 20 with --held-out" in notes


@pytest.mark.parametrize("command", [("metrics",), ("inspect",), ("compare",), ("fit", "ridge", "-o", "b")])
def test_a_bundled_set_in_place_of_a_file_names_its_option(cli, command):
    found = cli(*command, "sfx")
    assert found.code == 2
    assert "sfx: no such file; check the path, or give --dataset for a bundled set" in found.err
