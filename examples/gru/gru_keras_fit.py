"""The GRU in Keras, trained by compile and fit; the model is gru_keras'."""

import keras
import tensorflow as tf
from gru_keras import Adam, accuracy, build, export, forward, gradients, layers, loss

FRAMEWORK = "tensorflow"
__all__ = ["accuracy", "build", "export", "forward", "gradients", "layers", "loss", "train"]


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
    """Take one step of Adam per batch; return the model and its losses (steps,)."""
    model.compile(Adam(learning_rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
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

    recall = data.load(tf.constant)
    model = build(recall.weights)
    model, losses = train(model, recall.x, recall.y, recall.schedule, recall.learning_rate)
    data.report(losses, accuracy(model, recall.x_test, recall.y_test))
