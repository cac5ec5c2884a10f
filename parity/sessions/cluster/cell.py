"""A recipe as a cell: what travels to a node, is judged there with all ports, and comes back.

Its trials travel as the settings that they are made by, with a hash of what they are made of; data
is found or fetched on the node. Users' files travel with what they import from beside them.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from parity.contract import MODES, PortName
from parity.processes import devices
from parity.processes.options import Options
from parity.processes.standards import ReferenceFailedError
from parity.results import PortResult, Trial
from parity.sessions.cluster import kept
from parity.sessions.cluster.client import Call, Cluster
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from shared import files, recipes
from shared.errors import InputError
from shared.mnist_files import MEND
from shared.port_parts import LONGEST, parts
from shared.recipes import base_name

MNIST = ("mnist", "digits")  # data sets of which one stands in for the other
LARGEST = 1 << 30  # bytes of a file that travels
PATHS = ("reference", "weights", "data")  # the keys of a user's recipe that name files
TOLD = ("error", "traceback")  # what a result says in a user's words, paths among them
Found = tuple[int, dict[str, Any]]  # the number of a trial in its cell, and a result without it


@dataclass(frozen=True)
class Cell:
    """One recipe with all its ports.

    recipe: its name; a user's file is named from the root. files: users' own, by where they are
    here. digests: of what each trial is made of.
    """

    recipe: str
    settings: Settings
    drawn: bool
    ports: tuple[PortName, ...]
    files: dict[Path, bytes]
    digests: tuple[str, ...]

    @property
    def options(self) -> Options:
        """How its processes run."""
        return replace(self.settings.options, drawn=self.drawn, at_once=1)  # a cell is a core's


def compare(
    cluster: Cluster,
    settings: Settings,
    drawn: bool,
    names: list[str],
    trials: list[Trial],
    ports: list[PortName],
) -> list[PortResult]:
    """Return a result per trial and port, in the order in which a session gives them.

    Args:
        cluster: on whose nodes they are judged.
        settings: how they are compared.
        drawn: whether results are drawn.
        names: of the recipes.
        trials: on all recipes, as `settings` makes them.
        ports: which to compare.

    Raises:
        ClusterError, InputError, ReferenceFailedError: as `Cluster.results`.
        InputError: a user's file cannot travel.
    """
    own = [[each for each in trials if each.experiment.recipe is r] for r in _recipes(trials)]
    calls = [
        Call(name, judge, _cell(name, settings, drawn, group, ports), _work(group))
        for name, group in zip(names, own, strict=True)
    ]
    results = [
        PortResult(trial=group[number], **fields)
        for group, found in zip(own, cluster.results(calls), strict=True)
        for number, fields in found
    ]
    return sorted(results, key=lambda result: MODES.index(result.requested))


def judge(cell: Cell) -> list[Found]:
    """Judge a cell on a node, in a session that goes on with the next one.

    Raises:
        InputError: its data is not to be had here, or is other data, or there is no such device.
        ReferenceFailedError: the reference itself failed.
    """
    devices.check(cell.settings.device)
    session = kept.session(cell.options)
    there = _Laid(session.workforce.folder.resolve() / "users-files", cell.files)
    try:
        return _judged(cell, session, there)
    except (InputError, ReferenceFailedError) as error:
        raise type(error)(there.as_here(f"{error}")) from error


def _judged(cell: Cell, session: Session, there: "_Laid") -> list[Found]:
    trials = cell.settings.trials([there.recipe(cell.recipe)])
    for trial, due in zip(trials, cell.digests, strict=True):
        if digest(trial) != due:
            raise InputError(
                f"{cell.recipe} is made of other numbers here ({trial.experiment.data.title}): "
                f"{MEND}, or let data and weights be the same each time that they are made"
            )
    numbers = {(trial.experiment, trial.mode): number for number, trial in enumerate(trials)}
    return [
        (
            numbers[result.trial.experiment, result.requested],
            {name: value for name, value in vars(result).items() if name != "trial"}
            | {name: there.as_here(text) for name in TOLD if (text := getattr(result, name))},
        )
        for result in session.compare(trials, [there.port(port) for port in cell.ports])
    ]


def digest(trial: Trial) -> str:
    """Return a hash of the data, the initial weights and the schedule of a trial."""
    experiment = trial.experiment
    found = hashlib.sha256(f"{experiment.data.sha256} {experiment.learning_rate}".encode())
    given = {**experiment.weights, "schedule": np.asarray(experiment.schedule)}
    for name, array in given.items():
        found.update(f"{name} {array.dtype} {array.shape} ".encode() + array.tobytes())
    return found.hexdigest()


def _recipes(trials: list[Trial]) -> list[recipes.Recipe]:
    found: list[recipes.Recipe] = []
    for trial in trials:
        if not any(trial.experiment.recipe is each for each in found):
            found.append(trial.experiment.recipe)
    return found


def _work(trials: list[Trial]) -> float:
    """Return a measure of how long a cell takes: values that are updated, over all steps."""
    return sum(
        trial.experiment.steps * sum(weight.size for weight in trial.experiment.weights.values())
        for trial in trials
    )


def _cell(
    name: str, settings: Settings, drawn: bool, trials: list[Trial], ports: Sequence[PortName]
) -> Cell:
    data = trials[0].experiment.data.name
    there = replace(settings, data_dir=None, profile=False)
    if data in MNIST:  # a node must not choose otherwise
        there = replace(there, data=data)
    travelling = {
        path: _content(path)
        for file in [*_files(name), *(port.file for port in ports if port.file)]
        for path in (parts(file) if file.suffix == ".py" else [file])
        if files.is_regular(path)
    }
    named = _named_from_anywhere(name)
    return Cell(named, there, drawn, tuple(ports), travelling, tuple(map(digest, trials)))


def _named_from_anywhere(recipe: str) -> str:
    base = base_name(recipe)
    if base in recipes.RECIPES:
        return recipe
    return f"{Path(base).absolute()}{recipe.removeprefix(base)}"


def _files(name: str) -> list[Path]:
    """Return the files that a user's recipe is made of.

    Raises:
        InputError: it names one with its folder, which is elsewhere on a node.
    """
    found = list(recipes.get(name).files)
    if not found:
        return []
    said = tomllib.loads(found[0].read_text())
    for key in PATHS:
        if Path(f"{said.get(key, '')}").is_absolute():
            raise InputError(
                f"{found[0]} says {key} = {said[key]!r}: with --cluster, where it travels, name "
                "the file by where it is from there"
            )
    return [path.absolute() for path in found]


def _content(path: Path) -> bytes:
    try:
        return files.read(path, LONGEST if path.suffix == ".py" else LARGEST)
    except files.UnreadableError as error:
        raise InputError(f"{path} {error}, so it cannot travel to a node") from error


class _Laid:
    """Users' files laid out in a folder as they are where they come from."""

    def __init__(self, folder: Path, content: dict[Path, bytes]) -> None:
        self.folder = folder
        for path, held in content.items():
            file = self._at(path)
            if not file.is_file():
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(held)

    def _at(self, path: Path) -> Path:
        return self.folder.joinpath(*path.parts[1:])

    def as_here(self, text: str) -> str:
        """Return a text in which each file is named by where it comes from."""
        return text.replace(f"{self.folder}", "")

    def port(self, port: PortName) -> PortName:
        """Return a port as it is here; a net that is called by a path is a user's recipe."""
        file = self._at(port.file) if port.file else None
        nets = tuple(f"{self._at(Path(n))}" if Path(n).is_absolute() else n for n in port.nets)
        return replace(port, file=file, nets=nets)

    def recipe(self, name: str) -> str:
        """Return the name of a recipe as it is here."""
        base = base_name(name)
        if base in recipes.RECIPES:
            return name
        return f"{self._at(Path(base))}{name.removeprefix(base)}"
