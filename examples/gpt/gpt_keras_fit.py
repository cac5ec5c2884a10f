"""The small GPT in Keras, trained by compile and fit; the model is gpt_keras'."""

import keras
import tensorflow as tf
from gpt_keras import AdamW, build, export, forward, gradients, loss, solved

FRAMEWORK = "tensorflow"
__all__ = ["build", "export", "forward", "gradients", "loss", "train"]


class Losses(keras.callbacks.Callback):
    """Keeps the loss of every batch.

    What fit logs is the mean over the epoch so far, unless it begins anew with every batch.
    """

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


def train(model, x, y, schedule, learning_rate):
    """Take one step of AdamW per batch; return the model and its losses (steps,)."""
    mean = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)
    model.compile(AdamW(learning_rate), mean)
    rows = schedule.reshape(-1)  # in the order of the batches, which fit must not shuffle again
    losses = Losses()
    model.fit(
        tf.gather(x, rows),
        tf.gather(y, rows),
        batch_size=schedule.shape[1],
        shuffle=False,
        verbose=0,
        callbacks=[losses],
    )
    return model, losses.losses


if __name__ == "__main__":
    import data

    sums = data.load(tf.constant)
    model = build(sums.weights)
    model, losses = train(model, sums.x, sums.y, sums.schedule, sums.learning_rate)
    data.report(losses, solved(model, sums.x_test, sums.y_test))
