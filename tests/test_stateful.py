"""Mistakes in training with an optimizer that keeps a state, of nets that nobody here knows."""

from pathlib import Path

import pytest

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


CLIP = "nn.utils.clip_grad_norm_(model.parameters(), 0.5)"
EACH = "[w.grad.mul_((0.5 / w.grad.norm()).clamp(max=1)) for w in model.parameters()]"
SGD = "torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9, nesterov=True)"
# Of a reference that clips: what is put in place of what, and what is said of it.
AROUND_CLIPPING = {
    "unclipped.py": (f"        {CLIP}\n", "", "gradients are not clipped to a norm of 0.5"),
    "each.py": (CLIP, EACH, "gradients are clipped to a norm of 0.5 each, before SGD"),
    "heavy.py": (
        ", nesterov=True",
        "",
        "SGD has a momentum of 0.9, in place of Nesterov's momentum of 0.9",
    ),
    "single.py": (
        "momentum=0.9",
        "momentum=0.8999999761581421",
        "SGD has Nesterov's momentum of 0.9 rounded to float32, as in Keras",
    ),
    "decayed.py": (
        "nesterov=True",
        "nesterov=True, weight_decay=0.001",
        "0.001 times each weight is added to its gradient, before SGD",
    ),
}


def clipping(folder: Path) -> tuple[Path, str]:
    """Write a recipe whose reference clips; return it and the reference's source."""
    adam = "torch.optim.Adam(model.parameters(), lr=learning_rate)"
    assert SOURCE.count(adam) == SOURCE.count(STEP) == 1
    source = SOURCE.replace(adam, SGD).replace(STEP, f"        {CLIP}\n{STEP}")
    (folder / "clipping.py").write_text(source)
    return written(folder, reference="clipping.py", learning_rate=0.1, steps=6), source


def test_mistakes_around_clipping_are_named(compare: Compare, tmp_path: Path) -> None:
    recipe, source = clipping(tmp_path)
    for name, (right, wrong, _) in AROUND_CLIPPING.items():
        assert source.count(right) == 1, name
        (tmp_path / name).write_text(source.replace(right, wrong))
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, list(AROUND_CLIPPING)))
    assert run.status == 1, run.stderr
    for name, (_, _, said) in AROUND_CLIPPING.items():
        evidence = run.result(name, "float64")["diagnosis"]["evidence"]
        assert evidence.startswith(said), (name, evidence)


def test_what_an_optimizer_keeps_shows_in_the_last_weights_of_two_steps(
    compare: Compare, tmp_path: Path
) -> None:
    recipe, source = clipping(tmp_path)
    right, wrong, said = AROUND_CLIPPING["heavy.py"]
    (tmp_path / "heavy.py").write_text(source.replace(right, wrong))
    run = compare(recipe, "--dtype=float64", "--steps=2", *withs(tmp_path, ["heavy.py"]))
    assert run.result("heavy.py", "float64")["diagnosis"]["evidence"].startswith(said)


OPTAX = """

def train(params, x, y, schedule, learning_rate):
    import optax

    matrices = {name: weight.ndim > 1 for name, weight in params.items()}
    chosen = OPTIMIZER

    def step(carry, rows):
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, x[rows], y[rows])
        updates, state = chosen.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    (params, _), losses = jax.lax.scan(step, (params, chosen.init(params)), schedule)
    return params, losses
"""
ADAM = "optax.adam(learning_rate, b2=0.99)"
DECAYED = "optax.adamw(learning_rate, b2=0.99, weight_decay=0.05, mask=matrices)"
HEAVY = "optax.rmsprop(learning_rate, decay=0.9, momentum=0.9)"
BESIDE = "where 0.05 times 0.weight and 3.weight is taken beside Adam"
# Of references with Optax: other optimizers in their place, and what is said of these.
WITH_OPTAX = {
    DECAYED: {
        "optax.adamw(learning_rate, b2=0.99, weight_decay=0.05)": f"every weight decays, {BESIDE}",
        ADAM: f"no weight decays, {BESIDE}",
        f"optax.chain(optax.add_decayed_weights(0.05, matrices), {ADAM})": (
            f"0.05 times the same is added to the gradient, {BESIDE}"
        ),
    },
    HEAVY: {
        HEAVY.replace(", momentum=0.9", ""): (
            "RMSprop has a share of 0.9 and an epsilon of 1e-08 inside the root, as in Optax, in "
            "place of a share of 0.9 and an epsilon of 1e-08 inside the root, as in Optax, and a "
            "momentum of 0.9"
        ),
        HEAVY.replace("momentum", "eps_in_sqrt=False, momentum"): (
            "RMSprop has a share of 0.9 and an epsilon of 1e-08, as in PyTorch, and a momentum of "
            "0.9, in place of"
        ),
    },
}


@pytest.mark.parametrize("own", WITH_OPTAX)
def test_mistakes_around_optimizers_of_optax_are_named(
    compare: Compare, tmp_path: Path, own: str
) -> None:
    pytest.importorskip("optax")
    source = (PORTS / "mlp_jax.py").read_text() + OPTAX
    (tmp_path / "own.py").write_text(source.replace("OPTIMIZER", own))
    recipe = written(tmp_path, reference="own.py", steps=6)
    files = {f"wrong_{number}.py": other for number, other in enumerate(WITH_OPTAX[own])}
    for name, other in files.items():
        (tmp_path / name).write_text(source.replace("OPTIMIZER", other))
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, list(files)))
    assert run.status == 1, run.stderr
    for name, other in files.items():
        found = run.result(name, "float64")["diagnosis"]
        assert found is not None, other
        assert found["evidence"].startswith(WITH_OPTAX[own][other]), (other, found)
