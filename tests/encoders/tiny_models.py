"""CLAP and CLIP a few thousand weights large, written to disk as a user's models are."""

from __future__ import annotations

from pathlib import Path

import pytest


def letters(kind: str):
    """Vocabulary and merges of a byte-level tokenizer that knows single letters."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    singles = list(bytes_to_unicode().values())
    if kind == "roberta":
        words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *singles]
    else:
        words = [*singles, *(letter + "</w>" for letter in singles), "<|startoftext|>", "<|endoftext|>"]
    return {word: i for i, word in enumerate(words)}, []


def save_clap(folder: Path, *, fusion: bool) -> Path:
    transformers = pytest.importorskip("transformers")
    import torch

    vocabulary, merges = letters("roberta")
    text = {
        "vocab_size": len(vocabulary),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 40,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "projection_dim": 12,
    }
    audio = {
        "spec_size": 64,
        "num_mel_bins": 16,
        "patch_embeds_hidden_size": 8,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "window_size": 4,
        "projection_dim": 12,
        "enable_fusion": fusion,
        "fusion_type": "aff_2d" if fusion else None,
        "patch_embed_input_channels": 1,
        "aff_block_r": 2,
    }
    config = transformers.ClapConfig(text_config=text, audio_config=audio, projection_dim=12)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.ClapModel(config).save_pretrained(folder)
    extractor = transformers.ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=8000,
        hop_length=80,
        max_length_s=2,
        fft_window_size=256,
        frequency_max=4000,
        truncation="fusion" if fusion else "rand_trunc",
        padding="repeatpad",
    )
    tokenizer = transformers.RobertaTokenizer(vocab=vocabulary, merges=merges)
    transformers.ClapProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder


def save_clip(folder: Path) -> Path:
    transformers = pytest.importorskip("transformers")
    import torch

    vocabulary, merges = letters("clip")
    text = {
        "vocab_size": len(vocabulary),
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "max_position_embeddings": 20,
        "bos_token_id": len(vocabulary) - 2,
        "eos_token_id": len(vocabulary) - 1,
        "pad_token_id": len(vocabulary) - 1,
        "projection_dim": 12,
    }
    vision = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
        "image_size": 32,
        "patch_size": 8,
        "projection_dim": 12,
    }
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.CLIPModel(config).save_pretrained(folder)
    tokenizer = transformers.CLIPTokenizer(vocab=vocabulary, merges=merges)
    pictures = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    transformers.CLIPProcessor(pictures, tokenizer).save_pretrained(folder)
    return folder
