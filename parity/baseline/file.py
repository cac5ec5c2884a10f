"""The file of a baseline: tensors as .safetensors, and what they are of in its header."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from parity.baseline.facts import Facts, TrialName, of_trial
from parity.results import Trial
from parity.standard.inputs import Tensors
from parity.standard.place import Place
from shared import files
from shared.errors import InputError
from shared.legible import legible
from shared.safetensors import METADATA, encoded

Array = NDArray[Any]
Key = tuple[TrialName, str]  # a trial and a port
FORMAT = 1
LARGEST = 1 << 30  # bytes of a file
ABOUT, HASH = "lockstep baseline", "sha256"  # what its header holds besides tensors
LENGTH = 8  # bytes that say how long the header is
ANEW = "write a new one with --save-baseline"


class DamagedError(Exception):
    """A file is no baseline. Its text makes a sentence after the file's name."""


@dataclass(frozen=True)
class Baseline:
    """The numbers of a whole run.

    written: when, in UTC. options: those given on the command line. environment: where it ran, see
    `facts.environment`. trials: what was run, see `facts.of_trial`. weights: those before some
    steps and at the end, which ports were given, by trial and step. numbers: what each port
    answered, by trial and port.
    """

    written: str
    options: tuple[str, ...]
    environment: dict[str, str]
    trials: dict[TrialName, Facts]
    weights: dict[TrialName, dict[int, Tensors]]
    numbers: dict[Key, dict[Place, Array]]

    def check(self, path: Path, trials: list[Trial]) -> None:
        """Check that a run is of the same recipes, precisions, steps, data and weights.

        Args:
            path: where the baseline comes from.
            trials: of the run.

        Raises:
            InputError: it is not.
        """
        own = {TrialName.of(trial): of_trial(trial) for trial in trials}
        then = f"it was written with {' '.join(self.options) or 'no options'}"
        advice = f"{then}; give the same, or {ANEW}"
        for name in self.trials:
            if name not in own:
                raise InputError(f"{path} is a baseline of {name}, which is not compared: {advice}")
        for name in own:
            if name not in self.trials:
                raise InputError(f"{path} is no baseline of {name}, which is compared: {advice}")
        for name, now in own.items():
            for fact, value in now.items():
                before = self.trials[name].get(fact)
                if before != value:
                    raise InputError(
                        f"{path} is a baseline of {name} with {before}, where this run has "
                        f"{value}: {advice}"
                    )


def content(baseline: Baseline) -> bytes:
    """Return what a baseline's file holds, with a hash of all of it."""
    tensors = {
        f"given/{number}/{step}/{name}": array
        for number, trial in enumerate(baseline.trials)
        for step, own in baseline.weights[trial].items()
        for name, array in own.items()
    }
    for number, values in enumerate(baseline.numbers.values()):
        tensors |= {f"answer/{number}/{_key(place)}": array for place, array in values.items()}
    told = {
        "format": FORMAT,
        "written": baseline.written,
        "options": baseline.options,
        "environment": baseline.environment,
        "trials": [[*name, own] for name, own in baseline.trials.items()],
        "ports": [[*name, port] for name, port in baseline.numbers],
    }
    about = json.dumps(told)
    return encoded(tensors, {ABOUT: about, HASH: _hash(about, tensors)})


def read(path: Path) -> Baseline:
    """Return the baseline in a file.

    Raises:
        InputError: it cannot be read, is damaged, or is something else.
    """
    try:
        return _decoded(files.read(path, LARGEST))
    except files.UnreadableError as error:
        raise InputError(
            f"{path} {error}: --since takes a file that --save-baseline wrote"
        ) from error
    except DamagedError as error:
        raise InputError(f"{path} {error}") from error


def _decoded(stored: bytes) -> Baseline:
    """Return the baseline that a file's content is.

    Raises:
        DamagedError: it is none.
    """
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors  # only here, and takes time to import

    about, digest, size = _header(stored)
    if len(stored) < size:
        raise DamagedError(
            f"is cut short, with {len(stored):,} of {size:,} bytes: restore it, or {ANEW}"
        )
    try:
        tensors = safetensors.load(stored)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise DamagedError(
            f"is damaged ({legible(str(error), 100)}): restore it, or {ANEW}"
        ) from error
    if digest != _hash(about, tensors):
        raise DamagedError(f"is damaged, since its hash is another: restore it, or {ANEW}")
    try:
        told = json.loads(about)
        if told["format"] != FORMAT:
            raise DamagedError(f"has the format {told['format']!r:.20}, not {FORMAT}: {ANEW}")
        return _built(told, tensors)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(f"holds no baseline that can be read: {ANEW}") from error


def _header(stored: bytes) -> tuple[str, str, int]:
    """Return what a file says of itself, its hash, and how many bytes it should have.

    Raises:
        DamagedError: it is no baseline.
    """
    start = LENGTH + int.from_bytes(stored[:LENGTH], "little")
    try:
        if not LENGTH < start <= len(stored):
            raise ValueError(start)
        header = json.loads(stored[LENGTH:start])
        own = header.pop(METADATA)
        size = start + max((told["data_offsets"][1] for told in header.values()), default=0)
        about, digest = own[ABOUT], own[HASH]
        if not (isinstance(about, str) and isinstance(digest, str) and isinstance(size, int)):
            raise TypeError(size)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedError(
            "is no baseline, or its beginning is damaged: --since takes a file that "
            "--save-baseline wrote"
        ) from error
    return about, digest, size


def _built(told: dict[str, Any], tensors: Tensors) -> Baseline:
    """Return the baseline that a file tells of; what does not fit raises any of many errors."""
    trials = {_trial(name): dict(own) for *name, own in told["trials"]}
    ports = [(_trial(name), legible(port)) for *name, port in told["ports"]]
    weights: dict[TrialName, dict[int, Tensors]] = {trial: {} for trial in trials}
    numbers: dict[Key, dict[Place, Array]] = {port: {} for port in ports}
    for name, array in sorted(tensors.items()):  # the library gives them in any order
        kind, number, rest = name.split("/", 2)
        if kind == "given":
            step, _, tensor = rest.partition("/")
            weights[list(trials)[int(number)]].setdefault(int(step), {})[tensor] = array
        else:
            numbers[ports[int(number)]][_place(rest)] = array
    return Baseline(
        legible(str(told["written"])),
        tuple(legible(str(option)) for option in told["options"]),
        {str(name): legible(str(value)) for name, value in told["environment"].items()},
        trials,
        weights,
        numbers,
    )


def _trial(name: list[str]) -> TrialName:
    recipe, dtype, mode = map(legible, name)
    return TrialName(recipe, dtype, mode)


def _key(place: Place) -> str:
    """Return a tensor's name in the file."""
    return f"{place.rung}/{place.step}/{place.kind}/{place.split or ''}/{place.name}"


def _place(key: str) -> Place:
    rung, step, kind, split, name = key.split("/", 4)
    return Place(rung, int(step), name, kind, split or None)  # type: ignore[arg-type] # from _key


def _hash(about: str, tensors: Tensors) -> str:
    """Return the hash of what a file says of itself, and of all names, types, shapes and values."""
    digest = hashlib.sha256(about.encode())
    for name, array in sorted(tensors.items()):
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
