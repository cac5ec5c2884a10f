"""Where the tests' ports are, and running compare.py on them as a user does."""

from collections.abc import Callable
from pathlib import Path

from traps.comparing import Run, run_compare

__all__ = ["PORTS", "ROOT", "Compare", "Run", "run_compare"]

ROOT = Path(__file__).parent.parent
PORTS = Path(__file__).parent / "ports"
Compare = Callable[..., Run]
