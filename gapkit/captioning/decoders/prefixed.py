"""What all decoders share whose language model reads an embedding as a prefix."""

from __future__ import annotations

import inspect
from numbers import Real
from pathlib import Path
from typing import Any

from torch import Tensor

from gapkit.captioning.decoders.base import CaptionDecoder, FitContext, Report, Wording
from gapkit.captioning.decoders.prefix_model import PrefixModel
from gapkit.captioning.decoders.token_table import TokenTable
from gapkit.captioning.decoders.training import CaptionTraining, train_decoder
from gapkit.captioning.decoders.writing import write
from gapkit.errors import InputError
from gapkit.given import MUST, whole
from gapkit.training.report import TrainingReport

TYPES: dict[str, tuple[Any, str]] = {
    "float": (Real, "a number"),
    "bool": (bool, "true or false"),
    "str": ((str, Path), "text"),
}
"""What an option may be by its annotation, and what that is called."""


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

    model_: PrefixModel
    tokenizer_: Any
    longest_: int
    report_: TrainingReport

    device: str

    def check_options(self) -> None:
        """Refuse options of another type than their own, and numbers out of range.

        Raises
        ------
        InputError
        """
        for name, parameter in inspect.signature(type(self)).parameters.items():
            value, kinds = getattr(self, name), str(parameter.annotation).split(" | ")
            if value is None and "None" in kinds:
                continue
            if kinds[0] == "int":
                whole(f"{self._title}: {name}", value, None, says=MUST)
            elif kinds[0] in TYPES:
                types, called = TYPES[kinds[0]]
                if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
                    raise InputError(f"{self._title}: {name} must be {called}, got {value!r}")
        self._training()

    def _training(self) -> CaptionTraining:
        raise TypeError(f"{type(self).__name__} must define _training()")

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

    def _train(
        self, table: TokenTable, held_out: TokenTable | None, options: CaptionTraining, context: FitContext
    ) -> None:
        self.report_ = train_decoder(self.model_, table, held_out, options, context, device=self.device)

    def _generate(self, x: Tensor, wording: Wording, report: Report | None) -> list[str]:
        return write(self.model_, x, self.tokenizer_, wording, self.longest_, report)
