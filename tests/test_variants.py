"""Mistakes in operations, named by running the reference with one operation made otherwise."""

import importlib
import math
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep import assert_agree
from parity.diagnosis import precision
from shared.variants import Place, Variant, gathered, held
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


def test_a_gelu_of_keras_is_named_in_its_reference(compare: Compare, tmp_path: Path) -> None:
    recipe = written(tmp_path, reference="own.py")
    source = (PORTS / "mlp_tensorflow.py").read_text()
    assert source.count("Activation(gelu)") == 1
    (tmp_path / "own.py").write_text(source.replace("Activation(gelu)", 'Activation("gelu")'))
    (tmp_path / "tanh.py").write_text(SOURCE.replace("approximate=False", "approximate=True"))
    run = compare(
        recipe, "--dtype=float64", "--steps=2", *withs(tmp_path, ["mlp_jax.py", "tanh.py"])
    )
    for name, said in (
        ("mlp_jax.py", "gelu has its constants in float64, which TensorFlow rounds to float32"),
        ("tanh.py", "GELU by tanh is in place of gelu"),
    ):
        found = run.result(name, "float64")["diagnosis"]
        assert found["cause"] == "another form of GELU"
        assert found["evidence"].startswith(said), found


def test_products_with_fewer_digits_are_named_by_what_they_give(
    compare: Compare, tmp_path: Path
) -> None:
    recipe = written(tmp_path, reference="mlp_torch.py")
    forward = "def forward(model, x):\n    return model(x)\n"
    mixed = """
def rounded(x):
    return x.to(torch.bfloat16).to(x.dtype)


def forward(model, x):
    h = F.linear(rounded(x), rounded(model[0].weight), model[0].bias)
    h = rounded(model[1:3](h))
    return F.linear(h, rounded(model[3].weight), model[3].bias)
"""
    source = (PORTS / "mlp_torch.py").read_text()
    assert source.count(forward) == 1
    (tmp_path / "mixed.py").write_text(source.replace(forward, mixed))
    run = compare(recipe, "--dtype=float64", "--steps=2", *withs(tmp_path, ["mixed.py"]))
    found = run.result("mixed.py", "float64")["diagnosis"]
    assert found["cause"] == "bfloat16 precision"
    assert "the factors of each product are rounded to bfloat16" in found["evidence"]


def test_variants_are_tried_everywhere_then_by_line_then_alone() -> None:
    places = (Place("a.norm1", "8"), Place("a.norm2", "9"), Place("b.norm1", "8"))
    found = [Variant("cause", "claim", (place,)) for place in places]
    tried = [
        variant.places for variant in gathered([*found, Variant("other", "claim", places[:1])])
    ]
    a1, a2, b1 = places
    assert tried == [(a1, a2, b1), (a1,), (a1, b1), (a2,), (a1,), (b1,)]


def test_norms_by_root_mean_squares_may_have_the_smallest_epsilons() -> None:
    class RMSNorm:
        eps = 1e-5

    class LayerNorm(RMSNorm):
        pass

    smallest = {f"the eps of RMSNorm is {eps:g}, not 1e-05" for eps in (2**-52, 2**-23)}
    found = {each.claim for each in held([("a", RMSNorm()), ("b", LayerNorm())])}
    assert {claim for claim in found if "e-16" in claim or "1.19" in claim} == smallest


def test_variants_are_tried_in_one_layer_of_all_blocks() -> None:
    named = [f"net.py:8 in blocks.{block}.norm{n}" for block in (0, 1) for n in (1, 2)]
    found = [Variant("cause", "claim", (Place(name, "8"),)) for name in named]
    tried = [{place.shown for place in variant.places} for variant in gathered(found)]
    assert tried == [{*named}, {*named[::2]}, {*named[1::2]}, *({name} for name in named)]


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


