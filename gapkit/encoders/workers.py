"""What the threads of `embed` do: decode, encode in batches, pool the windows of a clip, keep the row at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gapkit.encoders.audio import SILENCE, ClipError, read_windows
from gapkit.encoders.base import Encoder
from gapkit.encoders.cache import RowCache, file_fingerprint, fingerprint
from gapkit.encoders.pictures import read_picture
from gapkit.errors import GapkitError

SECONDS_AT_ONCE = 240.0
"""Sound in one batch at most: 42 MB of samples at 44.1 kHz, whatever the number and length of the clips."""

SILENT = 1
"""Mark of a row whose sound is silent."""

Progress = Callable[[int, int, str], None]


@dataclass
class _Pool:
    """Sum of the rows of the windows of one clip, each weighted by its length."""

    total: NDArray[np.float64] | float = 0.0
    peak: float = 0.0
    waiting: int = 0
    read: bool = False


@dataclass
class Crew:
    """Encodes clips and texts in several threads; rows end in the cache, reasons in `failed`.

    Parameters
    ----------
    encoder : Encoder
    cache : RowCache
    batch_size : int
        Windows or texts in one call of the encoder, at most.
    """

    encoder: Encoder
    cache: RowCache
    batch_size: int
    keys: dict[Path, bytes] = field(default_factory=dict)
    failed: dict[bytes | Path, str] = field(default_factory=dict)
    encoded: int = 0
    _claimed: set[bytes] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, paths: Sequence[Path], texts: Sequence[str], *, workers: int, progress: Progress | None) -> None:
        """Encode what the cache does not hold.

        Raises
        ------
        GapkitError
            What concerns more than one clip: a package is missing, the disk or the memory is full.
        """
        unknown = [text for text in texts if text_key(text) not in self.cache]
        small = min(self.batch_size, max(1, -(-len(paths) // (4 * workers))))  # so that no thread waits long at the end
        with one_thread_each(workers), ThreadPoolExecutor(workers, thread_name_prefix="gapkit-embed") as pool:
            futures: dict[Future[None], int] = {}
            work: list[tuple[Callable[[Any], None], Sequence[Any], int]]
            work = [(self._clips, paths, small), (self._texts, unknown, 4 * self.batch_size)]
            done = 0
            # Ctrl-C while work is handed out must not wait for all of it either.
            try:
                for job, items, size in work:
                    parts = [items[i : i + size] for i in range(0, len(items), size)]
                    futures |= {pool.submit(job, part): len(part) for part in parts}
                for future in as_completed(futures):
                    future.result()
                    done += futures[future]
                    if progress is not None:
                        note = f"{len(self.failed)} failed" if self.failed else ""
                        progress(done, len(paths) + len(unknown), note)
            finally:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def _clips(self, paths: Sequence[Path]) -> None:
        pools: dict[bytes, _Pool] = {}
        batch: list[tuple[bytes, Any, float]] = []
        seconds = 0.0
        for path in paths:
            if self._stop.is_set():
                return
            key = self._claim(path)
            if key is None:
                continue
            pools[key] = _Pool()
            try:
                for item, weight, peak in self._items(path):
                    if key not in pools:  # the encoder has failed on an earlier part of it
                        break
                    batch.append((key, item, weight))
                    pools[key].waiting += 1
                    pools[key].peak = max(pools[key].peak, peak)
                    seconds += weight
                    if len(batch) >= self.batch_size or seconds >= SECONDS_AT_ONCE:
                        self._flush(batch, pools)
                        batch, seconds = [], 0.0
            except ClipError as error:
                self._fail(key, str(error))
                pools.pop(key, None)
            if key not in pools:
                batch = [entry for entry in batch if entry[0] != key]
                continue
            pools[key].read = True
            self._finish(key, pools)
        self._flush(batch, pools)

    def _claim(self, path: Path) -> bytes | None:
        """The key of a file whose row is to be made here; None where it is there or another thread makes it."""
        try:
            if path.exists() and not path.is_file():  # a pipe would be waited for
                raise ClipError("is a folder, not a file" if path.is_dir() else "is no regular file")
            key = file_fingerprint(path)
        except (OSError, ValueError) as error:  # ValueError: a null byte in the path, and our own
            self._fail(path, str(error) if isinstance(error, ClipError) else f"cannot be opened ({_reason(error)})")
            return None
        with self._lock:
            self.keys[path] = key
            if key in self.cache or key in self._claimed:
                return None
            self._claimed.add(key)
        return key

    def _items(self, path: Path) -> Iterator[tuple[Any, float, float]]:
        """Each window of a clip with its length in seconds and its peak; a picture is one window."""
        encoder = self.encoder
        if encoder.modalities[0] == "audio":
            for window in read_windows(path, sample_rate=encoder.sample_rate, window_seconds=encoder.window_seconds):
                yield window, len(window) / encoder.sample_rate, float(np.abs(window).max(initial=0))
        else:
            yield read_picture(path), 1.0, 1.0

    def _flush(self, batch: list[tuple[bytes, Any, float]], pools: dict[bytes, _Pool]) -> None:
        if not batch or self._stop.is_set():
            return
        for (key, _, weight), row in zip(batch, self._encode([item for _, item, _ in batch]), strict=True):
            if key not in pools:
                continue
            if isinstance(row, str):
                self._fail(key, row)
                del pools[key]
                continue
            pools[key].total = pools[key].total + weight * row.astype(np.float64)
            pools[key].waiting -= 1
            self._finish(key, pools)

    def _encode(self, items: list[Any]) -> Sequence[NDArray[np.float32] | str]:
        """A row for each item, or the reason why there is none."""
        try:
            return list(self._in_turn(self.encoder.encode_source, items))
        except (MemoryError, torch.cuda.OutOfMemoryError):
            raise GapkitError(f"out of memory with {len(items)} clips at once; give a smaller --batch-size") from None
        except Exception as error:  # models of others fail in any way; one clip must not take the rest with it
            if len(items) > 1:
                return [row for item in items for row in self._encode([item])]
            return [f"the encoder failed ({_reason(error)})"]

    def _in_turn(self, encode: Callable[[Any], NDArray[np.float32]], items: Any) -> NDArray[np.float32]:
        if self.encoder.concurrent:
            return encode(items)
        with self._turn:
            return encode(items)

    def _finish(self, key: bytes, pools: dict[bytes, _Pool]) -> None:
        pool = pools.get(key)
        if pool is None or not pool.read or pool.waiting:
            return
        row = np.asarray(pool.total, dtype=np.float32)
        length = float(np.linalg.norm(row))
        self.cache.add(key, row / (length or 1.0), SILENT if pool.peak < SILENCE else 0)
        with self._lock:
            self.encoded += 1
        del pools[key]

    def _fail(self, what: bytes | Path, reason: str) -> None:
        with self._lock:
            self.failed[what] = reason

    def _texts(self, texts: Sequence[str]) -> None:
        if self._stop.is_set():
            return
        try:
            rows = self._in_turn(self.encoder.encode_target, texts)
        except Exception as error:  # models of others fail in any way
            raise GapkitError(f"the encoder failed on captions from {texts[0]!r} on ({_reason(error)})") from error
        for text, row in zip(texts, rows, strict=True):
            self.cache.add(text_key(text), row)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__)[:200]


def text_key(text: str) -> bytes:
    """Key of the row of a text."""
    return fingerprint(b"text", text.encode("utf-8", "surrogatepass"))


@contextmanager
def one_thread_each(workers: int) -> Iterator[None]:
    """Share the threads of torch out among workers: more threads than cores wait for each other.

    What was set before is set again.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // workers))
    try:
        yield
    finally:
        torch.set_num_threads(before)
