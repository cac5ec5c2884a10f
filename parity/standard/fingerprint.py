"""By what the noise floors of a user's reference are known again: what it computes, bit for bit.

Nobody knows all that somebody's code depends on: other files, variables of the environment. It
matters only where something else is computed, though, and that is looked at each time.
"""

import hashlib

import numpy as np
from numpy.random import default_rng

from parity.contract import Port
from parity.standard.inputs import Inputs, Tensors
from parity.standard.native import Native
from parity.standard.reference import Reference, again

SEED = 0


def fingerprint(port: Port, inputs: Inputs, reference: Reference) -> str:
    """Return a hash of all that a reference computes, and of how.

    It is of the whole reference in float64, and of one run with noise in the working precision at
    the first and the last checkpoint. In that, errors are drawn operation by operation, so it and
    how many are drawn show whether other operations are done, or in another order.

    Raises:
        NoiseLostError: a function of the port returned what had lost the noise.
    """
    digest = hashlib.sha256()
    for at, tensors in reference.expected.items():
        _add(digest, f"{at}", tensors)
    for step, tensors in reference.path.items():
        _add(digest, f"path {step}", tensors)
    _add(digest, "outputs", reference.outputs)
    _add(digest, "resumed", reference.resumed)
    _add(digest, "run", {"losses": reference.losses})
    native = Native(port, inputs, inputs.dtype)
    for step in (min(reference.checkpoints), max(reference.checkpoints)):
        random = default_rng(SEED)
        with native.err(random):
            weights, expected = reference.checkpoints[step], reference.expected
            for rung, tensors in again(native, expected, weights, step):
                _add(digest, f"noise {rung} {step}", tensors)
        digest.update(f"{random.bit_generator.state}".encode())
    return digest.hexdigest()


def _add(digest: "hashlib._Hash", what: str, tensors: Tensors) -> None:
    """Add some arrays by name to a hash, with their types and shapes."""
    for name, value in sorted(tensors.items()):
        array = np.ascontiguousarray(value)
        digest.update(f"{what} {name} {array.dtype} {array.shape} ".encode())
        digest.update(array.data)
