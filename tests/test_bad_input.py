"""What cannot be used gets one clear sentence and exit status 2, before any work is done."""

import gzip
import hashlib
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from parity.contract import PortError, PortName, load
from parity.sessions.port_files import check_files
from shared import mnist_files
from shared.errors import InputError
from tests.running import Compare


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
        (["iris", "--timeout", "1e300"], "must be a number of seconds over 0, and at most"),
        (["iris", "--threads", "100000"], "must be from 1 to 1024"),
        (["iris", "--steps", "1" + "0" * 15], "for which iris would need 122,070,312,500 MiB"),
        (["mnist", "--data", "digits", "--steps", "1" + "0" * 15], "steps would fit"),
        (["iris", "--json", ""], "--json names no file"),
        (["--with", "plannar=port.py"], "there is no recipe 'plannar': did you mean planar?"),
        (["iris", "--with", "planar=port.py"], "is of a recipe that is not compared"),
        (["iris", "--frameworks", "PyTorch"], "did you mean torch?"),
        (["iris", "--frameworks", "tf"], "did you mean tensorflow?"),
        (["iris", "--bogus"], "No such option '--bogus'"),
        (["--with", "port.py"], "--with needs a RECIPE: name the one that port.py is a port of"),
        (["iris", "--with", "no_such_port.py"], "no_such_port.py cannot be read"),
        (
            ["mnist", "--data-dir", "/no/such/folder"],
            "/no/such/folder (--data-dir) is not a folder",
        ),
    ],
)
def test_one_sentence_and_status_2(command: Compare, arguments: list[str], words: str) -> None:
    refused(command, *arguments, words=words)


def refused(command: Compare, *arguments: object, words: str) -> None:
    """Check that a command line is refused in one sentence, before any work."""
    run = command(*arguments)
    assert run.status == 2
    assert words in run.stderr
    assert run.stderr.startswith("compare.py: ")
    assert run.stderr.count("\n") == 1
    assert run.stdout == ""


def test_one_sentence_and_status_2_in_a_process_of_its_own(compare: Compare) -> None:
    run = compare("irsi")
    assert (run.status, run.stdout, run.report) == (2, "", {})
    assert run.stderr.startswith("compare.py: there is no recipe 'irsi'")


def folder(path: Path) -> None:
    path.mkdir()


def package(path: Path) -> None:
    path.mkdir()
    (path / "__init__.py").touch()


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def circular(path: Path) -> None:
    path.symlink_to(path.name)


def socket_file(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(path.name)  # its whole path may be too long


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)


NOTEBOOK = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("port.py", os.mkfifo, "port.py is a FIFO, where a file is expected"),
        ("port.py", socket_file, "port.py is a socket, where a file is expected"),
        ("port.py", folder, "port.py is a folder, where a file is expected"),
        ("port", package, "name the file in it, "),
        ("port.py", dangling, "port.py cannot be read (No such file or directory)"),
        ("port.py", circular, "port.py cannot be read (Too many levels of symbolic links)"),
        ("port.ipynb", Path.touch, "is a notebook: export it as a .py file"),
        ("port.py", lambda path: path.write_text(NOTEBOOK), "port.py holds a notebook"),
        ("port", Path.touch, "port does not end in .py"),
        ("port.txt", Path.touch, "port.txt does not end in .py"),
        ("port.py", huge, "has more than 16,777,216 bytes"),
    ],
)
@pytest.mark.parametrize("watch", [[], ["--watch"]])
def test_what_cannot_be_a_port(
    command: Compare,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    make: Callable[[Path], object],
    words: str,
    watch: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path / name)
    refused(command, "planar", *watch, "--with", tmp_path / name, words=words)


@pytest.mark.parametrize(
    "option",
    [
        "--with",
        "--data-dir",
        "--json",
        "--html",
        "--markdown",
        "--pictures",
        "--repro",
        "--vectors",
        "--save-baseline",
        "--since",
    ],
)
@pytest.mark.parametrize("kind", ["too long", "circular", "in no folder", "in a file"])
def test_paths_that_the_system_refuses(
    command: Compare, tmp_path: Path, option: str, kind: str
) -> None:
    circular(tmp_path / "circular.py")
    (tmp_path / "file").touch()
    name = {
        "too long": f"{'x' * 300}.py",
        "circular": "circular.py",
        "in no folder": "circular.py/x.py",
        "in a file": "file/x.py",
    }[kind]
    refused(command, "mnist", option, tmp_path / name, words=f"{tmp_path / name} ")


