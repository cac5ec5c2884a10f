"""What was found of each entry of the catalogue, in a file, with a hash of what it was found of."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from parity.reports.files import OutputFile
from shared.errors import InputError
from traps.catalogue import Entry

E = TypeVar("E", bound=Entry)
Found = dict[str, Any]  # as JSON takes it


def digest(entry: Entry) -> str:
    """Return a hash of all of an entry that what is found of it depends on."""
    changes = [[c.right, c.instead] for c in (*entry.restyled, *entry.changes)]
    text = json.dumps([changes, entry.recipe, entry.steps, entry.mode])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def save(found: Mapping[E, Found], entries: Iterable[E], file: Path) -> None:
    """Write what was found, beside what is kept of other entries.

    Args:
        found: just now, by entry.
        entries: all that there are; what is kept of anything else is dropped.
        file: in which it is kept.
    """
    old = json.loads(file.read_text()) if file.exists() else {}
    kept = {
        str(entry): {"hash": digest(entry), **found[entry]} if entry in found else old[str(entry)]
        for entry in sorted(entries, key=str)
        if entry in found or str(entry) in old
    }
    with OutputFile(str(file)) as output:
        output.write(json.dumps(kept, indent=1, allow_nan=False, ensure_ascii=False) + "\n")


def load(entries: Iterable[E], file: Path, done: str, program: str) -> dict[E, Found]:
    """Return what is kept of each entry.

    Args:
        entries: some of them.
        file: in which it is kept.
        done: what was done to find it, "recorded". program: the module that does so.

    Raises:
        InputError: nothing is kept of an entry, or it has changed since.
    """
    kept = json.loads(file.read_text())
    found = {}
    for entry in entries:
        said = kept.get(str(entry), {})
        if said.get("hash") != digest(entry):
            what = f"has changed since it was {done}" if said else f"is not {done}"
            raise InputError(
                f"{entry} of traps {what}: run python -m {program} "
                f"--net {entry.net} --framework {entry.framework} --name {entry.name}"
            )
        found[entry] = said
    return found
