"""MNIST's four original files: where they are looked for, downloaded to, and how they are read."""

import gzip
import hashlib
import io
import logging
import math
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from shared import files
from shared.errors import InputError

SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
SIZES = {  # in bytes
    "train-images-idx3-ubyte.gz": 9_912_422,
    "train-labels-idx1-ubyte.gz": 28_881,
    "t10k-images-idx3-ubyte.gz": 1_648_877,
    "t10k-labels-idx1-ubyte.gz": 4_542,
}
SHA256_OF_ALL = hashlib.sha256("".join(SHA256.values()).encode()).hexdigest()
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
ROWS = {"train": 60_000, "t10k": 10_000}
MEND = "fetch the file again, or run with --data digits"


class NotToBeHadError(Exception):
    """The files are not there and cannot be fetched; the text says why."""


def find(data_dir: Path | None) -> Path:
    """Return the folder of the four files, downloading them to the user's cache if need be.

    They are looked for in `data_dir`, then in $LOCKSTEP_DATA, then in the user's cache.

    Raises:
        InputError: a folder was named, but lacks some of the files.
        NotToBeHadError: no folder was named, and what the cache lacks cannot be downloaded.
    """
    if data_dir:
        return _complete(data_dir, "--data-dir")
    if os.environ.get("LOCKSTEP_DATA"):
        return _complete(Path(os.environ["LOCKSTEP_DATA"]), "$LOCKSTEP_DATA")
    cache = Path(platformdirs.user_cache_dir("lockstep", appauthor=False)) / "mnist"
    try:
        if not all(files.is_there(cache / name) for name in SHA256):
            _download(cache)
    except OSError as error:  # a home that is somebody else's, say
        raise NotToBeHadError(
            f"MNIST could not be kept in {cache} ({files.reason(error)})"
        ) from error
    return cache


def _complete(folder: Path, named_by: str) -> Path:
    """Return `folder`, or its subfolder `mnist`, whichever holds the four files."""
    try:
        if not folder.is_dir():
            raise InputError(
                f"{folder} ({named_by}) is not a folder: name the one that holds {MNIST}"
            )
        for candidate in (folder, folder / "mnist"):
            missing = [name for name in SHA256 if not files.is_there(candidate / name)]
            if not missing:
                return candidate
            if len(missing) < len(SHA256):
                break
        else:
            missing = list(SHA256)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder} ({named_by}) cannot be searched ({files.reason(error)}): "
            f"name a folder that holds {MNIST}"
        ) from error
    raise InputError(
        f"{folder} ({named_by}) lacks {', '.join(missing)}: name the folder that holds {MNIST}"
    )


MNIST = "MNIST's four idx.gz files"


def _download(folder: Path) -> None:
    """Download the files: checked, written atomically, safe when two processes start at once.

    Raises:
        NotToBeHadError: no mirror has them.
        OSError: they cannot be kept.
    """
    import pooch  # neither is needed once the files are there
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    fetch = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=10)
    for name, sha256 in SHA256.items():
        if files.is_there(folder / name):
            continue
        for mirror in MIRRORS:
            try:
                pooch.retrieve(mirror + name, f"sha256:{sha256}", name, folder, downloader=fetch)
                break
            except (requests.RequestException, ValueError):  # no answer, or another checksum
                continue
        else:
            hosts = " and ".join(mirror.split("/")[2] for mirror in MIRRORS)
            raise NotToBeHadError(f"MNIST could not be downloaded from {hosts}")


def read(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images (n, 784) and labels (n,) of the part "train" or "t10k".

    Raises:
        InputError: a file is not the original one; the sentence says what is wrong with it.
    """
    rows = ROWS[part]
    images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz", magic=2051, shape=(rows, 28, 28))
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz", magic=2049, shape=(rows,))
    return images.reshape(rows, 784), labels


def _read_idx(path: Path, magic: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read an idx file of unsigned bytes: magic number, sizes, then the values, big-endian.

    What is hashed is what is unpacked: the file is read once.
    """
    try:
        packed = files.read(path, SIZES[path.name])
        found = hashlib.sha256(packed).hexdigest()
        content = _unpack(packed, 4 + 4 * len(shape) + math.prod(shape))
        values = _values(content, magic, shape)
    except (files.UnreadableError, _DamagedError) as error:
        raise InputError(f"{path} {error}: {MEND}") from error
    if found != SHA256[path.name]:
        raise InputError(
            f"{path} is not the original file: its SHA-256 is {found}, "
            f"where {SHA256[path.name]} is expected: {MEND}"
        )
    return values


class _DamagedError(Exception):
    """A file's content is not what it should be; the text goes on after the file's name."""


def _unpack(packed: bytes, most: int) -> bytes:
    """Return what a gzip file holds, or its first `most + 1` bytes, whatever it makes of itself."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            return file.read(most + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _DamagedError(f"is not a whole gzip file ({str(error).rstrip('.')})") from error


def _values(content: bytes, magic: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    start = 4 + 4 * len(shape)
    header = np.frombuffer(content[:start].ljust(start, b"\0"), ">i4")
    if header[0] != magic:
        raise _DamagedError(f"begins with the number {header[0]}, not {magic}")
    if tuple(header[1:]) != shape:
        found = " x ".join(map(str, header[1:]))
        raise _DamagedError(f"holds {found} values, not {' x '.join(map(str, shape))}")
    values = np.frombuffer(content, np.uint8, offset=start)
    if values.size != math.prod(shape):
        more = "more" if values.size > math.prod(shape) else f"{values.size:,}"
        raise _DamagedError(f"says {math.prod(shape):,} values but has {more}")
    if len(shape) == 1 and values.max() > 9:
        row = int(values.argmax())
        raise _DamagedError(f"has the label {values[row]} in row {row}, where digits are 0 to 9")
    return values.reshape(shape)
