"""Which tensor of a port's is meant: its identity, and what it is called."""

from dataclasses import dataclass
from typing import Literal

# Of the run that its rung is about; rows of one batch, as they were handed over; of fewer rows than
# a batch has; of a second call of train; of the trained model, held to one built anew from its
# weights; of the model after the free run; or of another worker, held to worker 0's.
Kind = Literal[
    "run", "batch", "half batch", "second call", "trained model", "after training", "other worker"
]
BESIDE = ("half batch", "second call", "trained model", "other worker")
SECOND = 0.3  # of the learning rate, in a second call of train; no power of 2, so that it rounds


@dataclass(frozen=True)
class Place:
    """One tensor of one rung at one step.

    name: as the port calls it, or what is made of it: its classes, or its accuracy. split: the rows
    that it is of, "train" or "test", on the rung accuracy. rank: of the worker whose it is.
    """

    rung: str
    step: int
    name: str
    kind: Kind = "run"
    split: str | None = None
    rank: int = 0

    @property
    def beside(self) -> bool:
        """Whether it is of something beside the run that the rung is about."""
        return self.kind in BESIDE

    @property
    def own(self) -> str:
        """What it is called within the run, without what sets it apart from others of its name."""
        name = f"batch {self.name}" if self.kind == "batch" else self.name
        return f"{name} ({self.split})" if self.split else name

    def __str__(self) -> str:
        """Return what it is called in a sentence; its rung and its step are said apart."""
        return f"{self.own}{WORDS[self.kind].format(self.rank)}"


WORDS: dict[Kind, str] = {
    "run": "",
    "batch": "",
    "half batch": " of half a batch",
    "second call": f" of a second call of train, at {SECOND:g} of the learning rate",
    "trained model": " of the trained model",
    "after training": " after training",
    "other worker": " of worker {}, held to worker 0's",
}
