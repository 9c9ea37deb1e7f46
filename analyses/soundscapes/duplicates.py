"""Step 3a: recordings that sound the same form one group, whatever their file, encoding or tail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from soundscapes.recordings import RATE, Pool

BANDS, STEPS = 32, 24
ALIKE = 0.98  # cosine of two whole recordings of one length
SAME_START = 0.985  # cosine of their first `HEAD` seconds, whatever follows
HEAD = 0.5
LENGTHS = 0.03  # relative difference up to which two recordings are of one length
WINDOW, HOP = 1024, 256


def groups(pool: Pool) -> NDArray[np.int64]:
    """The group of each recording, numbered from 0 on.

    Two recordings are one group if their bytes are equal, if their log spectrograms, stretched to one length, have
    a cosine above `ALIKE` and they last equally long, or if their first half seconds have one above `SAME_START`
    (cut or faded copies). Groups are the connected parts.
    """
    n = len(pool.recordings)
    seconds = np.array([recording.seconds for recording in pool.recordings])
    whole = np.stack([fingerprint(pool.wave(i)) for i in range(n)])
    head = np.stack([fingerprint(pool.wave(i)[: int(HEAD * RATE)]) for i in range(n)])
    like = (whole @ whole.T > ALIKE) & (np.abs(seconds[:, None] / seconds - 1) < LENGTHS)
    long = seconds >= HEAD
    like |= (head @ head.T > SAME_START) & long & long[:, None]
    _, content = np.unique([recording.blake2b for recording in pool.recordings], return_inverse=True)
    like |= content[:, None] == content
    rows, columns = np.nonzero(like)
    graph = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def one_concept_each(concepts: Sequence[str], group: NDArray[np.int64]) -> list[str]:
    """The concept of each recording after each group agreed on its most common one (the first of equals).

    Games ship one sound under several names; a recording that is gravel and rock would contradict itself.
    """
    votes: dict[int, Counter[str]] = {}
    for concept, number in zip(concepts, group.tolist(), strict=True):
        votes.setdefault(number, Counter())[concept] += 1
    return [votes[number].most_common(1)[0][0] for number in group.tolist()]


def fingerprint(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log spectrogram on `BANDS` x `STEPS` cells, without its mean, of length one: blind to gain and to encoding."""
    wave = np.pad(wave, (WINDOW // 2, WINDOW))
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2
    edges = np.unique(np.geomspace(2, WINDOW // 2 * 0.7, BANDS + 1).round().astype(int))
    # What lossy codecs throw away lies above 15 kHz and below -50 dB: neither is looked at.
    bands = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    cells = np.log10(bands / bands.max() + 1e-5)
    places = np.linspace(0, len(cells) - 1, STEPS)
    below = places.astype(int)
    above = np.minimum(below + 1, len(cells) - 1)
    share = (places - below)[:, None]
    cells = (1 - share) * cells[below] + share * cells[above]
    cells = (cells - cells.mean()).ravel()
    return (cells / max(float(np.linalg.norm(cells)), 1e-9)).astype(np.float32)
