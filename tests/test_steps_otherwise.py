"""Steps of a PyTorch reference made otherwise: its decay, its epsilon, micro-batches, a warm-up."""

import importlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep import assert_agree
from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written
from tests.test_variants import assert_is_the_port_with

STEPS = 4
HIDDEN = 4


def warmed_up(start: Any, behind: int = 0, by_torch: bool = False) -> Any:
    """Return a weight after steps at rates that rise, from 1/8 of the whole one."""
    torch = pytest.importorskip("torch")
    weight = start.clone().requires_grad_()
    made = torch.optim.AdamW([weight], 0.1, eps=0.1, weight_decay=0.1)
    if by_torch:
        schedule = torch.optim.lr_scheduler.LambdaLR(made, lambda step: (step + 1 - behind) / 8)
    for step in range(STEPS):
        if not by_torch:
            made.param_groups[0]["lr"] = 0.1 * (step + 1 - behind) / 8
        made.zero_grad()
        (weight**3).sum().backward()
        made.step()
        if by_torch:
            schedule.step()
    return weight.detach()


FROM_ZERO = "the learning rate is 0 at the first step, and one step behind from there"


@pytest.mark.parametrize("by_torch", [True, False], ids=["by a scheduler", "by hand"])
def test_a_warm_up_that_starts_at_zero_is_seen(by_torch: bool) -> None:
    reference = partial(warmed_up, by_torch=by_torch)
    port = partial(reference, behind=1)
    assert_is_the_port_with(FROM_ZERO, reference, port, np.array([1.0, 2.0]))


def accumulated(start: Any, every: int = 3, scale: float = 1 / 3) -> Any:
    """Return a weight after steps, each by gradients of three micro-batches.

    every: after how many there is a step.
    """
    torch = pytest.importorskip("torch")
    weight = start.clone().requires_grad_()
    made = torch.optim.Adam([weight], 0.1, eps=0.1)
    for number in range(3 * STEPS):
        loss = scale * ((number + 1) * weight**2 / 9).sum()
        loss.backward()
        if number % every == every - 1:
            made.step()
            made.zero_grad()
    return weight.detach()


EACH = "Adam takes a step after each of 3 backward passes, not after the last"


@pytest.mark.parametrize(
    ("claim", "scale"), [(EACH, 1 / 3), (f"{EACH}, by gradients that are 3 times as large", 1.0)]
)
def test_a_step_after_each_micro_batch_is_seen(claim: str, scale: float) -> None:
    port = partial(accumulated, every=1, scale=scale)
    assert_is_the_port_with(claim, accumulated, port, np.array([1.0, 2.0]))


def adam(start: Any, decay: float = 0.0, outside: float | None = None) -> Any:
    """Return a weight after steps of AdamW, with epsilon inside the root where there is another."""
    torch = pytest.importorskip("torch")
    weight = start.clone().requires_grad_()
    if outside is None:
        made = torch.optim.AdamW([weight], 0.1, eps=1e-3, weight_decay=decay)
        for _ in range(STEPS):
            made.zero_grad()
            (weight**3 / 9).sum().backward()
            made.step()
        return weight.detach()
    weight, mean, square = start, 0.0, 0.0
    for step in range(1, STEPS + 1):
        gradient = weight**2 / 3
        mean, square = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2
        root = (square / (1 - 0.999**step) + 1e-3) ** 0.5 + outside
        weight = weight * (1 - 0.1 * decay) - 0.1 * mean / (1 - 0.9**step) / root
    return weight


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize(("outside", "said"), [(0.0, "0"), (1e-8, "1e-08"), (1e-3, "0.001")])
def test_an_epsilon_inside_the_root_is_seen(outside: float, said: str, decay: float) -> None:
    inside = "AdamW has its epsilon of 0.001 inside the root, as eps_root of Optax has it,"
    reference = partial(adam, decay=decay)
    port = partial(reference, outside=outside)
    assert_is_the_port_with(f"{inside} and {said} outside", reference, port, np.array([0.1, 0.2]))


