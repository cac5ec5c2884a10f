"""What all ports are measured by: predicted classes, their margins, correct rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def predicted_classes(outputs: Floats) -> NDArray[np.int64]:
    """Return the class of each row of outputs, (n,).

    For outputs (n, classes) it is the largest one's; a single column (n, 1) holds logits, and the
    class is 1 where the logit is over 0, which is where its sigmoid is over 1/2.
    """
    if outputs.shape[1] == 1:
        return np.asarray(outputs[:, 0] > 0, np.int64)
    return np.asarray(outputs.argmax(axis=1), np.int64)


def true_classes(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return each row's class, (n,), from targets: classes (n,), 0 or 1 (n, 1), or one-hot."""
    if y.ndim == 1:
        return y.astype(np.int64)
    return predicted_classes(y - 0.5) if y.shape[1] == 1 else y.argmax(axis=1)


def margins(outputs: Floats) -> Floats:
    """Return by how much each row's class wins, (n,): over the runner-up, or a logit's over 0."""
    if outputs.shape[1] == 1:
        return np.abs(outputs[:, 0])
    top = np.partition(outputs, -2, axis=1)
    return top[:, -1] - top[:, -2]


def correct_rows(outputs: Floats, y: NDArray[Any]) -> int:
    """Return in how many rows the predicted class is the true one."""
    return int(np.count_nonzero(predicted_classes(outputs) == true_classes(y)))
