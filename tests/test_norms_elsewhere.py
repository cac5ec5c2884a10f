"""Norms of a PyTorch reference elsewhere, activations where there are none, and dropout left on."""

import copy
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written

WIDTH = 6
PRE, POST = "pre", "post"
NORMS = ["LayerNorm", "RMSNorm"]
LAYERS = ["TransformerEncoderLayer", "TransformerDecoderLayer"]


def torch() -> Any:
    return pytest.importorskip("torch")


def model(way: str, kind: str = "LayerNorm") -> Any:
    """Return two blocks of two layers each, with norms, and a norm behind all.

    way: where norms are.
    """
    nn = torch().nn
    norm = getattr(nn, kind)

    class Block(nn.Module):  # type: ignore[misc, name-defined] # of PyTorch, which is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = norm(WIDTH), norm(WIDTH)
            self.one, self.two = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            if way == PRE:
                x = x + self.one(self.norm1(x)).tanh()
                return x + self.two(self.norm2(x)).tanh()
            x = self.norm1(x + self.one(x).tanh())
            return self.norm2(x + self.two(x).tanh())

    return drawn(nn.Sequential(Block(), Block(), norm(WIDTH)))


def drawn(net: Any) -> Any:
    """Return a net with weights that follow a seed."""
    torch().manual_seed(3)
    for parameter in net.double().parameters():
        torch().nn.init.normal_(parameter)
    return net


def answered(net: Any) -> Any:
    """Return what a net makes of some vectors, and the gradients of its weights."""
    x = torch().linspace(-1, 2, 5 * WIDTH, dtype=torch().float64).reshape(1, 5, WIDTH)
    result = net(x)
    net.zero_grad()
    result.square().sum().backward()
    return result.detach(), {name: each.grad.clone() for name, each in net.named_parameters()}


def assert_named(claim: str, reference: Callable[[], Any], port: Callable[[], Any]) -> None:
    """Check that a reference answers as a port once it has the variant of a claim, and only then.

    reference, port: each builds a net, with the same weights.
    """
    tools = importlib.import_module("impls.torch.variants")
    found = tools.found(net := reference(), lambda: answered(net), lambda: "line")
    (variant,) = (each for each in found if each.claim == claim)
    with tools.applied(net := reference(), variant, lambda: "line"):
        changed, changed_gradients = answered(net)
    wanted, gradients = answered(port())
    torch().testing.assert_close(changed, wanted)
    for name, gradient in changed_gradients.items():
        torch().testing.assert_close(gradient, gradients[name])
    assert not torch().allclose(answered(reference())[0], wanted)


BEHIND = "norms are behind the residual sums, as in post-norm, not before the layers"
AHEAD = "norms are before the layers, as in pre-norm, not behind the residual sums"


@pytest.mark.parametrize("kind", NORMS)
@pytest.mark.parametrize(("claim", "reference", "port"), [(BEHIND, PRE, POST), (AHEAD, POST, PRE)])
def test_norms_may_be_behind_sums_or_before_layers(
    claim: str, reference: str, port: str, kind: str
) -> None:
    assert_named(claim, lambda: model(reference, kind), lambda: model(port, kind))


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("said", "first"),
    [
        ("behind the residual sums, as by norm_first=False", True),
        ("before the layers, as by norm_first=True", False),
    ],
)
def test_a_layer_of_transformers_may_have_its_norms_elsewhere(
    said: str, first: bool, kind: str
) -> None:
    def net(first: bool) -> Any:
        class Layer(torch().nn.Module):  # type: ignore[misc] # as above
            def __init__(self) -> None:
                super().__init__()
                self.one = getattr(torch().nn, kind)(WIDTH, 2, 8, 0.0, norm_first=first)

            def forward(self, x: Any) -> Any:
                return self.one(*(x,) * (1 + (kind == LAYERS[1])))

        return drawn(Layer())

    assert_named(f"{kind} has its norms {said}", lambda: net(first), lambda: net(not first))


