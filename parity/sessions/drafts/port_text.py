"""The source of a drafted reference, from its framework's template."""

import importlib.util
import json
import os
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from string import Template
from typing import Any, Literal

from parity.contract import PortError
from parity.sessions.drafts.made import Made
from parity.sessions.drafts.messages import Look
from shared.drafts import Mode

Kind = Literal["logits", "probabilities", "numbers"]
STANDARD = ("copy", "functools", "pathlib", "sys")  # of Python itself


def write(request: Look, made: Made, shape: tuple[int, ...], mode: Mode, kind: Kind) -> str:
    """Return the source of a reference.

    Args:
        request: which model it is of.
        made: the model.
        shape: of one example.
        mode: what the model does while it is trained.
        kind: what its outputs are.

    Raises:
        PortError: the reference would need a package that is not installed.
    """
    table = tomllib.loads(made.model.template.read_text("utf-8"))
    for line in table["imports"]:
        package = line.split()[1].partition(".")[0]
        if importlib.util.find_spec(package) is None:
            raise PortError(f"its reference needs {package}: install it with pip install {package}")
    whole = table.get("made", {}) if made.call else table["instance"]
    imports = [*table["imports"], *whole.get("imports", [])]
    fields: dict[str, Any] = {
        "make": made.call,
        **whole,
        **table[mode],
        **made.model.fields(table),
        "loss": table["loss"][kind],
        "accuracy": "" if kind == "numbers" else table["accuracy"],
        "recipe": request.recipe,
        "module": request.module,
        "imports": _imports(imports, request, made.own),
        "name": request.name,
        "shape": f"{(1, *shape)}",
    }
    fields = {name: _filled(f"{value}", fields) for name, value in fields.items()}
    text = _filled(table["port"], fields)
    return re.sub(r"^ +\n", "", text, flags=re.MULTILINE)  # lines in which nothing is filled


def _filled(text: str, fields: dict[str, Any]) -> str:
    return Template(text).safe_substitute(fields)


def _imports(lines: Iterable[str], request: Look, own: bool) -> str:
    """Return the lines that import, in the order of isort.

    lines: those of the template. own: whether the module is the user's.
    """
    theirs = f"from {request.module} import {request.name.partition('.')[0]}"
    way = os.path.relpath(request.folder, request.beside)
    elsewhere = own and way != os.curdir
    lines = [*lines, *[theirs] * (not own)]
    if elsewhere:
        lines += ["import sys", "from pathlib import Path"]
    standard = [line for line in lines if line.split()[1] in STANDARD]
    blocks = [standard, [line for line in lines if line not in standard]]
    if elsewhere:
        path = f"sys.path.append(str(Path(__file__).parent / {json.dumps(Path(way).as_posix())}))"
        blocks.append([path, theirs])
    elif own:
        blocks.append([theirs])
    return "\n\n".join("\n".join(sorted(block, key=_place)) for block in blocks if block)


def _place(line: str) -> tuple[bool, str]:
    """Return where a line stands among those that import: plainly before by name."""
    first, name = line.split()[:2]
    return first == "from", name
