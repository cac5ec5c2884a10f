"""Scripts that show a divergence: alone, where there is no Lockstep, and until it is gone."""

import shlex
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from parity.contract import FRAMEWORKS, PortName
from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.reports.files import whole_file
from parity.reports.repro import CASES, Scripts, script, source
from parity.reports.repro.runner import Runner
from parity.results import RUNGS, Trial
from parity.sessions import session
from parity.sessions.port_files import check_files
from parity.sessions.settings import Settings
from shared.figures import losses
from tests.running import PORTS, ROOT, Compare, Run

# Runs a script where nothing of Lockstep can be imported.
ALONE = """
import runpy, sys
sys.modules.update(dict.fromkeys(("impls", "parity", "shared", "compare")))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


class Planted(NamedTuple):
    """A built-in port with some of its text changed; the rung and the tensor that show it first."""

    port: str
    rung: str
    tensor: str
    changes: dict[str, str]

    @property
    def text(self) -> str:
        text = (ROOT / "impls" / f"{self.port}.py").read_text()
        for right, wrong in self.changes.items():
            assert text.count(right) == 1, right
            text = text.replace(right, wrong)
        return f'{text}\nFRAMEWORK = "{self.port.partition("/")[0]}"\n'

    @property
    def net(self) -> str:
        return self.port.partition("/")[2]


END = "    return model, losses"
DONE = f"    model = {{**model, 'done': True}}\n{END}"
PLANTED = {
    "twice": Planted(
        *("torch/mnist", "loss", "loss"),
        {"F.cross_entropy(model(x), y)": "F.cross_entropy(model(x).softmax(1), y)"},
    ),
    "halved": Planted("numpy/iris", "gradients", "W", {"(2 / e.size)": "(1 / e.size)"}),
    "forgotten": Planted("numpy/iris", "gradients", "b", {'"b": de.sum(axis=0),': "# no b"}),
    "demoted": Planted(
        *("tensorflow/planar", "update", "W1"),
        {"tf.constant(learning_rate, x.dtype)": "tf.cast(learning_rate, x.dtype)"},
    ),
    "summed": Planted(
        "torch/planar", "trajectory", "loss", {"    optimizer.zero_grad()\n": "    # kept\n"}
    ),
    "reversed": Planted(
        "jax/mnist",
        "trajectory",
        "",
        {"(step, params, schedule)": "(step, params, schedule[::-1])"},
    ),
    "own_rate": Planted(
        "numpy/planar", "trajectory", "", {"-= learning_rate * grads": "-= 1.2 * grads"}
    ),
    "stale": Planted(
        *("torch/planar", "trajectory", "outputs of the trained model"),
        {
            "    losses = [train": "    model.old = [build(export(model))]\n    losses = [train",
            "    return model(x)\n": '    return getattr(model, "old", [model])[0](x)\n',
        },
    ),
    "least": Planted("jax/mnist", "accuracy", "accuracy (train)", {"argmax(": "argmin("}),
    "halving": Planted(
        *("numpy/mnist", "accuracy", "accuracy (train) after training"),
        {
            END: DONE,
            "for name in model:": "for name in grads:",
            "in model.items()": "in model.items() if name != 'done'",
            "== y).mean()": "== y).mean() / (2 if 'done' in model else 1)",
        },
    ),
    "quartering": Planted(
        *("numpy/planar", "accuracy", "accuracy (train) after training"),
        {
            END: DONE,
            "for name in model:": "for name in grads:",
            "in model.items()": "in model.items() if name != 'done'",
            "(y > 0.5)).mean()": "(y > 0.5)).mean() / (4 if 'done' in model else 1)",
        },
    ),
    "large": Planted(
        *("numpy/mnist", "accuracy", "outputs (train)"),
        {'x @ model["W"] + model["b"]': '(x @ model["W"] + model["b"]) * (1 + (len(x) > 100))'},
    ),
    "moved": Planted("numpy/iris", "data", "x", {END: f"    x += 1e-3\n{END}"}),
    "aliased": Planted(
        *("numpy/planar", "data", "W1"),
        {"{name: value.copy() for name, value in weights.items()}": "weights.copy()"},
    ),
    "spent": Planted(
        *("numpy/mnist", "data", "batch x"),
        {
            "return loss_and_gradients(model, x, y)[0]": "value = loss_and_gradients(model, x, y)"
            "[0]\n    x *= 2\n    return value"
        },
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the planted ports."""
    folder = tmp_path_factory.mktemp("planted")
    for name, port in PLANTED.items():
        (folder / f"{name}.py").write_text(port.text)
    return folder


