"""Small pairs whose captions say what they are, and a decoder that answers with the nearest caption it has read."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from gapkit.captioning.decoders import CaptionDecoder
from gapkit.captioning.decoders.registry import DECODERS
from gapkit.embeddings import PairedEmbeddings

WORDS = ("dog", "engine", "bell", "rain", "door", "crowd", "bird", "wave")
ACTS = ("barks", "roars", "rings", "falls", "slams", "cheers", "sings", "breaks")
NASTY = ("=cmd|' /C calc'!A0", "</script><script>window.broken = 1</script>", "'quoted at its start", "naïve 犬 café")


def caption_pairs(n=60, d=8, *, seed=0, captions=2, nasty=False):
    """Clips of eight kinds; each has captions of its kind, near to each other in the space of targets."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((len(WORDS), d))
    kind = np.arange(n) % len(WORDS)
    owner = np.repeat(np.arange(n), captions)
    meaning = centres[kind]
    gap = 3 * np.eye(d)[0]
    texts = [
        f"a {WORDS[kind[c]]} {ACTS[kind[c]]} {'near' if k % captions else 'far away'}" for k, c in enumerate(owner)
    ]
    if nasty:
        texts[: len(NASTY)] = NASTY
        texts[-len(NASTY) :] = NASTY
    return PairedEmbeddings(
        source=meaning + 0.3 * rng.standard_normal((n, d)) + gap,
        target=meaning[owner] + 0.2 * rng.standard_normal((len(owner), d)) - gap,
        owner=owner,
        ids=np.array([f"clip {i}" for i in range(n)]),
        captions=np.array(texts),
        split=np.array((["train"] * 4 + ["val"] + ["test"]) * (n // 6 + 1))[:n],
        name="kinds",
    )


class NearestDecoder(CaptionDecoder):
    """Keeps the captions and answers with that of the nearest embedding; noise moves what it keeps."""

    name = "nearest"
    fits = 0

    def __init__(self, *, keep: int = 10_000) -> None:
        self.keep = keep

    def _fit(self, x, captions, context):
        type(self).fits += 1
        draw = torch.Generator().manual_seed(context.seed)
        noise = context.noise**0.5 * torch.randn(x.shape, generator=draw)
        self.memory_, self.texts_ = (x + noise)[: self.keep], captions[: self.keep]

    def _generate(self, x, wording, report):
        order = (x @ self.memory_.T).topk(wording.beams, dim=1).indices[:, -1]
        return [self.texts_[i] for i in order.tolist()]

    def _save(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"memory": self.memory_.contiguous()}, folder / "model.safetensors")
        content = {"format": 1, "decoder": self.name, "params": self.get_params(), "fitted": {"texts": self.texts_}}
        (folder / "config.json").write_text(json.dumps(content))

    @classmethod
    def load(cls, folder):
        config = json.loads((Path(folder) / "config.json").read_text())
        self = cls(**config["params"])
        self.memory_, self.texts_ = load_file(Path(folder) / "model.safetensors")["memory"], config["fitted"]["texts"]
        self.n_features_in_ = self.memory_.shape[1]
        return self


def register_nearest():
    """Registers it, once."""
    if "nearest" not in DECODERS.names():
        DECODERS.register("nearest", NearestDecoder)
    return NearestDecoder
