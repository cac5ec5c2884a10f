"""The text of a script: a port's own code, and one function that calls it as Lockstep did."""

import re
import textwrap
from string import Template
from typing import NamedTuple

from parity.reports import wording
from parity.reports.repro import scene as scenes
from parity.reports.repro.scene import Demonstration, Scene
from parity.reports.repro.source import Source
from shared.batches import Schedule

SCRIPT = Template('''\
$header
$code


def $reproduce():
    """Call the port as Lockstep did; return whether it differs from what is expected."""
    import pathlib

    import numpy as np
$setup
    with np.load(pathlib.Path(__file__).with_name("$arrays")) as file:
        data = dict(file)

    def named(kind):
        return {name.removeprefix(kind): data[name] for name in data if name.startswith(kind)}

    def native(array):
        return $to_native

    def plain(value):
        if isinstance(value, list | tuple):
            return np.array([plain(item) for item in value])
        if type(value) is float:  # it has no precision of its own
            return np.array(value, "$dtype")
        return $to_numpy

    def differs(got, expected, floors):
        names = {**expected, **got}
        off = [is_off(name, got.get(name), expected.get(name), floors.get(name)) for name in names]
        return any(off)

    def is_off(name, value, due, floor):
        """Print the values that are off by more than $allowed, the worst first."""
        name = ascii(str(name))[1:-1]  # in letters that any terminal has
        if value is None or due is None:
            print(f"{name} is {'missing' if value is None else 'not expected at all'}")
            return True
        value = plain(value)
        exact = value.dtype.kind in "iu" if due.dtype.kind == "i" else value.dtype == "$dtype"
        if value.shape != due.shape or not exact:
            print(f"{name} is {value.dtype} of shape {value.shape}, expected is {due.shape}")
            return True
        with np.errstate(all="ignore"):
            error = np.abs(value.astype(np.float64) - due)
            ratio = np.nan_to_num(error / floor, nan=np.inf)
            off = ~(error <= $limit * floor)  # so that a NaN is off, too
        print(f"{name}: {off.sum():,} of {off.size:,} values are off by more than $allowed")
        for place in sorted(np.argwhere(off).tolist(), key=lambda at: -ratio[tuple(at)])[:5]:
            at = tuple(place)
            shown = f"expected {due[at]:$digits}  got {value[at]:$digits}  ratio {ratio[at]:.3g}"
            print(f"  {place}  {shown}")
        return bool(off.any())

    weights = {name: native(value) for name, value in named("weights ").items()}
    x, y = $x, $y
    expected, floors = named("expected "), named("floor ")
$lines


$end
''')
END = "raise SystemExit(int({}()))"
# Lines of a script that has shown its difference.
SHOWS = re.compile(
    r"^.*: (?:[1-9][\d,]* of [\d,]+ values are off by more than .*)$"
    r"|^.* is (?:missing|not expected at all)$"
    r"|^.* is \w+ of shape \(.*\), expected is \(.*\)$",
    re.MULTILINE,
)


class Native(NamedTuple):
    """A framework's plain calls: to prepare it, to make arrays, and to switch its compiler off."""

    setup: tuple[str, ...]
    to_native: str
    to_numpy: str
    eager: str


NATIVE = {
    "numpy": Native((), "np.array(array)", "np.array(value)", ""),
    "tensorflow_v1": Native((), "np.array(array)", "np.array(value)", ""),
    "torch": Native(
        ("import torch", "", "torch.set_default_dtype(torch.$dtype)"),
        "torch.tensor(array)",
        "value.detach().numpy() if isinstance(value, torch.Tensor) else np.array(value)",
        'torch.compiler.set_stance("force_eager")',
    ),
    "tensorflow": Native(
        ("import tensorflow as tf", ""),
        "tf.constant(array)",
        "np.array(value)",
        "tf.config.run_functions_eagerly(True)",
    ),
    "jax": Native(
        ("import jax", "", 'jax.config.update("jax_enable_x64", $double)'),
        "jax.numpy.array(array)",
        "np.array(value)",
        'jax.config.update("jax_disable_jit", True)',
    ),
    "own": Native(
        ("", 'configure("$dtype", "cpu", $threads)'),
        "to_native(array.copy())",
        "np.array(to_numpy(value))",
        "run_eagerly(True)",
    ),
}


