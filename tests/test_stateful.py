"""Mistakes in training with an optimizer that keeps a state, of nets that nobody here knows."""

from pathlib import Path

from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written

SOURCE = (PORTS / "mlp_torch.py").read_text()
STEP = "        optimizer.step()"
# What is put in place of what, and what it is then called.
MISTAKES = {
    "epsilon.py": ("=learning_rate)", "=learning_rate, eps=1e-7)", "another variant of Adam"),
    "penalty.py": ("lr=learning_rate", "lr=learning_rate, weight_decay=0.01", "weight decay"),
    "added.py": ("        optimizer.zero_grad()\n", "", "gradients accumulate"),
    "order.py": ("in schedule", "in schedule[::-1]", "batches in another order"),
    "clipped.py": (
        STEP,
        f"        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n{STEP}",
        "gradients clipped",
    ),
}


def test_mistakes_around_an_optimizer_are_named(compare: Compare, tmp_path: Path) -> None:
    recipe = written(tmp_path)
    for name, (right, wrong, _) in MISTAKES.items():
        assert SOURCE.count(right) == 1
        (tmp_path / name).write_text(SOURCE.replace(right, wrong))
    # Longer than twice the recipe's own run, which must not be cut where a state would be lost.
    run = compare(recipe, "--dtype=float64", "--steps=12", *withs(tmp_path, list(MISTAKES)))
    assert run.status == 1, run.stderr
    assert run.result("mlp_torch.py", "float64")["verdict"] == "agree"
    named = {name: run.result(name, "float64")["diagnosis"]["cause"] for name in MISTAKES}
    assert named == {name: cause for name, (_, _, cause) in MISTAKES.items()}
