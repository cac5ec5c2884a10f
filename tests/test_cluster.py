"""Comparisons on a Dask cluster: the same results, whatever becomes of a node, and nothing left."""

import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner

from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.reports import extras
from parity.sessions import selection
from parity.sessions.cluster import cell, judge_main, versions
from parity.sessions.port_files import PortFile
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from shared.errors import InputError
from studies import draws, false_alarms, on_nodes
from studies.draws import Plan
from studies.loopback import Loopback, cluster
from tests.running import ROOT, Compare
from traps import score

pytestmark = pytest.mark.plain_workers  # a node is no part of this process
WRONG = """
import beside
from beside import accuracy, build, export, forward, gradients, train

def loss(model, x, y):
    return 2 * beside.loss(model, x, y)
"""
SLOW = """
import os, time
from pathlib import Path
from beside import accuracy, build, export, forward, gradients, loss, train

mark = Path(__file__[__file__.index("users-files") + len("users-files"):]).with_name("mark")
if not mark.exists():
    mark.with_name("new").write_text(str(os.getpid()))
    mark.with_name("new").rename(mark)
    time.sleep(300)
"""
RECIPE = """
reference = "beside.py"
weights = "weights.npz"
data = "data.npz"
steps = 3
learning_rate = 0.1
functions = ["forward", "loss", "gradients", "train", "export"]
"""


@pytest.fixture(scope="module")
def dask(environment: dict[str, str]) -> Iterator[Loopback]:
    own = {name: environment[name] for name in ("LOCKSTEP_CACHE", "XDG_CACHE_HOME")}
    with cluster(2, own) as started:
        yield started


