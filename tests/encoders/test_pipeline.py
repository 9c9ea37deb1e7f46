"""`embed`: pairs that are right, work that is never done twice, files that stop nothing."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from gapkit.encoders import Clip, Manifest, embed
from gapkit.encoders.cache import RowCache, fingerprint
from gapkit.errors import GapkitError, InputError
from gapkit.files import load_pairs

soundfile = pytest.importorskip("soundfile")


def test_pairs_are_those_of_a_plain_loop(sounds, counting, tmp_path):
    manifest = sounds(23)
    encoder = counting.encoder()
    report = embed(manifest, encoder, tmp_path / "pairs.npz", workers=3, batch_size=4, cache=tmp_path / "cache")
    expected = [
        encoder.encode_source([soundfile.read(p, dtype="float32")[0]])[0] for p in sorted(manifest.parent.glob("*.wav"))
    ]
    np.testing.assert_allclose(report.pairs.source, expected, atol=1e-6)
    captions = [f"sound number {i}" for i in range(23)]
    np.testing.assert_allclose(report.pairs.target, encoder.encode_target(captions), atol=1e-6)
    assert list(report.pairs.captions) == captions
    assert (report.failed, report.encoded, report.cached) == (0, 23, 0)
    assert max(counting.sizes) <= 4
    read = load_pairs(tmp_path / "pairs.npz")
    assert read.content_hash() == report.pairs.content_hash()
    about = json.loads((tmp_path / "pairs.json").read_text("utf-8"))
    assert about["content"] == read.content_hash()
    assert about["encoder"]["version"] == "1"
    assert (tmp_path / "failures.csv").read_text("utf-8") == "id,path,kept,reason\n"


def test_workers_and_batches_do_not_matter(sounds, counting, tmp_path):
    manifest = sounds(10, seconds=0.1)
    encoder = counting.encoder(window_seconds=0.03)
    given = [(1, 1), (1, 16), (4, 3)]
    hashes = {
        embed(manifest, encoder, workers=w, batch_size=b, cache=tmp_path / f"{w}{b}").pairs.content_hash()
        for w, b in given
    }
    assert len(hashes) == 1


def test_long_clips_are_the_mean_of_their_windows(sounds, counting, tmp_path):
    manifest = sounds(1, seconds=0.25)
    encoder = counting.encoder(window_seconds=0.1)
    row = embed(manifest, encoder, cache=tmp_path / "cache").pairs.source[0]
    wave = soundfile.read(manifest.parent / "0000.wav", dtype="float32")[0]
    rows = encoder.encode_source([wave[:800], wave[800:1600], wave[1600:]])
    mean = rows[0] * 0.1 + rows[1] * 0.1 + rows[2] * 0.05
    np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-6)


def test_cache_is_by_content_and_encoder(sounds, counting, tmp_path):
    manifest = sounds(6)
    (manifest.parent / "0001.wav").write_bytes((manifest.parent / "0000.wav").read_bytes())
    first = embed(manifest, counting.encoder(), cache=tmp_path / "cache")
    assert (first.encoded, first.cached, len(counting.sounds)) == (5, 1, 5)
    os.utime(manifest.parent / "0002.wav")
    again = embed(manifest, counting.encoder(), cache=tmp_path / "cache")
    assert (again.encoded, again.cached, len(counting.sounds), len(counting.texts)) == (0, 6, 5, 6)
    assert again.pairs.content_hash() == first.pairs.content_hash()
    (manifest.parent / "0002.wav").write_bytes((manifest.parent / "0003.wav").read_bytes()[:-4] + b"\0\0\0\0")
    assert embed(manifest, counting.encoder(), cache=tmp_path / "cache").encoded == 1
    assert embed(manifest, counting.encoder(version="2"), cache=tmp_path / "cache").encoded == 5


def test_interrupted_and_resumed_no_clip_is_encoded_twice(sounds, counting, tmp_path):
    """Ctrl-C in the middle: what was encoded is kept, and the second run encodes the rest alone."""
    manifest = sounds(40)
    source = counting.source
    calls = []

    def interrupted(waves):
        calls.append(len(waves))
        if len(calls) == 5:
            raise KeyboardInterrupt
        return source(waves)

    counting.source = interrupted
    with pytest.raises(KeyboardInterrupt):
        embed(manifest, counting.encoder(), workers=2, batch_size=4, cache=tmp_path / "cache")
    done = len(counting.sounds)
    assert 0 < done < 40
    report = embed(manifest, counting.encoder(), workers=2, batch_size=4, cache=tmp_path / "cache")
    assert set(Counter(counting.sounds).values()) == {1}
    assert len(counting.sounds) == 40
    assert (report.encoded, report.cached) == (40 - done, done)


def test_killed_and_resumed(sounds, tmp_path):
    """SIGKILL: only what was in the hands of the two threads is done again."""
    manifest = sounds(60)
    log = tmp_path / "log"
    script = textwrap.dedent(f"""
        import sys, time
        from gapkit.encoders import CallableEncoder, embed
        def source(waves):
            time.sleep(0.02 * len(waves))
            with open({str(log)!r}, "a") as file:
                file.writelines(f"{{float(w[0])!r}}\\n" for w in waves)
            return [[abs(float(w[0])) + 1.0, 1.0] for w in waves]
        encoder = CallableEncoder(
            source, lambda texts: [[1.0, len(t)] for t in texts], dim=2, sample_rate=8000, version="1", concurrent=True
        )
        report = embed({str(manifest)!r}, encoder, workers=2, batch_size=2, cache={str(tmp_path / "cache")!r})
        print(report.encoded, report.cached, len(report.pairs))
    """)
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    killed = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while (not log.exists() or len(log.read_text().splitlines()) < 10) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = len(log.read_text().splitlines())
    assert 10 <= before < 60
    encoded, cached, kept = map(int, subprocess.check_output(command, env=environment, text=True).split())
    assert kept == 60
    assert cached + encoded == 60
    assert before - 4 <= cached <= before
    counts = Counter(log.read_text().splitlines())
    assert len(counts) == 60
    assert sum(count - 1 for count in counts.values()) <= 4


def test_bad_files_are_listed_and_stop_nothing(sounds, counting, tmp_path):
    manifest = sounds(8)
    root = manifest.parent
    (root / "0001.wav").write_bytes(b"")
    (root / "0002.wav").write_bytes(b"this is text")
    (root / "0003.wav").unlink()
    soundfile.write(root / "0004.wav", np.zeros(400, np.float32), 8000)
    content = (root / "0005.wav").read_bytes()
    (root / "0005.wav").write_bytes(content[: len(content) // 2])
    soundfile.write(root / "with space – ü.wav", np.ones((50, 6)) / 3, 192_000)
    with manifest.open("a", encoding="utf-8") as file:
        file.write("with space – ü.wav,six channels\n0000.wav,\nx.wav,\n")
    report = embed(manifest, counting.encoder(), tmp_path / "pairs.npz", cache=tmp_path / "cache")
    assert list(report.pairs.ids) == ["0000.wav", "0004.wav", "0006.wav", "0007.wav", "with space – ü.wav"]
    with (tmp_path / "failures.csv").open(encoding="utf-8", newline="") as file:
        rows = {Path(row["path"]).name: (row["kept"], row["reason"]) for row in csv.DictReader(file)}
    assert rows["0001.wav"] == ("no", "is empty (0 bytes)")
    assert rows["0002.wav"][1].startswith("is text, not a sound file")
    assert rows["0003.wav"] == ("no", "cannot be opened (No such file or directory)")
    assert rows["0004.wav"] == ("yes", "is silent (peak below -80 dB)")
    assert rows["0005.wav"][1].startswith("is cut short")
    assert rows["0000.wav"] == ("yes", "1 of its 2 captions are empty")
    assert rows["x.wav"] == ("no", "line 12: its caption is empty")
    summary = report.summary()
    assert (summary["listed"], summary["embedded"], summary["failed"], summary["silent"]) == (10, 5, 5, 1)
    assert summary["share_failed"] == 0.5
    # Silence is known to be silence the second time too.
    assert embed(manifest, counting.encoder(), cache=tmp_path / "cache").silent == 1


def test_failures_are_kept_though_other_pairs_are_written_beside_them(sounds, counting, tmp_path):
    manifest = sounds(3)
    (manifest.parent / "0001.wav").write_bytes(b"")
    embed(manifest, counting.encoder(), tmp_path / "train.npz", cache=tmp_path / "cache")
    whole = tmp_path / "whole.csv"
    whole.write_text(f"path,caption\n{manifest.parent / '0000.wav'},a tone\n")
    embed(whole, counting.encoder(), tmp_path / "test.npz", cache=tmp_path / "cache")
    assert (tmp_path / "failures.csv").read_text("utf-8") == "id,path,kept,reason\n"
    (fault,) = json.loads((tmp_path / "train.json").read_text("utf-8"))["faults"]
    assert (fault["id"], fault["kept"], fault["reason"]) == ("0001.wav", False, "is empty (0 bytes)")
    assert json.loads((tmp_path / "test.json").read_text("utf-8"))["faults"] == []


def test_a_clip_that_the_encoder_refuses_takes_no_other_with_it(sounds, counting, tmp_path):
    manifest = sounds(9)
    odd = soundfile.read(manifest.parent / "0004.wav", dtype="float32")[0][0]
    source = counting.source

    def picky(waves):
        if any(wave[0] == odd for wave in waves):
            raise ValueError("cannot\nembed this")
        return source(waves)

    counting.source = picky
    report = embed(manifest, counting.encoder(), workers=1, batch_size=9, cache=tmp_path / "cache")
    assert len(report.pairs) == 8
    assert [(f.id, f.reason) for f in report.faults] == [("0004.wav", "the encoder failed (cannot embed this)")]


def test_nothing_that_can_be_embedded(sounds, counting, tmp_path):
    manifest = sounds(3)
    for path in manifest.parent.glob("*.wav"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"none of 3 clips could be embedded \(first: .*is empty"):
        embed(manifest, counting.encoder(), tmp_path / "p.npz", cache=tmp_path / "cache")
    assert len((tmp_path / "failures.csv").read_text("utf-8").splitlines()) == 4


@pytest.mark.parametrize(("given", "message"), [({"workers": 0}, "workers"), ({"batch_size": 0}, "batch_size")])
def test_wrong_options(sounds, counting, given, message):
    with pytest.raises(InputError, match=f"{message} must be at least 1"):
        embed(sounds(1), counting.encoder(), **given)
    with pytest.raises(InputError, match=r"expected one of \.npz"):
        embed(sounds(1), counting.encoder(), "pairs.npy")
    assert counting.sounds == []


def test_a_file_of_others_beside_the_pairs_is_not_written_over(sounds, counting, tmp_path):
    (tmp_path / "clips.json").write_text('{"clips": []}')
    with pytest.raises(InputError, match=r"clips\.json: would be written beside the pairs and is another file"):
        embed(sounds(1), counting.encoder(), tmp_path / "clips.npz", cache=tmp_path / "cache")
    assert counting.sounds == []
    for _ in range(2):  # what it wrote itself it may write again
        embed(sounds(1), counting.encoder(), tmp_path / "pairs.npz", cache=tmp_path / "cache")


def test_threads_of_torch_are_given_back(sounds, counting, tmp_path):
    before = torch.get_num_threads()
    embed(sounds(3), counting.encoder(), workers=2, cache=tmp_path / "cache")
    assert torch.get_num_threads() == before


def test_progress_ends_at_the_total(sounds, counting, tmp_path):
    seen = []
    embed(sounds(5), counting.encoder(), batch_size=2, cache=tmp_path / "c", progress=lambda *given: seen.append(given))
    assert seen[-1][:2] == (10, 10)
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)


def test_an_unconcurrent_encoder_is_called_by_one_thread_at_a_time(sounds, counting, tmp_path):
    inside = []
    overlaps = []
    source = counting.source

    def slow(waves):
        inside.append(1)
        overlaps.append(len(inside))
        time.sleep(0.005)
        inside.pop()
        return source(waves)

    counting.source = slow
    embed(sounds(12), counting.encoder(concurrent=False), workers=4, batch_size=1, cache=tmp_path / "cache")
    assert max(overlaps) == 1


def test_torn_and_foreign_records_are_skipped(tmp_path):
    cache = RowCache(tmp_path, {"encoder": "x"}, 3)
    keys = [fingerprint(bytes([i])) for i in range(3)]
    for i, key in enumerate(keys):
        cache.add(key, np.arange(3) + i, mark=i)
    cache.close()
    (file,) = cache.folder.glob("rows-*.bin")
    content = bytearray(file.read_bytes())
    content[len(content) // 3 + 20] ^= 1  # a bit of the second record flips
    file.write_bytes(bytes(content[:-1]))  # and the last one is torn
    read = RowCache(tmp_path, {"encoder": "x"}, 3)
    assert len(read) == 1
    row, mark = read.get(keys[0])
    np.testing.assert_array_equal(row, [0, 1, 2])
    assert mark == 0
    assert len(RowCache(tmp_path, {"encoder": "y"}, 3)) == 0


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = RowCache(tmp_path / "file", {"encoder": "x"}, 3)
    with pytest.raises(GapkitError, match="could not be written"):
        cache.add(fingerprint(b"a"), np.ones(3))


def test_captions_that_the_encoder_refuses(sounds, counting, tmp_path):
    def refusing(texts):
        raise ValueError("no text today")

    counting.target = refusing
    with pytest.raises(GapkitError, match=r"failed on captions from 'sound number 0' on \(no text today\)"):
        embed(sounds(2), counting.encoder(), cache=tmp_path / "cache")


def test_workers_encode_side_by_side(sounds, counting, tmp_path):
    """Neither of two threads goes on before both are inside the encoder."""
    together = threading.Barrier(2)
    source = counting.source

    def meeting(waves):
        together.wait(timeout=20)
        return source(waves)

    counting.source = meeting
    report = embed(sounds(4), counting.encoder(), workers=2, batch_size=1, cache=tmp_path / "cache")
    assert report.failed == 0


def test_a_batch_holds_no_more_sound_than_its_bound(sounds, counting, tmp_path, monkeypatch):
    monkeypatch.setattr("gapkit.encoders.workers.SECONDS_AT_ONCE", 0.3)
    seconds = []
    source = counting.source
    counting.source = lambda waves: seconds.append(sum(map(len, waves)) / 8000) or source(waves)
    encoder = counting.encoder(window_seconds=0.1)
    report = embed(sounds(5, seconds=1.05), encoder, workers=1, batch_size=100, cache=tmp_path / "cache")
    assert report.failed == 0
    assert sum(seconds) == pytest.approx(5 * 1.05)
    assert max(seconds) <= 0.3 + 0.1 + 1e-9


def test_paths_that_name_no_file(counting, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "folder.wav").mkdir()
    soundfile.write(tmp_path / "good.wav", np.ones(100), 8000)
    names = ["pipe.wav", "folder.wav", "nul\0l.wav", "x" * 300, "odd\udcff.wav", "good.wav"]
    clips = tuple(Clip(name, tmp_path / name, ("x",)) for name in names)
    report = embed(Manifest("m", clips), counting.encoder(), tmp_path / "p.npz", cache=tmp_path / "cache")
    assert list(report.pairs.ids) == ["good.wav"]
    reasons = {fault.id: fault.reason for fault in report.faults}
    assert reasons["pipe.wav"] == "is no regular file"
    assert reasons["folder.wav"] == "is a folder, not a file"
    assert reasons["nul\0l.wav"] == "cannot be opened (embedded null byte)"
    assert reasons["x" * 300] == "cannot be opened (File name too long)"
    for name in ("failures.csv", "p.json"):
        assert r"odd\udcff.wav" in (tmp_path / name).read_text("utf-8")


def test_a_sound_of_several_windows_on_which_the_encoder_fails_stops_nothing(sounds, counting, tmp_path):
    manifest = sounds(3, seconds=0.25)
    first = soundfile.read(manifest.parent / "0000.wav", dtype="float32")[0][0]
    source = counting.source

    def picky(waves):
        if any(wave[0] == first for wave in waves):
            raise RuntimeError("not this one")
        return source(waves)

    counting.source = picky
    report = embed(manifest, counting.encoder(window_seconds=0.05), workers=1, batch_size=2, cache=tmp_path / "cache")
    assert [fault.reason for fault in report.faults] == ["the encoder failed (not this one)"]
    assert list(report.pairs.ids) == ["0001.wav", "0002.wav"]
    whole = embed(sounds(3, seconds=0.25, folder="again"), counting.encoder(window_seconds=0.05), cache=tmp_path / "b")
    np.testing.assert_allclose(report.pairs.source, whole.pairs.source[-2:], atol=1e-6)
