"""The ports there are: which nets, in which frameworks, and their files."""

import os
from dataclasses import dataclass
from functools import cached_property

from guide.alignment import RUNTIME_PAGE, AlignedSection, align, functions_of
from parity.contract import FRAMEWORKS, ROOT, nets_of
from shared import recipes
from shared.errors import InputError

TITLES = {
    "numpy": "NumPy",
    "tensorflow": "TensorFlow",
    "torch": "PyTorch",
    "jax": "JAX",
    "tensorflow_v1": "TensorFlow 1",
}
# As they stand side by side; a framework that is not named here comes behind.
ORDER = (
    *(name for name in TITLES if name in FRAMEWORKS),
    *(name for name in FRAMEWORKS if name not in TITLES),
)


@dataclass(frozen=True)
class PortSource:
    """One net in one framework."""

    framework: str
    net: str

    @property
    def file(self) -> str:
        """Its file, from the project's root."""
        return f"impls/{self.framework}/{self.net}.py"

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
    """A net, or the runtime, in all frameworks that have it."""

    name: str
    ports: tuple[PortSource, ...]

    @cached_property
    def sections(self) -> list[AlignedSection]:
        """Its ports side by side."""
        sources = {port.framework: port.source for port in self.ports}
        return align(sources, functions_of(self.name))

    @property
    def recipes(self) -> list[recipes.Recipe]:
        """The recipes it is trained by; the runtime has none."""
        known = (*recipes.RECIPES.values(), *recipes.over_workers())
        return [recipe for recipe in known if recipe.port == self.name]

    @property
    def summary(self) -> str:
        """It in a few words: those of its own recipe, or what all its recipes begin with."""
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
        for name in frameworks:
            if name not in FRAMEWORKS:
                raise InputError(recipes.unknown("framework", name, list(FRAMEWORKS)))
            if name not in ports:
                raise InputError(f"{name} has no port of {self.name}: {', '.join(ports)} have")
        if not frameworks:
            raise InputError("--frameworks names no framework, so there is nothing to show")
        return Net(self.name, tuple(ports[name] for name in frameworks))


def title(framework: str) -> str:
    """Return what a framework is called in text."""
    return TITLES.get(framework, framework)


def nets() -> list[Net]:
    """Return all nets, from the lessons on, then any without a recipe, then the runtime."""
    large = [recipe.net for recipe in recipes.MAIN_RECIPES]
    small = [recipe.net for recipe in recipes.LESSONS if recipe.net not in large]
    rest = [name for framework in ORDER for name in nets_of(framework)]
    there = set(rest)
    names = [name for name in dict.fromkeys((*small, *large, *rest)) if name in there]
    return [net(name) for name in (*names, RUNTIME_PAGE)]


def net(name: str) -> Net:
    """Return one net, or the runtime.

    Raises:
        InputError: there is none of that name.
    """
    ports = [PortSource(framework, name) for framework in ORDER]
    there = tuple(port for port in ports if (ROOT / port.file).is_file())
    if not there or name.startswith("_"):
        known = [each.name for each in nets()]
        raise InputError(recipes.unknown("net", name, known))
    return Net(name, there)
