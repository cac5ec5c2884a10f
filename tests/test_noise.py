"""Noise: operations err by the right size in every framework, and never cease to in silence."""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from parity import contract
from parity.contract import PortName
from parity.standard import floors, reference
from parity.standard.floors import check_scale
from parity.standard.inputs import Store
from shared.experiment import prepare
from shared.rounding import NoiseLostError, Rounding

Operation = Callable[[Any], Any]
NUMPY: Any = importlib.import_module(
    "impls.numpy.noise"
)  # ports and what is beside them have no types
FACTOR = 10  # floors measured through two frameworks differ by up to 8.3 on all of our nets

# What NumPy can do under noise, and what it refuses.
KEPT: dict[str, Operation] = {
    "add": lambda a: a + 1,
    "matmul": lambda a: a @ a.T,
    "stacked matmul": lambda a: a[None] @ a.T[None],
    "matrix and vector": lambda a: a @ a[0],
    "sum": lambda a: a.sum(axis=0),
    "np.sum": lambda a: np.sum(a, axis=1, keepdims=True),
    "mean": lambda a: a.mean(),
    "np.mean": lambda a: np.mean(a, axis=0),
    "variance": lambda a: a.var(axis=0),
    "tanh": np.tanh,
    "exp": np.exp,
    "log": lambda a: np.log(np.abs(a) + 1),
    "divide": lambda a: a / 3,
    "softmax": lambda a: np.exp(a - a.max(axis=1, keepdims=True)),
    "clip": lambda a: np.clip(a, -1, 1) * 3.3,
    "maximum": lambda a: np.maximum(a, 0) * 3.3,
    "rows": lambda a: a[np.arange(10)] * 3.3,
    "np.where": lambda a: np.where(a > 0, a, 0) * 3.3,
    "np.einsum": lambda a: np.einsum("ij,ij->i", a, a),
    "np.stack": lambda a: np.stack([a, a]) * 3.3,
    "np.dot": lambda a: np.dot(a, a.T),
    "ndarray.dot": lambda a: a.dot(a.T),
    "np.cumsum": lambda a: np.cumsum(a, axis=0),
    "windows": lambda a: np.lib.stride_tricks.sliding_window_view(a, (3, 3)) * 3.3,
    "norm": lambda a: np.linalg.norm(a, axis=1),
    "a function that nobody listed": lambda a: np.sinc(a),
}
LOST: dict[str, Operation] = {
    "a plain out": lambda a: np.multiply(a, 2, out=np.empty(a.shape)),
    "a plain target": lambda a: np.copyto(np.empty(a.shape), a),
    "an out": lambda a: np.einsum("ij->j", a, out=a[0]),
    "at": lambda a: np.add.at(a, 0, 1),
    "where": lambda a: np.sum(a, where=np.asarray(a) > 0),
    "two results": lambda a: np.modf(a),
}


def numpy_noise(seed: int = 0) -> Any:
    return NUMPY.Noise(Rounding(np.random.default_rng(seed)))


def values(dtype: str) -> Any:
    return np.random.default_rng(1).standard_normal((40, 30)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KEPT)
def test_an_operation_of_numpy_errs_by_a_few_units(name: str, dtype: str) -> None:
    operation, plain = KEPT[name], np.asarray(KEPT[name](values(dtype)))
    runs = []
    for seed in range(8):
        noise = numpy_noise(seed)
        runs.append(operation(noise.take(values(dtype))))
        noise.require([runs[-1]], name)
    assert all(run.dtype == dtype and run.shape == plain.shape for run in runs)
    moved = max(np.abs(np.asarray(run) - plain).max() for run in runs)
    assert 0 < moved <= 64 * np.spacing(np.abs(plain).max().astype(dtype))
    assert any(np.any(np.asarray(run) != np.asarray(runs[0])) for run in runs)


@pytest.mark.parametrize("name", LOST)
def test_what_would_lose_the_noise_is_refused(name: str) -> None:
    with pytest.raises(NoiseLostError):
        LOST[name](numpy_noise().take(values("float64")))


def test_a_plain_array_that_comes_back_is_noticed() -> None:
    noise = numpy_noise()
    erring = noise.take(values("float64"))
    with pytest.raises(NoiseLostError, match="loss returned a plain array"):
        noise.require([erring, np.zeros(3)], "loss")
    with pytest.raises(NoiseLostError):
        noise.require([erring[0, 0]], "loss")


