"""What the judge and its worker processes say to each other: requests one way, messages back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from parity.contract import Mode, PortName, Seat
from parity.results import Diagnosis, Divergence
from parity.standard.comparison import Comparison
from parity.standard.floors import NoiseFloors
from parity.standard.inputs import Inputs, Tensors
from parity.standard.inside import Arguments, FoundLayers, ReferenceLayers
from parity.standard.reference import At, Floors, Reference, Waypoint

Array = NDArray[Any]
Shapes = dict[tuple[str, int | str], dict[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Load:
    """Request: load a port's framework and, if it is a user's file, the port.

    seat: the place in a group of workers that the process is to take before, if it is in one.
    """

    port: PortName
    seat: Seat | None = None


@dataclass(frozen=True)
class Climb:
    """Request: run the port through all rungs, its framework's compiler on or off.

    checkpoints: the reference's weights before some steps, rounded to the working precision.
    final: those after the last step. shapes: of what is expected, by rung and step and, of all rows
    of a split, by "accuracy" and the split; an answer of another shape is sent without its values.
    grid: points of the plane, (n, 2), on which the trained model is asked once more, for pictures.
    """

    inputs: Inputs
    mode: Mode
    checkpoints: dict[int, Tensors]
    final: Tensors
    shapes: Shapes = field(default_factory=dict)
    grid: Array | None = None


@dataclass(frozen=True)
class Visit:
    """Request: run the port through the rungs forward to update, at one step of the reference's.

    weights: the reference's before that step, rounded to the working precision.
    """

    inputs: Inputs
    mode: Mode
    step: int
    weights: Tensors


@dataclass(frozen=True)
class Replay:
    """Request: run the port freely from the start, and give back its weights after some steps.

    Every one of the `stops` is a run of its own, so that no state is lost between two calls.
    """

    inputs: Inputs
    mode: Mode
    stops: tuple[int, ...]


@dataclass(frozen=True)
class Refer:
    """Request: run the reference."""

    inputs: Inputs


@dataclass(frozen=True)
class Retrace:
    """Request: go along the reference's path again, from a checkpoint to a step between two.

    weights: the unrounded ones at the checkpoint `start`.
    """

    inputs: Inputs
    start: int
    weights: Tensors
    stop: int


@dataclass(frozen=True)
class Recognise:
    """Request: the fingerprint of a user's reference, under which its noise floors are kept."""

    inputs: Inputs
    reference: Reference


@dataclass(frozen=True)
class Measure:
    """Request: measure the noise floors around a reference."""

    inputs: Inputs
    reference: Reference


@dataclass(frozen=True)
class Wander:
    """Request: widen the floors of the free run, if kinks may have led a port as far as it went.

    The rest is as of `parity.standard.wandering.wander`.
    """

    inputs: Inputs
    reference: Reference
    floors: NoiseFloors
    weights: Floors
    losses: Array


@dataclass(frozen=True)
class Predictions:
    """A model's outputs on the rows of one split, and the port's own accuracy of them.

    rung: "accuracy" at the reference's last weights, "trajectory" after the free run.
    """

    rung: str
    split: str
    outputs: Array | None
    figure: float | None


@dataclass(frozen=True)
class Findings:
    """What is known of a disagreement; all of it numbers, so that it can be sent to a worker.

    answers: the port's, by rung and step. again: what it answered when asked once more at the step
    of the divergence. states: losses and weights of its free run after some numbers of steps.
    waypoint: the reference at the step of the divergence, if that is no checkpoint. lacking: the
    functions that the port does not provide. apart: whether its workers' answers differ on that
    rung. inside: how many floors it is, at most, from what comes out of a layer of the reference.
    """

    divergence: Divergence
    answers: dict[At, Tensors]
    predictions: list[Predictions] = field(default_factory=list)
    again: dict[At, Tensors] = field(default_factory=dict)
    states: dict[int, Tensors] = field(default_factory=dict)
    waypoint: Waypoint | None = None
    lacking: tuple[str, ...] = ()
    apart: bool = False
    inside: float = 0.0


