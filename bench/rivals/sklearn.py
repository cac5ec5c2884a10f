"""Scikit-learn's estimators, which a user might pick instead."""

import warnings
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from bench.contender import Contender, Make, Train


def _epochs(schedule: Any, rows: int) -> tuple[int, int, int]:
    """Return how many rows a step has, and how many epochs and rows make as many steps."""
    if isinstance(schedule, int):
        return rows, schedule, rows
    size = schedule.shape[1]
    epochs = max(1, len(schedule) * size // rows)
    return size, epochs, min(rows, len(schedule) * size)


def mlp(module: Any) -> Train:
    """Return MLPClassifier with plain SGD, on as many rows as the schedule has."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        size, epochs, rows = _epochs(schedule, len(x))
        hidden = (model["W1"].shape[1],) if "W1" in model else ()
        net = MLPClassifier(
            hidden,
            activation="tanh",
            solver="sgd",
            alpha=0,
            batch_size=size,
            learning_rate_init=learning_rate,
            momentum=0,
            max_iter=epochs,
            tol=0,
            n_iter_no_change=epochs,
        )
        labels = y[:rows].ravel() if y.ndim == 1 or y.shape[1] == 1 else y[:rows].argmax(axis=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a budget is no convergence
            net.fit(x[:rows], labels)
        return model, np.array(net.loss_curve_)

    return train


def linear(module: Any) -> Train:
    """Return SGDClassifier with the log loss: ten classifiers, one row per step."""

    def train(model: Any, x: Any, y: Any, schedule: Any, learning_rate: float) -> tuple[Any, Any]:
        _, epochs, rows = _epochs(schedule, len(x))
        net = SGDClassifier(
            loss="log_loss",
            alpha=0,
            learning_rate="constant",
            eta0=learning_rate / 100,
            max_iter=epochs,
            tol=None,
        )
        net.fit(x[:rows], y[:rows])
        return model, np.zeros(epochs)

    return train


CONTENDERS: dict[Contender, Make] = {
    Contender("sklearn", "MLPClassifier", "peer", ("planar", "mnist"), share=0.1): mlp,
    Contender("sklearn", "SGDClassifier, one row per step", "peer", ("mnist",), share=0.1): linear,
}
