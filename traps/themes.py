"""What the causes of bugs are about: the themes that the guide groups them by."""

THEMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "Layout, shapes and names": (
        "One framework keeps a weight as (inputs, outputs), the next as (outputs, inputs), and "
        "broadcasting lets many a wrong shape through.",
        (
            "a tensor is transposed",
            "a tensor is missing, extra or misnamed",
            "an axis is dropped or added",
            "targets broadcast against outputs",
            "one bias for all outputs",
            "bias left out",
            "sum over the wrong axes",
        ),
    ),
    "Copies and memory": (
        "Some frameworks share memory with the array they are given, and some write in place.",
        (
            "arrays it was given are written to",
            "weights updated before all gradients are taken",
            "stale or averaged weights",
            "a second call of train starts anew",
            "the weights given are ignored",
        ),
    ),
    "Outputs and activations": (
        "What the model returns: logits or probabilities, of which activation, along which axis.",
        (
            "softmax or sigmoid applied twice",
            "softmax along the wrong axis",
            "another activation",
            "inputs scaled",
            "inputs normalised",
            "dropout left on",
            "NaN or infinity",
        ),
    ),
    "The loss": (
        "Whether it takes logits, over what it is a mean, and which logarithm it has.",
        (
            "sum instead of mean",
            "mean over the wrong axes",
            "divided by the batch size twice",
            "probabilities instead of logits",
            "logits taken for probabilities",
            "probabilities clipped before the log",
            "the logarithm left out",
            "loss in bits",
            "labels smoothed",
            "another loss",
            "focal loss",
            "class weights",
            "a class is ignored",
            "half of the cross-entropy is missing",
            "outputs and targets swapped in the loss",
            "wrong sign",
            "a constant factor",
            "loss as a running mean",
            "loss as a running sum",
            "loss as the mean of an epoch",
            "loss taken after the update",
        ),
    ),
    "The gradients": (
        "By hand they are derived wrong; by a framework they are cut off, or kept too long.",
        (
            "wrong derivative of the activation",
            "no gradient reaches a weight",
            "gradients accumulate",
            "gradient one step late",
            "gradients clipped",
        ),
    ),
    "The update": (
        "Optimizers come with settings of their own, and keep their numbers in a precision of "
        "their own.",
        (
            "another learning rate",
            "learning rate decays",
            "a weight is not updated",
            "no update after the first",
            "momentum",
            "Nesterov momentum",
            "Adam instead of SGD",
            "NAdam instead of SGD",
            "weight decay",
        ),
    ),
    "Batches and labels": (
        "Which rows a step sees, and whether the targets are theirs.",
        (
            "batches in another order",
            "the first rows at every step",
            "rows missing from the batch",
            "all rows in place of a batch",
            "mini-batches in place of all rows",
            "mean of the means of uneven parts",
            "rows counted twice",
            "the batch size typed in",
            "targets of other rows",
            "labels off by one",
        ),
    ),
    "Several workers": (
        "Who takes which rows, who has which weights, and how gradients and losses of shares "
        "become those of the batch.",
        (
            "gradients not summed over the workers",
            "sum over parts instead of their mean",
            "averaged over the workers twice",
            "another reduction than the sum",
            "the same rows on every worker",
            "weights never broadcast",
            "weights averaged instead of gradients",
            "loss of one worker",
        ),
    ),
    "Precision and types": (
        "A float64 run that passes through a narrower type, or an integer where a float is due.",
        (
            "float32 in a float64 run",
            "learning rate in lower precision",
            "float16 or TF32 precision",
            "bfloat16 precision",
            "the wrong type of number",
        ),
    ),
    "Compilers and chance": (
        "What is done once, while a function is traced, is not done again when it runs.",
        (
            "eager and compiled code differ",
            "not repeatable",
        ),
    ),
    "The accuracy": (
        "The figure that people look at, and the one that is easiest to get wrong unseen.",
        (
            "accuracy is not the fraction of right rows",
            "accuracy at another threshold",
            "accuracy along the wrong axis",
            "accuracy on other rows",
        ),
    ),
}


def theme_of(cause: str) -> str:
    """Return the theme of a cause.

    Raises:
        KeyError: no theme has it.
    """
    return {each: theme for theme, (_, causes) in THEMES.items() for each in causes}[cause]
