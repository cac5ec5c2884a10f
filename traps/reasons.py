"""Why people make each mistake: what in the frameworks leads to it, and what hides it."""

REASONS = {
    # Layout, shapes and names
    "a tensor is transposed": (
        "`torch.nn.Linear` keeps (outputs, inputs); Keras, Flax and the formula have (inputs, "
        "outputs). A reshape makes the shape fit and mixes up the values, and a square weight "
        "fits either way."
    ),
    "a tensor is missing, extra or misnamed": (
        "PyTorch says `weight` and `bias`, Keras `kernel` and `bias`, Flax `kernel` or `scale`: "
        "what is copied by name is easily left behind."
    ),
    "an axis is dropped or added": (
        "`sum(axis=0)` drops the axis unless `keepdims` says otherwise; (n,), (1, n) and (n, 1) "
        "broadcast against each other without a word."
    ),
    "targets broadcast against outputs": (
        "Targets of shape (n,) and outputs of shape (n, 1) make (n, n). Only PyTorch's `mse_loss` "
        "warns; plain arithmetic is silent everywhere."
    ),
    "one bias for all outputs": (
        "A bias of one value broadcasts as well as one of a value per output, and training goes on."
    ),
    "bias left out": (
        "Layers add a bias by default, `x @ W` does not; and a cell such as PyTorch's GRU has two."
    ),
    "sum over the wrong axes": (
        "A gradient summed over all axes, not over the rows alone, is a single number, which "
        "broadcasts."
    ),
    # Copies and memory
    "arrays it was given are written to": (
        "`torch.from_numpy` and `np.asarray` share memory, and `-=` writes in place: training "
        "changes its caller's arrays."
    ),
    "weights updated before all gradients are taken": (
        "Where updates are written by hand, the gradient of one layer is taken with the new "
        "weights of the next. An optimizer takes all gradients first."
    ),
    "stale or averaged weights": (
        "A second copy of the weights is kept, the best or an average, and it is that which is "
        "returned or asked."
    ),
    "a second call of train starts anew": (
        "The training function makes its own model, so that what it was given is not trained on."
    ),
    "the weights given are ignored": (
        "A layer draws its own initial weights when it is made. If nobody copies others into it, "
        "nothing complains."
    ),
    # Outputs and activations
    "softmax or sigmoid applied twice": (
        "Losses that take logits apply it themselves: `F.cross_entropy`, "
        "`softmax_cross_entropy_with_logits`, optax's. The loss still falls, only slower."
    ),
    "softmax along the wrong axis": (
        "With `axis=0` each class is a distribution over the rows. The shape is the same, and on "
        "one row alone everything is 1."
    ),
    "another activation": (
        "Activations have the same shapes, and layers different defaults: Keras' GRU and LSTM say "
        "`tanh` and `sigmoid` themselves, `Dense` none."
    ),
    "inputs scaled": (
        "Pixels are divided by 255 or 256, or standardised, and the deviation by n or n - 1: "
        "`np.std` and `torch.std` differ in that."
    ),
    "inputs normalised": (
        "Preprocessing from another tutorial comes with the code. Training works, on other numbers."
    ),
    "dropout left on": (
        "Dropout is switched by `model.eval()` in PyTorch, by `training=` in Keras, by "
        "`deterministic=` in Flax: forgotten, it also acts while the model is evaluated."
    ),
    "NaN or infinity": (
        "exp of a large number, log of 0, 0 / 0, and the square root's slope at 0: frameworks' "
        "own functions avoid these, formulas typed from a book do not."
    ),
    # The loss
    "sum instead of mean": (
        "Some losses are means by default, some sums, and `reduction` says which: the gradient "
        "then is as many times as large as the batch has rows."
    ),
    "mean over the wrong axes": (
        "`mean()` is over everything, rows and outputs; a formula is often over rows alone. "
        "Losses of frameworks differ in it for outputs of several columns."
    ),
    "divided by the batch size twice": (
        "The loss is a mean already, and its hand-derived gradient is divided once more."
    ),
    "probabilities instead of logits": (
        "The model ends in a softmax or sigmoid, as figures in books do, though its loss takes "
        "logits."
    ),
    "logits taken for probabilities": (
        "Keras' losses take probabilities unless `from_logits=True` says otherwise; it clips what "
        "is out of range, and does not complain."
    ),
    "probabilities clipped before the log": (
        "Keras clips at 1e-7, formulas by hand add an epsilon: harmless near the start, and a "
        "loss that cannot fall below it later."
    ),
    "the logarithm left out": (
        "PyTorch's `nll_loss` takes log-probabilities. Given probabilities, it returns a mean of "
        "them, with gradients that even point the right way."
    ),
    "loss in bits": (
        "A logarithm to base 2 scales loss and gradient by 1.44, and no curve looks odd."
    ),
    "labels smoothed": (
        "`label_smoothing` came along with somebody's training script; accuracy hardly shows it."
    ),
    "another loss": (
        "Mean absolute, squared and half squared errors, cross-entropies of two kinds: all fall, "
        "to different weights."
    ),
    "focal loss": "It was in the code that was copied, and with a gamma of 2 it trains as well.",
    "class weights": (
        "Weights of classes make a weighted mean in PyTorch, and not in every other framework."
    ),
    "a class is ignored": (
        "`ignore_index`, a mask for padding: class 0 is easily taken for padding, and then has no "
        "gradient."
    ),
    "half of the cross-entropy is missing": (
        "The binary cross-entropy has a term for each class. Without the second, saying 1 always "
        "is best."
    ),
    "outputs and targets swapped in the loss": (
        "PyTorch takes (input, target), Keras and scikit-learn (y_true, y_pred)."
    ),
    "wrong sign": (
        "`target - output` or `output - target`, a loss that is maximised: one sign in a "
        "derivation by hand."
    ),
    "a constant factor": (
        "The 2 of a squared error is left out, or halved away in the loss and not in its "
        "gradient. The learning rate makes up for it."
    ),
    "loss as a running mean": (
        "Keras' `fit` shows the mean since the start of the epoch, and many loops log as it does."
    ),
    "loss as a running sum": "Losses are added up for a mean, which nobody then takes.",
    "loss as the mean of an epoch": "One loss per epoch is logged, where one per step is expected.",
    "loss taken after the update": (
        "The loss is computed anew after the step, or comes from a graph that has updated "
        "already. The curve is the same, a step early."
    ),
    # The gradients
    "wrong derivative of the activation": (
        "By hand: tanh's derivative is 1 - a^2 of the activation, not of its input; where it is "
        "not defined, as ReLU's at 0, frameworks choose."
    ),
    "no gradient reaches a weight": (
        "`detach`, `stop_gradient`, `no_grad`, or a value that passed through NumPy: the weight "
        "stays as it was, while the others learn."
    ),
    "gradients accumulate": (
        "PyTorch adds to `.grad` until it is reset. TensorFlow, JAX and NumPy return a new "
        "gradient each time, so nobody coming from there expects it."
    ),
    "gradient one step late": (
        "The optimizer steps before `backward`, or the gradient is taken at the last weights: "
        "each update is that of the step before."
    ),
    "gradients clipped": (
        "Clipping by each tensor's norm, by the norm of all, or by value: three things, and each "
        "framework calls another one by the plain name."
    ),
    # The update
    "another learning rate": (
        "A rate typed in twice, a default that stands, or one scaled for a batch size: the curve "
        "only looks a little slower or faster."
    ),
    "learning rate decays": (
        "A schedule, or the `decay` of an old optimizer, that the original has not; early steps "
        "are alike."
    ),
    "a weight is not updated": (
        "Not among the parameters that the optimizer got, not a `Parameter`, not `trainable`; or "
        "its gradient is cleared before the step."
    ),
    "no update after the first": "The update is of a copy that the next step does not start from.",
    "momentum": (
        "`momentum=0.9` is in most examples of SGD. The first step is the same; it is the second "
        "that differs."
    ),
    "Nesterov momentum": "`nesterov=True` is one word; frameworks write it in two ways.",
    "Adam instead of SGD": "It is the habit of our days, and with it everything trains.",
    "NAdam instead of SGD": "One letter in the name of an optimizer, and everything trains.",
    "weight decay": (
        "In the gradient or beside it, of all weights or of matrices alone: AdamW's default is "
        "0.01 in PyTorch, 0.004 in Keras and 0.0001 in optax."
    ),
    # Batches and labels
    "batches in another order": (
        "Loaders shuffle by generators of their own, once or every epoch. No two frameworks draw "
        "the same order."
    ),
    "the first rows at every step": (
        "The slice does not move along, and one batch is learned by heart."
    ),
    "rows missing from the batch": (
        "`drop_last`, a range that ends one early, a remainder that no worker takes."
    ),
    "all rows in place of a batch": "Full-batch code is reused, and the row numbers are ignored.",
    "mini-batches in place of all rows": (
        "A loader splits what the original takes at once: there are more updates, each of fewer "
        "rows."
    ),
    "mean of the means of uneven parts": (
        "The mean of parts' means is that of all rows only if the parts are of one size."
    ),
    "rows counted twice": (
        "Samplers repeat rows, so that every worker gets as many; each seeds its own shuffle."
    ),
    "the batch size typed in": "A number that is right for every batch but the last, shorter one.",
    "targets of other rows": (
        "Inputs and targets are shuffled, or batched, apart from each other. The loss still "
        "falls, to that of guessing."
    ),
    "labels off by one": (
        "Labels from 1, as some data has them. JAX clamps what is out of range, one-hot makes a "
        "row of zeros; PyTorch raises."
    ),
    # Several workers
    "gradients not summed over the workers": (
        "Without an all-reduce each worker trains on its own share. Nothing fails, and losses fall."
    ),
    "sum over parts instead of their mean": (
        "A reduction is a sum by default: gradients are as many times as large as there are "
        "workers."
    ),
    "averaged over the workers twice": (
        "DistributedDataParallel takes the mean already, and so does `pmean`."
    ),
    "another reduction than the sum": "MAX for SUM is one argument.",
    "the same rows on every worker": (
        "The rank has no part in which rows are taken, so that more workers only do the same work."
    ),
    "weights never broadcast": (
        "One worker reads the checkpoint. DistributedDataParallel sends it on, other libraries do "
        "not."
    ),
    "weights averaged instead of gradients": (
        "It is the same after one step of plain SGD, and not for anything after several."
    ),
    "loss of one worker": "Worker 0 logs its own mean, which is that of its share.",
    # Precision and types
    "float32 in a float64 run": (
        "A constant, a cast or a default: PyTorch and TensorFlow make float32 of a Python float, "
        "JAX of everything unless x64 is on."
    ),
    "learning rate in lower precision": (
        "`tf.cast(0.1, tf.float64)` goes through float32, and Keras' optimizers keep their rate "
        "in `floatx`."
    ),
    "float16 or TF32 precision": (
        "Autocast, mixed precision, or TF32, which JAX and cuDNN use on GPUs by default."
    ),
    "bfloat16 precision": (
        "The usual type on TPUs; it keeps float32's range, and 8 bits of its digits."
    ),
    "the wrong type of number": (
        "NumPy makes float64 unless it is told otherwise, and `zeros_like` of integers makes "
        "integers."
    ),
    # Compilers and chance
    "eager and compiled code differ": (
        "Python code in `jit` and `tf.function` runs while they trace, not at each step: "
        "counters, prints and conditions stand still."
    ),
    "not repeatable": "Weights or batches are drawn without a seed.",
    # The accuracy
    "accuracy is not the fraction of right rows": (
        "A percentage, a count, the error rate, or a comparison that broadcasts to (n, n)."
    ),
    "accuracy at another threshold": (
        "A logit is compared with 0.5, which is the threshold of a probability; a logit's is 0."
    ),
    "accuracy along the wrong axis": "`argmax(0)` is over the rows, and returns one row per class.",
    "accuracy on other rows": (
        "Some rows are dropped or repeated to fill batches, and the share is of what remains."
    ),
    # Convolutions, norms, attention, recurrent networks
    "a kernel is flipped": (
        "Frameworks' convolutions are cross-correlations; `scipy.signal.convolve` flips the kernel."
    ),
    "padding on other sides": (
        "With a stride, `SAME` pads by what is needed and more at the end; PyTorch's `padding=1` "
        "pads both sides alike."
    ),
    "flattened in another order": (
        "PyTorch has channels before height and width, TensorFlow and Flax after: the rows of the "
        "next weight are in another order."
    ),
    "pooled otherwise": (
        "Mean for maximum, or a window that begins at 0 where all values are negative."
    ),
    "another epsilon": (
        "LayerNorm's is 1e-5 in PyTorch, 1e-6 in Flax, 1e-3 in Keras; BERT has 1e-12. Inside the "
        "root or beside it is another question."
    ),
    "variance over another number": (
        "BatchNorm divides by n to normalise, and PyTorch by n - 1 for the variance that it keeps."
    ),
    "another momentum in BatchNorm": (
        "PyTorch's momentum is the share of the new value, that of Keras and Flax the share of "
        "the old one: 0.1 is 0.9."
    ),
    "BatchNorm in the other mode": (
        "`model.train()` and `.eval()`, `training=`, `use_running_average=`: with the wrong one, "
        "outputs depend on the batch, or nothing is learned about it."
    ),
    "normalised otherwise": "Over other axes, or one norm fewer: the shapes are the same.",
    "another form of GELU": (
        "`jax.nn.gelu` is the approximation by tanh unless told otherwise; PyTorch's and Keras' "
        "are exact."
    ),
    "another causal mask": (
        "Off by one diagonal, or a mask of 0 where it should be minus infinity: the loss falls "
        "faster than it should, as the model sees what it is to predict."
    ),
    "another attention scale": (
        "One over the root of a head's width, not of the model's, and not left out."
    ),
    "attention heads split otherwise": (
        "Queries, keys and values come from one product: in which order, and where heads are in "
        "it, each model decides for itself."
    ),
    "another embedding": (
        "Scaled by the root of its width in some models; and by hand, a symbol that comes twice "
        "must add up, which `d[tokens] += dx` does not."
    ),
    "inputs of an operation swapped": "Queries and keys have the same shape.",
    "a term left out": "A residual or positions: the shapes fit without them, and it trains.",
    "gates in another order": (
        "PyTorch has reset, update, new; Keras update, reset, new; each in one weight."
    ),
    "another recurrent cell": (
        "PyTorch's and cuDNN's GRU reset after the product, with a bias inside; the paper's "
        "resets before it. Keras has both, by `reset_after`."
    ),
    "another state of a sequence": "The first or the last of the states, the output or the state.",
    # In the examples alone
    "a gradient is cut off": (
        "By hand a path is forgotten; in a framework, a value was taken for a constant, outside "
        "the tape or by `stop_gradient`."
    ),
    "another variant of Adam": (
        "Keras' epsilon is 1e-7, the others' 1e-8, and it stands elsewhere; betas come from "
        "papers; the bias of the moments must be corrected."
    ),
    "another mean of the loss": (
        "A mean of tokens, of rows' means, or of all positions, padding too: they differ as soon "
        "as rows are of different lengths."
    ),
    "an ignored label counts": (
        "PyTorch leaves out label -100 by itself. In JAX and TensorFlow it is an index like others."
    ),
}
