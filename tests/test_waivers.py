"""Known differences: a recipe says where a port differs and why, and nothing else is hidden."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from parity.processes.options import Options
from parity.processes.progress import Progress
from parity.reports import terminal, wording
from parity.reports.as_json import to_json
from parity.reports.html import to_html
from parity.reports.junit import to_junit
from parity.reports.markdown import to_markdown
from parity.reports.run import FinishedRun
from parity.results import PortResult
from parity.sessions.port_files import check_files
from parity.sessions.session import Session
from parity.sessions.settings import Settings
from shared import own_recipes
from tests.running import Compare

# A normalised layer that keeps running statistics, and a linear one.
REFERENCE = '''"""A net with batch normalisation."""

import numpy as np

FRAMEWORK = "numpy"


def build(weights):
    return {name: value.copy() for name, value in weights.items()}


def layers(model, x):
    h = (x - model["mean"]) / np.sqrt(model["variance"] + 1e-3)
    return {"norm1": h, "linear": h @ model["V"]}


def forward(model, x):
    return layers(model, x)["linear"]


def centred(x):
    return x - x.mean(0)


def normed(x):
    c = centred(x)
    return c / np.sqrt((c * c).mean(0) + 1e-3)


def loss(model, x, y):
    e = normed(x) @ model["V"] - y
    return (e * e).mean()


def gradients(model, x, y):
    h = normed(x)
    return {"V": h.T @ (2 * (h @ model["V"] - y) / y.size)}


def train(model, x, y, schedule, learning_rate):
    losses = []
    for rows in schedule:
        x_rows, y_rows = x[rows], y[rows]
        losses.append(loss(model, x_rows, y_rows))
        model["V"] = model["V"] - learning_rate * gradients(model, x_rows, y_rows)["V"]
        model["mean"] = 0.9 * model["mean"] + 0.1 * x_rows.mean(0)
        c = centred(x_rows)
        model["variance"] = 0.9 * model["variance"] + 0.1 * ((c * c).sum(0) / (len(c) - 1))
    return model, losses


def export(model):
    return dict(model)
'''
WHY = "Keras' BatchNormalization keeps the biased variance"
BIASED = ("(len(c) - 1)", "len(c)")
CRUDE = ("+ 1e-3)\n    return {", "+ 1e-2)\n    return {")
# What is changed in each port.
PORTS = {
    "biased.py": [BIASED],
    "biased_and_slow.py": [BIASED, ("- learning_rate *", "- 0.99 * learning_rate *")],
    "biased_and_nan.py": [
        BIASED,
        ("    return model, losses", '    model["variance"][0] = np.nan\n    return model, losses'),
    ],
    "crude.py": [CRUDE],
    "crude_and_halved.py": [CRUDE, ("(e * e).mean()", "(e * e).mean() / 2")],
    "right.py": [("A net", "The same net")],
    "inference.py": [
        ("def loss", "def own_loss"),
        ("def gradients", "def own_gradients"),
        ("def train", "def own_train"),
        ("def export", "def own_export"),
        ("loss(model, x_rows", "own_loss(model, x_rows"),
        ("gradients(model, x_rows", "own_gradients(model, x_rows"),
    ],
}
UPDATE = {"at": "update variance", "why": WHY}
RUN = {"at": "trajectory variance", "why": WHY}


def table(port: str, **said: str) -> str:
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in {"port": port, **said}.items()]
    return "".join(["\n[[expected]]\n", *lines])


def written(folder: Path, expected: str) -> Path:
    """Write a recipe with what it expects, and all that it needs."""
    random = np.random.default_rng(0)
    x, y = random.standard_normal((64, 6)), random.standard_normal((64, 3))
    weights: dict[str, Any] = {
        "V": random.standard_normal((6, 3)),
        "mean": random.standard_normal(6),
        "variance": random.uniform(1, 2, 6),
    }
    np.savez(folder / "data.npz", x=x, y=y)
    np.savez(folder / "weights.npz", **weights)
    (folder / "reference.py").write_text(REFERENCE)
    for name, changes in PORTS.items():
        source = REFERENCE
        for right, wrong in changes:
            assert right in source, name
            source = source.replace(right, wrong)
        (folder / name).write_text(source)
    files = 'reference = "reference.py"\nweights = "weights.npz"\ndata = "data.npz"\n'
    recipe = folder / "norm.toml"
    recipe.write_text(f"{files}batch = 16\nsteps = 6\nlearning_rate = 0.1\n{expected}")
    own_recipes.load.cache_clear()
    return recipe


def judged(
    recipe: Path, *ports: str, dtype: str = "float64", steps: int | None = None
) -> FinishedRun:
    """Judge some ports on a recipe, all in one process."""
    settings = Settings(dtype=dtype, steps=steps)
    files = check_files([recipe.parent / port for port in ports])
    with Session(Options(), Progress(), shared=True) as session:
        results = list(session.compare(settings.trials([f"{recipe}"]), files))
    return FinishedRun(results, 1.0)


def said_of(run: FinishedRun) -> str:
    """Return what the terminal shows, in one line."""
    return " ".join(terminal.as_text(run.results, run.seconds).split())


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """Ports of which differences are expected, some with other mistakes as well."""
    ports = ("biased.py", "biased_and_slow.py", "biased_and_nan.py", "right.py")
    tables = [table(port, **each) for port in ports for each in (UPDATE, RUN)]
    for port in ("crude.py", "crude_and_halved.py"):
        tables.append(table(port, at="forward", why="another epsilon"))
    tables.append(table("inference.py", at="update", why="it trains otherwise"))
    recipe = written(tmp_path_factory.mktemp("norm"), "".join(tables))
    return judged(recipe, *ports, "crude.py", "crude_and_halved.py", "inference.py")


def result(run: FinishedRun, port: str) -> PortResult:
    (found,) = [each for each in run.results if each.port == port]
    return found


def test_an_expected_difference_is_no_disagreement(known: FinishedRun) -> None:
    found = result(known, "biased.py")
    assert found.verdict == "agree"
    assert found.divergence is None
    verdicts = {rung.rung: rung.verdict for rung in found.rungs}
    assert verdicts == {
        **dict.fromkeys(("data", "forward", "loss", "gradients"), "agree"),
        **dict.fromkeys(("update", "trajectory"), "expected"),
    }
    assert all(rung.ratio <= 8 for rung in found.rungs)
    update, run = found.known_differences
    assert update.place
    assert (update.place.rung, update.place.step, update.place.name) == ("update", 0, "variance")
    assert run.place
    assert min(update.ratio, run.ratio) > 1e6
    assert update.fault is None


def test_another_mistake_is_shown_as_if_it_were_alone(known: FinishedRun) -> None:
    found = result(known, "biased_and_slow.py")
    assert found.verdict == "disagree"
    assert found.divergence
    assert (found.divergence.rung, found.divergence.step) == ("update", 0)
    assert f"{found.divergence.place}" == "V"
    assert len([each for each in found.known_differences if each.place]) == 2
    found = result(known, "crude_and_halved.py")
    assert found.divergence
    assert found.divergence.rung == "loss"
    assert found.diagnosis
    assert found.diagnosis.explains
    assert "0.5" in found.diagnosis.evidence


def test_what_is_no_number_is_never_expected(known: FinishedRun) -> None:
    found = result(known, "biased_and_nan.py")
    assert found.verdict == "error"
    assert "variance has 1 of 6 values that are no finite number" in (found.error or "")
    assert not [each for each in found.known_differences if each.fault]


def test_a_difference_that_is_gone_fails_in_a_sentence(known: FinishedRun) -> None:
    found = result(known, "right.py")
    assert found.verdict == "disagree"
    assert found.divergence is None
    said = (
        f"right.py float64 is expected to differ on update variance ({WHY}), but it agrees there: "
        "take that out of the recipe, or say in which dtype it differs"
    )
    assert said in said_of(known)


def test_what_is_not_compared_is_not_as_expected(known: FinishedRun) -> None:
    found = result(known, "inference.py")
    assert found.verdict == "disagree"
    assert "but it gives nothing to compare there" in wording.finding(found, []).titles[0]


def test_a_rung_covers_all_that_is_on_it(known: FinishedRun) -> None:
    found = result(known, "crude.py")
    assert found.verdict == "agree"
    (forward,) = found.known_differences
    assert f"{forward.place}" == "norm1"


def test_every_report_says_what_is_expected_and_why(known: FinishedRun) -> None:
    said = "expected: biased.py float64 differs on update variance, first at step 0, variance, by"
    texts = {
        "terminal": said_of(known),
        "markdown": to_markdown(known)
        .replace("&#95;", "_")
        .replace("&#58;", ":")
        .replace("&#39;", "'"),
        "html": to_html(known).replace("&#39;", "'"),
        "junit": to_junit(known),
    }
    assert "biased.py float64 expected" in texts["terminal"]
    assert "float64 expected" in texts["markdown"]
    for name, text in texts.items():
        assert said in " ".join(text.split()), name
        assert WHY in text, name
        assert "is expected to differ on update variance" in text, name
    report = json.loads(to_json(known.results))
    (own,) = [each for each in report["results"] if each["port"] == "biased.py"]
    first = own["known_differences"][0]
    assert (first["at"], first["why"], first["fault"]) == ("update variance", WHY, None)
    assert (first["rung"], first["step"], first["tensor"]) == ("update", 0, "variance")
    cases = {
        case.get("name"): case for case in ElementTree.fromstring(to_junit(known)).iter("testcase")
    }
    assert cases["biased.py float64 compiled"].find("failure") is None
    failure = cases["right.py float64 compiled"].find("failure")
    assert failure is not None
    assert "is expected to differ on update variance" in (failure.get("message") or "")


def test_what_follows_is_not_covered(tmp_path: Path) -> None:
    found = judged(written(tmp_path, table("biased.py", **UPDATE)), "biased.py").results[0]
    assert found.verdict == "disagree"
    assert found.divergence
    assert (found.divergence.rung, f"{found.divergence.place}") == ("trajectory", "variance")
    # A single step is not right: it is as wrong as is expected.
    assert found.divergence.teacher_forced is None


def test_neither_another_port_nor_another_precision_is_covered(tmp_path: Path) -> None:
    tables = [
        *(table("biased.py", **each, dtype="float32") for each in (UPDATE, RUN)),
        *(table("right.py", **UPDATE, dtype="float32") for each in (UPDATE, RUN)),
    ]
    run = judged(written(tmp_path, "".join(tables)), "biased.py", "crude.py", dtype="both")
    verdicts = {(each.port, each.dtype): each.verdict for each in run.results}
    assert verdicts == {
        ("biased.py", "float32"): "agree",
        ("biased.py", "float64"): "disagree",
        ("crude.py", "float32"): "disagree",
        ("crude.py", "float64"): "disagree",
    }


def test_a_short_run_need_not_show_what_builds_up(tmp_path: Path) -> None:
    late = table("right.py", at="trajectory", why="it builds up")
    recipe = written(tmp_path, late)
    short = judged(recipe, "right.py", steps=3)
    assert short.results[0].verdict == "agree"
    assert "in a run of all steps; in this one, it does not yet: it builds up" in said_of(short)
    assert judged(recipe, "right.py").results[0].verdict == "disagree"


def test_the_command_exits_as_if_it_were_not_there(compare: Compare, tmp_path: Path) -> None:
    inline = json.dumps(UPDATE["at"])
    recipe = written(
        tmp_path, f'expected = {{port = "crude.py", at = "forward", why = {inline}}}\n'
    )
    how = ("--dtype", "float64", f"--with={tmp_path / 'crude.py'}")
    run = compare(recipe, *how)
    assert run.status == 0, run.stdout
    assert "All 2 results agree, 1 with expected differences; " in run.stdout
    quiet = compare(recipe, *how, "--quiet")
    assert "expected: crude.py float64 differs on forward" in quiet.stderr


def test_a_script_holds_a_port_to_all_but_what_is_expected(
    command: Compare, tmp_path: Path
) -> None:
    recipe = written(tmp_path, table("biased_and_slow.py", **UPDATE))
    port = f"--with={tmp_path / 'biased_and_slow.py'}"
    run = command(recipe, "--dtype", "float64", port, "--repro", tmp_path / "out")
    assert run.status == 1, run.stderr
    script = tmp_path / "out" / "norm-biased_and_slow-float64.py"
    shown = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert shown.returncode == 1
    assert "V: 18 of 18 values are off" in shown.stdout
    assert "variance: 0 of 6 values are off" in shown.stdout


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("expected = 3\n", "says expected = 3: expected is a table, or several, with port, at and"),
        ("expected = [3]\n", "says 3 in expected: it is a table with port, at, why"),
        (table("biased.py", **UPDATE, wy="x"), "has an unknown key 'wy' in expected: did you mean"),
        (table("biased.py", at="update"), "lacks why in expected: why is the reason"),
        (table("biased.py", at="update", why=" "), "says why = ' ' in expected: why is the reason"),
        (table("gone.py", **UPDATE), "says port = 'gone.py' in expected: there is no file"),
        (
            table("biased.py", at="updat V", why="x"),
            "says at = 'updat V' in expected: did you mean update?",
        ),
        (table("biased.py", at="data", why="x"), "says at = 'data' in expected: "),
        (table("biased.py", at="layer", why="x"), "says at = 'layer' in expected: "),
        (
            table("biased.py", **UPDATE, dtype="float16"),
            "says dtype = 'float16' in expected: did you",
        ),
        (
            table("biased.py", at="update varianc", why="x"),
            "says at = 'update varianc' in expected: did you mean variance? (choose from loss, V,",
        ),
        (
            table("biased.py", at="layer norm2", why="x"),
            "did you mean norm1? (choose from norm1, linear, outputs)",
        ),
        (
            table("biased.py", at="accuracy", why="x"),
            "the recipe does not compare accuracy; choose from forward, loss, gradients, update,",
        ),
    ],
)
def test_what_cannot_be_expected_is_refused_in_a_sentence(
    command: Compare, tmp_path: Path, expected: str, said: str
) -> None:
    run = command(written(tmp_path, expected), "--dtype", "float64", "--steps", 1, "--quiet")
    assert run.status == 2
    assert said in run.stderr
    assert run.stderr.count("\n") == 1
