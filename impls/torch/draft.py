"""What a reference that is drafted must know of a user's model in PyTorch."""

from pathlib import Path

import torch

from shared.drafts import observed

KIND = "a torch.nn.Module"
GIVEN = {}  # constructors take nothing that users leave to the framework
SIDE = 32  # of an image, where nothing says how large it is
IMAGES = {torch.nn.Conv1d: 1, torch.nn.Conv2d: 2}  # the dimensions that are convolved over


def model_of(value):
    """Return a value as a model, None if it is none."""
    return Model(value) if isinstance(value, torch.nn.Module) else None


def begin(seed):
    """Let what is drawn from now on follow from a seed."""
    torch.manual_seed(seed)


class Model:
    """A torch.nn.Module."""

    template = Path(__file__).with_name("draft.toml")

    def __init__(self, module):
        self.module = module
        self.differentiated = "all"

    def weights(self):
        """Return copies of all weights and buffers by name, as NumPy arrays."""
        return {name: value.numpy(force=True).copy() for name, value in self._state().items()}

    def shape(self):
        """Return the shape of one example, as the first layer has it, or None."""
        for layer in self.module.modules():
            if isinstance(layer, torch.nn.Linear):
                return (layer.in_features,)
            if type(layer) in IMAGES:
                return (layer.in_channels, *[SIDE] * IMAGES[type(layer)])
            if next(layer.parameters(recurse=False), None) is not None:
                return None
        return None

    def symbols(self):
        """Return how many symbols there are, if the first layer looks them up, or None."""
        layers = self.module.modules()
        first = next((each for each in layers if [*each.parameters(recurse=False)]), None)
        return first.num_embeddings if isinstance(first, torch.nn.Embedding) else None

    def mode(self, x):
        """Return what the model does while it is trained."""
        return observed(self.run, self.weights, x)

    def run(self, x, training=False):
        """Return the outputs on some rows, (rows, ...)."""
        outputs = self.module.train(training)(torch.from_numpy(x))
        if training and isinstance(outputs, torch.Tensor):
            self._differentiate(outputs)
        return outputs.numpy(force=True) if isinstance(outputs, torch.Tensor) else outputs

    def fields(self, table):
        """Return what else stands in the template."""
        return {"gradients": table["gradients"][self.differentiated].lstrip("\n")}

    def _state(self):
        state = self.module.state_dict()
        return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}

    def _differentiate(self, outputs):
        """Find out whether every weight has a gradient."""
        self.module.zero_grad()
        outputs.sum().backward()
        if any(weight.grad is None for weight in self.module.parameters()):
            self.differentiated = "some"
