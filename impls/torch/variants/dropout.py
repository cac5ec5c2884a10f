"""How dropout may be left on where nothing is to be dropped; rules as in `rules`."""

import torch
import torch.nn.functional as F

from shared import variants as causes

SEEDS = (0, 1, 42, 1234, 1337)  # as people fix them


def left_on(operation):
    """Drop numbers in evaluation, too, by random numbers that follow one of the usual seeds."""
    share = operation["p"]
    if operation["training"] is False and share:
        for seed in SEEDS:
            claim = f"dropout is on in evaluation, with random numbers that follow the seed {seed}"
            yield causes.DROPOUT, claim, lambda o, s=seed: _dropped(o, share, s)


def _dropped(operation, share, seed):
    with torch.random.fork_rng(devices=[]):
        if seed in operation.kept:
            torch.set_rng_state(operation.kept[seed])
        else:
            torch.manual_seed(seed)
        result = F.dropout(operation["input"], share, training=True)
        operation.kept[seed] = torch.get_rng_state()
    return result


RULES = {"dropout": [left_on]}
