"""How the cross-entropy may be made otherwise; rules as in `rules`."""

import torch
import torch.nn.functional as F

from impls.torch.variants.operation import instead
from shared import variants as causes

SMOOTHINGS = (0.0, 0.1, 0.05, 0.2)
KERAS = 1e-7  # what Keras keeps probabilities away from 0 and 1 by


def cross_entropy(operation):
    """Take another mean, other logits, smoothed labels, or count those that are to be ignored."""
    target, name = operation["target"], operation.name
    own = operation["label_smoothing"] if name == "cross_entropy" else None
    for smoothing in SMOOTHINGS:
        if own is not None and smoothing != own:
            claim = f"labels are smoothed by {smoothing:g}, not {own:g}"
            yield causes.LABELS, claim, instead(label_smoothing=smoothing)
    for smoothing in SMOOTHINGS if own is not None and operation["input"].ndim > 1 else ():
        classes = operation["input"].shape[1]
        if smoothing and classes > 1:
            claim = f"labels are smoothed by {smoothing:g}, shared among the other classes alone"
            among_all = smoothing * classes / (classes - 1)
            yield causes.LABELS, claim, instead(label_smoothing=among_all)
    yield causes.MEAN, f"{name} is summed", instead(reduction="sum")
    if name == "cross_entropy":
        claim = "softmax is applied to what is softmax's result"
        yield causes.TWICE, claim, lambda o: o(input=o["input"].softmax(1))
        claim = "each logit stands for its own probability, as in Keras"
        yield causes.LOGITS, claim, lambda o: o(input=o["input"].clamp(KERAS, 1 - KERAS).log())
    if operation["weight"] is not None:
        yield causes.MEAN, "no class has a weight", instead(weight=None)
        claim = "losses with weights are divided by their number, not by the sum of the weights"
        yield causes.MEAN, claim, lambda o: o(reduction="sum") / o["target"].numel()
    if target.is_floating_point():
        return
    if name == "cross_entropy" and own == 0:
        claim = "the loss is minus the logit of the right class"
        yield causes.LOGITS, claim, _of_logits
    ignored = -100 if operation["ignore_index"] is None else operation["ignore_index"]
    for index in (0, 1, -1):
        if index != ignored:
            claim = f"{name} ignores the label {index}, not {ignored}"
            yield causes.IGNORED, claim, _ignoring(index, ignored)
    if (target == ignored).any():
        for label, said in ((0, "the first class"), (-1, "the last class")):

            def change(operation, label=label):
                classes = operation["input"].shape[1]
                y = operation["target"]
                return operation(target=torch.where(y == ignored, label % classes, y))

            yield causes.IGNORED, f"the label {ignored} counts as {said}", change
        yield (
            *(causes.MEAN, f"the mean is over all labels, those that are {ignored}, too"),
            lambda o: o(reduction="sum") / o["target"].numel(),
        )


def _of_logits(operation):
    keys = ("weight", "ignore_index", "reduction")
    given = {key: operation[key] for key in keys if operation[key] is not None}
    return F.nll_loss(operation["input"], operation["target"], **given)


def _ignoring(index, ignored):
    def change(operation):
        y = operation["target"]
        return operation(target=torch.where(y == index, ignored, y), ignore_index=ignored)

    return change


RULES = {name: [cross_entropy] for name in ("cross_entropy", "nll_loss")}
