"""What a softmax regression has learned of images: its weights as images, and its confusions."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from parity.reports.pictures.style import Pictures
from parity.reports.plot_data.digits import largest_weight, weight_images
from parity.reports.plot_data.drawn import Drawn
from shared import metrics

Array = NDArray[Any]


def draw(drawn: list[Drawn]) -> Pictures:
    """Draw weights and confusions of each recipe."""
    for each in drawn:
        if not each.weighted():
            continue
        yield f"{each.recipe}-weights", weights(each)
        answered = any("test" in result.predicted for result in each.single)
        if answered and each.experiment.y_test is not None:
            yield f"{each.recipe}-confusion", confusion(each, each.experiment.y_test)


def weights(drawn: Drawn) -> Figure:
    """Draw the ten columns of W, a row per port: dark speaks for the digit, light against."""
    own = drawn.weighted()
    figure = Figure(figsize=(10.5, 0.92 * len(own) + 0.8), layout="constrained")
    figure.suptitle(f"{drawn.title}, {drawn.dtype}: weights")
    grid = figure.subplots(len(own), 10, squeeze=False)
    largest = largest_weight(drawn, own)
    image = None
    for result, row in zip(own, grid, strict=True):
        for pixels, axes in zip(weight_images(drawn, result), row, strict=True):
            image = axes.imshow(pixels, cmap="Greys", vmin=-largest, vmax=largest)
            axes.set(xticks=[], yticks=[])
        row[0].set_ylabel(result.port, rotation=0, ha="right", va="center")
    for digit, axes in enumerate(grid[0]):
        axes.set_title(f"{digit}")
    if image:
        bar = figure.colorbar(image, ax=grid, shrink=0.8)
        bar.set_label("weight of a pixel")
    return figure


def confusion(drawn: Drawn, y_test: Array) -> Figure:
    """Draw how many images of each digit are taken for which, by the first port.

    y_test: their classes, one-hot or (images,).
    """
    own = [result for result in drawn.single if "test" in result.predicted]
    outputs = [result.predicted["test"] for result in own]
    classes = [metrics.predicted_classes(each) for each in outputs]
    counts = metrics.confusion(outputs[0], y_test)
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    figure.suptitle(f"{drawn.title}, {drawn.dtype}\nconfusions of {len(y_test):,} test images")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(np.sqrt(shares), cmap="Greys", vmin=0, vmax=1)  # the root shows what is rare, too
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if np.sqrt(shares[row, column]) > 0.6 else "black"
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, fontsize=9)
    axes.set(xticks=range(10), yticks=range(10), xlabel="predicted digit", ylabel="true digit")
    others = [
        f"{result.port} {np.count_nonzero(theirs != classes[0])}"
        for result, theirs in zip(own[1:], classes[1:], strict=True)
    ]
    said = f"; predictions that differ from it: {', '.join(others)}" if others else ""
    axes.set_title(f"{own[0].port}{said}", fontsize=9)
    return figure
