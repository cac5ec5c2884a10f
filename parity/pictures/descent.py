"""The descent on a parabola: where each step leads."""

import numpy as np
from matplotlib.figure import Figure

from parity.pictures.style import Drawn, Pictures, port_style

LABELLED = 5  # steps that have a number beside them


def draw(drawn: list[Drawn]) -> Pictures:
    """Draw the points (w, loss) of each port's run on (w + 1)^2, and w against the step."""
    [each] = drawn
    own = [(result.port, result.curves) for result in each.single if result.curves]
    if not own:
        return
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    figure.suptitle(f"{each.recipe}, {each.dtype}: descent on (w + 1)²")
    parabola, path = figure.subplots(1, 2)
    line = np.linspace(-7.5, 5.5, 200)
    parabola.plot(line, (line + 1) ** 2, color="#999999", linewidth=1, label="(w + 1)²")
    for number, (port, curve) in enumerate(own):
        w = np.sqrt(curve.losses) - 1  # it falls from 5, and never passes -1
        look = {**port_style(number), "marker": "o", "markersize": 7 - number}
        parabola.plot(w, curve.losses, label=port, **look)
        path.plot(np.arange(len(w)), w, label=port, **look)
    w = np.sqrt(own[0][1].losses[:LABELLED]) - 1
    for step, value in enumerate(w):
        text = f"{step}: w = {value:.4g}"
        parabola.annotate(text, (value, (value + 1) ** 2), (8, 2), textcoords="offset points")
    parabola.set(xlabel="w", ylabel="loss", xlim=(-7.5, 9))
    path.axhline(-1, color="#999999", linewidth=1)
    path.set(xlabel="step", ylabel="w before the step")
    path.legend()
    yield "descent-parabola", figure
