"""Lockstep's command line: compare ports of the same small networks, and say whether they agree."""

from shared import interrupts

if __name__ == "__main__":
    interrupts.end_at_once()  # also while the rest is imported

import io
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from parity.commands import comparing, listing
from parity.processes.standards import ReferenceFailedError
from parity.reports import extras
from parity.reports.endings import FAILED, UNUSABLE_INPUT, complain
from parity.reports.files import discard
from parity.sessions.settings import EAGER_STEPS, QUICK_ROWS, QUICK_STEPS
from shared.errors import ClusterError, InputError

EXAMPLES = """\b
Examples:
  python compare.py                          all recipes, all frameworks
  python compare.py planar --steps 500       one recipe, cut short
  python compare.py mnist --frameworks torch,jax
  python compare.py mnist --with my_port.py  your own port beside the others
  python compare.py --source mnist --frameworks torch,jax
  python compare.py --init torch my_model:Net
  python compare.py --quiet --json -         one JSON object, printed

\b
Exit status:
  0 all agree   1 some port disagrees   2 unusable input   3 a port failed
"""
PATH = click.Path(path_type=Path)


@click.command(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("recipe", nargs=-1)
@click.option(
    "--frameworks", metavar="NAMES", help="Frameworks, comma-separated. [default: all installed]"
)
@click.option(
    "--with",
    "files",
    metavar="FILE",
    multiple=True,
    help="Your own port (repeatable); RECIPE=FILE names its recipe.",
)
@click.option(
    "--workers",
    metavar="NUMBERS",
    help="Spread each batch over that many processes: ports for it, on one recipe per number.",
)
@click.option(
    "--dtype",
    metavar="NAME",
    help="float32, float64 or both. [default: what your own recipe says, else both]",
)
@click.option(
    "--mode",
    default="compiled",
    show_default=True,
    help="compiled: each framework at its fastest; eager: compilers switched off; or both.",
)
@click.option(
    "--steps",
    type=int,
    metavar="N",
    help=f"Updates to make. [default: the recipe's; at most {EAGER_STEPS} in eager mode]",
)
@click.option(
    "--seed", type=int, metavar="N", help="For weights and batch order. [default: the recipe's]"
)
@click.option(
    "--data",
    default="auto",
    show_default=True,
    help="mnist, digits (a small stand-in), or auto: digits if MNIST is unavailable.",
)
@click.option(
    "--data-dir",
    metavar="DIR",
    type=PATH,
    help="Folder with MNIST's four files. [default: $LOCKSTEP_DATA, the cache, a download]",
)
@click.option(
    "--device",
    default="cpu",
    show_default=True,
    help="cpu, or cuda: where ports run whose frameworks can; what they are held to stays on cpu.",
)
@click.option("--threads", default=1, show_default=True, help="Threads of each port.")
@click.option(
    "--timeout",
    default=300.0,
    show_default=True,
    help="Time limit for each call to a port, in seconds.",
)
@click.option(
    "--quick",
    is_flag=True,
    help=f"Every check, with {QUICK_STEPS} updates on {QUICK_ROWS} rows; or --steps N on all rows.",
)
@click.option(
    "--watch",
    is_flag=True,
    help="Judge the --with files again on every save; implies --quick unless --steps is given.",
)
@click.option(
    "--fresh", is_flag=True, help="Ignore the cache: measure noise floors and compile again."
)
@click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Judge each recipe on a node of the Dask cluster whose scheduler is there.",
)
@click.option("--json", metavar="FILE", help="Write the result as JSON; - is standard output.")
@click.option("--html", metavar="FILE", help="Write a report with charts, one page for a browser.")
@click.option(
    "--markdown", metavar="FILE", help="Write a summary for a CI job; - is standard output."
)
@click.option("--junit", metavar="FILE", help="Write the verdicts as JUnit XML for CI servers.")
@click.option(
    "--annotations", metavar="FILE", help="Write GitHub's ::error lines; - is standard output."
)
@click.option("--pictures", metavar="DIR", type=PATH, help="Save plots to DIR.")
@click.option(
    "--repro",
    metavar="DIR",
    type=PATH,
    help="Write to DIR, for each port that differs, a script that reproduces it.",
)
@click.option(
    "--vectors",
    metavar="DIR",
    type=PATH,
    help="Write inputs, expected values and noise floors to DIR, to check a port in any language.",
)
@click.option(
    "--save-baseline",
    metavar="FILE",
    help="Write every port's own numbers to FILE, for --since to hold later ones to.",
)
@click.option(
    "--since",
    metavar="FILE",
    type=PATH,
    help="Hold every port to its own numbers in FILE, tensor by tensor.",
)
@click.option("--profile", is_flag=True, help="Print the time and memory used by each process.")
@click.option("--quiet", is_flag=True, help="Print only the last line: no progress, no tables.")
@click.option("--debug", is_flag=True, help="Show tracebacks, and the output of a crashed port.")
@click.option(
    "--source", metavar="NET", help="Show the ports of NET (or: runtime) side by side, and exit."
)
@click.option(
    "--init",
    "drafted",
    is_flag=True,
    help="Write a recipe and a reference for a model of yours, FRAMEWORK MODULE:NAME, and exit.",
)
@click.option(
    "--input",
    "shape",
    metavar="SHAPE",
    help="With --init: the shape of one example, such as 3x32x32. [default: a guess]",
)
@click.option("--list", "listed", is_flag=True, help="List recipes and frameworks, and exit.")
def compare(
    listed: bool, source: str | None, drafted: bool, shape: str | None, **options: Any
) -> int:
    """Train the same networks in several frameworks, and report whether they agree.

    RECIPE is what to train (see --list), or the file of a recipe of your own, in TOML or Python; by
    default, all of our own that take one process.
    """
    if listed:
        listing.print_list()
        return 0
    if source is not None:
        extras.require("--source")
        from guide import terminal  # pygments and the ports' source, which nothing else needs

        terminal.show(source, options["frameworks"])
        return 0
    if drafted:
        from parity.commands import drafting  # which takes what writes weights

        drafting.draft(options["recipe"], shape, options["timeout"])
        return 0
    if shape is not None:
        raise InputError("--input is the shape that --init asks for: it cannot be used without")
    return comparing.run(**options)