@dataclass(frozen=True)
class Explain:
    """Request: name the mistake behind a disagreement, if any fits.

    floors, second_floors, loss_floors: of single steps and, in a free run, of the weights after two
    steps and of all losses.
    """

    inputs: Inputs
    reference: Reference
    floors: dict[At, Floors]
    second_floors: Floors
    loss_floors: Array
    findings: Findings


@dataclass(frozen=True)
class Look:
    """Request: look inside one of the port's functions at one step, from the reference's weights.

    weights: the reference's before that step, rounded to the working precision. function: "forward"
    or "loss". given: what goes into each of the reference's layers. expected, floors: what comes
    out of them.
    """

    inputs: Inputs
    mode: Mode
    step: int
    weights: Tensors
    function: str
    given: Arguments
    expected: Tensors
    floors: Floors


@dataclass(frozen=True)
class ReferLayers:
    """Request: look inside one of the reference's functions at one step; see `Look`."""

    inputs: Inputs
    step: int
    weights: Tensors
    function: str


@dataclass(frozen=True)
class FindLayers:
    """Request: which of a port's layers come out as something that the reference computes.

    layers: what comes out of each, by name. The rest is as of `Look`.
    """

    inputs: Inputs
    step: int
    weights: Tensors
    function: str
    layers: Tensors


@dataclass(frozen=True)
class Draw:
    """Request: let a reference draw the initial weights under a seed."""

    port: PortName
    seed: int
    threads: int


@dataclass(frozen=True)
class MakeData:
    """Request: let a Python file make its data."""

    file: Path


PortRequest = Load | Climb | Visit | Replay | Look  # of any port
# Of the reference: NumPy's port, or a user's.
ReferenceRequest = (
    Refer | Retrace | Recognise | Measure | Wander | Explain | ReferLayers | FindLayers
)
MakingRequest = Draw | MakeData  # of what a recipe leaves to users' code, before there are inputs
Request = PortRequest | ReferenceRequest | MakingRequest


@dataclass(frozen=True)
class Calling:
    """The port is about to be called; until the next message, it is this call that takes time."""

    what: str


@dataclass(frozen=True)
class Loaded:
    """The port is loaded; its framework took `seconds` to import. The rest: see `contract.Port`.

    Raises:
        ValueError: there is no mode.
    """

    framework: str
    modes: tuple[Mode, ...]
    only_cpu: bool
    seconds: float

    def __post_init__(self) -> None:
        if not self.modes:
            raise ValueError("a port has a mode")


@dataclass(frozen=True)
class Lacking:
    """The functions of the contract that the port does not provide."""

    functions: tuple[str, ...]


@dataclass(frozen=True)
class FixedRows:
    """A function of the port raised on half a batch: it takes no other number of rows."""

    function: str


@dataclass(frozen=True)
class Answer:
    """What the port returned on one rung at one step; `tensors` by canonical name."""

    rung: str
    step: int
    tensors: Tensors


@dataclass(frozen=True)
class Unchanged:
    """Whether arrays came through the port unchanged (the rung `data`)."""

    comparisons: list[Comparison]


@dataclass(frozen=True)
class Alike:
    """Whether what other workers answered is, bit for bit, what worker 0 did.

    others: all that those answered that differ, by rank.
    """

    comparisons: list[Comparison]
    others: dict[int, dict[At, Tensors]]


@dataclass(frozen=True)
class Timed:
    """How long something took."""

    what: str
    seconds: float


@dataclass(frozen=True)
class Result:
    """What a request of the reference gave."""

    value: (
        Reference | NoiseFloors | Waypoint | Diagnosis | ReferenceLayers | FoundLayers | str | None
    )


@dataclass(frozen=True)
class Made:
    """What users' code made, by name."""

    arrays: Tensors


@dataclass(frozen=True)
class Failed:
    """The request failed: one sentence, and the traceback for --debug."""

    sentence: str
    traceback: str


@dataclass(frozen=True)
class Done:
    """The request is served. memory: the most bytes that the process has held so far."""

    memory: int = 0


Message = (
    Calling
    | Loaded
    | Lacking
    | FixedRows
    | Answer
    | Unchanged
    | Alike
    | Predictions
    | Timed
    | Result
    | Made
    | Failed
    | Done
)
Send = Callable[[Message], None]
