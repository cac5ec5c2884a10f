"""The catalogue of translation bugs, and of correct variations: small changes to the real ports.

There is one file per net, `<net>.toml`. Each entry replaces text in `impls/<framework>/<net>.py`:
`right` by `wrong` in a [[bug]], by `other` in a [[variation]], and so do the pairs in `also`. An
entry with a `style` changes not the port itself but the variation of it that has this name. A bug
says its `cause` (or several phrases for it, the best first), the `rung` and maybe the `step` where
it shows first, the one `dtype` that can show it, if not both can, and maybe its `source`: a page on
which somebody reports it. Any entry may set the `recipe`, the `steps` and the `mode` that it needs;
of ports over workers, `<net>_workers.toml`, the recipe is for three workers, and the steps are few.

`examples/<net>.toml` is of entries in `examples/<net>`, on few rows. Such an entry says which
`file` there it changes, and a bug in which `layer` of the reference it is, if in one.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from parity.contract import DTYPES, FRAMEWORKS, ROOT
from parity.results import RUNGS
from shared import syntax
from shared.recipes import TWIN, is_spread, spread_name

FOLDER = Path(__file__).parent
NETS = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
EXAMPLES = tuple(sorted(path.stem for path in FOLDER.glob("examples/*.toml")))
RAISES = "error"  # stands for the rung where a port raises before any rung shows its bug
DEFAULT_STEPS = 60
EXAMPLE_STEPS = 4
WORKERS, SPREAD_STEPS = 3, 4  # of ports over workers; shares of 34, 33 and 33 rows


class CatalogueError(Exception):
    """An entry is not well-formed, or does not fit the port that it changes."""


@dataclass(frozen=True)
class Change:
    """Text that occurs once in a real port, and what is put there instead."""

    right: str
    instead: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A small change to a real port.

    name: unique within the net and the framework. recipe: what the port is run on, the net's
    namesake unless the entry says otherwise. mode: for --mode of compare.py, if not its default.
    style: the variation that it is a change to, if not to the port itself; restyled: the changes
    of that variation. example: the file of an example that it changes, if not a port of ours.
    """

    net: str
    framework: str
    name: str
    changes: tuple[Change, ...]
    recipe: str
    steps: int = DEFAULT_STEPS
    mode: str | None = None
    style: str | None = None
    restyled: tuple[Change, ...] = ()
    example: str | None = None

    @property
    def file(self) -> str:
        """The name of the planted file."""
        return f"{self.framework}-{self.name}.py"

    @property
    def port(self) -> Path:
        """The real port."""
        if self.example:
            return ROOT / "examples" / self.net / self.example
        return ROOT / "impls" / self.framework / f"{self.net}.py"

    @property
    def judged(self) -> tuple[str, ...]:
        """The precisions in which it is judged."""
        return DTYPES

    def __str__(self) -> str:
        return f"{self.net}-{self.framework}-{self.name}"


@dataclass(frozen=True, kw_only=True)
class Bug(Entry):
    """A translation bug.

    causes: how a diagnosis may name it, the best first. rung, step: where it shows first, at any
    step if there is none. dtypes: the precisions that can show it. layer: that of the reference
    which it is in. source: the address of a page on which somebody reports it.
    """

    causes: tuple[str, ...]
    rung: str
    step: int | None = None
    dtypes: tuple[str, ...] = DTYPES
    layer: str | None = None
    source: str | None = None

    @property
    def judged(self) -> tuple[str, ...]:
        """The precisions in which it is judged."""
        return DTYPES if self.example is None else self.dtypes


@dataclass(frozen=True, kw_only=True)
class Variation(Entry):
    """A port as correct as the real one, in another style."""


