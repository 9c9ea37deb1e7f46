"""The page in headless Chromium. `open_in` sees to it that the console stays silent and no network is asked."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from gapkit.page import to_html

from .conftest import NASTY

# Read from a copy: the canvas of the page itself is made for being drawn on.
COPY = """
  const canvas = document.getElementById("cloud");
  const own = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
  const context = own.getContext("2d", { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
"""
SHADE = (
    f"() => {{ {COPY}"
    """
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) sum = (sum * 31 + data[i] * 3 + data[i + 1] * 5 + data[i + 2]) % 1000000007;
  return sum;
}"""
)
PIXEL = (
    f"([x, y]) => {{ {COPY}"
    """
  const scale = canvas.width / canvas.clientWidth;
  return [...context.getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data].slice(0, 3);
}"""
)
STATES = "document.querySelectorAll('#stops button').length"


RESET = """() => {
  const all = (selector) => document.querySelectorAll(selector);
  const set = (own, key, value, kind) => { own[key] = value; own.dispatchEvent(new Event(kind)); };
  all("input[type=checkbox]").forEach((box) => { if (!box.checked) box.click(); });
  all("input[type=search]").forEach((own) => set(own, "value", "", "input"));
  all("select").forEach((own) => set(own, "selectedIndex", 0, "change"));
  all("#unsort, #whole").forEach((own) => own.click());
  gapkit.view.chosen.clip = null;
}"""


@pytest.fixture(scope="module")
def one_tab(open_in, html):
    return open_in(html)


@pytest.fixture
def tab(one_tab):
    """A page as it is when it is opened: one for all tests, since opening takes longer than looking."""
    one_tab.evaluate(RESET)
    return one_tab


def _until(tab, holds, seconds=20.0):
    """Wait: Playwright's own waiting evaluates text, which the policy of the page forbids."""
    end = time.monotonic() + seconds
    while not tab.evaluate(holds):
        assert time.monotonic() < end, holds
        tab.wait_for_timeout(50)


def _texts(tab, selector):
    return [" ".join(text.split()) for text in tab.locator(selector).all_text_contents()]


def _names(tab):
    return [row.get_attribute("data-value") for row in tab.locator("#bridges tbody tr:visible th").all()]


def test_the_slider_moves_the_points_to_where_python_put_them(tab, page):
    tab.select_option("#bridge", "ddbm")
    way = next(own for own in page.ways if own.bridge == "ddbm")
    places = page.maps[0].ways["ddbm"]
    tab.focus("#slider")
    tab.keyboard.press("Home")
    seen, pictures = [], []
    for state in way.states:
        assert tab.inner_text("#now-label") == state.label
        assert float(tab.inner_text("#now-cosine")) == pytest.approx(state.mean, abs=6e-4)
        assert float(tab.inner_text("#now-centroid")) == pytest.approx(state.centroid, abs=6e-4)
        seen.append([tab.evaluate(f"gapkit.view.where({clip})") for clip in (0, 5, 11)])
        pictures.append(tab.evaluate(SHADE))
        assert tab.get_attribute("#slider", "aria-valuetext").startswith(state.label)
        tab.keyboard.press("ArrowRight")
    assert tab.inner_text("#now-label") == "after"
    assert len(set(pictures)) == len(pictures)
    # The picture is one scale and one shift of the plane, up being up.
    flat, drawn = places[:, [0, 5, 11]].reshape(-1, 2), np.array(seen).reshape(-1, 2)
    for axis, sign in ((0, 1), (1, -1)):
        slope, shift = np.polyfit(flat[:, axis], drawn[:, axis], 1)
        assert np.sign(slope) == sign
        np.testing.assert_allclose(slope * flat[:, axis] + shift, drawn[:, axis], atol=0.2)
    # And a dot is painted there.
    paper = tab.evaluate(PIXEL, [2, 2])
    assert all(tab.evaluate(PIXEL, where) != paper for where in seen[-1])


