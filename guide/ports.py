"""The ports there are: which nets, in which frameworks, and their files."""

import os
from dataclasses import dataclass, replace
from functools import cached_property

from guide.alignment import RUNTIME_PAGE, AlignedSection, align, functions_of
from parity.contract import FRAMEWORKS, ROOT, nets_of
from shared import recipes
from shared.errors import InputError
from traps.catalogue import Entry

TITLES = {
    "numpy": "NumPy",
    "tensorflow": "TensorFlow",
    "torch": "PyTorch",
    "jax": "JAX",
    "tensorflow_v1": "TensorFlow 1",
}
# On top of them: of examples, there is a port in each.
LIBRARIES = {
    "tensorflow": {"keras": "Keras", "keras_fit": "Keras, fit"},
    "jax": {"flax": "Flax"},
}
PACKAGES = {"keras_fit": "keras"}  # what a library is imported as, if not by its column's name
# What people write beside them: the dictionary and the differences have it in the same column.
BESIDE = {"tensorflow": "Keras", "jax": "Flax NNX, Optax"}
# As they stand side by side; a framework that is not named here comes behind.
ORDER = (
    *(name for name in TITLES if name in FRAMEWORKS),
    *(name for name in FRAMEWORKS if name not in TITLES),
)
# All columns that a page may have.
COLUMNS = tuple(name for own in ORDER for name in (own, *LIBRARIES.get(own, ())))
EXAMPLES = "examples"  # a folder for each, from the project's root


@dataclass(frozen=True)
class PortSource:
    """One net in one framework, or in a library on top of one.

    file: from the project's root.
    """

    framework: str
    file: str

    @property
    def title(self) -> str:
        """What its framework is called."""
        return title(self.framework)

    @cached_property
    def source(self) -> str:
        """All that its file says."""
        return (ROOT / self.file).read_text()


@dataclass(frozen=True)
class Net:
    """A net, or the runtime, in all frameworks that have it.

    recipes: those it is trained by; the runtime has none. is_example: whether it is one of the
    worked examples, whose reference is no port of ours in NumPy.
    """

    name: str
    ports: tuple[PortSource, ...]
    recipes: tuple[recipes.Recipe, ...]
    is_example: bool = False

    @cached_property
    def sections(self) -> list[AlignedSection]:
        """Its ports side by side."""
        sources = {port.framework: port.source for port in self.ports}
        return align(sources, functions_of(self.name))

    @property
    def summary(self) -> str:
        """It in a few words: those of its own recipe, or what all its recipes begin with."""
        if self.is_example:
            return self.recipes[0].summary
        said = {recipe.name: recipe.summary for recipe in self.recipes}
        return said.get(self.name) or os.path.commonprefix([*said.values()]).rstrip(", ")  # noqa: RUF071 - of texts

    def section_at(self, framework: str, line: int) -> AlignedSection:
        """Return the section in which a line of a port stands."""
        blocks = {
            section.name: row.blocks[framework]
            for section in self.sections
            for row in section.rows
            if framework in row.blocks and row.blocks[framework].start <= line
        }
        last = max(blocks, key=lambda name: blocks[name].start)
        return next(section for section in self.sections if section.name == last)

    def only(self, frameworks: list[str]) -> "Net":
        """Return it in some frameworks alone, in their order.

        Raises:
            InputError: one of them has no port of it, or there is none of them.
        """
        ports = {port.framework: port for port in self.ports}
        known = list(COLUMNS if self.is_example else FRAMEWORKS)
        for name in frameworks:
            if name not in known:
                raise InputError(recipes.unknown("framework", name, known))
            if name not in ports:
                raise InputError(f"{name} has no port of {self.name}: {', '.join(ports)} have")
        if not frameworks:
            raise InputError("--frameworks names no framework, so there is nothing to show")
        return replace(self, ports=tuple(ports[name] for name in frameworks))


def title(framework: str) -> str:
    """Return what a framework is called in text."""
    for known in (TITLES, *LIBRARIES.values()):
        if framework in known:
            return known[framework]
    return framework


def beneath(column: str) -> str:
    """Return the framework that a column is written in, or that its library stands on."""
    return next((name for name, own in LIBRARIES.items() if column in own), column)


def packages(column: str) -> list[str]:
    """Return what a column's ports stand on: its framework, and the library on top, if any."""
    return list(dict.fromkeys((beneath(column), PACKAGES.get(column, column))))


def nets() -> list[Net]:
    """Return all nets, from the lessons on to the examples, any without a recipe, the runtime."""
    large = [recipe.net for recipe in recipes.MAIN_RECIPES]
    small = [recipe.net for recipe in recipes.LESSONS if recipe.net not in large]
    rest = [name for framework in ORDER for name in nets_of(framework)]
    there = {*rest, *examples()}
    names = [n for n in dict.fromkeys((*small, *large, *examples(), *rest)) if n in there]
    return [net(name) for name in (*names, RUNTIME_PAGE)]


def column_of(entry: Entry) -> str:
    """Return the column of a net that an entry of the catalogue changes."""
    if entry.example:
        return entry.example.removeprefix(f"{entry.net}_").removesuffix(".py")
    return entry.framework


def examples() -> list[str]:
    """Return the names of the worked examples, if they are there."""
    return sorted(file.parent.name for file in ROOT.glob(f"{EXAMPLES}/*/recipe.toml"))


def net(name: str) -> Net:
    """Return one net, the runtime, or an example.

    Raises:
        InputError: there is none of that name.
    """
    if name in examples():
        return _example(name)
    files = {framework: f"impls/{framework}/{name}.py" for framework in ORDER}
    there = _there(files)
    if not there or name.startswith("_"):
        known = [each.name for each in nets()]
        raise InputError(recipes.unknown("net", name, known))
    known_recipes = (*recipes.RECIPES.values(), *recipes.over_workers())
    return Net(name, there, tuple(r for r in known_recipes if r.port == name))


def _example(name: str) -> Net:
    folder = f"{EXAMPLES}/{name}"
    files = {column: f"{folder}/{name}_{column}.py" for column in COLUMNS}
    recipe = recipes.get(f"{ROOT / folder / 'recipe.toml'}")
    return Net(name, _there(files), (recipe,), is_example=True)


def _there(files: dict[str, str]) -> tuple[PortSource, ...]:
    return tuple(
        PortSource(framework, file) for framework, file in files.items() if (ROOT / file).is_file()
    )
