"""Which ports a comparison is of: those that its options name."""

from dataclasses import replace

from parity import contract
from parity.contract import PortName
from parity.sessions.port_files import PortFile, check_files
from parity.standard.inputs import reference_of
from shared import recipes
from shared.errors import InputError
from shared.files import is_regular


def recipes_of(asked: tuple[str, ...], files: list[PortFile]) -> list[str]:
    """Return the names of the recipes to compare: those asked for, or else those of users' files.

    Raises:
        InputError: there is no such recipe, a file is of none that is asked for, or it is unknown
            which one a file is of.
    """
    for name in asked:
        recipes.get(name)
    names = list(dict.fromkeys(asked or (file.recipe for file in files if file.recipe)))
    for file in files:
        if not file.recipe and not asked:
            raise InputError(f"--with needs a RECIPE: name the one that {file} is a port of")
        if file.recipe and file.recipe not in names:
            raise InputError(
                f"--with {file} is of a recipe that is not compared: name it beside "
                f"{', '.join(names)}"
            )
    return names or list(recipes.RECIPES)


def over_workers(
    workers: str | None, names: list[str], files: list[PortFile]
) -> tuple[list[str], list[PortFile]]:
    """Return recipes, and users' files, as --workers makes them: of each number of workers.

    Args:
        workers: numbers with commas, or None for the recipes as they are.
        names: of the recipes.
        files: of users' ports, each of one of them, or of any.

    Raises:
        InputError: it is no such list.
    """
    if workers is None:
        return names, files
    counts = [recipes.worker_count(text.strip()) for text in workers.split(",")]
    spread = [
        replace(file, recipe=file.recipe and recipes.spread_name(file.recipe, count))
        for file in files
        for count in counts
    ]
    return (
        [recipes.spread_name(name, count) for name in names for count in counts],
        list(dict.fromkeys(spread)),
    )


def choose(
    names: list[str], frameworks: str | None, files: list[PortFile], drafts: bool
) -> list[PortName]:
    """Return the ports to compare.

    Args:
        names: of the recipes.
        frameworks: those asked for, with commas, or None for all that are installed.
        files: of users' ports.
        drafts: whether users' files need not be Python yet.

    Raises:
        InputError: a port cannot be had, or none is named.
    """
    chosen = [name for name in contract.FRAMEWORKS if contract.is_installed(name)]
    if frameworks is not None:
        chosen = list(map(str.strip, frameworks.split(",")))
    ports = [contract.check_framework(name) for name in dict.fromkeys(chosen) if name]
    wanted = dict.fromkeys(recipes.get(name).port for name in names)
    for port in ports if frameworks else ():
        if not any(port.covers(net) for net in wanted):
            _check_spreading(port)
            own = ", ".join(contract.nets_of(port.name))
            raise InputError(f"{port} has no port of {', '.join(wanted)}: it has {own} only")
    ports = [port for port in ports if any(port.covers(net) for net in wanted)]
    references = _references(names)
    known = {port.file for port in references}
    ports += references + [port for port in _of_files(files, drafts) if port.file not in known]
    check_renames(names, ports)
    if not ports and frameworks is None:
        raise InputError(
            f"there is no port of {', '.join(wanted)}: name one of yours, --with my_port.py"
        )
    if not ports:
        raise InputError("--frameworks names no framework, so there is nothing to compare")
    return ports


def _check_spreading(port: PortName) -> None:
    """Check that a framework's ports can spread over workers.

    Raises:
        InputError: they lack what they need for that.
    """
    if not contract.spreads(port.name):
        raise InputError(
            f"{port} needs {contract.SPREAD_BY[port.name]} to spread over workers, which is not "
            f"installed: pip install {contract.SPREAD_BY[port.name]} mpich, or leave {port} out"
        )


def check_renames(names: list[str], ports: list[PortName]) -> None:
    """Check that what a recipe renames for a file is for one that there is.

    It may be a port that is not compared this time, which then lies beside the recipe.

    Raises:
        InputError: no port has that file.
    """
    own = [recipes.get(name) for name in names]
    references = {recipe.reference for recipe in own}
    there = {port.file.name for port in ports if port.file and port.file not in references}
    for recipe in own:
        for file in filter(None, recipe.renames):
            if file not in there and not is_regular(recipe.files[0].with_name(file)):
                raise InputError(
                    f"{recipe.files[0]} renames for {file!r}, which is the file of no port: --with "
                    f"names {', '.join(sorted(there)) or 'none'}"
                )


def _references(names: list[str]) -> list[PortName]:
    """Return the references of users' recipes, which are judged in the working precision, too.

    One in a process of its own spreads over no workers.
    """
    own = [recipe for name in names if (recipe := recipes.get(name)).workers is None]
    return [replace(reference_of(each), nets=(each.port,)) for each in own if each.reference]


def _of_files(files: list[PortFile], drafts: bool) -> list[PortName]:
    """Return users' ports; one file may be given for several recipes."""
    paths = list(dict.fromkeys(file.path for file in files))
    ports = []
    for port, path in zip(check_files(paths, drafts), paths, strict=True):
        own = [file.recipe for file in files if file.path == path]
        nets = () if None in own else tuple(recipes.get(name).port for name in own if name)
        ports.append(replace(port, nets=tuple(dict.fromkeys(nets))))
    return ports


def left_out(frameworks: str | None, names: list[str]) -> str | None:
    """Say which frameworks a comparison of all goes without, because they are not installed.

    names: of the recipes; over workers, some need more than themselves.
    """
    missing = [name for name in contract.FRAMEWORKS if not contract.is_installed(name)]
    if any(recipes.get(name).workers for name in names):
        needs = contract.SPREAD_BY.items()
        missing += [f"{name}'s {need}" for name, need in needs if not contract.spreads(name)]
    if frameworks is not None or not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    return f"LEFT OUT: {', '.join(missing)} {verb} not installed"


def given(frameworks: str | None, workers: str | None, ports: list[PortName]) -> list[str]:
    """Return what the command line says of ports."""
    named = [] if frameworks is None else [f"--frameworks {frameworks}"]
    named += [] if workers is None else [f"--workers {workers}"]
    return named + [f"--with {port}" for port in ports if port.file]
