"""`small`: a little language model that learns from the captions alone, in minutes on one processor core."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from gapkit.captioning.decoders import folder as folders
from gapkit.captioning.decoders.base import FitContext
from gapkit.captioning.decoders.prefix_model import Mapper, PrefixModel
from gapkit.captioning.decoders.prefixed import PrefixedDecoder
from gapkit.captioning.decoders.registry import register_decoder
from gapkit.captioning.decoders.training import CaptionTraining
from gapkit.encoders.hub import pick_device
from gapkit.encoders.packages import need
from gapkit.errors import InputError
from gapkit.training.seeding import seeded

END = "<end>"
ROOM = 64
"""Tokens that a caption may have at least, however short those of the training are."""


@register_decoder("small")
class SmallDecoder(PrefixedDecoder):
    """A GPT-2 of a few layers over a vocabulary of its own, both learned from the captions.

    Parameters
    ----------
    width, layers, heads : int
        Of the transformer.
    vocabulary : int
        Most tokens of the byte-level BPE: any text can be written, in any language.
    prefix_tokens : int
        Tokens that an embedding becomes.
    mapper_hidden : int
        Width between embedding and prefix; 0: a linear map.
    dropout : float
    epochs, batch_size, lr, weight_decay, warmup, label_smoothing, looks, patience
        See `CaptionTraining`.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``.
    """

    def __init__(
        self,
        *,
        width: int = 128,
        layers: int = 2,
        heads: int = 4,
        vocabulary: int = 2048,
        prefix_tokens: int = 4,
        mapper_hidden: int = 0,
        dropout: float = 0.0,
        epochs: float = 1.75,
        batch_size: int = 16,
        lr: float = 3e-3,
        weight_decay: float = 0.01,
        warmup: float = 0.05,
        label_smoothing: float = 0.0,
        looks: float = 4.0,
        patience: int = 4,
        device: str = "cpu",
    ) -> None:
        self.width = width
        self.layers = layers
        self.heads = heads
        self.vocabulary = vocabulary
        self.prefix_tokens = prefix_tokens
        self.mapper_hidden = mapper_hidden
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.label_smoothing = label_smoothing
        self.looks = looks
        self.patience = patience
        self.device = device

    def _fit(self, x: Tensor, captions: list[str], context: FitContext) -> None:
        options = self._training()
        self.tokenizer_ = learned_tokenizer(captions, self.vocabulary)
        table, held_out = self._tables(x, captions, context)
        self.context_ = self.prefix_tokens + max([ROOM, *(t.ids.shape[1] for t in (table, held_out) if t)])
        with seeded(context.seed, torch.device("cpu")):
            self._build()
        self.model_.to(pick_device(self.device, whose=self._title))
        self._train(table, held_out, options, context)

    def _training(self) -> CaptionTraining:
        for name, good, rule in (
            ("width", self.width >= 1, "at least 1"),
            ("layers", self.layers >= 1, "at least 1"),
            ("heads", self.heads >= 1 and self.width % max(1, self.heads) == 0, "a divisor of width"),
            ("vocabulary", self.vocabulary >= 257, "at least 257: the bytes and the end"),
            ("prefix_tokens", self.prefix_tokens >= 1, "at least 1"),
            ("mapper_hidden", self.mapper_hidden >= 0, "at least 0"),
            ("dropout", 0 <= self.dropout < 1, "in [0, 1)"),
        ):
            if not good:
                raise InputError(f"{self._title}: {name} must be {rule}, got {getattr(self, name)!r}")
        return CaptionTraining(
            epochs=self.epochs,
            batch_size=self.batch_size,
            lr=self.lr,
            weight_decay=self.weight_decay,
            warmup=self.warmup,
            label_smoothing=self.label_smoothing,
            looks=self.looks,
            patience=self.patience,
        )

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