def test_dragging_stays_on_a_state_and_play_ends_at_the_last(open_in, html):
    tab = open_in(html, calm=False)
    tab.select_option("#bridge", "ddbm")
    tab.locator("#slider").scroll_into_view_if_needed()
    box = tab.locator("#slider").bounding_box()
    tab.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] * 0.43, box["y"] + box["height"] / 2, steps=4)
    assert tab.inner_text("#now-label").startswith("near ")
    tab.mouse.up()
    _until(tab, "Number.isInteger(Number(document.getElementById('slider').value))")
    tab.click("#play")
    assert tab.inner_text("#play") == "Pause"
    _until(tab, "document.getElementById('now-label').textContent === 'after'")
    _until(tab, "document.getElementById('play').textContent === 'Play'")


def test_where_motion_is_unwelcome_states_follow_without_gliding(tab):
    tab.select_option("#bridge", "ddbm")
    tab.focus("#slider")
    tab.keyboard.press("End")
    assert tab.evaluate("Number(document.getElementById('slider').value)") == tab.evaluate(STATES) - 1


def test_the_search_finds_and_rings_what_it_finds(tab, page):
    before = tab.evaluate(SHADE)
    tab.fill("#search", "onerror")
    expected = [k for k, own in enumerate(page.captions) if any("onerror" in text for text in own)]
    assert 0 < len(expected) < len(page.captions)
    assert tab.evaluate("gapkit.view.chosen.found") == expected
    assert tab.inner_text("#found-told").startswith(f"{len(expected)} of {len(page.captions)} clips")
    assert _texts(tab, "#found li") == [NASTY[1]] * len(expected)
    assert tab.evaluate(SHADE) != before
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert NASTY[1] in tab.inner_text("#picked")
    tab.fill("#search", "🎺 EMOJI")
    assert len(_texts(tab, "#found li")) > 0
    tab.fill("#search", "no such words anywhere")
    assert tab.inner_text("#found-told").startswith("0 of")


def test_the_pointer_shows_the_caption_and_its_cosine(tab, page):
    tab.select_option("#bridge", "ddbm")
    tab.focus("#slider")
    tab.keyboard.press("End")
    clip = max(range(len(page.ids)), key=lambda k: page.maps[0].ways["ddbm"][-1][k, 1])
    tab.locator("#picture").scroll_into_view_if_needed()
    box = tab.locator("#picture").bounding_box()
    x, y = tab.evaluate(f"gapkit.view.where({clip})")
    tab.mouse.move(box["x"] + x, box["y"] + y)
    told = tab.inner_text("#tip")
    cosine = page.ways[-1].states[-1].cosine[clip]
    assert page.captions[clip][0] in told or "caption of" in told
    if "clip " in told:
        assert f"cosine of the pair {cosine:.3f}".replace(" 0.", " .") in told
    tab.mouse.down()
    tab.mouse.up()
    assert tab.evaluate("gapkit.view.chosen.clip") is not None
    assert page.captions[tab.evaluate("gapkit.view.chosen.clip")][0] in tab.inner_text("#picked")


def test_a_projection_a_colour_and_a_zoom_can_be_chosen(tab, page):
    pictures = [tab.evaluate(SHADE)]
    for choose in (
        lambda: tab.select_option("#map", "gap"),
        lambda: tab.select_option("#shade", "cosine"),
        lambda: tab.click("#zoom-in"),
        lambda: tab.select_option("#shade", "change"),
        lambda: tab.click("#whole"),
    ):
        choose()
        tab.wait_for_timeout(50)
        pictures.append(tab.evaluate(SHADE))
    assert len(set(pictures)) == len(pictures)
    assert tab.inner_text("#map-note") == page.maps[1].note
    assert tab.locator("#shade-key").is_visible()


