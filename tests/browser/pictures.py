"""The pictures of guide and reports that README and docs show: `python -m tests.browser.pictures`.

The guide's are taken of out/guide, as `make guide` builds it; the reports' of a comparison of two
ports with mistakes, which takes minutes and runs first.
"""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, ViewportSize, expect

from guide.documents import PARSER
from parity.contract import ROOT
from tests.browser.conftest import executable, launched
from tests.test_readme import WRONG

PLANTED = "planar-torch-sum-for-mean"
COLOURS = 160
MARGIN = 16
# Of which address, and how wide and high.
PICTURES = {
    "guide-columns.png": ("mnist.html?frameworks=torch,jax#train", 1440, 760),
    "guide-numbers.png": (f"planar.html?frameworks=torch,jax&trap={PLANTED}#loss", 1100, 800),
    "guide-traps.png": (
        "traps.html?words=softmax+or+sigmoid#mnist-torch-softmax-twice",
        *(1100, 640),
    ),
}
OF_REPORTS = ("report-planar.png", "report-verdicts.png", "report-markdown.png")
COMPARISON = ("planar", "iris", "mnist", "--steps", "1000", "--quiet")
# What GitHub shows a job summary in, as far as it matters here.
GITHUB = """
<!doctype html><meta charset="utf-8"><style>
body { margin: 28px; font: 14px/1.5 "Liberation Sans", Arial, sans-serif; color: #1f2328 }
h2 { padding-bottom: 7px; border-bottom: 1px solid #d1d9e0; font-size: 21px }
code { padding: 3px 6px; border-radius: 6px; background: #818b981f; font-size: 12px }
table { border-collapse: collapse } tbody tr:nth-child(even) { background: #f6f8fa }
th, td { padding: 6px 10px; border: 1px solid #d1d9e0 } details { margin: 8px 0 }
h2 { margin-top: 0 } th code { font-weight: normal } ul { padding-left: 24px }
</style>
"""


def take(browser: Browser, guide: Path, folder: Path) -> None:
    """Take all pictures of a guide, and write them into a folder."""
    for name, (address, width, height) in PICTURES.items():
        tab = _opened(browser, f"{guide.absolute().as_uri()}/{address}", width, height)
        _keep(tab.screenshot(), folder / name)
        tab.close()


def take_reports(browser: Browser, html: Path, markdown: Path, folder: Path) -> None:
    """Take all pictures of a report and of a summary in Markdown, and write them into a folder."""
    curves, verdicts, summary = (folder / name for name in OF_REPORTS)
    tab = _opened(browser, html.as_uri(), 1440, 700)
    _keep(tab.screenshot(), verdicts)
    tab.close()
    tab = _opened(browser, html.as_uri(), 1376, 1000)
    charts = tab.locator(".charts.two").first
    for chart in charts.locator(".chart").all():
        chart.scroll_into_view_if_needed()
        expect(chart.locator(".plot-container")).to_be_visible()  # it is drawn where it is seen
    box = charts.bounding_box()
    assert box
    left, top = (box[side] - MARGIN for side in ("x", "y"))
    width, height = (box[side] + 2 * MARGIN for side in ("width", "height"))
    scrolled = tab.evaluate("scrollY")
    clip = FloatRect(x=left, y=top + scrolled, width=width, height=height)
    _keep(tab.screenshot(full_page=True, clip=clip), curves)
    tab.close()
    tab = _opened(browser, "about:blank", 1100, 760)
    tab.set_content(GITHUB + PARSER.render(markdown.read_text()))
    tab.locator("summary").first.click()
    _keep(tab.screenshot(), summary)
    tab.close()


def compare(folder: Path) -> tuple[Path, Path]:
    """Compare two ports with mistakes; return the report and the summary in Markdown."""
    html, markdown = folder / "report.html", folder / "report.md"
    (folder / "my_port.py").write_text(WRONG)
    subprocess.run(
        [
            *(sys.executable, ROOT / "compare.py", *COMPARISON),
            *("--with", "planar=my_port.py"),
            *("--with", f"mnist={ROOT / 'tests' / 'ports' / 'softmax_twice.py'}"),
            *("--html", html, "--markdown", markdown),
        ],
        cwd=folder,
        check=False,
    )
    return html, markdown


def _opened(browser: Browser, address: str, width: int, height: int) -> Page:
    tab = browser.new_page(viewport=ViewportSize(width=width, height=height))
    tab.goto(address)
    return tab


def _keep(screenshot: bytes, file: Path) -> None:
    """Write a picture into a file, in few colours."""
    Image.open(BytesIO(screenshot)).quantize(COLOURS).save(file, optimize=True)


if __name__ == "__main__":
    path = executable()
    if path is None:
        sys.exit("no Chromium is found: see $CHROMIUM")
    with TemporaryDirectory() as own:
        reports = compare(Path(own))
        with launched(path) as chromium:
            take(chromium, ROOT / "out" / "guide", ROOT / "docs")
            take_reports(chromium, *reports, ROOT / "docs")