def test_what_every_library_computes_exactly_is_exact() -> None:
    noise = numpy_noise()
    erring, plain = noise.take(values("float64")), values("float64")
    zeros, counts = noise.take(np.zeros((5, 40))), noise.take(np.arange(1.0, 41.0))
    assert not np.asarray(zeros @ erring).any()
    assert np.array_equal(np.asarray(-erring), -plain)
    assert np.array_equal(np.asarray(np.maximum(erring, 0)), np.maximum(plain, 0))
    assert np.asarray(counts.sum()) == 820
    assert np.array_equal(np.asarray(counts * 3), np.arange(1.0, 41.0) * 3)


@pytest.mark.parametrize("value", [0.0, -0.0, np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_error_comes_to_what_has_none(value: float, dtype: str) -> None:
    given = np.full(500, value, dtype)
    rounding = Rounding(np.random.default_rng(0))
    for moved in (rounding.rounded(given), rounding.approximated(given)):
        assert np.array_equal(moved, given, equal_nan=True)


@pytest.mark.parametrize("name", ["matmul", "np.dot", "np.einsum"])
def test_what_is_held_in_float32_beside_float64_errs_as_float64_does(name: str) -> None:
    products: dict[str, Callable[..., Any]] = {
        "matmul": lambda a, b: a @ b,
        "np.dot": np.dot,
        "np.einsum": lambda a, b: np.einsum("ij,jk->ik", a, b),
    }
    a, b = values("float64"), values("float32").T
    got = products[name](numpy_noise().take(a), b)
    assert 0 < np.abs(np.asarray(got) - a @ b).max() < 1e-13


def test_what_jax_holds_in_float32_beside_float64_errs_as_float64_does() -> None:
    jax = importlib.import_module("jax")
    a, b = values("float64"), values("float32").T
    with jax.enable_x64(True):
        given = jax.numpy.asarray(a)
        noise = importlib.import_module("impls.jax.noise").Noise(Rounding(np.random.default_rng(0)))
        with noise:
            got = np.asarray(given @ b)
    assert 0 < np.abs(got - a @ b).max() < 1e-13


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_smallest_numbers_stay_numbers(dtype: str) -> None:
    smallest = np.finfo(dtype).smallest_subnormal
    given = (smallest * np.arange(-40, 41)).astype(dtype)
    rounding = Rounding(np.random.default_rng(0))
    for _ in range(50):
        for moved in (rounding.rounded(given), rounding.approximated(given)):
            assert np.isfinite(moved).all()
            assert np.abs(moved - given).max() <= 4 * smallest


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_errors_are_as_likely_as_the_model_says(dtype: str) -> None:
    count, random = 300_000, np.random.default_rng(1)  # so many that they err in several parts
    given = random.uniform(1, 2, count).astype(dtype)
    rounding, exact = Rounding(np.random.default_rng(0)), random.uniform(-0.5, 0.5, count)

    def units(moved: Any) -> Any:
        return (moved.real - given.real) / np.spacing(given.real)

    first, second = units(rounding.rounded(given)), units(rounding.rounded(given))
    leaning = units(rounding.approximated(given))
    leaning *= np.sign(leaning.mean())
    for got, due in (
        (first, exact + random.uniform(-0.5, 0.5, count)),
        (leaning, exact + random.uniform(0, 1, count) + random.uniform(-1, 1, count)),
    ):
        for part in np.array_split(got, 10):
            for unit in range(-3, 4):
                assert abs((part == unit).mean() - (np.rint(due) == unit).mean()) < 0.02
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


@pytest.mark.parametrize("kind", ["rounded", "approximated", "saturated"])
def test_values_err_where_they_are_or_in_a_copy(kind: str) -> None:
    rounding = Rounding(np.random.default_rng(0))
    given = values("float64")
    for layout in (given, given.T, np.moveaxis(given.reshape(4, 10, 30), 1, 2)):
        before, own = layout.copy(), layout.copy("K")
        moved = getattr(rounding, kind)(own)
        assert np.array_equal(own, before)
        assert moved.strides == own.strides
        assert getattr(rounding, kind)(own, copy=False) is own
        assert 0 < np.abs(own - before).max() < 1e-14
        assert 0 < np.abs(moved - before).max() < 1e-14
    gaps, before = given[:, ::2], given[:, ::2].copy()
    moved = getattr(rounding, kind)(gaps, copy=False)
    assert 0 < np.abs(moved - before).max() < 1e-14
    assert np.array_equal(gaps, before)


def test_in_place_operations_stay_in_place() -> None:
    erring = numpy_noise().take(values("float64"))
    before, same = np.asarray(erring).copy(), erring
    erring -= 0.1 * erring
    assert erring is same
    assert isinstance(erring, NUMPY.NoisyArray)
    assert not np.array_equal(np.asarray(erring), before)


def test_sums_in_the_rows_own_order_are_among_the_runs() -> None:
    # One class after the other: the sum climbs to 2,000 before it comes down again.
    ones = np.random.default_rng(1).uniform(0.9, 1.1, 2000)
    column = np.concatenate([ones, -ones]).astype(np.float32)
    in_order = abs(np.add.accumulate(column)[-1])
    sums = [abs(float(numpy_noise(seed).take(column).sum())) for seed in range(8)]
    assert in_order > 0
    assert max(sums) >= in_order / 8


def test_floors_that_do_not_fit_each_other_are_refused() -> None:
    at = ("gradients", 3)
    single, due = {at: {"W": 1e-7}}, {at: {"W": np.ones(2)}}
    assert check_scale(single, {at: {"W": 1e-7 / 2**29}}, due) is None
    with pytest.raises(KeyError):  # nothing to compare with is no agreement
        check_scale(single, {}, due)
    far = {at: {"W": 1e-7 / 2**29 / 10_000}}
    assert check_scale(single, far, {at: {"W": np.array([1e-7, 0])}}) is None  # it is all noise
    chosen = {at: {"W": 1e-4}}  # in float32, a run took another of two values, as max pooling does
    assert check_scale(chosen, {at: {"W": 10 * np.spacing(1.0)}}, due) is None
    assert check_scale(chosen, {at: {"W": np.spacing(1.0)}}, due) is not None
    lost = check_scale(single, far, due)
    assert lost is not None
    assert "W (gradients, step 3) do not fit" in lost
    single_in_double = check_scale(single, {at: {"W": 1e-7}}, due)
    assert single_in_double is not None
    assert "in float64, W (gradients, step 3) is hardly more exact than in float32" in (
        single_in_double
    )


# The other frameworks


def _torch() -> dict[str, Operation]:
    torch = importlib.import_module("torch")
    functional = torch.nn.functional

    def steps(optimizer: Callable[..., Any], **options: Any) -> Operation:
        def run(a: Any) -> Any:
            weight = (0.1 * a[:4]).clone().requires_grad_()
            chosen = optimizer([weight], **options)
            for _ in range(3):
                chosen.zero_grad()
                (a @ weight.T).tanh().square().mean().backward()
                torch.nn.utils.clip_grad_norm_([weight], 0.01)
                chosen.step()
            return weight.detach()

        return run

    def attention_gradient(a: Any) -> Any:
        a = a[None, None].clone().requires_grad_()
        functional.scaled_dot_product_attention(a, a, a, is_causal=True).square().sum().backward()
        return a.grad

    def fused_attention_gradient(a: Any) -> Any:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.FLASH_ATTENTION):
            return attention_gradient(a)

    def batch_norm(a: Any) -> Any:
        layer = torch.nn.BatchNorm1d(30, dtype=a.dtype)
        layer(a)
        return layer.running_mean

    return {
        "add": lambda a: a + 1.1,
        "matmul": lambda a: a @ a.T,
        "sum": lambda a: a.sum(0),
        "einsum": lambda a: torch.einsum("ij,kj->ik", a, a),
        "softmax": lambda a: functional.softmax(a, 1),
        "layer norm": lambda a: functional.layer_norm(a, (30,)),
        "gelu": functional.gelu,
        "attention": lambda a: functional.scaled_dot_product_attention(*3 * (a[None],)),
        "attention differentiated": attention_gradient,
        "fused attention differentiated": fused_attention_gradient,
        "convolution": lambda a: functional.conv1d(a[:, None], a[:3, None, :5]),
        "in place": lambda a: a.clone().mul_(1.1),
        "a list in place": lambda a: torch._foreach_mul([a], 1.1)[0],
        "an out": lambda a: torch.mul(a, 1.1, out=torch.empty_like(a)),
        "running means": batch_norm,
        "grad": torch.func.grad(lambda a: a.tanh().sum()),
        "vmap": torch.func.vmap(lambda a: a.tanh().sum()),
        "compiled": torch.compile(lambda a: a.tanh() * 3.3),
        "SGD": steps(torch.optim.SGD, lr=0.1, momentum=0.9),
        "fused SGD": steps(torch.optim.SGD, lr=0.1, fused=True),
        "Adam": steps(torch.optim.Adam, lr=0.1),
        "foreach Adam": steps(torch.optim.Adam, lr=0.1, foreach=True),
    }


def _jax() -> dict[str, Operation]:
    jax = importlib.import_module("jax")
    jnp, lax = jax.numpy, jax.lax

    key, tripled = jax.random.key(0), jax.custom_vjp(lambda a: a * 3.3)
    tripled.defvjp(lambda a: (a * 3.3, a), lambda a, g: (g * a,))
    plain: dict[str, Operation] = {
        "add": lambda a: a + 1.1,
        "matmul": lambda a: a @ a.T,
        "sum": lambda a: a.sum(0),
        "einsum": lambda a: jnp.einsum("ij,kj->ik", a, a),
        "stack": lambda a: jnp.stack([a, a]) * 3.3,
        "one of several keys": lambda a: a * jax.random.key_data(jax.random.split(key, 3)[1])[0],
        "softmax": lambda a: jax.nn.softmax(a, 1),
        "scan": lambda a: lax.scan(lambda c, x: (c * 0.9 + x, c.sum()), a[0], a)[1],
        "scan differentiated": jax.grad(
            lambda a: lax.scan(lambda c, x: (jnp.tanh(c + x), c.sum()), a[0], a)[1].sum()
        ),
        "while": lambda a: lax.while_loop(
            lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 1.1), (0, a)
        )[1],
        "fori": lambda a: lax.fori_loop(0, 3, lambda i, c: jnp.sin(c), a),
        "cond": lambda a: lax.cond(a.sum() > 0, lambda a: a * 3.3, lambda a: a * 4.4, a),
        "checkpoint": jax.grad(lambda a: jax.checkpoint(lambda a: jnp.sin(jnp.cos(a)))(a).sum()),
        "custom vjp": jax.grad(lambda a: tripled(a).sum()),
        "custom jvp": jax.grad(lambda a: (jax.nn.relu(a) * 3.3).sum()),
        "vmap": jax.vmap(jax.grad(lambda a: jnp.tanh(a).sum())),
        "map": lambda a: lax.map(jnp.exp, a),
    }
    return {name: jax.jit(operation) for name, operation in plain.items()}


