"""The cloud on its way as a moving picture."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gapkit.atomic import replacing
from gapkit.errors import GapkitError, InputError
from gapkit.plots.clouds import draw_links, draw_points, frame, legend, linked, point_size
from gapkit.plots.saving import check_suffix
from gapkit.plots.scene import SOURCE, Scene
from gapkit.plots.steps import check_steps
from gapkit.plots.style import AFTER, BEFORE, FONT, TARGET, style
from gapkit.plots.words import literal, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOVING = (".gif", ".mp4")
FPS = 15


def animate(
    scene: Scene,
    path: str | Path,
    *,
    between: int = 8,
    hold: int = 6,
    links: int = 40,
    fps: int = FPS,
    dpi: float = 150.0,
    font: str = FONT,
    progress: Callable[[int, int, str], None] | None = None,
) -> Path:
    """Write the way from the source to the answer as GIF or MP4.

    Parameters
    ----------
    scene : Scene
        Made by `gapkit.plots.stage_steps`.
    path : path
        Ends in .gif, or in .mp4 where there is ffmpeg: a program of its own, or that of the package imageio-ffmpeg,
        which comes with the extra ``mp4``.
    between : int
        Pictures from one state to the next; points go straight in the plane, which is no claim about the space.
    hold : int
        Pictures that a state stands still.
    links : int
        Pairs that a line joins.
    fps : int
        Pictures a second.
    dpi : float
        Dots an inch; the picture is 4 inches wide.
    font : str
        See `style`.
    progress : callable, optional
        ``progress(done, total, what)`` for each picture.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        A scene of several bridges, another suffix, MP4 without ffmpeg.
    GapkitError
        The folder cannot be written to, or ffmpeg fails.
    """
    import matplotlib.pyplot as plt

    check_steps(scene)
    path = Path(path)
    suffix = check_suffix(path, MOVING)
    if between < 1 or hold < 1 or fps < 1:
        raise InputError(f"animation: between, hold and fps: expected at least 1, got {between}, {hold} and {fps}")
    check_writer(path)
    writer = _writer(suffix, fps)
    with style(font=font):
        figure, update = _stage(scene, links)
        try:
            frames = _frames(len(scene.clouds) + 1, between, hold)
            with replacing(path) as temporary, writer.saving(figure, str(temporary), dpi):
                for done, (state, share) in enumerate(frames):
                    update(state, share)
                    writer.grab_frame()
                    if progress is not None:
                        progress(done + 1, len(frames), "drawing")
        except Exception as error:
            if type(error).__name__ != "CalledProcessError":
                raise
            raise GapkitError(f"{path}: ffmpeg could not write it; write a .gif") from error
        finally:
            plt.close(figure)
    return path


def check_writer(path: Path) -> None:
    """Refuse MP4 where there is no ffmpeg, before anything is computed.

    Raises
    ------
    InputError
    """
    if check_suffix(path, MOVING) == ".mp4" and _ffmpeg() is None:
        raise InputError(
            f"{path}: mp4 needs ffmpeg, which is not installed; write a .gif, or pip install 'gapkit[mp4]', which "
            "brings one"
        )


def _ffmpeg() -> str | None:
    """The program: that of the machine, otherwise that of the package imageio-ffmpeg."""
    from matplotlib import rcParams

    own = shutil.which(str(rcParams["animation.ffmpeg_path"]))
    if own is not None:
        return own
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # the package, or a program for this machine in it, is not there
        return None


def _writer(suffix: str, fps: int) -> Any:
    from matplotlib.animation import FFMpegWriter, PillowWriter

    if suffix == ".gif":
        return PillowWriter(fps=fps)

    program = str(_ffmpeg())

    class Writer(FFMpegWriter):
        @classmethod
        def bin_path(cls) -> str:
            return program

    # Without these the file holds the version of the encoder and depends on the number of cores.
    exact = ["-pix_fmt", "yuv420p", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1"]
    return Writer(fps=fps, codec="h264", extra_args=exact)


def _frames(states: int, between: int, hold: int) -> list[tuple[int, float]]:
    """State that is left, and share of the way to the next."""
    frames = [(0, 0.0)] * hold
    for state in range(states - 1):
        # Slow at both ends: a state is seen to be one.
        ease = (1 - np.cos(np.pi * np.arange(1, between + 1) / between)) / 2
        frames += [(state, float(share)) for share in ease]
        frames += [(state, 1.0)] * (hold * (3 if state == states - 2 else 1) - 1)
    return frames


def _stage(scene: Scene, links: int) -> tuple[Figure, Callable[[int, float], None]]:
    import matplotlib.pyplot as plt

    names = [SOURCE, *scene.clouds]
    states = np.stack([scene.before, *scene.clouds.values()])
    chosen = linked(len(scene.before), links)
    figure, ax = plt.subplots(figsize=(4.0, 4.2), layout="constrained")
    draw_points(ax, scene.target, TARGET, "target", order=1, alpha=0.55)
    draw_points(ax, scene.before, BEFORE, "source before", order=0.5, alpha=0.35)
    moving = draw_points(ax, scene.before, AFTER, "source on its way", order=2)
    moving.set_sizes([point_size(len(scene.before)) * 1.3])
    lines = draw_links(ax, scene.before, scene.target, chosen, "pairs")
    said = scene.lines(SOURCE)
    frame(ax, [scene.target, *states], room=0.05 * (len(said) + 1))
    text = ax.text(0.025, 0.975, "", transform=ax.transAxes, va="top", fontsize=7, linespacing=1.3, gid="numbers")
    ax.set(xlabel=scene.labels[0], ylabel=scene.labels[1])
    ax.set_title(printable(scene.note or scene.name, limit=60), fontweight="bold")
    legend([ax], True)
    literal(figure)
    # Laid out once: doing it for each picture takes most of the time.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")

    def update(state: int, share: float) -> None:
        here = states[state] + share * (states[min(state + 1, len(states) - 1)] - states[state])
        moving.set_offsets(here)
        lines.set_segments(list(np.stack([here[chosen], scene.target[chosen]], axis=1)))
        reached = state + (share >= 1)
        text.set_text("\n".join([names[reached], *scene.lines(names[reached])]))

    return figure, update
