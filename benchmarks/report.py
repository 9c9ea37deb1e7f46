"""The report: how long its parts take to write, how large it is, and how fast the page answers in headless Chromium.

python benchmarks/report.py [RUN] [--clips 10000]

RUN is the folder of a study; left out, one of the closed forms on the bundled data. The page that is measured in the
browser has `--clips` random clips and four bridges of eight states.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.datasets import load_dataset
from gapkit.page import Page, build_page, to_html
from gapkit.page.content import Map, State, Way
from gapkit.page.document import LARGEST

WRITING = 20.0
"""Seconds of one thread that a page may take beyond its UMAP."""
ANSWER = 100.0
"""Milliseconds from a move of the slider to the painted picture."""
BRIDGES, STATES = 4, 8

STEP = """async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  const slider = document.getElementById("slider");
  const [main, whole] = [[], []];
  for (let k = 0; k <= 40; k++) {
    await painted();
    const began = performance.now();
    slider.value = (Number(slider.max) * k) / 40;
    slider.dispatchEvent(new Event("input"));
    main.push(performance.now() - began);
    await painted();
    whole.push(performance.now() - began);
  }
  return [main, whole];
}"""


class Clock:
    """Notes the processor time of each part of a page: one thread, so the clock of an idle machine says the same."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self._began = 0.0

    def start(self, total: int) -> None:
        """Nothing."""

    def begin(self, label: str) -> None:
        """A part begins."""
        self._began = time.process_time()

    def step(self, done: int, total: int, note: str) -> None:
        """Nothing."""

    def advance(self, label: str, note: str) -> None:
        """A part is finished."""
        self.parts[label] = time.process_time() - self._began

    def message(self, text: str) -> None:
        """Nothing."""


def main() -> int:
    """Print the times; exit code 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--clips", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        page, broken = _writing(given.run or _study(Path(folder)))
        return int(_looking(_large(page, given.clips), Path(folder)) or broken)


def _study(folder: Path) -> Path:
    config = StudyConfig(bridges=("c3", "procrustes", "ridge"), metrics=("cosine", "recall@10"), threads=1)
    run_study(load_dataset("soundscapes"), config, out=folder / "study")
    return folder / "study"


def _writing(run: Path) -> tuple[Page, bool]:
    clock, began, worked = Clock(), time.perf_counter(), time.process_time()
    page = build_page(open_run(run), progress=clock)
    size = len(to_html(page).encode("utf-8"))
    whole, work = time.perf_counter() - began, time.process_time() - worked
    umap = sum(seconds for label, seconds in clock.parts.items() if "UMAP" in label)
    for label, seconds in clock.parts.items():
        print(f"  {label:28}{seconds:8.2f} s of processor")
    slow = work - umap > WRITING
    print(
        f"{page.name}: {len(page.ids):,} clips, {len(page.ways)} bridges: {work:.1f} s of processor "
        f"({whole:.1f} s by the clock), of which UMAP {umap:.1f} s; {size / 1e6:.1f} MB"
    )
    print(f"beyond UMAP {work - umap:.1f} s   promise {WRITING:.0f} s{'  BROKEN' if slow else ''}")
    return page, slow or size > LARGEST


def _large(page: Page, clips: int) -> Page:
    """The same page with many clips at random places: what a browser has to carry, whatever it means."""
    rng = np.random.default_rng(0)

    def places() -> Any:
        return rng.standard_normal((STATES, clips, 2)).cumsum(axis=0)

    names = [f"bridge-{k}" for k in range(BRIDGES)]
    before = rng.uniform(-1, 1, clips)
    ways = []
    for name in names:
        states = [State("before", before, 0.0, 0.0, 1.0)]
        states += [State(f"step {k}", rng.uniform(-1, 1, clips), 0.0, 0.0, 1.0) for k in range(1, STATES)]
        ways.append(Way(name, "paired", tuple(states), "", rng.uniform(0, 90, clips), page.ways[0].counts))
    maps = []
    for method, label in (("pca", "PCA"), ("umap", "UMAP")):
        target, drawn = rng.standard_normal((clips, 2)), {name: places() for name in names}
        maps.append(Map(method, label, "", ("1", "2"), dict.fromkeys(names, target), drawn))
    captions = tuple(
        (f"a sound that is number {k} of many and has a caption of the usual length",) for k in range(clips)
    )
    ids = tuple(f"clip-{k:05d}" for k in range(clips))
    return Page(
        "many clips",
        "How fast?",
        (),
        page.table,
        page.findings,
        ids=ids,
        captions=captions,
        ways=tuple(ways),
        maps=tuple(maps),
    )


def _looking(page: Page, folder: Path) -> bool:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        print("no Chromium: the page was not looked at")
        return False
    from playwright.sync_api import sync_playwright

    html = to_html(page)
    (folder / "page.html").write_text(html, encoding="utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto("about:blank")
        began = time.perf_counter()
        tab.goto((folder / "page.html").as_uri())
        tab.evaluate("gapkit.ready")
        opened = time.perf_counter() - began
        tab.locator("#picture").scroll_into_view_if_needed()
        blocked, answers = (sorted(values) for values in tab.evaluate(STEP))
        began = time.perf_counter()
        tab.fill("#search", "number 77")
        searched = 1000 * (time.perf_counter() - began)
        browser.close()
    middle, late = statistics.median(answers), answers[int(0.95 * len(answers))]
    slow, large = middle > ANSWER, len(html.encode("utf-8")) > LARGEST
    print(
        f"page of {len(page.ids):,} clips, {len(page.ways)} bridges x {STATES} states x 2 projections: "
        f"{len(html) / 1e6:.1f} MB{'  BROKEN' if large else ''}, opens in {opened:.2f} s; search {searched:.0f} ms"
    )
    print(
        f"slider to painted picture: median {middle:.0f} ms, 95 % below {late:.0f} ms, of which script "
        f"{statistics.median(blocked):.0f} ms   promise {ANSWER:.0f} ms{'  BROKEN' if slow else ''}"
    )
    return slow or large


if __name__ == "__main__":
    sys.exit(main())
