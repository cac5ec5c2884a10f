"""How the operations of a framework err, by their names in its operations.toml."""

import tomllib
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from shared.rounding import HALF, NoiseLostError, Rounding

Array = NDArray[Any]
EXACT = ("exact", "composed")  # what is made of others that err has no error of its own
SUMS = ("contracted", "normalized")  # of these, the inputs err as well
UNKNOWN = "approximated"  # what is in no list is taken for one of these, and counted


class Operations:
    """The operations of one framework, and how they err in one run.

    file: lists the names of operations under their kinds.
    rounding: draws the errors.
    unknown: how often operations were called whose names are in no list.
    erred: how many operations did, since `require` was called last.
    """

    def __init__(self, file: Path, rounding: Rounding) -> None:
        self.rounding = rounding
        self.unknown: Counter[str] = Counter()
        self.erred = 0
        self._kinds = _kinds(file)

    def is_exact(self, name: str) -> bool:
        """Whether an operation has no error; of any other, note that it has one."""
        exact = self._kinds.get(name) in EXACT
        self.erred += not exact
        return exact

    def is_composed(self, name: str) -> bool:
        """Whether an operation is made of others, each of which errs by itself."""
        return self._kinds.get(name) == "composed"

    def is_known(self, name: str) -> bool:
        """Whether an operation is in any list."""
        return name in self._kinds

    def sums(self, name: str) -> bool:
        """Whether the inputs of an operation err, too, for they are summed."""
        return self._kinds.get(name) in SUMS

    def error(self, name: str) -> Callable[..., Array]:
        """Return how the result of an operation errs, as one of the functions of `Rounding`."""
        if name not in self._kinds:
            self.unknown[name] += 1
        kind = self._kinds.get(name, UNKNOWN)
        if kind in ("rounded", "contracted"):
            return self.rounding.rounded
        if kind == "saturated":
            return self.rounding.saturated
        if kind == "divided":
            return partial(self.rounding.approximated, units=HALF)
        return self.rounding.approximated

    def require(self, where: str) -> None:
        """Check that some operation has erred since the last time.

        Raises:
            NoiseLostError: none has; `where` it was called is named.
        """
        if not self.erred:
            raise NoiseLostError(f"{where} calls no operation that errs, so its noise is lost")
        self.erred = 0


@lru_cache
def _kinds(file: Path) -> Mapping[str, str]:
    """Return the kind of each operation."""
    lists: dict[str, str] = tomllib.loads(file.read_text("utf-8"))
    return {name: kind for kind, names in lists.items() for name in names.split()}
