"""Pictures in a page: grey images as PNG, within the page itself."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from parity.reports.plot_data.digits import largest_weight, weight_images
from parity.reports.plot_data.drawn import Drawn

Array = NDArray[Any]


@dataclass(frozen=True)
class Picture:
    """A port's weights as images side by side; `source` holds them."""

    port: str
    dtype: str
    source: str


def weights(drawn: Drawn) -> list[Picture]:
    """Return what each port has learned of images: dark speaks for the digit, light against."""
    own = drawn.weighted()
    largest = largest_weight(drawn, own)
    return [
        Picture(result.port, result.dtype, _source(weight_images(drawn, result), largest))
        for result in own
    ]


def _source(images: Array, largest: float) -> str:
    row = np.concatenate(list(images), axis=1).astype(np.float64)
    grey = np.rint(127.5 * (1 - row / largest)).astype(np.uint8)
    return f"data:image/png;base64,{base64.b64encode(png(grey)).decode()}"


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a grey image (height, width) as a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", optimize=True)
    return stream.getvalue()
