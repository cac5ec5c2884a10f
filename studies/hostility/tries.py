"""What one try came to."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

Outcome = Literal["handled", "accepted", "crash", "hang", "left behind"]


@dataclass(frozen=True)
class Try:
    """One try: what was done, what came of it, and the sentence that says so.

    outcome: "handled" is the only one that is right. "accepted": what is damaged was taken for
    sound. "crash": an internal error, or a verdict that is not a port's own. "hang": no end in
    time. "left behind": a process or a file that was not there before.
    """

    what: str
    outcome: Outcome
    said: str = ""


# Of a class of tries: from a source of chance, makes one after the other without end.
Tries = Callable[[Random], Iterator[Try]]