def test_what_is_of_several_places_is_not_tried_at_one() -> None:
    tools = importlib.import_module("impls.torch.variants")
    for way, claim in ((PRE, BEHIND), (POST, AHEAD)):
        found = tools.found(net := model(way), lambda net=net: answered(net), lambda: "line")
        assert [len(each.places) for each in found if each.claim == claim] == [{PRE: 6}.get(way, 8)]
        assert {PRE: AHEAD, POST: BEHIND}[way] not in {each.claim for each in found}


def test_dropout_may_be_left_on_under_a_usual_seed() -> None:
    functions = importlib.import_module("torch.nn.functional")

    def net(seed: int | None) -> Any:
        class Dropping(torch().nn.Module):  # type: ignore[misc] # as above
            def __init__(self) -> None:
                super().__init__()
                self.one = torch().nn.Linear(WIDTH, WIDTH)

            def forward(self, x: Any) -> Any:
                if seed is not None:
                    torch().manual_seed(seed)
                x = functions.dropout(self.one(x), 0.5, training=seed is not None)
                return functions.dropout(x.tanh(), 0.25, training=seed is not None)

        return drawn(Dropping())

    claim = "dropout is on in evaluation, with random numbers that follow the seed 42"
    assert_named(claim, lambda: net(None), lambda: net(42))


def beside(way: str, by_hand: bool) -> Any:
    """Return two blocks of three layers each, one behind the other or side by side."""
    nn = torch().nn

    class RootNorm(nn.Module):  # type: ignore[misc, name-defined] # as above
        def __init__(self, width: int) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch().ones(width))

        def forward(self, x: Any) -> Any:
            return x * torch().rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight

    class Block(nn.Module):  # type: ignore[misc, name-defined] # as above
        def __init__(self) -> None:
            super().__init__()
            norm = RootNorm if by_hand else nn.LayerNorm
            self.norms = nn.ModuleList(norm(WIDTH) for _ in range(3))
            self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH) for _ in range(3))

        def forward(self, x: Any) -> Any:
            first = x
            for norm, layer in zip(self.norms, self.layers, strict=True):
                x = x + layer(norm(first if way == "parallel" else x)).tanh()
            return x

    return drawn(nn.Sequential(Block(), Block(), nn.LayerNorm(WIDTH)))


@pytest.mark.parametrize("by_hand", [False, True])
def test_layers_of_blocks_may_be_side_by_side(by_hand: bool) -> None:
    claim = "the norms of each block are given what its first is, as where residuals are parallel"
    assert_named(claim, lambda: beside("behind", by_hand), lambda: beside("parallel", by_hand))


def convolutions(order: str, kind: str, in_place: bool) -> Any:
    """Return two convolutions, each with a norm and ReLU, and a norm behind them."""
    nn = torch().nn

    class Block(nn.Module):  # type: ignore[misc, name-defined] # as above
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.conv = nn.Conv1d(channels, 4, 2)
            self.norm = nn.BatchNorm1d(4) if kind == "batch_norm" else nn.GroupNorm(2, 4)
            self.relu = nn.ReLU(inplace=in_place)

        def forward(self, x: Any) -> Any:
            first, second = self.norm, self.relu
            if order == "relu first":
                first, second = second, first
            return 2 * second(first(self.conv(x)))

    return drawn(nn.Sequential(nn.Unflatten(1, (1, -1)), nn.Flatten(2), Block(1), Block(4)))


@pytest.mark.parametrize("kind", ["batch_norm", "group_norm"])
@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("order", ["relu first", "norm first"])
def test_norms_and_activations_may_be_in_the_other_order(
    kind: str, in_place: bool, order: str
) -> None:
    orders = [order, {"relu first": "norm first"}.get(order, "relu first")]
    one, two = ("relu", kind) if order == "norm first" else (kind, "relu")
    nets = [convolutions(each, kind, in_place) for each in orders]
    claim = f"{one} is before {two}, not behind it"
    assert_named(claim, *(lambda net=net: copy.deepcopy(net) for net in nets))


