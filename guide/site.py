"""The guide as files: its pages, and what they and a host need beside them."""

import json
from collections.abc import Iterator
from pathlib import Path

from guide import material, numbers, search
from guide.material import Material
from guide.pages import TEMPLATES, Pages
from parity.reports.files import writable_folder


def files(of: Material) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each file and what it holds: pages, and what they and hosts need."""
    whole = Pages(of)
    pages = dict(whole.all())
    for name, html in (pages | whole.for_hosts(list(pages))).items():
        yield name, html.encode()
    yield "search-index.js", f"const searchIndex = {json.dumps(search.index(of))};\n".encode()
    yield "icon.svg", (TEMPLATES / "icon.svg").read_bytes()
    for document in of.documents:
        for picture in document.pictures:
            yield picture.name, picture.read_bytes()


def build(
    folder: Path,
    address: str = "",
    repository: str = "",
    recorded: numbers.Recorded | None = None,
) -> list[Path]:
    """Write the pages, and all that a static host needs, into a folder; return the files.

    Args:
        folder: is made if it is not there.
        address: see `Material`.
        repository: see `Material`.
        recorded: see `Material`.

    Raises:
        InputError: as `material.load`, or the folder cannot be written to; nothing is written then.
    """
    made = list(files(material.load(address, repository, recorded)))
    folder = writable_folder(folder)
    for name, content in made:
        (folder / name).write_bytes(content)
    return [folder / name for name, _ in made]
