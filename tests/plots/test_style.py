"""The look of a figure, its words and its file, without a trace in matplotlib's own settings."""

import warnings
from xml.etree import ElementTree as ET

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from gapkit.errors import GapkitError, InputError
from gapkit.plots import cosines, migration, pair_cosines, save, style
from gapkit.plots.style import CYCLE
from gapkit.plots.words import printable


def test_settings_of_matplotlib_are_as_before(scene):
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 33}):
        own = dict(mpl.rcParams)
        migration(scene)
        assert dict(mpl.rcParams) == own
    assert dict(mpl.rcParams) == before


def test_the_style_does_not_hang_on_what_the_user_set(scene):
    with mpl.rc_context({"font.size": 33, "axes.facecolor": "black", "text.usetex": True}):
        axes = migration(scene)
    assert axes[0].get_title("left") == "before any bridge"
    assert axes[0].title.get_fontsize() < 12
    assert mpl.colors.to_hex(axes[0].get_facecolor()) == "#ffffff"


def test_colours_are_told_apart_without_colour():
    """Lightness (CIE L*) of the three roles differs, and no two colours of the cycle are equal."""
    from gapkit.plots.style import AFTER, BEFORE, TARGET

    def lightness(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(colour)]
        y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        return 116 * y ** (1 / 3) - 16

    assert lightness(TARGET) + 5 < lightness(AFTER)
    assert lightness(AFTER) != pytest.approx(lightness(BEFORE), abs=1)
    assert len(set(CYCLE)) == len(CYCLE)


def test_a_font_that_is_not_there_is_named():
    with (
        pytest.raises(InputError, match=r"font 'DejaVu Sanss': not installed; did you mean .*DejaVu Sans"),
        style(font="DejaVu Sanss"),
    ):
        pass
    with style(font="DejaVu Serif"):
        assert mpl.rcParams["font.family"] == ["DejaVu Serif", "DejaVu Sans"]


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_the_same_figure_is_the_same_file(scene, tmp_path, suffix):
    for name in ("a", "b"):
        save(migration(scene), tmp_path / f"{name}{suffix}", dpi=80)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert b"202" not in (tmp_path / f"a{suffix}").read_bytes()[:200] or suffix == ".png"


def test_letters_stay_letters(scene, tmp_path):
    save(migration(scene), tmp_path / "a.svg")
    texts = [e.text for e in ET.parse(tmp_path / "a.svg").iter() if e.tag.endswith("}text")]
    assert "before any bridge" in texts
    assert "$oracle$" in texts
    save(migration(scene), tmp_path / "a.pdf")
    assert b"/Type0" in (tmp_path / "a.pdf").read_bytes() or b"/Subtype /Type0" in (tmp_path / "a.pdf").read_bytes()


def test_files_that_cannot_be_written(scene, tmp_path):
    axes = migration(scene)
    with pytest.raises(InputError, match=r"figure.jpg: expected a name that ends in .pdf, .svg, .png, .eps"):
        save(axes, tmp_path / "figure.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(GapkitError, match="could not be written"):
        save(axes, tmp_path / "file" / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\n c", "a b c"), ("\x00bell\x07\u202e", "bell"), ("犬 barks", "□ barks"), ("x" * 99, "x" * 59 + "…"),
        ("<b>&amp;</b> $x_1$", "<b>&amp;</b> $x_1$"), ("\ud800", ""), (None, "None"),
    ],
)  # fmt: skip
def test_words_of_others(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("name", ["$\\frac{1}{2$", "$x$", "a_b^c $ $", "100 % \\LaTeX", "<script>", "🐕‍🦺 犬 ❤️"])
def test_any_name_is_drawn_as_it_stands_and_without_a_warning(pairs, tmp_path, name):
    found = {"before": pair_cosines(pairs.source, pairs.target, owner=pairs.owner)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax = cosines({**found, name: found["before"]}, title=name)
        save(ax, tmp_path / "a.svg")
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert any(word.startswith(f"{printable(name, limit=28)}: pairs") for word in words)
    assert not any(text.get_parse_math() for text in ax.figure.findobj(mpl.text.Text))


def test_axes_of_ones_own(pairs, scene):
    figure, given = plt.subplots(1, 3)
    returned = migration(scene, ax=given)
    assert list(returned) == list(given)
    assert len(figure.axes) == 3
    with pytest.raises(InputError, match="expected 3 matplotlib Axes, got 1"):
        migration(scene, ax=given[0])
    with pytest.raises(InputError, match="expected 3 matplotlib Axes, got 0"):
        migration(scene, ax=[])
    one = cosines({"a": pair_cosines(pairs.source, pairs.target, owner=pairs.owner)}, ax=given[2])
    assert one is given[2]
