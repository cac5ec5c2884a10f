"""The report in a browser: its charts, its themes, and nothing of a port's run as code."""

from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, expect

from tests.browser.conftest import NARROW, Open, Opened
from tests.reported import IMAGE, PERCENT, Reported

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
    assert opened.tab.locator(".chart svg .scatterlayer .trace").count() > 50
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


def test_a_point_tells_its_value_and_its_port(open_page: Open, reported: Reported) -> None:
    chart = shown(open_page(reported.html), "#iris .rung .chart")
    said = chart.evaluate("""(div) => {
        const curve = div.data.findIndex((trace) => trace.name.includes("bold"));
        Plotly.Fx.hover(div, [{ curveNumber: curve, pointNumber: 0 }]);
        return div.querySelector(".hoverlayer").textContent;
    }""")
    assert "step 0: 0, outputs" in said
    assert PERCENT in said  # no markup, and no place for a number


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
    assert tab.get_by_role("heading", level=1).inner_text() in reported.run.stdout
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
    assert modes == ["overlay", *["group"] * 4]
