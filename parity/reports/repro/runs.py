"""Scripts for what goes wrong in a run of many steps, or in the model that it trains."""

from typing import Any

import numpy as np

from parity.reports.repro.scene import COMPARE, TRAIN, Demonstration, Scene, native
from parity.rungs.ladder import margin_noise
from parity.standard.place import SECOND
from shared.metrics import true_classes
from shared.rows import named

FINITE = 1e300  # a floor that allows any number there is


def free_run(scene: Scene) -> Demonstration:
    """Train from the start up to the step at which a loss, or the weights, are wrong."""
    if scene.place.kind == "second call":
        return _second_call(scene)
    if scene.place.kind == "trained model":
        return _trained_model(scene)
    step, weights = scene.step, scene.inputs.weights
    if scene.place.name != "loss":
        path = scene.reference.path
        due = path[step] if step in path else scene.inquiry.known[step].weights
        code = [TRAIN, "got = export(model)", COMPARE]
        about = f"The initial weights, and the first {step} steps."
        floors = scene.inquiry.allowing("trajectory", scene.floors.path_at(step))
        return Demonstration(about, code, weights, *scene.steps(0, step), due, floors)
    assert scene.result.divergence
    count = step + 1 if scene.result.divergence.size else scene.inputs.steps  # of a wrong shape
    losses, noise = scene.reference.losses[:count], scene.floors.losses[:count]
    code = [TRAIN, 'got = {"loss": losses}', COMPARE]
    about = f"The initial weights, and the first {count} steps, each with its loss before it."
    return Demonstration(
        about, code, weights, *scene.steps(0, count), {"loss": losses}, {"loss": noise}
    )


def _second_call(scene: Scene) -> Demonstration:
    """Train for one step and, by a second call, for one more at another rate."""
    x, y, schedule = scene.steps(0, 2)
    calls = ("1", "1") if isinstance(schedule, int) else ("schedule[:1]", "schedule[1:]")
    losses = scene.reference.losses[1:2]
    got = 'got = {"loss": losses}'
    expected: dict[str, Any] = {"loss": losses}
    noise: dict[str, Any] = {"loss": float(scene.floors.losses[1])}
    if not scene.lacks("export"):
        got = 'got = {"loss": losses, **export(model)}'
        expected |= scene.reference.resumed
        noise |= scene.floors.path[2]
    noise = scene.inquiry.allowing("trajectory", noise)
    code = [
        f"model, losses = train(build(weights), x, y, {calls[0]}, learning_rate)",
        f"model, losses = train(model, x, y, {calls[1]}, {SECOND} * learning_rate)",
        got,
        COMPARE,
    ]
    about = "The initial weights, and two calls of one step each."
    return Demonstration(about, code, scene.inputs.weights, x, y, schedule, expected, noise)


def _trained_model(scene: Scene) -> Demonstration:
    """Train to the end; hold the model to one that is built anew from its weights."""
    last = scene.inputs.steps - 1
    x, y, schedule = scene.steps(0, last + 1)
    rung, call = {
        "outputs": ("forward", '{"outputs": forward(model, batch[0])}'),
        "loss": ("loss", '{"loss": loss(model, *batch)}'),
    }.get(scene.place.name, ("gradients", "gradients(model, *batch)"))
    rows = ", ".join(native(name, own, "[schedule[-1]]") for name, own in (("x", x), ("y", y)))
    code = [
        TRAIN,
        f"batch = {'x, y' if isinstance(schedule, int) else rows}",
        f"got = {call}",
        "exported = {name: native(plain(value)) for name, value in export(model).items()}",
        "model = build(exported)",
        f"expected = {{name: plain(value) for name, value in {call}.items()}}",
        COMPARE,
    ]
    floors = scene.inquiry.allowing("trajectory", scene.floors.expected[rung, last])
    about = "The whole run; its model is held to one that is built anew from its weights."
    return Demonstration(about, code, scene.inputs.weights, x, y, schedule, floors=floors)


def accuracy_after_training(scene: Scene) -> Demonstration:
    """Train to the end; hold the port's own accuracy to its outputs of the same rows."""
    split, rows, targets = scene.split()
    weights, run = scene.inputs.weights, scene.steps(0, scene.inputs.steps)
    outputs = scene.reference.outputs[split]
    about = f"The whole run; then all rows to {split} on."
    given = native("rows", rows), native("targets", targets)
    code = [TRAIN, f"rows, targets = {', '.join(given)}"]
    extra: dict[str, Any] = {**named("rows", rows), **named("targets", targets)}
    if scene.place.name == "outputs":
        code += ['got = {"outputs": forward(model, rows)}', COMPARE]
        due = {"outputs": outputs}, {"outputs": FINITE}
        return Demonstration(about, code, weights, *run, *due, extra, allowed="any number")
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        column = "outputs" if outputs.ndim == 1 else "outputs[:, 0]"
        over = f"{column} - {scene.inputs.threshold}"
        ranking = [f"over = {over}", "classes, margins = over > 0, np.abs(over)"]
    else:
        ranking = [
            "ranked = np.sort(outputs, axis=1)",
            "classes, margins = outputs.argmax(axis=1), ranked[:, -1] - ranked[:, -2]",
        ]
    code += [
        *("outputs = plain(forward(model, rows))", *ranking),
        'uncertain = np.count_nonzero(~(margins > data["noise"]))',
        'expected = {"accuracy": np.mean(classes == data["classes"])}',
        'floors = {"accuracy": (uncertain + 0.5) / len(classes)}',
        'got = {"accuracy": plain(accuracy(model, rows, targets)).item()}',
        COMPARE,
    ]
    noise = np.float64(margin_noise(scene.floors.outputs[split]))
    extra |= {"classes": true_classes(targets), "noise": noise}
    allowed = "half a row and the rows whose class rounding may turn"
    return Demonstration(about, code, weights, *run, extra=extra, limit=1, allowed=allowed)
