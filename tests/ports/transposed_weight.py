"""Planted: the weights are given back in torch's layout, (outputs, inputs)."""

from impls.torch.iris import accuracy, build, forward, gradients, loss, train  # noqa: F401

FRAMEWORK = "torch"


def export(model):
    state = model.state_dict()
    return {"W": state["linear.weight"].clone(), "b": state["linear.bias"].clone()}
