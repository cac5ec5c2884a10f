"""Baselines: ports held to their own earlier numbers, with planted changes and damaged files."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.baseline import facts, file
from parity.baseline.changes import Change, Since, change
from parity.baseline.facts import TrialName
from parity.baseline.file import Baseline, content, read
from parity.baseline.values import Value, kept
from parity.contract import PortName, load
from parity.judging.inquiry import Inquiry
from parity.processes.progress import Progress
from parity.reports import since as baseline
from parity.reports import terminal
from parity.results import PortResult, Trial
from parity.sessions import session
from parity.sessions.settings import Settings
from parity.standard.comparison import LIMIT
from parity.standard.place import Place
from shared.errors import InputError
from shared.experiment import prepare
from shared.recipes import get
from shared.safetensors import encoded
from shared.weights import standard_normal
from tests.running import Compare, Run
from tests.test_bad_input import huge
from tests.test_outputs import printed

IRIS = ("iris", "--steps", "4", "--frameworks", "numpy", "--dtype", "float64")
NAME = TrialName("iris", "float64", "compiled")
RIGHT = """FRAMEWORK = "numpy"
import numpy as np
from impls.numpy import iris as right
from impls.numpy.iris import *


def gradients(model, x, y):
    own = right.gradients(model, x, y)
    return {**own, "W": CHANGED}
