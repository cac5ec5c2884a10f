"""Draws as cells of a cluster: a plan travels, and is drawn and judged on a node."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.sessions.cluster import judge_main, kept
from parity.standard import cache
from shared.errors import InputError
from studies import draws
from studies.draws import JudgedDraw, Plan


@dataclass(frozen=True)
class Drawing:
    """A plan, and the hash of each recipe's data, of which a node must draw."""

    plan: Plan
    data: tuple[str, ...]


def judge(address: str, plans: list[Plan], shown: Progress) -> Iterator[JudgedDraw]:
    """Judge plans on the nodes of a cluster, in order.

    Args:
        address: of its scheduler.
        plans: what to draw.
        shown: is told of cells.

    Raises:
        ClusterError, InputError, ReferenceFailedError: as `Cluster.results`.
    """
    from parity.sessions.cluster.client import Call, Cluster  # which take Dask

    calls = [Call(f"{plan}", judge_drawing, Drawing(plan, _data(plan))) for plan in plans]
    with Cluster(address, shown) as cluster:
        for found in cluster.results(calls):
            yield from found


def judge_drawing(drawing: Drawing) -> list[JudgedDraw]:
    """Judge a plan on a node.

    Raises:
        InputError: the data is other data here.
        ReferenceFailedError: the reference itself failed.
    """
    for name, due, found in zip(drawing.plan.names, drawing.data, _data(drawing.plan), strict=True):
        if found != due:
            raise InputError(
                f"{name} is drawn from other data here (SHA-256 {found}, where {due} is due)"
            )
    folder = _folder()
    session = kept.session(Options(at_once=1))  # a cell is a core's
    judged = list(draws.judge(drawing.plan, folder, session))
    session.forget()
    shutil.rmtree(cache.folder())  # no draw comes again
    return judged


def _data(plan: Plan) -> tuple[str, ...]:
    return tuple(draws.prepared(name, "float64").data.sha256 for name in plan.names)


@lru_cache
def _folder() -> Path:
    """Return a folder for what this process keeps until it ends, compiled programs among it."""
    return judge_main.KEPT.enter_context(draws.own_cache())
