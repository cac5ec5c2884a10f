"""Mistakes in operations, named by running the reference with one operation made otherwise."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from shared.variants import Place, Variant, gathered
from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written

SOURCE = (PORTS / "mlp_jax.py").read_text()
EPSILON = ("variance + 1e-5", "variance + 1e-3", "another epsilon")
GELU = ("approximate=False", "approximate=True", "another form of GELU")
# In references that call operations, both are varied; of a Keras model, what its layers hold.
MISTAKES = {"torch": (EPSILON, GELU), "jax": (EPSILON, GELU), "tensorflow": (EPSILON,)}


@pytest.mark.parametrize("framework", MISTAKES)
def test_mistakes_in_operations_are_named(compare: Compare, tmp_path: Path, framework: str) -> None:
    recipe = written(tmp_path, reference=f"mlp_{framework}.py")
    causes = {}
    for number, (right, wrong, cause) in enumerate(MISTAKES[framework]):
        assert SOURCE.count(right) == 1
        (tmp_path / f"wrong_{number}.py").write_text(SOURCE.replace(right, wrong))
        causes[f"wrong_{number}.py"] = cause
    run = compare(recipe, "--dtype=float64", "--steps=2", *withs(tmp_path, list(causes)))
    assert run.status == 1, run.stderr
    named = {name: run.result(name, "float64")["diagnosis"]["cause"] for name in causes}
    assert named == causes


def test_variants_are_tried_everywhere_then_by_line_then_alone() -> None:
    places = (Place("a.norm1", "8"), Place("a.norm2", "9"), Place("b.norm1", "8"))
    found = [Variant("cause", "claim", (place,)) for place in places]
    tried = [
        variant.places for variant in gathered([*found, Variant("other", "claim", places[:1])])
    ]
    a1, a2, b1 = places
    assert tried == [(a1, a2, b1), (a1,), (a1, b1), (a2,), (a1,), (b1,)]


def test_a_variant_says_where_it_is() -> None:
    places = tuple(Place(name, "1") for name in "abcde")
    assert f"{Variant('cause', 'a claim', places)}" == "a claim, at a, b, c and 2 more"


def stepped(optimizer: Any) -> Any:
    """Return a weight of 1 and one of 2 after two steps of an optimizer of torch.optim."""
    torch = pytest.importorskip("torch")
    weights = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in (1.0, 2)]
    made = optimizer(torch, *weights)
    for _ in range(2):
        made.zero_grad()
        sum(weight**3 for weight in weights).sum().backward()
        made.step()
    return [weight.item() for weight in weights]


@pytest.mark.parametrize(
    ("reference", "port", "claim"),
    [
        (
            lambda torch, *w: torch.optim.Adam(w, 0.1),
            lambda torch, *w: torch.optim.AdamW(w, 0.1, weight_decay=0.01),
            "Adam has a weight decay of 0.01, of the weights alone, as AdamW's",
        ),
        (
            lambda torch, a, b: torch.optim.AdamW(
                [{"params": [a], "weight_decay": 0.1}, {"params": [b], "weight_decay": 0.0}], 0.1
            ),
            lambda torch, a, b: torch.optim.AdamW(
                [{"params": [a], "weight_decay": 1e-4}, {"params": [b], "weight_decay": 0.0}], 0.1
            ),
            "AdamW has a weight decay of 0.0001 where it has one of 0.1",
        ),
    ],
)
def test_an_optimizer_may_decay_otherwise(reference: Any, port: Any, claim: str) -> None:
    pytest.importorskip("torch")
    tools = importlib.import_module("impls.torch.variants")
    found = tools.found(None, lambda: stepped(reference), lambda: "line")
    (variant,) = {each for each in found if each.claim == claim}
    with tools.applied(None, variant, lambda: "line"):
        assert stepped(reference) == stepped(port)
    assert stepped(reference) != stepped(port)


@pytest.mark.parametrize(
    ("reference", "port", "claim"),
    [
        (
            lambda z, y: nn().cross_entropy(z, y),
            lambda z, y: nn().cross_entropy(z.softmax(1), y),
            "softmax is applied to what is softmax's result",
        ),
        (
            lambda z, y: nn().cross_entropy(z, y),
            lambda z, y: -z.gather(1, y[:, None]).mean(),
            "the loss is minus the logit of the right class",
        ),
        (
            lambda z, y: z[:, -1] + y,
            lambda z, y: z[:, 0] + y,
            "the first along axis 1 of an array is taken, not index -1",
        ),
    ],
)
def test_an_operation_is_made_otherwise(reference: Any, port: Any, claim: str) -> None:
    torch = pytest.importorskip("torch")
    tools = importlib.import_module("impls.torch.variants")
    z, y = (
        torch.linspace(-2, 3, 12, dtype=torch.float64).reshape(3, 4) ** 3,
        torch.tensor([2, 0, 1]),
    )
    found = tools.found(torch.nn.Module(), lambda: reference(z, y), lambda: "line")
    (variant,) = (each for each in found if each.claim == claim)
    due = port(z, y)
    with tools.applied(torch.nn.Module(), variant, lambda: "line"):
        torch.testing.assert_close(reference(z, y), due)
    assert not torch.allclose(reference(z, y), due)


def nn() -> Any:
    return importlib.import_module("torch.nn.functional")