def test_dragging_the_picture_pans_and_chooses_nothing(tab):
    tab.locator("#picture").scroll_into_view_if_needed()
    box = tab.locator("#picture").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = np.array(tab.evaluate("gapkit.view.where(0)"))
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 70, y - 40, steps=6)
    tab.mouse.up()
    _until(tab, f"Math.abs(gapkit.view.where(0)[0] - {before[0] + 70}) < 2")
    assert tab.evaluate("gapkit.view.where(0)")[1] == pytest.approx(before[1] - 40, abs=2)
    assert tab.evaluate("gapkit.view.chosen.clip") is None
    tab.click("#whole")
    _until(tab, f"Math.abs(gapkit.view.where(0)[0] - {before[0]}) < 1")


def test_arrow_keys_in_the_picture_choose_clips(tab, page):
    tab.focus("#picture")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("gapkit.view.chosen.clip") == 1
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate("gapkit.view.chosen.clip") == len(page.ids) - 1
    assert page.captions[-1][0] in tab.inner_text("#picked")


def test_sorting_sorts_best_first_and_goes_back(tab, page):
    study = _names(tab)
    values = {row.name: row.entries for rows in page.table.blocks.values() for row in rows}
    for k, column in enumerate(page.table.columns):
        tab.locator(f"#bridges th[data-column='{column.name}'] button").click()
        shown = [values[name][k].value for name in _names(tab)]
        known = [v for v in shown if v == v]
        assert known == sorted(known, reverse=column.better == "higher")
        assert all(v != v for v in shown[len(known) :])
        head = tab.locator(f"#bridges th[data-column='{column.name}'][scope=col]")
        assert head.get_attribute("aria-sort") == ("descending" if column.better == "higher" else "ascending")
    tab.locator("#bridges th[data-column=bridge] button").first.press("Enter")
    assert _names(tab) == sorted(study)
    tab.locator("#bridges th[data-column=bridge] button").first.press("Enter")
    assert _names(tab) == sorted(study, reverse=True)
    tab.click("#unsort")
    assert _names(tab) == study


def test_filters_filter_rows_and_columns(tab, page):
    anchors = [row.name for row in page.table.blocks["anchor"]]
    every = _names(tab)
    tab.uncheck("input[name=block][value=anchor]")
    assert _names(tab) == [name for name in every if name not in anchors]
    tab.fill("#table-find", "DDB")
    assert _names(tab) == ["ddbm"]
    tab.fill("#table-find", "")
    tab.check("input[name=block][value=anchor]")
    tab.uncheck("input[name=group][value=closure]")
    heads = tab.locator("#bridges th[scope=col]:visible").evaluate_all("own => own.map(o => o.dataset.column)")
    assert heads == ["bridge", *(c.name for c in page.table.columns if c.group != "closure")]
    tab.uncheck("input[name=intervals]")
    assert not tab.locator("#bridges .interval").first.is_visible()


def test_the_table_of_clips_shows_who_moved_most_and_least(tab, page):
    way = next(own for own in page.ways if own.bridge == "ddbm")
    tab.select_option("#clips-bridge", "ddbm")
    change = way.states[-1].cosine - way.states[0].cosine
    for order, best in (("rose", np.argmax(change)), ("fell", np.argmin(change)),
                        ("far", np.argmax(way.turned)), ("near", np.argmin(way.turned))):  # fmt: skip
        tab.select_option("#clips-order", order)
        first = tab.locator("#clips-table tbody tr").first
        assert first.locator("button").get_attribute("title") == page.ids[best]
        assert float(first.locator("td").nth(3).inner_text()) == pytest.approx(change[best], abs=1e-3)
        assert first.locator("td").nth(4).inner_text() == f"{way.turned[best]:.1f}°"
    tab.locator("#clips-table tbody button").first.click()
    assert tab.input_value("#bridge") == "ddbm"
    assert tab.evaluate("gapkit.view.chosen.clip") == np.argmin(way.turned)
    with tab.expect_download() as saved:
        tab.click("#clips-save")
    lines = Path(saved.value.path()).read_text(encoding="utf-8").split("\n")
    assert len(lines) >= len(page.ids) + 2
    assert "\"'=HYPERLINK" in "\n".join(lines)


