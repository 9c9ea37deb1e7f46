"""Figures of clouds: what is in the panels is what was measured and projected."""

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.quiver import Quiver

from gapkit.errors import InputError
from gapkit.plots import animate, arrows, gap_positions, migration, path, stage, steps
from gapkit.plots.clouds import linked


def points(ax):
    return {c.get_label(): np.asarray(c.get_offsets()) for c in ax.collections if isinstance(c, PathCollection)}


def numbers(ax):
    return next(text.get_text() for text in ax.texts if text.get_gid() == "numbers")


def test_one_panel_a_bridge_with_its_points_and_numbers(scene):
    axes = migration(scene)
    assert [ax.get_title("left") for ax in axes] == ["before any bridge", "shift", "$oracle$"]
    assert set(points(axes[0])) == {"target", "source before"}
    for ax, (name, cloud) in zip(axes[1:], scene.clouds.items(), strict=True):
        drawn = points(ax)
        np.testing.assert_allclose(drawn["source after"], cloud)
        np.testing.assert_allclose(drawn["source before"], scene.before)
        np.testing.assert_allclose(drawn["target"], scene.target)
        assert numbers(ax) == "\n".join(scene.lines(name))
    assert numbers(axes[0]) == "\n".join(scene.lines("source"))


def test_all_panels_share_limits_that_hold_every_point(scene):
    axes = migration(scene)
    assert len({ax.get_xlim() + ax.get_ylim() for ax in axes}) == 1
    every = np.concatenate([scene.before, scene.target, *scene.clouds.values()])
    (left, right), (bottom, top) = axes[0].get_xlim(), axes[0].get_ylim()
    assert left < every[:, 0].min()
    assert every[:, 0].max() < right
    assert bottom < every[:, 1].min()
    assert every[:, 1].max() < top


