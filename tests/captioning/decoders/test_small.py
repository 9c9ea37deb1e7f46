import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gapkit.captioning.decoders import load_decoder, make_decoder
from gapkit.captioning.decoders.small import learned_tokenizer
from gapkit.captioning.decoders.writing import HEAD, nucleus
from gapkit.errors import InputError, NotFittedError
from gapkit.records import SEAL
from gapkit.training import loop

from .conftest import SOUNDS, TINY

Clips = tuple[np.ndarray, list[str]]


def _weights(decoder: Any) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in decoder.model_.trainable().items()}


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_says_what_each_embedding_is(small_folder: Path, clips: Clips) -> None:
    decoder = load_decoder(small_folder)
    for options in ({}, {"beams": 3}, {"batch_size": 1}, {"batch_size": 7}):
        assert decoder.generate(clips[0], **options) == clips[1], options


def test_saved_and_loaded_is_the_same(small_folder: Path, clips: Clips, tmp_path: Path) -> None:
    first = load_decoder(small_folder)
    first.save(tmp_path / "again")
    names = ["config.json", "model.safetensors", "tokenizer.json"]
    assert sorted(p.name for p in small_folder.iterdir()) == names
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (small_folder / name).read_bytes()


def test_one_seed_one_decoder(clips: Clips) -> None:
    before = torch.get_rng_state()
    options = {**TINY, "epochs": 2, "dropout": 0.1}
    a, b, c = (_weights(make_decoder("small", **options).fit(*clips, noise=0.01, seed=seed)) for seed in (3, 3, 4))
    assert _same(a, b)
    assert not _same(a, c)
    assert torch.equal(before, torch.get_rng_state())


def test_sampling_follows_its_seed(small_folder: Path, clips: Clips) -> None:
    decoder = load_decoder(small_folder)
    before = torch.get_rng_state()
    a, b, c = (decoder.generate(clips[0], top_p=0.99, temperature=3.0, seed=seed) for seed in (0, 0, 1))
    assert a == b
    assert a != c
    assert torch.equal(before, torch.get_rng_state())


def test_a_narrow_nucleus_is_the_likeliest(small_folder: Path, clips: Clips) -> None:
    decoder = load_decoder(small_folder)
    assert decoder.generate(clips[0], top_p=1e-6, temperature=2.0) == decoder.generate(clips[0])


