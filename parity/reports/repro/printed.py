"""Scripts for figures that others printed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.reports.repro.scene import COMPARE, TRAIN, Demonstration, Scene
from parity.reports.repro.steps import call
from parity.rungs import published
from shared.batches import Schedule
from shared.figures import Figure

Array = NDArray[Any]

STEP = 1e-6  # of a number, to see how what is printed moves with it


def figure(scene: Scene) -> Demonstration:
    """Compute a number of which others printed a figure."""
    figures = scene.inquiry.standard.figures
    assert scene.result.divergence
    place = scene.place.name, scene.step, scene.result.divergence.index
    own = next(f for f in figures if (f.name, f.step, f.index) == place)
    number, half = _number(scene, own)
    weights, index = scene.inputs.weights, f"[{', '.join(map(str, own.index))}]" * bool(own.index)
    extra: dict[str, Array | float] = {}
    data: tuple[Array, Array, Schedule | None]
    if own.rung in ("forward", "gradients"):
        data = *scene.batch(), None
        code = [call(scene, own.rung), f"value = plain(got[{own.tensor!r}]){index}"]
        about = f"The weights before step {own.step}, and {own.name}."
    elif own.tensor == "loss":
        data = scene.steps(0, own.step + 1)
        code = [TRAIN, f"value = plain(losses){index}"]
        about = f"The initial weights, up to step {own.step}, of which others printed {own.name}."
    else:
        data = scene.steps(0, scene.inputs.steps)
        _, rows, targets = scene.split()
        extra = {"rows": rows, "targets": targets}
        code = [TRAIN, 'rows, targets = native(data["rows"]), native(data["targets"])']
        function = "accuracy(model, rows, targets)"
        if own.tensor.startswith("outputs"):
            function = "forward(model, rows)"
        code.append(f"value = plain({function}){index or '.item()'}")
        about = f"The whole run; then {own.name}."
    x, y, schedule = data
    allowed = f"half of the last digit of {own.printed}"
    return Demonstration(
        about,
        [*code, f"got = {{{own.name!r}: value}}", COMPARE],
        *(weights, x, y, schedule),
        *({own.name: number}, {own.name: half}, extra),
        limit=1,
        allowed=allowed,
    )


def _number(scene: Scene, own: Figure) -> tuple[float, float]:
    """Return of what number a figure was printed, and how far off it may be."""
    got = published.answered(own, scene.inputs.steps, scene.inquiry.record)
    step = STEP * max(abs(got), STEP)
    slope = (own.of(got + step) - own.of(got - step)) / (2 * step)
    return got + (float(own.printed) - own.of(got)) / slope, float(np.abs(own.half_digit / slope))
