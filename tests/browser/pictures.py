"""The pictures of the guide that README and docs show: `python -m tests.browser.pictures`.

They are taken of the guide in out/guide, as `make guide` builds it.
"""

import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, ViewportSize

from parity.contract import ROOT
from tests.browser.conftest import executable, launched

PLANTED = "planar-torch-sum-for-mean"
COLOURS = 160
# Of which address, and how wide and high.
PICTURES = {
    "guide-columns.png": ("mnist.html?frameworks=torch,jax#train", 1440, 760),
    "guide-numbers.png": (f"planar.html?frameworks=torch,jax&trap={PLANTED}#loss", 1100, 800),
    "guide-traps.png": (
        "traps.html?words=softmax+or+sigmoid#mnist-torch-softmax-twice",
        *(1100, 640),
    ),
}


def take(browser: Browser, guide: Path, folder: Path) -> None:
    """Take all pictures of a guide, and write them into a folder."""
    for name, (address, width, height) in PICTURES.items():
        tab = browser.new_page(viewport=ViewportSize(width=width, height=height))
        tab.goto(f"{guide.absolute().as_uri()}/{address}")
        picture = Image.open(BytesIO(tab.screenshot()))
        picture.quantize(COLOURS).save(folder / name, optimize=True)
        tab.close()


if __name__ == "__main__":
    path = executable()
    if path is None:
        sys.exit("no Chromium is found: see $CHROMIUM")
    with launched(path) as chromium:
        take(chromium, ROOT / "out" / "guide", ROOT / "docs")
