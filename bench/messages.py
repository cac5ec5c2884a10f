"""What the bench and its worker processes say to each other."""

from dataclasses import dataclass

from bench.contender import Contender
from parity.processes.messages import Calling, Done, Failed


@dataclass(frozen=True)
class Open:
    """Request: import a library, and say what contenders it has."""

    library: str


@dataclass(frozen=True)
class Work:
    """Request: train a contender for some steps; arrays of synthetic work are made by the worker.

    contender: its place in its library's list. batch, hidden: of synthetic work, rows per step of a
    softmax regression, or the hidden units of a planar net; None for the recipe's own. data: as
    --data of compare.py.
    """

    recipe: str
    contender: int
    steps: int
    batch: int | None = None
    hidden: int | None = None
    data: str = "auto"


@dataclass(frozen=True)
class Opened:
    """The contenders of a library, its own port first."""

    contenders: tuple[Contender, ...]


@dataclass(frozen=True)
class Trained:
    """How long it took to train, from the arrays to the losses in NumPy; and some of the losses."""

    seconds: float
    first: float
    last: float


BenchRequest = Open | Work
BenchMessage = Opened | Trained | Calling | Failed | Done
