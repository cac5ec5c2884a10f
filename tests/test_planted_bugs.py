"""The judge itself: every planted bug is caught, on the right rung; no correct port is accused."""

import pytest

from parity.contract import DTYPES
from parity.sessions.settings import Settings
from tests.judged import OF_THE_RUN, Judged, Known, judge_all
from tests.running import PORTS, Compare, Run

STEPS = 60
# What is planted: the net, the first rung that can show it, the step and tensor, and the status.
BUGS = {
    "sum_for_mean": ("iris", "loss", 0, "loss", "disagree"),
    "factor_two_missing": ("iris", "gradients", 0, "W", "disagree"),
    "missing_key": ("iris", "gradients", 0, "b", "error"),
    "wrong_shape": ("iris", "loss", 0, "loss", "error"),
    "in_place": ("iris", "data", STEPS, "x", "disagree"),
    "aliased_weights": ("iris", "data", STEPS, "W", "disagree"),
    "transposed_weight": ("iris", "update", 0, "W", "error"),
    "bias_not_updated": ("planar", "update", 0, "b1", "disagree"),
    "learning_rate_off": ("planar", "update", 0, "W1", "disagree"),
    "momentum": ("planar", "trajectory", 2, None, "disagree"),
    "missing_zero_grad": ("planar", "trajectory", 2, None, "disagree"),
    "stale_gradient": ("planar", "update", 0, "W1", "disagree"),
    "loss_after_update": ("planar", "update", 0, "loss", "disagree"),
    "broadcast_targets": ("planar", "loss", 0, "loss", "disagree"),
    "nan_late": ("planar", "trajectory", 30, "loss", "error"),
    "late_bug": ("planar", "trajectory", None, None, "disagree"),
    "stale_copy": ("planar", "trajectory", STEPS, "outputs of the trained model", "disagree"),
    "training_restarts": ("planar", "trajectory", 1, None, "disagree"),
    "learning_rate_ignored": ("planar", "trajectory", 2, None, "disagree"),
    "scalar_losses": ("planar", "update", 0, "loss", "error"),
    "losses_in_export": ("planar", None, None, None, "error"),
    "batch_size_typed_in": ("planar", "loss", STEPS - 1, "loss of half a batch", "disagree"),
    "softmax_twice": ("mnist", "loss", 1, "loss", "disagree"),
    "wrong_axis": ("mnist", "accuracy", STEPS, "accuracy (train)", "disagree"),
    "shifted_batch": ("mnist", "trajectory", 1, "loss", "disagree"),
    "doubled_on_many": ("mnist", "accuracy", STEPS, "outputs (train)", "disagree"),
    "batch_overwritten": ("mnist", "data", 0, "batch x", "disagree"),
    "last_rows_dropped": ("mnist", "update", 0, "W", "disagree"),
}
IN_FLOAT64_ALONE = {
    "float64_demoted": ("iris", "update", 0, "W"),
    "log_of_probability_plus_epsilon": ("planar", "loss", 0, "loss"),
}
CORRECT = {
    "correct_plain_python": "planar",
    "correct_functional_torch": "planar",
    "correct_eager_jax": "mnist",
    "correct_keras": "iris",
}
NETS = ("iris", "planar", "mnist")
PLANTED = {
    **{name: bug[0] for name, bug in BUGS.items()},
    **{name: bug[0] for name, bug in IN_FLOAT64_ALONE.items()},
    **CORRECT,
}
# Those that compare.py itself judges, each in a process of its own: all verdicts are among them.
SAMPLE = (
    *("factor_two_missing", "missing_key", "transposed_weight"),
    *("late_bug", "nan_late", "correct_plain_python"),
    *("softmax_twice", "batch_overwritten"),
)


@pytest.fixture(scope="module")
def judged(environment: dict[str, str]) -> Judged:
    """What is said of all that is planted."""
    ports = [Known(PORTS / f"{name}.py", net) for name, net in PLANTED.items()]
    return judge_all(environment, Settings(steps=STEPS, data="digits"), ports)


