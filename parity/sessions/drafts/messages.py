"""What is asked of the process in which a user's model is imported, and what it answers."""

from dataclasses import dataclass

from parity.processes.messages import Calling, Done, Failed
from parity.standard.inputs import Tensors


@dataclass(frozen=True)
class Look:
    """Request: import a model, call it, and draft a reference for it.

    framework: its own. folder, module, name, arguments: see `Target`, whose `text` stands in
    sentences. beside: the folder that the reference is for. recipe: the file of its recipe.
    shape: of one example, or None where it is to be guessed.
    """

    framework: str
    text: str
    folder: str
    module: str
    name: str
    arguments: str
    beside: str
    recipe: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Draft:
    """What was found.

    port: the source of the reference. weights: as the model draws them. data: x, y, x_test, y_test.
    loss: what it is called.
    """

    port: str
    weights: Tensors
    data: Tensors
    loss: str


DraftMessage = Calling | Draft | Failed | Done