def test_lines_join_a_clip_with_its_own_target(scene):
    axes = migration(scene, links=7)
    chosen = linked(len(scene.before), 7)
    assert len(set(chosen)) == 7
    for ax, cloud in zip(axes, [scene.before, *scene.clouds.values()], strict=True):
        (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
        np.testing.assert_allclose(
            np.stack(lines.get_segments()), np.stack([cloud[chosen], scene.target[chosen]], axis=1)
        )
    assert not [c for c in migration(scene, links=0)[0].collections if isinstance(c, LineCollection)]


def test_numbers_lie_above_the_points(scene):
    """In the picture as it is drawn: the box of the text does not cover a point."""
    ax = migration(scene)[1]
    ax.figure.draw_without_rendering()
    text = next(t for t in ax.texts if t.get_gid() == "numbers").get_window_extent()
    every = np.concatenate(list(points(ax).values()))
    assert ax.transData.transform(every)[:, 1].max() < text.y0


def test_only_some_of_the_bridges(scene):
    axes = migration(scene.only(["$oracle$"]))
    assert [ax.get_title("left") for ax in axes] == ["before any bridge", "$oracle$"]
    with pytest.raises(InputError, match=r"no cloud 'x'; here are: shift, \$oracle\$"):
        scene.only(["x"])


@pytest.mark.parametrize("name", ["source", "target"])
def test_a_cloud_does_not_take_the_name_of_a_side(name):
    rows = np.eye(5, dtype=np.float32)
    for draw in (stage, gap_positions):
        with pytest.raises(InputError, match=f"a cloud cannot be called '{name}'"):
            draw(rows, rows[::-1], {name: rows})


def test_a_panel_a_step(walk):
    axes = steps(walk)
    assert [ax.get_title("left") for ax in axes] == ["source", "start", "step 1", "step 2", "step 3"]
    np.testing.assert_allclose(points(axes[4])["source on its way"], walk.clouds["step 3"])
    few = steps(walk, most=3)
    assert [ax.get_title("left") for ax in few] == ["source", "step 1", "step 3"]


def test_arrows_go_from_state_to_state(walk):
    ax = arrows(walk, clips=5)
    of_clips, of_mean = (c for c in ax.collections if isinstance(c, Quiver))
    states = np.stack([walk.before, *walk.clouds.values()])
    chosen = linked(len(walk.before), 5)
    heads = np.column_stack([of_clips.X + of_clips.U, of_clips.Y + of_clips.V]).reshape(4, 5, 2)
    np.testing.assert_allclose(heads, states[1:, chosen], atol=1e-9)
    np.testing.assert_allclose(np.column_stack([of_mean.U, of_mean.V]), np.diff(states.mean(axis=1), axis=0), atol=1e-9)
    said = [text.get_text().splitlines()[0] for text in ax.texts if text.get_gid() == "numbers"]
    assert said == ["source", "step 3"]


def test_steps_and_arrows_want_one_bridge(scene):
    for figure in (steps, arrows):
        with pytest.raises(InputError, match="make the scene with stage_steps"):
            figure(scene)


def test_a_line_a_bridge_along_the_steps(walk):
    axes = path({"one": walk.numbers, "$two": walk.numbers})
    shown = dict.fromkeys(walk.numbers["metric"])
    assert len(axes) == len(shown)
    for ax, metric in zip(axes, shown, strict=True):
        own = walk.numbers[walk.numbers["metric"] == metric]
        first, second = ax.lines[:2]
        np.testing.assert_allclose(first.get_ydata(), own["value"])
        assert list(first.get_xdata()) == [-1, 0, 1, 2, 3]
        assert (first.get_label(), second.get_label()) == ("one", "$two")
    with pytest.raises(InputError, match="no bridge that moves in steps"):
        path({})


def test_a_step_stands_at_its_own_number(walk):
    skipped = walk.numbers.assign(cloud=walk.numbers["cloud"].replace({"step 2": "step 10", "step 3": "step 20"}))
    ax = path({"one": skipped}, metrics=["cosine"])[0]
    assert list(ax.lines[0].get_xdata())[1:] == [0, 1, 10, 20]


def test_the_cloud_moves(walk, tmp_path):
    from PIL import Image

    told = []
    out = animate(walk, tmp_path / "a.gif", between=1, hold=2, dpi=30, progress=lambda *said: told.append(said))
    with Image.open(out) as picture:
        # Pictures that stand still are one, shown longer.
        assert 4 <= picture.n_frames <= len(told)
        first, last = (np.asarray(picture.convert("RGB"), float) for _ in map(picture.seek, (0, picture.n_frames - 1)))
    assert np.abs(first - last).max() > 50
    assert told[-1] == (len(told), len(told), "drawing")
    animate(walk, tmp_path / "b.gif", between=1, hold=2, dpi=30)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
    assert not plt.get_fignums()


def test_the_cloud_moves_in_mp4(walk, tmp_path, monkeypatch):
    """With the program of the package, as where the machine has none: every picture is there and takes its time."""
    reader = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setitem(plt.rcParams, "animation.ffmpeg_path", "no-such-program")
    told = []
    out = animate(walk, tmp_path / "a.mp4", between=2, hold=2, fps=5, dpi=50, progress=lambda *said: told.append(said))
    pictures, seconds = reader.count_frames_and_secs(out)
    assert pictures == len(told)
    assert seconds == pytest.approx(len(told) / 5, abs=0.01)
    asked = [reader.get_ffmpeg_exe(), "-v", "error", "-i", out, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = subprocess.run(asked, check=True, capture_output=True).stdout
    shown = np.frombuffer(pixels, np.uint8).reshape(pictures, 210, 200, 3).astype(float)
    still, moved = (np.abs(shown[0] - shown[other]).mean() for other in (1, -1))
    assert moved > 5 * still
    animate(walk, tmp_path / "b.mp4", between=2, hold=2, fps=5, dpi=50)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert not plt.get_fignums()


def test_a_moving_picture_that_cannot_be(walk, scene, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"mp4 needs ffmpeg, which is not installed.*gapkit\[mp4\]"):
        animate(walk, tmp_path / "a.mp4")
    with pytest.raises(InputError, match=r"ends in .gif, .mp4, got .png"):
        animate(walk, tmp_path / "a.png")
    with pytest.raises(InputError, match="make the scene with stage_steps"):
        animate(scene, tmp_path / "a.gif")
    with pytest.raises(InputError, match="expected at least 1"):
        animate(walk, tmp_path / "a.gif", hold=0)
    assert not list(tmp_path.iterdir())