def text(scene: Scene, case: Demonstration, source: Source, arrays: str) -> str:
    """Return the script that shows a case.

    Args:
        scene: whose port differs, and where.
        case: what to compute and what to compare.
        source: the port's code, as the script holds it.
        arrays: the name of the file beside the script that holds the arrays.
    """
    result, record = scene.result, scene.inquiry.record
    native = NATIVE[record.framework]
    switched = len(record.modes) > 1 and record.mode == "eager"
    name = "reproduce"
    while re.search(rf"\b{name}\b", source.code):
        name += "_"
    end = END.format(name)
    setup = [*native.setup, *([native.eager] if switched else [])]
    known = {
        "dtype": result.dtype,
        "double": result.dtype == "float64",
        "threads": scene.inputs.threads,
        "arrays": arrays,
    }
    return SCRIPT.substitute(
        **known,
        header=_header(scene, source, arrays),
        code=source.code,
        reproduce=name,
        end=end if source.named else f'if __name__ == "__main__":\n    {end}',
        setup=Template(_indented(setup)).substitute(known),
        to_native=native.to_native,
        to_numpy=native.to_numpy,
        limit=f"{case.limit:g}",
        allowed=case.allowed,
        digits=".9g" if result.dtype == "float32" else ".17g",
        lines=_indented(_lines(scene, case)),
        x=scenes.native("x", case.x),
        y=scenes.native("y", case.y),
    )


def _header(scene: Scene, source: Source, arrays: str) -> str:
    """Return the comment at the top: what differs, and what the script needs."""
    result = scene.result
    needs = ["NumPy", *([result.framework] if result.framework not in ("numpy", "own") else [])]
    paragraphs = [
        "Written by Lockstep, with --repro.",  # names come after the lines that may name a coding
        f"{result.port} in {result.dtype}{wording.eager(result)} differs from Lockstep's reference "
        f"on {result.recipe}: {scene.rung}, step {scene.step}, {scene.place}.",
        f"This script shows it without Lockstep. It needs {' and '.join(needs)}, and {arrays} "
        "beside it. It exits with status 1 while the difference shows, and with 0 once it is gone.",
    ]
    if source.helpers:
        paragraphs.append(
            f"The port's own modules lie in {arrays.removesuffix('.npz')}, beside this script."
        )
    if source.elsewhere:
        paragraphs.append(
            f"The port imports {', '.join(source.elsewhere)} as well: name the folder of impls and "
            "shared, which is Lockstep's own, in PYTHONPATH."
        )
    if scene.experiment.data.notice:
        paragraphs.append(f"STAND-IN DATA: {scene.experiment.data.notice}")
    wrapped = [textwrap.wrap(_printable(paragraph), 98) for paragraph in paragraphs]
    return "\n#\n".join("\n".join(f"# {line}" for line in lines) for lines in wrapped) + "\n"


def _lines(scene: Scene, case: Demonstration) -> list[str]:
    """Return the lines that call the port."""
    lines = []
    if case.schedule is not None:
        rate = scene.inputs.learning_rate
        lines.append(f"schedule, learning_rate = {_schedule(case.schedule)}, {rate!r}")
    if scene.lacks("build"):
        lines.append("build = dict  # the port has none: its model is the weights")
    return [
        *lines,
        "",
        *(f"# {line}" for line in textwrap.wrap(_printable(case.about), 94)),
        *case.code,
    ]


def _printable(text: str) -> str:
    """Return a text that can stand in a comment: without line breaks, NULs and halves of pairs."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _schedule(schedule: Schedule) -> str:
    return f"{schedule}" if isinstance(schedule, int) else 'data["schedule"].copy()'


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" if line else "" for line in lines)
