"""Files that are broken, lie or attack: one clear line each, nothing run, no memory taken."""

import contextlib
import io
import pickle
import resource
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gapkit.embeddings import PairedEmbeddings
from gapkit.errors import InputError
from gapkit.files import load_embeddings, load_pairs, save_embeddings, save_pairs

NAMED = ["npz", "safetensors", "pt", "pth", "parquet", "h5", "hdf5"]
FORMATS = ["npy", *NAMED]


def refused(call, *args, match=None, **kwargs):
    with pytest.raises(InputError, match=match) as caught:
        call(*args, **kwargs)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95, 0.999])
def test_a_file_that_is_cut_off(tmp_path, suffix, share):
    path = tmp_path / f"a.{suffix}"
    save_pairs(PairedEmbeddings(np.eye(40), np.eye(40)), path)
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: int(len(content) * share)])
    message = refused(load_pairs, path)
    assert message.startswith(str(path))


@pytest.mark.parametrize("suffix", FORMATS)
def test_missing_empty_folder_and_noise(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    refused(load_embeddings, path, match="cannot be opened")
    path.write_bytes(b"")
    refused(load_embeddings, path, match="is empty")
    path.write_bytes(np.random.default_rng(0).bytes(3000))
    refused(load_embeddings, path, match="not a whole")
    path.write_text("hello\n" * 100)
    refused(load_pairs, path, match="not a whole")
    path.unlink()
    path.mkdir()
    refused(load_embeddings, path, match="is a folder without embeddings")
    refused(load_pairs, path, match=r"expected source\.\* and target")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_wrong_suffix(tmp_path, suffix):
    save_embeddings(np.eye(3), tmp_path / f"a.{suffix}")
    for other in set(FORMATS) - {suffix}:
        if {suffix, other} <= {"pt", "pth"} or {suffix, other} <= {"h5", "hdf5"}:
            continue
        wrong = tmp_path / f"b.{other}"
        wrong.unlink(missing_ok=True)
        wrong.write_bytes((tmp_path / f"a.{suffix}").read_bytes())
        if (suffix, other) in {("pt", "npz"), ("pth", "npz")}:  # both are zip files: opens, but holds no embeddings
            refused(load_pairs, wrong)
        else:
            refused(load_embeddings, wrong)
    for name in ("a.txt", "a"):
        (tmp_path / name).write_bytes(b"rows")
    refused(load_embeddings, tmp_path / "a.txt", match=r"not read by its suffix \(.txt\); expected .npy")
    refused(load_embeddings, tmp_path / "a", match=r"not read by its suffix \(none\)")
    refused(save_embeddings, np.eye(3), tmp_path / "a.txt", match=r"not written by its suffix \(.txt\)")


class Evil:
    """What a malicious pickle does: run something when it is loaded."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle ran')",))


def test_pickles_are_refused_in_every_wrapping_and_never_run(tmp_path):
    objects = np.array([[Evil()]], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    refused(load_embeddings, tmp_path / "a.npy", match="Python objects .a pickle., which are never loaded")
    np.savez(tmp_path / "a.npz", source=objects, target=np.eye(1))
    refused(load_pairs, tmp_path / "a.npz", match="source holds Python objects")
    (tmp_path / "b.npy").write_bytes(pickle.dumps(Evil()))
    refused(load_embeddings, tmp_path / "b.npy", match="not a whole .npy file")
    torch.save({"source": Evil()}, tmp_path / "a.pt")
    refused(load_embeddings, tmp_path / "a.pt", match="pickled Python objects .*exec.*, which are never loaded")
    torch.save({"source": np.eye(2)}, tmp_path / "b.pt")
    refused(load_embeddings, tmp_path / "b.pt", match="pickled Python objects")
    torch.save(torch.eye(2), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    refused(load_embeddings, tmp_path / "old.pt", match="before torch 1.6")
    (tmp_path / "c.pt").write_bytes(pickle.dumps(Evil()))
    refused(load_embeddings, tmp_path / "c.pt", match="not a whole file")


def npy_header(shape, descr="<f4"):
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


HUGE = (50_000_000, 512)
"""100 GB of float32."""


def lying_npz(path, *, stored=False):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("source.npy", npy_header(HUGE) + bytes(64))
        archive.writestr("target.npy", npy_header(HUGE) + bytes(64))


@pytest.fixture
def little_memory():
    """3 GB of address space more than now: taking what the headers claim would fail."""
    status = Path("/proc/self/status").read_text()
    now = 1024 * int(next(line for line in status.splitlines() if line.startswith("VmSize")).split()[1])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + 3 * 2**30, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.usefixtures("little_memory")
def test_headers_that_claim_100_gb_take_no_memory(tmp_path):
    import h5py

    (tmp_path / "a.npy").write_bytes(npy_header(HUGE) + bytes(64))
    refused(load_embeddings, tmp_path / "a.npy", match="not a whole")
    for number, shape in enumerate(((-1, 4), (-2, -2), (2**62, 2**62), (2**63, 2))):
        content = npy_header(shape) + bytes(16)
        (tmp_path / f"{number}.npy").write_bytes(content)
        refused(load_embeddings, tmp_path / f"{number}.npy", match="not a whole")
        with zipfile.ZipFile(tmp_path / f"{number}.npz", "w") as archive:
            archive.writestr("source.npy", content)
        refused(load_embeddings, tmp_path / f"{number}.npz", match="source")
    lying_npz(tmp_path / "a.npz")
    refused(load_pairs, tmp_path / "a.npz", match="source is cut off")
    header = b'{"x":{"dtype":"F32","shape":[50000000,512],"data_offsets":[0,102400000000]}}'
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
    refused(load_embeddings, tmp_path / "a.safetensors", match="not a whole .safetensors file")
    torch.save(torch.zeros(1, 1).expand(*HUGE), tmp_path / "a.pt")
    refused(load_embeddings, tmp_path / "a.pt", match="more than the file holds")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", shape=HUGE, dtype="f4", chunks=(1000, 512))
    refused(load_embeddings, tmp_path / "a.h5", match="claims 102,400,000,000 bytes but 0 are stored")


def test_a_zip_that_says_it_unfolds_further_than_deflate_can(tmp_path):
    lying_npz(tmp_path / "a.npz")
    content = bytearray((tmp_path / "a.npz").read_bytes())
    at = content.index(b"PK\x01\x02")  # the size of the first member, in the directory at the end
    claimed = len(npy_header((4_000_000, 256))) + 4_000_000 * 256 * 4 % 2**32
    content[at + 24 : at + 28] = struct.pack("<I", claimed)
    (tmp_path / "b.npz").write_bytes(content)
    refused(load_pairs, tmp_path / "b.npz", match="source")


def test_parts_of_a_zip_that_share_bytes(tmp_path):
    buffer = io.BytesIO()
    np.savez(buffer, source=np.zeros((64, 64)))
    content = buffer.getvalue()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start:end]
    directory = entry + entry.replace(b"source.npy", b"target.npy")
    tail = bytearray(content[end:])
    tail[8:12] = struct.pack("<HH", 2, 2)
    tail[12:16] = struct.pack("<I", len(directory))
    (tmp_path / "a.npz").write_bytes(content[:start] + directory + tail)
    refused(load_pairs, tmp_path / "a.npz", match="claim more bytes than the file has")


def test_a_part_of_a_zip_inside_another(tmp_path):
    """One stream of deflate, read twice: the outer part quotes the header of the inner one and goes on into it."""
    array = io.BytesIO()
    np.save(array, np.random.default_rng(0).standard_normal((32, 32)))
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("target.npy"), array.getvalue(), zipfile.ZIP_DEFLATED)
        info = archive.infolist()[0]
    header = inner.getvalue()[: 30 + len("target.npy")]
    packed = inner.getvalue()[len(header) : len(header) + info.compress_size]
    head = npy_header((len(header) + len(array.getvalue()),), "|u1") + header
    quoted = b"\x00" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + head
    whole = head + array.getvalue()
    outer = struct.pack(
        "<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, zlib.crc32(whole), len(quoted + packed), len(whole), 10, 0
    )
    content = outer + b"source.npy" + quoted + packed
    entries = b""
    for name, crc, size, full, at in (
        (b"source.npy", zlib.crc32(whole), len(quoted + packed), len(whole), 0),
        (b"target.npy", info.CRC, info.compress_size, info.file_size, len(content) - len(header + packed)),
    ):
        entries += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, size, full, len(name), 0, 0, 0, 0, 0, at
        )
        entries += name
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(entries), len(content), 0)
    (tmp_path / "a.npz").write_bytes(content + entries + end)
    refused(load_embeddings, f"{tmp_path / 'a.npz'}:source", match="claim more bytes than the file has")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.eye(3) * 1j, "complex128, expected real numbers"),
        (np.eye(3, dtype=bool), "bool, expected real numbers"),
        (np.full((3, 3), "a"), "<U1, expected real numbers"),
        (np.full((3, 3), b"a"), "expected real numbers"),
        (np.zeros((3, 3), dtype="datetime64[s]"), "expected real numbers"),
        (np.zeros(3, dtype=[("a", "f4")]), "expected real numbers"),
        (np.zeros(3), r"shape \(3,\), expected \(n, d\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\), expected \(n, d\)"),
        (np.zeros((3, 3, 3)), r"shape \(3, 3, 3\), expected \(n, d\)"),
    ],
)
def test_arrays_that_are_no_embeddings(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    refused(load_embeddings, tmp_path / "a.npy", match=message)
    np.savez(tmp_path / "a.npz", source=array, target=np.eye(3))
    refused(load_pairs, tmp_path / "a.npz", match=message)


@pytest.mark.parametrize("suffix", ["pt", "h5"])
@pytest.mark.parametrize("dtype", ["complex64", "bool"])
def test_tensors_that_are_no_embeddings(tmp_path, suffix, dtype):
    import h5py

    array = np.eye(3).astype(dtype)
    if suffix == "pt":
        torch.save(torch.from_numpy(array), tmp_path / "a.pt")
    else:
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["x"] = array
    refused(load_embeddings, tmp_path / f"a.{suffix}", match=f"{dtype}, expected real numbers")


@pytest.mark.parametrize(
    "content", [torch.eye(3).to_sparse(), {"source": 3, "target": torch.eye(3)}, [torch.eye(3)], {}]
)
def test_other_things_in_pt(tmp_path, content):
    torch.save(content, tmp_path / "a.pt")
    refused(load_pairs, tmp_path / "a.pt")


def test_hdf5_never_follows_a_link_into_another_file(tmp_path):
    import h5py

    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.eye(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["source"] = h5py.ExternalLink("secret.h5", "x")
        file["target"] = np.eye(3)
    refused(load_pairs, tmp_path / "a.h5", match="no source embeddings")
    (tmp_path / "raw").write_bytes(np.eye(3).tobytes())
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("source", (3, 3), "f8", external=[(str(tmp_path / "raw"), 0, 72)])
    refused(load_embeddings, tmp_path / "b.h5", match="keeps its numbers in another file")
    layout = h5py.VirtualLayout((3, 3), "f8")
    layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", shape=(3, 3))
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_virtual_dataset("source", layout)
    refused(load_embeddings, tmp_path / "c.h5", match="keeps its numbers in another file")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(suffix=st.sampled_from(["npy", "npz", "safetensors", "pt", "parquet"]), data=st.data())
def test_changed_bytes_load_or_are_refused_and_nothing_else(tmp_path, suffix, data):
    path = tmp_path / f"a.{suffix}"
    save_pairs(PairedEmbeddings(np.eye(3), np.eye(3)), path)
    content = bytearray(path.read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[at] = data.draw(st.integers(0, 255))
    path.unlink()
    path.write_bytes(content)
    with contextlib.suppress(InputError):
        assert load_pairs(path).source.shape[1] > 0


@pytest.mark.parametrize(("suffix", "package"), [("parquet", "pyarrow"), ("h5", "h5py")])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, suffix, package):
    path = tmp_path / f"a.{suffix}"
    save_embeddings(np.eye(3), path)
    for module in [m for m in sys.modules if m.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    hint = rf"{suffix} files need the package {package}.*; pip install \"gapkit\[io\]\""
    refused(load_embeddings, path, match=hint)
    refused(save_embeddings, np.eye(3), tmp_path / f"b.{suffix}", match=hint)
    assert not (tmp_path / f"b.{suffix}").exists()
