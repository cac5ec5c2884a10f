"""Scripts for what goes wrong on all rows, and for arrays that a port changes."""

import numpy as np

from parity.reports.repro.runs import accuracy_after_training
from parity.reports.repro.scene import COMPARE, Demonstration, Scene
from parity.rungs.ladder import margin_noise
from shared import renames
from shared.metrics import correct_rows, margins

FRESH = "build(dict(weights))"  # `build` may take its dict apart
OUTPUTS = 'got = {"outputs": forward(build(weights), x)}'


def accuracy(scene: Scene) -> Demonstration:
    """Predict all rows of a split from the reference's last weights."""
    if scene.place.kind == "after training":
        return accuracy_after_training(scene)
    split, x, y = scene.split()
    weights, outputs = scene.reference.final(scene.inputs.dtype), scene.reference.outputs[split]
    floor = scene.floors.outputs[split]
    about = f"The reference's last weights, and all rows to {split} on."
    if scene.place.name != "accuracy":
        due = {"outputs": outputs}, {"outputs": floor}
        return Demonstration(about, [OUTPUTS, COMPARE], weights, x, y, None, *due)
    threshold = scene.inputs.threshold
    uncertain = int(np.count_nonzero(~(margins(outputs, threshold) > margin_noise(floor))))
    return Demonstration(
        about,
        ['got = {"accuracy": plain(accuracy(build(weights), x, y)).item()}', COMPARE],
        *(weights, x, y, None),
        {"accuracy": correct_rows(outputs, y, threshold) / len(y)},
        {"accuracy": (uncertain + 0.5) / len(y)},
        limit=1,
        allowed=f"half a row and {uncertain} rows whose class rounding may turn",
    )


def data(scene: Scene) -> Demonstration:
    """Call one function after the other, until one has changed the array."""
    split, x, y = scene.split()
    weights, schedule = scene.inputs.weights, None
    if scene.place.kind == "batch":
        weights, (x, y) = scene.weights_before(scene.step), scene.batch()
    elif split == "train":
        x, y, schedule = scene.steps(0, scene.inputs.steps)
    name, kept, given = _changed(scene, split)
    calls = {
        "build": FRESH,
        "forward": f"forward({FRESH}, x)",
        "layers": f"layers({FRESH}, x)",
        **{each: f"{each}({FRESH}, x, y)" for each in ("loss", "gradients", "accuracy")},
        "train": f"train({FRESH}, x, y, schedule, learning_rate)",
    }
    if schedule is None:
        del calls["train"]
    provided = {each: call for each, call in calls.items() if scene.has(each)}
    code = [
        "calls = {",
        '    "conversion": lambda: None,',
        *(f'    "{each}": lambda: {call},' for each, call in provided.items()),
        "}",
        "for function, call in calls.items():",
        "    call()",
        f"    name = {name!r} + ' after ' + function",
        f"    if differs({{name: {given}}}, {{name: data[{kept!r}]}}, {{name: 1}}):",
        "        return True",
        "return False",
    ]
    about = f"Every function in turn, until one has changed {scene.place}."
    return Demonstration(about, code, weights, x, y, schedule, limit=0, allowed="nothing")


def _changed(scene: Scene, split: str) -> tuple[str, str, str]:
    """Return what an array is called, what its values are in `data`, and the code that is it."""
    name = scene.place.name
    if name in scene.inputs.weights:
        name = renames.name_of(scene.renames, name)
        return name, f"weights {name}", f"weights[{name!r}]"
    argument, _, part = name.partition(".")
    argument = argument.removesuffix("_test") if split == "test" else argument
    if not part:
        return argument, argument, argument
    return f"{argument}.{part}", f"{argument}.{part}", f"{argument}[{part!r}]"
