"""Scripts for what goes wrong in one step, from the reference's own weights."""

from parity.reports.repro.scene import COMPARE, TRAIN, Demonstration, Scene
from parity.rungs.ladder import provided
from parity.standard.inputs import PART

LOOK = {"forward": '"outputs": forward(build(weights), x)', "layers": "**layers(build(weights), x)"}


def call(scene: Scene, rung: str) -> str:
    """Return the line that calls what a port answers a rung by: forward, loss or gradients."""
    if rung == "gradients":
        return "got = gradients(build(weights), x, y)"
    if rung == "loss":
        return 'got = {"loss": loss(build(weights), x, y)}'
    due = [text for name, text in LOOK.items() if scene.has(name)]
    return f"got = {{{', '.join(due)}}}"


def one_call(scene: Scene) -> Demonstration:
    """Call forward, loss or gradients on the batch of one step."""
    code = [call(scene, scene.rung), COMPARE]
    weights, (expected, floors) = scene.weights_before(scene.step), scene.due()
    if scene.rung == "forward":
        record = scene.inquiry.record
        got = record.answers["forward", scene.step]
        expected, _ = provided(expected, got, record.lacking, scene.inputs)
    return Demonstration(_about(scene), code, weights, *scene.batch(), None, expected, floors)


def update(scene: Scene) -> Demonstration:
    """Train for one step."""
    expected, floors = scene.due()
    got = 'got = {"loss": losses, **export(model)}'
    if scene.lacks("export"):
        expected, got = {"loss": expected["loss"]}, 'got = {"loss": losses}'
    rows = scene.steps(scene.step, scene.step + 1)
    weights = scene.weights_before(scene.step)
    return Demonstration(_about(scene), [TRAIN, got, COMPARE], weights, *rows, expected, floors)


def _about(scene: Scene) -> str:
    if scene.step == PART:
        return "The reference's weights before the last step, and half the rows of the first batch."
    return f"The reference's weights before step {scene.step}, and the rows that this step sees."
