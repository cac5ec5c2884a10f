"""Downloading MNIST: from the first mirror that gives the right files, whole, or not at all."""

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared import mnist_files

CONTENT = {"a.gz": b"the first file", "b.gz": b"the second file"}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The address of a server with one folder of good files, and one of damaged ones."""
    for name, content in CONTENT.items():
        for folder, held in (("good", content), ("damaged", content[:-1])):
            (tmp_path / "www" / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / "www" / folder / name).write_bytes(held)
    handler = functools.partial(Quiet, directory=tmp_path / "www")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and the checksums of the files to fetch."""
    checksums = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    monkeypatch.setattr(mnist_files, "SHA256", checksums)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *a, **k: tmp_path / "c")
    monkeypatch.delenv("LOCKSTEP_DATA", raising=False)
    return tmp_path / "c" / "mnist"


def test_the_next_mirror_is_tried(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors = ("http://127.0.0.1:9/", f"{server}/missing/", f"{server}/damaged/", f"{server}/good/")
    monkeypatch.setattr(mnist_files, "MIRRORS", mirrors)
    assert mnist_files.find(None) == cache
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == CONTENT


def test_without_a_mirror_nothing_is_left(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mnist_files, "MIRRORS", ("http://127.0.0.1:9/", f"{server}/damaged/"))
    with pytest.raises(mnist_files.NotToBeHadError, match="downloaded from 127"):
        mnist_files.find(None)
    assert not cache.exists() or list(cache.iterdir()) == []
