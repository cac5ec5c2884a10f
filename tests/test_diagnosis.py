"""What diagnoses are made of: recognised nets, rounded numbers, other optimizers' rules."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from numpy.random import default_rng
from numpy.typing import NDArray

from parity import contract
from parity.contract import PortName
from parity.diagnosis import precision, rules
from parity.diagnosis.case import Case
from parity.diagnosis.chain import recognise
from parity.diagnosis.diagnose import diagnose
from parity.diagnosis.factors import spoken
from parity.diagnosis.optimizers import OPTIMIZERS
from parity.diagnosis.unusable import of_failure
from parity.processes.messages import Explain, Findings
from parity.results import Divergence
from parity.standard import reference
from parity.standard.inputs import Store, Tensors
from parity.standard.place import Place
from shared.experiment import prepare

Array = NDArray[Any]
STEPS = 12
KINDS = {
    "iris": (1, "mean squared error"),
    "planar": (2, "binary cross-entropy"),
    "mnist-tutorial": (1, "cross-entropy"),
}


def case_of(recipe: str, folder: Path, change: Callable[[Tensors], Tensors]) -> Case:
    """Return the case of a port whose gradients are the reference's, changed."""
    experiment = prepare(recipe, "float64", steps=STEPS, choice="digits")
    inputs = Store(folder).inputs(experiment, "cpu", 1)
    port = contract.load(PortName("numpy"), inputs.net)
    known = reference.run(port, inputs)
    floors = {at: dict.fromkeys(due, 1e-16) for at, due in known.expected.items()}
    answers = {
        at: change(due) if at[0] == "gradients" else due for at, due in known.expected.items()
    }
    name = next(iter(inputs.weights))
    divergence = Divergence(Place("gradients", 0, name), (0, 0), 1.0, 2.0, 1e9, 1, 1, ())
    second = dict.fromkeys(inputs.weights, 1e-16)
    losses = np.full(STEPS, 1e-16)
    findings = Findings(divergence, answers)
    return Case.of(port, Explain(inputs, known, floors, second, losses, findings))


def named(name: str, variant: str) -> rules.Rule:
    """Return the rule of the one optimizer of that name and variant."""
    (rule,) = [o.rule for o in OPTIMIZERS if (o.name, o.variant) == (name, variant)]
    return rule


@pytest.mark.parametrize("recipe", KINDS)
def test_a_net_is_recognised_by_its_numbers(recipe: str, tmp_path: Path) -> None:
    chain = recognise(case_of(recipe, tmp_path, lambda gradients: gradients))
    assert chain is not None
    assert (len(chain.layers), chain.kind) == KINDS[recipe]


@pytest.mark.parametrize("recipe", KINDS)
def test_a_factor_is_named_and_put_into_numbers(recipe: str, tmp_path: Path) -> None:
    def tripled(gradients: Tensors) -> Tensors:
        return {name: 3.7 * g for name, g in gradients.items()}

    found = diagnose(case_of(recipe, tmp_path, tripled))
    assert found is not None
    assert found.cause == "a constant factor"
    assert "3.7" in found.evidence
    assert 0 < found.confidence < 1


def test_a_factor_that_is_fitted_to_a_single_number_explains_nothing(tmp_path: Path) -> None:
    case = case_of("mnist-tutorial", tmp_path, lambda gradients: gradients)
    answers = {at: got for at, got in case.findings.answers.items() if at[0] == "forward"}
    for steps, named in ((1, False), (2, True)):
        for step in range(steps):
            answers["loss", step] = {"loss": 3.7 * case.expected["loss", step]["loss"]}
        divergence = Divergence(Place("loss", 0, "loss"), (), 1.0, 3.7, 1e9, 1, 1, ())
        seen = replace(case.findings, divergence=divergence, answers=answers)
        found = diagnose(replace(case, findings=seen, _answered={}, _before={}))
        assert (found is not None and found.cause == "a constant factor") == named


@pytest.mark.parametrize("recipe", KINDS)
def test_where_nothing_fits_nothing_is_said(recipe: str, tmp_path: Path) -> None:
    random = default_rng(0)

    def scrambled(gradients: Tensors) -> Tensors:
        return {name: random.normal(size=g.shape) + g**2 for name, g in gradients.items()}

    assert diagnose(case_of(recipe, tmp_path, scrambled)) is None


def test_bfloat16_and_float16_round_as_libraries_do() -> None:
    random = default_rng(0)
    values = random.normal(size=10_000) * 10.0 ** random.integers(-4, 4, 10_000)
    # As in frameworks, the way from float64 is through float32.
    single = values.astype(np.float32)
    due = single.astype(ml_dtypes.bfloat16).astype(np.float64)
    assert np.array_equal(precision.bfloat16(single), due)
    assert np.array_equal(precision.float16(values), values.astype(np.float16).astype(float))


def test_tf32_keeps_ten_bits() -> None:
    assert precision.tf32(np.array(1 + 2.0**-10)) == 1 + 2.0**-10
    assert precision.tf32(np.array(1 + 2.0**-12)) == 1.0
    assert precision.tf32(np.array(-1 - 2.0**-11)) == -1 - 2.0**-10
    assert precision.tf32_toward_0(np.array(1 + 2.0**-10)) == 1 + 2.0**-10
    assert precision.tf32_toward_0(np.array(-1 - 2.0**-11)) == -1.0