def test_figures_are_drawn_with_every_bridge(tab, page):
    for name in ("bars", "trade", "cosines", "path"):
        tab.locator(f"#plot-{name}").scroll_into_view_if_needed()
        tab.wait_for_selector(f"#plot-{name} .main-svg")
    shown = [
        row.name for rows in page.table.blocks.values() for row in rows if row.entries[0].value == row.entries[0].value
    ]
    ticks = _texts(tab, "#plot-bars .ytick")
    assert sorted(ticks) == sorted(shown)
    assert "Paired cosine" in tab.locator("#plot-bars .xtitle").text_content()
    tab.select_option("#bars-metric", "recall@10")
    assert "R@10" in tab.locator("#plot-bars .xtitle").text_content()
    assert tab.evaluate("document.getElementById('plot-path').data.length") == 1


OVER = """() => [...document.querySelectorAll("body *")]
  .filter((own) => own.getBoundingClientRect().right > innerWidth + 1)
  .filter((own) => !own.closest(".scroll, .plot, #frame, .hidden, .skip"))
  .map((own) => own.outerHTML.slice(0, 90))"""


def test_nothing_reaches_over_the_edge(tab):
    tab.evaluate("document.querySelectorAll('details').forEach((own) => { own.open = true; })")
    tab.evaluate("gapkit.pick(29)")
    tab.fill("#search", "sound")
    for width in (360, 768, 1280):
        tab.set_viewport_size({"width": width, "height": 800})
        _until(tab, f"document.getElementById('cloud').width < {width} && innerWidth === {width}")
        assert tab.evaluate(OVER) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        for name in ("#slider", "#bridge", "#play", "#search", "#theme"):
            box = tab.locator(name).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["height"] >= 24
    tab.set_viewport_size({"width": 1100, "height": 800})


def _light(colour):
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")) > 382


def test_dark_as_the_system_has_it_and_by_the_button(tab):
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.body).color"
    for dark in (True, False):
        tab.emulate_media(color_scheme="dark" if dark else "light")
        tab.wait_for_timeout(100)
        assert (_light(tab.evaluate(paper)), _light(tab.evaluate(ink))) == (not dark, dark)
        assert (sum(tab.evaluate(PIXEL, [2, 2])) > 382) is not dark
        for light in (True, False, not dark):
            tab.click("#theme")
            tab.wait_for_timeout(100)
            assert _light(tab.evaluate(paper)) is light
            assert (sum(tab.evaluate(PIXEL, [2, 2])) > 382) is light


def test_every_control_has_a_name(tab):
    nameless = tab.evaluate(
        """() => [...document.querySelectorAll("button, select, input, [tabindex='0']")]
        .filter((own) => !(own.textContent.trim() || own.getAttribute("aria-label") || own.closest("label")))
        .map((own) => own.outerHTML)"""
    )
    assert nameless == []


def test_even_markup_that_came_in_could_not_run_or_call_out(browser, html, tmp_path):
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    tab = browser.new_page()
    tab.goto((tmp_path / "page.html").as_uri())
    tab.evaluate(
        """() => {
          const script = Object.assign(document.createElement("script"), { textContent: "window.broken = 1" });
          const box = document.createElement("div");
          box.innerHTML = `<img src="data:," onerror="window.broken = 2">
            <button id="hit" onclick="window.broken = 3">x</button>`;
          document.body.append(script, box);
          document.getElementById("hit").click();
        }"""
    )
    tab.wait_for_timeout(100)
    assert tab.evaluate("window.broken") is None
    assert tab.evaluate("fetch('https://example.org/').then(() => 'sent', () => 'refused')") == "refused"
    tab.close()


def test_a_page_without_anything_that_moves_still_sorts(open_in, page):
    bare = dataclasses.replace(page, ways=(), maps=(), ids=(), captions=(), remarks=("nothing moves",))
    tab = open_in(to_html(bare))
    tab.locator("#bridges th[data-column=cosine] button").click()
    assert "Sorted by Paired cosine" in tab.inner_text("#table-told")
    assert "nothing moves" in tab.inner_text("#migration")
