"""Other ways to write a net's `train`: those that the benchmarks time, with what they cost.

Their code is read from bench/rivals, when to choose which from bench/idioms.toml, and what they
cost from the run of the benchmarks that docs/speed.md shows: nothing is measured here.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from guide.ports import ORDER
from parity.contract import ROOT
from shared.errors import InputError
from shared.syntax import parse

RIVALS = ROOT / "bench" / "rivals"
WHEN = ROOT / "bench" / "idioms.toml"
RECORD = ROOT / "docs" / "speed.md"
NETS = ("iris", "planar", "mnist")  # of a contender that does not say its own
SHOWN = ("idiom", "peer")  # kinds of contenders; floors are no way to write a net
HEADING = re.compile(r"(\w+), [\d,]+ steps")
DATE = re.compile(r"measured on (\d{4}-\d\d-\d\d)")
LINE = re.compile(
    r"(\w+): (.+?) +(?:port|idiom|peer|floor) +([\d,.]+) +[\d,.]+ - [\d,.]+ +"
    r"([\d.]+)(?: \(([\d,]+)\))? "
)


@dataclass(frozen=True)
class Cost:
    """What `make bench` prints of a contender.

    micros: per step, in microseconds. first: seconds of a first call. steps: how many that made, as
    it is printed, if not all of the recipe's.
    """

    micros: float
    first: float
    steps: str | None


@dataclass(frozen=True)
class Idiom:
    """Another way to write `train`.

    framework: whose port it stands beside. library: that it is written in. name: what it is. nets:
    those that it is of. when: to choose it, in a sentence. file: from the project's root. start:
    the first line there of the function that makes it. code: of that function.
    """

    framework: str
    library: str
    name: str
    nets: tuple[str, ...]
    when: str
    file: str
    start: int
    code: str


@dataclass(frozen=True)
class Idioms:
    """All idioms, and what was measured: by net and contender, as `make bench` prints it.

    dates: when, by net.
    """

    all: list[Idiom]
    costs: dict[tuple[str, str], Cost]
    dates: dict[str, str]

    def of(self, net: str) -> list[tuple[Idiom, Cost | None, float | None]]:
        """Return a net's idioms, each with its cost and that as a ratio to the port's, if known.

        They come framework by framework, and of each those first that cost least.
        """
        found = []
        for idiom in self.all:
            if net in idiom.nets:
                cost = self.costs.get((net, f"{idiom.library}: {idiom.name}"))
                port = self.costs.get((net, f"{idiom.framework}: port"))
                ratio = cost.micros / port.micros if cost and port else None
                found.append((idiom, cost, ratio))
        return sorted(
            found, key=lambda own: (ORDER.index(own[0].framework), own[2] or float("inf"))
        )


def load(record: Path = RECORD) -> Idioms:
    """Read the idioms, and what was measured of them.

    Raises:
        InputError: one has no sentence that says when to choose it, a sentence is about none, or
            nothing that was measured can be read.
    """
    when = tomllib.loads(WHEN.read_text())
    idioms = [idiom for file in sorted(RIVALS.glob("*.py")) for idiom in _idioms(file, when)]
    known = {(idiom.library, idiom.name) for idiom in idioms}
    for library, names in when.items():
        for name in names:
            if (library, name) not in known:
                raise InputError(f"{WHEN.name} has {name!r}, which is no idiom of {library}")
    text = record.read_text()
    costs, dates = dict(_costs(text)), dict(_dates(text))
    if not costs or not {net for net, _ in costs} <= set(dates):
        raise InputError(f"{record.name} shows no table of `make bench`, or not when it was made")
    return Idioms(idioms, costs, dates)


def _dates(text: str) -> Iterator[tuple[str, str]]:
    """Yield the net of each table in a text, and the date that was named last before it."""
    date = ""
    for line in text.splitlines():
        if found := DATE.search(line):
            date = found[1]
        elif (heading := HEADING.fullmatch(line)) and date:
            yield heading[1], date


def _costs(text: str) -> Iterator[tuple[tuple[str, str], Cost]]:
    """Yield the net, the contender and its cost of each line of the tables in a text."""
    net = ""
    for line in text.splitlines():
        if heading := HEADING.fullmatch(line):
            net = heading[1]
        elif (found := LINE.match(line)) and net:
            cost = Cost(float(found[3].replace(",", "")), float(found[4]), found[5])
            yield (net, f"{found[1]}: {found[2]}"), cost


def _idioms(file: Path, when: dict[str, dict[str, str]]) -> Iterator[Idiom]:
    """Yield the idioms of a file of bench/rivals: keys of a dict, beside what makes them."""
    source = file.read_text()
    tree = parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    numbers = dict(re.findall(r"^([A-Z]+) = (\d+)", source, re.MULTILINE))
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    for table in tables:
        for key, made in zip(table.keys, table.values, strict=True):
            if not (isinstance(key, ast.Call) and ast.unparse(key.func) == "Contender"):
                continue
            library, name, kind = (_text(argument, numbers) for argument in key.args[:3])
            if kind not in SHOWN:
                continue
            said = when.get(library, {}).get(name)
            if said is None:
                raise InputError(f"{WHEN.name} does not say when to choose {name!r} of {library}")
            function = functions[ast.unparse(made.func if isinstance(made, ast.Call) else made)]
            yield Idiom(
                framework="numpy" if library == "sklearn" else library,
                library=library,
                name=name,
                nets=ast.literal_eval(key.args[3]) if key.args[3:] else NETS,
                when=said,
                file=f"{file.relative_to(ROOT)}",
                start=function.lineno,
                code=ast.get_source_segment(source, function) or "",
            )


def _text(value: ast.expr, numbers: dict[str, str]) -> str:
    """Return what a text says, whatever numbers of its module stand in it."""
    if isinstance(value, ast.JoinedStr):
        return "".join(_text(part, numbers) for part in value.values)
    if isinstance(value, ast.FormattedValue):
        return numbers[ast.unparse(value.value)]
    return str(ast.literal_eval(value))
