"""What is seen of a PyTorch reference's operations: by keyword, written in place, many of them."""

import importlib
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shared import variants as causes
from tests.test_variants import assert_is_the_port_with, by_hand, nn

X = np.sin(np.linspace(-2, 3, 48).reshape(2, 2, 3, 4)) / 8
MASK = np.array([[[[True, True, False]]], [[[True, False, False]]]])


def found(reference: Callable[..., Any], *arrays: Any) -> dict[str, str]:
    """Return what is claimed of a function of PyTorch's, each with its cause."""
    torch = pytest.importorskip("torch")
    tools = importlib.import_module("impls.torch.variants")
    given = [torch.from_numpy(array) for array in arrays]
    variants = tools.found(torch.nn.Module(), lambda: reference(*given), lambda: "line")
    return {variant.claim: variant.cause for variant in variants}


def scaled_in_place(x: Any, mask: Any) -> Any:
    scores = x @ (2 * x).transpose(-2, -1)
    scores /= 2
    return scores.masked_fill(~mask, -1e9).softmax(-1) @ (3 * x)


def masked_in_place(x: Any, mask: Any) -> Any:
    scores = x @ (2 * x).transpose(-2, -1) / 2
    return scores.masked_fill_(~mask, -1e9).softmax(-1) @ (3 * x)


def seen_all_the_same(x: Any, mask: Any) -> Any:
    scores = (x @ (2 * x).transpose(-2, -1) / 2).masked_fill(~mask, -0.5)
    return scores.softmax(-1) @ (3 * x)


def by_queries(x: Any, mask: Any) -> Any:
    return (x @ (2 * x).transpose(-2, -1) / 2).softmax(-2) @ (3 * x)


@pytest.mark.parametrize(
    "reference", [scaled_in_place, masked_in_place, seen_all_the_same, by_queries]
)
def test_what_is_other_attention_is_not_taken_for_it(reference: Any) -> None:
    assert causes.ATTENTION_SCALE in found(by_hand, X, MASK).values()
    assert causes.ATTENTION_SCALE not in found(reference, X, MASK).values()


