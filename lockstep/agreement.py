"""`assert_agree`: one function held to another, in any two frameworks, without a tolerance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lockstep.errors import InputError
from lockstep.tree_modules import importable

if TYPE_CHECKING:
    from parity.functions.judge import Judged


@dataclass(frozen=True)
class Agreement:
    """How well two functions agree.

    ratio: the worst of all; up to 8 agrees. ratios: the worst one of each array, by its path, such
    as "outputs", "outputs['h']" or "gradients[0]". compared: how many values.
    """

    ratio: float
    ratios: dict[str, float]
    compared: int


def assert_agree(
    reference: Callable[..., Any],
    port: Callable[..., Any],
    *arrays: Any,
    wrt: int | tuple[int, ...] = (),
    framework: str | None = None,
    reference_framework: str | None = None,
) -> Agreement:
    """Hold one function to another, in the precision of the arrays.

    The reference runs in float64, and several times in that precision with random rounding errors
    in every operation. How far these move its results is how far the port may be off.

    Args:
        reference: a function, a torch.nn.Module, a Keras layer, ... of NumPy, PyTorch, JAX or
            TensorFlow.
        port: another one.
        arrays: NumPy arrays, also in dicts, lists and tuples, and plain values. Each function gets
            copies as its framework's arrays.
        wrt: numbers of arguments. Gradients with respect to them are compared as well: those of the
            output if it is a single number, otherwise of a sum of all outputs with fixed weights
            between 1/8 and 1.
        framework: the port's, "numpy", "torch", "jax" or "tensorflow", if its code does not tell.
        reference_framework: the reference's.

    Raises:
        AssertionError: they do not agree; the text says where, and what was expected.
        InputError: the reference or the arrays cannot be used.
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    agreement, difference = judged(
        reference,
        port,
        *arrays,
        wrt=wrt,
        framework=framework,
        reference_framework=reference_framework,
    )
    if difference:
        raise AssertionError(difference)
    return agreement


def judged(
    reference: Callable[..., Any],
    port: Callable[..., Any],
    *arrays: Any,
    wrt: int | tuple[int, ...] = (),
    framework: str | None = None,
    reference_framework: str | None = None,
) -> tuple[Agreement, str | None]:
    """Return how well two functions agree, and what is to be said if they do not."""
    __tracebackhide__ = True
    with importable():
        from parity.functions import arguments, judge, report, side
        from shared import errors
    try:
        with importable():
            checked = arguments.check(arrays, wrt)
            keyword = "reference_framework"
            held = side.side(
                "reference", reference, reference_framework, keyword, bool(checked.wrt)
            )
            other = side.side("port", port, framework, "framework", bool(checked.wrt))
        found = judge.judge(held, other, checked)
    except errors.InputError as error:
        said = str(error)
    else:
        return _agreement(found), report.report(found)
    raise InputError(said)


def _agreement(found: "Judged") -> Agreement:
    ratios = {str(each.place): each.ratio for each in found.comparisons}
    compared = sum(each.compared for each in found.comparisons)
    return Agreement(max(ratios.values()), ratios, compared)
