"""Accuracy of nets with one output for each row, (rows,), and of those with one per token."""

from pathlib import Path

import numpy as np

from tests.running import Compare

RECIPE = 'reference = "own.py"\ndata = "data.npz"\nweights = "weights.npz"\n'
OWN = """
FRAMEWORK = "numpy"


def forward(weights, x):
    return x @ weights["w"]


def accuracy(weights, x, y):
    return ((forward(weights, x) > 0) == (y > 0.5)).mean()
"""


def test_an_accuracy_of_single_outputs_is_compared_and_explained(
    compare: Compare, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    x, w = random.normal(size=(50, 4)), random.normal(size=4)
    np.savez(tmp_path / "data.npz", x=x, y=(x @ w + random.normal(size=50) > 0).astype(float))
    np.savez(tmp_path / "weights.npz", w=w)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "right.py").write_text(OWN)
    assert OWN.count("> 0)") == 1
    (tmp_path / "wrong.py").write_text(OWN.replace("> 0)", "> 0.5)"))
    (tmp_path / "own.toml").write_text(RECIPE)
    ports = [f"--with={tmp_path / name}" for name in ("right.py", "wrong.py")]
    run = compare(tmp_path / "own.toml", *ports, f"--repro={tmp_path / 'repro'}", "--debug")
    assert run.status == 1, run.stdout + run.stderr
    assert "Traceback" not in run.stdout
    for dtype in ("float32", "float64"):
        assert run.result("right.py", dtype)["verdict"] == "agree"
        wrong = run.result("wrong.py", dtype)
        assert wrong["divergence"]["rung"] == "accuracy"
        assert wrong["diagnosis"]["cause"] == "accuracy at another threshold"
        assert "a threshold of 0.5 on the outputs gives" in wrong["diagnosis"]["evidence"]


def test_single_outputs_that_differ_are_explained(compare: Compare, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x=random.normal(size=(50, 4)), y=np.zeros(50))
    np.savez(tmp_path / "weights.npz", w=random.normal(size=4))
    (tmp_path / "own.py").write_text(OWN)
    right = 'return x @ weights["w"]'
    assert OWN.count(right) == 1
    probabilities = 'return 1 / (1 + np.exp(-x @ weights["w"]))'
    (tmp_path / "wrong.py").write_text("import numpy as np\n" + OWN.replace(right, probabilities))
    (tmp_path / "own.toml").write_text(f'{RECIPE}functions = ["forward"]\n')
    wrong = f"--with={tmp_path / 'wrong.py'}"
    run = compare(tmp_path / "own.toml", wrong, "--dtype=float64", "--debug")
    assert "Traceback" not in run.stdout + run.stderr
    found = run.result("wrong.py", "float64")["diagnosis"]
    assert found["cause"] == "probabilities instead of logits"
    assert found["evidence"].startswith("the outputs are the sigmoid of the logits")


def test_an_accuracy_of_tokens_is_refused_in_a_sentence(compare: Compare, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 5, 4)), random.integers(0, 3, (12, 5))
    np.savez(tmp_path / "data.npz", x=x, y=y)
    np.savez(tmp_path / "weights.npz", w=random.normal(size=(4, 3)))
    right = "((forward(weights, x) > 0) == (y > 0.5)).mean()"
    assert OWN.count(right) == 1
    (tmp_path / "own.py").write_text(
        OWN.replace(right, "(forward(weights, x).argmax(-1) == y).mean()")
    )
    (tmp_path / "own.toml").write_text(RECIPE)
    run = compare(tmp_path / "own.toml")
    assert run.status == 3
    said = "no accuracy can be told of outputs of shape (12, 5, 3) on train: name functions without"
    assert said in run.stderr
    (tmp_path / "own.toml").write_text(RECIPE + 'functions = ["forward"]\n')
    assert compare(tmp_path / "own.toml").status == 0
