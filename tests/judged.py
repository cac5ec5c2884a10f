"""Judging many known ports in few processes: those of one framework share one."""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from parity.contract import PortName
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.reports.as_json import to_json
from parity.results import PortResult
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from tests.running import result_of

FRAMEWORK = re.compile(r'^FRAMEWORK = "(\w+)"$', re.MULTILINE)
# What is not of a port alone: how long it took, and which others differ as it does.
OF_THE_RUN: dict[str, Any] = {"seconds": {}, "alike": []}


class Known(NamedTuple):
    """A port that leaves its framework as it is, and the recipe that it is judged on."""

    file: Path
    recipe: str

    @property
    def framework(self) -> str:
        """Which one it says it is of, if it says so."""
        stated = FRAMEWORK.search(self.file.read_text())
        return stated[1] if stated else ""

    @property
    def name(self) -> PortName:
        """What it is called, which is what compare.py calls it."""
        return PortName(self.file.name, self.file, (self.recipe,))


class Judged(NamedTuple):
    """What was said of ports, as JSON has it."""

    report: dict[str, Any]

    def result(self, port: str, dtype: str) -> dict[str, Any]:
        """Return the one result of a port in one precision."""
        return result_of(self.report, port, dtype)


def judge_all(environment: Mapping[str, str], settings: Settings, ports: Iterable[Known]) -> Judged:
    """Judge each port on its recipe; those of one framework take turns in one process.

    To import a framework, and to ask again what disagrees, in processes of their own takes longer
    than to judge a port.
    """
    in_order = sorted(ports, key=lambda port: port.framework)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
        found = [
            result
            for _, own in groupby(in_order, lambda port: port.framework)
            for result in _judge(settings, list(own))
        ]
    return Judged(json.loads(to_json(found)))


def _judge(settings: Settings, ports: list[Known]) -> list[PortResult]:
    """Judge the ports of one framework."""
    trials = settings.trials(list(dict.fromkeys(port.recipe for port in ports)))
    with Session(Options(), Progress(), shared=True) as session:
        return list(session.compare(trials, [port.name for port in ports]))
