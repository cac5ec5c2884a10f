"""Users' files that are no ports of all recipes compared: told from ports that fail."""

import re
from collections import defaultdict

from parity.results import PortResult

# What Python says where a dict lacks a name, a call an argument, and an object an attribute.
ABOUT_A_NAME = re.compile(
    r"KeyError: '(\w+)'"
    r"|got an unexpected keyword argument '(\w+)'"
    r"|missing \d+ required [\w-]+(?: [\w-]+)? arguments?: '(\w+)'"
    r"|has no attribute '(\w+)'"
)


def set_aside(results: list[PortResult]) -> tuple[list[PortResult], list[str]]:
    """Return the results without those of ports on recipes that they are not of.

    On such a recipe all that a port says is an error about a weight's name, one that the recipe
    lacks or one that the port does not know; and on another recipe, which differs in that name, it
    makes no such error.

    Returns:
        The other results, and a sentence for each port and recipe set aside.
    """
    groups: dict[str, dict[str, list[PortResult]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        groups[result.port][result.recipe].append(result)
    aside: dict[tuple[str, str], str] = {}
    for port, group in groups.items():
        weights = {recipe: list(own[0].trial.experiment.weights) for recipe, own in group.items()}
        for recipe, own in group.items():
            unfit = _unfit(own)
            fitting = [w for other, w in weights.items() if not _unfit(group[other])]
            wants = unfit - {*weights[recipe]}
            if any(wants & {*w} for w in fitting):
                word = f"wants {', '.join(sorted(wants))}"
            elif unfit and not wants and any(not unfit & {*w} for w in fitting):
                word = f"takes no {', '.join(sorted(unfit))}"
            else:
                continue
            has = ", ".join(weights[recipe]) or "no weights"
            aside[port, recipe] = f"SKIPPED: {port} on {recipe}: it {word}; {recipe} has {has}"
    kept = [result for result in results if (result.port, result.recipe) not in aside]
    return kept, list(aside.values())


def _unfit(group: list[PortResult]) -> set[str]:
    """Return the names that all results on a recipe are errors about."""
    named = [
        {each for found in ABOUT_A_NAME.finditer(result.error or "") for each in found.groups()}
        for result in group
    ]
    return set.intersection(*named) - {None}
