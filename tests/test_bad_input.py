"""What cannot be used gets one clear sentence and exit status 2, before any work is done."""

import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from shared import mnist_files
from shared.errors import InputError
from tests.running import Compare, run_compare


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["irsi"], "there is no recipe 'irsi': did you mean iris?"),
        (["mnist", "plannar"], "did you mean planar?"),
        (["iris", "--frameworks", "troch"], "there is no framework 'troch': did you mean torch?"),
        (["iris", "--frameworks", ","], "names no framework"),
        (["iris", "--dtype", "float16"], "there is no --dtype 'float16'"),
        (["iris", "--mode", "graph"], "there is no --mode 'graph'"),
        (["iris", "--data", "cifar"], "there is no --data 'cifar'"),
        (["iris", "--steps", "0"], "--steps is 0, but there must be at least 1"),
        (["iris", "--steps", "-3"], "--steps is -3"),
        (["iris", "--steps", "many"], "'many' is not a valid integer"),
        (["iris", "--seed", "-1"], "--seed is -1"),
        (["iris", "--threads", "0"], "--threads is 0"),
        (["iris", "--timeout", "0"], "--timeout is 0"),
        (["iris", "--timeout", "nan"], "--timeout is nan"),
        (["iris", "--bogus"], "No such option '--bogus'"),
        (["--with", "port.py"], "--with needs a RECIPE: name the one that port.py is a port of"),
        (["iris", "--with", "no_such_port.py"], "no_such_port.py cannot be read"),
        (
            ["mnist", "--data-dir", "/no/such/folder"],
            "/no/such/folder (--data-dir) is not a folder",
        ),
    ],
)
def test_one_sentence_and_status_2(compare: Compare, arguments: list[str], words: str) -> None:
    run = compare(*arguments)
    assert run.status == 2
    assert words in run.stderr
    assert run.stderr.startswith("compare.py: ")
    assert run.stderr.count("\n") == 1
    assert run.stdout == ""
    assert run.report == {}


def test_a_framework_that_is_not_installed(compare: Compare, tmp_path: Path) -> None:
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text(
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n == 'tensorflow' else find(n, *a)\n"
    )
    path = str(tmp_path)
    run = compare("iris", "--frameworks", "numpy,tensorflow", PYTHONPATH=path)
    assert run.status == 2
    assert "tensorflow is not installed: install it with pip install tensorflow" in run.stderr
    assert "--frameworks numpy,jax,torch" in run.stderr
    run = compare("iris", "--quick", PYTHONPATH=path)
    assert run.status == 0
    assert "LEFT OUT: tensorflow, tensorflow_v1 are not installed" in run.stderr
    assert {result["port"] for result in run.report["results"]} == {"numpy", "jax", "torch"}


def test_a_port_that_is_no_python(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text("def build(weights):\n    return {\n")
    run = compare("iris", "--with", tmp_path / "half.py")
    assert run.status == 2
    assert "half.py, line 2 is not Python" in run.stderr


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no/such/folder/report.json", "cannot be written (No such file or directory)"),
        (".", "is a folder: name a file to write to"),
    ],
)
def test_a_report_that_cannot_be_written(
    environment: dict[str, str], tmp_path: Path, target: str, words: str
) -> None:
    run = run_compare(environment, tmp_path / target, "iris")
    assert run.status == 2
    assert words in run.stderr
    assert run.stdout == ""  # it was found before the work


def test_a_folder_for_pictures_that_cannot_be_made(compare: Compare) -> None:
    run = compare("iris", "--pictures", "/dev/null/pictures")
    assert run.status == 2
    assert "/dev/null/pictures cannot be written to" in run.stderr
    assert run.stdout == ""


def write_idx(path: Path, magic: int, shape: tuple[int, ...], values: bytes) -> None:
    header = np.array([magic, *shape], ">i4").tobytes()
    path.write_bytes(gzip.compress(header + values, compresslevel=1, mtime=0))


