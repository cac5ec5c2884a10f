"""Compiled programs that a framework keeps on disk from run to run, so that they compile once.

The judge says where in its worker processes' environment. Frameworks are imported by name here, and
only by the worker of a port that has imported its framework already.
"""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from parity.contract import Port

FOLDER_VARIABLE = "LOCKSTEP_PROGRAMS"  # where they are kept, if they are
TIMED_VARIABLE = "LOCKSTEP_TIMED_PROGRAMS"  # whether those are, too, whose time is taken


def variables(folder: str, timed: bool) -> dict[str, str]:
    """Return the environment of a process whose port keeps its programs in a folder."""
    return {FOLDER_VARIABLE: folder, TIMED_VARIABLE: "1" if timed else ""}


def _keep_in_jax(folder: str | None) -> None:
    jax = importlib.import_module("jax")
    cache = importlib.import_module("jax.experimental.compilation_cache.compilation_cache")
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    cache.set_cache_dir(folder)
    cache.reset_cache()  # otherwise JAX reads the folder only once


# By framework: keep all that is compiled in a folder for later processes; None keeps nothing.
KEEPERS: Mapping[str, Callable[[str | None], None]] = {"jax": _keep_in_jax}


def keep(port: Port) -> None:
    """Let a port's framework keep what it compiles, if it can and the judge wants it."""
    if port.framework in KEEPERS:
        KEEPERS[port.framework](os.environ.get(FOLDER_VARIABLE))


@contextmanager
def timing(port: Port) -> Iterator[None]:
    """Recompile inside, so that first-call time is measured."""
    if port.framework in KEEPERS and not os.environ.get(TIMED_VARIABLE):
        KEEPERS[port.framework](None)
    try:
        yield
    finally:
        keep(port)
