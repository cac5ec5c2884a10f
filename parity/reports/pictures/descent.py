"""The descent on a parabola: where each step leads."""

import numpy as np
from matplotlib.figure import Figure

from parity.reports.pictures.style import Pictures, port_style
from parity.reports.plot_data.drawn import Drawn

LABELLED = 6  # steps whose numbers are written out


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
        look = {**port_style(each.looks[port]), "marker": "o", "markersize": 7 - number}
        parabola.plot(w, curve.losses, label=port, **look)
        path.plot(np.arange(len(w)), w, label=port, **look)
    losses = own[0][1].losses[:LABELLED]
    rows = [
        f"{k}  {w:8.5f}  {loss:8.5f}"
        for k, (w, loss) in enumerate(zip(np.sqrt(losses) - 1, losses, strict=True))
    ]
    text = "\n".join(["k         w      loss", *rows])
    parabola.text(-1, 38, text, family="monospace", ha="center", va="top", fontsize=9)
    parabola.set(xlabel="w", ylabel="loss")
    path.axhline(-1, color="#999999", linewidth=1)
    path.set(xlabel="step", ylabel="w before the step")
    lines, labels = path.get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside lower center", ncols=len(labels))
    yield "descent-parabola", figure
