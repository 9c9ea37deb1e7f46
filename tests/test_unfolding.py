"""Small files that unfold to much, or that steer what they have no business with: refused before memory is taken."""

import csv
import io
import json
import resource
import shutil
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from gapkit.bridges import make_bridge
from gapkit.bridges.registry import load_bridge
from gapkit.captioning.decoders import load_decoder
from gapkit.comparison import Results, read_config
from gapkit.comparison.cells import cell_stem, read_cell
from gapkit.comparison.manifest import read_manifest as read_study_manifest
from gapkit.encoders.manifest import read_manifest
from gapkit.errors import GapkitError, InputError
from gapkit.files import load_embeddings, load_pairs
from gapkit.files.captions import read_captions
from gapkit.files.parquet_footer import claims_of, largest_page
from gapkit.records import sealed
from gapkit.study.folder import StudyFolder
from gapkit.tuning import read_space

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
pa = pytest.importorskip("pyarrow")
DEEP = 100_000


@pytest.fixture(autouse=True)
def _little_memory():
    """2 GB of address space more than now: taking what these files claim would fail."""
    status = Path("/proc/self/status").read_text()
    now = 1024 * int(next(line for line in status.splitlines() if line.startswith("VmSize")).split()[1])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + 2 * 2**30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def refused(call, *given, match):
    with pytest.raises(InputError, match=match) as caught:
        call(*given)
    assert str(caught.value).isprintable()


