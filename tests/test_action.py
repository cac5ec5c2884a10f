"""The GitHub Action: its file is what GitHub takes, and its steps do in a shell what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.running import ROOT
from tests.test_readme import blocks

ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
CI = ROOT / "docs" / "ci.md"
# What GitHub runs for `shell: bash`.
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
QUICK = "iris --steps 2 --frameworks numpy --dtype float64"
HOSTILE = """FRAMEWORK = "numpy"
from impls.numpy.iris import *


def gradients(model, x, y):
    raise ValueError("100%\\n::error file=x.py::mine")
"""


class Step(NamedTuple):
    """A step that was run: its status, what it printed, its summary and its outputs."""

    status: int
    log: str
    summary: str
    outputs: str


def step(name: str) -> dict[str, Any]:
    (found,) = (each for each in ACTION["runs"]["steps"] if each["name"] == name)
    return dict(found)


def run(
    name: str, environment: dict[str, str], folder: Path, inputs: dict[str, str], **more: str
) -> Step:
    """Run a step as GitHub does, with some inputs."""
    values = {key: own["default"] for key, own in ACTION["inputs"].items()} | inputs
    own = {
        key: EXPRESSION.sub(lambda found: values[found[1].removeprefix("inputs.")], text)
        for key, text in step(name)["env"].items()
    }
    script, summary, outputs = (folder / file for file in ("script.sh", "summary", "outputs"))
    script.write_text(step(name)["run"])
    for file in (summary, outputs):
        file.touch()
    beside = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    given = {"GITHUB_STEP_SUMMARY": f"{summary}", "GITHUB_OUTPUT": f"{outputs}", "PATH": beside}
    paths = {"GITHUB_ACTION_PATH": f"{ROOT}", "RUNNER_TEMP": f"{folder}"}
    done = subprocess.run(
        [*BASH, script],
        cwd=folder,
        env={**environment, **own, **given, **paths, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Step(done.returncode, done.stdout, summary.read_text(), outputs.read_text())


def test_the_file_is_that_of_a_composite_action() -> None:
    assert {"name", "description", "inputs", "outputs", "runs"} == set(ACTION)
    assert ACTION["runs"]["using"] == "composite"
    steps = ACTION["runs"]["steps"]
    assert all({"name", "shell", "run"} <= set(each) for each in steps)
    used = {
        name for each in steps for text in each["env"].values() for name in EXPRESSION.findall(text)
    }
    assert used == {f"inputs.{name}" for name in ACTION["inputs"]}
    for each in steps:  # an expression in a script is code of whoever gives the input
        assert not EXPRESSION.search(each["run"])
    (output,) = (own["value"] for own in ACTION["outputs"].values())
    assert EXPRESSION.findall(output) == [f"steps.{step('Compare')['id']}.outputs.status"]


def test_lockstep_is_installed_from_where_the_action_lies(
    environment: dict[str, str], tmp_path: Path
) -> None:
    dry = {
        "PIP_DRY_RUN": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }
    done = run("Install Lockstep", environment, tmp_path, {"extras": "torch,jax"}, **dry)
    assert done.status == 0, done.log
    assert "Would install lockstep-" in done.log


def test_a_run_that_agrees_leaves_a_summary_and_a_baseline(
    environment: dict[str, str], tmp_path: Path
) -> None:
    saved = tmp_path / "a baseline"
    inputs = {"arguments": f"{QUICK} --json 'a report.json'\n", "save-baseline": f"{saved}"}
    done = run("Compare", environment, tmp_path, inputs)
    assert (done.status, done.outputs) == (0, "status=0\n"), done.log
    assert done.summary.startswith("## Lockstep: The only result agrees")
    assert "::error" not in done.log
    assert saved.exists()
    assert (tmp_path / "a report.json").exists()


def test_a_run_that_fails_is_annotated_and_no_port_gives_commands(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "port.py").write_text(HOSTILE)
    done = run("Compare", environment, tmp_path, {"arguments": f"{QUICK} --with port.py"})
    assert (done.status, done.outputs) == (3, "status=3\n"), done.log
    found = re.search(
        r"^::stop-commands::(\w+)\n(.*)^::\1::\n(.*)", done.log, re.DOTALL | re.MULTILINE
    )
    assert found
    assert "100%" in found[2]
    (command,) = found[3].splitlines()
    assert command.startswith(
        "::error file=port.py,line=6,title=Lockstep%2C iris::port.py float64: "
    )
    assert "100%25" in command
    assert "port.py" in done.summary


def test_input_that_cannot_be_used_is_annotated(
    environment: dict[str, str], tmp_path: Path
) -> None:
    inputs = {"arguments": QUICK, "since": "$(touch here)"}
    done = run("Compare", environment, tmp_path, inputs)
    assert (done.status, done.outputs, done.summary) == (2, "status=2\n", "")
    assert "$(touch here) cannot be read" in done.log
    assert done.log.endswith(
        "::error title=Lockstep::compare.py ended with status 2: the log says why\n"
    )
    assert not (tmp_path / "here").exists()


def test_the_workflow_that_is_shown_uses_it_rightly() -> None:
    (shown,) = blocks(CI, "yaml")
    (job,) = yaml.safe_load(shown)["jobs"].values()
    own = [each for each in job["steps"] if "/lockstep@" in each.get("uses", "")]
    assert own
    for each in own:
        assert set(each["with"]) <= set(ACTION["inputs"])