def smoothed_among_others(z: Any, y: Any) -> Any:
    """Return a cross-entropy whose right class has 0.9, and whose others have 0.1 together."""
    likely = nn().log_softmax(z, 1)
    right = likely.gather(1, y[:, None])[:, 0]
    return -(0.9 * right + 0.1 / (z.shape[1] - 1) * (likely.sum(1) - right)).mean()


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
            lambda z, y: nn().cross_entropy(z, y, label_smoothing=0.1),
            smoothed_among_others,
            "labels are smoothed by 0.1, shared among the other classes alone",
        ),
        (
            lambda z, y: z[:, -1] + y,
            lambda z, y: z[:, 0] + y,
            "the first along axis 1 of an array is taken, not index -1",
        ),
    ],
)
def test_an_operation_is_made_otherwise(reference: Any, port: Any, claim: str) -> None:
    z, y = np.linspace(-2, 3, 12).reshape(3, 4) ** 3, np.array([2, 0, 1])
    assert_is_the_port_with(claim, reference, port, z, y)


def assert_is_the_port_with(
    claim: str, reference: Any, port: Any, *arrays: Any, framework: str = "torch"
) -> None:
    """Check that a reference agrees with a port once it has the variant of a claim, and only then.

    reference, port: functions of a framework, which are held to each other as `assert_agree` does.
    """
    native, model, wide = _native(framework)
    tools = importlib.import_module(f"impls.{framework}.variants")
    with wide():
        given = [native(array) for array in arrays]
        found = tools.found(model, lambda: reference(*given), lambda: "line")
    (variant,) = (each for each in found if each.claim == claim)

    def changed(*given: Any) -> Any:
        with tools.applied(model, variant, lambda: "line"):
            return reference(*given)

    both: Any = {"framework": framework, "reference_framework": framework}
    assert_agree(port, changed, *arrays, **both)
    with pytest.raises(AssertionError):
        assert_agree(port, reference, *arrays, **both)


def _native(framework: str) -> tuple[Any, Any, Any]:
    """Return what makes a framework's arrays, a model of nothing, and what lets float64 be."""
    own = pytest.importorskip(framework)
    if framework == "jax":
        return own.numpy.asarray, {}, lambda: own.enable_x64(True)
    if framework == "tensorflow":
        return own.constant, None, nullcontext
    return own.from_numpy, own.nn.Module(), nullcontext


