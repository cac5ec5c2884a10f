"""Which layer of a forward pass that differs is the first wrong one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from parity.judging.inquiry import Inquiry
from parity.results import Divergence, Inside, Layer
from parity.rungs import looking
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.inside import ReferenceLayers

Array = NDArray[np.floating]
Answers = dict[str, Tensors]


def look_inside(divergence: Divergence, inquiry: Inquiry) -> Inside:
    """Return what can be told of each layer of a forward pass that differs, in their order.

    The layers are those that the reference names or, where it names none, the port's own. Where
    only the loss differs, they are those in its forward pass, as in training.
    """
    step, function = divergence.step, divergence.rung
    if not inquiry.standard.inputs.optional_layers or divergence.place.beside:
        return Inside()
    if function not in ("forward", "loss"):
        return Inside()
    reference = inquiry.refer_layers(step, function)
    answers = inquiry.look(step, function, reference)
    if not answers:
        return Inside()
    line = _first_line(reference, answers)
    if not reference.came_out:
        named = answers.get(looking.NAMED, {})
        ratios = inquiry.find_layers(step, function, named).ratios if named else {}
        layers = [Layer(name, None, ratio <= LIMIT, None) for name, ratio in ratios.items()]
        return Inside(tuple(layers), line, max(ratios.values(), default=0.0))
    own = inquiry.record.answers.get((function, step), {})
    floors = inquiry.allowing(function, reference.floors)
    weights = [*inquiry.weights_before(step).values()]
    came_out = {
        name: _is(own[name], value, floors[name])
        if name in own
        else _came_up(answers, name, value, weights)
        for name, value in reference.came_out.items()
    }
    right = [name for name, is_right in came_out.items() if is_right]
    layers = [
        Layer(
            name,
            reference.kinds.get(name),
            is_right,
            _given(answers, reference, name),
            _comes_from(reference, name, list(came_out)),
            _comes_from(reference, name, right),
        )
        for name, is_right in came_out.items()
    ]
    nearest = answers.get(looking.NEAREST, {})
    farthest = max(
        (float(nearest[name]) for name in reference.came_out if name in nearest), default=0
    )
    return Inside(tuple(layers), line, farthest)


def _first_line(reference: ReferenceLayers, answers: Answers) -> str | None:
    """Return the line of the reference's after the last whose result comes up in the port."""
    if len(reference.lines) < 2:  # a model that one line calls
        return None
    right = [_nearest(answers, name) for name in reference.lines]
    last = max((i for i, came_up in enumerate(right) if came_up), default=-1)
    after = list(reference.lines)[last + 1 :]
    return f"{after[0]}: {reference.lines[after[0]]}" if after else None


def _nearest(answers: Answers, name: str) -> bool | None:
    """Whether what comes out of a layer comes up in the port; None where nothing can be seen."""
    ratio = answers.get(looking.NEAREST, {}).get(name)
    return None if ratio is None else bool(ratio <= LIMIT)


def _came_up(answers: Answers, name: str, value: Array, weights: list[Array]) -> bool | None:
    """Whether what comes out of a layer comes up in the port, which need not compute a weight.

    Such is what an embedding of all positions gives: a port may add its weight as it is.
    """
    right = _nearest(answers, name)
    is_weight = value.ndim > 0 and any(
        w.ndim > 0 and np.array_equal(value, w[: len(value)]) for w in weights
    )
    return None if right is False and is_weight else right


def _given(answers: Answers, reference: ReferenceLayers, name: str) -> bool | None:
    """Whether a layer is right given the reference's input, in any order of axes that it takes."""
    if name not in reference.alone:
        return None
    made = [
        answers[f"{looking.GIVEN}{said}"][name]
        for said in looking.ORDERS
        if name in answers.get(f"{looking.GIVEN}{said}", {})
    ]
    orders = [each for value in made for each in _orders(value)]
    if not orders:
        return None
    return any(_is(each, reference.alone[name], reference.alone_floors[name]) for each in orders)


def _comes_from(reference: ReferenceLayers, layer: str, names: list[str]) -> bool:
    """Whether all that goes into a layer comes out of others, of those names."""
    given = reference.given.get(layer, ())
    others = [reference.came_out[name].astype(given[0].dtype) for name in names] if given else []
    return bool(given) and all(
        any(np.array_equal(array, other) for other in others) for array in given
    )


def _orders(value: Array) -> Iterator[Array]:
    yield value
    if value.ndim > 2:
        for axes in filter(None, looking.ORDERS.values()):
            yield np.moveaxis(value, *axes)


def _is(value: Array, expected: Array, floor: float) -> bool:
    if value.shape != expected.shape:
        return False
    return bool((np.abs(value.astype(np.float64) - expected) <= LIMIT * floor).all())
