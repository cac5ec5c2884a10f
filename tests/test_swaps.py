"""Norms and scales with each other's weights, whatever framework the reference is of."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from parity.diagnosis import swaps
from parity.diagnosis.case import Computed

NORM = {"scale": (4,), "bias": (4,)}
SHAPES = {
    "stem.kernel": (3, 4),
    "head.bias": (3,),
    **{f"block{b}.norm{n}.{end}": s for b in (1, 2) for n in (1, 2) for end, s in NORM.items()},
    **{f"block{b}.ls{n}.gamma": (4,) for b in (1, 2) for n in (1, 2)},
    "block1.fc.kernel": (4, 4),
    "block1.fc.bias": (4,),
    "norm.scale": (4,),
    "norm.bias": (4,),
}


def case() -> Any:
    random = np.random.default_rng(0)
    weights = {name: random.normal(size=shape) for name, shape in SHAPES.items()}

    def compute(weights: Any, x: Any, y: Any) -> Computed:
        return Computed(weights["block1.norm1.bias"], 0.0, {n: 2 * w for n, w in weights.items()})

    return SimpleNamespace(inputs=SimpleNamespace(weights=weights), compute=compute)


def test_parts_of_the_same_vectors_are_swapped_in_all_blocks() -> None:
    own = case()
    norms, scales = swaps.mistakes(own)
    assert norms.claim == "the weights of norm1 and norm2 are swapped, in block1 and block2"
    assert scales.claim == "the weights of ls1 and ls2 are swapped, in block1 and block2"
    weights, unused = own.inputs.weights, np.empty(0)
    assert norms.compute is not None
    answer = norms.compute(weights, unused, unused)
    np.testing.assert_array_equal(answer.outputs, weights["block1.norm2.bias"])
    for name, weight in weights.items():  # a gradient is that of the weight in its own place
        np.testing.assert_array_equal(answer.gradients[name], 2 * weight)


def test_names_may_be_those_of_keras() -> None:
    own = case()
    named = {name.replace(".", "/"): weight for name, weight in own.inputs.weights.items()}
    own.inputs.weights = named
    assert [idea.claim.partition(",")[0] for idea in swaps.mistakes(own)] == [
        "the weights of norm1 and norm2 are swapped",
        "the weights of ls1 and ls2 are swapped",
    ]


def test_few_blocks_are_named() -> None:
    own = case()
    many: dict[str, Any] = {}
    for block in range(9):
        many |= {f"{block}.{n}.g": own.inputs.weights["norm.scale"] for n in ("one", "two")}
    own.inputs.weights = many
    (idea,) = swaps.mistakes(own)
    assert idea.claim == "the weights of one and two are swapped, in 0, 1, 2 and 6 more"


def test_not_all_pairs_of_many_are_tried() -> None:
    own = case()
    own.inputs.weights = {f"norms.{n}.g": own.inputs.weights["norm.scale"] for n in range(30)}
    assert len([*swaps.mistakes(own)]) == swaps.MOST
