"""Setting aside differences that a recipe expects; whatever it does not name is judged as ever."""

import os

from parity.contract import PortName
from parity.results import KnownDifference
from parity.rungs import ladder
from parity.standard.comparison import Comparison
from parity.standard.place import Place
from parity.standard.standard import Standard
from shared.recipes import Waiver, guessed
from shared.waivers import refuse

ByRung = dict[str, list[Comparison]]
Waivers = tuple[Waiver, ...]


def check(standard: Standard) -> None:
    """Check that the places where a recipe expects differences are there.

    Raises:
        InputError: one is not.
    """
    recipe = standard.experiment.recipe
    due = ladder.due(standard)
    for waiver in recipe.expected:
        said = f"says at = {waiver.at!r}"
        if waiver.rung not in due:
            rungs = ", ".join(rung for rung in due if rung != "data")
            why = f"the recipe does not compare {waiver.rung}; choose from {rungs}"
            refuse(recipe.files[0], said, why)
        known = _tensors(standard, waiver.rung)
        if waiver.tensor not in (None, *known):
            refuse(recipe.files[0], said, guessed(f"{waiver.tensor}", known, {}))


def _tensors(standard: Standard, rung: str) -> list[str]:
    """Return the names of all that is compared on a rung."""
    reference = standard.reference
    if rung == "accuracy":
        return ["outputs", "classes", "accuracy"]
    if rung == "trajectory":
        return ["loss", "outputs", *reference.path[standard.inputs.steps]]
    return list(reference.expected[rung, 0])


def of(port: PortName, standard: Standard) -> Waivers:
    """Return the differences that a recipe expects of a port, in the precision that is judged."""
    return tuple(
        waiver
        for waiver in standard.experiment.recipe.expected
        if port.file
        and os.path.realpath(waiver.port) == os.path.realpath(port.file)
        and waiver.dtype in (None, standard.inputs.dtype)
    )


def covers(waiver: Waiver, place: Place) -> bool:
    """Whether a tensor is one that a waiver names: on every step, and on half a batch, too."""
    return place.rung == waiver.rung and waiver.tensor in (None, place.name)


def set_aside(found: ByRung, waivers: Waivers) -> tuple[ByRung, list[Comparison]]:
    """Return what is to be judged, and the differences that are expected.

    Where a port agrees, or gave what cannot be compared or is no finite number, nothing is set
    aside.
    """

    def is_expected(c: Comparison) -> bool:
        differs = not c.agrees and c.unusable is None
        return differs and any(covers(waiver, c.place) for waiver in waivers)

    left = {rung: [c for c in each if not is_expected(c)] for rung, each in found.items()}
    return left, [c for each in found.values() for c in each if is_expected(c)]


def known_differences(
    waivers: Waivers, left: ByRung, aside: list[Comparison], cut: bool
) -> tuple[KnownDifference, ...]:
    """Return what came of each difference that is expected.

    Args:
        waivers: the differences.
        left, aside: as `set_aside` returns them.
        cut: whether the run is shorter than the recipe's own.
    """
    return tuple(
        _known(
            waiver,
            [c for comparisons in left.values() for c in comparisons if covers(waiver, c.place)],
            [c for c in aside if covers(waiver, c.place)],
            cut,
        )
        for waiver in waivers
    )


def _known(
    waiver: Waiver, left: list[Comparison], aside: list[Comparison], cut: bool
) -> KnownDifference:
    if aside:
        first = min((c.place for c in aside), key=lambda place: (place.beside, place.step))
        worst = max(c.ratio for c in aside)
        return KnownDifference(waiver.at, waiver.why, waiver.dtype, first, worst)
    fault = None
    if not left:
        fault = "it gives nothing to compare there"
    elif waiver.rung != "trajectory" or not cut:  # in a short run, it need not show yet
        fault = "it agrees there"
    return KnownDifference(waiver.at, waiver.why, waiver.dtype, fault=fault)
