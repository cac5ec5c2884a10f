"""What the bench and its worker processes say to each other."""

from dataclasses import dataclass
from pathlib import Path

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
class Checkpoint:
    """Request: measure the noise floors of one checkpoint, and take plain steps beside that.

    recipe: a user's. reference: a port in the library's own framework.
    """

    recipe: Path
    reference: Path


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


@dataclass(frozen=True)
class TimedCheckpoint:
    """Seconds of a plain step, in the median, and of the noise floors of one checkpoint."""

    step: float
    floors: float


@dataclass(frozen=True)
class Join:
    """Request: become one of the workers that a framework's ports spread over."""

    framework: str
    rank: int
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Spread:
    """Request: take steps, with all the other workers.

    net: that is trained, `mnist_workers`, or `mnist`, which does not spread; without one, only as
    many numbers as it has weights are summed over the workers.
    """

    net: str
    steps: int
    batch: int = 0


@dataclass(frozen=True)
class Took:
    """The seconds of all the steps."""

    seconds: float


SpreadRequest = Join | Spread
SpreadMessage = Took | Calling | Failed | Done
BenchRequest = Open | Work | Checkpoint
BenchMessage = Opened | Trained | TimedCheckpoint | Calling | Failed | Done
