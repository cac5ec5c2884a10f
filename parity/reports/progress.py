"""What goes on while a comparison runs: live on a terminal, elsewhere a plain line per piece."""

import threading
import time
from typing import Self

import rich.live
import rich.progress
from rich.console import Console, Group
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from parity.processes.progress import Progress
from parity.reports import terminal

WHY_COLD = "Measuring noise floors. They are cached: only the first run on this data is slow."

DIFFERS = "differs: looking for the first step that differs, and for the mistake"


class Lines(Progress):
    """Prints a line per piece of work done."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.start = time.monotonic()

    def warn(self, text: str) -> None:
        """Print a warning."""
        self.console.print(text, style="bold yellow", markup=False, soft_wrap=True)

    def planned(self, pieces: int, cold: int) -> None:
        """Say how much lies ahead, and why it may be slow."""
        self.console.print(f"{pieces} tasks", markup=False, soft_wrap=True)
        if cold:
            self.console.print(WHY_COLD, markup=False, soft_wrap=True)

    def explaining(self, who: str, what: str) -> None:
        """Print what is looked into."""
        self.finished(who, f"{what} {DIFFERS}")

    def finished(self, who: str, what: str) -> None:
        """Print what is done, and when."""
        seconds = time.monotonic() - self.start
        self.console.print(f"{seconds:6.1f} s  {who}: {what}", markup=False, soft_wrap=True)


class Live(Progress):
    """Shows a bar for the whole, and under it a line for each of those at work."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.whole = rich.progress.Progress(
            BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn()
        )
        self.all = self.whole.add_task("all", total=None)
        self.rows = rich.progress.Progress(
            SpinnerColumn(),
            TextColumn("{task.description:10}", markup=False),
            TextColumn("{task.fields[what]}", markup=False),
        )
        self.row_of: dict[str, TaskID] = {}
        self.lock = threading.Lock()
        self.live = rich.live.Live(Group(self.whole, self.rows), console=console, transient=True)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.live.stop()

    def warn(self, text: str) -> None:
        """Print a warning above the bar."""
        self.console.print(text, style="bold yellow", markup=False)

    def planned(self, pieces: int, cold: int) -> None:
        """Set the length of the bar, and say why it may be slow."""
        self.whole.update(self.all, total=pieces)
        if cold:
            self.console.print(WHY_COLD, markup=False)

    def working(self, who: str, what: str) -> None:
        """Show what `who` is at."""
        with self.lock:
            if who not in self.row_of:
                self.row_of[who] = self.rows.add_task(who, total=None, what=what)
            self.rows.update(self.row_of[who], what=what)

    def explaining(self, who: str, what: str) -> None:
        """Print above the bar what is looked into."""
        self.console.print(f"{who}: {what} {DIFFERS}", markup=False)

    def finished(self, who: str, what: str) -> None:
        """Advance the bar."""
        with self.lock:
            self.whole.advance(self.all)
            if who in self.row_of:
                self.rows.update(self.row_of[who], what=f"{what}: done")

    def skipped(self, who: str, what: str) -> None:
        """Advance the bar."""
        with self.lock:
            self.whole.advance(self.all)


def shown(quiet: bool) -> Progress:
    """Return how to tell of progress: live on a terminal, in lines elsewhere, or not at all."""
    console = terminal.console(stderr=True)
    if quiet:
        return Progress()
    return Live(console) if console.is_terminal else Lines(console)
