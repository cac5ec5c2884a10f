"""Comparisons on a Dask cluster: the same results, whatever becomes of a node, and nothing left."""

import contextlib
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from distributed import Client

from parity.processes import devices
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.processes.standards import ReferenceFailedError
from parity.reports import extras
from parity.sessions import selection
from parity.sessions.cluster import cell, client, judge_main, kept, versions
from parity.sessions.port_files import PortFile
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from shared.errors import ClusterError, InputError
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
RAISING = """
from beside import accuracy, build, export, forward, gradients, train

def loss(model, x, y):
    raise ValueError(f"{__file__} is a draft")
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
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The nodes' folder for temporary files."""
    return tmp_path_factory.mktemp("nodes")


@pytest.fixture(scope="module")
def variables(environment: dict[str, str], temporary: Path) -> dict[str, str]:
    """What joins the nodes' environment."""
    own = {name: environment[name] for name in ("LOCKSTEP_CACHE", "XDG_CACHE_HOME")}
    return {**own, "TMPDIR": f"{temporary}"}


@pytest.fixture(scope="module")
def dask(variables: dict[str, str]) -> Iterator[Loopback]:
    with cluster(2, variables) as started:
        yield started


@pytest.fixture
def here(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this process be a node's."""
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    with judge_main.KEPT:
        yield
    for each in (kept.session, on_nodes._folder):
        each.cache_clear()


def port(folder: Path, text: str, name: str = "my_port.py") -> Path:
    """Write a port of iris that imports most of it from beside it."""
    own = (ROOT / "impls" / "numpy" / "iris.py").read_text()
    (folder / "beside.py").write_text(f'{own}\nFRAMEWORK = "numpy"\n')
    file = folder / name
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


def left(folder: Path) -> list[Path]:
    """Return what is left of a run on the nodes, a moment after it has ended."""
    deadline = time.monotonic() + 20
    while (found := list(folder.glob("lockstep-*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def without_seconds(report: dict[str, Any]) -> dict[str, Any]:
    return {**report, "results": [{**result, "seconds": None} for result in report["results"]]}


def test_a_cluster_gives_the_same_json_as_this_machine(
    dask: Loopback,
    compare: Compare,
    temporary: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # files are named as from here, which no node is in
    file, draft = port(tmp_path, WRONG), port(tmp_path, RAISING, "draft.py")
    recipes = ("planar-1", "iris", own_recipe(tmp_path).name)
    how = (
        *recipes,
        "--dtype=float64",
        "--mode=both",
        "--steps=3",
        "--frameworks=numpy",
        f"--with=iris={file.name}",
        f"--with=iris={draft.name}",
    )
    alone = compare(*how, "--annotations=alone")
    spread = compare(*how, "--annotations=spread", "--cluster", dask.address)
    assert (alone.status, spread.status) == (3, 3), spread.stderr
    assert len(spread.report["results"]) == 5
    assert without_seconds(spread.report) == without_seconds(alone.report)
    assert spread.result("my_port.py", "float64")["diagnosis"]
    raised = spread.result("draft.py", "float64")["error"]
    assert raised == f"loss, step 0 raised ValueError: {draft} is a draft (draft.py:5)"
    annotations = Path("spread").read_text()
    assert annotations == Path("alone").read_text()
    assert "::error file=draft.py,line=5," in annotations
    assert left(temporary) == []
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


def ended(*processes: psutil.Process) -> bool:
    """Whether processes end in a moment."""
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not alive


def test_ctrl_c_leaves_nothing_on_the_nodes(
    dask: Loopback, environment: dict[str, str], temporary: Path, tmp_path: Path
) -> None:
    running, (hanging, judge, worker) = hung(dask, environment, tmp_path)
    assert len(list(temporary.glob("lockstep-*"))) == 1
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert (running.returncode, said.splitlines()[-1]) == (130, "compare.py: interrupted")
    assert ended(hanging, judge)
    assert worker.is_running()
    assert left(temporary) == []


def test_a_killed_process_on_a_node_costs_its_cell_nothing(
    dask: Loopback, environment: dict[str, str], temporary: Path, tmp_path: Path
) -> None:
    running, (hanging, judge, worker) = hung(dask, environment, tmp_path)
    judge.kill()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert "LOST" not in said
    assert ended(hanging, judge)
    assert worker.is_running()
    assert left(temporary) == []  # the next process has removed what the killed one could not


def test_without_its_scheduler_a_run_ends_and_so_do_the_nodes(
    variables: dict[str, str], environment: dict[str, str], temporary: Path, tmp_path: Path
) -> None:
    with cluster(1, variables) as own:
        running, (hanging, judge, _) = hung(own, environment, tmp_path)
        own.scheduler.kill()
        _, said = running.communicate(timeout=100)
        assert running.returncode == 3, said
        assert said.splitlines()[-1] == (
            f"compare.py: the connection to the Dask scheduler at {own.address} was lost, and the "
            "results with it: start again"
        )
        assert ended(hanging, judge)
        assert left(temporary) == []


def test_a_lost_node_is_named_and_its_cells_are_run_on_another(
    dask: Loopback, environment: dict[str, str], temporary: Path, tmp_path: Path
) -> None:
    running, (hanging, judge, worker) = hung(dask, environment, tmp_path)
    assert worker.pid in [each.pid for each in dask.workers]
    worker.kill()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 0, said
    assert "LOST: the node at tcp://127.0.0.1:" in said
    assert "its cells are run elsewhere" in said
    assert ended(hanging, judge)
    assert left(temporary) == []


def made(names: list[str], files: list[Path], frameworks: str | None = "numpy") -> cell.Cell:
    """Return the cell of the first of some recipes, as a node gets it."""
    settings = Settings(steps=3, dtype="float64", data="digits")
    ports = selection.choose(names, frameworks, [PortFile(file) for file in files], drafts=False)
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
def test_what_a_reference_fails_on_is_named_by_where_it_comes_from(tmp_path: Path) -> None:
    recipe = own_recipe(tmp_path)
    port(tmp_path, RAISING, "draft.py")
    recipe.write_text(recipe.read_text().replace("beside.py", "draft.py"))
    sent = made([f"{recipe}"], [], frameworks=None)
    with pytest.raises(ReferenceFailedError) as error:
        cell.judge(sent)
    assert f"ValueError: {tmp_path / 'draft.py'} is a draft" in f"{error.value}"
    assert "users-files" not in f"{error.value}"


@pytest.mark.usefixtures("here")
def test_a_node_without_the_device_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "DRIVER", "no-such-driver.so")
    own = made(["iris"], [])
    sent = replace(own, settings=replace(own.settings, device="cuda"))
    assert judge_main.answer(judge_main.packed(cell.judge, sent)) == (
        "unusable",
        "says: --device is cuda, but this machine has no driver for it (no-such-driver.so): "
        "install NVIDIA's, or leave --device out",
    )


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


def test_an_internal_error_on_a_node_is_one_sentence_with_its_traceback_in_a_note(
    dask: Loopback,
) -> None:
    calls = [client.Call("iris", int, "four")]
    with (
        client.Cluster(dask.address, Progress()) as cluster,
        pytest.raises(ClusterError) as error,
    ):
        list(cluster.results(calls))
    said = f"{error.value}"
    assert said.startswith("iris cannot be judged: an internal error on the node at tcp://127.0.0.")
    assert said.endswith(
        ", not the fault of any port (ValueError: invalid literal for int() with base 10: 'four')"
    )
    assert "Traceback" in "".join(error.value.__notes__)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nowhere", "no Dask scheduler can be reached at 'nowhere' (missing port number in"),
        ("bar://x:1", "no Dask scheduler can be reached at 'bar://x:1' (unknown address scheme"),
        ("tls://127.0.0.1:1", "no Dask scheduler can be reached at 'tls://127.0.0.1:1' (TLS exp"),
        ("", "no Dask scheduler can be reached at '' (missing port number in"),
    ],
)
def test_an_address_without_a_scheduler_is_one_sentence(
    command: Compare, address: str, said: str
) -> None:
    run = command("iris", "--frameworks", "numpy", "--cluster", address)
    assert run.status == 2
    assert f"compare.py: {said}" in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_server_that_never_answers_is_one_sentence(
    command: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WAIT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        run = command("iris", "--frameworks=numpy", "--cluster", address)
    assert (run.status, run.stderr) == (
        2,
        f"compare.py: no Dask scheduler can be reached at '{address}' (no answer in 0.5 s): start "
        "one with dask scheduler, and name its address\n",
    )


def test_a_server_of_something_else_is_one_sentence(command: Compare) -> None:
    def answer() -> None:
        with other.accept()[0] as caller, contextlib.suppress(OSError):
            caller.send(b"SSH-2.0-OpenSSH_9.6\r\n")
            while caller.recv(1024):
                pass

    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=answer).start()
        address = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        run = command("iris", "--frameworks=numpy", "--cluster", address)
    assert run.status == 2
    assert f"compare.py: no Dask scheduler can be reached at '{address}' (" in run.stderr
    assert run.stderr.count("\n") == 1


def test_the_address_of_a_dask_worker_is_one_sentence(dask: Loopback, command: Compare) -> None:
    with Client(dask.address, set_as_default=False) as asking:
        worker = next(iter(asking.nthreads()))
    run = command("iris", "--frameworks=numpy", "--cluster", worker)
    assert (run.status, run.stderr) == (
        2,
        f"compare.py: '{worker}' is the address of a Dask worker: name its scheduler's\n",
    )


def test_a_scheduler_that_is_lost_at_once_is_one_sentence(
    command: Compare, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*arguments: object, **options: object) -> None:
        raise OSError("it is gone")

    monkeypatch.setattr(client, "check_address", lambda address: None)
    monkeypatch.setattr(client, "Client", lost)
    run = command("iris", "--frameworks=numpy", "--cluster=tcp://127.0.0.1:1")
    assert run.status == 2
    assert "no Dask scheduler can be reached at 'tcp://127.0.0.1:1' (it is gone): start" in (
        run.stderr
    )


def test_studies_and_traps_say_so_in_one_sentence_too(tmp_path: Path) -> None:
    for main, how in (
        (false_alarms.main, ["descent", "--draws=1", "--full=0", f"--output={tmp_path}"]),
        (score.score, ["--name=learning-rate-off-by-1e-5"]),
    ):
        done = CliRunner().invoke(main, [*how, "--cluster="])
        assert done.exit_code == 2
        assert f"{main.name}: no Dask scheduler can be reached at ''" in done.output


@pytest.mark.parametrize(
    "option",
    ["--profile", "--watch", "--repro=R", "--vectors=V", "--save-baseline=B", "--since=S"],
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