def test_an_npy_header_that_claims_to_be_3_gb(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", 3 * 10**9) + b"{'descr': '<f4'}" * 4)
    refused(load_embeddings, tmp_path / "a.npy", match="a header of 3,000,000,000 bytes")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.write(tmp_path / "a.npy", "source.npy")
        archive.write(tmp_path / "a.npy", "target.npy")
    refused(load_pairs, tmp_path / "a.npz", match="a header of 3,000,000,000 bytes")


def torch_file(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {"data.pkl": pickled, "version": b"3\n", "byteorder": b"little"}.items():
            archive.writestr(f"a/{name}", content)


@pytest.mark.parametrize("name", ["data.pkl", "DATA.PKL"])
def test_a_pt_file_that_calls_for_100_gb(tmp_path, name):
    # torch lets a pickle call bytearray, which takes what it is told.
    pickled = b"\x80\x02cbuiltins\nbytearray\n\x8a\x05" + (10**11).to_bytes(5, "little") + b"\x85R."
    torch_file(tmp_path / "a.pt", pickled)
    content = (tmp_path / "a.pt").read_bytes().replace(b"data.pkl", name.encode())
    (tmp_path / "a.pt").write_bytes(content)
    refused(load_embeddings, tmp_path / "a.pt", match=r"builtins\.bytearray")


@pytest.mark.parametrize(
    "call", [b"ccollections\nCounter\n", b"c_codecs\nencode\n", b"ctorch\nTensor\n", b"cos\nsystem\n"]
)
def test_a_pt_file_names_nothing_but_tensors(tmp_path, call):
    torch_file(tmp_path / "a.pt", b"\x80\x02" + call + b".")
    refused(load_embeddings, tmp_path / "a.pt", match="never loaded")


def table(path, /, **columns):
    import pyarrow.parquet as pq

    n = max(map(len, columns.values()))
    sides = {side: pa.array([[1.0]] * n) for side in ("source", "target")}
    pq.write_table(pa.table({**sides, **columns}), path)


def test_a_dictionary_of_parquet_that_repeats_a_long_text(tmp_path):
    words = pa.DictionaryArray.from_arrays(pa.array(np.zeros(200_000, dtype=np.int32)), ["a" * 50_000])
    table(tmp_path / "a.parquet", captions=words, path=words, caption=words)
    assert (tmp_path / "a.parquet").stat().st_size < 20_000
    refused(load_pairs, tmp_path / "a.parquet", match="unfolds to 10,000,000,000 characters")
    refused(read_manifest, tmp_path / "a.parquet", match="unfolds to 10,000,000,000 characters")


def test_parquet_columns_of_other_things(tmp_path):
    for odd in (pa.array([b"x"] * 3), pa.array([{"a": 1}] * 3), pa.array([[["x"]]] * 3)):
        table(tmp_path / "a.parquet", ids=odd)
        refused(load_pairs, tmp_path / "a.parquet", match="expected numbers, lists of numbers or texts")
    table(tmp_path / "a.parquet", ids=pa.array([["x"]] * 3))
    refused(load_pairs, tmp_path / "a.parquet", match="expected one text or whole number a row")


def test_a_manifest_with_lists_of_captions_is_read_as_it_was(tmp_path):
    import pyarrow.parquet as pq

    rows = {"path": ["a.wav", "b.wav"], "caption": [["one", "two"], ["one"]], "sound": [b"raw", b"raw"]}
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    assert [clip.captions for clip in read_manifest(tmp_path / "a.parquet").clips] == [("one", "two"), ("one",)]


def test_a_footer_over_which_pyarrow_ends_the_process(tmp_path):
    shutil.copy(Path(__file__).parent / "fuzz" / "corpus" / "parquet" / "levels", tmp_path / "a.parquet")
    refused(load_pairs, tmp_path / "a.parquet", match="not a whole")


def test_a_column_that_lost_its_rows(tmp_path):
    """Found by fuzzing: a changed footer left one column empty beside others that are not."""
    found = (CORPUS / "parquet" / "42c1eb4fc2").read_bytes()
    (tmp_path / "a.parquet").write_bytes(found)
    refused(load_pairs, tmp_path / "a.parquet", match="its groups hold other columns than it says")


def test_a_row_group_that_claims_more_rows_than_the_file(tmp_path):
    """Found by fuzzing: 2 KB whose footer claims 4 rows, and 153 billion in a group, took 23 GB."""
    shutil.copy(CORPUS / "parquet" / "6923e9ab57", tmp_path / "a.parquet")
    refused(load_pairs, tmp_path / "a.parquet", match="claims 4 rows, and 153,117,193,852 in its groups")
    refused(read_manifest, tmp_path / "a.parquet", match="claims 4 rows, and 153,117,193,852 in its groups")


def test_the_footer_is_counted_as_pyarrow_counts_it(tmp_path):
    import pyarrow.parquet as pq

    columns = {"a": pa.array([[1.0, 2.0], [3.0]] * 50), "b": pa.array(["x"] * 100), "c": pa.array(range(100))}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=30)
    found = claims_of(tmp_path / "a.parquet")
    assert found.values == {"a": 150, "b": 100, "c": 100}
    assert found.rows == 100
    told = pq.read_metadata(tmp_path / "a.parquet")
    for number, name in enumerate("abc"):
        assert len(found.pages[name]) == told.num_row_groups == 4
        for group, place in enumerate(found.pages[name]):
            chunk = told.row_group(group).column(number)
            assert place[1] - place[0] == chunk.total_compressed_size
            # Headers and data of the pages fill the chunk, so the largest is no more.
            assert 0 < largest_page(tmp_path / "a.parquet", *place, 1) < chunk.total_uncompressed_size


def test_a_page_that_claims_more_than_its_file_can_hold(tmp_path):
    """Found by fuzzing: 1 KB with a dictionary that says that it has 600 million values."""
    shutil.copy(CORPUS / "parquet" / "1f782fde04", tmp_path / "a.parquet")
    refused(
        load_pairs, tmp_path / "a.parquet", match="a page of target claims 4,869,884,176 bytes but 1,016 are stored"
    )


def test_a_group_whose_columns_have_other_names(tmp_path):
    """Found by fuzzing: what they claim was looked up under the name that the file gives them."""
    shutil.copy(CORPUS / "parquet" / "9c6f9cbc1e", tmp_path / "a.parquet")
    refused(load_pairs, tmp_path / "a.parquet", match="its groups hold other columns than it says")


def test_an_empty_group_is_none_of_these(tmp_path):
    import pyarrow.parquet as pq

    kind = pa.schema({"source": pa.list_(pa.float32()), "target": pa.list_(pa.float32())})
    sides = [[1.0, 2.0], [3.0, 4.0]]
    full, empty = (
        pa.table({"source": sides, "target": sides}, schema=kind),
        pa.table({"source": [], "target": []}, kind),
    )
    with pq.ParquetWriter(tmp_path / "a.parquet", kind) as file:
        for table in (full, empty, full):
            file.write_table(table)
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 3
    assert len(load_pairs(tmp_path / "a.parquet")) == 4
    pq.write_table(empty, tmp_path / "b.parquet")
    refused(load_pairs, tmp_path / "b.parquet", match="expected at least one row")


def test_the_header_of_a_page_may_be_long(tmp_path):
    import pyarrow.parquet as pq

    words = ["a" * 300_000, "b" * 300_000]
    pq.write_table(pa.table({"a": words * 10}), tmp_path / "a.parquet", use_dictionary=False, max_rows_per_page=5)
    ((start, stop),) = claims_of(tmp_path / "a.parquet").pages["a"]
    assert largest_page(tmp_path / "a.parquet", start, stop, 1) >= 1_500_000


def with_captions(path, texts):
    """A safetensors file of one pair, with this JSON as its captions."""
    sides = {
        side: {"dtype": "F32", "shape": [1, 1], "data_offsets": [start, start + 4]}
        for side, start in (("source", 0), ("target", 4))
    }
    header = json.dumps({"__metadata__": {"captions": texts}, **sides}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))


