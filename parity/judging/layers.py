"""Which layer of a forward pass that differs is the first wrong one."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from parity.judging.inquiry import Inquiry
from parity.results import Divergence, Layer
from parity.rungs import looking
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.inside import GivenLayers
from parity.standard.layers import OUTPUTS

Array = NDArray[np.floating]
Answers = dict[str, Tensors]


def look_inside(divergence: Divergence, inquiry: Inquiry) -> tuple[Layer, ...]:
    """Return what can be told of each layer of a forward pass that differs, in their order.

    The layers are those that the reference names or, where it names none, the port's own.
    """
    step = divergence.step
    if divergence.rung != "forward" or divergence.place.beside:
        return ()
    expected, floors = inquiry.due("forward", step)
    inside = {name: value for name, value in expected.items() if name != OUTPUTS}
    given = inquiry.give_layers(step) if inside else GivenLayers({}, {}, {})
    answers = inquiry.look(step, given, inside, {name: floors[name] for name in inside})
    if not answers:
        return ()
    if not inside:
        ratios = inquiry.find_layers(step, answers.get(looking.NAMED, {})).ratios
        return tuple(Layer(name, ratio <= LIMIT, None) for name, ratio in ratios.items())
    own = inquiry.record.answers.get(("forward", step), {})
    return tuple(
        Layer(
            name,
            _is(own[name], value, floors[name]) if name in own else _nearest(answers, name),
            _given(answers, given, name),
        )
        for name, value in inside.items()
    )


def _nearest(answers: Answers, name: str) -> bool | None:
    """Whether what comes out of a layer comes up in the port; None where nothing can be seen."""
    ratio = answers.get(looking.NEAREST, {}).get(name)
    return None if ratio is None else bool(ratio <= LIMIT)


def _given(answers: Answers, given: GivenLayers, name: str) -> bool | None:
    """Whether a layer is right given the reference's input, in any order of axes that it takes."""
    if name not in given.expected:
        return None
    made = [
        answers[f"{looking.GIVEN}{said}"][name]
        for said in looking.ORDERS
        if name in answers.get(f"{looking.GIVEN}{said}", {})
    ]
    orders = [each for value in made for each in _orders(value)]
    if not orders:
        return None
    return any(_is(each, given.expected[name], given.floors[name]) for each in orders)


def _orders(value: Array) -> Iterator[Array]:
    yield value
    if value.ndim > 2:
        for axes in filter(None, looking.ORDERS.values()):
            yield np.moveaxis(value, *axes)


def _is(value: Array, expected: Array, floor: float) -> bool:
    if value.shape != expected.shape:
        return False
    return bool((np.abs(value.astype(np.float64) - expected) <= LIMIT * floor).all())
