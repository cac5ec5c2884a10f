"""Users' files that are no ports of all recipes compared: told from ports that fail."""

import re
from collections import defaultdict

from parity.contract import PortName
from parity.results import PortResult

# What Python says where a dict lacks a name, a call an argument, and an object an attribute; and
# where a call has one too many.
WANTED = re.compile(
    r"KeyError: '(\w+)'"
    r"|missing \d+ required [\w-]+(?: [\w-]+)? arguments?: '(\w+)'"
    r"|has no attribute '(\w+)'"
)
REFUSED = re.compile(r"got an unexpected keyword argument '(\w+)'")


def set_aside(
    results: list[PortResult], ports: list[PortName]
) -> tuple[list[PortResult], list[str]]:
    """Return the results without those of users' files on recipes that they are not of.

    A framework's own port, and a file whose recipe the user names, are of all that they are judged
    on. Where any other file is on a recipe that it is not of, all that it says is an error about a
    weight's name, one that the recipe lacks or one that the port does not know; and on another
    recipe, which differs in that name, it makes no such error.

    Args:
        results: of all ports on all recipes.
        ports: those that were compared.

    Returns:
        The other results, and a sentence for each port and recipe set aside.
    """
    groups: dict[str, dict[str, list[PortResult]]] = defaultdict(lambda: defaultdict(list))
    unnamed = {f"{port}" for port in ports if port.file and not port.nets}
    for result in results:
        if result.port not in unnamed:
            continue
        groups[result.port][result.recipe].append(result)
    aside: dict[tuple[str, str], str] = {}
    for port, group in groups.items():
        weights = {recipe: set(own[0].trial.experiment.weights) for recipe, own in group.items()}
        wanted = {recipe: _named(WANTED, own) - weights[recipe] for recipe, own in group.items()}
        refused = {recipe: _named(REFUSED, own) & weights[recipe] for recipe, own in group.items()}
        fitting = [
            weights[recipe]
            for recipe, own in group.items()
            if not _named(WANTED, own) | _named(REFUSED, own)
        ]
        for recipe, own in group.items():
            if any(wanted[recipe] & names for names in fitting):
                word = f"wants {', '.join(sorted(wanted[recipe]))}"
            elif any(refused[recipe] - names for names in fitting):
                word = f"takes no {', '.join(sorted(refused[recipe]))}"
            else:
                continue
            has = ", ".join(own[0].trial.experiment.weights) or "no weights"
            aside[port, recipe] = f"SKIPPED: {port} on {recipe}: it {word}; {recipe} has {has}"
    kept = [result for result in results if (result.port, result.recipe) not in aside]
    return kept, list(aside.values())


def _named(pattern: re.Pattern[str], results: list[PortResult]) -> set[str]:
    """Return the names that the errors of all these results are about."""
    named = [
        {each for found in pattern.finditer(result.error or "") for each in found.groups() if each}
        for result in results
    ]
    return set.intersection(*named)
