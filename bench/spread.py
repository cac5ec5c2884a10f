"""What a step over several workers costs in each framework's own engine, and its floor.

Run as `python -m bench.spread`; see --help.
"""

import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.measure import Announce
from bench.messages import Join, Spread, SpreadMessage, SpreadRequest, Took
from bench.rivals.all_reduce import OF
from parity.contract import is_installed
from parity.processes import addresses, mpi
from parity.processes.messages import Failed
from parity.processes.worker import Worker, WorkerDiedError, launch_alone
from parity.reports.endings import in_a_sentence
from parity.reports.files import writable_folder

ALONE, TOGETHER = "mnist", "mnist_workers"
BATCHES = {100: 200, 1_000: 50, 10_000: 10}  # the steps that are taken of each size
SUMS = 200
WORKERS = (1, 2, 3, 4)
MORE, LARGE = (8, 64, 1_024), (10_000, 1_000_000)  # workers and batches for which it is reckoned


@dataclass(frozen=True)
class SpreadTime:
    """Microseconds, medians of some rounds, of one framework over some workers.

    alone, step: of a step by the batch's size, in a port that does not spread, and in one that
    does. floor: of a sum over the workers of as many numbers as there are weights.
    """

    framework: str
    workers: int
    alone: dict[int, float]
    step: dict[int, float]
    floor: float


def measure(
    frameworks: Sequence[str], rounds: int, tell: Announce, workers: Sequence[int] = WORKERS
) -> Iterator[SpreadTime]:
    """Yield the times of each framework over each number of workers.

    Args:
        frameworks: whose ports take part.
        rounds: how often each thing is measured, in alternation.
        tell: is told what is measured next.
        workers: over how many.

    Raises:
        RuntimeError: a worker failed, or died.
    """
    for framework in frameworks:
        for count in workers:
            tell(f"{framework}, {count} worker{'s' * (count > 1)}")
            with joined(framework, count) as group:
                yield _measured(group, framework, count, rounds)


def _measured(group: list[Worker], framework: str, count: int, rounds: int) -> SpreadTime:
    alone = {batch: Spread(ALONE, steps, batch) for batch, steps in BATCHES.items()}
    step = {batch: Spread(TOGETHER, steps, batch) for batch, steps in BATCHES.items()}
    floor = Spread("", SUMS)
    found: dict[Spread, list[float]] = {}
    for _ in range(rounds):
        for work in (*alone.values(), *step.values(), floor):
            asked = group[:1] if work.net == ALONE else group
            found.setdefault(work, []).append(1e6 * ask(asked, [work] * len(asked)) / work.steps)
    micros = {work: statistics.median(each) for work, each in found.items()}
    return SpreadTime(
        framework,
        count,
        {batch: micros[work] for batch, work in alone.items()},
        {batch: micros[work] for batch, work in step.items()},
        micros[floor],
    )


@contextmanager
def joined(framework: str, count: int) -> Iterator[list[Worker]]:
    """Start a group of workers, and end them all.

    Raises:
        RuntimeError: one failed, or died.
    """
    workers: list[Worker] = []
    with tempfile.TemporaryDirectory(prefix="lockstep-bench-") as folder:
        launch = mpi.Ranks(count, mpi.LONGEST).launch if framework == "numpy" else launch_alone
        try:
            for rank in range(count):
                own = Path(folder) / f"{rank}"
                workers.append(Worker(1, own, {}, "bench.spread_worker", SpreadMessage, launch))
            at = addresses.choose(count)
            ask(workers, [Join(framework, rank, at) for rank in range(count)])
            yield workers
        finally:
            for worker in workers:
                worker.kill()


def ask(workers: Sequence[Worker], requests: Sequence[SpreadRequest]) -> float:
    """Ask all workers at once, and return the seconds that the slowest took.

    Raises:
        RuntimeError: one failed, or died.
    """
    with ThreadPoolExecutor(len(workers)) as pool:
        return max(pool.map(_ask, workers, requests))