@pytest.fixture
def here(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process be a node's."""
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    with judge_main.KEPT:
        yield
    for kept in (cell._session, on_nodes._session, on_nodes._folder):
        kept.cache_clear()


def port(folder: Path, text: str) -> Path:
    """Write a port of iris that imports most of it from beside it."""
    own = (ROOT / "impls" / "numpy" / "iris.py").read_text()
    (folder / "beside.py").write_text(f'{own}\nFRAMEWORK = "numpy"\n')
    file = folder / "my_port.py"
    file.write_text(text)
    return file


def own_recipe(folder: Path) -> Path:
    random = np.random.default_rng(0)
    rows = {"x": random.standard_normal((6, 4)), "y": random.standard_normal((6, 3))}
    np.savez(folder / "weights.npz", W=random.standard_normal((4, 3)), b=np.zeros(3))
    np.savez(folder / "data.npz", **rows)  # type: ignore[arg-type] # arrays by name
    file = folder / "own.toml"
    file.write_text(RECIPE)
    return file


def without_seconds(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "results": [{**result, "seconds": None} for result in report["results"]]}


def test_a_cluster_gives_the_same_json_as_this_machine(
    dask: Loopback, compare: Compare, tmp_path: Path
) -> None:
    file = port(tmp_path, WRONG)
    recipes = ("planar-1", "iris", own_recipe(tmp_path))
    how = (
        *recipes,
        "--dtype=float64",
        "--mode=both",
        "--steps=3",
        "--frameworks=numpy",
        f"--with=iris={file}",
    )
    alone, spread = compare(*how), compare(*how, "--cluster", dask.address)
    assert (alone.status, spread.status) == (1, 1), spread.stderr
    assert len(spread.report["results"]) == 4
    assert without_seconds(spread.report) == without_seconds(alone.report)
    assert spread.result("my_port.py", "float64")["diagnosis"]
    assert sum("tcp://127.0.0.1:" in line for line in spread.stderr.splitlines()) == len(recipes)


def hung(
    dask: Loopback, environment: dict[str, str], folder: Path
) -> "tuple[subprocess.Popen[str], list[psutil.Process]]":
    """Start a comparison; return it, a port that hangs on a node, its judge, and the Dask worker.

    The port hangs where it is imported for the first time.
    """
    file = port(folder, SLOW)
    command = [
        "iris",
        "--steps=3",
        "--frameworks=numpy",
        f"--with={file}",
        "--cluster",
        dask.address,
    ]
    running = subprocess.Popen(
        [sys.executable, ROOT / "compare.py", *command],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (folder / "mark").exists():
        assert running.poll() is None
        time.sleep(0.05)
    hanging = psutil.Process(int((folder / "mark").read_text()))
    return running, [hanging, *hanging.parents()[:2]]


def test_ctrl_c_leaves_nothing_on_the_nodes(
    dask: Loopback, environment: dict[str, str], tmp_path: Path
) -> None:
    running, (hanging, judge, worker) = hung(dask, environment, tmp_path)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said.splitlines()[-1]) == (130, "compare.py: interrupted")
    _, left = psutil.wait_procs([hanging, judge], timeout=20)
    assert not left
    assert worker.is_running()


def test_a_lost_node_is_named_and_its_cells_are_run_on_another(
    dask: Loopback, environment: dict[str, str], tmp_path: Path
) -> None:
    running, (hanging, judge, worker) = hung(dask, environment, tmp_path)
    assert worker.pid in [each.pid for each in dask.workers]
    worker.kill()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert "LOST: the node at tcp://127.0.0.1:" in said
    assert "its cells are run elsewhere" in said
    _, left = psutil.wait_procs([hanging, judge], timeout=20)
    assert not left


def made(names: list[str], files: list[Path]) -> cell.Cell:
    """Return the cell of the first of some recipes, as a node gets it."""
    settings = Settings(steps=3, dtype="float64", data="digits")
    ports = selection.choose(names, "numpy", [PortFile(file) for file in files], drafts=False)
    sent = cell._cell(names[0], settings, False, settings.trials(names), ports)
    there: cell.Cell = pickle.loads(pickle.dumps(sent))
    return there


@pytest.mark.usefixtures("here")
def test_users_files_travel_by_content_with_what_they_import(tmp_path: Path) -> None:
    sent = made(["iris"], [port(tmp_path, WRONG)])
    for file in tmp_path.iterdir():
        file.unlink()
    (_, right), (_, wrong) = cell.judge(sent)
    assert (right["verdict"], wrong["verdict"]) == ("agree", "disagree")
    assert wrong["divergence"].rung == "loss"


@pytest.mark.usefixtures("here")
def test_a_node_refuses_to_judge_on_other_data() -> None:
    sent = replace(made(["iris"], []), digests=("0",))
    with pytest.raises(InputError, match=r"iris is made of other numbers here \(Fisher's iris"):
        cell.judge(sent)


def test_a_recipe_that_names_files_by_their_folder_cannot_travel(tmp_path: Path) -> None:
    file = own_recipe(tmp_path)
    port(tmp_path, WRONG)
    assert len(cell._files(f"{file}")) == 4
    file.write_text(file.read_text().replace("beside.py", f"{tmp_path / 'beside.py'}"))
    with pytest.raises(InputError, match=r"own.toml says reference = .*: with --cluster, where it"):
        cell._files(f"{file}")


@pytest.mark.usefixtures("here")
def test_draws_on_a_node_are_those_of_this_machine(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draws, "FRAMEWORKS", ("numpy",))
    plan = Plan(("iris-forward", "descent"), ((0, 3), (1, 3)), seed=4)
    with Session(Options(), Progress()) as session:
        alone = list(draws.judge(plan, tmp_path, session))
    drawings = [on_nodes.Drawing(each, on_nodes._data(each)) for each in plan.cells()]
    spread = [each for drawing in drawings for each in on_nodes.judge_drawing(drawing)]
    assert len(spread) == 8
    assert spread == alone
    with pytest.raises(InputError, match="iris-forward is drawn from other data here"):
        on_nodes.judge_drawing(replace(drawings[0], data=("0",)))


def test_a_node_with_other_versions_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    due = versions.here("parity")
    assert versions.difference(due, due) is None
    other = versions.difference({**due, "numpy": "1.0"}, due)
    assert other == f"has numpy 1.0, where {due['numpy']} is due: install the same versions there"
    less = versions.difference({**due, "Lockstep": "code 0"}, due)
    assert less is not None
    assert less.startswith("has Lockstep code 0, where code ")
    packed = judge_main.packed(len, "four")
    assert judge_main.answer(packed) == ("found", pickle.dumps(4))
    monkeypatch.setattr(versions, "here", lambda folder: {"Python": "3.0"})
    assert judge_main.answer(packed)[0] == "unusable"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nowhere", "no Dask scheduler can be reached at nowhere (missing port number in"),
        ("bar://x:1", "no Dask scheduler can be reached at bar://x:1 (unknown address scheme"),
        ("tls://127.0.0.1:1", "no Dask scheduler can be reached at tls://127.0.0.1:1 (TLS expects"),
    ],
)
def test_an_address_without_a_scheduler_is_one_sentence(
    command: Compare, address: str, said: str
) -> None:
    run = command("iris", "--frameworks", "numpy", "--cluster", address)
    assert run.status == 2
    assert f"compare.py: {said}" in run.stderr
    assert run.stderr.count("\n") == 1


def test_studies_and_traps_say_so_in_one_sentence_too(tmp_path: Path) -> None:
    for main, how in (
        (false_alarms.main, ["descent", "--draws=1", "--full=0", f"--output={tmp_path}"]),
        (score.score, ["--name=learning-rate-off-by-1e-5"]),
    ):
        done = CliRunner().invoke(main, [*how, "--cluster=nowhere"])
        assert done.exit_code == 2
        assert f"{main.name}: no Dask scheduler can be reached at nowhere" in done.output


@pytest.mark.parametrize(
    "option",
    ["--profile", "--watch", "--repro=R", "--vectors=V", "--save-baseline=B"],
)
def test_what_needs_processes_of_this_machine_is_refused(command: Compare, option: str) -> None:
    file = ROOT / "tests" / "ports" / "momentum.py"
    run = command("planar", f"--with={file}", option, "--cluster=tcp://127.0.0.1:1")
    assert run.status == 2
    name = option.partition("=")[0]
    assert f"--cluster judges ports on other machines, and {name} needs their" in run.stderr


def test_without_dask_one_sentence_says_what_to_install(
    command: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    run = command("iris", "--cluster=tcp://127.0.0.1:1")
    assert run.status == 2
    assert '--cluster needs distributed, which is not installed: run pip install "lockstep[' in (
        run.stderr
    )