@dataclass(frozen=True)
class Catalogue:
    """All entries, in the order of the files."""

    bugs: tuple[Bug, ...]
    variations: tuple[Variation, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All of them, the bugs first."""
        return (*self.bugs, *self.variations)


E = TypeVar("E", bound=Entry)
Table = dict[str, Any]  # an entry as it stands in its file


def load(folder: Path = FOLDER) -> Catalogue:
    """Read the whole catalogue.

    Raises:
        CatalogueError: an entry is not well-formed, or does not fit its port.
    """
    return _load(folder, NETS, _usual)


def load_examples(folder: Path = FOLDER) -> Catalogue:
    """Read the entries in examples.

    Raises:
        CatalogueError: as `load`.
    """
    return _load(folder / "examples", EXAMPLES, _usual_in_example)


def _load(folder: Path, nets: Iterable[str], usual: Callable[[str, Table], Table]) -> Catalogue:
    """Read the files of some nets; `usual` adds to an entry's table what it need not say."""
    bugs: list[Bug] = []
    variations: list[Variation] = []
    for net in nets:
        tables = tomllib.loads((folder / f"{net}.toml").read_text())
        if unknown := tables.keys() - {"bug", "variation"}:
            raise CatalogueError(f"{net}.toml: there is no kind of entry {min(unknown)!r}")
        wrong, other = ([usual(net, t) for t in tables.get(k, ())] for k in ("bug", "variation"))
        styles = [_entry(Variation, "other", net, table) for table in other]
        own = [_entry(Bug, "wrong", net, table) for table in wrong]
        bugs += [_restyled(bug, styles) for bug in own]
        variations += [_restyled(variation, styles) for variation in styles]
    _check([*bugs, *variations])
    return Catalogue(tuple(bugs), tuple(variations))


def _check(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        for problem in _problems(entry, seen):
            raise CatalogueError(f"{entry}: {problem}")
        seen.add(str(entry))


def plant(entry: Entry, folder: Path) -> Path:
    """Write the changed port into a folder, and return its file.

    Raises:
        CatalogueError: as `planted`.
    """
    path = folder / entry.file
    path.write_text(planted(entry))
    return path


def planted(entry: Entry) -> str:
    """Return the source of the changed port, as a file of its own.

    It names its framework, unless it does so already, or brings a `to_numpy`: then it has a runtime
    of its own.

    Raises:
        CatalogueError: as `changed`.
    """
    source = changed(entry)
    if "to_numpy" in source or "\nFRAMEWORK = " in source:
        return source
    docstring = syntax.parse(entry.port.read_text()).body[0]
    lines = source.splitlines(keepends=True)
    lines.insert(docstring.end_lineno or 0, f'\nFRAMEWORK = "{entry.framework}"\n')
    return "".join(lines)


def changed(entry: Entry) -> str:
    """Return the source of the real port with the changes in it, after those of its style.

    Raises:
        CatalogueError: some text to replace does not occur just once in the real port.
    """
    return _applied(entry, entry.changes, original(entry))


def original(entry: Entry) -> str:
    """Return what the entry changes: the source of the real port, or of that in another style.

    Raises:
        CatalogueError: as `changed`.
    """
    return _applied(entry, entry.restyled, entry.port.read_text())


def _applied(entry: Entry, changes: Iterable[Change], source: str) -> str:
    for change in changes:
        if (found := source.count(change.right)) != 1:
            raise CatalogueError(
                f"{entry}: {entry.port.relative_to(ROOT)} has {found} times, where it should have "
                f"once, the text {change.right!r}"
            )
        source = source.replace(change.right, change.instead)
    return source


def _restyled(entry: E, styles: Iterable[Variation]) -> E:
    """Return an entry with the changes of its style, if it has one."""
    if entry.style is None:
        return entry
    for style in styles:
        if (style.framework, style.name) == (entry.framework, entry.style):
            return replace(entry, restyled=style.changes)
    raise CatalogueError(f"{entry}: its net and framework have no variation {entry.style!r}")


def _entry(kind: type[E], instead: str, net: str, table: Table) -> E:
    """Return an entry, made from its table in the file of `net`."""
    where = f"{net}.toml, {table.get('framework')} {table.get('name')}"
    values = {"net": net, **table}
    try:
        first = {key: values.pop(key) for key in ("right", instead)}
        pairs = [first, *values.pop("also", ())]
        values["changes"] = tuple(Change(pair["right"], pair[instead]) for pair in pairs)
    except KeyError as error:
        raise CatalogueError(f"{where}: it, or an 'also' of it, lacks {error}") from error
    if "cause" in values:
        cause = values.pop("cause")
        values["causes"] = tuple([cause] if isinstance(cause, str) else cause)
    if "dtype" in values:
        values["dtypes"] = (values.pop("dtype"),)
    needed = {field.name: field.default is MISSING for field in fields(kind)}
    if unknown := values.keys() - needed.keys():
        raise CatalogueError(f"{where}: there is no field {min(unknown)!r}")
    if missing := {name for name in needed if needed[name]} - values.keys():
        raise CatalogueError(f"{where}: it lacks {min(missing)!r}")
    return kind(**values)


def _usual(net: str, table: Table) -> Table:
    """Return an entry with a recipe, and maybe steps, if it does not say its own."""
    if not is_spread(net):
        return {"recipe": net, **table}
    spread = {"recipe": spread_name(net.removesuffix(TWIN), WORKERS), "steps": SPREAD_STEPS}
    return {**spread, **table}


def _usual_in_example(net: str, table: Table) -> Table:
    """Return an entry of an example with the framework of its file, and few steps."""
    said = {key: value for key, value in table.items() if key != "file"}
    file = ROOT / "examples" / net / str(table.get("file", ""))
    found = re.search(r'^FRAMEWORK = "(\w+)"', file.read_text(), re.M) if file.is_file() else None
    if not found:
        raise CatalogueError(f"{net}.toml, {table.get('name')}: there is no port {file}")
    own = {"framework": found[1], "example": file.name, "recipe": net, "steps": EXAMPLE_STEPS}
    if "wrong" in said:
        own["dtype"] = "float64"  # one precision will do: to judge examples takes long
    return {**own, **said}


def _problems(entry: Entry, seen: set[str]) -> Iterator[str]:
    """Yield what is wrong with an entry, in words."""
    if str(entry) in seen:
        yield "another entry has this name"
    if entry.framework not in FRAMEWORKS:
        yield f"there is no framework {entry.framework!r}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name):
        yield "its name is not in kebab-case"
    if any(change.right == change.instead for change in entry.changes):
        yield "it changes nothing"
    if isinstance(entry, Bug):
        if entry.rung not in (*RUNGS, RAISES):
            yield f"there is no rung {entry.rung!r}"
        if not set(entry.dtypes) <= set(DTYPES):
            yield f"there is no precision {entry.dtypes[0]!r}"
    try:
        compile(planted(entry), entry.file, "exec")
    except SyntaxError as error:
        yield f"it is not Python any more ({error.msg}, line {error.lineno})"