def rotated(
    x: Any, pairs: str = "halves", base: float = 1e4, positions: Any = None, mixed: bool = False
) -> Any:
    """Return tokens with rotary positions, (batch, heads, tokens, width)."""
    torch = pytest.importorskip("torch")
    tokens, width = x.shape[-2:]
    exponents = torch.arange(0, width, 2, dtype=x.dtype) / width
    positions = torch.arange(tokens) if positions is None else positions
    angles = positions.unsqueeze(-1) / base**exponents
    if pairs == "halves":
        angles = torch.cat((angles, angles), -1)
        turned = torch.cat((-x[..., width // 2 :], x[..., : width // 2]), -1)
    else:
        angles = angles.repeat_interleave(2, -1)
        turned = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    if mixed:
        turned = torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2)
    return x * angles.cos() + turned * angles.sin()


def attended(x: Any, mask: Any = None, rotate: tuple[bool, ...] = (True, True, False)) -> Any:
    q, k, v = (rotated(x * n) if turn else x * n for n, turn in enumerate(rotate, 1))
    return nn().scaled_dot_product_attention(q, k, v, attn_mask=mask)


def by_hand(x: Any, mask: Any) -> Any:
    scores = (x @ (2 * x).transpose(-2, -1) / 2).masked_fill(~mask, -1e9)
    return scores.softmax(-1) @ (3 * x)


def masked(x: Any, mask: Any, times: bool = False) -> Any:
    """Return attention written out, whose mask is added to the scores, or a factor of them."""
    scores = x @ (2 * x).transpose(-2, -1) / 2
    hidden = (~mask).to(x.dtype).masked_fill(~mask, -math.inf)
    return (scores * mask if times else scores + hidden).softmax(-1) @ (3 * x)


def scale() -> Any:
    torch = pytest.importorskip("torch")
    return torch.nn.Parameter(torch.arange(1.0, 5.0, dtype=torch.float64))


def of_heads(x: Any, mask: Any, scale: float = 1.0, behind: bool = True) -> Any:
    """Return what PyTorch's own attention of two heads gives; its queries and keys, scaled.

    behind: whether heads lie behind one another, not between.
    """
    torch = pytest.importorskip("torch")
    tokens, hidden = x[:, 0], ~mask[:, 0, 0]
    weight = torch.sin(torch.arange(48.0, dtype=x.dtype)).reshape(12, 4)
    weight[:8] *= scale**0.5
    last = torch.cos(torch.arange(16.0, dtype=x.dtype)).reshape(4, 4)
    if not behind:  # so that each head takes what lies between
        order = torch.tensor([0, 2, 1, 3])
        weight = weight.reshape(3, 4, 4)[:, order].reshape(12, 4)
    return torch.nn.functional.multi_head_attention_forward(
        *(tokens.transpose(0, 1),) * 3,
        *(4, 2, weight, None, None, None, False, 0.0, last, None),
        key_padding_mask=hidden,
        need_weights=False,
    )[0]


def in_tf32(x: Any, rounded: precision.Format = precision.tf32) -> Any:
    return pytest.importorskip("torch").from_numpy(rounded(x.numpy()))


TEXTS: dict[str, Any] = {
    "attention scores are multiplied by the root of the width, not divided": (
        of_heads,
        lambda x, m: of_heads(x, m, scale=2.0),
    ),
    "attention has no mask": (of_heads, lambda x, m: of_heads(x, m | True)),
    "heads made by another shape lie between one another, not behind": (
        of_heads,
        lambda x, m: of_heads(x, m, behind=False),
    ),
    "the factors of each product are rounded to TF32": (
        lambda x, m: x @ x.cos().mT,
        lambda x, m: in_tf32(x) @ in_tf32(x.cos()).mT,
    ),
    "the factors of each product are rounded to TF32, toward 0": (
        lambda x, m: x @ x.cos().mT,
        lambda x, m: (
            in_tf32(x, precision.tf32_toward_0) @ in_tf32(x.cos(), precision.tf32_toward_0).mT
        ),
    ),
    "nothing is multiplied by 3": (lambda x, m: (x * 3).cos(), lambda x, m: x.cos()),
    "numbers are divided by the root of 3": (
        lambda x, m: (x / 3).cos(),
        lambda x, m: (x / 3**0.5).cos(),
    ),
    "rotary positions rotate pairs of neighbours, not of halves": (
        lambda x, m: rotated(x),
        lambda x, m: rotated(x, "neighbours"),
    ),
    "rotary positions rotate pairs of neighbours by the angles of pairs of halves": (
        lambda x, m: rotated(x),
        lambda x, m: rotated(x, mixed=True),
    ),
    "the base of the frequencies is 500000, not 10000": (
        lambda x, m: rotated(x),
        lambda x, m: rotated(x, base=5e5),
    ),
    "rotary positions go along the heads, not along the positions": (
        lambda x, m: rotated(x),
        lambda x, m: rotated(x, positions=pytest.importorskip("torch").arange(2)[:, None]),
    ),
    "values are rotated, as queries and keys are": (
        lambda x, m: attended(x, m),
        lambda x, m: attended(x, m, (True, True, True)),
    ),
    "keys are not rotated": (
        lambda x, m: attended(x, m),
        lambda x, m: attended(x, m, (True, False, False)),
    ),
    "what the mask of attention hides is 0 before the softmax": (
        masked,
        lambda x, m: masked(x, m, times=True),
    ),
    "the mask of attention is inverted": (by_hand, lambda x, m: by_hand(x, ~m)),
    "attention scores are not scaled": (
        by_hand,
        lambda x, m: nn().scaled_dot_product_attention(x, 2 * x, 3 * x, m, scale=1.0),
    ),
    "heads follow one another again, in place of each being repeated": (
        lambda x, m: x.repeat_interleave(2, dim=1),
        lambda x, m: x.repeat(1, 2, 1, 1),
    ),
    "heads and tokens are reshaped, not transposed": (
        lambda x, m: x.transpose(1, 2).cos(),
        lambda x, m: x.reshape(2, 3, 2, 4).cos(),
    ),
    "silu is applied to the other of two factors": (
        lambda x, m: nn().silu(x) * x.cos(),
        lambda x, m: x * nn().silu(x.cos()),
    ),
    "what a norm gives is added, not what it is given": (
        lambda x, m: x + nn().rms_norm(x, (4,)).sin(),
        lambda x, m: nn().rms_norm(x, (4,)) + nn().rms_norm(x, (4,)).sin(),
    ),
    "the epsilon of rms_norm is 1e-05, not the smallest of its precision": (
        lambda x, m: nn().rms_norm(x, (4,)),
        lambda x, m: nn().rms_norm(x, (4,), eps=1e-5),
    ),
    "the epsilon of rms_norm is the smallest of its precision, not 1e-05": (
        lambda x, m: nn().rms_norm(x, (4,), eps=1e-5),
        lambda x, m: nn().rms_norm(x, (4,)),
    ),
    "the epsilon of rms_norm is added to the root, not under it": (
        lambda x, m: x * (x.pow(2).mean(-1, keepdim=True) + 1e-2).rsqrt(),
        lambda x, m: x / (x.pow(2).mean(-1, keepdim=True).sqrt() + 1e-2),
    ),
    "RMSNorm and its scale are left out": (
        lambda x, m: scale() * (x * (x.pow(2).mean(-1, keepdim=True) + 1e-2).rsqrt()),
        lambda x, m: x,
    ),
    "padded tokens count in the mean": (
        lambda x, m: (x[:, 0] * m[:, 0].mT).sum(1) / m[:, 0].mT.sum(1),
        lambda x, m: x[:, 0].mean(1),
    ),
    "the first along axis 2 of an array is taken, not the mean": (
        lambda x, m: x.mean(2),
        lambda x, m: x[:, :, 0],
    ),
}


@pytest.mark.parametrize("claim", TEXTS)
def test_what_is_made_of_texts_is_made_otherwise(claim: str) -> None:
    x = np.sin(np.linspace(-2, 3, 48).reshape(2, 2, 3, 4)) / 8
    mask = np.array([[[[True, True, False]]], [[[True, False, False]]]])
    assert_is_the_port_with(claim, *TEXTS[claim], x, mask)


def scheduled(start: Any, clip: Any, ahead: int = 0, scale: float = 1, decays: bool = True) -> Any:
    """Return a weight after three steps with clipping and a rate that rises.

    start: what it is before. clip: torch's function, as who imported it by name has it. ahead:
    steps by which the rate rises early. scale: of gradients. decays: whether the decay rises.
    """
    torch = pytest.importorskip("torch")
    weight = start.clone().requires_grad_()
    made = torch.optim.AdamW([weight], 0.1, eps=0.1, weight_decay=0.1)
    rates = torch.optim.lr_scheduler.LambdaLR(made, lambda step: (step + 1 + ahead) / 8)
    for _ in range(3):
        made.zero_grad()
        (scale * weight**2 / 9).sum().backward()
        clip([weight], 1.0)
        if not decays:
            made.param_groups[0]["weight_decay"] = 0.01 / made.param_groups[0]["lr"]
        made.step()
        rates.step()
    return weight.detach()


@pytest.mark.parametrize(
    ("claim", "changed"),
    [
        ("the schedule of the learning rate is one step ahead", {"ahead": 1}),
        ("gradients are multiplied by 2 before they are clipped", {"scale": 2}),
        (
            "the weight decay of AdamW is multiplied by the learning rate before it is scheduled",
            {"decays": False},
        ),
    ],
)
def test_an_optimizer_may_be_scheduled_otherwise(claim: str, changed: Any) -> None:
    clip = pytest.importorskip("torch").nn.utils.clip_grad_norm_
    reference, port = partial(scheduled, clip=clip), partial(scheduled, clip=clip, **changed)
    assert_is_the_port_with(claim, reference, port, np.array([1.0, 2.0]))


def by_groups(
    start: Any,
    scheduled: str = "by hand",
    decayed: Any = None,
    rates: tuple[float, float] = (0.1, 0.3),
) -> Any:
    """Return a weight of each of two groups, with rates of their own, after three steps.

    scheduled: by whom, "by hand" or "by PyTorch", if by anybody. decayed: of what rates the decay
    is, if not of those that are scheduled.
    """
    torch = pytest.importorskip("torch")
    weights = [value.clone().requires_grad_() for value in start]
    groups = [{"params": [w], "lr": rate} for w, rate in zip(weights, rates, strict=True)]
    made = torch.optim.AdamW(groups, 0.7, eps=0.1, weight_decay=0.1)
    if scheduled == "by PyTorch":
        schedule = torch.optim.lr_scheduler.LambdaLR(made, lambda step: (step + 1) / 4)
    for step in range(3):
        for group, rate in zip(made.param_groups, rates, strict=True):
            if scheduled == "by hand":
                group["lr"] = rate * (step + 1) / 4
            if decayed:
                group["weight_decay"] = 0.1 * decayed[rates.index(rate)] / group["lr"]
        made.zero_grad()
        sum(w**2 for w in weights).sum().backward()
        made.step()
        if scheduled == "by PyTorch":
            schedule.step()
    return torch.stack(weights).detach()


BEFORE = "the weight decay of AdamW is multiplied by the learning rate before it is scheduled"


@pytest.mark.parametrize(
    ("claim", "reference", "port"),
    [
        (
            "AdamW has the learning rate that it was made with, unscheduled",
            by_groups,
            partial(by_groups, scheduled="by nobody"),
        ),
        (BEFORE, by_groups, partial(by_groups, decayed=(0.1, 0.3))),
        (
            BEFORE,
            partial(by_groups, scheduled="by PyTorch"),
            partial(by_groups, scheduled="by PyTorch", decayed=(0.1, 0.3)),
        ),
    ],
)
def test_each_group_of_an_optimizer_has_its_own_first_rate(
    claim: str, reference: Any, port: Any
) -> None:
    assert_is_the_port_with(claim, reference, port, np.array([1.0, 2.0]))


def test_no_schedule_is_said_to_be_another_where_there_is_none() -> None:
    torch = pytest.importorskip("torch")
    tools = importlib.import_module("impls.torch.variants")
    start = torch.tensor([1.0, 2.0], dtype=torch.float64)
    for scheduled, said in (("by hand", True), ("by nobody", False)):
        found = tools.found(None, lambda by=scheduled: by_groups(start, by), lambda: "line")
        assert any(each.cause == tools.optimizers.schedules.SCHEDULE for each in found) == said
        assert any(each.claim == BEFORE for each in found) == said


def nn() -> Any:
    return importlib.import_module("torch.nn.functional")


def test_factors_that_are_rounded_to_tf32_have_slopes() -> None:
    torch = pytest.importorskip("torch")
    tools = importlib.import_module("impls.torch.variants")
    x = torch.linspace(0.1, 0.9, 6, dtype=torch.float64).reshape(2, 3).requires_grad_()
    found = tools.found(None, lambda: x @ x.mT, lambda: "line")
    (variant,) = (each for each in found if each.claim.endswith("rounded to TF32"))
    with tools.applied(None, variant, lambda: "line"):
        (slope,) = torch.autograd.grad((x @ x.mT).sum(), x)
    due = 2 * precision.tf32(x.detach().numpy()).sum(0)
    assert np.array_equal(slope.numpy(), np.broadcast_to(due, (2, 3)))