def main(program: str = "compare.py") -> NoReturn:
    """Run the command line, and exit with the status that docs/ci.md lists.

    program: what it is called, in front of errors and in the examples.
    """
    interrupts.raise_keyboard_interrupt()
    make_streams_usable()
    if program != "compare.py":
        compare.epilog = EXAMPLES.replace("python compare.py", program)
    try:
        status = invoke(program)
    except InputError as error:
        status = complain(program, str(error), UNUSABLE_INPUT)
    except click.ClickException as error:
        status = complain(program, error.format_message(), UNUSABLE_INPUT)
    except (ClusterError, ReferenceFailedError) as error:
        status = complain(program, str(error), FAILED)
    except (KeyboardInterrupt, click.Abort):
        status = complain(program, "interrupted", interrupts.INTERRUPTED)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        status = complain(
            program, f"an internal error, not the fault of any port ({what}); see --debug", FAILED
        )
    sys.exit(status)


def make_streams_usable() -> None:
    """Let all that is printed be printed somehow: nowhere, where a stream is closed."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nothing, "r" if name == "stdin" else "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def invoke(program: str) -> int:
    """Do what the command line asks for, and return the exit status.

    `compare.main` would make status 1 of any pipe that nobody reads.
    """
    try:
        context = compare.make_context(program, sys.argv[1:])
    except click.exceptions.Exit as end:  # the help was printed
        return end.exit_code
    except BrokenPipeError:  # it would have been
        discard(sys.stdout)
        return 0
    with context:
        return int(compare.invoke(context))


if __name__ == "__main__":
    main()