def keras_adamw(start: Any) -> Any:
    """Return a weight after steps of Keras' AdamW, all in float64 but for its constants."""
    tf = pytest.importorskip("tensorflow")
    own = tf.keras.config.floatx()
    tf.keras.config.set_floatx("float64")  # which holds for the learning rate as well
    made = tf.keras.optimizers.AdamW(0.1, epsilon=1e-7, weight_decay=0.1)
    tf.keras.config.set_floatx(own)
    weight = tf.Variable(start)
    for _ in range(STEPS):
        made.apply([weight**2 / 3], [weight])
    return weight.value()


def test_the_constants_of_keras_in_float64_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "get_default_dtype", lambda: torch.float64)
    claim = (
        "AdamW adds an epsilon of 1e-07 before the bias of the squares is corrected, and rounds "
        "its constants to float32, as Keras'"
    )
    tools, model = importlib.import_module("impls.torch.variants"), torch.nn.Module()
    start = np.array([0.1, 0.2])
    reference = partial(adam, decay=0.1)
    found = tools.found(model, lambda: reference(torch.from_numpy(start)), lambda: "line")
    (variant,) = (each for each in found if each.claim == claim)

    def changed(start: Any) -> Any:
        with tools.applied(model, variant, lambda: "line"):
            return reference(start)

    both: Any = {"framework": "tensorflow", "reference_framework": "torch"}
    assert_agree(changed, keras_adamw, start, **both)
    with pytest.raises(AssertionError):
        assert_agree(reference, keras_adamw, start, **both)


def rms_prop(start: Any, **changed: Any) -> Any:
    """Return a weight after steps of RMSprop, with epsilon inside the root if `inside`."""
    torch = pytest.importorskip("torch")
    inside = changed.pop("inside", False)
    settings = {"alpha": 0.9, "eps": 1e-2, "momentum": 0.5, "weight_decay": 0.1, **changed}
    weight = start.clone().requires_grad_()
    made = torch.optim.RMSprop([weight], 0.1, **settings)
    if not inside:
        for _ in range(STEPS):
            made.zero_grad()
            (weight**3 / 9).sum().backward()
            made.step()
        return weight.detach()
    weight, square, moved = start, 0.0, 0.0
    for _ in range(STEPS):
        gradient = weight**2 / 3 + 0.1 * weight
        square = 0.9 * square + 0.1 * gradient**2
        moved = 0.5 * moved + gradient / (square + 1e-2) ** 0.5
        weight = weight - 0.1 * moved
    return weight


@pytest.mark.parametrize(
    ("claim", "changed"),
    [
        ("RMSprop has its epsilon inside the root, as Keras' and Optax's", {"inside": True}),
        ("RMSprop has an alpha of 0.99, not 0.9", {"alpha": 0.99}),
        ("RMSprop has squares that the mean's is subtracted from", {"centered": True}),
    ],
)
def test_another_rmsprop_is_seen(claim: str, changed: dict[str, Any]) -> None:
    port = partial(rms_prop, **changed)
    assert_is_the_port_with(claim, rms_prop, port, np.array([1.0, 2.0]))


def in_steps(start: Any, low: bool = False) -> Any:
    torch = pytest.importorskip("torch")
    weight = start.clone().requires_grad_()
    made = torch.optim.SGD([weight], 0.1)
    for step in range(STEPS):
        rate = 0.1 / (step + 1)
        made.param_groups[0]["lr"] = float(np.float32(rate)) if low else rate
        made.zero_grad()
        (weight**3 / 9).sum().backward()
        made.step()
    return weight.detach()


def test_a_learning_rate_in_float32_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "get_default_dtype", lambda: torch.float64)
    claim = "the learning rate is 0.10000000149, which is 0.1 rounded to float32"
    port = partial(in_steps, low=True)
    assert_is_the_port_with(claim, in_steps, port, np.array([1.0, 2.0]))


