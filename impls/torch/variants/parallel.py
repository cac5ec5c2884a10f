"""Layers of a block side by side, as in parallel residuals, not one behind the other.

Each norm of such a block is given what its first norm is.
"""

from collections import deque
from contextlib import contextmanager

from torch.nn.modules.module import register_module_forward_pre_hook

from shared import variants as causes
from shared.variants import Place, Variant

CLAIM = "the norms of each block are given what its first is, as where residuals are parallel"
LATELY = 64  # sums of which it is known what they are of


class Blocks:
    """What the norms of blocks are given while a net is called.

    modules: by name.
    """

    def __init__(self, modules):
        self.names = {module: name for name, module in modules.items()}
        self.given, self.sums, self.links = {}, deque(maxlen=LATELY), {}

    def add(self, operation, result):
        """Remember of what a sum is."""
        if operation.name == "add":
            self.sums.append((result, (operation["input"], operation["other"])))

    @contextmanager
    def watched(self):
        """See what norms are given while it lasts."""
        with _seen(self.names, self._link):
            yield

    def variants(self):
        """Yield the variant of what was seen, at the norms that are given sums."""
        for name in self.links:
            yield Variant(causes.PARALLEL, CLAIM, (Place(name, CLAIM),), self.links)

    def _link(self, name, x):
        before = self.given.setdefault(name.rpartition(".")[0], {})
        terms = next((terms for result, terms in self.sums if result is x), ())
        if any(term is own for term in terms for own in before.values()):
            self.links[name] = next(iter(before))
        before[name] = x


@contextmanager
def applied(modules, variant):
    """Let the norms of blocks be given what their first is while it lasts, if that is a variant."""
    kept, names = {}, {module: name for name, module in modules.items()}

    def given(name, x):
        kept[name] = x
        return kept[variant.change[name]] if name in variant.change else x

    if variant.cause == causes.PARALLEL:
        with _seen(names, given):
            yield
    else:
        yield


@contextmanager
def _seen(names, meet):
    """Let `meet` see what each norm is given, by its name, and say what it is given instead.

    None stands for the same.
    """

    def before(module, args):
        if module in names and args and "norm" in type(module).__name__.lower():
            other = meet(names[module], args[0])
            return None if other is None else (other, *args[1:])
        return None

    hook = register_module_forward_pre_hook(before)
    try:
        yield
    finally:
        hook.remove()