def _tensorflow() -> dict[str, Operation]:
    tf = importlib.import_module("tensorflow")

    def gradient(a: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(a)
            value = tf.reduce_sum(tf.tanh(a @ tf.transpose(a)))
        return tape.gradient(value, a)

    def loop(a: Any) -> Any:
        for _ in tf.range(3):
            a = a * 1.1
        return a

    def steps(optimizer: Callable[[], Any]) -> Operation:
        def run(a: Any) -> Any:
            weight, chosen = tf.Variable(0.1 * a[:4]), optimizer()
            for _ in range(3):
                with tf.GradientTape() as tape:
                    value = tf.reduce_mean(tf.square(tf.tanh(a @ tf.transpose(weight))))
                chosen.apply_gradients([(tape.gradient(value, weight), weight)])
            return weight.read_value()

        return run

    def assigned(a: Any) -> Any:
        variable = tf.Variable(a)
        variable.assign_sub(a * 0.1)
        return variable.read_value()

    plain: dict[str, Operation] = {
        "add": lambda a: a + 1.1,
        "matmul": lambda a: a @ tf.transpose(a),
        "sum": lambda a: tf.reduce_sum(a, 0),
        "mean": lambda a: tf.reduce_mean(a, 0),
        "einsum": lambda a: tf.einsum("ij,kj->ik", a, a),
        "a part of a matrix": lambda a: tf.linalg.band_part(a, -1, 0) * 3.3,
        "conv1d": lambda a: tf.nn.conv1d(a[None], a[:3, :, None], 1, "SAME"),
        "softmax": tf.nn.softmax,
        "gradient": gradient,
        "while": lambda a: tf.while_loop(lambda i, a: i < 3, lambda i, a: (i + 1, a * 1.1), (0, a))[
            1
        ],
        "scan": lambda a: tf.scan(lambda c, x: c * 0.9 + x, a),
        "vectorized": lambda a: tf.vectorized_map(tf.exp, a),
        "cond": lambda a: tf.cond(tf.reduce_sum(a) > 0, lambda: a * 3.3, lambda: a * 4.4),
    }
    alone: dict[str, Operation] = {
        "a loop": tf.function(loop, autograph=True),
        "under XLA": tf.function(lambda a: tf.tanh(a) * 3.3, jit_compile=True),
        "a variable": assigned,
        "SGD": steps(lambda: tf.keras.optimizers.SGD(0.1, momentum=0.9)),
        "Adam": steps(lambda: tf.keras.optimizers.Adam(0.1)),
    }
    return {**{name: tf.function(operation) for name, operation in plain.items()}, **alone}


OPERATIONS = {"torch": _torch, "jax": _jax, "tensorflow": _tensorflow}
ENOUGH = 1e4  # units in the last place, where Adam divides small gradients by themselves


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=OPERATIONS)
def runtime(request: pytest.FixtureRequest, dtype: str) -> Iterator[tuple[str, Any]]:
    """A framework's name and its runtime, in one precision; then in the one it began with."""
    framework = request.param
    module = importlib.import_module(f"impls.{framework}.runtime")
    module.configure(dtype, "cpu", 1)
    yield framework, module
    module.configure("float32", "cpu", 1)