"""
SAME = RIGHT.replace("CHANGED", 'own["W"]')
NUDGED = RIGHT.replace("CHANGED", 'np.nextafter(own["W"], np.inf)')
MOVED = RIGHT.replace("CHANGED", 'own["W"] + 3000 * np.spacing(np.abs(own["W"]).max())')
# Values: at four steps and on half a batch, in the free run, in a second call, and of all rows.
COMPARED = (4 * 150 + 76) * 3 + 5 * (1 + 15 + 16) + (4 + 15) + (1 + 15) + (450 + 1)
W = Place("gradients", 2, "W")


# One tensor


def held(before: Any, now: Any, floor: float = 1e-15) -> Change:
    """Hold one tensor to its earlier values."""
    value = Value(np.asarray(now), np.ones_like(now, np.float64), floor)
    return change(NAME, "port", {W: np.asarray(before)}, {W: value})


@pytest.mark.parametrize(
    ("now", "kind", "other"),
    [
        ([1.0, -2.0, 0.0], "same bits", 0),
        ([1.0, np.nextafter(-2.0, 0), 0.0], "no change of meaning", 1),
        ([1.0, -2.0, -0.0], "no change of meaning", 1),
        ([1.0, -2.0, 7e-15], "no change of meaning", 1),
        ([1.0, -2.0, 1e-13], "moved", 1),
        ([1.0, -2.0, np.nan], "moved", 1),
        ([1.0, -2.0, np.inf], "moved", 1),
    ],
)
def test_a_value_is_the_same_means_the_same_or_has_moved(
    now: list[float], kind: str, other: int
) -> None:
    found = held([1.0, -2.0, 0.0], now)
    assert (found.kind, found.other_bits, found.compared) == (kind, other, 3)
    assert found.holds == (kind != "moved")
    assert (found.first is None) == found.holds


def test_a_value_that_moved_by_100_floors_is_placed() -> None:
    found = held([1.0, 2.0], [1.0, 2.0 + 1e-13])
    assert found.first
    assert found.first.place == W
    assert found.first.index == (1,)
    assert found.first.ratio == pytest.approx(50, rel=0.1)  # twice the reference, twice the floor
    assert baseline.of(found).title.endswith("has moved, first on gradients, step 2, W")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_no_number_is_never_the_same(number: float) -> None:
    found = held([1.0, number], [1.0, number])
    assert (found.kind, found.other_bits) == ("moved", 0)
    assert "no finite number" in (found.fault or "")
    assert held([1.0, number], [1.0, 1.0]).kind == "moved"


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (np.ones(3), "W is float64 of shape (2,), where the baseline has float64 of shape (3,)"),
        (np.ones(2, np.float32), "where the baseline has float32"),
        (np.ones(2, np.int64), "where the baseline has int64"),
    ],
)
def test_another_shape_or_type_has_moved(before: Any, words: str) -> None:
    found = held(before, np.ones(2))
    assert found.kind == "moved"
    assert words in (found.fault or "")


def test_a_tensor_that_only_one_run_has_has_moved() -> None:
    one = {W: np.ones(2)}
    value = {W: Value(np.ones(2), np.ones(2), 1e-15)}
    gone, new = change(NAME, "port", one, {}), change(NAME, "port", {}, value)
    assert gone.fault == "W is missing, and the baseline has it"
    assert new.fault == "W is new, and the baseline lacks it"
    assert change(NAME, "port", {}, {}).kind == gone.kind == new.kind == "moved"


def test_the_first_rung_and_the_first_step_are_named() -> None:
    places = [Place("forward", 5, "hidden"), Place("forward", 1, "hidden"), Place("loss", 0, "l")]
    before = {place: np.ones(2) for place in places}
    now = {place: Value(np.full(2, 1.1), np.ones(2), 1e-15) for place in places}
    said = baseline.of(change(NAME, "port", before, now))
    assert said.title == ("port on iris float64 has moved, first on forward, step 1, layer hidden")
    assert said.extent == "2 of 2 values are over the limit, the worst by a ratio of 1e+14"
    assert said.values[0] == ("[0]", "1.0000000000000000", "1.1000000000000001")


@given(st.floats(0, 1e6), st.floats(1e-16, 1.0))
def test_the_limit_is_that_of_the_verdict(distance: float, floor: float) -> None:
    found = held([0.5], [0.5 + distance], floor)
    assert found.holds == (abs((0.5 + distance) - 0.5) / floor <= LIMIT)


# The file


@pytest.fixture(scope="module")
def stored() -> bytes:
    trial = Trial(prepare("iris", "float64", 4), "compiled")
    return content(
        Baseline(
            "2026-01-02 03:04",
            ("iris", "--steps 4"),
            {"jax": "0.9"},
            {NAME: facts.of_trial(trial)},
            {NAME: {0: {"W": np.zeros((4, 3)), "b": np.zeros(3)}}},
            {
                (NAME, "a/b.py"): {
                    W: np.ones((4, 3)),
                    Place("accuracy", 4, "accuracy", split="train"): np.array(0.5),
                    Place("forward", 3, "x/y z", "half batch"): np.ones(3, np.float32),
                    Place("forward", 3, "classes"): np.arange(3),
                }
            },
        )
    )


def in_file(folder: Path, stored: bytes) -> Path:
    path = folder / "b.safetensors"
    path.write_bytes(stored)
    return path


def test_a_file_holds_all_of_a_baseline(tmp_path: Path, stored: bytes) -> None:
    found = read(in_file(tmp_path, stored))
    assert content(read(in_file(tmp_path, content(found)))) == content(found)
    assert [*found.numbers] == [(NAME, "a/b.py")]
    assert {f"{place}" for place in found.numbers[NAME, "a/b.py"]} == {
        *("W", "accuracy (train)", "x/y z of half a batch", "classes")
    }


def refused(folder: Path, stored: bytes) -> str:
    """Return why a file is no baseline, in one sentence."""
    with pytest.raises(InputError) as refusal:
        read(in_file(folder, stored))
    said = f"{refusal.value}"
    assert said.startswith(f"{folder}/b.safetensors ")
    assert "\n" not in said
    return said


def test_any_damage_is_found(tmp_path: Path, stored: bytes) -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(stored)
        place = int(random.integers(len(stored)))
        damaged[place] ^= 1 << int(random.integers(8))
        refused(tmp_path, bytes(damaged))
    for size in random.integers(len(stored), size=100):
        assert re.search("cut short|no baseline", refused(tmp_path, stored[:size]))
    assert "damaged" in refused(tmp_path, stored + b"x")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path_factory: pytest.TempPathFactory, some: bytes) -> None:
    assert "no baseline" in refused(tmp_path_factory.mktemp("any"), some)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (None, "is no baseline"),
        ({"format": "pt"}, "is no baseline"),
        ({"lockstep baseline": "{}", "sha256": "0"}, "its hash is another"),
    ],
)
def test_tensors_alone_are_no_baseline(
    tmp_path: Path, metadata: dict[str, str] | None, words: str
) -> None:
    assert words in refused(tmp_path, encoded({"W": np.ones(3)}, metadata))


def test_what_no_baseline_can_be(tmp_path: Path) -> None:
    for make, words in (
        (os.mkfifo, "is a FIFO, where a file is expected: --since takes a file that"),
        (Path.mkdir, "is a folder, where a file is expected"),
        (huge, "has more than 1,073,741,824 bytes"),
    ):
        path = tmp_path / make.__name__
        make(path)
        with pytest.raises(InputError) as refusal:
            read(path)
        assert words in f"{refusal.value}"
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "nothing")


# Whole runs


class Held(NamedTuple):
    """The folder of a port and of its baseline, and how to judge it."""

    folder: Path
    run: Callable[..., Run]

    @property
    def file(self) -> Path:
        return self.folder / "b.safetensors"

    @property
    def port(self) -> Path:
        return self.folder / "port.py"

    def since(self, *options: object) -> tuple[Run, dict[str, Any]]:
        """Hold the port, as it is now, to its baseline; return the run, and what JSON says."""
        report = self.folder / "report.json"
        run = self.run("--since", self.file, "--json", report, *options)
        return run, json.loads(report.read_text())


@pytest.fixture
def judged(command: Compare, tmp_path: Path) -> Held:
    """A port that agrees, and its baseline."""
    port = tmp_path / "port.py"
    port.write_text(SAME)
    found = Held(tmp_path, lambda *more: command(*IRIS, "--with", port, *more))
    saved = found.run("--save-baseline", found.file)
    assert saved.status == 0, saved.stderr
    return found


def test_the_same_run_has_the_same_bits(judged: Held) -> None:
    before = read(judged.file)
    judged.file.write_bytes(
        content(
            replace(before, environment={**before.environment, "numpy": "1.0", "XLA_FLAGS": "-x"})
        )
    )
    run, report = judged.since()
    assert run.status == 0, run.stdout
    assert [(each["port"], each["kind"]) for each in report["since"]["changes"]] == [
        *(("numpy", "same bits"), ("port.py", "same bits"))
    ]
    assert report["since"]["holds"]
    assert {each["compared"] for each in report["since"]["changes"]} == {COMPARED}
    assert report["since"]["environment"] == [
        {"name": "numpy", "before": "1.0", "now": np.__version__},
        {"name": "XLA_FLAGS", "before": "-x", "now": "none"},
    ]
    assert "XLA_FLAGS: none, was -x" in run.stdout
    assert f"since {judged.file}, no bit has changed" in run.stdout.replace("\n", "")


def test_another_last_bit_is_no_change_of_meaning(judged: Held) -> None:
    judged.port.write_text(NUDGED)
    run, report = judged.since("--quiet")
    assert run.status == 0, run.stdout
    assert "nothing has moved" in " ".join(run.stdout.split())
    [own] = [each for each in report["since"]["changes"] if each["port"] == "port.py"]
    assert own["kind"] == "no change of meaning"
    assert 0 < own["other_bits"] < own["compared"]
    assert 0 < own["ratio"] <= LIMIT
    assert own["first"] is None


def test_what_moved_is_in_every_report(judged: Held) -> None:
    judged.port.write_text(MOVED)
    reports = {name: judged.folder / name for name in ("html", "markdown", "junit", "annotations")}
    run, report = judged.since(*(f"--{name}={path}" for name, path in reports.items()))
    assert run.status == 1
    [first] = [c["first"] for c in report["since"]["changes"] if c["kind"] == "moved"]
    assert (first["rung"], first["step"], first["tensor"]) == ("gradients", 0, "W")
    assert first["ratio"] > LIMIT
    said = "port.py on iris float64 has moved, first on gradients, step 0, W"
    assert said in " ".join(run.stdout.split())
    assert "1 of 2 has moved" in " ".join(run.stdout.split())
    for path in reports.values():
        assert said in path.read_text().replace("&#46;", "."), path
    suites = ElementTree.parse(reports["junit"]).getroot()
    case = suites.find(".//testcase[@name='port.py float64 compiled since the baseline']")
    assert case is not None
    assert case.find("failure[@type='moved']") is not None
    assert suites.attrib["tests"] == "4"
    line = 1 + MOVED.splitlines().index("def gradients(model, x, y):")
    assert f"::error file={judged.port},line={line},title=Lockstep%2C iris::{said}%0A" in (
        reports["annotations"].read_text()
    )


def test_a_port_that_is_new_or_gone_is_no_agreement(judged: Held, command: Compare) -> None:
    other = judged.port.rename(judged.folder / "other.py")
    run = command(*IRIS, "--with", other, "--since", judged.file)
    assert run.status == 1
    said = " ".join(run.stdout.split())
    assert "other.py on iris float64 is new: the baseline has no numbers of it" in said
    assert "port.py on iris float64 is gone: the baseline has numbers of it" in said
    assert "1 of 3 is new, 1 is gone" in said
    assert "All 2 results agree" in said


def test_the_reference_may_move(judged: Held) -> None:
    """Ports are asked again at the baseline's own weights: at others, other numbers are right."""
    before = read(judged.file)
    then = {name: value + 1e-7 for name, value in before.weights[NAME][2].items()}
    answers = answers_at(then)
    numbers = {
        key: {
            place: np.asarray(answers[place.rung, place.name])
            if (place.step, place.kind) == (2, "run") and place.rung != "trajectory"
            else array
            for place, array in own.items()
        }
        for key, own in before.numbers.items()
    }
    weights = {NAME: {**before.weights[NAME], 2: then}}
    judged.file.write_bytes(content(replace(before, weights=weights, numbers=numbers)))
    run, report = judged.since()
    assert run.status == 0, run.stdout
    assert {each["compared"] for each in report["since"]["changes"]} == {COMPARED}


