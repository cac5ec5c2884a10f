"""Signals that come at once: the first ends the process, and none of the others is heard of."""

import subprocess
import sys

from shared.interrupts import INTERRUPTED
from tests.running import ROOT

# Called by `list(map(...))`, all have come before Python handles the first of them, as on a machine
# that is too busy to run the process meanwhile.
AT_ONCE = """
import _thread, signal, sys
from shared import interrupts

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
interrupts.raise_keyboard_interrupt()
try:
    list(map(_thread.interrupt_main, interrupts.SIGNALS))
    while True:
        pass
except KeyboardInterrupt:
    for _ in range(1000):
        list(map(_thread.interrupt_main, interrupts.SIGNALS))
    sys.exit(interrupts.INTERRUPTED)
"""


def test_of_signals_that_come_at_once_one_is_heard() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (INTERRUPTED, "")
