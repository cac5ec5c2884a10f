"""Test vectors: inputs, expected values and noise floors, for ports in any language."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from parity.judging.inquiry import Inquiry
from parity.reports.files import whole_file, whole_folder
from parity.reports.vectors import cases, readme
from parity.reports.vectors.cases import Vectors
from parity.results import PortResult, Trial
from parity.standard.comparison import LIMIT
from parity.standard.standard import Standard
from shared.files import reason
from shared.safetensors import CODES, encoded

CHECKER = Path(__file__).with_name("check.py")


class VectorFolder:
    """Writes the vectors of each recipe and precision that is compared, as its README describes.

    Args:
        path: of a folder that is there, and empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.failures: list[str] = []
        self._names: dict[tuple[str, str], str] = {}
        self._sections: dict[str, list[str]] = {}

    def add(self, result: PortResult, inquiry: Inquiry) -> None:
        """Write what a port was held to, unless that is there; what goes wrong changes no verdict.

        Of a recipe in both modes, it is that of the first, which has all steps.
        """
        inputs = inquiry.standard.inputs
        key = inputs.net + inputs.recipe, inputs.dtype
        if key in self._names:
            return
        name = f"{inputs.recipe}-{inputs.dtype}"
        taken = [each for each in self._names.values() if each.startswith(name)]
        self._names[key] = f"{name}-{len(taken) + 1}" if taken else name
        try:
            self._write(self._names[key], result.trial, inquiry.standard)
        except OSError as error:
            self.failures.append(
                f"--vectors {self.path / name} cannot be written ({reason(error)})"
            )

    def finish(self) -> None:
        """Write what is said of all, and the checker.

        Raises:
            OSError: it cannot be written.
        """
        sections = [f"## {', '.join(own)}\n\n{said}" for said, own in self._sections.items()]
        text = "\n".join([readme.about(), *sections])
        for name, content in (("README.md", text.encode()), (CHECKER.name, CHECKER.read_bytes())):
            with whole_file(self.path / name) as stream:
                stream.write(content)

    def _write(self, name: str, trial: Trial, standard: Standard) -> None:
        vectors = cases.of(standard)
        size = 0
        with whole_folder(self.path / name) as folder:
            for place, content in _files(standard, vectors):
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                size += len(content)
        said = readme.section(trial, vectors)
        self._sections.setdefault(said, []).append(f"{name} ({size / 2**10:,.0f} KiB)")


def _files(standard: Standard, vectors: Vectors) -> Iterator[tuple[str, bytes]]:
    """Yield each file of one recipe in one precision: its path, and what it holds."""
    inputs = standard.inputs
    told: dict[str, Any] = {
        "recipe": inputs.recipe,
        "dtype": CODES[inputs.dtype],
        "limit": LIMIT,
        "answers": vectors.answers,
    }
    yield "vectors.json", (json.dumps(told, indent=2) + "\n").encode()
    yield "inputs/rows.safetensors", encoded(vectors.rows)
    for case in vectors.cases:
        yield f"inputs/{case.name}/weights.safetensors", encoded(case.weights)
        if case.steps:
            yield f"inputs/{case.name}/steps.safetensors", encoded(case.steps)
        for function, due in case.due.items():
            place = f"{case.name}/{function}.safetensors"
            floors = {name: np.asarray(due.floors[name], np.float64) for name in due.expected}
            yield f"expected/{place}", encoded(due.expected)
            yield f"floors/{place}", encoded(floors)
