"""Groups come along on every route, and ``--groups`` names them where the files do not."""

import csv
import json

import numpy as np
import pytest

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import load_pairs, load_side, save_pairs

N = 12
CELLS = [f"r{i // 2}|d{i % 3}" for i in range(N)]
IDS = [f"clip{i}" for i in range(N)]
FORMATS = (".npz", ".safetensors", ".pt", ".parquet", ".arrow", ".h5")


@pytest.fixture
def pairs():
    rng = np.random.default_rng(0)
    return PairedEmbeddings(rng.standard_normal((N, 4)), rng.standard_normal((N, 4)), ids=IDS, groups=CELLS)


def table(path, rows):
    """Write id and group in the format of the suffix."""
    if path.suffix in (".csv", ".tsv"):
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter="," if path.suffix == ".csv" else "\t")
            writer.writerows([("id", "group"), *rows])
    elif path.suffix == ".json":
        path.write_text(json.dumps([{"id": key, "groups": value.split("|")} for key, value in rows]))
    else:
        path.write_text("".join(json.dumps({"Clip": key, "Group": value}) + "\n" for key, value in rows))
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_groups_are_written_and_read_back(pairs, tmp_path, suffix):
    save_pairs(pairs, tmp_path / f"pairs{suffix}")
    again = load_pairs(tmp_path / f"pairs{suffix}")
    assert again.groups.tolist() == CELLS
    assert again.take(np.array([3, 0])).groups.tolist() == [CELLS[3], CELLS[0]]
    assert again.origins.n_groups == 9


@pytest.mark.parametrize("side", ["source", "target"])
def test_groups_of_either_file_follow_the_ids(pairs, tmp_path, side):
    turned = np.random.default_rng(1).permutation(N)
    for name, rows in (("source", np.arange(N)), ("target", turned)):
        more = {"groups": np.array(CELLS)[rows]} if name == side else {}
        np.savez(tmp_path / f"{name}.npz", embeddings=getattr(pairs, name)[rows], ids=np.array(IDS)[rows], **more)
    both = load_pairs(tmp_path / "source.npz", target=tmp_path / "target.npz")
    assert both.groups.tolist() == CELLS
    assert load_side(tmp_path / f"{side}.npz").items["groups"].tolist() == [
        CELLS[row] for row in (np.arange(N) if side == "source" else turned)
    ]


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        (np.arange(N) // 2, [str(i // 2) for i in range(N)]),
        (np.stack([np.arange(N), np.arange(N) % 2 - 1], axis=1), [f"{i}|0" if i % 2 else str(i) for i in range(N)]),
        (np.array([["a", "b"], ["a", ""]] * (N // 2)), ["a|b", "a"] * (N // 2)),
    ],
    ids=["numbers", "rows of numbers, -1 for none", "rows of texts"],
)
def test_labels_of_every_shape(pairs, tmp_path, values, cells):
    np.savez(tmp_path / "a.npz", source=pairs.source, target=pairs.target, group=values)
    assert load_pairs(tmp_path / "a.npz").groups.tolist() == cells


def test_a_column_of_lists(pairs, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"source": pairs.source.tolist(), "target": pairs.target.tolist(), "id": IDS}
    pq.write_table(pa.table({**columns, "groups": [cell.split("|") for cell in CELLS]}), tmp_path / "a.parquet")
    assert load_pairs(tmp_path / "a.parquet").groups.tolist() == CELLS


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".json", ".jsonl"])
@pytest.mark.parametrize("named", [True, False], ids=["by id", "row by row"])
def test_a_table_of_groups(pairs, tmp_path, suffix, named):
    more = {"ids": IDS} if named else {}
    np.savez(tmp_path / "a.npz", source=pairs.source, target=pairs.target, **more)
    order = np.random.default_rng(2).permutation(N) if named else np.arange(N)
    path = table(tmp_path / f"groups{suffix}", [(IDS[row], CELLS[row]) for row in order])
    found = load_pairs(tmp_path / "a.npz", groups=path)
    assert found.groups.tolist() == CELLS
    assert ("groups by id" if named else "groups row by row") in found.meta["joined"]
    assert found.meta["opened"]["groups"] == str(path)


def test_a_column_of_the_file_by_its_name_and_a_file_with_a_key(pairs, tmp_path):
    np.savez(tmp_path / "a.npz", source=pairs.source, target=pairs.target, ids=IDS, speaker=np.arange(N) // 4)
    expected = [str(i // 4) for i in range(N)]
    assert load_pairs(tmp_path / "a.npz", groups="speaker").groups.tolist() == expected
    np.savez(tmp_path / "b.npz", who=np.arange(N)[::-1] // 4, ids=IDS[::-1])
    assert load_pairs(tmp_path / "a.npz", groups=f"{tmp_path / 'b.npz'}:who").groups.tolist() == expected
    assert load_pairs(tmp_path / "a.npz", groups=[["x", "y"]] * N).groups.tolist() == ["x|y"] * N


def test_a_group_in_the_caption_table(pairs, tmp_path):
    np.savez(tmp_path / "a.npz", source=pairs.source, target=pairs.target, ids=IDS)
    with (tmp_path / "c.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("id", "caption", "Groups"),
                *[(i, f"sound {i}", str(c.split("|"))) for i, c in zip(IDS, CELLS, strict=True)],
            ]
        )
    assert load_pairs(tmp_path / "a.npz", captions=tmp_path / "c.csv").groups.tolist() == CELLS


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(i, "x") for i in IDS[:-2]], "2 of 12 items have no group (first: clip10, clip11); give each item a group"),
        ([(i, "x" if i != "clip3" else "") for i in IDS], "1 of 12 items have no group"),
        ([*[(i, "x") for i in IDS], ("clip0", "y")], "column groups"),
    ],
    ids=["ids missing", "an empty cell", "two groups of one id"],
)
def test_tables_that_do_not_fit_are_refused_in_one_line(pairs, tmp_path, rows, said):
    np.savez(tmp_path / "a.npz", source=pairs.source, target=pairs.target, ids=IDS)
    path = table(tmp_path / "g.csv", rows)
    with pytest.raises(InputError) as caught:
        load_pairs(tmp_path / "a.npz", groups=path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_names_no_groups_is_refused(pairs, tmp_path):
    np.savez(tmp_path / "a.npz", source=pairs.source, target=pairs.target)
    with pytest.raises(
        InputError, match=r"speakr: is no file, and .*a.npz holds nothing of this name; names there: so"
    ):
        load_pairs(tmp_path / "a.npz", groups="speakr")
    with pytest.raises(InputError, match="expected the groups of 12 items, got 5"):
        load_pairs(tmp_path / "a.npz", groups=list("abcde"))
    with pytest.raises(InputError, match="holds no groups"):
        load_pairs(tmp_path / "a.npz", groups=tmp_path / "a.npz")


def test_sides_that_disagree_are_refused(pairs, tmp_path):
    for name, cells in (("source", CELLS), ("target", CELLS[::-1])):
        np.savez(tmp_path / f"{name}.npz", embeddings=getattr(pairs, name), ids=IDS, groups=cells)
    with pytest.raises(InputError, match="groups of"):
        load_pairs(tmp_path / "source.npz", target=tmp_path / "target.npz")
