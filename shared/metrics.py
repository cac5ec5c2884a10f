"""What all ports are measured by: predicted classes, their margins, correct rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def predicted_classes(outputs: Floats, threshold: float = 0.0) -> NDArray[np.int64]:
    """Return the class of each row of outputs, (n,).

    For outputs (n, classes) it is the largest one's; of a single column, (n, 1) or (n,), it is 1
    where the output is over the threshold: a logit over 0, which is where its sigmoid is over 1/2.
    """
    if _single(outputs):
        return np.asarray(outputs.reshape(-1) > threshold, np.int64)
    return np.asarray(outputs.argmax(axis=1), np.int64)


def true_classes(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return each row's class, (n,), from targets: classes (n,), 0 or 1 (n, 1), or one-hot."""
    if y.ndim == 1:
        return y.astype(np.int64)
    return predicted_classes(y, 0.5)


def margins(outputs: Floats, threshold: float = 0.0) -> Floats:
    """Return by how much each row's class wins, (n,): over the runner-up, or over the threshold."""
    if _single(outputs):
        return np.asarray(np.abs(outputs.reshape(-1) - threshold))
    top = np.partition(outputs, -2, axis=1)
    return top[:, -1] - top[:, -2]


def correct_rows(outputs: Floats, y: NDArray[Any], threshold: float = 0.0) -> int:
    """Return in how many rows the predicted class is the true one.

    Args:
        outputs: (n, classes), (n, 1) or (n,), as `predicted_classes` takes them.
        y: the targets, as `true_classes` takes them.
        threshold: of a single column, as of `predicted_classes`.
    """
    return int(np.count_nonzero(predicted_classes(outputs, threshold) == true_classes(y)))


def confusion(outputs: Floats, y: NDArray[Any], threshold: float = 0.0) -> NDArray[np.int64]:
    """Return how many rows of each true class (down) are predicted as which (across).

    For outputs (n, classes) it is (classes, classes), of a single column it is (2, 2).
    """
    classes = 2 if _single(outputs) else outputs.shape[1]
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true_classes(y), predicted_classes(outputs, threshold)), 1)
    return counts


def _single(outputs: Floats) -> bool:
    """Whether outputs are a single column, (n, 1) or (n,)."""
    return outputs.ndim == 1 or outputs.shape[1] == 1