@pytest.mark.parametrize("top_p", [1e-6, 0.3, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("temperature", [0.5, 1.0, 30.0])
def test_a_nucleus_is_that_of_transformers(top_p, temperature):
    """Also where it reaches beyond the most probable tokens that are looked at first: nearly level logits."""
    from transformers import TemperatureLogitsWarper, TopPLogitsWarper

    logits = 4 * torch.randn(7, 3 * HEAD, generator=torch.Generator().manual_seed(0))
    theirs = TopPLogitsWarper(top_p)(None, TemperatureLogitsWarper(temperature)(None, logits))
    ours = nucleus(top_p, temperature)(None, logits)
    assert torch.equal(ours.isfinite().sum(dim=1) >= 1, torch.ones(7, dtype=torch.bool))
    # The last token of a nucleus hangs on the rounding of a sum.
    assert (ours.isfinite() != theirs.isfinite()).sum() <= 2
    both = ours.isfinite() & theirs.isfinite()
    torch.testing.assert_close(ours[both], theirs[both])


def test_keys_and_values_are_kept(small_folder: Path, clips: Clips) -> None:
    decoder: Any = load_decoder(small_folder)
    read: list[int] = []
    block = decoder.model_.lm.transformer.h[0]
    block.register_forward_pre_hook(lambda module, inputs: read.append(inputs[0].shape[1]))
    decoder.generate(clips[0][:4])
    assert read[0] == TINY["prefix_tokens"]
    assert set(read[1:]) == {1}


def test_stops_on_held_out_pairs_and_keeps_the_best(clips: Clips) -> None:
    rng = np.random.default_rng(1)
    other = rng.standard_normal((12, 8)).astype(np.float32)
    wrong = [SOUNDS[i] for i in rng.integers(4, size=12)]
    decoder: Any = make_decoder("small", **TINY, epochs=200, looks=1, patience=3)
    decoder.fit(*clips, validation=(other, wrong))
    report = decoder.report_
    held = [loss for _, _, loss in report.losses]
    assert report.steps < 200 * 3
    assert held[-1] > min(held)
    assert report.best_step == report.losses[int(np.argmin(held))][0]
    assert len(held) - 1 - int(np.argmin(held)) == 3


def test_noise_leaves_rows_of_length_one() -> None:
    from gapkit.captioning.decoders.token_table import noisy

    x = torch.nn.functional.normalize(torch.randn(4000, 64, generator=torch.Generator().manual_seed(0)))
    moved = noisy(x, 0.016, torch.Generator().manual_seed(1))
    assert torch.allclose(moved.norm(dim=1), torch.ones(4000), atol=1e-5)
    # cos = 1 / sqrt(1 + d v): the noise is nearly orthogonal to the row.
    assert (x * moved).sum(dim=1).mean().item() == pytest.approx((1 + 64 * 0.016) ** -0.5, abs=5e-3)


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("moment", [1, 7, 20])
def test_stopped_and_started_again_ends_the_same(
    clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
    options = {**TINY, "epochs": 9, "dropout": 0.2}
    rest = {"validation": clips, "noise": 0.01, "seed": 5}
    whole = make_decoder("small", **options).fit(*clips, **rest)
    checkpoint = tmp_path / "checkpoint.safetensors"

    def stop(done: int, total: int, note: str) -> None:
        if done > moment and checkpoint.exists():
            raise StoppedError

    with pytest.raises(StoppedError):
        make_decoder("small", **options).fit(*clips, **rest, checkpoint=checkpoint, report=stop)
    seen: list[int] = []
    again = make_decoder("small", **options)
    again.fit(*clips, **rest, checkpoint=checkpoint, report=lambda done, total, note: seen.append(done))
    assert seen[0] > moment
    assert _same(_weights(whole), _weights(again))
    assert again.report_.losses == whole.report_.losses  # type: ignore[attr-defined]


def test_a_checkpoint_of_another_training_is_left_aside(clips: Clips, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", 0.0)
    checkpoint = tmp_path / "checkpoint.safetensors"
    options = {**TINY, "epochs": 2}
    make_decoder("small", **options).fit(*clips, seed=1, checkpoint=checkpoint)
    assert checkpoint.exists()
    seen: list[int] = []
    make_decoder("small", **options).fit(
        *clips, seed=2, checkpoint=checkpoint, report=lambda done, total, note: seen.append(done)
    )
    assert seen[0] == 1
    checkpoint.write_bytes(b"half a file")
    make_decoder("small", **options).fit(*clips, seed=2, checkpoint=checkpoint)


def test_the_tokenizer_writes_any_text() -> None:
    tokenizer = learned_tokenizer(["a dog barks"] * 3, 280)
    for text in ("A dog's bark, 3 times!", "ein Hund bellt über Öl", "犬が吠える 🐕"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]).strip() == text


def test_a_caption_that_names_the_end_does_not_end_there(clips: Clips) -> None:
    said = ["a dog <end> barks"] * len(clips[1])
    decoder: Any = make_decoder("small", **TINY, epochs=8).fit(clips[0], said)
    ids = decoder._tokens(said)[0]
    assert ids.index(decoder.tokenizer_.eos_token_id) == len(ids) - 1
    assert decoder.generate(clips[0][:1]) == said[:1]


def test_a_training_that_failed_is_none(clips: Clips) -> None:
    decoder = make_decoder("small", **{**TINY, "device": "cuda:99"})
    with pytest.raises(InputError, match="cannot be used"):
        decoder.fit(*clips)
    with pytest.raises(NotFittedError, match="not trained"):
        decoder.generate(clips[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": 3}, "heads must be a divisor of width"),
        ({"vocabulary": 100}, "vocabulary must be a whole number of at least 257"),
        ({"prefix_tokens": 0}, "prefix_tokens must be a whole number of at least 1"),
        ({"epochs": 0}, "epochs must be a number above 0"),
        ({"lr": -1.0}, "lr must be a number above 0"),
        ({"lr": "nan"}, "lr must be a number above 0, got 'nan'"),
        ({"width": "abc"}, "width must be a whole number of at least 1, got 'abc'"),
        ({"batch_size": True}, "batch_size must be a whole number of at least 1, got True"),
        ({"patience": 1.5}, "patience must be a whole number of at least 0, got 1.5"),
        ({"device": 3}, "device must be text, got 3"),
        ({"device": "cuda:99"}, "cannot be used"),
    ],
)
def test_options_out_of_range(clips: Clips, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_decoder("small", **{**TINY, **options}).fit(*clips)


def test_pairs_that_cannot_be_learned(clips: Clips) -> None:
    x, captions = clips
    decoder = make_decoder("small", **TINY)
    with pytest.raises(NotFittedError, match="not trained"):
        decoder.generate(x)
    with pytest.raises(InputError, match=r"got 2 empty captions \(first: row 3\)"):
        decoder.fit(x[:6], ["a", "b", "c", " \n", "d", ""])
    with pytest.raises(InputError, match=r"one caption a row of the embeddings \(40\), got 3"):
        decoder.fit(x, captions[:3])
    with pytest.raises(InputError, match="got one text"):
        decoder.fit(x, "a dog barks")
    with pytest.raises(InputError, match="NaN or infinity in 1 of 40 rows"):
        decoder.fit(np.where(np.arange(40)[:, None] == 2, np.nan, x), captions)
    with pytest.raises(InputError, match="got 1 zero rows"):
        decoder.fit(x * (np.arange(40) != 2)[:, None], captions)
    with pytest.raises(InputError, match="noise is a variance"):
        decoder.fit(x, captions, noise=-0.1)
    with pytest.raises(InputError, match="validation embeddings: expected 8 features"):
        decoder.fit(x, captions, validation=(x[:, :5], captions))


def test_embeddings_that_cannot_be_captioned(small_folder: Path, clips: Clips) -> None:
    decoder = load_decoder(small_folder)
    x = clips[0]
    with pytest.raises(InputError, match="expected 8 features"):
        decoder.generate(x[:, :4])
    with pytest.raises(InputError, match="NaN or infinity in 1 of 40 rows"):
        decoder.generate(np.where(np.arange(40)[:, None] == 2, np.inf, x))
    with pytest.raises(InputError, match="got both"):
        decoder.generate(x, beams=2, top_p=0.9)
    with pytest.raises(InputError, match=r"temperature: expected 1 where nothing is sampled, got 0\.7; give top_p too"):
        decoder.generate(x, temperature=0.7)
    with pytest.raises(InputError, match="top_p must be above 0"):
        decoder.generate(x, top_p=1.5)
    with pytest.raises(InputError, match="max_new_tokens: expected at most 64"):
        decoder.generate(x, max_new_tokens=65)
    assert len(decoder.generate(x[:1], max_new_tokens=64)) == 1


def test_a_decoder_of_another_machine_is_read_on_this_one(small_folder: Path, clips: Clips, tmp_path: Path) -> None:
    decoder = load_decoder(small_folder)
    said = decoder.generate(clips[0][:4])
    decoder.set_params(device="cuda:99").save(tmp_path / "d")
    with pytest.raises(InputError, match="cannot be used"):
        load_decoder(tmp_path / "d")
    assert load_decoder(tmp_path / "d", device="cpu").generate(clips[0][:4]) == said


def test_a_folder_that_is_no_decoder(small_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no config\.json here"):
        load_decoder(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 1, "bridge": "ridge", "params": {}, "fitted": {}}')
    with pytest.raises(InputError, match="does not describe a caption decoder"):
        load_decoder(tmp_path)
    for broken, content, message, older in (
        ("model.safetensors", b"nothing", r"model\.safetensors: not whole, or not that of config\.json", False),
        ("model.safetensors", b"nothing", "not a whole safetensors file", True),
        ("tokenizer.json", b"{}", r"tokenizer\.json: not whole, or not that of config\.json", False),
        ("tokenizer.json", b"{}", "not a readable tokenizer", True),
        ("config.json", b"{", "not readable as JSON", False),
    ):
        folder = tmp_path / f"broken {broken} {older}"
        shutil.copytree(small_folder, folder)
        if older:
            change(folder, lambda config: config.pop("files"))
        (folder / broken).write_bytes(content)
        with pytest.raises(InputError, match=message):
            load_decoder(folder)


def test_a_decoder_of_an_older_version_opens(small_folder: Path, tmp_path: Path) -> None:
    """Nothing in it says what its files were."""
    folder = tmp_path / "older"
    shutil.copytree(small_folder, folder)
    change(folder, lambda config: config.pop("files"))
    assert SEAL not in json.loads((folder / "config.json").read_text())
    assert load_decoder(folder).n_features_in_ == load_decoder(small_folder).n_features_in_


def test_one_bit(small_folder: Path, tmp_path: Path) -> None:
    for number, name in enumerate(sorted(path.name for path in small_folder.iterdir())):
        folder = tmp_path / str(number)
        shutil.copytree(small_folder, folder)
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        with pytest.raises(InputError, match=name.replace(".", r"\.") + ": not (whole|readable)"):
            load_decoder(folder)


def change(folder: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Change a configuration as an older version would have written it, without its seal."""
    config = json.loads((folder / "config.json").read_text())
    how(config)
    del config[SEAL]
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        ("params", {"width": 64}, "weights do not fit the configuration"),
        ("params", {"colour": 1}, "has no option 'colour'"),
        ("fitted", {"n_features_in_": 9}, "weights do not fit the configuration"),
    ],
)
def test_a_configuration_that_does_not_fit(
    small_folder: Path, tmp_path: Path, part: str, wrong: dict[str, Any], message: str
) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(small_folder, folder)
    change(folder, lambda config: config[part].update(wrong))
    with pytest.raises(InputError, match=message):
        load_decoder(folder)


def test_unknown_names() -> None:
    with pytest.raises(InputError, match="did you mean small"):
        make_decoder("smal")
    with pytest.raises(InputError, match="has no option 'depth'"):
        make_decoder("small", depth=3)
