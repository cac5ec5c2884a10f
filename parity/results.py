"""What the judge says: of a rung, of a port on one recipe in one precision, of everything."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from numpy.typing import NDArray

from parity.contract import Mode, PortName
from parity.standard.comparison import Comparison, Example
from parity.standard.place import Place
from shared.experiment import Experiment

Array = NDArray[Any]
Verdict = Literal["agree", "disagree", "error"]
RUNGS = (
    "data",
    "forward",
    "loss",
    "gradients",
    "update",
    "trajectory",
    "accuracy",
    "published",
)

UNEXPLAINED = "not explained; closest: "
STEPWISE = ("forward", "loss", "gradients", "update")  # each from the reference's own weights


@dataclass(frozen=True)
class Trial:
    """One experiment in one mode: "compiled", each framework at its own best, or "eager"."""

    experiment: Experiment
    mode: Mode


@dataclass(frozen=True)
class RungResult:
    """What one level of comparison found; the numbers are those of the worst value on it.

    verdict: "expected" where the port differs as its recipe says, and in nothing else; what differs
    so has no part in the numbers.
    """

    rung: str
    verdict: Literal["agree", "disagree", "expected", "not provided"]
    ratio: float = 0.0
    error: float = 0.0
    floor: float = 0.0
    place: Place | None = None
    compared: int = 0


@dataclass(frozen=True)
class Ratio:
    """How far a port is off at one step of a rung: the numbers of the worst of its tensors."""

    place: Place
    ratio: float
    error: float
    floor: float

    @property
    def rung(self) -> str:
        """The rung that it is of."""
        return self.place.rung


@dataclass(frozen=True)
class Confusion:
    """How many rows of each true class (down) a port takes for which (across), as whole numbers.

    split: "test", or "train" where there are no rows to test on.
    """

    split: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Divergence:
    """The first rung, step and tensor on which a port differs; the index is of the value shown.

    mismatches: how many of the tensor's `size` values are over the limit. examples: some of them.
    teacher_forced: whether one step alone, from the reference's own weights, is wrong, too; if not,
    the error is carried over from earlier steps. None where that cannot be told. wrong, right: the
    tensors of the same rung and step that differ, and that agree.
    """

    place: Place
    index: tuple[int, ...]
    expected: float | int | str
    got: float | int | str
    ratio: float
    mismatches: int
    size: int
    examples: tuple[Example, ...]
    teacher_forced: bool | None = None
    wrong: tuple[str, ...] = ()
    right: tuple[str, ...] = ()

    @property
    def rung(self) -> str:
        """The rung on which the port differs first."""
        return self.place.rung

    @property
    def step(self) -> int:
        """The first step there at which it differs."""
        return self.place.step

    @property
    def first_backward(self) -> str | None:
        """Of several gradients that differ, that which a backward pass comes to first.

        Models name their weights in the order in which they use them, mostly.
        """
        return self.wrong[-1] if self.rung == "gradients" and len(self.wrong) > 1 else None


@dataclass(frozen=True)
class Layer:
    """One named layer of a forward pass that differs, at the step at which it does.

    kind: its class, where it is known. came_out: whether it comes out right. given: whether it
    does, given the reference's own input to it. None where that cannot be told. direct: whether
    what goes in is what comes out of another layer, with nothing in between. apart: whether all
    that goes in is what others give that come out right, as in a branch beside a wrong layer.
    """

    name: str
    kind: str | None
    came_out: bool | None
    given: bool | None
    direct: bool = False
    apart: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})" if self.kind else self.name


@dataclass(frozen=True)
class Inside:
    """What can be told of a forward pass that differs, from inside.

    layers: in the order in which they are computed. line: of the reference's, the first from which
    on no result comes up in the port, as "file.py:12: text". farthest: of the layer from whose
    values all in the port are farthest, how many floors the nearest are from them.
    """

    layers: tuple[Layer, ...] = ()
    line: str | None = None
    farthest: float = 0.0

    @property
    def wrong(self) -> Layer | None:
        """The first wrong layer, if that can be told.

        One that does not come out right need not be wrong: a port may compute it in one with the
        next. So it is the first that is wrong given the right input, too, or the one after the last
        of those that come out right, whichever comes first. Of these, one that is apart tells of
        no other.
        """
        wrong = [layer for layer in self.layers if layer.came_out is False]
        right = [i for i, layer in enumerate(self.layers) if layer.came_out and not layer.apart]
        last = max(right, default=-1)
        firsts = [
            next((layer for layer in wrong if layer.given is False), None),
            next((layer for layer in self.layers[last + 1 :] if layer in wrong), None),
        ]
        return min(filter(None, firsts), key=self.layers.index, default=None)


@dataclass(frozen=True)
class KnownDifference:
    """A difference that a recipe expects of a port.

    at, why, dtype: where, why and, if not in both, in which precision it is expected, as the recipe
    says. place: the first tensor that differs so, if one does. ratio: the worst there. fault: what
    is found instead, where that is held against the port.
    """

    at: str
    why: str
    dtype: str | None = None
    place: Place | None = None
    ratio: float = 0.0
    fault: str | None = None


@dataclass(frozen=True)
class Diagnosis:
    """The translation mistake that a divergence looks like.

    cause: in a few fixed words; where none gives the port's numbers, `UNEXPLAINED` and the closest.
    evidence: one sentence, with the numbers. confidence: from 0 to 1.
    """

    cause: str
    evidence: str
    confidence: float

    @property
    def explains(self) -> bool:
        """Whether the mistake gives the port's numbers, rather than come closest to them."""
        return not self.cause.startswith(UNEXPLAINED)


