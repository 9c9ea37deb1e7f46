"""One file, the same each time, in which nothing of the data is markup and nothing can be loaded."""

import json
import re
from html.parser import HTMLParser

import pytest

from gapkit.comparison import open_run
from gapkit.page import build_page, to_html
from gapkit.page.markup import content_hash

from .conftest import NASTY


class _Elements(HTMLParser):
    """Elements with their attributes, and the text of each script."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def elements(html):
    return _Elements(html)


def test_only_scripts_named_by_their_hash_may_run_and_nothing_is_loaded(html, elements):
    (policy,) = [a["content"] for t, a in elements.found if t == "meta" and a.get("http-equiv")]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert "'unsafe-inline'" not in rules["script-src"]
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert [content_hash(script) for script in scripts] == rules["script-src"]
    assert "script" in {t for t, _ in elements.found}
    for _, attributes in elements.found:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_texts_of_the_data_are_data(page, html, elements):
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])
    assert set(NASTY) <= {caption for own in data["captions"] for caption in own}
    assert data["ids"] == list(page.ids)
    assert not {"img", "svg", "i"} & {t for t, _ in elements.found}
    assert "tiny &lt;i&gt;&amp;&lt;/i&gt; nasty" in html


def test_the_licence_of_the_library_stays_with_it(html):
    assert re.search(r"plotly\.js v[\d.]+\n.*Copyright.*Plotly.*\n.*\n.*MIT license", html)
    assert len(html.encode()) < 10_000_000


def test_the_same_study_gives_the_same_bytes(study, html):
    assert to_html(build_page(open_run(study), methods=("pca", "gap"))) == html


def test_every_section_and_every_label_has_what_it_points_to(html, elements):
    ids = [a["id"] for _, a in elements.found if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in elements.found:
        if (attributes.get("href") or "").startswith("#"):
            assert attributes["href"][1:] in ids
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids
    for part in ("table", "migration", "clips", "figures", "checks", "computed", "files"):
        assert part in ids