@pytest.mark.filterwarnings("ignore")  # of whatever a framework says when it is first used
def test_operations_err_by_a_few_units(runtime: tuple[str, Any], dtype: str) -> None:
    framework, own = runtime
    noise_of = importlib.import_module(f"impls.{framework}.noise").Noise
    for name, operation in OPERATIONS[framework]().items():
        given = own.to_native(values(dtype))
        plain = np.array(own.to_numpy(operation(given)))
        runs = []
        for seed in range(4):
            with noise_of(Rounding(np.random.default_rng(seed))) as noise:
                result = operation(noise.take(given))
            noise.require([result], name)
            assert not noise.operations.unknown, name
            runs.append(np.array(own.to_numpy(result)))
        moved = max(np.abs(run - plain).max() for run in runs)
        unit = np.spacing(np.abs(plain).max().astype(dtype))
        assert 0 < moved <= (ENOUGH if "Adam" in name else 64) * unit, name
        assert any((run != runs[0]).any() for run in runs), name
        after = np.array(own.to_numpy(operation(given)))
        assert np.abs(after - plain).max() <= 8 * unit, f"{name}: the noise has not ended"
        assert np.array_equal(own.to_numpy(given), values(dtype)), name


@pytest.mark.parametrize("framework", OPERATIONS)
def test_a_function_in_which_nothing_errs_is_noticed(framework: str) -> None:
    own = importlib.import_module(f"impls.{framework}.runtime")
    noise = importlib.import_module(f"impls.{framework}.noise").Noise(
        Rounding(np.random.default_rng(0))
    )
    with noise:
        given = own.to_native(np.ones(3, np.float32))
    with pytest.raises(NoiseLostError, match="forward calls no operation that errs"):
        noise.require([given], "forward")


