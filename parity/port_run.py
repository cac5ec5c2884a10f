"""One port's way through all recipes, in its worker process."""

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from parity.contract import PortName
from parity.ladder import Record
from parity.messages import Climb, Failed, Load, Message, Replay, Visit
from parity.process import Worker, WorkerDiedError
from parity.workforce import Workforce
from parity.yardsticks import Yardstick, fail


@dataclass
class PortRun:
    """A port at work: its process, and a record of each recipe as soon as it is through with it."""

    port: PortName
    workforce: Workforce
    records: "list[Future[Record]]"
    worker: Worker | None = None
    over: "Future[None]" = field(default_factory=Future)

    def climb(self, yardsticks: list[Yardstick]) -> None:
        """Run through all recipes; where the process dies, start it again for the rest."""
        try:
            loaded = Record()
            for yardstick, future in zip(yardsticks, self.records, strict=True):
                if self.worker is None and loaded.failure is None:
                    loaded = self._load()
                record = replace(
                    loaded, seconds=dict(loaded.seconds), answers={}, unchanged=[], predictions=[]
                )
                if record.failure is None:
                    self._climb(yardstick, record)
                future.set_result(record)
                self.workforce.progress.finished(f"{self.port}", f"{yardstick}")
        except Exception as error:
            for future in self.records:
                fail(future, error)
        finally:
            self.over.set_result(None)

    def ask_again(self, what: str, request: Visit | Replay) -> list[Message] | None:
        """Return what the port says once it is through with all recipes, or None if it fails."""
        self.over.result()
        heard: list[Message] = []
        self._ask(what, request, heard)
        return None if not heard or isinstance(heard[-1], Failed) else heard

    def _load(self) -> Record:
        """Start the process and import the port's framework."""
        heard: list[Message] = []
        self.worker = self.workforce.start()
        self._ask("import", Load(self.port), heard)
        return _recorded(Record(), heard)

    def _climb(self, yardstick: Yardstick, record: Record) -> None:
        reference = yardstick.reference.result()
        final = reference.final(yardstick.inputs.dtype)
        heard: list[Message] = []
        self._ask(f"{yardstick}", Climb(yardstick.inputs, reference.checkpoints, final), heard)
        _recorded(record, heard)

    def _ask(self, what: str, request: Load | Climb | Visit | Replay, heard: list[Message]) -> None:
        """Ask the process, if it lives, and collect what it says; its death is a failure, too."""
        if self.worker is None:
            return
        timeout = self.workforce.options.timeout
        try:
            who = f"{self.port}"
            self.workforce.ask(self.worker, who, what, request, heard.append, timeout)
        except WorkerDiedError as error:
            self.worker = None
            heard.append(Failed(f"{error}", error.log))


def _recorded(record: Record, messages: list[Message]) -> Record:
    for message in messages:
        record.add(message)
    return record
