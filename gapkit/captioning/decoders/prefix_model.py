"""A causal language model that reads an embedding as a few tokens of its own."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS = {"tanh": nn.Tanh, "gelu": nn.GELU}

IGNORED = -100
"""Stands after the end of a caption; no loss is counted there."""


class Mapper(nn.Module):
    """From a row of length one to the vectors of its prefix tokens.

    Parameters
    ----------
    dim, width : int
        Of the embedding, and of the vectors that the language model reads.
    tokens : int
        How many it becomes.
    hidden : int
        Width of the layer between; 0: one linear map.
    activation : str
        ``"tanh"`` or ``"gelu"``.
    scale : float
        Standard deviation of the language model's own token vectors: the prefix starts at that size.
    """

    def __init__(self, dim: int, width: int, *, tokens: int, hidden: int, activation: str, scale: float) -> None:
        super().__init__()
        self.tokens, self.width = tokens, width
        # Entries of a row of length one are small: sqrt(dim) makes their variance one.
        self.gain = dim**0.5
        layers: list[nn.Module] = []
        if hidden:
            layers += [nn.Linear(dim, hidden), ACTIVATIONS[activation]()]
        last = nn.Linear(hidden or dim, tokens * width)
        nn.init.normal_(last.weight, std=scale * (hidden or dim) ** -0.5)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*layers, last)

    def forward(self, x: Tensor) -> Tensor:
        """(b, dim) to (b, tokens, width)."""
        mapped: Tensor = self.layers(self.gain * x)
        return mapped.view(-1, self.tokens, self.width)


class PrefixModel(nn.Module):
    """Mapper and language model.

    Parameters
    ----------
    lm : transformers causal LM
    mapper : Mapper
    opening : list of int
        Tokens before the prefix: those with which the language model opens every text.
    prompt : list of int
        Tokens between the prefix and the caption.
    """

    opening: Tensor
    prompt: Tensor

    def __init__(self, lm: Any, mapper: Mapper, *, opening: Sequence[int] = (), prompt: Sequence[int] = ()) -> None:
        super().__init__()
        self.lm = lm
        self.mapper = mapper
        self.register_buffer("opening", torch.tensor(opening, dtype=torch.long), persistent=False)
        self.register_buffer("prompt", torch.tensor(prompt, dtype=torch.long), persistent=False)
        self.checkpointed = False
        self.before = len(opening) + mapper.tokens + len(prompt)
        self._trims = "logits_to_keep" in inspect.signature(lm.forward).parameters

    def read(self, x: Tensor) -> Tensor:
        """What stands before the caption, (b, before, width) in the type of the language model."""
        vectors = self.lm.get_input_embeddings()
        prefix = self.mapper(x).to(vectors.weight.dtype)
        opening, prompt = (vectors(ids).expand(len(x), -1, -1) for ids in (self.opening, self.prompt))
        return torch.cat([opening, prefix, prompt], dim=1)

    def forward(self, x: Tensor, ids: Tensor, smoothing: float = 0.0) -> Tensor:
        """Sum of the cross-entropies of all caption tokens.

        Parameters
        ----------
        x : Tensor (b, d)
        ids : Tensor (b, t)
            Tokens of the captions; `IGNORED` after their end.
        smoothing : float
            Share of the label that is spread over all tokens.
        """
        # Nothing after a caption can change what stands in it: the attention is causal, and no mask is needed.
        words = self.lm.get_input_embeddings()(ids[:, :-1].clamp_min(0))
        keep = {"logits_to_keep": ids.shape[1]} if self._trims else {}
        inputs = torch.cat([self.read(x), words], dim=1)
        logits = self.lm(inputs_embeds=inputs, use_cache=False, **keep).logits[:, -ids.shape[1] :]
        return functional.cross_entropy(
            logits.flatten(0, 1).float(),
            ids.flatten(),
            ignore_index=IGNORED,
            reduction="sum",
            label_smoothing=smoothing,
        )

    def train(self, mode: bool = True) -> Self:
        """As for every module; a language model that learns nothing keeps its dropout off."""
        super().train(mode)
        # Transformers checkpoints activations in training mode only.
        if not any(p.requires_grad for p in self.lm.parameters()) and not self.checkpointed:
            self.lm.eval()
        return self

    def checkpoint_activations(self) -> None:
        """Compute activations twice instead of keeping them."""
        # transformers 5 has renamed it.
        enable = getattr(self.lm, "activation_checkpointing_enable", None) or self.lm.gradient_checkpointing_enable
        enable({"use_reentrant": False})
        self.checkpointed = True

    def trainable(self) -> dict[str, nn.Parameter]:
        """What training changes, and so what is kept; tied weights once."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def fill(self, tensors: dict[str, Tensor]) -> None:
        """Put the weights of `trainable` back.

        Raises
        ------
        ValueError
            Other names or shapes.
        """
        own = self.trainable()
        if own.keys() != tensors.keys():
            raise ValueError(f"differs in {sorted(own.keys() ^ tensors.keys())[0]}")
        with torch.no_grad():
            for name, p in own.items():
                if p.shape != tensors[name].shape:
                    raise ValueError(f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(p.shape)}")
                p.copy_(tensors[name])


def context_of(lm: Any) -> int | None:
    """Tokens that a language model can read; None where it does not say."""
    length = getattr(lm.config, "max_position_embeddings", None) or getattr(lm.config, "n_positions", None)
    return int(length) if length else None