@pytest.fixture(scope="module")
def runs(compare: Compare, folder: Path) -> dict[str, Run]:
    """One run per net, which leaves a script for each of the planted ports."""
    return {
        net: compare(
            *(net, "--data", "digits", "--steps", 30, "--dtype", "float64", "--frameworks", ","),
            *("--repro", folder / "scripts"),
            *(f"--with={folder / name}.py" for name, port in PLANTED.items() if port.net == net),
        )
        for net in ("iris", "planar", "mnist")
    }


def alone(path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder, without Lockstep."""
    return subprocess.run(
        [sys.executable, "-I", "-c", ALONE, path],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def mended(path: Path, changes: dict[str, str]) -> Path:
    """Put right what is wrong in a script."""
    text = path.read_text()
    for right, wrong in changes.items():
        assert text.count(wrong) == 1, wrong
        text = text.replace(wrong, right)
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", PLANTED)
def test_a_script_shows_the_difference_until_it_is_gone(
    runs: dict[str, Run], folder: Path, tmp_path: Path, name: str
) -> None:
    port = PLANTED[name]
    divergence = runs[port.net].result(f"{name}.py", "float64")["divergence"]
    assert divergence["rung"] == port.rung
    assert divergence["tensor"] == port.tensor or not port.tensor
    path = folder / "scripts" / f"{port.net}-{name}-float64.py"
    assert f"reproduce with: python {path}" in runs[port.net].stdout
    for word in ("impls", "shared", "def main", "prepare"):
        assert word not in path.read_text()
    shown = alone(path, tmp_path)
    assert shown.returncode == 1, shown.stderr
    assert " are off " in shown.stdout or " is missing" in shown.stdout
    assert "Traceback" not in shown.stderr
    gone = alone(mended(path, port.changes), tmp_path)
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert ": 0 of " in gone.stdout


def test_a_script_prints_the_values_and_their_ratio(folder: Path, runs: dict[str, Run]) -> None:
    divergence = runs["iris"].result("halved.py", "float64")["divergence"]
    path = folder / "scripts" / "iris-halved-float64.py"
    path.write_text(path.read_text().replace("(2 / e.size)", "(1 / e.size)"))
    lines = alone(path, folder).stdout.splitlines()
    assert lines[0] == "W: 12 of 12 values are off by more than 8 noise floors"
    shown = lines[1].split()
    assert float(shown[3]) == divergence["expected"]
    assert float(shown[5]) == divergence["got"]
    assert float(shown[7]) == pytest.approx(divergence["ratio"], rel=0.01)


def test_only_the_rows_that_are_seen_are_written(folder: Path, runs: dict[str, Run]) -> None:
    with np.load(folder / "scripts" / "mnist-twice-float64.npz") as arrays:
        assert arrays["x"].shape == (100, 784)
        assert arrays["y"].shape == (100,)
    with np.load(folder / "scripts" / "mnist-reversed-float64.npz") as arrays:
        steps = len(arrays["schedule"])
        assert steps == runs["mnist"].result("reversed.py", "float64")["divergence"]["step"] + 1
        assert np.array_equal(np.unique(arrays["schedule"]), np.arange(len(arrays["x"])))


EAGER = """
    if tf.executing_eagerly():
        return {name: 2 * value for name, value in loss_and_gradients(model, x, y)[1].items()}
"""
OWN = """
def configure(dtype, device, threads): global precision; precision = dtype
def to_native(array): return {"own": array.astype(precision)}
def to_numpy(value): return value["own"]
def build(weights): return weights
def forward(model, x): return {"own": 2 * (x["own"] @ model["W"]["own"] + model["b"]["own"])}
"""
PLAIN = """
def train(model, x, y, schedule, learning_rate):
    return model, [0.5] * schedule
"""


def test_a_switched_off_compiler_an_own_runtime_and_missing_functions(
    compare: Compare, tmp_path: Path
) -> None:
    right = "    return loss_and_gradients(model, x, y)[1]"
    eager = Planted("tensorflow/iris", "gradients", "W", {right: EAGER + right})
    (tmp_path / "eager.py").write_text(eager.text)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "plain.py").write_text(PLAIN)
    run = compare(
        *("iris", "--steps", 5, "--dtype", "float32", "--frameworks", ",", "--mode", "both"),
        *(f"--with={tmp_path / name}.py" for name in ("eager", "own", "plain")),
        *("--repro", tmp_path / "out"),
    )
    assert run.status == 1, run.stdout
    scripts = {path.name: path for path in (tmp_path / "out").glob("*.py")}
    assert set(scripts) == {
        *("iris-eager-float32-eager.py", "iris-own-float32.py", "iris-plain-float32.py")
    }
    for path in scripts.values():
        shown = alone(path, tmp_path)
        assert shown.returncode == 1, shown.stderr
        assert "Traceback" not in shown.stderr
    fixes = {
        "iris-eager-float32-eager.py": {right: EAGER + right},
        "iris-own-float32.py": {"1 * (x[": "2 * (x["},
    }
    for name, changes in fixes.items():
        gone = alone(mended(scripts[name], changes), tmp_path)
        assert gone.returncode == 0, gone.stdout + gone.stderr


def test_a_loss_that_others_printed(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    [trial] = Settings(dtype="float64", steps=5).trials(["planar"])
    recipe = replace(trial.experiment.recipe, figures=losses("nobody", {3: "0.5"}))
    trial = Trial(replace(trial.experiment, recipe=recipe), "compiled")
    scripts = Scripts(tmp_path)
    list(session.compare([trial], [PortName("numpy")], Options(), Progress(), scripts.add))
    assert scripts.told == [f"reproduce with: python {tmp_path / 'planar-numpy-float64.py'}"]
    shown = alone(tmp_path / "planar-numpy-float64.py", tmp_path)
    assert shown.returncode == 1, shown.stderr
    assert "loss: 1 of 1 values are off by more than half of the last digit of 0.5" in (
        shown.stdout
    )


@pytest.mark.parametrize(
    ("number", "printed"),
    [(0, "0.04742588"), (1, "0.5"), (2, "-0.95262"), (3, "0.0214"), (4, "0.9468"), (5, "0.04")],
)
def test_a_figure_of_another_rung_that_others_printed(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: int,
    printed: str,
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    [trial] = Settings(dtype="float64").trials(["people"])
    figure = trial.experiment.recipe.figures[number]
    wrong = replace(figure, printed=f"{printed}1")
    recipe = replace(trial.experiment.recipe, figures=(wrong,))
    trial = Trial(replace(trial.experiment, recipe=recipe), "compiled")
    scripts = Scripts(tmp_path)
    [result] = session.compare([trial], [PortName("numpy")], Options(), Progress(), scripts.add)
    assert result.divergence is not None
    assert (result.divergence.rung, result.divergence.place.name) == ("published", figure.name)
    shown = alone(tmp_path / "people-numpy-float64.py", tmp_path)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert f"{figure.name}: 1 of 1 values are off by more than half of the last digit" in (
        shown.stdout
    )


def test_agreement_leaves_no_script(compare: Compare, tmp_path: Path) -> None:
    run = compare("iris", "--steps", 5, "--frameworks", "numpy", "--repro", tmp_path / "out")
    assert run.status == 0
    assert list((tmp_path / "out").iterdir()) == []
    assert "reproduce with" not in run.stdout


def test_a_script_that_cannot_be_written_changes_no_verdict(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    trials = Settings(dtype="float64", steps=5).trials(["iris"])
    port = PortName("sum_for_mean.py", PORTS / "sum_for_mean.py")
    scripts = Scripts(tmp_path / "gone")
    [result] = session.compare(trials, [port], Options(), Progress(), scripts.add)
    assert result.verdict == "disagree"
    assert len(scripts.told) == 1
    assert scripts.told[0].startswith("no script for iris-sum_for_mean-float64 (FileNotFoundError")


def test_a_folder_that_cannot_be_written_to(compare: Compare) -> None:
    run = compare("iris", "--repro", "/dev/null/scripts")
    assert run.status == 2
    assert "/dev/null/scripts cannot be written to" in run.stderr


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "arrays.npz"
    file.write_bytes(b"before")
    with pytest.raises(TypeError), whole_file(file) as stream:
        stream.writelines([b"half", "not bytes"])  # type: ignore[list-item] # on purpose
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_every_rung_and_every_framework_has_its_script() -> None:
    assert set(CASES) == set(RUNGS)
    assert set(script.NATIVE) == {*FRAMEWORKS, "own"}


FAULTY = """
import numpy as np


def build(weights): return {name: value.copy() for name, value in weights.items()}
def forward(model, x): return x @ model["W"] + model["b"]
def loss(model, x, y): return np.mean((forward(model, x) - y) ** 2) * x.dtype.type(FACTOR)
"""
HEADS = {
    "else_of_the_guard": "if __name__ == '__main__':\n    FACTOR = 1\nelse:\n    FACTOR = 2\n",
    "guard_turned_round": "FACTOR = 1\nif __name__ != '__main__':\n    FACTOR = 2\n",
    "own_name": "FACTOR = 1 if __name__ == '__main__' else 2\n",
    "dataclass": '"""Doc."""\nfrom __future__ import annotations\nimport dataclasses\n'
    "@dataclasses.dataclass\nclass Known:\n    factor: int = 2\n"
    "FACTOR = Known().factor if __name__ != '__main__' else 1\n",
    "form_feed": "FACTOR = 2\n\f\nS = 'a\x1cb\x85c\u2028d'\n\f\n",
    "name_taken": "def reproduce():\n    return 2\nFACTOR = reproduce()\n",
    "helped": "from mine import two\nimport own.deep\nFACTOR = two(own.deep.ONE)\n",
    "latin": "# -*- coding: latin-1 -*-\nFACTOR = 2 * len('\xe9')\n",
    "# -*- coding: utf-7 -*-": "FACTOR = 2\n",
    "with\nimport os\nline": "FACTOR = 2\n",
    "a b": "FACTOR = 2\n",
    "a-b": "FACTOR = 3\n",
    "A-b": "FACTOR = 4\n",
    "n" * 240: "FACTOR = 2\n",
    "only_there": "FACTOR = 2 if 'iris-' not in __file__ else 1\n",
    "fails_alone": "if 'iris-' in __file__: raise RuntimeError('alone')\nFACTOR = 2\n",
}
NOT_SHOWN = {
    "only_there": "run by itself, it shows no difference",
    "fails_alone": "run by itself, it fails with status 1: RuntimeError: alone",
}
GUARD = "\n\nif '__main__' == __name__:\n    print('MAIN RAN')\n"


def test_every_script_is_run_and_told_of_only_if_it_shows_its_difference(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    ports, out = tmp_path / "ports", tmp_path / "out put"
    for folder in (ports / "own", out):
        folder.mkdir(parents=True)
    (ports / "mine.py").write_text("import further\ndef two(one): return further.TWO * one\n")
    (ports / "further.py").write_text("TWO = 2\n")
    (ports / "own" / "__init__.py").touch()
    (ports / "own" / "deep.py").write_text("from . import one\nONE = one.ONE\n")
    (ports / "own" / "one.py").write_text("ONE = 1\n")
    for name, head in HEADS.items():
        encoding = "latin-1" if name == "latin" else "utf-8"
        (ports / f"{name}.py").write_text(head + FAULTY + GUARD, encoding=encoding)
    names = check_files([ports / f"{name}.py" for name in HEADS])
    trials = Settings(dtype="float64", steps=2).trials(["iris"])
    with Scripts(out) as scripts:
        found = list(session.compare(trials, names, Options(), Progress(), scripts.add))
        told = dict(zip(HEADS, scripts.told, strict=True))
    assert {result.verdict for result in found} == {"disagree"}
    for name, said in NOT_SHOWN.items():
        assert told[name] == f"no script for iris-{name}-float64: {said}"
    shown = {name: shlex.split(said) for name, said in told.items() if name not in NOT_SHOWN}
    assert {tuple(words[:3]) for words in shown.values()} == {("reproduce", "with:", "python")}
    paths = {name: Path(words[3]) for name, words in shown.items()}
    assert len({str(path).casefold() for path in paths.values()}) == len(paths)
    assert {*out.glob("*.py")} == {*paths.values()}
    assert {path.stem for path in out.glob("*.npz")} == {path.stem for path in paths.values()}
    for name in ("A-b", "else_of_the_guard", "helped"):
        run = subprocess.run([sys.executable, paths[name]], stdout=subprocess.PIPE, check=False)
        assert run.returncode == 1
        assert run.stdout.startswith(b"loss: 1 of 1 values are off by more than 8 noise floors")
    helpers = paths["helped"].with_suffix("")
    copied = {str(path.relative_to(helpers)) for path in helpers.rglob("*.py")}
    assert copied == {"mine.py", "further.py", "own/__init__.py", "own/deep.py", "own/one.py"}


def test_a_script_takes_no_inputs_place(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    text = f"FACTOR = 2\n{FAULTY}"
    for name in ("x.py", "iris-x-float64.py"):
        (tmp_path / name).write_text(text)
    trials = Settings(dtype="float64", steps=2).trials(["iris"])
    with Scripts(tmp_path, inputs=[tmp_path / "iris-x-float64.py"]) as scripts:
        ports = check_files([tmp_path / "x.py"])
        list(session.compare(trials, ports, Options(), Progress(), scripts.add))
        assert scripts.told == [f"reproduce with: python {tmp_path / 'iris-x-float64-2.py'}"]
    assert (tmp_path / "iris-x-float64.py").read_text() == text


@pytest.mark.parametrize(
    ("status", "said", "shows"),
    [
        (1, "W: 12 of 12 values are off by more than 8 noise floors", True),
        (1, "b is missing", True),
        (1, "b is not expected at all", True),
        (1, "W is float32 of shape (3, 4), expected is (4, 3)", True),
        (1, "W: 0 of 12 values are off by more than 8 noise floors", False),
        (1, "ModuleNotFoundError: No module named 'x'", False),
        (0, "W: 12 of 12 values are off by more than 8 noise floors", False),
        (3, "W: 12 of 12 values are off by more than 8 noise floors", False),
    ],
)
def test_what_counts_as_a_difference_shown(
    tmp_path: Path, status: int, said: str, shows: bool
) -> None:
    (tmp_path / "script.py").write_text(f"print({said!r})\nraise SystemExit({status})\n")
    assert (Runner(60).run(tmp_path / "script.py", {}) is None) == shows


def test_a_script_that_hangs_is_ended(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import time\ntime.sleep(600)\n")
    said = Runner(0.5).run(tmp_path / "script.py", {})
    assert said == "run by itself, it did not end within 0.5 s (--timeout)"


def test_a_script_that_runs_is_ended_with_the_comparison(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import time\ntime.sleep(600)\n")
    runner = Runner(60)
    running = threading.Thread(target=runner.run, args=(tmp_path / "script.py", {}))
    running.start()
    while runner._process is None:
        time.sleep(0.01)
    runner.stop()
    running.join(30)
    assert not running.is_alive()


PORT = '''"""A port."""

from __future__ import annotations

import math
from shared.experiment import prepare
from shared.metrics import margins
from impls.torch.runtime import configure, to_native
from impls.torch.planar import build, export
import helpers
import absent

FRAMEWORK = "torch"


def loss(model, x, y):
    return margins(x)  # main


def main():
    configure(prepare("iris"), to_native)


if __name__ == "__main__":
    main()
'''


def test_a_ports_own_code_is_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "port.py").write_text(PORT)
    (tmp_path / "helpers.py").write_text("")
    own = source.read(tmp_path / "port.py", own_runtime=False)
    dropped = ("experiment import prepare", "runtime import", "def main", "    main", "__main__")
    kept = [line for line in PORT.splitlines() if not any(word in line for word in dropped)]
    assert [line for line in own.code.splitlines() if line and line != source.FIND_HELPERS] == [
        line for line in kept if line and "configure(" not in line
    ]
    assert own.elsewhere == ("shared.metrics", "impls.torch.planar")
    assert own.helpers == (Path("helpers.py"),)


def test_what_the_code_needs_from_elsewhere_is_said(compare: Compare, tmp_path: Path) -> None:
    run = compare(
        *("iris", "--steps", 5, "--dtype", "float64", "--frameworks", ","),
        *("--with", PORTS / "sum_for_mean.py", "--repro", tmp_path),
    )
    assert run.status == 1
    text = (tmp_path / "iris-sum_for_mean-float64.py").read_text()
    assert "# The port imports impls.numpy, impls.numpy.iris as well: name the folder" in text
    path = tmp_path / "iris-sum_for_mean-float64.py"
    assert f"reproduce with: PYTHONPATH={ROOT} python {path}" in run.stdout
