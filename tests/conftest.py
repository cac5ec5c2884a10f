"""What the tests share: a cache of their own, MNIST if it is to be had, and compare.py itself."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from compare import main as compare_main
from guide import numbers, ports, site
from shared import interrupts
from tests import forked
from tests.reported import Reported, options, reports, write_ports
from tests.running import ROOT, Compare, Run, run_compare

# The same examples on every run, none kept between runs, and no limit on a busy machine.
settings.register_profile("lockstep", derandomize=True, database=None, deadline=None)
settings.load_profile("lockstep")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which workers are copies of a process that has imported all frameworks."""
    parser.addoption("--forked-workers", action="store_true", help="import frameworks once: faster")


@pytest.fixture(scope="session", autouse=True)
def template(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What the environment gets so that workers are copies, if they are to be."""
    if not (request.config.getoption("--forked-workers") and sys.platform == "linux"):
        yield {}
        return
    with forked.template(tmp_path_factory.mktemp("forked")) as variables:
        yield variables


@pytest.fixture(scope="module", autouse=True)
def workers(request: pytest.FixtureRequest, template: dict[str, str]) -> Iterator[None]:
    """Let workers be copies in all files but those that are marked `plain_workers`."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.node.get_closest_marker("plain_workers"):
            for name, value in template.items():
                patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with a cache that is new and that all tests share, and without MNIST."""
    base = tmp_path_factory.getbasetemp()
    cache = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache")
    left_out = ("LOCKSTEP_DATA", "XLA_FLAGS", *forked.VARIABLES)  # a test may have configured JAX
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**inherited, "COLUMNS": "100", "LOCKSTEP_CACHE": cache, "XDG_CACHE_HOME": cache}


@pytest.fixture(scope="session")
def compare(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Compare:
    """Run compare.py in a process of its own, with --json, and return what came of it."""

    def run(*arguments: object, **changes: str) -> Run:
        file = tmp_path_factory.mktemp("json") / "report.json"
        return run_compare({**environment, **changes}, file, *arguments)

    return run


@pytest.fixture
def command(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Compare:
    """Run compare.py in this process, without --json, and return what came of it."""
    for name in ("COLUMNS", "LOCKSTEP_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, environment[name])
    for name in ("LOCKSTEP_DATA", "XLA_FLAGS"):  # a test may have configured JAX
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(interrupts, "raise_keyboard_interrupt", lambda: None)  # pytest has its own

    def run(*arguments: object) -> Run:
        monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            compare_main()
        printed = capsys.readouterr()
        return Run(int(end.value.code or 0), printed.out, printed.err, {})

    return run


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder of MNIST's real files."""
    for folder in (os.environ.get("LOCKSTEP_DATA"), ROOT.parent / "shared" / "data" / "mnist"):
        for candidate in (Path(folder), Path(folder) / "mnist") if folder else ():
            if (candidate / "train-images-idx3-ubyte.gz").exists():
                return candidate
    pytest.skip("MNIST's files are neither in $LOCKSTEP_DATA nor in ../shared/data/mnist")


@pytest.fixture(scope="session")
def recorded(environment: dict[str, str]) -> numbers.Recorded:
    """The numbers of the lines of iris in two frameworks: a sample of what the guide records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
        return numbers.record([ports.net("iris")], ["numpy", "torch"])


@pytest.fixture(scope="session")
def guide_folder(tmp_path_factory: pytest.TempPathFactory, recorded: numbers.Recorded) -> Path:
    """The translation guide, built once."""
    folder = tmp_path_factory.mktemp("guide")
    site.build(folder, recorded=recorded)
    return folder


@pytest.fixture(scope="session")
def reported(compare: Compare, tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """A comparison with mistakes and hostile ports, on a stand-in, too, with all its reports."""
    folder = tmp_path_factory.mktemp("reported")
    files = [f"--with={path}" for path in write_ports(folder)]
    how = ("--data", "digits", "--steps", 60, "--frameworks", "numpy", *files)
    run = compare("iris", "planar-1", "mnist", *how, *options(folder))
    assert run.status == 3, run.stderr
    return reports(run, folder)
