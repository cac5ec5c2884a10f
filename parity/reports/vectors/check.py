"""Hold what a port answered to what is expected: python check.py VECTORS ANSWERS [PATTERN].

VECTORS is a folder beside this file; ANSWERS is laid out as VECTORS/expected is. PATTERN, such as
"step-*/forward", says which answers to check; by default, all. It needs nothing but Python.
Exit status: 0 all agree, 1 something differs, 2 nothing could be checked.
"""

import json
import sys
from array import array
from collections.abc import Iterator
from fnmatch import fnmatchcase
from math import inf, isnan, prod
from pathlib import Path
from typing import Any

CODES = {"F32": "f", "F64": "d", "I64": "q"}


def read(path: Path) -> dict[str, Any]:
    """Return the tensors of a .safetensors file by name, each as its type, shape and values."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    tensors: dict[str, Any] = json.loads(content[8:start])
    tensors.pop("__metadata__", None)
    for name, told in tensors.items():
        first, last = (start + offset for offset in told["data_offsets"])
        values = array(CODES.get(told["dtype"], "B"), content[first:last])
        if told["dtype"] in CODES and len(values) != prod(told["shape"]):
            raise ValueError(f"{path} is damaged: {name} has {len(values)} values")
        if sys.byteorder == "big":
            values.byteswap()
        tensors[name] = told["dtype"], told["shape"], values
    return tensors


def compare(got: Any, due: Any, floors: Any, dtype: str, limit: float) -> tuple[str, float]:
    """Return what is wrong with a tensor, "" if nothing is, and the worst ratio."""
    if not got or not due:
        return ("is missing" if due else "is not expected"), inf
    kind, shape, right = due[0] if due[0] == "I64" else dtype, due[1], due[2]
    if got[:2] != (kind, shape) or not right:
        return f"is {got[0]} of shape {got[1]}, where {kind} of shape {shape} is expected", inf
    noise = floors[2] if len(floors[2]) == len(right) else len(right) * floors[2]
    errors = [abs(own - value) for own, value in zip(got[2], right, strict=True)]
    pairs = zip(errors, noise, strict=True)
    ratios = [error / floor if floor else inf if error else 0.0 for error, floor in pairs]
    off = [place for place, ratio in enumerate(ratios) if not ratio <= limit]  # so NaN is off
    at = max(off or range(len(ratios)), key=lambda i: inf if isnan(ratios[i]) else ratios[i])
    index = [at // prod(shape[axis + 1 :]) % size for axis, size in enumerate(shape)]
    shown = f"expected {right[at]!r}, got {got[2][at]!r}, ratio {ratios[at]:.3g}"
    said = f"differs in {len(off)} of {len(ratios)} values, the worst at {index}: {shown}"
    return said if off else "", ratios[at]


def check(vectors: Path, answers: Path, pattern: str) -> Iterator[tuple[str, str, float, int]]:
    """Yield each tensor, what is wrong with it, its worst ratio, and how many values it has."""
    told = json.loads((vectors / "vectors.json").read_text(encoding="utf-8"))
    found = {path.relative_to(answers).with_suffix("") for path in answers.rglob("*.safetensors")}
    extra = sorted({path.as_posix() for path in found} - {*told["answers"]})
    for name in [each for each in (*told["answers"], *extra) if fnmatchcase(each, pattern)]:
        file, there = f"{name}.safetensors", name in told["answers"]
        due, floors = (read(vectors / of / file) if there else {} for of in ("expected", "floors"))
        got = read(answers / file) if (answers / file).exists() else {}
        for tensor in {**due, **got}:
            given = got.get(tensor), due.get(tensor), floors.get(tensor)
            said, ratio = compare(*given, told["dtype"], told["limit"])
            yield f"{name} {tensor}", said, ratio, len(due[tensor][2]) if tensor in due else 0


def main(vectors: str, answers: str, pattern: str = "*") -> int:
    """Check, print the first thing that differs, and return the exit status."""
    if not Path(answers).is_dir():
        raise ValueError(f"there is no folder {answers}")
    checked = list(check(Path(vectors), Path(answers), pattern))
    wrong = [f"{name} {said}" for name, said, *_ in checked if said]
    if not checked:
        raise ValueError(f"no answer is called {pattern}")
    if wrong:
        print(f"{wrong[0]}\n{len(wrong)} of {len(checked)} tensors are wrong")
        return 1
    name, _, ratio, _ = max(checked, key=lambda each: each[2])
    values = sum(each[3] for each in checked)
    print(f"{len(checked)} tensors agree, {values} values; the worst ratio is {ratio:.2g}, {name}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Exception as error:  # whatever is wrong with what was named
        print(f"nothing could be checked: {error}\n\n{__doc__}", file=sys.stderr)
        sys.exit(2)
