"""`small`: a little language model that learns from the captions alone, in minutes on one processor core."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from gapkit.captioning.decoders import folder as folders
from gapkit.captioning.decoders.base import FitContext
from gapkit.captioning.decoders.prefix_model import Mapper, PrefixModel
from gapkit.captioning.decoders.prefixed import PrefixedDecoder
from gapkit.captioning.decoders.registry import register_decoder
from gapkit.encoders.hub import pick_device
from gapkit.encoders.packages import need
from gapkit.errors import InputError
from gapkit.options import fitted, option
from gapkit.training.seeding import seeded

END = "<end>"
ROOM = 64
"""Tokens that a caption may have at least, however short those of the training are."""


@register_decoder("small")
@dataclass(kw_only=True, eq=False, repr=False)
class SmallDecoder(PrefixedDecoder):
    """A GPT-2 of a few layers over a vocabulary of its own, both learned from the captions."""

    width: int = option(128, at_least=1, doc="Width of the transformer.")
    layers: int = option(2, at_least=1, doc="Its layers.")
    heads: int = option(4, at_least=1, doc="Its attention heads, a divisor of `width`.")
    vocabulary: int = option(
        2048, at_least=257, doc="Most tokens of the byte-level BPE: any text can be written, in any language."
    )
    prefix_tokens: int = option(4)
    mapper_hidden: int = option(0)
    dropout: float = option(0.0, at_least=0, below=1, doc="Of the transformer, in training.")
    epochs: float = option(1.75)
    batch_size: int = option(16)
    lr: float = option(3e-3)
    looks: float = option(4.0)
    patience: int = option(4)
    device: str = option("cpu")

    context_: int = fitted()

    def _fit(self, x: Tensor, captions: list[str], context: FitContext) -> None:
        self.tokenizer_ = learned_tokenizer(captions, self.vocabulary)
        table, held_out = self._tables(x, captions, context)
        self.context_ = self.prefix_tokens + max([ROOM, *(t.ids.shape[1] for t in (table, held_out) if t)])
        with seeded(context.seed, torch.device("cpu")):
            self._build()
        self.model_.to(pick_device(self.device, whose=self._title))
        self._train(table, held_out, context)

    def _check_parameters(self) -> None:
        if self.width % self.heads:
            raise InputError(f"{self._title}: heads must be a divisor of width ({self.width}), got {self.heads!r}")

    def _build(self) -> None:
        transformers = need("transformers", whose=self._title, extra="captioning")
        end = self.tokenizer_.eos_token_id
        config = transformers.GPT2Config(
            vocab_size=len(self.tokenizer_),
            n_positions=self.context_,
            n_embd=self.width,
            n_layer=self.layers,
            n_head=self.heads,
            resid_pdrop=self.dropout,
            embd_pdrop=self.dropout,
            attn_pdrop=self.dropout,
            activation_function="gelu_pytorch_tanh",  # one operation; GPT-2's own spelling of it is eight
            bos_token_id=end,
            eos_token_id=end,
        )
        lm = transformers.GPT2LMHeadModel(config)
        mapper = Mapper(
            self.n_features_in_,
            self.width,
            tokens=self.prefix_tokens,
            hidden=self.mapper_hidden,
            activation="gelu",
            scale=config.initializer_range,
        )
        self.model_ = PrefixModel(lm, mapper)

    def _save(self, folder: Path) -> None:
        fitted = {"n_features_in_": self.n_features_in_, "longest_": self.longest_, "context_": self.context_}
        text = self.tokenizer_.backend_tokenizer.to_str(pretty=True)
        folders.save_parts(folder, self, fitted, self.model_, {"tokenizer.json": text})

    @classmethod
    def load(cls, folder: str | Path, *, device: str | None = None) -> Self:
        """The decoder that `save` wrote.

        Parameters
        ----------
        folder : str or Path
        device : str, optional
            Another than that of the training.

        Raises
        ------
        InputError
            Files that are missing, broken, of another decoder or of a newer format.
        """
        self, tensors = folders.load_parts(cls, Path(folder))
        path = Path(folder) / "tokenizer.json"
        tokenizers = need("tokenizers", whose=self._title, extra="captioning")
        try:
            self.tokenizer_ = wrapped(tokenizers.Tokenizer.from_file(str(path)))
        except Exception as error:  # the parser raises bare exceptions
            raise InputError(f"{path}: not a readable tokenizer ({error}); train the decoder again") from None
        self.device = device or self.device
        folders.build_and_fill(Path(folder), self, tensors)
        self.model_.to(pick_device(self.device, whose=self._title)).eval()
        return self


def learned_tokenizer(captions: list[str], size: int) -> Any:
    """A byte-level BPE of at most `size` tokens, learned from these captions."""
    tokenizers = need("tokenizers", whose="caption decoder small", extra="captioning")
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[END],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(captions, trainer)
    return wrapped(bpe)


def wrapped(tokenizer: Any) -> Any:
    """A tokenizer as transformers has it."""
    transformers = need("transformers", whose="caption decoder small", extra="captioning")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END)
