"""What a worker said while its port was run through the rungs."""

from dataclasses import dataclass, field

from parity.contract import Mode
from parity.processes.messages import (
    Alike,
    Answer,
    Failed,
    FixedRows,
    Lacking,
    Loaded,
    Message,
    Predictions,
    Timed,
    Unchanged,
)
from parity.standard.comparison import Comparison
from parity.standard.inputs import Tensors


@dataclass
class Record:
    """All that a worker said while its port was run through the rungs.

    modes, only_cpu: see `contract.Port`. requested: the mode asked for. fixed_rows: the functions
    that take no other number of rows than a batch has. others: what workers answered that differ
    from worker 0, by rank.
    """

    framework: str = ""
    modes: tuple[Mode, ...] = ("eager",)
    only_cpu: bool = False
    requested: Mode = "compiled"
    lacking: tuple[str, ...] = ()
    fixed_rows: list[str] = field(default_factory=list)
    unchanged: list[Comparison] = field(default_factory=list)
    alike: list[Comparison] = field(default_factory=list)
    answers: dict[tuple[str, int], Tensors] = field(default_factory=dict)
    others: dict[int, dict[tuple[str, int], Tensors]] = field(default_factory=dict)
    predictions: list[Predictions] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    failure: Failed | None = None

    @property
    def mode(self) -> Mode:
        """The mode that the port runs in: the one asked for or, where it has one alone, that."""
        return self.requested if self.requested in self.modes else self.modes[0]

    def fresh(self, requested: Mode) -> "Record":
        """Return a record of the same port, loaded as here, that has answered nothing yet."""
        seconds = dict(self.seconds)
        return Record(
            *(self.framework, self.modes, self.only_cpu, requested),
            seconds=seconds,
            failure=self.failure,
        )

    def add(self, message: Message) -> None:
        """Keep what a message says."""
        match message:
            case Loaded():
                self.framework, self.modes = message.framework, message.modes
                self.only_cpu = message.only_cpu
                self.seconds["import"] = message.seconds
            case Lacking():
                self.lacking = message.functions
            case FixedRows():
                self.fixed_rows.append(message.function)
            case Unchanged():
                self.unchanged += message.comparisons
            case Alike():
                self.alike += message.comparisons
                self.others |= message.others
            case Answer():
                self.answers[message.rung, message.step] = message.tensors
            case Predictions():
                self.predictions.append(message)
            case Timed():
                self.seconds[message.what] = message.seconds
            case Failed():
                self.failure = message
