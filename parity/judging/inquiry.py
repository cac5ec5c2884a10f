"""What may still be asked, of a port and of the reference, once the two disagree."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from parity.judging import waivers
from parity.processes.messages import (
    Answer,
    Explain,
    Findings,
    FindLayers,
    Look,
    Message,
    ReferLayers,
    Replay,
    Retrace,
    Visit,
    Wander,
)
from parity.processes.port_run import PortRun
from parity.processes.record import Record
from parity.processes.standards import Assistant
from parity.results import STEPWISE, Diagnosis, Divergence, PortResult
from parity.rungs import ladder
from parity.standard.comparison import Comparison
from parity.standard.inputs import Tensors
from parity.standard.inside import FoundLayers, ReferenceLayers
from parity.standard.reference import At, Floors, Waypoint
from parity.standard.standard import Standard

EARLY_STEPS = 6  # of a free run, at its start
NEAR_STEPS = 3  # on either side of a divergence


@dataclass
class Inquiry:
    """One port on one recipe in one precision. What it answers is added to its `record`."""

    standard: Standard
    run: PortRun
    record: Record
    assistant: Assistant
    known: dict[int, Waypoint] = field(default_factory=dict)

    @property
    def waivers(self) -> waivers.Waivers:
        """The differences that the recipe expects of the port."""
        return waivers.of(self.run.port, self.standard)

    def allowing(self, rung: str, floors: Floors) -> Floors:
        """Return floors by name, without end where the recipe expects the port to differ."""
        own = [waiver for waiver in self.waivers if waiver.rung == rung]
        return {
            name: np.inf if any(w.tensor in (None, name) for w in own) else floor
            for name, floor in floors.items()
        }

    def begin(self) -> None:
        """Tell that there is something to ask."""
        self.run.workforce.progress.explaining(f"{self.run.port}", f"{self.standard}")

    def at(self, step: int) -> Waypoint:
        """Return the reference at any step, going on from the last checkpoint before it."""
        if step not in self.known:
            path = self.standard.reference.path
            start = max(stop for stop in path if stop <= step)
            request = Retrace(self.standard.inputs, start, path[start], step)
            self.known[step] = self.assistant.ask(f"{self.standard}: step {step}", request)
        return self.known[step]

    def weights_before(self, step: int) -> Tensors:
        """Return the reference's weights before a step, rounded to the working precision."""
        checkpoints = self.standard.reference.checkpoints
        return checkpoints[step] if step in checkpoints else self.known[step].rounded

    def due(self, rung: str, step: int) -> tuple[Tensors, Floors]:
        """Return what is expected on a rung, at a checkpoint or a step visited, and its floors."""
        if (rung, step) in self.standard.reference.expected:
            expected, floors = self.standard.reference.expected, self.standard.floors.expected
        else:
            expected, floors = self.known[step].expected, self.known[step].floors
        return expected[rung, step], floors[rung, step]

    def visit(self, step: int) -> dict[str, list[Comparison]] | None:
        """Let the port climb at one step, from the reference's weights; None if it fails there."""
        due = self.at(step)
        messages = self._visited(step)
        if messages is None:
            return None
        for message in messages:
            if isinstance(message, Answer):
                self.record.add(message)
        inputs = self.standard.inputs
        found = ladder.compare_answers(due.expected, due.floors, self.record, inputs)
        return waivers.set_aside(found, self.waivers)[0]

    def _visited(self, step: int) -> list[Message] | None:
        request = Visit(
            self.run.inputs(self.standard), self.record.mode, step, self.at(step).rounded
        )
        return self.run.ask_again(f"{self.standard}: step {step}", request)

    def replay(self, *stops: int) -> dict[int, Tensors] | None:
        """Let the port run freely again; return losses and weights after each number of steps."""
        request = Replay(self.run.inputs(self.standard), self.record.mode, stops)
        messages = self.run.ask_again(f"{self.standard}: bisecting", request)
        if messages is None:
            return None
        return {m.step: m.tensors for m in messages if isinstance(m, Answer)}

    def path_at(self, step: int) -> list[Comparison] | None:
        """Compare the weights after `step` steps of the free run; None if it cannot be had."""
        answers = self.replay(step)
        if answers is None:
            return None
        weights = {name: value for name, value in answers[step].items() if name != "loss"}
        if not weights:
            return None
        floors = self.standard.floors.path_at(step)
        expected = self.at(step).weights
        dtype = self.standard.inputs.dtype
        found = ladder.compare_tensors("trajectory", step, expected, weights, floors, dtype)
        left, _ = waivers.set_aside({"trajectory": found}, self.waivers)
        return left["trajectory"]

    def wander(self) -> Standard | None:
        """Return the standard with wider floors, if kinks may have led the port's run astray.

        The port has a free run, all of it finite.
        """
        steps, reference = self.standard.inputs.steps, self.standard.reference
        weights = dict(self.record.answers["trajectory", steps])
        losses = np.abs(weights.pop("loss") - reference.losses)
        off = {
            name: float(np.abs(value - reference.path[steps][name]).max())
            for name, value in weights.items()
        }
        inputs, floors = self.standard.inputs, self.standard.floors
        request = Wander(inputs, reference, floors, off, losses)
        wider = self.assistant.ask(f"{self.standard}: where rounding may lead", request)
        return replace(self.standard, floors=wider) if wider else None

    def refer_layers(self, step: int, function: str) -> ReferenceLayers:
        """Return what the reference's layers do at one step, in `forward` or `loss`."""
        weights = self.weights_before(step)
        request = ReferLayers(self.standard.inputs, step, weights, function)
        found: ReferenceLayers = self.assistant.ask(f"{self.standard}: layers", request)
        return found

    def find_layers(self, step: int, function: str, layers: Tensors) -> FoundLayers:
        """Return how close a port's layers come to something in the reference at one step."""
        weights = self.weights_before(step)
        request = FindLayers(self.standard.inputs, step, weights, function, layers)
        found: FoundLayers = self.assistant.ask(f"{self.standard}: layers", request)
        return found

    def look(
        self, step: int, function: str, reference: ReferenceLayers
    ) -> dict[str, Tensors] | None:
        """Look inside the port's `forward` or `loss` at one step; None if it fails there.

        Returns:
            What it answers, by what `parity.rungs.looking` calls it.
        """
        inputs, mode, weights = self.standard.inputs, self.record.mode, self.weights_before(step)
        expected = {**reference.computed, **reference.came_out}
        floors = {**reference.computed_floors, **reference.floors}
        request = Look(inputs, mode, step, weights, function, reference.given, expected, floors)
        messages = self.run.ask_again(f"{self.standard}: layers", request)
        if messages is None:
            return None
        return {m.rung: m.tensors for m in messages if isinstance(m, Answer)}

    def explain(self, divergence: Divergence, inside: float) -> Diagnosis | None:
        """Name the mistake behind a divergence, if any fits; inside: see `Findings`."""
        reference, floors = self.standard.reference, self.standard.floors
        rung, step, rank = divergence.rung, divergence.step, divergence.place.rank
        stepwise = rung in STEPWISE
        again = (self._visited(step) or []) if stepwise and not rank else []
        states = self._states(divergence) if rung in ("update", "trajectory") and not rank else {}
        findings = Findings(
            # From worker 0 another differs without end; how far from the reference, is to be seen.
            replace(divergence, ratio=0.0) if rank else divergence,
            self.record.answers if rank == 0 else self._others(rank),
            self.record.predictions,
            {(m.rung, m.step): m.tensors for m in again if isinstance(m, Answer)},
            states,
            self.known.get(step) if stepwise else None,
            self.record.lacking,
            any(not c.agrees for c in self.record.alike if c.place.rung == rung),
            inside,
        )
        request = Explain(
            *(self.standard.inputs, reference, floors.expected),
            *(floors.path_at(2), floors.losses, findings),
        )
        found: Diagnosis | None = self.assistant.ask(f"{self.standard}: diagnosis", request)
        return found

    def _others(self, rank: int) -> dict[At, Tensors]:
        """Return what another worker answered, less its run, in which the losses are of all."""
        return {at: got for at, got in self.record.others[rank].items() if at[0] in STEPWISE}

    def _states(self, divergence: Divergence) -> dict[int, Tensors]:
        """Return losses and weights of the free run, early and around the divergence."""
        near = divergence.step if divergence.rung == "trajectory" else 0
        stops = {*range(1, EARLY_STEPS + 1), *range(near - NEAR_STEPS, near + NEAR_STEPS + 1)}
        steps = self.standard.inputs.steps
        return self.replay(*sorted(stop for stop in stops if 0 < stop <= steps)) or {}


Witness = Callable[[PortResult, Inquiry], None]  # is told of a result and what it rests on
