"""A small study whose texts are as nasty as texts can be, its page, and a browser to look at it."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gapkit.comparison import StudyConfig, open_run, run_study
from gapkit.embeddings import PairedEmbeddings
from gapkit.files import load_pairs, save_pairs
from gapkit.page import build_page, to_html

NASTY = (
    "</script><script>window.broken = 1</script>",
    "<img src=x onerror='window.broken = 2'>",
    '"><svg onload="window.broken = 3">',
    "<!-- <script> a comment that is never closed",
    r"a $\frac{1}{2}$ & \textbf{loud} bang, 50 % of \alpha",
    "emoji 🎺🐕\u200d🦺 and \u2028 line \u2029 separators",
    '=HYPERLINK("http://example.org")',
    "javascript:window.broken = 4",
    "${window.broken = 5} {{7*7}} %s $data",
)


@pytest.fixture(scope="session")
def make_pairs() -> Callable[..., PairedEmbeddings]:
    """Pairs with a gap; two captions for every third clip, of which some are nasty."""

    def make(n: int = 90, d: int = 8, *, split: bool = True, captions: bool = True) -> PairedEmbeddings:
        rng = np.random.default_rng(0)
        meaning = rng.standard_normal((n, d))
        gap = np.zeros(d)
        gap[0] = 3
        owner = np.sort(np.concatenate([np.arange(n), np.arange(0, n, 3)]))
        texts = np.array([f"sound number {i}" for i in range(len(owner))], dtype=object)
        texts[-3 * len(NASTY) :] = NASTY * 3
        return PairedEmbeddings(
            source=meaning + 0.4 * rng.standard_normal((n, d)) + gap,
            target=meaning[owner] + 0.4 * rng.standard_normal((len(owner), d)) - gap,
            owner=owner,
            ids=np.array([f"folder/<b>clip</b>-{i}.wav" for i in range(n)]),
            captions=texts.astype(str) if captions else None,
            split=np.array(["train"] * (n // 2) + ["val"] * (n // 6) + ["test"] * (n - n // 2 - n // 6))
            if split
            else None,
            name="tiny <i>&</i> nasty",
        )

    return make


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, make_pairs: Callable[..., PairedEmbeddings]) -> Path:
    """The folder of a finished study with a bridge in one go and one in steps."""
    root = tmp_path_factory.mktemp("page")
    save_pairs(make_pairs(), root / "pairs.npz")
    config = StudyConfig(
        bridges=("procrustes", "ddbm"),
        metrics=("cosine", "centroid-distance", "separability", "recall@10"),
        seeds=2, steps=8, threads=1, n_resamples=50,
    )  # fmt: skip
    run_study(load_pairs(root / "pairs.npz"), config, out=root / "study")
    return root / "study"


@pytest.fixture(scope="session")
def page(study: Path) -> Any:
    return build_page(open_run(study), methods=("pca", "gap"))


@pytest.fixture(scope="session")
def html(page: Any) -> str:
    return to_html(page)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium: that of the system, since the package of the browser's driver brings none here."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("no playwright: pip install it to test the page in a browser")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on the PATH: `apt-get install chromium` to test the page in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        # Containers run as root, where Chromium has no sandbox.
        chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def open_in(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Opens a page from a file address; in the end nothing may have been said on its console or asked of a network."""
    opened = []
    folder = tmp_path_factory.mktemp("opened pages ü")

    def open_(content: str, *, width: int = 1100, dark: bool = False, calm: bool = True) -> Any:
        path = folder / f"page {len(opened)}.html"
        path.write_bytes(content.encode("utf-8"))
        tab = browser.new_page(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if calm else "no-preference",
        )
        seen = SimpleNamespace(said=[], asked=[])
        tab.on("console", lambda message: seen.said.append(message.text))
        tab.on("pageerror", lambda error: seen.said.append(str(error)))
        tab.on("request", lambda request: seen.asked.append(request.url))
        tab.goto(path.as_uri())
        tab.evaluate("gapkit.ready ?? null")
        opened.append((tab, seen))
        return tab

    yield open_
    for tab, seen in opened:
        assert tab.evaluate("window.broken") is None
        tab.close()
        assert seen.said == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in seen.asked), seen.asked
