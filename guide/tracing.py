"""A port whose lines tell what they gave: its source, with every value on its way noted."""

import ast
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.syntax import parse

NOTE = "__note__"  # in the port's module: notes a line's number and its value, which it returns
MAIN = "main"  # prints a log; what it calls is traced, it is not
UNSET = ("empty", "empty_like")  # what these give is whatever lay in memory
NAMES = ast.Name | ast.Subscript
DISPLAYS = ast.Dict | ast.Tuple | ast.List
Note = Callable[[int, Any, Sequence[str]], Any]
Leaf = NDArray[Any]


def load(source: str, file: str, note: Note) -> ModuleType:
    """Import a port whose lines are noted.

    Args:
        source: of the port.
        file: what it is called in errors.
        note: is told the number of the line on which a statement or a part of it ends, what that
            gave, and what the parts of a tuple are called there; it returns what was given.
    """
    tree = ast.fix_missing_locations(_Noting().visit(parse(source)))
    module = ModuleType(f"traced_{file.replace('/', '_').removesuffix('.py')}")
    module.__file__ = file
    vars(module)[NOTE] = note
    exec(compile(tree, file, "exec"), vars(module))  # noqa: S102 - a port of ours
    return module


def leaves(value: Any, to_numpy: Callable[[Any], Leaf]) -> dict[str, Leaf]:
    """Return the arrays in a value by name, in NumPy; "" names one that stands alone.

    The parts of a tuple are called [0], [1], ..., and so are those of a dict with no texts as keys.
    Of what is no array of numbers, or has none yet, as while a framework vectorises, there is none.
    """
    if hasattr(value, "named_parameters"):  # a Module of PyTorch's
        value = dict(value.named_parameters())
    if isinstance(value, Mapping | list | tuple):
        if isinstance(value, tuple) and len(value) == 1:
            return leaves(value[0], to_numpy)
        named = value.items() if isinstance(value, Mapping) else ((None, part) for part in value)
        parts = {
            name if isinstance(name, str) else f"[{number}]": part
            for number, (name, part) in enumerate(named)
        }
        found = {name: leaves(part, to_numpy) for name, part in parts.items()}
        shapes = [{name: array.shape for name, array in part.items()} for part in found.values()]
        if isinstance(value, list) and shapes and all(own == {"": ()} for own in shapes):
            return {"": np.array([part[""] for part in found.values()])}  # losses, of every step
        return {
            " ".join(filter(None, (str(name), inner))): array
            for name, part in found.items()
            for inner, array in part.items()
        }
    while hasattr(value, "primal"):  # JAX differentiates: what is differentiated stands in there
        value = value.primal
    if not hasattr(value, "dtype") and type(value) is not float:
        return {}
    try:
        numpy_already = isinstance(value, np.ndarray | np.generic | float)
        array = np.array(value if numpy_already else to_numpy(value), subok=False)
    except Exception:  # in a vectorised function, say; every framework raises its own
        return {}
    return {"": array} if array.dtype.kind in "biuf" and array.size else {}


class _Noting(ast.NodeTransformer):
    """Puts a call of NOTE around what each statement of a function gives."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [
            self.visit(each) if isinstance(each, ast.FunctionDef | ast.ClassDef) else each
            for each in node.body
        ]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if node.name != MAIN:
            node.body = [self.visit(each) for each in node.body]
        return node

    def visit_Return(self, node: ast.Return) -> ast.Return:
        if node.value:
            node.value = _noted(node.value, node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        if not _is_unset(node.value):
            node.value = _noted(node.value, node, node.targets[0])
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if not isinstance(node.value, ast.Constant):  # a docstring
            node.value = _noted(node.value, node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.If:
        # What came of it is what stands in the target then.
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        noting = ast.Expr(_call(node.end_lineno or node.lineno, target))
        return ast.If(ast.Constant(True), [node, noting], [])  # two statements in the place of one


def _noted(value: ast.expr, statement: ast.stmt, named: ast.expr | None = None) -> ast.expr:
    """Return a value that is noted: part by part, where its parts stand on lines of their own.

    named: what the value's parts are called by: the target of an assignment, or the value itself.
    """
    parts = _parts(value) if value.end_lineno != value.lineno else []
    ends = [part.end_lineno or 0 for part in parts]
    if len(set(ends)) < 2:
        return _call(statement.end_lineno or statement.lineno, value, named or value)
    shared = [part for part, end in zip(parts, ends, strict=True) if ends.count(end) > 1]
    _replace_parts(value, [part for part in parts if part not in shared])
    return value


def _parts(value: ast.expr) -> list[ast.expr]:
    """Return the values that stand in a dict, tuple or list, those in inner ones among them."""
    if not isinstance(value, DISPLAYS):
        return []
    direct = value.values if isinstance(value, ast.Dict) else value.elts
    return [inner for part in direct for inner in (_parts(part) or [part])]


def _replace_parts(value: ast.expr, parts: list[ast.expr]) -> None:
    if isinstance(value, DISPLAYS):
        direct = value.values if isinstance(value, ast.Dict) else value.elts
        for number, part in enumerate(direct):
            if part in parts:
                direct[number] = _call(part.end_lineno or part.lineno, part)
            else:
                _replace_parts(part, parts)


def _call(line: int, value: ast.expr, named: ast.expr | None = None) -> ast.Call:
    parts = named.elts if isinstance(named, ast.Tuple) else []
    names = [ast.unparse(part) if isinstance(part, NAMES) else "" for part in parts]
    called: list[ast.expr] = [ast.Constant(name) for name in names]
    arguments = [ast.Constant(line), value, ast.Tuple(called, ast.Load())]
    return ast.Call(ast.Name(NOTE, ast.Load()), arguments, [])


def _is_unset(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in UNSET
    )