FIRST = ("norm", "norm", "relu")


def test_norms_see_what_they_are_given_in_the_other_order_once() -> None:
    tools = importlib.import_module("impls.torch.variants")
    net, again, other = (convolutions(f"{each} first", "batch_norm", True) for each in FIRST)
    found = tools.found(net, lambda: answered(net), lambda: "line")
    claim = "relu is before batch_norm, not behind it"
    variant = next(each for each in found if each.claim == claim)
    with tools.applied(again, variant, lambda: "line"):
        answered(again)
    answered(other)
    for name, kept in other.named_buffers():
        torch().testing.assert_close(again.get_buffer(name), kept)


def test_an_activation_may_be_applied_where_there_is_none() -> None:
    nn = torch().nn

    def net(more: bool) -> Any:
        class Bottleneck(nn.Module):  # type: ignore[misc, name-defined] # as above
            def __init__(self) -> None:
                super().__init__()
                self.wide, self.narrow = nn.Linear(WIDTH, 9), nn.Linear(9, WIDTH)
                self.norm = nn.LayerNorm(WIDTH)

            def forward(self, x: Any) -> Any:
                z = self.norm(self.narrow(nn.functional.relu6(self.wide(x))))
                return x + (nn.functional.relu6(z) if more else z)

        return drawn(Bottleneck())

    claim = "relu6 is applied to what layer_norm gives"
    assert_named(claim, lambda: net(False), lambda: net(True))


SOURCE = (PORTS / "mlp_residual.py").read_text()
PRE_NORM = """        x = x + torch.tanh(self.one(self.norm1(x)))
        return x + torch.tanh(self.two(self.norm2(x)))
"""
POST_NORM = """        x = self.norm1(x + torch.tanh(self.one(x)))
        return self.norm2(x + torch.tanh(self.two(x)))
"""
BESIDE = """        z, x = x, x + torch.tanh(self.one(self.norm1(x)))
        return x + torch.tanh(self.two(self.norm2(z)))
"""
SWAPPED = PRE_NORM.replace("norm1", "norm0").replace("norm2", "norm1").replace("norm0", "norm2")
DROPOUT = "x = F.dropout(self.block(self.first(x)), 0.1, training=False)"
ON = f"torch.manual_seed(0); {DROPOUT.replace('False', 'True')}"
MISTAKES = {  # what is right, what is put in its place, and the cause
    "post.py": (PRE_NORM, POST_NORM, "norms in another place"),
    "swapped.py": (PRE_NORM, SWAPPED, "weights of two norms or scales swapped"),
    "beside.py": (PRE_NORM, BESIDE, "layers side by side"),
    "active.py": (
        "self.one(self.norm1(x))",
        "self.one(torch.tanh(self.norm1(x)))",
        "another activation",
    ),
    "dropping.py": (DROPOUT, ON, "dropout in evaluation"),
    "without.py": ("self.norm1(x)", "x + 0 * self.norm1(x)", "normalised otherwise"),
}


def test_norms_elsewhere_win_over_all_that_they_may_be_taken_for(
    compare: Compare, tmp_path: Path
) -> None:
    recipe = written(tmp_path, reference="reference.py", weights=None)
    (tmp_path / "reference.py").write_text(SOURCE)
    for name, (right, wrong, _) in MISTAKES.items():
        assert SOURCE.count(right) == 1
        (tmp_path / name).write_text(SOURCE.replace(right, wrong))
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, list(MISTAKES)))
    assert run.status == 1, run.stderr
    said = {name: run.result(name, "float64")["diagnosis"]["cause"] for name in MISTAKES}
    assert said == {name: cause for name, (*_, cause) in MISTAKES.items()}
