"""Which ports a comparison is of: those that its options name."""

from pathlib import Path

from parity import contract
from parity.contract import PortName
from shared import recipes
from shared.errors import InputError


def choose(
    names: list[str], frameworks: str | None, files: tuple[Path, ...], named: bool, drafts: bool
) -> list[PortName]:
    """Return the ports to compare.

    Args:
        names: of the recipes.
        frameworks: those asked for, with commas, or None for all that are installed.
        files: of users' ports.
        named: whether the recipes were asked for by name.
        drafts: whether users' files need not be Python yet.

    Raises:
        InputError: a port cannot be had, or none is named.
    """
    if files and not named:
        raise InputError(f"--with needs a RECIPE: name the one that {files[0]} is a port of")
    chosen = [name for name in contract.FRAMEWORKS if contract.is_installed(name)]
    if frameworks is not None:
        chosen = list(map(str.strip, frameworks.split(",")))
    ports = [contract.check_framework(name) for name in dict.fromkeys(chosen) if name]
    wanted = dict.fromkeys(recipes.get(name).net for name in names)
    for port in ports if frameworks else ():
        if not any(port.covers(net) for net in wanted):
            own = ", ".join(contract.nets_of(port.name))
            raise InputError(f"{port} has no port of {', '.join(wanted)}: it has {own} only")
    ports = [port for port in ports if any(port.covers(net) for net in wanted)]
    ports += contract.check_files(list(dict.fromkeys(files)), drafts)
    if not ports:
        raise InputError("--frameworks names no framework, so there is nothing to compare")
    return ports


def left_out(frameworks: str | None) -> str | None:
    """Say which frameworks a comparison of all goes without, because they are not installed."""
    missing = [name for name in contract.FRAMEWORKS if not contract.is_installed(name)]
    if frameworks is not None or not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    return f"LEFT OUT: {', '.join(missing)} {verb} not installed"


def given(frameworks: str | None, ports: list[PortName]) -> list[str]:
    """Return what the command line says of ports."""
    named = [] if frameworks is None else [f"--frameworks {frameworks}"]
    return named + [f"--with {port}" for port in ports if port.file]