def test_one_long_text_among_many_short_ones(tmp_path):
    lines = ["caption", "a" * 120_000, *("b" for _ in range(200_000))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    refused(read_captions, tmp_path / "a.csv", match="a text of 120,000 characters among 200,001 short ones")
    texts = json.dumps(["a" * 1_000_000, *("b" for _ in range(200_000))])
    with_captions(tmp_path / "a.safetensors", texts)
    refused(load_pairs, tmp_path / "a.safetensors", match="a text of 1,000,000 characters")


@pytest.mark.parametrize("texts", ['{"a": 1}', "[1, 2]", '[["a"], ["b", "c"]]', "3", '["\\ud800"]', "[" * DEEP])
def test_safetensors_texts_that_are_none(tmp_path, texts):
    with_captions(tmp_path / "a.safetensors", texts)
    refused(load_pairs, tmp_path / "a.safetensors", match=r"a\.safetensors")


@pytest.mark.parametrize("code", [0xD800, 0x110000, 0xFFFFFFFF])
def test_characters_that_are_none(tmp_path, code):
    words = np.array(["aa"] * 2)
    words.view(np.uint32)[1] = code
    np.savez(tmp_path / "a.npz", source=np.eye(2), target=np.eye(2), captions=words, name=words[0])
    refused(load_pairs, tmp_path / "a.npz", match="characters that Unicode does not have")


def test_a_name_that_is_no_text(tmp_path):
    """Found by fuzzing: numbers in place of characters ended in a SystemError."""
    rows = np.eye(4, dtype=np.float32)
    none = np.array([0x7FFFFFFF], dtype=np.uint32).view("<U1").reshape(())
    np.savez(tmp_path / "a.npz", source=rows, target=rows, name=none)
    assert load_pairs(tmp_path / "a.npz").name == "pairs"


def test_names_out_of_a_file_steer_no_terminal(tmp_path):
    name = "a\x1b]0;title\x07\nb"
    np.savez(tmp_path / "a.npz", source=np.eye(2), target=np.eye(2), name=np.array(name))
    assert load_pairs(tmp_path / "a.npz").name == "a ]0;title b"
    np.savez(tmp_path / "b.npz", **{name: np.eye(2)}, other=np.eye(2))
    refused(load_pairs, tmp_path / "b.npz", match="no source embeddings")
    assert str(GapkitError("a\x1b[31m\nb")) == "a [31m b"


@pytest.mark.parametrize("text", ["[" * DEEP, '{"a":' * DEEP, '{"schema": 1e999, "schema_version": 1e999}', "[]", "3"])
def test_json_that_is_nested_endlessly_or_too_large(tmp_path, text):
    for file in ("results.json", "manifest.json", "study.json", "config.json", "cell.json"):
        (tmp_path / file).write_text(text)
    refused(Results.read, tmp_path, match=r"results\.json")
    refused(read_study_manifest, tmp_path, match=r"manifest\.json")
    refused(StudyFolder(tmp_path).identity, match=r"study\.json")
    refused(load_bridge, tmp_path, match=r"config\.json")
    assert read_cell(tmp_path, "cell") is None


@pytest.mark.parametrize("key", ["input", "config", "cells", "parts"])
def test_a_manifest_that_holds_nothing(tmp_path, key):
    (tmp_path / "manifest.json").write_text(json.dumps({"schema_version": 1, "parts": {"validation": None}, key: None}))
    refused(read_study_manifest, tmp_path, match=r"manifest\.json: not readable")


def test_toml_that_is_nested_endlessly(tmp_path):
    (tmp_path / "a.toml").write_text("a = " + "[" * DEEP)
    refused(read_config, tmp_path / "a.toml", match="nested too deeply")
    refused(read_space, tmp_path / "a.toml", match="nested too deeply")


@pytest.fixture
def bridge(tmp_path):
    rng = np.random.default_rng(0)
    fitted = make_bridge("residual-mlp", steps=1, hidden=4, blocks=1).fit(*rng.standard_normal((2, 20, 3)))
    fitted.save(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("group", "key", "value"),
    [("params", "hidden", 10**6), ("params", "blocks", 10**9), ("fitted", "n_features_in_", 10**11)],
)
def test_a_configuration_without_the_weights_for_it(bridge, group, key, value):
    config = json.loads((bridge / "config.json").read_text())
    del config["digest"]
    config[group][key] = value
    (bridge / "config.json").write_text(json.dumps(config))
    refused(load_bridge, bridge, match="far fewer are stored")
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("key", ["transform", "__class__", "_fit", "__init__"])
def test_a_configuration_replaces_no_method(bridge, key):
    config = json.loads((bridge / "config.json").read_text())
    del config["digest"]
    config["fitted"][key] = "x"
    (bridge / "config.json").write_text(json.dumps(config))
    refused(load_bridge, bridge, match="expected the keys")


@pytest.mark.parametrize(("key", "value"), [("fitted", 1), ("fitted", ["a_"]), ("params", None), ("bridge", {})])
def test_a_configuration_of_other_things(bridge, key, value):
    """The first was found by fuzzing: a TypeError."""
    config = json.loads((bridge / "config.json").read_text())
    del config["digest"]
    (bridge / "config.json").write_text(json.dumps({**config, key: value}))
    refused(load_bridge, bridge, match="expected the keys")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fitted", 1),
        ("fitted", {"generate": "x"}),
        ("fitted", {"_rows_": 1}),
        ("files", ["a"]),
        ("files", {"../a": "x"}),
    ],
)
def test_a_decoder_of_other_things(tmp_path, key, value):
    config = {"format": 1, "decoder": "small", "params": {}, "fitted": {}, "files": {}, key: value}
    (tmp_path / "config.json").write_text(json.dumps(config))
    refused(load_decoder, tmp_path, match="does not describe a caption decoder")


@pytest.mark.parametrize("name", ["../../evil", "a/b", "a\\b", "..", ".hidden", "", "a\0b"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    refused(cell_stem, name, None, match="cannot be the name of a file")
    row = {"bridge": name, "block": "paired", "metric": None, "group": "", "split": "test", "seed": None, "error": ""}
    content = {"schema_version": 1, "study": {}, "metrics": [], "rows": [row]}
    (tmp_path / "results.json").write_text(json.dumps(sealed(content)))
    refused(Results.read, tmp_path, match="cannot be the name of a file")


def test_columns_of_a_csv_steer_no_terminal(tmp_path):
    text = io.StringIO()
    csv.writer(text).writerow(["\x1b[2J", "b"])
    (tmp_path / "a.csv").write_text(text.getvalue())
    refused(read_captions, tmp_path / "a.csv", match="no column 'caption'")


def test_tensors_are_still_read(tmp_path):
    torch.save({"source": torch.nn.Parameter(torch.eye(2)), "target": torch.eye(2).bfloat16()}, tmp_path / "a.pt")
    assert load_pairs(tmp_path / "a.pt").dim == 2