def test_a_layer_that_keras_asks_for_its_shape_errs_when_it_is_called() -> None:
    keras: Any = importlib.import_module("keras")

    class Own(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return keras.ops.tanh(x) * 3.3

    noise = importlib.import_module("impls.tensorflow.noise").Noise(
        Rounding(np.random.default_rng(0))
    )
    given = keras.ops.convert_to_tensor(values("float32")[None])
    with noise:
        inputs = keras.Input(given.shape[1:])
        model = keras.Model(inputs, Own()(inputs))
        runs = [model(given).numpy() for _ in range(2)]
    assert (runs[0] != runs[1]).any()


def test_a_graph_in_which_nothing_would_err_is_an_error() -> None:
    tf = importlib.import_module("tensorflow")
    noise = importlib.import_module("impls.tensorflow.noise").Noise(
        Rounding(np.random.default_rng(0))
    )
    with noise, tf.Graph().as_default(), pytest.raises(NoiseLostError, match="in a graph"):
        tf.tanh(tf.constant(values("float32")))


def test_what_jax_would_execute_as_a_whole_is_an_error() -> None:
    jax = importlib.import_module("jax")
    compiled = jax.jit(lambda a: a * 3.3).lower(values("float32")).compile()
    noise = importlib.import_module("impls.jax.noise").Noise(Rounding(np.random.default_rng(0)))
    with noise, pytest.raises(RuntimeError, match="no_execution"):
        compiled(values("float32"))


@pytest.mark.filterwarnings("ignore")
def test_numpy_computes_what_jax_does(monkeypatch: pytest.MonkeyPatch) -> None:
    jax = importlib.import_module("jax")
    jnp, lax = jax.numpy, jax.lax
    known = importlib.import_module("impls.jax.primitives").NUMPY

    def of_all(a: Any) -> Any:
        n = jnp.asarray([[-7, 2], [9, -4]], jnp.int32)
        large = jnp.log(jnp.abs(a) + 1) + jnp.exp(-jnp.square(a)) + jnp.expm1(a) + jnp.log1p(a**2)
        bounded = jnp.sin(a) + jnp.cos(a) + jnp.tanh(a) + jnp.sign(a) + jnp.sqrt(jnp.abs(a))
        chosen = jnp.where(a > 0.5, a, -a) + jnp.where(a < 0, 2 * a, jnp.minimum(a, 0.3) - 1)
        whole = lax.div(n, jnp.asarray(2, jnp.int32)) + n.astype(jnp.float32).astype(jnp.int32)
        flags = (a >= 0) & (a <= 1) & (a != 0.25) & ~(a == 0.75) & jnp.isfinite(a / 3)
        moved = jnp.concatenate([a[3:20:4, 1:7], a[:5, 2:8]]).T.reshape(6, 1, -1).squeeze(1)
        extremes = a.max(0), a.min(1), jnp.maximum(a[0], a[1])
        linear = jax.grad(lambda a: (a + a * a).sum())(a)
        return large, bounded, chosen, whole, flags, moved, extremes, jnp.copy(a), linear, a[None]

    function, given = jax.jit(of_all), values("float32")
    names = {
        equation.primitive.name for equation in _equations(jax.make_jaxpr(of_all)(given).jaxpr)
    }
    assert known.keys() <= names | {"add_any"}  # which comes up in what is differentiated alone
    due = jax.tree.leaves(function(given))
    monkeypatch.setattr(Rounding, "_err", lambda *_, **__: None)
    with importlib.import_module("impls.jax.noise").Noise(Rounding(np.random.default_rng(0))):
        got = jax.tree.leaves(function(given))
    for one, other in zip(due, got, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), 1e-5, 1e-6)


