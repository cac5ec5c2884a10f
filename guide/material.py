"""All that the guide's pages are made of: the ports, and what is said and recorded of them."""

from dataclasses import dataclass, field

from guide import dictionary, differences, documents, idioms, migration, notes, numbers, ports
from guide import traps as shown
from guide.dictionary import Dictionary
from guide.documents import Document
from guide.idioms import Idioms
from guide.notes import Notes
from guide.ports import Net
from guide.traps import Trap


@dataclass(frozen=True)
class Material:
    """All that the pages are made of.

    address: where the pages will be, empty if that is not known. repository: where the files are
    that documents name, likewise. recorded: the numbers of the ports' lines, as far as they were
    recorded.
    """

    nets: list[Net]
    notes: Notes
    dictionary: Dictionary
    migration: migration.Migration
    differences: differences.Differences
    traps: list[Trap]
    documents: list[Document]
    idioms: Idioms
    address: str = ""
    repository: str = ""
    recorded: numbers.Recorded = field(default_factory=dict)


def load(
    address: str = "", repository: str = "", recorded: numbers.Recorded | None = None
) -> Material:
    """Read all that the pages are made of.

    Args:
        address: see `Material`.
        repository: see `Material`.
        recorded: see `Material`; `numbers.record` makes it.

    Raises:
        InputError: the notes, a quote, the record of the traps or the idioms do not fit the ports.
    """
    return Material(
        ports.nets(),
        notes.load(),
        dictionary.load(),
        migration.load(),
        differences.load(),
        shown.traps(),
        documents.load(),
        idioms.load(),
        address and f"{address.rstrip('/')}/",
        repository,
        recorded or {},
    )
