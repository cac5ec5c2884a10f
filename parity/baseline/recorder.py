"""Keeping the numbers of a run as it goes on, and holding each to an earlier run's."""

from datetime import UTC, datetime
from pathlib import Path

from parity.baseline import facts
from parity.baseline.changes import Change, Since, change
from parity.baseline.facts import TrialName
from parity.baseline.file import Baseline, Key
from parity.baseline.values import Value, kept
from parity.judging.inquiry import Inquiry
from parity.processes.messages import Answer, Visit
from parity.processes.record import Record
from parity.results import STEPWISE, PortResult, Trial
from parity.standard.inputs import PART, Tensors
from parity.standard.place import Place
from parity.standard.standard import Standard

UNLIKE = (
    "{} on all rows is left out: the reference's last weights, at which it is asked, have other "
    "bits than then"
)


class Recorder:
    """Keeps what every port answered and, given an earlier baseline, holds it to that.

    Args:
        earlier: the baseline, if there is one, which is of the same trials.
        path: where it comes from.
    """

    def __init__(self, earlier: Baseline | None = None, path: Path | None = None) -> None:
        self.earlier, self.path = earlier, path
        self._weights: dict[TrialName, dict[int, Tensors]] = {}
        self._numbers: dict[Key, dict[Place, Value]] = {}
        self._changes: dict[Key, Change] = {}
        self._left_out: dict[TrialName, str] = {}

    def check(self, trials: list[Trial]) -> None:
        """Check that a run can be held to the baseline, if there is one.

        Raises:
            InputError: it is of other recipes, steps, data or weights.
        """
        if self.earlier and self.path:
            self.earlier.check(self.path, trials)

    def add(self, result: PortResult, inquiry: Inquiry) -> None:
        """Keep what a port answered; of one that is in error, nothing can be kept."""
        trial = TrialName.of(result.trial)
        key = trial, result.port
        weights = self._weights.setdefault(trial, _given(inquiry.standard))
        if result.verdict == "error":
            self._changes[key] = Change(*key, "in error")
            return
        self._numbers[key] = kept(inquiry.standard, inquiry.record)
        if self.earlier is None:
            return
        before = self.earlier.numbers.get(key)
        if before is None:
            self._changes[key] = Change(*key, "new")
            return
        now = self._numbers[key]
        then = self.earlier.weights[trial]
        other = [step for step in weights if not _are_same(weights[step], then.get(step, {}))]
        if other:
            now = kept(inquiry.standard, self._asked_again(inquiry, then, other))
            if max(weights) in other:
                self._left_out[trial] = UNLIKE.format(f"{trial}: accuracy")
                now = {place: value for place, value in now.items() if place.rung != "accuracy"}
                before = {place: a for place, a in before.items() if place.rung != "accuracy"}
        self._changes[key] = change(*key, before, now)

    def _asked_again(self, inquiry: Inquiry, then: dict[int, Tensors], other: list[int]) -> Record:
        """Return what a port answers at the baseline's own weights, where this run's are others.

        Another NumPy or another processor moves the reference, and what ports are given with it;
        at other weights, other numbers are right.
        """
        standard, record = inquiry.standard, inquiry.record
        answers, inputs = dict(record.answers), inquiry.run.inputs(standard)
        checkpoints = standard.reference.checkpoints
        for step in checkpoints:
            at = max(checkpoints) if step == PART else step
            if at not in other or at not in then:
                continue
            visit = Visit(inputs, record.mode, step, then[at])
            messages = inquiry.run.ask_again(f"{standard}: step {step}, as in the baseline", visit)
            answers = {at: own for at, own in answers.items() if at not in _single(step)}
            for message in messages or []:
                if isinstance(message, Answer) and (message.rung, message.step) in _single(step):
                    answers[message.rung, message.step] = message.tensors
        return Record(answers=answers, predictions=record.predictions)

    def baseline(
        self, results: list[PortResult], options: tuple[str, ...], threads: int
    ) -> Baseline:
        """Return a baseline of a whole run, none of whose results is in error.

        Args:
            results: of the run.
            options: those given on the command line.
            threads: of each port.
        """
        trials = {TrialName.of(result.trial): result.trial for result in results}
        keys = [(TrialName.of(result.trial), result.port) for result in results]
        return Baseline(
            datetime.now(UTC).isoformat(" ", "minutes").removesuffix("+00:00"),
            options,
            facts.environment(results, threads),
            {name: facts.of_trial(trial) for name, trial in trials.items()},
            {name: self._weights[name] for name in trials},
            {
                key: {place: value.array for place, value in self._numbers[key].items()}
                for key in keys
            },
        )

    def since(self, results: list[PortResult], threads: int) -> Since | None:
        """Return what became of a run's numbers since the baseline, if there is one.

        Args:
            results: of the run.
            threads: of each port.
        """
        if self.earlier is None:
            return None
        keys = [(TrialName.of(result.trial), result.port) for result in results]
        gone = [key for key in self.earlier.numbers if key not in keys]
        return Since(
            f"{self.path}",
            self.earlier.written,
            self.earlier.options,
            facts.changed(self.earlier.environment, facts.environment(results, threads)),
            [*(self._changes[key] for key in keys), *(Change(*key, "gone") for key in gone)],
            list(self._left_out.values()),
        )


def _single(step: int) -> set[tuple[str, int]]:
    """Return where a port answers from the weights before a step."""
    return {(rung, step) for rung in STEPWISE}


def _given(standard: Standard) -> dict[int, Tensors]:
    """Return the weights that ports are given before some steps, and after the last."""
    reference, inputs = standard.reference, standard.inputs
    given = {step: own for step, own in reference.checkpoints.items() if step != PART}
    return {**given, inputs.steps: reference.final(inputs.dtype)}


def _are_same(one: Tensors, other: Tensors) -> bool:
    """Whether two sets of weights are the same, bit for bit."""
    return one.keys() == other.keys() and all(
        value.dtype == other[name].dtype
        and value.shape == other[name].shape
        and value.tobytes() == other[name].tobytes()
        for name, value in one.items()
    )
