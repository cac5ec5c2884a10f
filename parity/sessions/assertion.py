"""Judging one port from a test of one's own."""

import os
import time
from pathlib import Path

from parity.processes.progress import Progress
from parity.results import PortResult, overall
from parity.sessions import session
from parity.sessions.port_files import check_files
from parity.sessions.selection import check_renames
from parity.sessions.settings import Settings
from shared import recipes


def assert_parity(
    recipe: str,
    port: str | os.PathLike[str],
    *,
    dtype: str | None = None,
    mode: str = "compiled",
    steps: int | None = None,
    seed: int | None = None,
    data: str = "auto",
    data_dir: str | os.PathLike[str] | None = None,
    threads: int = 1,
    timeout: float = 300.0,
) -> list[PortResult]:
    """Judge one port of a recipe's net, in a process of its own, and return the results.

    Args:
        recipe: the recipe's name.
        port: the Python file that holds the port.
        dtype, mode, steps, seed, data, data_dir, threads, timeout: as the options of compare.py,
            by whose names errors call them, and which are as by default where they are left out.

    Raises:
        AssertionError: the port does not agree, crashed, hung or returned something unusable; the
            text ends with the report that compare.py prints.
        InputError: an unknown recipe, a missing file, or an option that cannot be.
        ReferenceFailedError: the reference itself failed, so that there is no verdict.
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    start = time.monotonic()
    recipes.get(recipe)
    folder = None if data_dir is None else Path(data_dir)
    settings = Settings(dtype, mode, steps, seed, data, folder, threads=threads, timeout=timeout)
    ports = check_files([Path(port)])
    check_renames([recipe], ports)
    trials = settings.trials([recipe])
    results = list(session.compare(trials, ports, settings.options, Progress()))
    if overall(results) != "agree":
        # Nothing but a failure takes rich, and the time to import it.
        from parity.reports import terminal

        text = terminal.as_text(results, time.monotonic() - start)
        raise AssertionError(f"{ports[0]} does not agree on {recipe}\n{text}")
    return results
