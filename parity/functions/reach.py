"""What a function uses: the modules, functions, layers and arrays that its code has at hand."""

import dis
import functools
import sys
from collections.abc import Iterator
from itertools import islice
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

MOST = 20_000  # things that are looked at
IN_ONE = 1_000  # of a list, say
LIBRARIES = ("site-packages", "dist-packages")  # what is in these folders is nobody's own code


def root(name: Any) -> str:
    """Return the package that a module is of, by its name."""
    return name.partition(".")[0] if isinstance(name, str) else ""


def origins(value: Any) -> set[str]:
    """Return the packages that a value comes from: a module, a class, a function or an object."""
    if isinstance(value, ModuleType):
        return {root(value.__name__)}
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    names = {root(kind.__module__) for kind in kinds}
    if callable(value):
        names.add(root(getattr(value, "__module__", None)))
        names.add(root(getattr(getattr(value, "__self__", None), "__module__", None)))
    return names - {"", "builtins"}


def reached(function: Any, ends: frozenset[str]) -> Iterator[Any]:
    """Yield a function and what it uses, each once.

    Args:
        function: anything that can be called.
        ends: packages into which one does not look any further.
    """
    waiting, seen = [function], dict[int, Any]()
    while waiting and len(seen) < MOST:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen[id(value)] = value  # kept, lest another come to lie where it was
        yield value
        if value is function or not origins(value) & ends:
            waiting += _parts(value, value is function)


def _parts(value: Any, first: bool) -> list[Any]:
    if isinstance(value, FunctionType):
        in_library = any(folder in value.__code__.co_filename for folder in LIBRARIES)
        return _of_function(value) if first or not in_library else []
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, dict):
        return list(islice(value.values(), IN_ONE))
    if isinstance(value, list | tuple | set):
        return list(islice(value, IN_ONE))
    if isinstance(value, type):
        return [
            part for kind in value.__mro__[:-1] for part in vars(kind).values() if callable(part)
        ]
    if isinstance(value, ModuleType) or not hasattr(value, "__dict__"):
        return []
    return [type(value), *vars(value).values()]


def _of_function(function: FunctionType) -> list[Any]:
    parts = [getattr(function, "__wrapped__", None), function.__defaults__, function.__kwdefaults__]
    for cell in function.__closure__ or ():
        try:
            parts.append(cell.cell_contents)
        except ValueError:  # it is empty as yet
            continue
    for code in _codes(function.__code__):
        names = set(code.co_names)
        known = [function.__globals__[name] for name in names if name in function.__globals__]
        parts += [*known, *_imported(code)]
        for module in known:  # helpers, as in `mine.block(x)`
            if isinstance(module, ModuleType):
                parts += [vars(module)[name] for name in names if name in vars(module)]
    return parts


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of a function, and of those inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _imported(code: CodeType) -> Iterator[ModuleType]:
    """Yield the modules that code imports when it runs; one by its name, if it is not yet there."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            name = str(instruction.argval)
            yield sys.modules.get(name) or ModuleType(name)