def _equations(jaxpr: Any) -> Iterator[Any]:
    """Yield all equations of a program of JAX's, of those within it, too."""
    for equation in jaxpr.eqns:
        yield equation
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from _equations(inner)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Any]:
    """What measures the floors of a short run through any framework."""

    def measure(framework: str, recipe: str) -> Any:
        inputs = Store(tmp_path_factory.mktemp("store")).inputs(
            prepare(recipe, "float32", 2, choice="digits"), "cpu", 1
        )
        port = contract.load(PortName(framework), inputs.net)
        ran = reference.run(port, inputs)
        return floors.measure(port, inputs, ran, lambda _: None)

    return measure


@pytest.mark.parametrize("recipe", ["people", "mnist"])
@pytest.mark.parametrize("framework", OPERATIONS)
def test_floors_are_much_the_same_through_every_framework(
    measured: Callable[[str, str], Any], framework: str, recipe: str
) -> None:
    due, got = measured("numpy", recipe), measured(framework, recipe)
    assert got.expected.keys() == due.expected.keys()
    for at, tensors in due.expected.items():
        for name, floor in tensors.items():
            assert 1 / FACTOR < got.expected[at][name] / floor < FACTOR, (at, name)


def test_adam_corrects_its_bias_as_another_library_does() -> None:
    torch = importlib.import_module("torch")
    slopes = np.random.default_rng(0).normal(size=(60, 50)) + 0.3

    def moved(dtype: Any) -> Any:
        weight = torch.ones(50, dtype=dtype, requires_grad=True)
        optimizer = torch.optim.Adam([weight], 0.01)
        for slope in slopes:
            weight.grad = torch.tensor(slope, dtype=dtype)
            optimizer.step()
        return weight.detach().double().numpy()

    def other() -> Any:
        """As in Optax: all in float32, beta2's power among it."""
        weight, mean, square = np.ones(50, np.float32), np.float32(0), np.float32(0)
        for number, slope in enumerate(slopes.astype(np.float32), 1):
            mean = np.float32(0.9) * mean + np.float32(0.1) * slope
            square = np.float32(0.999) * square + np.float32(0.001) * slope**2
            powers = np.array([0.9, 0.999], np.float32) ** np.float32(number)
            one, two = 1 - powers
            weight -= np.float32(0.01) * (mean / one) / (np.sqrt(square / two) + np.float32(1e-8))
        return weight.astype(float)

    due, spread = moved(torch.float64), []
    torch.set_default_dtype(torch.float32)
    for seed in range(8):
        noise_of = importlib.import_module("impls.torch.noise").Noise
        with noise_of(Rounding(np.random.default_rng(seed))):
            spread.append(np.abs(moved(torch.float32) - due).max())
    assert np.abs(other() - due).max() <= max(spread)