def answers_at(weights: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Return what NumPy's port of iris answers at some weights, by rung and tensor."""
    port: Any = load(PortName("numpy"), "iris").module
    experiment = prepare("iris", "float64", 4)
    x, y = experiment.x, experiment.y
    after, losses = port.train(port.build(weights), x, y, 1, experiment.learning_rate)
    named = {
        "forward": {"outputs": port.forward(port.build(weights), x)},
        "loss": {"loss": port.loss(port.build(weights), x, y)},
        "gradients": port.gradients(port.build(weights), x, y),
        "update": {**port.export(after), "loss": losses},
    }
    return {(rung, name): v for rung, own in named.items() for name, v in own.items()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["planar"], "is a baseline of iris float64, which is not compared: it was written with"),
        (["iris", "people"], "is no baseline of people float64, which is compared"),
        (["iris", "--dtype", "both"], "is no baseline of iris float32, which is compared"),
        (["iris", "--mode", "both"], "is no baseline of iris float64, eager, which is compared"),
        (["iris", "--steps", "5"], "of iris float64 with 4 steps, where this run has 5 steps"),
    ],
)
def test_a_baseline_of_something_else(
    command: Compare, tmp_path: Path, stored: bytes, options: list[str], words: str
) -> None:
    path = in_file(tmp_path, stored)
    run = command(*IRIS[1:], *options, "--since", path)
    assert (run.status, run.stdout) == (2, "")
    assert words in run.stderr
    assert "it was written with iris --steps 4; give the same, or write a new one" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": 1}, "with the initial weights"),
        ({"rows": 100}, "150 rows, where this run has the data iris"),
    ],
)
def test_a_baseline_of_other_weights_or_data(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    recipe = replace(get("iris"), initial=standard_normal)
    one, other = (prepare(recipe, "float64", 4, **own) for own in ({}, changes))
    named = {NAME: facts.of_trial(Trial(one, "compiled"))}
    found = Baseline("", (), {}, named, {NAME: {}}, {})
    found.check(tmp_path, [Trial(one, "compiled")])
    with pytest.raises(InputError, match=words):
        found.check(tmp_path, [Trial(other, "compiled")])


def test_an_output_is_no_baseline_that_is_read(
    command: Compare, tmp_path: Path, stored: bytes
) -> None:
    path = in_file(tmp_path, stored)
    for option in ("--save-baseline", "--json"):
        run = command(*IRIS, "--since", path, option, path)
        assert run.status == 2
        assert f"{option} would overwrite {path}, the baseline that is compared" in run.stderr
    assert path.read_bytes() == stored
    run = command(*IRIS, "--save-baseline", "-")
    assert "--save-baseline is -, but only --json, --markdown and --annotations can" in run.stderr


def test_of_a_run_with_an_error_there_is_no_baseline(command: Compare, tmp_path: Path) -> None:
    port, saved = tmp_path / "port.py", tmp_path / "b.safetensors"
    port.write_text(RIGHT.replace("CHANGED", "np.nan"))
    run = command(*IRIS, "--quiet", "--with", port, "--save-baseline", saved)
    assert run.status == 3
    assert "port.py float64 is in error on iris: a baseline is of a whole run" in run.stderr
    assert not saved.exists()


def test_no_baseline_is_too_large_to_be_read(
    command: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "LARGEST", 1000)
    run = command(*IRIS, "--quiet", "--save-baseline", tmp_path / "b.safetensors")
    assert run.status == 2
    assert "bytes, where --since reads at most 1,000)" in run.stderr
    assert not any(tmp_path.iterdir())


def test_another_library_is_no_change_of_meaning(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions of one library do not differ by more than two libraries do."""
    monkeypatch.setenv("LOCKSTEP_CACHE", environment["LOCKSTEP_CACHE"])
    settings = Settings(steps=20)
    found: dict[tuple[TrialName, str], dict[Place, Value]] = {}

    def keep(result: PortResult, inquiry: Inquiry) -> None:
        found[TrialName.of(result.trial), result.port] = kept(inquiry.standard, inquiry.record)

    trials, ports = settings.trials(["iris", "planar"]), [PortName("numpy"), PortName("torch")]
    assert list(session.compare(trials, ports, settings.options, Progress(), keep))
    for trial in map(TrialName.of, trials):
        before = {place: value.array for place, value in found[trial, "numpy"].items()}
        changed = change(trial, "torch", before, found[trial, "torch"])
        assert changed.kind == "no change of meaning", baseline.of(changed)


def test_variables_that_may_hold_secrets_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_TOKEN_app_terraform_io", "JAX_SECRET", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.setenv(name, "a secret")
    told = facts.environment([], 1)
    assert [name for name, value in told.items() if "secret" in value] == ["TF_ENABLE_ONEDNN_OPTS"]


def test_a_report_fits_a_terminal() -> None:
    trial = TrialName("perceptron-nand", "float64", "eager")
    moved = held([1.0, 2.0], [1.0, 2.1])
    changes = [replace(moved, trial=trial, port="tensorflow_v1"), Change(trial, "p" * 90, "gone")]
    since = Since("before.safetensors", "2026-01-02 03:04", (), [("a", "b" * 90, "c")], changes, [])
    lines = printed(80, terminal.since_report(since))
    assert max(map(len, lines)) <= 80
    assert any("tensorflow_v1" in line for line in lines)
