"""How GRUs and LSTMs may be made otherwise; rules as in `rules`.

torch.gru and torch.lstm take the input, the first state, or the two first ones, and the weights of
each layer: of the input and of the state, and the two biases. The gates lie below one another: r, z
and n, or i, f, g and o.
"""

from itertools import permutations

import torch

from shared import variants as causes

INPUT, STATE, WEIGHTS, BIASES, LAYERS, TWO_WAYS, BATCH_FIRST = 0, 1, 2, 3, 4, 7, 8


def gru(operation):
    """Vary the order of gates, the cell, the direction, and what gradients pass through."""
    yield from _in_general(operation, "rzn")
    claim = "the update gate z is the share of what is new, not of what is kept"
    yield causes.CELL, claim, lambda o: _called(o, [_changed(w, 3, _negative_z) for w in _own(o)])
    if operation.args[LAYERS] == 1 and not operation.args[TWO_WAYS] and _own(operation)[2:]:
        for claim, cell in GRU_CELLS.items():
            yield causes.CELL, claim, lambda o, cell=cell: _stepped(o, cell)
        yield causes.CUT, "gradients go back through one step alone", _truncated


def lstm(operation):
    """Vary the order of gates, the biases and the direction."""
    yield from _in_general(operation, "ifgo")
    if operation.args[BIASES]:
        claim = "1 is added to the bias of the forget gate f"
        yield causes.CELL, claim, _forgetful


def _in_general(operation, gates):
    if not isinstance(operation.args[BIASES], bool):
        return  # sequences that are packed
    count = len(gates)
    for order in list(permutations(range(count)))[1:]:
        claim = (
            f"the gates are in the order {', '.join(gates[i] for i in order)}, not "
            + ", ".join(gates)
        )
        yield (
            causes.GATES,
            claim,
            lambda o, order=order: _called(
                o, [_changed(w, count, lambda parts: [parts[i] for i in order]) for w in _own(o)]
            ),
        )
    if operation.args[BIASES]:
        for number, said in ((1, "state"), (0, "input")):
            claim = f"the bias of the {said}, of two, is left out"

            def change(operation, number=number):
                return _called(
                    operation,
                    [
                        torch.zeros_like(w) if i % 4 == 2 + number else w
                        for i, w in enumerate(_own(operation))
                    ],
                )

            yield causes.BIAS, claim, change
        claim = "the biases of the input and of the state are swapped"
        yield (
            causes.CELL,
            claim,
            lambda o: _called(o, [_own(o)[_swap(i)] for i in range(len(_own(o)))]),
        )
    yield causes.CELL, "sequences are read from the end", _reversed
    yield causes.CELL, "the first axis is taken for time, or for the batch", _turned
    if operation.args[LAYERS] == 1 and not operation.args[TWO_WAYS]:
        yield causes.STATE, "the state after the first step stands for the last one", _first


def _own(operation):
    return operation.args[WEIGHTS]


def _called(operation, weights):
    args = list(operation.args)
    args[WEIGHTS] = weights
    return operation.func(*args, **operation.kwargs)


def _changed(weight, count, change):
    """Return a weight whose parts, one for each gate, are changed."""
    return torch.cat(change(weight.chunk(count)))


def _negative_z(parts):
    return [parts[0], -parts[1], parts[2]]


def _swap(number):
    return number + {2: 1, 3: -1}.get(number % 4, 0)


def _reversed(operation):
    args, time = list(operation.args), 1 if operation.args[BATCH_FIRST] else 0
    args[INPUT] = args[INPUT].flip(time)
    return operation.func(*args, **operation.kwargs)


def _turned(operation):
    args = list(operation.args)
    args[INPUT] = args[INPUT].transpose(0, 1)
    states, *last = operation.func(*args, **operation.kwargs)
    return states.transpose(0, 1), *last


def _first(operation):
    states, last, *cells = operation()
    return states, states.select(1 if operation.args[BATCH_FIRST] else 0, 0).expand_as(last), *cells


def _forgetful(operation):
    def changed(bias):
        i, f, g, o = bias.chunk(4)
        return torch.cat([i, f + 1, g, o])

    return _called(
        operation, [changed(w) if i % 4 == 2 else w for i, w in enumerate(_own(operation))]
    )


def _stepped(operation, cell, between=lambda h: h):
    """Return the states of a GRU of one layer and the last one, made step by step."""
    x, first, weights = operation.args[INPUT], operation.args[STATE], _own(operation)
    time = 1 if operation.args[BATCH_FIRST] else 0
    h, states = first[0], []
    for each in x.unbind(time):
        h = cell(each, between(h), *weights)
        states.append(h)
    return torch.stack(states, time), h.unsqueeze(0)


def _truncated(operation):
    return _stepped(operation, _cell(), lambda h: h.detach())


def _cell(n=None, activation=torch.tanh, gate=torch.sigmoid):
    """Return a cell of a GRU with another candidate, activation, or function of its gates."""

    def cell(x, h, weight_i, weight_h, bias_i, bias_h):
        i, g = x @ weight_i.T + bias_i, h @ weight_h.T + bias_h
        (ir, iz, i_n), (hr, hz, hn) = i.chunk(3, -1), g.chunk(3, -1)
        r, z = gate(ir + hr), gate(iz + hz)
        weight, bias = weight_h.chunk(3)[2], bias_h.chunk(3)[2]
        inner = i_n + r * hn if n is None else n(i_n, r, h, weight, bias)
        return (1 - z) * activation(inner) + z * h

    return cell


def _hard_sigmoid(z):
    return (0.2 * z + 0.5).clamp(0, 1)


GRU_CELLS = {
    "the reset gate r comes before the product with the state, not behind": _cell(
        lambda i, r, h, weight, bias: i + (r * h) @ weight.T + bias
    ),
    "the bias of n's state is added beside the reset gate r, not multiplied by it": _cell(
        lambda i, r, h, weight, bias: i + r * (h @ weight.T) + bias
    ),
    "the reset gate r is left out": _cell(lambda i, r, h, weight, bias: i + h @ weight.T + bias),
    "n is of the sigmoid, not of tanh": _cell(activation=torch.sigmoid),
    "n is of ReLU, not of tanh": _cell(activation=torch.relu),
    "gates are of the hard sigmoid": _cell(gate=_hard_sigmoid),
    "the state is not kept from step to step": lambda x, h, *weights: _cell()(x, 0 * h, *weights),
}

RULES = {"gru": [gru], "lstm": [lstm]}
