"""Causal language models of a few thousand weights, written to disk as a user's are."""

from __future__ import annotations

from pathlib import Path

from .conftest import SOUNDS


def save_lm(folder: Path, kind: str, *, context: int = 64, end: bool = True, opening: bool = False) -> Path:
    """A model of random weights and a tokenizer without a padding token."""
    import torch
    import transformers
    from tokenizers import processors

    from gapkit.captioning.decoders.small import learned_tokenizer

    tokenizer = learned_tokenizer([*SOUNDS, "This is the sound:"], 300)
    if opening:
        first = tokenizer.eos_token_id
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single="<end> $A", special_tokens=[("<end>", first)]
        )
        tokenizer.bos_token = "<end>"
    if not end:
        tokenizer.eos_token = None
    assert tokenizer.pad_token is None
    sizes = {"vocab_size": 300, "bos_token_id": 0, "eos_token_id": 0}
    if kind == "gpt2":
        config = transformers.GPT2Config(**sizes, n_embd=32, n_layer=2, n_head=2, n_positions=context)
    else:
        family = {"llama": transformers.LlamaConfig, "qwen2": transformers.Qwen2Config}[kind]
        config = family(
            **sizes,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=context,
        )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
