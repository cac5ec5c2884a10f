"""Scripts for what goes wrong in one step, from the reference's own weights."""

from parity.inputs import PART
from parity.repro.scene import COMPARE, TRAIN, Case, Scene

CALLS = {
    "forward": 'got = {"outputs": forward(build(weights), x)}',
    "loss": 'got = {"loss": loss(build(weights), x, y)}',
    "gradients": "got = gradients(build(weights), x, y)",
}


def one_call(scene: Scene) -> Case:
    """Call forward, loss or gradients on the batch of one step."""
    code = [CALLS[scene.rung], COMPARE]
    weights = scene.weights_before(scene.step)
    return Case(_about(scene), code, weights, *scene.batch(), None, *scene.due())


def update(scene: Scene) -> Case:
    """Train for one step."""
    expected, floors = scene.due()
    got = 'got = {"loss": losses, **export(model)}'
    if scene.lacks("export"):
        expected, got = {"loss": expected["loss"]}, 'got = {"loss": losses}'
    rows = scene.steps(scene.step, scene.step + 1)
    weights = scene.weights_before(scene.step)
    return Case(_about(scene), [TRAIN, got, COMPARE], weights, *rows, expected, floors)


def _about(scene: Scene) -> str:
    if scene.step == PART:
        return "The reference's weights before the last step, and half the rows of the first batch."
    return f"The reference's weights before step {scene.step}, and the rows that this step sees."
