"""Run a framework's cells, claims and planted mistakes: `python -m tests.cells torch` prints JSON.

One process does it all, since imports are what costs.
"""

import dataclasses
import json
import sys

from guide import claims, dictionary, notes
from guide.dictionary import Dictionary, Row
from guide.doctests import problems

# By framework and row: what is nearly right, or does nothing.
MISTAKES = {
    "numpy": {
        "From NumPy": "n[:]",
        "Cast": "v.astype(np.int64)",
        "Concatenate": "np.concatenate([x, x], axis=0)",
        "Indexed write": "x[1, 0] = 9",
        "Add to indexed entries": "v[[0, 0]] += 1",
        "Seed": "rng = np.random.default_rng()",
        "Copy weights out of a model": "out = {'b': b}",
        "Update by gradient descent": "W -= dW",
    },
    "torch": {
        "From NumPy": "torch.from_numpy(n)",
        "To NumPy": "x",
        "Transpose": "x",
        "Standard deviation": "x.std(dim=0)",
        "Softmax along the rows": "torch.softmax(z, dim=0)",
        "Seed": "torch.Generator().manual_seed(0)",
        "To a device": "x.cpu()",
        "Training mode, dropout on": "model(x)",
        "Copy weights out of a model": "out = model.state_dict()",
        "Convolution, as a function": "F.conv2d(images, kernel.flip(2))",
        "Output tied to an embedding": "head = nn.Linear(3, 4, bias=False)\nhead(h)",
        "Attention": "F.scaled_dot_product_attention(q, k, v, scale=1)",
        "Attention under a mask": "F.scaled_dot_product_attention(q, k, v, attn_mask=~mask)",
        "Cross-entropy from logits": 'F.cross_entropy(z, y, reduction="sum")',
        "Hold a value constant": "v.clone()",
        "Freeze weights": "model.bias.requires_grad_(False)",
        "Momentum": "torch.optim.SGD([w], lr=0.1, momentum=0.9, dampening=0.9)",
        "Compile": "g = f",
        "Load them": "model.load_state_dict(model.state_dict())",
        "Sum over all of them": "total = dist.get_world_size() * dist.get_rank() * total",
    },
    "jax": {
        "Indexed write": "x.at[0, 1].set(9)",
        "GELU": "jax.nn.gelu(v)",
        "New keys, new streams": "key, sub = key, key",
        "To a device": "x",
        "Dropout": "nnx.Dropout(0.8, rngs=rngs)(x)",
        "Max pooling": "nnx.max_pool(images, (2, 2))",
        "Layer normalisation": "nnx.LayerNorm(3, epsilon=1e-2, rngs=rngs)(z)",
        "Huber loss": "optax.huber_loss(v).sum()",
        "Label smoothing": (
            "t = optax.smooth_labels(jax.nn.one_hot(y, 3), 0.2)\n"
            "optax.softmax_cross_entropy(z, t).mean()"
        ),
        "Gradients of some weights": "nnx.grad(loss)(model)",
        "Second derivative": "jax.jacobian(f)(v)",
        "If, on a value": "f(v) if v.sum() > 0 else -f(v)",
        "Give an array's memory away": "w = jax.jit(lambda v: 2 * v)(v)",
        "Adam": "optax.adam(0.1, eps=1e-3)",
        "Learning rate by a schedule": "optax.cosine_decay_schedule(0.1, 50)",
    },
    "tensorflow": {
        "Repeat the whole": "tf.repeat(v, 2)",
        "One entry of each row": "tf.gather(x, y)",
        "Seed": "tf.random.Generator.from_seed(0)",
        "Shuffled batches": "batches = tf.data.Dataset.from_tensor_slices((x, y[::-1])).batch(2)",
        "Copy weights into a model": "model.get_weights()",
        "Batch normalisation": "keras.layers.BatchNormalization()(images)",
        "Mean squared error": "keras.losses.MeanSquaredError()(x, x)",
        "Jacobian of every row": (
            "with tf.GradientTape() as tape:\n    tape.watch(z)\n    value = tf.nn.softmax(z)\n"
            "tape.jacobian(value, z)"
        ),
        "Compile": "g = tf.function(f)",
        "Print in compiled code": 'print("v =", v)',
        "Summary of a model": "model",
        "Clip gradients by their norm": "clipped = [tf.clip_by_norm(g, 1.0) for g in grads]",
    },
}


def main(framework: str) -> None:
    """Print what is wrong with the framework's cells, claims and mistakes, by their names."""
    whole, said = dictionary.load(), notes.load()
    shown = claims.load(claims.texts(said, whole))
    kinds = {
        "cells": [row for row in whole.rows if framework in row.cells],
        "claims": [row for row in shown if framework in row.cells],
        "mistakes": mistakes(framework, whole),
    }
    found = problems(framework, whole, kinds)
    json.dump(found, sys.stdout)


def mistakes(framework: str, whole: Dictionary) -> list[Row]:
    """Return the rows in which a mistake is planted."""
    rows = {row.name: row for row in whole.rows}
    return [
        dataclasses.replace(
            rows[name],
            cells={framework: dataclasses.replace(rows[name].cells[framework], code=code)},
        )
        for name, code in MISTAKES[framework].items()
    ]


if __name__ == "__main__":
    main(sys.argv[1])
