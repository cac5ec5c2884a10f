"""Finding the first divergence to the very step, between the checkpoints that surround it."""

from collections.abc import Callable

from parity.judging.inquiry import Inquiry
from parity.results import STEPWISE
from parity.standard.comparison import Comparison

ByRung = dict[str, list[Comparison]]


def locate(found: ByRung, inquiry: Inquiry) -> bool | None:
    """Add to `found` what the steps between two checkpoints show of the first divergence.

    Returns:
        Whether one step alone, from the reference's own weights, is wrong, too; if not, the error
        is carried over from earlier steps. None where that cannot be told, and where nothing but
        the losses of a run is wrong.
    """
    wrong = {rung: [c for c in _wrong(cs) if not c.place.beside] for rung, cs in found.items()}
    rung = next((rung for rung in found if wrong[rung]), None)
    if rung in STEPWISE:
        _narrow(found, inquiry)
        return True
    if rung == "trajectory":
        return _trace(found, inquiry)
    return None


def _narrow(found: ByRung, inquiry: Inquiry) -> None:
    """Find the first step of the reference's path from which the port goes wrong."""
    own = [c for rung in STEPWISE for c in found[rung] if not c.place.beside]
    steps = {c.place.step: True for c in own} | {c.place.step: False for c in own if not c.agrees}
    if all(steps.values()):
        return
    high = min(step for step, right in steps.items() if not right)
    low = max((step for step in steps if step < high), default=high)
    visited: dict[int, ByRung] = {}

    def is_wrong(step: int) -> bool | None:
        comparisons = inquiry.visit(step)
        if comparisons is None:
            return None
        visited[step] = comparisons
        return _errs(comparisons)

    first = _bisect(low, high, is_wrong)
    for rung, comparisons in visited.get(first, {}).items():
        found[rung] += comparisons


def _trace(found: ByRung, inquiry: Inquiry) -> bool | None:
    """Find the first step of the port's free run after which it is wrong."""
    free = [c for c in found["trajectory"] if not c.agrees and not c.place.beside]
    if not free:
        return None
    upper = min(c.place.step for c in free)
    replayed: dict[int, list[Comparison]] = {}

    def is_wrong(step: int) -> bool | None:
        comparisons = inquiry.path_at(step)
        if comparisons is None:
            return None
        replayed[step] = comparisons
        return bool(_wrong(comparisons))

    state = upper  # a loss may be wrong where all weights are right
    if upper > 0 and is_wrong(upper):
        first = _bisect(*_gallop(upper, is_wrong), is_wrong)
        found["trajectory"] += replayed[first]
        state = first - 1
    last = inquiry.standard.inputs.steps - 1
    alone = inquiry.visit(min(state, last))  # what is not repeatable may be right the second time
    if alone is None:
        return None
    if not _errs(alone):
        # Weights that are right up to there carry nothing over.
        return None if state == upper else False
    for rung, comparisons in alone.items():
        found[rung] += comparisons
    _narrow(found, inquiry)
    return True


def _gallop(high: int, is_wrong: Callable[[int], bool | None]) -> tuple[int, int]:
    """Return a right and a wrong step, the closest that strides of 1, 2, 4, ... back find.

    A loss shows soon after the weights do, so the first is near; every other length that a port
    runs may be compiled anew, so few are tried.
    """
    stride = 1
    while high - stride > 0:
        if not is_wrong(high - stride):
            return high - stride, high
        high, stride = high - stride, 2 * stride
    return 0, high


def _bisect(low: int, high: int, is_wrong: Callable[[int], bool | None]) -> int:
    """Return the first wrong step after `low`, which is right, up to `high`, which is wrong."""
    while high - low > 1:
        middle = (low + high) // 2
        wrong = is_wrong(middle)
        if wrong is None:
            break
        low, high = (low, middle) if wrong else (middle, high)
    return high


def _errs(step: ByRung) -> bool:
    """Whether anything is wrong at a single step; a recipe may lack some of its rungs."""
    return any(_wrong(step.get(rung, [])) for rung in STEPWISE)


def _wrong(comparisons: list[Comparison]) -> list[Comparison]:
    return [c for c in comparisons if not c.agrees]
