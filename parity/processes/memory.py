"""How much memory this process has held."""

import sys
from pathlib import Path


def peak() -> int:
    """Return the most bytes that this process has held; 0 where the system does not say.

    Linux is asked for VmHWM (proc(5)): its `ru_maxrss` survives an exec, and so counts what the
    parent held when it started this process.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        return _peak_by_usage()


def _peak_by_usage() -> int:
    try:
        import resource  # on Unix alone
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