def net() -> Any:
    """Return a net with a matrix, a bias, and a norm with its two vectors."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    parts = torch.nn.Linear(3, HIDDEN), torch.nn.LayerNorm(HIDDEN), torch.nn.Tanh()
    return torch.nn.Sequential(*parts).double()


def trained(model: Any, decaying: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters after steps under which only some of them decay, in two groups."""
    torch = pytest.importorskip("torch")
    named = dict(model.named_parameters())
    groups = [
        {"params": [p for n, p in named.items() if (n in decaying) is decays], "weight_decay": rate}
        for decays, rate in ((True, 0.1), (False, 0.0))
    ]
    made = torch.optim.AdamW([group for group in groups if group["params"]], 0.1, eps=0.1)
    x = torch.linspace(-1, 2, 15, dtype=torch.float64).reshape(5, 3)
    for _ in range(STEPS):
        made.zero_grad()
        (model(x) ** 2).sum().backward()
        made.step()
    return {name: parameter.detach() for name, parameter in named.items()}


ALL = ("0.weight", "0.bias", "1.weight", "1.bias")


@pytest.mark.parametrize(
    ("reference", "port", "claim"),
    [
        (ALL[:1], ALL[2:], "only the parameters of norms decay"),
        (ALL[:1], ALL[1:], "only vectors decay, as biases are"),
        (ALL[:1], ALL[:2], "all but the parameters of norms decay"),
        (ALL, ALL[:1], "only matrices decay"),
        (ALL, ALL[2:], "only the parameters of norms decay"),
        (ALL[:2], ALL[2:], "only the parameters of norms decay"),
        (ALL[::2], ALL[1::2], "only what is not to decay does"),
    ],
)
def test_it_is_seen_which_parameters_decay(
    reference: tuple[str, ...], port: tuple[str, ...], claim: str
) -> None:
    tools = importlib.import_module("impls.torch.variants")
    found = tools.found(model := net(), lambda: trained(model, reference), lambda: "line")
    (variant,) = {each for each in found if each.claim == f"under AdamW, {claim}"}
    with tools.applied(model := net(), variant, lambda: "line"):
        changed = trained(model, reference)
    wanted, own = trained(net(), port), trained(net(), reference)
    for name, values in changed.items():
        np.testing.assert_array_equal(values, wanted[name])
    assert any((own[name] != wanted[name]).any() for name in ALL)


SOURCE = (PORTS / "mlp_accumulating.py").read_text()
STEPPING = "half.backward()\n            optimizer.step()\n            optimizer.zero_grad()"
MISTAKES = {  # what is right and what is put in its place, and what is then said
    "norms.py": (
        ('name.endswith(".weight") and weight.ndim > 1', 'name.startswith("1.")'),
        "only the parameters of norms decay",
    ),
    "zero.py": (("(step + 1) / 8", "step / 8"), FROM_ZERO),
    "each.py": (("half.backward()", STEPPING), "a step after each of 2 backward passes"),
    "root.py": (("torch.optim.AdamW(", "EpsilonInside("), "inside the root, as eps_root of Optax"),
}


def test_a_step_made_otherwise_wins_over_all_that_it_may_be_taken_for(
    compare: Compare, tmp_path: Path
) -> None:
    recipe = written(tmp_path, reference="reference.py")
    (tmp_path / "reference.py").write_text(SOURCE)
    for name, ((right, wrong), _) in MISTAKES.items():
        assert SOURCE.count(right) == 1
        (tmp_path / name).write_text(SOURCE.replace(right, wrong))
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, list(MISTAKES)))
    assert run.status == 1, run.stderr
    said = {name: run.result(name, "float64")["diagnosis"]["evidence"] for name in MISTAKES}
    for name, (_, claim) in MISTAKES.items():
        assert claim in said[name]
