"""`--list`: what there is to compare."""

from rich.table import Table

from parity import contract
from parity.reports import terminal
from shared import recipes


def print_list() -> None:
    """Print what there is to compare."""
    out = terminal.console()
    listed = {
        "Recipes": {
            recipe.name: str(recipe)
            for recipe in (*recipes.RECIPES.values(), *recipes.over_workers())
        },
        "Frameworks": {
            name: ("installed" if contract.is_installed(name) else "not installed") + _nets(name)
            for name in contract.FRAMEWORKS
        },
    }
    for title, rows in listed.items():
        table = Table(title, "", box=None, padding=(0, 2, 0, 0))
        for name, text in rows.items():
            table.add_row(name, text)
        out.print(table)


def _nets(framework: str) -> str:
    """Return which nets a framework has ports of, unless it has all."""
    own = contract.nets_of(framework)
    return "" if own == contract.nets_of("numpy") else f"; {', '.join(own)} only"
