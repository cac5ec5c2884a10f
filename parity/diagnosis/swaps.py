"""Norms or scales that lie beside each other, each with the weights of the other."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import combinations, islice

from parity.diagnosis.case import Case, Computed
from parity.diagnosis.factors import spoken
from parity.diagnosis.hypothesis import Hypothesis
from parity.standard.inputs import Tensors
from shared.rows import Rows
from shared.variants import SWAPPED

FEW = 3  # blocks that are named
MOST = 20  # pairs that are tried

Part = tuple[str, dict[str, str]]  # its own name, and the names of its vectors by their ends


def mistakes(case: Case) -> Iterator[Hypothesis]:
    """Yield two parts of the same vectors with each other's, in all blocks that have them."""
    pairs: dict[tuple[str, str], list[tuple[str, dict[str, str]]]] = defaultdict(list)
    for block, parts in _blocks(case.inputs.weights).items():
        for (one, own), (other, others) in combinations(parts, 2):
            if _alike(case.inputs.weights, own, others):
                both = {own[end]: others[end] for end in own}
                pairs[one, other].append((block, both | {v: k for k, v in both.items()}))
    for (one, other), found in islice(pairs.items(), MOST):
        taken = {name: theirs for _, both in found for name, theirs in both.items()}
        blocks = [block for block, _ in found if block]
        where = f", in {spoken(blocks)}" if blocks else ""
        claim = f"the weights of {one} and {other} are swapped{where}"
        yield Hypothesis(SWAPPED, claim, partial(_swapped, case, taken))


def _blocks(weights: Tensors) -> dict[str, list[Part]]:
    """Return the parts of each block that are made of vectors alone, by the block's name."""
    vectors: dict[str, dict[str, str]] = defaultdict(dict)
    for name in weights:
        path, _, end = name.replace("/", ".").rpartition(".")
        vectors[path][end] = name
    blocks: dict[str, list[Part]] = defaultdict(list)
    for path, own in vectors.items():
        if path and all(weights[name].ndim == 1 for name in own.values()):
            block, _, part = path.rpartition(".")
            blocks[block].append((part, own))
    return blocks


def _alike(weights: Tensors, own: dict[str, str], others: dict[str, str]) -> bool:
    return own.keys() == others.keys() and all(
        weights[own[end]].shape == weights[others[end]].shape for end in own
    )


def _swapped(case: Case, taken: dict[str, str], weights: Tensors, x: Rows, y: Rows) -> Computed:
    answer = case.compute(_renamed(taken, weights), x, y)
    return answer._replace(gradients=_renamed(taken, answer.gradients))


def _renamed(taken: dict[str, str], tensors: Tensors) -> Tensors:
    return {name: tensors[taken.get(name, name)] for name in tensors}
