"""JAX: the port, and other idioms for its loop."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from bench.contender import PORT, Contender, Make, Train, batches


def stepwise(donate: bool) -> Any:
    """Return a Python loop over a jitted step, with or without donated weights."""

    def make(module: Any) -> Train:
        step = jax.jit(module.train_step, donate_argnums=(0,) if donate else ())

        def train(
            model: Any, x: Any, y: Any, schedule: Any, learning_rate: float
        ) -> tuple[Any, Any]:
            losses = []
            for batch in batches(schedule, x, y):
                model, value = step(model, *batch, learning_rate)
                losses.append(value)
            return model, jnp.stack(losses)

        return train

    return make


def unrolled(times: int) -> Any:
    """Return a scan whose body holds several steps."""

    def make(module: Any) -> Train:
        @partial(jax.jit, static_argnames="steps")
        def run(model: Any, x: Any, y: Any, rows: Any, learning_rate: float, steps: int) -> Any:
            def step(model: Any, rows: Any) -> Any:
                batch = (x, y) if rows is None else (x[rows], y[rows])
                return module.train_step(model, *batch, learning_rate)

            return jax.lax.scan(step, model, rows, length=steps, unroll=times)

        def train(
            model: Any, x: Any, y: Any, schedule: Any, learning_rate: float
        ) -> tuple[Any, Any]:
            if isinstance(schedule, int):
                return run(model, x, y, None, learning_rate, schedule)  # type: ignore[no-any-return] # jit has no types
            return run(model, x, y, schedule, learning_rate, len(schedule))  # type: ignore[no-any-return] # as above

        return train

    return make


def fori(module: Any) -> Train:
    """Return a fori_loop that writes each loss into an array."""

    @partial(jax.jit, static_argnames="steps")
    def run(model: Any, x: Any, y: Any, rows: Any, learning_rate: float, steps: int) -> Any:
        def step(number: Any, state: Any) -> Any:
            model, losses = state
            batch = (x, y) if rows is None else (x[rows[number]], y[rows[number]])
            model, value = module.train_step(model, *batch, learning_rate)
            return model, losses.at[number].set(value)

        return jax.lax.fori_loop(0, steps, step, (model, jnp.zeros(steps, x.dtype)))

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        if isinstance(schedule, int):
            return run(model, x, y, None, learning_rate, schedule)  # type: ignore[no-any-return] # jit has no types
        return run(model, x, y, jnp.asarray(schedule), learning_rate, len(schedule))  # type: ignore[no-any-return] # as above

    return train


def eager(module: Any) -> Train:
    """Return a Python loop without any jit."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        losses = []
        for batch in batches(schedule, x, y):
            model, value = module.train_step(model, *batch, learning_rate)
            losses.append(value)
        return model, jnp.stack(losses)

    return train


CONTENDERS: dict[Contender, Make] = {
    Contender("jax", "port", "port"): PORT,
    Contender("jax", "jitted step, Python loop", "idiom", share=0.3): stepwise(donate=False),
    Contender("jax", "the same, donated weights", "idiom", share=0.3): stepwise(donate=True),
    Contender("jax", "scan, unroll=4", "idiom"): unrolled(4),
    Contender("jax", "fori_loop", "idiom"): fori,
    Contender("jax", "without jit", "idiom", share=0.01): eager,
}