FLOOR = 1e-16  # of `case_of`
IN_BFLOAT16 = FLOOR * 2.0**53 * precision.UNITS["bfloat16"]


def sized(
    folder: Path,
    units: float,
    inside: float = 0.0,
    first_right: bool = False,
    outputs_right: bool = False,
) -> str | None:
    """Return which format errors of so many floors of bfloat16's are of, by their size."""
    random = default_rng(0)
    right = iter([first_right])

    def erring(gradients: Tensors) -> Tensors:
        size = 0 if next(right, False) else units * IN_BFLOAT16
        return {name: g + random.uniform(-size, size, g.shape) for name, g in gradients.items()}

    case = case_of("mnist-tutorial", folder, erring)
    divergence = replace(case.findings.divergence, ratio=0.0)
    off = 0.0 if outputs_right else units * IN_BFLOAT16
    answers = {
        at: {name: value + off * (at[0] == "forward") for name, value in got.items()}
        for at, got in case.findings.answers.items()
    }
    ratio = inside * IN_BFLOAT16 / FLOOR
    seen = replace(case.findings, divergence=divergence, inside=ratio, answers=answers)
    found = precision.size(replace(case, findings=seen), "gradients")
    return found.cause if found else None


@pytest.mark.parametrize("inside", [0.0, 1.0])
def test_errors_are_of_the_size_of_a_format(inside: float, tmp_path: Path) -> None:
    assert sized(tmp_path, 0.5, inside) == "bfloat16 precision"
    assert sized(tmp_path, 0.5 / 16, inside / 16) == "float16 or TF32 precision"


def test_gradients_alone_are_not_of_a_format_by_their_size(tmp_path: Path) -> None:
    assert sized(tmp_path, 0.5, outputs_right=True) is None


def test_errors_are_too_large_for_a_format_or_not_at_every_step(tmp_path: Path) -> None:
    assert sized(tmp_path, 20.0) is None
    assert sized(tmp_path, 1.0, inside=20.0) is None
    assert sized(tmp_path, 1.0, first_right=True) is None


@pytest.mark.parametrize(
    ("rule", "optimizer", "options"),
    [
        (rules.moving(0.9), torch.optim.SGD, {"momentum": 0.9}),
        (rules.moving(0.9, nesterov=True), torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        (rules.decayed(0.01), torch.optim.SGD, {"weight_decay": 0.01}),
        (named("Adam", "an epsilon of 1e-08"), torch.optim.Adam, {}),
        (named("Adam", "betas of 0.5 and 0.999"), torch.optim.Adam, {"betas": (0.5, 0.999)}),
        (named("AdamW", "a weight decay of 0.01, as in PyTorch"), torch.optim.AdamW, {}),
        (named("NAdam", "PyTorch's schedule of momentum"), torch.optim.NAdam, {}),
        (named("Adamax", "an epsilon of 1e-08, as in PyTorch"), torch.optim.Adamax, {}),
        (
            named("RMSprop", "a share of 0.99 and an epsilon of 1e-08, as in PyTorch"),
            torch.optim.RMSprop,
            {},
        ),
        (named("Adagrad", "a sum of squares from 0, as in PyTorch"), torch.optim.Adagrad, {}),
        (named("Adadelta", "a share of 0.9, as in PyTorch"), torch.optim.Adadelta, {}),
    ],
)
def test_rules_are_those_of_the_optimizers(
    rule: rules.Rule, optimizer: Callable[..., torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    random = default_rng(0)
    start = random.normal(size=5)
    weight = torch.tensor(start, requires_grad=True)
    theirs = optimizer([weight], lr=0.1, **options)
    ours: Tensors = {"w": start}
    memory: rules.Memory = {}
    for step in range(8):
        gradient = random.normal(size=5)
        weight.grad = torch.tensor(gradient)
        theirs.step()
        moved = rule(step, ours, {"w": gradient}, memory)
        ours = {"w": ours["w"] - 0.1 * moved["w"]}
        assert ours["w"] == pytest.approx(weight.detach().numpy(), rel=64 * np.finfo(float).eps)


TORCH = "mat1 and mat2 shapes cannot be multiplied"
TENSORFLOW = "Matrix size-incompatible: In[0]:"


@pytest.mark.parametrize(
    ("said", "shape", "named"),
    [
        (f"{TORCH} (5x7 and 3x7)", (7, 3), True),
        (f"{TORCH} (5x7 and 3x7)", (3, 7), True),
        (f"{TORCH} (5x9 and 7x3)", (3, 7), False),  # as F.linear says
        (f"{TENSORFLOW} [5,7], In[1]: [3,7]", (7, 3), True),
        (f"{TENSORFLOW} [5,9], In[1]: [7,3]", (7, 3), False),
        ("matmul: a mismatch (size 3 is different from 7)", (7, 3), True),
        ("matmul: a mismatch (size 7 is different from 9)", (7, 3), False),
    ],
)
def test_a_weight_is_transposed_only_where_that_would_fit(
    said: str, shape: tuple[int, int], named: bool
) -> None:
    found = of_failure(said, {"W": np.zeros(shape)})
    assert (found is not None and found.cause == "a tensor is transposed") == named


def test_of_many_names_a_few_are_said() -> None:
    assert spoken("a") == "a"
    assert spoken("abcd") == "a, b, c and d"
    assert spoken("abcdef") == "a, b, c and 3 more"
