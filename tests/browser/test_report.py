"""The report in a browser: its charts, its themes, and nothing of a port's run as code."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Dialog, Locator, expect

from tests.browser import pictures
from tests.browser.conftest import NARROW, Open, Opened
from tests.reported import IMAGE, PERCENT, Reported
from tests.running import ROOT

MODES = [
    pytest.param({"color_scheme": scheme, "size": size}, id=f"{scheme}-{size[0]}")
    for scheme in ("light", "dark")
    for size in ((1440, 900), NARROW)
]


def scroll_through(opened: Opened) -> None:
    """Show every part of the page once, so that all charts are drawn."""
    count = opened.tab.evaluate("document.querySelectorAll('.chart').length")
    assert count > 10
    opened.tab.evaluate("""async () => {
        for (const chart of document.querySelectorAll('.chart')) {
            chart.scrollIntoView();
            await new Promise((done) => setTimeout(done, 20));
        }
    }""")
    # Not wait_for_function: the page's policy refuses to evaluate its text a second time.
    expect(opened.tab.locator(".chart > .plot-container")).to_have_count(count, timeout=30_000)


def no_dialog(opened: Opened) -> list[str]:
    """Return what is told in dialogs from now on."""
    told: list[str] = []

    def hear(dialog: Dialog) -> None:
        told.append(dialog.message)
        dialog.dismiss()

    opened.tab.on("dialog", hear)
    return told


@pytest.mark.parametrize("mode", MODES)
def test_the_page_is_whole_in_both_themes_at_both_widths(
    open_page: Open, reported: Reported, mode: dict[str, Any]
) -> None:
    opened = open_page(reported.html, **mode)
    told = no_dialog(opened)
    scroll_through(opened)
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert opened.tab.evaluate(wide) == 0
    assert opened.tab.locator(".chart svg .trace.scatter").count() > 50
    assert opened.tab.locator("img:not([src^='data:'])").count() == 0
    for name in (IMAGE, PERCENT):
        assert opened.tab.get_by_role("button", name=name).first.is_visible()
    opened.check_accessible()
    assert told == []


def shown(opened: Opened, selector: str) -> Locator:
    """Scroll to the first such chart, so that it is drawn, and return it."""
    chart = opened.tab.locator(selector).first
    chart.scroll_into_view_if_needed()
    chart.locator(".plot-container").wait_for()
    return chart


def test_a_step_tells_what_every_port_has_there(open_page: Open, reported: Reported) -> None:
    opened = open_page(reported.html)
    chart = shown(opened, "#iris .rung .chart")
    box = chart.locator(".nsewdrag").bounding_box()
    assert box
    opened.tab.mouse.move(box["x"] + 4, box["y"] + 0.5 * box["height"])
    hover = chart.locator(".hoverlayer .legend")
    expect(hover).to_contain_text("step 0")  # whose place on a log axis is another number
    expect(hover).to_contain_text("0, outputs")
    for name in ("numpy", "doubled.py", PERCENT):  # no markup, and no place for a number
        expect(hover).to_contain_text(name)


def test_a_chart_can_be_zoomed_into_and_back(open_page: Open, reported: Reported) -> None:
    opened = open_page(reported.html)
    chart, tab = shown(opened, ".ratio .chart"), opened.tab
    read, marks = "div => div.layout.xaxis.range.slice()", "div => div.layout.xaxis.tickmode"
    before = chart.evaluate(read)
    box = chart.bounding_box()
    assert box
    tab.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.3 * box["height"])
    tab.mouse.down()
    tab.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    tab.mouse.up()
    tab.wait_for_timeout(300)
    zoomed = chart.evaluate(read)
    assert before[0] < zoomed[0] < zoomed[1] < before[1]
    assert chart.evaluate(marks) == "auto"
    tab.mouse.dblclick(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    tab.wait_for_timeout(500)
    assert chart.evaluate(read) == pytest.approx(before)
    assert chart.evaluate(marks) == "array"


def test_a_port_can_be_hidden(open_page: Open, reported: Reported) -> None:
    opened = open_page(reported.html)
    shown(opened, ".ratio .chart")
    button = opened.tab.get_by_role("button", name="doubled.py").first
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    seen = """[...document.querySelectorAll('.chart')].flatMap((div) => div.data ?? [])
        .filter((trace) => trace.name === 'doubled.py').map((trace) => trace.visible)"""
    assert set(opened.tab.evaluate(seen)) == {False}
    button.click()
    assert set(opened.tab.evaluate(seen)) == {True}


def test_charts_follow_the_theme(open_page: Open, reported: Reported) -> None:
    opened = open_page(reported.html, color_scheme="light")
    chart = shown(opened, ".loss .chart")
    read = "div => [div.layout.font.color, getComputedStyle(document.body).backgroundColor]"
    light = chart.evaluate(read)
    opened.tab.emulate_media(color_scheme="dark")
    opened.tab.wait_for_timeout(500)
    dark = chart.evaluate(read)
    assert light[0] != dark[0]
    assert light[1] != dark[1]


def test_without_javascript_all_text_is_there(open_page: Open, reported: Reported) -> None:
    opened = open_page(reported.html, java_script_enabled=False)
    tab = opened.tab
    title = tab.get_by_role("heading", level=1).inner_text()
    who = r"\d ports disagree or fail on iris, planar-1 and mnist"
    assert re.fullmatch(rf"{who}; \d+ of 32 results agree", title)
    assert tab.locator(".lead").first.inner_text().partition(";")[0] in reported.run.stdout
    assert "needs JavaScript" in tab.locator("noscript p").first.inner_text()
    assert not tab.locator(".chart").first.is_visible()
    assert tab.locator("table.results").first.is_visible()
    assert tab.locator("article.finding").count() > 10
    assert tab.get_by_text("Looks like").first.is_visible()


def test_bars_of_one_recipe_stand_side_by_side(open_page: Open, reported: Reported) -> None:
    opened = open_page(reported.html)
    charts = opened.tab.locator(".seconds .chart")
    modes = []
    for number in range(charts.count()):
        charts.nth(number).scroll_into_view_if_needed()
        charts.nth(number).locator(".plot-container").wait_for()
        modes.append(charts.nth(number).evaluate("(div) => div.layout.barmode"))
    assert modes == ["group"] * 4


def test_a_port_that_fails_is_red_and_on_top_in_every_chart(
    open_page: Open, reported: Reported
) -> None:
    opened = open_page(reported.html, color_scheme="light")
    scroll_through(opened)
    traces = opened.tab.evaluate("""[...document.querySelectorAll('.chart')]
        .flatMap((div) => div.data ?? []).filter((trace) => trace.port !== undefined)
        .map(({ name, line, marker, zorder }) => [name, (line ?? marker).color, zorder ?? 9])""")
    colours = {name: {colour for own, colour, _ in traces if own == name} for name, *_ in traces}
    assert {len(own) for own in colours.values()} == {1}  # one everywhere
    names = [trace[0] for trace in traces]
    assert {"numpy", "doubled.py"} < set(names)
    right, wrong = colours["numpy"], colours["doubled.py"]
    assert wrong <= {"#c4200f", "#9b1462", "#c2457f"}
    assert not right & wrong
    assert {order for name, _, order in traces if name == "doubled.py"} <= {2, 9}
    assert max(order for name, _, order in traces if name == "numpy" and order < 9) < 2


def test_on_a_phone_what_fails_and_what_was_got_is_seen(
    open_page: Open, reported: Reported
) -> None:
    tab = open_page(reported.html, size=NARROW).tab
    heads = tab.locator(".matrix thead tr").first.locator("th").all_inner_texts()
    assert set(heads[-2:]) == {"numpy", "forward_only.py"}
    got = tab.locator(".values td[data-of=got]").all()
    assert got
    for cell in got[:20]:
        box = cell.bounding_box()
        assert box
        assert box["x"] + box["width"] <= NARROW[0]
    fits = "(table) => table.scrollWidth <= table.parentElement.clientWidth"
    assert tab.locator(".values").evaluate_all(f"own => own.length > 0 && own.every({fits})")


def test_on_paper_charts_keep_to_their_places(open_page: Open, reported: Reported) -> None:
    tab = open_page(reported.html).tab
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    sizes = tab.locator(".rung .chart svg.main-svg").evaluate_all(
        "own => own.map((drawing) => [drawing.clientWidth, drawing.clientHeight])"
    )
    assert sizes
    assert {tuple(size) for size in sizes} == {(172, 140)}
    assert tab.locator(".modebar").count()
    assert tab.locator(".modebar:visible").count() == 0
    tab.emulate_media(media="screen")
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    width = "own => own.querySelector('svg.main-svg').clientWidth - own.clientWidth"
    assert abs(tab.locator(".rung .chart").first.evaluate(width)) <= 1


def test_pictures_for_docs_are_taken(chromium: Browser, reported: Reported, tmp_path: Path) -> None:
    pictures.take_reports(chromium, reported.html, reported.markdown, tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(pictures.OF_REPORTS)
    shown = (ROOT / "docs" / "ci.md").read_text()
    for name in pictures.OF_REPORTS:
        assert f"{name})" in shown
        colours = Image.open(tmp_path / name).getcolors()
        assert colours
        assert len(colours) > 20, name  # something is drawn
