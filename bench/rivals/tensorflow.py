"""TensorFlow: the port, other idioms for its loop, and Keras."""

from typing import Any

import tensorflow as tf

from bench.contender import PORT, Contender, Make, Train, batches, losses_of

tf.get_logger().setLevel("ERROR")  # every other size is traced anew, as it must be


def loop(xla: bool) -> Any:
    """Return the port's own loop as a graph, with or without XLA."""

    def make(module: Any) -> Train:
        descend = tf.function(module.descend.python_function, jit_compile=xla)

        def train(
            model: Any, x: Any, y: Any, schedule: Any, learning_rate: float
        ) -> tuple[Any, Any]:
            rate = tf.constant(learning_rate, x.dtype)
            steps = schedule if isinstance(schedule, int) else tf.constant(schedule)
            return model, descend(model, x, y, steps, rate)

        return train

    return make


def stepwise(xla: bool | None) -> Any:
    """Return a Python loop over one step: under XLA, as a graph, or (None) eager."""

    def make(module: Any) -> Train:
        step = module.train_step
        if xla is not None:
            step = tf.function(step, jit_compile=xla)

        def train(
            model: Any, x: Any, y: Any, schedule: Any, learning_rate: float
        ) -> tuple[Any, Any]:
            rate = tf.constant(learning_rate, x.dtype)
            if isinstance(schedule, int):
                values = [step(model, *batch, rate) for batch in batches(schedule, x, y)]
            else:
                taken = ((tf.gather(x, rows), tf.gather(y, rows)) for rows in schedule)
                values = [step(model, *batch, rate) for batch in taken]
            return model, tf.stack(values)

        return train

    return make


def dataset(module: Any) -> Train:
    """Return a Python loop over a tf.data pipeline, with the step as a graph."""
    step = tf.function(module.train_step)

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        rate = tf.constant(learning_rate, x.dtype)
        rows = tf.data.Dataset.from_tensor_slices(schedule)
        taken = rows.map(lambda r: (tf.gather(x, r), tf.gather(y, r))).prefetch(2)
        return model, tf.stack([step(model, *batch, rate) for batch in taken])

    return train


def keras_fit(module: Any) -> Train:
    """Return Keras' own `fit`, which shuffles the rows by itself."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        keras = tf.keras
        planar = "W1" in model
        hidden = [keras.layers.Dense(model["W1"].shape[1], "tanh")] if planar else []
        digits = not planar and y.shape.rank == 1
        net = keras.Sequential(
            [*hidden, keras.layers.Dense(model["b2" if planar else "b"].shape[0])]
        )
        losses = keras.losses
        loss: Any = losses.MeanSquaredError()
        if planar:
            loss = losses.BinaryCrossentropy(from_logits=True)
        elif digits:
            loss = losses.SparseCategoricalCrossentropy(from_logits=True)
        net.compile(keras.optimizers.SGD(learning_rate), loss)
        full = isinstance(schedule, int)
        size = len(x) if full else schedule.shape[1]
        per_epoch = len(x) // size
        steps = schedule if full else len(schedule)
        epochs, last = max(1, steps // per_epoch), min(steps, per_epoch)
        history = net.fit(
            x, y, size, epochs, verbose=0, steps_per_epoch=last if steps < per_epoch else None
        )
        return model, losses_of(history.history["loss"])

    return train


CONTENDERS: dict[Contender, Make] = {
    Contender("tensorflow", "port", "port"): PORT,
    Contender("tensorflow", "loop in a graph, no XLA", "idiom", ("iris", "planar")): loop(False),
    Contender("tensorflow", "loop under XLA", "idiom", ("mnist",)): loop(True),
    Contender("tensorflow", "step under XLA, Python loop", "idiom", share=0.2): stepwise(True),
    Contender("tensorflow", "step as a graph, Python loop", "idiom", share=0.2): stepwise(False),
    Contender("tensorflow", "eager, a tape per step", "idiom", share=0.02): stepwise(None),
    Contender("tensorflow", "tf.data, step as a graph", "idiom", ("mnist",), 0.2): dataset,
    Contender("tensorflow", "keras fit", "peer", share=0.02): keras_fit,
}