@pytest.mark.parametrize(
    "option", ["--with", "--data-dir", "--json", "--pictures", "--repro", "--since"]
)
def test_a_current_folder_that_is_gone(
    command: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, option: str
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    refused(command, "mnist", option, "x.py", words="x.py")


def test_a_port_that_warns_is_read_in_silence(tmp_path: Path) -> None:
    (tmp_path / "port.py").write_text('PATTERN = "\\d"\n')
    with warnings.catch_warnings(action="error"):
        check_files([tmp_path / "port.py"])


@pytest.mark.parametrize(
    ("framework", "said"),
    [
        ("'pytorch'", "it says FRAMEWORK = 'pytorch': did you mean torch? (choose from numpy,"),
        ("'Torch'", "did you mean torch?"),
        ("'tf'", "did you mean tensorflow?"),
        ("'keras'", "did you mean tensorflow?"),
        ("'zzz'", "it says FRAMEWORK = 'zzz': choose from numpy,"),
        ("['torch']", "it says FRAMEWORK = ['torch']: write a name in quotes"),
        ("'x' * 10_000_000", "it says FRAMEWORK = 'xxx"),
    ],
)
def test_a_framework_by_another_name(tmp_path: Path, framework: str, said: str) -> None:
    path = tmp_path / "port.py"
    path.write_text(f"FRAMEWORK = {framework}\ndef build(weights): return weights\n")
    with pytest.raises(PortError) as caught:
        load(PortName("port.py", path), "iris")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_no_room_in_the_temporary_folder(command: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=3 << 20))
    run = command("mnist", "--data", "digits", "--steps", 2, "--frameworks", "numpy", "--quiet")
    assert run.status == 2
    assert f"the temporary folder {tempfile.gettempdir()} cannot hold the data" in run.stderr
    assert "17 MiB are needed, 3 are free" in run.stderr


def test_a_temporary_folder_that_fills_up(
    command: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("123 requested and 0 written")  # as np.save does

    monkeypatch.setattr(np, "save", fail)
    run = command("iris", "--steps", 2, "--frameworks", "numpy", "--quiet")
    assert run.status == 2
    assert "cannot hold the data (123 requested and 0 written): 1 MiB are needed" in run.stderr


def test_no_temporary_folder(command: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**arguments: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "mkdtemp", fail)
    run = command("iris", "--steps", 2, "--frameworks", "numpy", "--quiet")
    assert run.status == 2
    assert "there is no temporary folder to write to (No usable temporary" in run.stderr


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def build(weights):\n    return {\n", "port.py, line 2 is not Python"),
        ("x = 1\0", "port.py is not Python"),
        (f"x = {'-' * 100_000}1", "port.py is nested too deeply"),
    ],
)
def test_a_port_that_is_no_python(command: Compare, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "port.py").write_text(text)
    refused(command, "iris", "--with", tmp_path / "port.py", words=words)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("no/such/folder/report.json", "cannot be written (No such file or directory)"),
        (".", "is a folder: name a file to write to"),
    ],
)
def test_a_report_that_cannot_be_written(
    command: Compare, tmp_path: Path, target: str, words: str
) -> None:
    refused(command, "iris", "--json", tmp_path / target, words=words)


def test_a_folder_for_pictures_that_cannot_be_made(command: Compare) -> None:
    words = "/dev/null/pictures cannot be written to"
    refused(command, "iris", "--pictures", "/dev/null/pictures", words=words)


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


def test_a_damaged_file_is_status_2(
    command: Compare, monkeypatch: pytest.MonkeyPatch, zeros: Path
) -> None:
    run = command("mnist", "--data-dir", zeros, "--frameworks", "numpy", "--quiet")
    assert run.status == 2
    assert "is not the original file" in run.stderr
    monkeypatch.setenv("LOCKSTEP_DATA", str(zeros))
    assert command("mnist", "--frameworks", "numpy", "--quiet").status == 2


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


def test_a_framework_without_a_port_of_any_net_asked_for(command: Compare) -> None:
    run = command("iris", "planar", "--frameworks", "numpy,tensorflow_v1")
    assert run.status == 2
    assert run.stderr.splitlines()[-1] == (
        "compare.py: tensorflow_v1 has no port of iris, planar: it has mnist only"
    )


def test_the_help_fits_into_80_columns(command: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    run = command("--help")
    assert run.status == 0
    assert max(map(len, run.stdout.splitlines())) <= 80
