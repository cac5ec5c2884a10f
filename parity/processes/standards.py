"""Standards while they are made: references and noise floors, kept or from worker processes."""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parity.processes.messages import (
    Failed,
    Measure,
    Message,
    Recognise,
    Refer,
    ReferenceRequest,
    Result,
)
from parity.processes.worker import Worker, WorkerDiedError
from parity.processes.workforce import Workforce
from parity.standard import cache
from parity.standard.floors import NoiseFloors, check_scale
from parity.standard.inputs import Inputs
from parity.standard.reference import At, Floors, Reference
from parity.standard.standard import Standard
from shared.experiment import Experiment

WHO = "reference"
TOUCHED = (
    "the arrays that all ports share were changed meanwhile: one of the ports overwrites files, "
    "so compare them one at a time"
)


class ReferenceFailedError(Exception):
    """The reference or its noise floors cannot be had, so no verdict is possible."""


@dataclass(eq=False)
class PendingStandard:
    """One recipe in one precision, and what ports are held to on it, once that is there.

    kept: the file in which it is kept, if it is. untouched: whether the arrays are still those of
    the experiment, which no port must change.
    """

    experiment: Experiment
    inputs: Inputs
    kept: Path | None
    untouched: Callable[[], bool]
    reference: "Future[Reference]" = field(default_factory=Future)
    floors: "Future[NoiseFloors]" = field(default_factory=Future)

    def __str__(self) -> str:
        return f"{self.inputs}"

    def resolve(self) -> Standard:
        """Return the standard, as soon as it is there.

        Raises:
            ReferenceFailedError: the reference or its floors cannot be had.
        """
        reference, floors = self.reference.result(), self.floors.result()
        return Standard(self.experiment, self.inputs, reference, floors)

    @property
    def work(self) -> int:
        """A measure of how long its noise floors take."""
        return self.inputs.steps * sum(weight.size for weight in self.inputs.weights.values())

    def recall(self) -> bool:
        """Take reference and floors from the cache; return whether they are there."""
        found = cache.load(self.kept) if self.kept else None
        if found:
            self.reference.set_result(found[0])
            self.floors.set_result(found[1])
        return found is not None


class Assistant:
    """The reference's process for what is asked only after a disagreement; started when needed."""

    def __init__(self, workforce: Workforce) -> None:
        self.workforce = workforce
        self.worker: Worker | None = None

    def ask(self, what: str, request: ReferenceRequest) -> Any:
        """Ask the reference for something more.

        Raises:
            ReferenceFailedError: it failed on this.
        """
        if self.worker is None:
            self.worker = self.workforce.start()
        try:
            return _compute(self.workforce, self.worker, what, request)
        except ReferenceFailedError:
            self.worker.kill()
            self.worker = None
            raise


def refer(workforce: Workforce, standards: list[PendingStandard]) -> None:
    """Run the reference of every recipe."""
    try:
        worker = workforce.start()
        for pending in standards:
            request = Refer(pending.inputs)
            reference = _compute(workforce, worker, f"{pending}", request)
            pending.reference.set_result(reference)
            workforce.progress.finished(WHO, f"{pending}")
        worker.kill()
    except BaseException as error:  # whatever it is, nobody must wait for ever
        for pending in standards:
            fail(pending.reference, error)


def measure(workforce: Workforce, pending: PendingStandard) -> None:
    """Measure the noise floors of one recipe, and keep them, unless a user's are there already."""
    try:
        reference = pending.reference.result()
        worker = workforce.start()
        users = pending.inputs.begins_anew
        kept = _place(workforce, worker, pending, reference) if users else pending.kept
        found = cache.load(kept) if users and kept and not workforce.options.fresh else None
        request = Measure(pending.inputs, reference)
        floors = found[1] if found else _compute(workforce, worker, f"{pending}", request)
        worker.kill()
        if not pending.untouched():
            raise ReferenceFailedError(f"{pending}: {TOUCHED}")
        if kept and not found:
            cache.save(kept, cache.NOT_KEPT if users else reference, floors)
        pending.floors.set_result(floors)
        workforce.progress.finished(WHO, f"{pending}: noise floors")
    except BaseException as error:  # whatever it is, nobody must wait for ever
        fail(pending.floors, error)


def _place(
    workforce: Workforce, worker: Worker, pending: PendingStandard, reference: Reference
) -> Path:
    """Return the file in which the floors of a user's reference are kept, if they are."""
    request = Recognise(pending.inputs, reference)
    fingerprint = _compute(workforce, worker, f"{pending}", request)
    return cache.path(pending.inputs, pending.experiment.data.sha256, fingerprint)


def check(pending: PendingStandard, standards: list[PendingStandard]) -> None:
    """Hold a recipe's floors in its two precisions against each other, if both are there.

    Raises:
        ReferenceFailedError: they do not fit, so that somewhere the noise dropped out.
    """
    for other in standards:
        both = {other.inputs.dtype: other, pending.inputs.dtype: pending}
        if _run(other.inputs) == _run(pending.inputs) and len(both) == 2:
            floors = {dtype: _held(each) for dtype, each in both.items()}
            expected = both["float32"].reference.result().expected
            problem = check_scale(floors["float32"], floors["float64"], expected)
            if problem:
                raise ReferenceFailedError(f"{pending.inputs.recipe}: {problem}")


def _run(inputs: Inputs) -> tuple[str, str, int]:
    """Return what two runs of one recipe have in common; two recipes may have the same name."""
    return inputs.recipe, inputs.net, inputs.steps


def _held(pending: PendingStandard) -> dict[At, Floors]:
    """Return the floors that grow as the precision does.

    An optimizer such as Adam divides a gradient by its size, also one that is nothing but noise.
    """
    floors = pending.floors.result().expected
    if not pending.inputs.begins_anew:
        return floors
    return {at: own for at, own in floors.items() if at[0] != "update"}


def fail(future: "Future[Any]", error: BaseException) -> None:
    """Give an error to those who wait for a result, unless it is there."""
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)


def _compute(workforce: Workforce, worker: Worker, what: str, request: ReferenceRequest) -> Any:
    """Ask the reference's worker for something, and return it.

    Ours takes as long as it takes; a user's may hang.
    """
    heard: list[Message] = []
    timeout = workforce.options.timeout if request.inputs.begins_anew else None
    try:
        workforce.ask(worker, WHO, what, request, heard.append, timeout)
    except WorkerDiedError as error:
        raise ReferenceFailedError(f"the reference failed on {what}: {error}") from error
    for message in heard:
        if isinstance(message, Failed):
            said = message.sentence.removeprefix("it: ")  # who is meant is said already
            failed = ReferenceFailedError(f"the reference failed on {what}: {said}")
            failed.add_note(message.traceback)
            raise failed
        if isinstance(message, Result):
            return message.value
    raise ReferenceFailedError(f"the reference gave nothing on {what}")
