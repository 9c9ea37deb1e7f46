"""Captions written by a language model that has read a prefix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gapkit.captioning.decoders.base import Report, Wording
from gapkit.captioning.decoders.prefix_model import PrefixModel, context_of
from gapkit.errors import InputError
from gapkit.training.seeding import seeded

HEAD = 256
"""Tokens among which a nucleus nearly always lies."""


def nucleus(top_p: float, temperature: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Leave of each row of logits the fewest tokens whose probabilities reach `top_p`; the others become -inf.

    What `generate` does by itself, without sorting the whole vocabulary: the nucleus is looked for among the `HEAD`
    most probable tokens, and further only where it reaches beyond them.
    """

    def kept(ids: Tensor, logits: Tensor) -> Tensor:
        logits = logits / temperature
        if top_p == 1:  # a sum of float32 may reach 1 before the last token
            return logits
        whole = logits.logsumexp(dim=1, keepdim=True)
        size = min(HEAD, logits.shape[1])
        while True:
            values, tokens = logits.topk(size, dim=1)
            mass = (values - whole).exp()
            above = mass.cumsum(dim=1) - mass
            if size == logits.shape[1] or bool((above[:, -1] >= top_p).all()):
                break
            size = logits.shape[1]
        values = values.masked_fill(above >= top_p, -torch.inf)
        return torch.full_like(logits, -torch.inf).scatter_(1, tokens, values)

    return kept


def write(
    model: PrefixModel, x: Tensor, tokenizer: Any, wording: Wording, usual: int, report: Report | None
) -> list[str]:
    """Captions of the rows of `x` by ``generate`` of transformers, with its cache of keys and values.

    All rows have a prefix of one length, so nothing is padded on the left. `usual` is the longest caption where
    `wording` says nothing.

    Raises
    ------
    InputError
        The captions would not fit into the context.
    """
    from transformers import GenerationConfig

    longest = wording.max_new_tokens or usual
    context, before = context_of(model.lm), model.before
    if context is not None and before + longest > context:
        raise InputError(
            f"max_new_tokens: expected at most {max(0, context - before)} (a context of {context} less {before} of "
            f"prefix and prompt), got {longest}"
        )
    sampled = wording.top_p is not None
    # The model's own defaults (top_k, temperature, penalties) would change what was asked for.
    model.lm.generation_config = GenerationConfig(
        max_new_tokens=longest,
        num_beams=wording.beams,
        early_stopping=wording.beams > 1,
        do_sample=sampled,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
        **({"top_p": 1.0, "temperature": 1.0, "top_k": 0} if sampled else {}),
    )
    chosen = [] if wording.top_p is None else [nucleus(wording.top_p, wording.temperature)]
    device = model.prompt.device
    model.eval()
    texts: list[str] = []
    with torch.inference_mode(), seeded(wording.seed, device):
        for start in range(0, len(x), wording.batch_size):
            inputs = model.read(x[start : start + wording.batch_size].to(device))
            mask = torch.ones(inputs.shape[:2], dtype=torch.long, device=device)
            ids = model.lm.generate(inputs_embeds=inputs, attention_mask=mask, use_cache=True, logits_processor=chosen)
            texts += [" ".join(t.split()) for t in tokenizer.batch_decode(ids, skip_special_tokens=True)]
            if report:
                report(len(texts), len(x), "captions written")
    return texts