def test_a_root_of_other_numbers_than_it_was_is_no_norm() -> None:
    def reference(x: Any, in_place: bool) -> Any:
        x = x.clone()
        root = (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
        if in_place:
            x *= 2
        return x / root

    assert "rms_norm is left out" in found(lambda x: reference(x, False), X)
    assert "rms_norm is left out" not in found(lambda x: reference(x, True), X)


def test_a_norm_is_seen_bit_for_bit_and_in_its_own_precision() -> None:
    def reference(x: Any, scale: float = 1.0, precision: str = "float64") -> Any:
        torch = pytest.importorskip("torch")
        rows = x.to(getattr(torch, precision))
        return x * (scale * rows.square().mean(-1, keepdim=True) + 1e-5).rsqrt()

    claim = "rms_norm is left out"
    assert claim in found(reference, X)
    assert claim not in found(lambda x: reference(x, scale=1 + 1e-9), X)
    of_single = found(lambda x: reference(x, precision="float32"), X)
    assert claim not in of_single
    assert "0.001 is added, not 1e-05" in of_single  # the rest is found all the same


@pytest.mark.parametrize(
    ("claim", "reference", "port"),
    [
        (
            "nothing is masked",
            lambda x, m: x.masked_fill(mask=~m.mT, value=-1e9).softmax(dim=-1),
            lambda x, m: x.softmax(-1),
        ),
        (
            "the base of the frequencies is 500000, not 10000",
            lambda x, m: pytest.importorskip("torch").pow(1e4, exponent=x),
            lambda x, m: 5e5**x,
        ),
        (
            "attention scores are not scaled",
            lambda x, m: pytest.importorskip("torch").matmul(
                input=(x @ x.transpose(dim0=-2, dim1=-1)).div(other=2.0).softmax(dim=-1),
                other=x,
            ),
            lambda x, m: (x @ x.mT).softmax(-1) @ x,
        ),
        (
            "heads and tokens are reshaped, not transposed",
            lambda x, m: x.transpose(dim0=-3, dim1=2).cos(),
            lambda x, m: x.reshape(2, 3, 2, 4).cos(),
        ),
        (
            "the first along axis 2 of an array is taken, not the mean",
            lambda x, m: x.mean(axis=2),
            lambda x, m: x[:, :, 0],
        ),
        (
            "padded tokens count in the mean",
            lambda x, m: (
                x[:, 0].mul(other=1.0 * m[:, 0].mT).sum(axis=1).div(other=1.0 * m[:, 0].sum(-1))
            ),
            lambda x, m: x[:, 0].mean(1),
        ),
        (
            "softmax is along axis 3, not 2",
            lambda x, m: nn().softmax(input=x, dim=2),
            lambda x, m: x.softmax(3),
        ),
        (
            "log_softmax is along axis 3, not 2",
            lambda x, m: x.log_softmax(2),
            lambda x, m: x.log_softmax(3),
        ),
        (
            "the epsilon of rms_norm is 1e-05, not the smallest of its precision",
            lambda x, m: pytest.importorskip("torch").rms_norm(x, (4,)),
            lambda x, m: nn().rms_norm(x, (4,), eps=1e-5),
        ),
        (
            "a variance is over n - 1, not n",
            lambda x, m: x.var(-1, False, True),
            lambda x, m: x.var(-1, keepdim=True),
        ),
        (
            "leaky ReLU with a slope of 0.2 is in place of leaky_relu",
            lambda x, m: nn().leaky_relu(1.0 * x, 0.01, inplace=True),
            lambda x, m: nn().leaky_relu(x, 0.2),
        ),
        (
            "GELU is in place of relu_",
            lambda x, m: written(x, pytest.importorskip("torch").relu_),
            lambda x, m: nn().gelu(x),
        ),
        (
            "the first along axis 3 of an array is taken, not index -1",
            lambda x, m: x[..., -1],
            lambda x, m: x[..., 0],
        ),
        (
            "the last along axis 1 of an array is taken, not index 0",
            lambda x, m: x[:, None, 0],
            lambda x, m: x[:, None, -1],
        ),
        (
            "attention scores are not scaled",
            lambda x, m: (x / 2 @ x.mT).softmax(-1) @ x,
            lambda x, m: (x @ x.mT).softmax(-1) @ x,
        ),
        (
            "attention has a causal mask",
            lambda x, m: nn().scaled_dot_product_attention(x, x, x, m),
            lambda x, m: nn().scaled_dot_product_attention(x, x, x, m & square(3).tril()),
        ),
        (
            "the softmax of attention is along the queries",
            lambda x, m: nn().scaled_dot_product_attention(x, 2 * x, 3 * x, square(3).tril()),
            lambda x, m: (x @ x.mT).masked_fill(~square(3).tril(), -np.inf).softmax(-2) @ (3 * x),
        ),
        (
            "attention scores are divided by the root of the width of a head",
            lambda x, m: nn().scaled_dot_product_attention(x, x, x, scale=1.0),
            lambda x, m: nn().scaled_dot_product_attention(x, x, x),
        ),
    ],
)
def test_an_operation_is_seen_however_it_is_called(claim: str, reference: Any, port: Any) -> None:
    assert_is_the_port_with(claim, reference, port, X, MASK)


def square(many: int) -> Any:
    """Return a matrix of which all is true."""
    torch = pytest.importorskip("torch")
    return torch.ones(many, many, dtype=torch.bool)


def written(x: Any, operation: Any) -> Any:
    """Return an array into which an operation has written, whatever that returned."""
    x = x.clone()
    operation(x)
    return x


def test_attention_that_is_scaled_otherwise_is_held_to_its_own_scale() -> None:
    """Else the root in place of 1 over it would be what a port without any scale looks like."""

    def reference(x: Any) -> Any:
        return nn().scaled_dot_product_attention(x / 2, x, x, scale=1.0)

    scales = [c for c, cause in found(reference, X).items() if cause == causes.ATTENTION_SCALE]
    assert scales == ["attention scores are divided by the root of the width of a head"]


def test_a_mask_that_cannot_hide_queries_in_place_of_keys_is_not_said_to() -> None:
    def attended(x: Any, m: Any) -> Any:
        return nn().scaled_dot_product_attention(x, x, x, attn_mask=m)

    def masked(x: Any, m: Any) -> Any:
        return (x @ x.mT).masked_fill(m, -1e9).exp()

    of_attention, of_scores = (
        f"{what} hides queries, not keys" for what in ("the mask of attention", "a mask")
    )
    assert of_attention in found(attended, X, MASK)
    assert of_attention not in found(attended, X, MASK.mT)
    assert of_scores in found(masked, X, MASK)
    for mask in (MASK.mT, MASK[0, 0, 0]):
        assert of_scores not in found(masked, X, mask)


def test_a_rule_that_raises_loses_only_what_it_would_have_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    rules = importlib.import_module("impls.torch.variants.rules")

    def raising(operation: Any) -> Any:
        yield "cause", "before", None
        raise IndexError

    def reference(x: Any) -> Any:
        return x.softmax(-1).relu()

    known = found(reference, X)
    monkeypatch.setitem(rules.RULES, "softmax", [raising, *rules.RULES["softmax"]])
    assert found(reference, X) == {"before": "cause"} | known


def test_what_was_done_long_ago_is_not_kept() -> None:
    torch = pytest.importorskip("torch")
    tools = importlib.import_module("impls.torch.variants")
    kept: list[int] = []

    def run() -> None:
        made = [weakref.ref(torch.ones(3).mul(2)) for _ in range(4 * tools.LATELY)]
        kept.append(sum(each() is not None for each in made))

    tools.found(torch.nn.Module(), run, lambda: "line")
    assert kept == [tools.LATELY]