@dataclass(frozen=True)
class Curves:
    """A free run: its losses and last weights, and the losses and floors they are held to."""

    losses: Array
    weights: dict[str, Array]
    reference: Array
    floors: Array


@dataclass(frozen=True)
class PortResult:
    """The verdict on one port, on one recipe, in one precision.

    trial: what it was judged on. mode: "compiled" or "eager": the trial's or, of a port that has
    but one, that. fixed_rows: the functions that take no other number of rows than a batch has, not
    compared on half of one. data: its name, hash and rows, and why it stands in for another. loss:
    the first and the last of the port's free run. accuracy: the port's own, on the training and the
    test rows, after the run or, where nothing is trained, as the net is. told_apart: up to how many
    steps the free run can be held to the reference; beyond, rounding alone decides where it goes.
    alike: the ports that differ from the reference in the same way, and agree with this one.
    looked: inside a forward pass that differs.
    known_differences: those that the recipe expects of the port; nothing else says of them.
    ratios: at every step at which a rung was climbed from the reference's own weights. confusion:
    of the port's own model, where it classes rows: after the run, or as the net is.
    curves: for pictures, if it ran to the end. inside: for pictures, what it gave on the rung
    forward before the first step, by name. predicted: for pictures, the outputs of its own model on
    the rows "test" and, where that is drawn, on the grid "plane".
    """

    trial: Trial
    port: str
    framework: str
    device: str
    mode: Mode
    data: dict[str, Any]
    verdict: Verdict
    error: str | None
    rungs: tuple[RungResult, ...]
    divergence: Divergence | None
    diagnosis: Diagnosis | None
    not_provided: tuple[str, ...]
    loss: dict[str, float | None]
    accuracy: dict[str, float | None]
    seconds: dict[str, float | None]
    told_apart: int
    fixed_rows: tuple[str, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    confusion: Confusion | None = None
    alike: tuple[str, ...] = ()
    looked: Inside = Inside()
    known_differences: tuple[KnownDifference, ...] = ()
    traceback: str | None = None
    curves: Curves | None = field(default=None, repr=False)
    inside: dict[str, Array] = field(default_factory=dict, repr=False)
    predicted: dict[str, Array] = field(default_factory=dict, repr=False)

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.trial.experiment.recipe.name

    @property
    def dtype(self) -> str:
        """The precision."""
        return self.trial.experiment.dtype

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        return self.trial.experiment.steps

    @property
    def requested(self) -> Mode:
        """The mode that was asked for."""
        return self.trial.mode

    @property
    def compared(self) -> int:
        """How many values were compared on all rungs."""
        return sum(rung.compared for rung in self.rungs)


@dataclass(frozen=True)
class Round:
    """What came of one look at some ports.

    changed: those whose files made it necessary; on the first look, none. faults: a sentence for
    each file that cannot be judged as it is. results: of the others. seconds: since the change.
    """

    changed: tuple[PortName, ...]
    faults: tuple[str, ...]
    results: list[PortResult]
    seconds: float


def overall(results: list[PortResult]) -> Verdict:
    """Return the worst of all verdicts; of none at all, an error."""
    verdicts = {result.verdict for result in results}
    if not verdicts or "error" in verdicts:
        return "error"
    return "disagree" if "disagree" in verdicts else "agree"


def summarise(rung: str, comparisons: list[Comparison], expected: bool = False) -> RungResult:
    """Return what a rung's comparisons amount to: it agrees where there are some, and all agree.

    expected: whether the port differs elsewhere on the rung, as its recipe says.
    """
    if not comparisons:
        return RungResult(rung, "expected" if expected else "not provided")
    right: Literal["agree", "expected"] = "expected" if expected else "agree"
    worst = max(comparisons, key=_severity)
    return RungResult(
        rung,
        right if all(c.agrees for c in comparisons) else "disagree",
        worst.ratio,
        worst.error,
        worst.floor,
        worst.place,
        sum(c.compared for c in comparisons),
    )


def _severity(comparison: Comparison) -> tuple[bool, float]:
    return not comparison.agrees, comparison.ratio


def by_step(comparisons: list[Comparison]) -> list[Ratio]:
    """Return the worst ratio at each step of a rung, in order."""
    worst: dict[int, Comparison] = {}
    for c in comparisons:
        step = c.place.step
        if step not in worst or _severity(c) > _severity(worst[step]):
            worst[step] = c
    return [Ratio(c.place, c.ratio, c.error, c.floor) for _, c in sorted(worst.items())]


def first_divergence(
    comparisons: list[Comparison], teacher_forced: bool | None = None
) -> Divergence | None:
    """Return the first step and tensor of a rung that do not agree."""
    wrong = [c for c in comparisons if not c.agrees]
    if not wrong:
        return None
    # What differs from the reference tells more than what differs from another worker's.
    first = min(wrong, key=lambda c: (c.place.rank > 0, c.place.step))
    beside = [c for c in comparisons if c.place.step == first.place.step]
    shown = first.examples[0] if first.examples else Example((), "values", "none")
    return Divergence(
        first.place,
        shown.index,
        shown.expected,
        shown.got,
        first.ratio,
        first.mismatches,
        first.compared,
        first.examples,
        teacher_forced,
        wrong=tuple(dict.fromkeys(f"{c.place}" for c in beside if not c.agrees)),
        right=tuple(dict.fromkeys(f"{c.place}" for c in beside if c.agrees)),
    )


def by_recipe(results: list[PortResult]) -> Iterator[tuple[Trial, list[PortResult]]]:
    """Yield the results of each recipe and mode, in all precisions, with their first trial."""
    for _, group in groupby(results, lambda result: (result.recipe, result.requested)):
        own = list(group)
        yield own[0].trial, own
