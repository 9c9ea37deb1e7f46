"""The common part of decoders whose language model reads an embedding as a prefix."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gapkit.captioning.decoders.base import CaptionDecoder, FitContext, Report, Wording
from gapkit.captioning.decoders.prefix_model import PrefixModel
from gapkit.captioning.decoders.token_table import TokenTable
from gapkit.captioning.decoders.training import Batches, train_decoder
from gapkit.captioning.decoders.writing import write
from gapkit.options import fitted, option
from gapkit.training.options import TrainingOptions
from gapkit.training.report import TrainingReport


@dataclass(kw_only=True, eq=False, repr=False)
class PrefixedDecoder(CaptionDecoder):
    """Base of the decoders with a `PrefixModel`.

    Attributes
    ----------
    model_ : PrefixModel
    tokenizer_ : tokenizer of transformers
    longest_ : int
        Tokens of the longest caption of the training, its end included.
    report_ : TrainingReport
        Of the last training; a decoder that was loaded has none.
    """

    # Value where a decoder has no such option.
    micro_batch = 0

    prefix_tokens: int = option(4, at_least=1, doc="Tokens that an embedding becomes.")
    mapper_hidden: int = option(0, at_least=0, doc="Width between embedding and prefix; 0: a linear map.")
    epochs: float = option(1.0, above=0, doc="Passes over the captions.")
    batch_size: int = option(32, at_least=1, doc="Captions of an optimiser step, over all processes.")
    lr: float | None = option(1e-3, above=0, doc="Learning rate of AdamW; it falls to 0 by a cosine.")
    weight_decay: float = option(0.01, at_least=0, doc="Of AdamW.")
    warmup: float = option(0.05, at_least=0, below=1, doc="Share of all steps over which the learning rate rises.")
    label_smoothing: float = option(0.0, at_least=0, below=1, doc="Share of the label that is spread over all tokens.")
    looks: float = option(1.0, above=0, doc="Looks at the validation loss a pass.")
    patience: int = option(4, at_least=0, doc="Looks without a better loss after which training stops; 0: never.")
    device: str = option("auto", doc="auto, cpu or cuda.")

    model_: PrefixModel = fitted()
    tokenizer_: Any = fitted()
    longest_: int = fitted()
    report_: TrainingReport = fitted()

    def _rate(self) -> float:
        """Learning rate that `lr` stands for."""
        assert self.lr is not None
        return self.lr

    def _tables(self, x: Tensor, captions: list[str], context: FitContext) -> tuple[TokenTable, TokenTable | None]:
        """Training and held-out pairs as tokens."""
        table = TokenTable.of(x.cpu(), self._tokens(captions))
        self.longest_ = int(table.lengths.max())
        if context.validation is None:
            return table, None
        rows, texts = context.validation
        return table, TokenTable.of(rows.cpu(), self._tokens(texts))

    def _tokens(self, captions: list[str]) -> list[list[int]]:
        """Tokens of each caption, the end included; what looks like a special token in a caption is text."""
        plain = {"add_special_tokens": False, "split_special_tokens": True}
        ids: list[list[int]] = self.tokenizer_(captions, **plain)["input_ids"]
        return [[*row, self.tokenizer_.eos_token_id] for row in ids]

    def _training(self, rows: int) -> TrainingOptions:
        """Options of the training loop for so many captions."""
        per_pass = math.ceil(rows / self.batch_size)
        steps = max(1, math.ceil(self.epochs * per_pass))
        return TrainingOptions(
            steps,
            lr=self._rate(),
            weight_decay=self.weight_decay,
            betas=(0.9, 0.98),
            ema=0.0,
            warmup=self.warmup * steps,
            evaluate_every=max(1, round(per_pass / self.looks)),
            patience=self.patience,
        )

    def _train(self, table: TokenTable, held_out: TokenTable | None, context: FitContext) -> None:
        self.report_ = train_decoder(
            self.model_,
            table,
            held_out,
            self._training(len(table)),
            Batches(self.batch_size, self.micro_batch, self.label_smoothing),
            context,
            device=self.device,
        )
        self._earlier_seconds = self.report_.earlier_seconds

    def _generate(self, x: Tensor, wording: Wording, report: Report | None) -> list[str]:
        return write(self.model_, x, self.tokenizer_, wording, self.longest_, report)
