"""Known differences: where a recipe expects a port to differ from its reference, and why."""

from pathlib import Path
from typing import Any, NoReturn

from shared import files
from shared.errors import InputError
from shared.legible import legible
from shared.recipes import Waiver, guessed

RUNGS = ("forward", "loss", "gradients", "update", "trajectory", "accuracy")
LAYER = "layer"  # what a tensor of the rung forward may be called
PRECISIONS = ("float32", "float64")
# The keys of one, and what each is.
KEYS = {
    "port": "the path of the port's file",
    "at": f"a rung ({', '.join(RUNGS)}), or a rung and a tensor, such as 'update running_mean'",
    "why": "the reason why the port differs there",
    "dtype": "float32 or float64; left out, both",
}
NEEDED = ("port", "at", "why")


def waivers(recipe: Path, said: Any) -> tuple[Waiver, ...]:
    """Return what a recipe's file says of known differences.

    Args:
        recipe: the file.
        said: a table, or a list of tables, with KEYS.

    Raises:
        InputError: it is something else.
    """
    tables = [said] if isinstance(said, dict) else said
    return tuple(_waiver(recipe, table) for table in tables)


def refuse(recipe: Path, found: str, due: str) -> NoReturn:
    """Raise an InputError of one sentence about a known difference."""
    raise InputError(f"{recipe} {found} in expected: {due}")


def _waiver(recipe: Path, table: Any) -> Waiver:
    if not isinstance(table, dict):
        refuse(recipe, f"says {table!r}", f"it is a table with {', '.join(NEEDED)}")
    for key, value in table.items():
        if key not in KEYS:
            refuse(recipe, f"has an unknown key {key!r}", guessed(key, list(KEYS), {}))
        if not isinstance(value, str) or not value.strip():
            refuse(recipe, f"says {key} = {value!r}", f"{key} is {KEYS[key]}")
    for key in NEEDED:
        if key not in table:
            refuse(recipe, f"lacks {key}", f"{key} is {KEYS[key]}")
    port = (recipe.parent / table["port"]).absolute()
    if not files.is_regular(port):
        refuse(recipe, f"says port = {table['port']!r}", f"there is no file {port}")
    dtype = table.get("dtype")
    if dtype not in (None, *PRECISIONS):
        refuse(recipe, f"says dtype = {dtype!r}", guessed(dtype, list(PRECISIONS), {}))
    at = " ".join(table["at"].split())
    rung, tensor = _place(recipe, at)
    return Waiver(port, legible(at), rung, tensor, legible(" ".join(table["why"].split())), dtype)


def _place(recipe: Path, at: str) -> tuple[str, str | None]:
    """Return a rung and a tensor, None for all of the rung."""
    word, _, tensor = at.partition(" ")
    if word == LAYER and tensor:
        return "forward", tensor
    if word not in RUNGS:
        refuse(recipe, f"says at = {at!r}", guessed(word, [*RUNGS, f"{LAYER} NAME"], {}))
    return word, tensor or None