@pytest.fixture(scope="module")
def zeros(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four files of MNIST's form, all zeros."""
    folder = tmp_path_factory.mktemp("zeros")
    for part, rows in mnist_files.ROWS.items():
        images = folder / f"{part}-images-idx3-ubyte.gz"
        write_idx(images, 2051, (rows, 28, 28), bytes(rows * 784))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", 2049, (rows,), bytes(rows))
    return folder


IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (IMAGES, b"no gzip at all", "is not a whole gzip file"),
        (IMAGES, gzip.compress(bytes(4000), mtime=0)[:-9], "is not a whole gzip file"),
        (IMAGES, gzip.compress(b"", mtime=0), "begins with the number 0, not 2051"),
        (IMAGES, (2049, (10_000, 28, 28), b""), "begins with the number 2049, not 2051"),
        (
            IMAGES,
            (2051, (10_000, 28, 27), b""),
            "10000 x 28 x 27 values, not 10000 x 28 x 28",
        ),
        (IMAGES, (2051, (9_999, 28, 28), b""), "holds 9999 x 28 x 28 values"),
        (IMAGES, (2051, (10_000, 28, 28), bytes(99)), "says 7,840,000 values but has 99"),
        (LABELS, (2049, (10_000,), bytes(10_001)), "says 10,000 values but has more"),
        (
            LABELS,
            (2049, (10_000,), bytes(77) + b"\x0a" + bytes(9_922)),
            "has the label 10 in row 77",
        ),
        (LABELS, (2049, (10_000,), bytes(10_000)), "is not the original file: its SHA-256 is"),
    ],
)
def test_a_damaged_file_is_refused(
    zeros: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    content: object,
    words: str,
) -> None:
    images = hashlib.sha256((zeros / IMAGES).read_bytes()).hexdigest()
    if file != IMAGES:
        monkeypatch.setitem(mnist_files.SHA256, IMAGES, images)
    shutil.copytree(zeros, tmp_path / "mnist")
    path = tmp_path / "mnist" / file
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, tuple):
        write_idx(path, *content)
    with pytest.raises(InputError) as caught:
        mnist_files.read(tmp_path / "mnist", "t10k")
    message = str(caught.value)
    assert words in message
    assert str(tmp_path / "mnist") in message
    assert "fetch the file again, or run with --data digits" in message


def test_a_damaged_file_is_status_2(compare: Compare, zeros: Path) -> None:
    run = compare("mnist", "--data-dir", zeros)
    assert run.status == 2
    assert "is not the original file" in run.stderr
    run = compare("mnist", LOCKSTEP_DATA=str(zeros))
    assert run.status == 2


def test_a_folder_that_lacks_a_file(zeros: Path, tmp_path: Path) -> None:
    shutil.copytree(zeros, tmp_path / "mnist")
    (tmp_path / "mnist" / LABELS).unlink()
    with pytest.raises(InputError, match=rf"\(--data-dir\) lacks {LABELS}: name the folder"):
        mnist_files.find(tmp_path / "mnist")
    with pytest.raises(InputError, match="lacks train-images"):
        mnist_files.find(tmp_path.parent)


def test_the_folder_above_will_do(zeros: Path, tmp_path: Path) -> None:
    shutil.copytree(zeros, tmp_path / "mnist")
    assert mnist_files.find(tmp_path) == tmp_path / "mnist"


def test_mnist_refuses_the_stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from shared import datasets

    def unreachable(folder: Path) -> None:
        raise mnist_files.NotToBeHadError("MNIST could not be downloaded from a.example")

    monkeypatch.delenv("LOCKSTEP_DATA", raising=False)
    monkeypatch.setattr(mnist_files, "_download", unreachable)
    monkeypatch.setattr(mnist_files, "SHA256", {"absent": ""})
    with pytest.raises(InputError, match="--data mnist refuses the stand-in"):
        datasets.mnist.__wrapped__("mnist", None)
    stand_in = datasets.mnist.__wrapped__("auto", None)
    assert stand_in.name == "digits"
    assert stand_in.notice is not None
    assert "could not be downloaded from a.example" in stand_in.notice
    assert stand_in.x.shape == (1400, 784)
    assert 0 <= stand_in.x.min() < stand_in.x.max() <= 1


def test_a_framework_without_a_port_of_any_net_asked_for(compare: Compare) -> None:
    run = compare("iris", "planar", "--frameworks", "numpy,tensorflow_v1")
    assert run.status == 2
    assert run.stderr.splitlines()[-1] == (
        "compare.py: tensorflow_v1 has no port of iris, planar: it has mnist only"
    )
