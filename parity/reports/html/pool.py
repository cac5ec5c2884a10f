"""The numbers of a page's charts: few digits, and no array written twice."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Value = float | int | str | None


@dataclass
class Pool:
    """Arrays of numbers or words, which charts name by their places here."""

    arrays: list[list[Value]] = field(default_factory=list)
    places: dict[tuple[Value, ...], int] = field(default_factory=dict)

    def add(self, values: Iterable[Value]) -> int:
        """Return the place of an array, which is the old one if there is an equal one."""
        key = tuple(values)
        if key not in self.places:
            self.places[key] = len(self.arrays)
            self.arrays.append(list(key))
        return self.places[key]


def short(value: Any, digits: int) -> Value:
    """Return a number with few significant digits; what is no finite one, as a word."""
    number = float(value)
    if not math.isfinite(number):
        return str(number)
    rounded = float(f"{number:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e6 else rounded


def script_json(value: Any) -> str:
    """Return JSON that can stand in a script element: it holds no character of HTML's."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # all of it ASCII
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
