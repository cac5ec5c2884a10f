"""PyTorch's operations made otherwise, one at a time: what a port may have done in their place.

A function mode sees every call above autograd, those of modules too, so gradients are those of what
is put in its place.
"""

from collections import deque
from contextlib import ExitStack, contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch.nn.modules.module import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
)
from torch.overrides import TorchFunctionMode

from impls.torch import layers
from impls.torch.variants import added_activations, optimizers, orders, pairs, parallel, rules
from impls.torch.variants.operation import Operation
from shared import variants as causes
from shared.variants import Place, Variant, gathered, holding

LATELY = 64  # operations of which it is known what they made


def found(model, call, line):
    """Return the variants of what is done in a call.

    Args:
        model: what it is called with.
        call: of no arguments.
        line: tells the line of a user's from which an operation is called.
    """
    modules = layers.named(model)
    variants, blocks = list(pairs.of_layers(modules)), parallel.Blocks(modules)
    seen = added_activations.Seen()
    several = (causes.PLACED, pairs, {}), (causes.ORDER, orders, {})

    def note(operation):
        for cause, claim, _ in rules.of(operation):
            variants.append(Variant(cause, claim, (operation.place,)))
        for cause, subject, links in several:
            for claim, *each in subject.of(operation, links):
                for own in each:
                    variants.append(Variant(cause, claim, (own.place,), links))
        seen.add(operation)
        result = operation()
        blocks.add(operation, result)
        return result

    with _met(model, note, line), optimizers.noted(variants, model), blocks.watched():
        call()
    return gathered([*variants, *blocks.variants(), *seen.variants()])


@contextmanager
def applied(model, variant, line):
    """Let operations be as a variant has them while it lasts; arguments as of `found`."""
    names = layers.named(model)

    def changed(operation):
        if operation.place in variant.places:
            for _, claim, change in rules.of(operation):
                if claim == variant.claim:
                    return change(operation)
            for subject in (pairs, orders, added_activations):
                if change := subject.changes(operation, variant):
                    return change(operation)
        return operation()

    of_layers = any(place.line == pairs.NORM_FIRST for place in variant.places)
    held = holding(names, variant) if of_layers else nullcontext()
    beside = parallel.applied(names, variant)
    with _met(model, changed, line), optimizers.applied(variant), held, beside:
        yield


@contextmanager
def _met(model, meet, line):
    """Let `meet` give the result of each operation while it lasts."""
    modules = layers.named(model)
    names = {module: name for name, module in modules.items()}
    inside, kept = [], {}  # the modules at work; what changes keep from one call to the next

    def place(module):
        name, at = names.get(module), line()
        if name is None:
            return Place(at, at)
        own = type(module).__module__.startswith("torch.")
        return Place(name if own else f"{at} in {name}", at)

    def met(operation):
        module = inside[-1] if inside else None
        operation.modules, operation.module = modules, names.get(module)
        operation.place, operation.kept = place(module), kept
        return meet(operation)

    with ExitStack() as stack:
        for hook in (
            register_module_forward_pre_hook(lambda module, args: inside.append(module)),
            register_module_forward_hook(
                lambda module, args, output: inside.pop() and None, always_call=True
            ),
        ):
            stack.callback(hook.remove)
        stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.enter_context(_Meeting(met))
        yield


class _Meeting(TorchFunctionMode):
    def __init__(self, meet):
        super().__init__()
        self.meet = meet
        self.lately = deque(maxlen=LATELY)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is F.multi_head_attention_forward:
            return self._inside(func, args, kwargs)
        if not rules.knows(func):
            return func(*args, **kwargs)
        operation = Operation(func, args, kwargs, self.lately)
        result = self.meet(operation)
        self.lately.appendleft((result, operation))
        return result

    def _inside(self, attention, args, kwargs):
        """Meet what attention of several heads is made of, scaled dot products among it."""
        shares = attention(*args, **kwargs)[1] if kwargs["need_weights"] else None
        asks, F.has_torch_function = F.has_torch_function, lambda tensors: False
        try:
            with self:
                return attention(*args, **kwargs | {"need_weights": False})[0], shares
        finally:
            F.has_torch_function = asks