@pytest.fixture(scope="module")
def runs(compare: Compare) -> dict[str, Run]:
    """One run of compare.py per net, of a sample of what is planted in it."""
    return {
        net: compare(
            *(net, "--data", "digits", "--steps", STEPS, "--frameworks", "numpy"),
            *(f"--with={PORTS / name}.py" for name in SAMPLE if PLANTED[name] == net),
        )
        for net in NETS
    }


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_caught_on_its_rung(judged: Judged, name: str, dtype: str) -> None:
    _, rung, step, tensor, verdict = BUGS[name]
    result = judged.result(f"{name}.py", dtype)
    assert result["verdict"] == verdict
    assert (result["error"] is not None) == (verdict == "error")
    if rung is None:  # it gave back what cannot be compared
        return
    divergence = result["divergence"]
    assert divergence["rung"] == rung
    assert step is None or divergence["step"] == step
    assert tensor is None or divergence["tensor"] == tensor
    first = next(r for r in result["rungs"] if r["verdict"] == "disagree")
    assert first["rung"] == rung


@pytest.mark.parametrize("name", IN_FLOAT64_ALONE)
def test_what_float32_cannot_show_is_caught_in_float64(judged: Judged, name: str) -> None:
    _, rung, step, tensor = IN_FLOAT64_ALONE[name]
    assert judged.result(f"{name}.py", "float32")["verdict"] == "agree"
    divergence = judged.result(f"{name}.py", "float64")["divergence"]
    assert (divergence["rung"], divergence["step"], divergence["tensor"]) == (rung, step, tensor)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CORRECT)
def test_a_correct_port_in_another_style_agrees(judged: Judged, name: str, dtype: str) -> None:
    result = judged.result(f"{name}.py", dtype)
    assert result["verdict"] == "agree", result["divergence"] or result["error"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SAMPLE)
def test_ports_that_share_a_process_are_judged_as_by_compare(
    judged: Judged, runs: dict[str, Run], name: str, dtype: str
) -> None:
    alone = runs[PLANTED[name]].result(f"{name}.py", dtype)
    shared = judged.result(f"{name}.py", dtype)
    assert {**shared, **OF_THE_RUN} == {**alone, **OF_THE_RUN}


def test_the_sample_has_every_verdict(judged: Judged) -> None:
    verdicts = {judged.result(f"{name}.py", "float64")["verdict"] for name in SAMPLE}
    assert verdicts == {"agree", "disagree", "error"}
    assert {PLANTED[name] for name in SAMPLE} == set(NETS)


@pytest.mark.parametrize("net", NETS)
def test_the_reference_stands_among_the_planted(runs: dict[str, Run], net: str) -> None:
    for dtype in ("float32", "float64"):
        assert runs[net].result("numpy", dtype)["verdict"] == "agree"


@pytest.mark.parametrize("net", NETS)
def test_the_exit_status_is_that_of_the_worst(runs: dict[str, Run], net: str) -> None:
    planted = [BUGS[name] for name in SAMPLE if name in BUGS]
    unusable = any(bug[0] == net and bug[4] == "error" for bug in planted)
    assert runs[net].status == (3 if unusable else 1)


def test_what_is_not_provided_is_reported(runs: dict[str, Run]) -> None:
    result = runs["planar"].result("correct_plain_python.py", "float64")
    assert result["not_provided"] == ["gradients", "train", "export"]
    verdicts = {rung["rung"]: rung["verdict"] for rung in result["rungs"]}
    assert verdicts["gradients"] == verdicts["update"] == verdicts["trajectory"] == "not provided"
    assert "correct_plain_python.py does not provide gradients, train" in runs["planar"].stdout


def test_a_late_bug_is_found_near_where_it_starts(judged: Judged) -> None:
    for dtype in ("float32", "float64"):
        step = judged.result("late_bug.py", dtype)["divergence"]["step"]
        assert 41 <= step <= 50


def test_a_divergence_is_shown_with_its_values(runs: dict[str, Run]) -> None:
    divergence = runs["iris"].result("factor_two_missing.py", "float64")["divergence"]
    assert divergence["got"] == pytest.approx(divergence["expected"] / 2)
    assert divergence["mismatches"] == divergence["size"] == 12
    assert len(divergence["index"]) == 2
    assert "factor_two_missing.py float64 differs first on gradients, step 0, W" in (
        runs["iris"].stdout
    )
    assert max(map(len, runs["iris"].stdout.splitlines())) <= 100
