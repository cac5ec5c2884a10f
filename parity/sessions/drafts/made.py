"""Importing and making a user's model, in a process of its own."""

import ast
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from parity.contract import PortError
from parity.sessions.drafts.messages import Look
from shared import syntax
from shared.recipes import guessed

SEED = 0  # of the weights
NEEDED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


@dataclass(frozen=True)
class Made:
    """A user's model.

    model: as `impls/<framework>/draft.py` sees it. call: what makes it, as one writes it; None for
    one that is there as soon as its module is imported. own: whether the module is the user's, and
    not an installed one.
    """

    model: Any
    call: str | None
    own: bool


def make(request: Look, tools: Any) -> Made:
    """Import what a request names, and call it if it is no model yet.

    Raises:
        PortError: it is not there, it takes other arguments, or it makes no model.
    """
    tools.begin(SEED)  # a module may make its models where it is imported
    module = _imported(request)
    found, call = _found(module, request), None
    if tools.model_of(found) is None and callable(found):
        given = _Given.read(request)
        given.add_missing(found, request, tools.GIVEN)
        tools.begin(SEED)
        found, call = given.call(found), f"{request.name}({', '.join(given.texts)})"
    elif request.arguments:
        raise PortError("it is made already, and takes no arguments: leave them out")
    model = tools.model_of(found)
    if model is None:
        what = "makes" if call else "is"
        raise PortError(
            f"it {what} a value of type {type(found).__name__}, where {tools.KIND} is expected"
        )
    file = Path(getattr(module, "__file__", None) or "")
    return Made(model, call, own=file.is_relative_to(request.folder))


def _imported(request: Look) -> ModuleType:
    """Import the module that a request names."""
    top = request.module.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        raise PortError(
            f"there is no module {top}, neither in {request.folder} nor among what is installed"
        )
    return importlib.import_module(request.module)


def _found(module: ModuleType, request: Look) -> Any:
    """Return what has the name."""
    found: Any = module
    for name in request.name.split("."):
        if not hasattr(found, name):
            known = [each for each in vars(found) if not each.startswith("_")]
            guess = guessed(name, known, {name.casefold(): name}) if known else "it is empty"
            raise PortError(f"there is no {name} in {getattr(found, '__file__', found)}: {guess}")
        found = getattr(found, name)
    return found


def _may_be_meant(name: str, value: Any) -> bool:
    """Whether what has a name in a module may be somebody's model."""
    return not name.startswith("_") and not inspect.ismodule(value)


@dataclass
class _Given:
    """The arguments of a call: their values, and how they are written."""

    args: list[Any]
    kwargs: dict[str, Any]
    texts: list[str]

    @classmethod
    def read(cls, request: Look) -> "_Given":
        """Return the arguments that a request gives, which are literals."""
        given = cls([], {}, [])
        if not request.arguments:
            return given
        try:
            (statement,) = syntax.parse(f"f{request.arguments}").body
            assert isinstance(statement, ast.Expr)
            assert isinstance(statement.value, ast.Call)
            assert isinstance(statement.value.func, ast.Name)
            given.args = [ast.literal_eval(node) for node in statement.value.args]
            keywords = statement.value.keywords
            given.kwargs = {f"{word.arg}": ast.literal_eval(word.value) for word in keywords}
            given.texts = [ast.unparse(node) for node in [*statement.value.args, *keywords]]
        except (SyntaxError, ValueError, AssertionError) as error:
            raise PortError(
                f"its arguments {request.arguments} are no literals: write numbers, texts, lists "
                "and the like, or name a function that makes the model"
            ) from error
        return given

    def add_missing(
        self, found: Any, request: Look, known: dict[str, tuple[str, Callable[[], Any]]]
    ) -> None:
        """Add those of the arguments that are due which any framework has the same for."""
        parameters = _parameters(found)[len(self.args) :]
        missing = [each for each in parameters if each not in self.kwargs]
        for name in [each for each in missing if each in known]:
            text, value = known[name]
            self.kwargs[name] = value()
            self.texts.append(f"{name}={text}")
        lacking = [name for name in missing if name not in known]
        if lacking:
            example = ", ".join(f"{name}=..." for name in lacking)
            raise PortError(
                f"it takes {', '.join(lacking)}: give what is needed, '{request.text}({example})'"
            )

    def call(self, found: Any) -> Any:
        """Call what makes the model."""
        return found(*self.args, **self.kwargs)


def _parameters(found: Any) -> list[str]:
    """Return the names of the arguments that a class or a function cannot be called without."""
    try:
        signature = inspect.signature(found.__init__ if inspect.isclass(found) else found)
    except (TypeError, ValueError):  # of one that is not written in Python
        return []
    parameters = list(signature.parameters.values())[inspect.isclass(found) :]
    return [each.name for each in parameters if each.default is each.empty and each.kind in NEEDED]