def _ask(worker: Worker, request: SpreadRequest) -> float:
    heard: list[SpreadMessage] = []
    try:
        worker.ask(request, heard.append)
    except WorkerDiedError as error:
        raise RuntimeError(f"{request}: {error}\n{error.log}") from error
    for message in heard:
        if isinstance(message, Failed):
            raise RuntimeError(f"{request}: {message.sentence}\n{message.traceback}")
    return next((message.seconds for message in heard if isinstance(message, Took)), 0.0)


def reckoned(times: Sequence[SpreadTime], framework: str, workers: int, batch: int) -> float:
    """Return how much faster a step would be over many workers than alone, each on its own core.

    Workers share the rows. A step alone costs what it costs without rows, and so much per row: both
    are read off the smallest and the largest batch. A sum is passed on around a ring, 2 (n - 1)
    times over n workers, and from two workers' sum it is known what passing it on costs.
    """
    of = {each.workers: each for each in times if each.framework == framework}
    small, large = min(BATCHES), max(BATCHES)
    per_row = (of[1].alone[large] - of[1].alone[small]) / (large - small)
    fixed = max(0.0, of[1].alone[small] - small * per_row)
    passed = of[2].floor / 2
    spread = fixed + per_row * batch / workers + 2 * (workers - 1) * passed
    return (fixed + per_row * batch) / spread


def tables(times: Sequence[SpreadTime]) -> Iterator[Table]:
    """Yield what was measured, and what is reckoned from it."""
    shown = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("engine", "workers"):
        shown.add_column(heading, justify="left" if heading == "engine" else "right")
    for batch in BATCHES:
        shown.add_column(f"{batch:,} rows", justify="right")
    shown.add_column("sum alone", justify="right")
    for each in times:
        if each.workers == 1:
            plain = [f"{value:,.0f}" for value in each.alone.values()]
            shown.add_row(each.framework, "none", *plain, "")
        cells = [
            f"{each.step[b]:,.0f} ({each.step[b] / _plain(times, each)[b]:.2f})" for b in BATCHES
        ]
        shown.add_row(each.framework, f"{each.workers}", *cells, f"{each.floor:,.0f}")
    yield shown
    far = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    far.add_column("engine")
    far.add_column("rows", justify="right")
    for count in MORE:
        far.add_column(f"{count:,} workers", justify="right")
    for framework in dict.fromkeys(each.framework for each in times):
        if {1, 2} <= {each.workers for each in times if each.framework == framework}:
            for batch in LARGE:
                cells = [f"{reckoned(times, framework, count, batch):,.2f}" for count in MORE]
                far.add_row(framework, f"{batch:,}", *cells)
    yield far


def _plain(times: Sequence[SpreadTime], each: SpreadTime) -> dict[int, float]:
    """Return what a step costs in a port of the same framework that does not spread."""
    alike = [other for other in times if other.framework == each.framework]
    return min(alike, key=lambda other: other.workers).alone


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="How often each thing is measured.",
)
@click.option("--output", type=Path, default=Path("out/bench"), show_default=True)
def main(rounds: int, output: Path) -> None:
    """Time each framework's engine over 1 to 4 workers, against a sum over them alone."""
    with in_a_sentence():
        folder = writable_folder(output)
    console, told = Console(highlight=False, width=100), Console(stderr=True, highlight=False)
    able = [name for name in OF if is_installed(name)]
    times = list(measure(able, rounds, told.print))
    console.print("µs per step, and how often one without any engine; of a sum alone:")
    first, second = tables(times)
    console.print(first)
    console.print("\nreckoned: how often as fast as one worker, each on a core of its own:")
    console.print(second)
    text = json.dumps([asdict(each) for each in times], indent=1)
    (folder / "spread.json").write_text(f"{text}\n")


if __name__ == "__main__":
    main()
