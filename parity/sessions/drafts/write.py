"""Writing a recipe for a user's model: the draft of a reference, its weights, and some data."""

import os
from io import BytesIO
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from safetensors import numpy as safetensors

from parity.contract import OTHER_NAMES, ROOT, check_framework
from parity.processes.messages import Failed
from parity.processes.scratch import Scratch
from parity.processes.worker import Worker, WorkerDiedError
from parity.sessions.drafts.messages import Draft, DraftMessage, Look
from parity.sessions.drafts.target import Target
from shared.errors import InputError
from shared.files import reason
from shared.recipes import unknown

ABLE = tuple(sorted(path.parent.name for path in ROOT.glob("impls/*/draft.py")))
MOST = 1 << 24  # numbers of one example
RECIPE = Template("""\
# For $text. Edit what is guessed: the loss and the optimizer in $port, and the data.
summary = "$name, $loss, Adam"
reference = "$port"
weights = "$weights"  # as the model draws them under seed 0
data = "$data"  # drawn at random: write x, y, x_test and y_test of your own there
batch = 16
steps = 5  # noise floors take longer with more of them
learning_rate = 0.001
""")


def write(framework: str, model: str, shape: str | None, timeout: float) -> list[str]:
    """Write a recipe for a model into the current folder, and return what was written.

    Args:
        framework: of the model.
        model: what `Target` takes.
        shape: of one example, such as 3x32x32; guessed from the model, if None.
        timeout: seconds that it may take to import the model, and to call it.

    Returns:
        The names of the files; the recipe comes first.

    Raises:
        InputError: any of these cannot be used, or a file of that name is there already.
    """
    name = OTHER_NAMES.get(framework.casefold(), framework)
    if name not in ABLE:
        raise InputError(unknown("framework", framework, list(ABLE), OTHER_NAMES))
    check_framework(name)
    target, sizes = Target.parse(model), None if shape is None else _sizes(shape)
    stem, here = target.stem, Path.cwd()
    names = [f"{stem}.toml", f"{stem}_{name}.py", f"{stem}.safetensors", f"{stem}.npz"]
    _check_free(names)
    request = Look(
        name,
        target.text,
        f"{target.folder}",
        target.module,
        target.name,
        target.arguments,
        f"{here}",
        names[0],
        sizes,
    )
    draft = _ask(request, timeout)
    said = {"text": target.text, "name": target.last, "loss": draft.loss}
    files = dict(zip(("port", "weights", "data"), names[1:], strict=True))
    arrays = BytesIO()
    np.savez(arrays, allow_pickle=False, **draft.data)
    contents = (
        RECIPE.substitute(said, **files).encode(),
        draft.port.encode(),
        safetensors.save(draft.weights),
        arrays.getvalue(),
    )
    _write(dict(zip(names, contents, strict=True)))
    return names


def _sizes(text: str) -> tuple[int, ...]:
    """Return the shape that a text such as 3x32x32 says.

    Raises:
        InputError: it says none.
    """
    parts = text.casefold().split("x")
    if not all(part.isdecimal() and int(part[:9]) > 0 for part in parts):
        raise InputError(
            f"--input is {text!r}: write the shape of one example, without the batch, such as "
            "3x32x32"
        )
    sizes = tuple(map(int, parts))
    if np.prod(sizes, dtype=float) > MOST:
        raise InputError(f"--input is {text}, but an example may have {MOST:,} numbers at most")
    return sizes


def _check_free(names: list[str]) -> None:
    """Check that no file would be overwritten.

    Raises:
        InputError: one would be.
    """
    for name in names:
        if os.path.lexists(name):
            raise InputError(f"{name} is there already, and is not overwritten: move it away first")


def _ask(request: Look, timeout: float) -> Draft:
    """Return what a process finds of a model.

    Raises:
        InputError: the model cannot be used.
    """
    scratch, heard = Scratch(), list[Any]()
    worker = Worker(
        1, scratch.path / "draft", {}, "parity.sessions.drafts.worker_main", DraftMessage
    )
    try:
        worker.ask(request, heard.append, timeout)
    except WorkerDiedError as error:
        raise InputError(f"{error}") from error
    finally:
        worker.kill()
        scratch.remove()
    for message in heard:
        if isinstance(message, Failed):
            raise InputError(message.sentence)
        if isinstance(message, Draft):
            return message
    raise AssertionError("what is done without failing has been answered")


def _write(contents: dict[str, bytes]) -> None:
    """Write all files, or none.

    Raises:
        InputError: one cannot be written, or is there by now.
    """
    made: list[Path] = []
    try:
        for name, content in contents.items():
            with Path(name).open("xb") as file:
                made.append(Path(name))
                file.write(content)
    except BaseException as error:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{name} cannot be written ({reason(error)})") from error
        raise
