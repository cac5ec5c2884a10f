"""Ports of one net are siblings: the same functions, in the same order, with the same arguments."""

import ast
import importlib
import symtable
from collections.abc import Iterator

import pytest

from parity.contract import FRAMEWORKS, ROOT, RUNTIME, nets_of
from shared.recipes import FUNCTIONS, RECIPES, Recipe, is_spread, over_workers

ALL: list[Recipe] = [*RECIPES.values(), *over_workers()]
NETS = sorted({recipe.port for recipe in ALL})
PORTS = [(framework, net) for framework in FRAMEWORKS for net in nets_of(framework)]
ARGUMENTS = {
    "build": ["weights"],
    "forward": ["model", "x"],
    "layers": ["model", "x"],
    "loss": ["model", "x", "y"],
    "gradients": ["model", "x", "y"],
    "train": ["model", "x", "y", "schedule", "learning_rate"],
    "accuracy": ["model", "x", "y"],
    "export": ["model"],
    "configure": ["dtype", "device", "threads"],
    "run_eagerly": ["enabled"],
    "to_native": ["array"],
    "to_numpy": ["value"],
}
MODELS = {"jax": "params"}  # what the model is called there


def due(net: str) -> list[str]:
    """Return the functions that some recipe of a net is about, in their order."""
    used = {name for recipe in ALL if recipe.port == net for name in recipe.functions}
    return [name for name in FUNCTIONS if name in used]


def functions(framework: str, file: str) -> dict[str, ast.FunctionDef]:
    """Return the functions of a file in its order."""
    tree = ast.parse((ROOT / "impls" / framework / f"{file}.py").read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def taken(framework: str, file: str) -> set[str]:
    """Return the names that a port over workers imports from the net's own port."""
    tree = ast.parse((ROOT / "impls" / framework / f"{file}.py").read_text())
    sibling = f"impls.{framework}.{file.removesuffix('_workers')}"
    imports = [each for each in tree.body if isinstance(each, ast.ImportFrom)]
    return {name.name for each in imports if each.module == sibling for name in each.names}


def test_a_port_over_workers_keeps_what_does_not_spread() -> None:
    for framework in ("numpy", "tensorflow", "torch", "jax"):
        assert taken(framework, "mnist_workers") >= {"forward", "loss", "accuracy"}


def test_the_frameworks_are_those_of_the_project() -> None:
    assert set(FRAMEWORKS) >= {"numpy", "tensorflow", "torch", "jax"}
    assert FRAMEWORKS[0] == "numpy"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_framework_has_every_net_and_no_other(framework: str) -> None:
    assert nets_of(framework) == (["mnist"] if framework == "tensorflow_v1" else NETS)


@pytest.mark.parametrize(("framework", "net"), PORTS)
def test_a_port_has_the_contract_in_order(framework: str, net: str) -> None:
    own = functions(framework, net)
    imported = taken(framework, net) if is_spread(net) else set()
    assert [name for name in own if name in FUNCTIONS] == [n for n in due(net) if n in own]
    assert {*due(net)} == ({*own} | imported) & {*FUNCTIONS}
    assert list(own)[-1] == "main"
    for name in own.keys() & {*FUNCTIONS}:
        model = MODELS.get(framework, "model")
        renamed = [model if each == "model" else each for each in ARGUMENTS[name]]
        assert [argument.arg for argument in own[name].args.args] == renamed
        assert ast.get_docstring(own[name]), f"{name} has no docstring"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_runtime_has_its_functions_in_order(framework: str) -> None:
    own = functions(framework, "runtime")
    lacking = {"tensorflow_v1": ["run_eagerly"]}.get(framework, [])
    extra = {"tensorflow_v1": ["graph_of"]}.get(framework, [])
    due = [name for name in RUNTIME if name not in lacking]
    assert [name for name in own if name not in extra] == due
    for name in due:
        assert [argument.arg for argument in own[name].args.args] == ARGUMENTS[name]


def hidden(source: str) -> set[str]:
    """Return the functions of a file whose names are local names in some function, too."""

    def tables(table: symtable.SymbolTable) -> Iterator[symtable.Function]:
        for child in table.get_children():
            if isinstance(child, symtable.Function):
                yield child
            yield from tables(child)

    own = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    local = {
        name
        for table in tables(symtable.symtable(source, "port", "exec"))
        for name in table.get_locals()
    }
    return own & local


@pytest.mark.parametrize(("framework", "net"), [*PORTS, *((f, "runtime") for f in FRAMEWORKS)])
def test_no_local_name_hides_a_function_of_its_file(framework: str, net: str) -> None:
    assert not hidden((ROOT / "impls" / framework / f"{net}.py").read_text())


@pytest.mark.parametrize(
    "line",
    [
        "for step in x: pass",
        "[step for step in x]",
        "step, y = x",
        "f(lambda step: step)",
        "def step(): pass",
        "with x as step: pass",
        "(step := x)",
    ],
)
def test_what_hides_a_function_is_found(line: str) -> None:
    source = f"def step(z):\n    return z\n\n\ndef train(x):\n    {line}\n"
    assert hidden(source) == {"step"}
    assert not hidden(source.replace("def step(z)", "def stairs(z)"))


@pytest.mark.parametrize(("framework", "net"), PORTS)
def test_a_port_is_short(framework: str, net: str) -> None:
    lines = (ROOT / "impls" / framework / f"{net}.py").read_text().count("\n")
    assert 40 <= lines <= 120


def test_rows_of_a_gradient_are_refused_with_what_to_do() -> None:
    runtime, tf = map(importlib.import_module, ("impls.tensorflow.runtime", "tensorflow"))
    rows = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([0]), tf.constant([3, 2]))
    with pytest.raises(TypeError, match=r"tf\.convert_to_tensor makes a tensor of them"):
        runtime.to_numpy(rows)
    assert runtime.to_numpy(tf.convert_to_tensor(rows)).tolist() == [[1, 1], [0, 0], [0, 0]]
