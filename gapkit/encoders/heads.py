"""Projection heads: two small networks that bring the features of two frozen encoders into one space.

Contrastive training, and above all its temperature, is what makes a modality gap: see ``analyses/temperature.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from gapkit.arrays import ArrayLike, as_matrix, generator, unit_rows
from gapkit.atomic import write_bytes
from gapkit.errors import GapkitError, InputError
from gapkit.given import MUST, whole

FORMAT = "gapkit-heads-1"
SIDES = ("source", "target")
PARTS = ("mean", "scale", "w1", "b1", "w2", "b2")

Layers = Mapping[str, Tensor]
"""One head: what is subtracted from a feature and divided by, and weight and bias of two layers, by `PARTS`."""


@dataclass(frozen=True)
class Heads:
    """Two trained heads.

    Parameters
    ----------
    source, target : mapping of str to Tensor
        Each head by the names in `PARTS`.
    temperature : float
        Of the training; the one reached where it was learned.
    meta : mapping
        What they were trained on and how.
    """

    source: Layers
    target: Layers
    temperature: float
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dim(self) -> int:
        """Dimensions of the shared space."""
        return len(self.source["b2"])

    def project_source(self, features: ArrayLike) -> NDArray[np.float32]:
        """Unit rows (n, dim) of the shared space from source features (n, p)."""
        return self._project("source", features)

    def project_target(self, features: ArrayLike) -> NDArray[np.float32]:
        """Unit rows (n, dim) of the shared space from target features (n, q)."""
        return self._project("target", features)

    def save(self, path: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write one safetensors file; float16 halves it and moves unit rows by less than 0.001."""
        tensors = {
            f"{side}.{part}": getattr(self, side)[part].to(dtype).contiguous() for side in SIDES for part in PARTS
        }
        about = {"temperature": self.temperature, **self.meta}
        write_bytes(path, save(tensors, metadata={"format": FORMAT, "about": json.dumps(about, sort_keys=True)}))

    @classmethod
    def load(cls, path: str | Path) -> Heads:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            No such file, or not heads.
        """
        try:
            with safe_open(str(path), framework="pt") as file:
                about = dict(file.metadata() or {})
                if about.get("format") != FORMAT:
                    raise InputError(f"{path}: holds no projection heads; expected a file that Heads.save wrote")
                read = {side: {part: file.get_tensor(f"{side}.{part}").float() for part in PARTS} for side in SIDES}
            meta = json.loads(about["about"])
            return cls(read["source"], read["target"], meta.pop("temperature"), meta)
        except InputError:
            raise
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{path}: cannot be read as projection heads ({error}); write it again") from None

    def _project(self, side: str, features: ArrayLike) -> NDArray[np.float32]:
        layers: Layers = getattr(self, side)
        matrix = as_matrix(features, name=f"{side} features", n_features=len(layers["mean"]), device="cpu")
        with torch.inference_mode():
            return _forward(layers, matrix).numpy()


def train_heads(
    source_features: ArrayLike,
    target_features: ArrayLike,
    groups: Any = None,
    *,
    temperature: float | Literal["learned"] = 0.01,
    hidden: int = 512,
    dim: int = 256,
    dropout: float = 0.3,
    lr: float = 1e-3,
    weight_decay: float = 0.05,
    batch_size: int = 256,
    epochs: int = 100,
    seed: int = 0,
    device: str = "cpu",
    progress: Callable[[int, int, str], None] | None = None,
) -> Heads:
    """Train two heads so that rows that belong together point the same way.

    InfoNCE in both directions. Rows of one group are all positives of each other: two clips with the same caption
    are no mistake of each other. The target distribution of a row is uniform over its positives in the batch.

    Parameters
    ----------
    source_features : array of shape (n, p)
        Features of a frozen encoder: sounds.
    target_features : array of shape (n, q)
        Row i describes row i of the source. Several captions of one clip are several rows of one group.
    groups : sequence of n labels, optional
        Rows with equal labels belong together. Left out: every row is its own group.
    temperature : float or "learned"
        What similarities are divided by. 0.01 leaves a gap as large as that of CLAP; 0.1 closes most of it.
        ``"learned"`` starts at 0.07 and is held at or above 0.01, as in CLIP.
    hidden, dim : int
        Width of the hidden layer and of the shared space.
    dropout : float
        Share of hidden units left out in training.
    lr, weight_decay, batch_size, epochs
        Of AdamW; the rate falls to 0 by a cosine.
    seed : int
        Of first weights, batches and dropout. The same seed gives the same heads on one machine; no global
        generator is used.
    device : str
    progress : callable, optional
        Called as ``progress(done, total, note)`` after each epoch.

    Returns
    -------
    Heads

    Raises
    ------
    InputError
        Sides of different lengths, fewer than two groups, options out of range.
    GapkitError
        The loss is no longer finite.

    References
    ----------
    Oord et al. 2018 (InfoNCE); Khosla et al. 2020 (several positives); Radford et al. 2021 (learned temperature).
    """
    x = as_matrix(source_features, name="source features", device=device)
    y = as_matrix(target_features, name="target features", device=device)
    labels = _labels(groups, len(x), len(y)).to(device)
    _check(temperature, dropout, {"hidden": hidden, "dim": dim, "batch_size": batch_size, "epochs": epochs}, lr)
    draw = generator(seed, device)
    heads = [_new_head(side, hidden, dim, draw) for side in (x, y)]
    learned = temperature == "learned"
    log_scale = torch.tensor(math.log(1 / (0.07 if learned else float(temperature))), device=device)
    log_scale.requires_grad_(learned)
    weights = [head[part] for head in heads for part in ("w1", "b1", "w2", "b2")]
    decayed = [tensor for tensor in weights if tensor.ndim == 2]
    free = [tensor for tensor in weights if tensor.ndim == 1] + ([log_scale] if learned else [])
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}], lr=lr, fused=True
    )
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = lr * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
        total = torch.zeros((), device=device)
        order = torch.randperm(len(x), generator=draw, device=device)
        # The rest that fills no batch waits for the next epoch, unless it is all there is.
        batches = [b for b in torch.split(order, batch_size) if len(b) == min(batch_size, len(x))]
        for rows in batches:
            with torch.enable_grad():
                a, b = (
                    _forward(head, side[rows], dropout=dropout, draw=draw)
                    for head, side in zip(heads, (x, y), strict=True)
                )
                loss = contrastive_loss(a, b, labels[rows], log_scale.exp())
                loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if learned:
                log_scale.data.clamp_(max=math.log(100.0))
            total += loss.detach()
        if not bool(torch.isfinite(total)):
            raise GapkitError(f"training of the heads: the loss is not finite in epoch {epoch + 1}; lower lr")
        if progress is not None:
            progress(epoch + 1, epochs, f"loss {float(total) / len(batches):.3f}")
    source, target = ({part: head[part].detach().cpu() for part in PARTS} for head in heads)
    meta = {
        "hidden": hidden, "dim": dim, "dropout": dropout, "lr": lr, "weight_decay": weight_decay,
        "batch_size": batch_size, "epochs": epochs, "seed": seed, "rows": len(x), "learned": learned,
    }  # fmt: skip
    return Heads(source, target, math.exp(-float(log_scale.detach())), meta)


def contrastive_loss(source: Tensor, target: Tensor, labels: Tensor, scale: Tensor | float) -> Tensor:
    """InfoNCE of unit rows in both directions, with every row of the same label as a positive.

    Parameters
    ----------
    source, target : Tensor of shape (b, d)
    labels : Tensor of shape (b,)
    scale : Tensor or float
        One over the temperature.

    Returns
    -------
    Tensor, a scalar
        Mean cross-entropy against the uniform distribution over the positives; at least the entropy of it.
    """
    logits = source @ target.T * scale
    positive = (labels[:, None] == labels[None, :]).to(logits.dtype)
    share = positive / positive.sum(dim=1, keepdim=True)
    # `positive` is symmetric, so one table of shares serves both directions.
    forward = (share * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
    backward = (share * torch.log_softmax(logits.T, dim=1)).sum(dim=1).mean()
    return -(forward + backward) / 2


def _forward(head: Layers, features: Tensor, *, dropout: float = 0.0, draw: torch.Generator | None = None) -> Tensor:
    inner = torch.relu(((features - head["mean"]) / head["scale"]) @ head["w1"].T + head["b1"])
    if dropout > 0:
        kept = torch.rand(inner.shape, generator=draw, device=inner.device) >= dropout
        inner = inner * kept / (1 - dropout)
    return unit_rows(inner @ head["w2"].T + head["b2"])


def _new_head(features: Tensor, hidden: int, dim: int, draw: torch.Generator) -> dict[str, Tensor]:
    """First weights, as `torch.nn.Linear` draws them; every feature enters with mean 0 and deviation 1."""
    deviation = features.std(dim=0)
    # A feature that is nearly constant here must not shout where it is not.
    head = {"mean": features.mean(dim=0), "scale": deviation.clamp_min(0.05 * float(deviation.mean()) + 1e-12)}
    for i, (fan_in, fan_out) in enumerate(((features.shape[1], hidden), (hidden, dim)), start=1):
        for name, shape in ((f"w{i}", (fan_out, fan_in)), (f"b{i}", (fan_out,))):
            flat = torch.rand(shape, generator=draw, device=features.device)
            head[name] = ((flat * 2 - 1) / math.sqrt(fan_in)).requires_grad_(True)
    return head


def _labels(groups: Any, n: int, m: int) -> Tensor:
    if n != m:
        raise InputError(f"heads: expected as many target as source features, got {m} and {n}; repeat rows as needed")
    array = np.arange(n) if groups is None else np.asarray(groups)
    if array.shape != (n,):
        raise InputError(f"heads: expected one group a row ({n}), got shape {array.shape}")
    names, numbers = np.unique(array, return_inverse=True)
    if len(names) < 2:
        raise InputError("heads: expected at least two groups, got one; with one there is nothing to tell apart")
    return torch.from_numpy(numbers)


def _check(temperature: float | str, dropout: float, sizes: Mapping[str, int], lr: float) -> None:
    if temperature != "learned" and not (isinstance(temperature, (int, float)) and 0 < temperature < math.inf):
        raise InputError(f"heads: temperature must be above 0 or 'learned', got {temperature!r}")
    if not 0 <= dropout < 1:
        raise InputError(f"heads: dropout must lie in [0, 1), got {dropout!r}")
    if not lr > 0:
        raise InputError(f"heads: lr must be above 0, got {lr!r}")
    for name, value in sizes.items():
        whole(f"heads: {name}", value, 1, says=MUST)
