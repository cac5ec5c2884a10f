"""How positions may be made of other sines and cosines; rules as in `rules`.

They are seen where they are added to tokens, whatever made them: each pair of numbers is the sine
and the cosine of an angle, which grows from one position to the next by the pair's frequency.
"""

from typing import NamedTuple

import torch

from impls.torch.variants.rotary import BASES
from shared import variants as causes

NEAR = 1e-4  # relative; numbers so close are meant to be the same, as where tables are in float32
LAYOUTS = {  # how a first and a second array of each pair's numbers lie
    "between one another": (
        lambda rows: (rows[:, ::2], rows[:, 1::2]),
        lambda a, b: torch.stack((a, b), -1).flatten(-2),
    ),
    "in two halves": (lambda rows: rows.chunk(2, -1), lambda a, b: torch.cat((a, b), -1)),
}


class Sinusoids(NamedTuple):
    """Sines and cosines (positions, pairs), how they lie, and which of them come first."""

    sine: torch.Tensor
    cosine: torch.Tensor
    layout: str
    sine_first: bool

    @property
    def frequencies(self):
        """By how much angles grow from one position to the next."""
        (s0, s1), (c0, c1) = self.sine[:2], self.cosine[:2]
        return torch.atan2(s1 * c0 - c1 * s0, c1 * c0 + s1 * s0)

    def table(self):
        """Return the table (positions, width) that they make."""
        both = self.sine, self.cosine
        return LAYOUTS[self.layout][1](*(both if self.sine_first else both[::-1]))

    def later(self, by):
        """Return those of positions that are later by a number."""
        s, c = (by * self.frequencies).sin(), (by * self.frequencies).cos()
        return self._replace(
            sine=self.sine * c + self.cosine * s, cosine=self.cosine * c - self.sine * s
        )

    def at(self, frequencies):
        """Return those of other frequencies, whose first position is the same."""
        first = torch.atan2(self.sine[0, 0], self.cosine[0, 0]) / self.frequencies[0]
        angles = (first + torch.arange(len(self.sine), dtype=first.dtype))[:, None] * frequencies
        return self._replace(sine=angles.sin(), cosine=angles.cos())


def seen(table):
    """Return the sinusoids that a table (positions, width) is of; None if it is of none."""
    if len(table) < 2 or table.shape[1] % 2 or table.shape[1] < 4:
        return None
    for layout, (parts, _) in LAYOUTS.items():
        first, second = parts(table)
        if not torch.allclose(first**2 + second**2, torch.ones_like(first), atol=NEAR):
            continue
        for sine_first in (True, False):
            both = (first, second) if sine_first else (second, first)
            own = Sinusoids(*both, layout, sine_first)
            if (own.frequencies > 0).all():
                return own
    return None


def added(operation):
    """Add positions that lie otherwise, or are later, or of other frequencies."""
    for name in ("input", "other"):
        table = operation[name]
        x = operation["other" if name == "input" else "input"]
        if not isinstance(table, torch.Tensor) or not isinstance(x, torch.Tensor):
            continue
        alike = table.ndim > 1 and table.numel() == table.shape[-2:].numel()
        if table.requires_grad or not alike or x.shape[-2:] != table.shape[-2:]:
            continue
        own = seen(table.reshape(table.shape[-2:]))
        if own is None or operation["alpha"] != 1:
            continue
        for claim, change in _others(own).items():

            def changed(operation, name=name, change=change):
                table = operation[name]
                rows = change(seen(table.reshape(table.shape[-2:]))).table()
                return operation(**{name: rows.reshape(table.shape)})

            yield causes.POSITIONS, f"sinusoidal positions {claim}", changed


def _others(own):
    """Return what may be made of sinusoids otherwise, by claims."""
    (other,) = LAYOUTS.keys() - {own.layout}
    turned = "cosines before sines" if own.sine_first else "sines before cosines"
    changes = {
        f"have their sines and cosines {other}, not {own.layout}": (
            lambda s: s._replace(layout=other)
        ),
        f"have {turned}": lambda s: s._replace(sine_first=not s.sine_first),
        f"have {turned}, and {other}": (
            lambda s: s._replace(sine_first=not s.sine_first, layout=other)
        ),
        "are one position ahead": lambda s: s.later(1),
        "are one position behind": lambda s: s.later(-1),
    }
    return changes | _of_other_frequencies(own.frequencies)


def _of_other_frequencies(own):
    """Return likewise what other bases, and exponents of them, make."""
    half, changes = len(own), {}
    pair = torch.arange(half, dtype=own.dtype)
    for whole, other in ((half, half - 1), (half - 1, half)):
        base = _near(float(own[1]) ** -whole)
        if torch.allclose(own, base ** (-pair / whole), rtol=NEAR):
            said = f"multiples of 1 / {other}, not 1 / {whole}"
            frequencies = {
                f"have exponents that are {said}": base ** (-pair / other),
                "have exponents that are doubled": base ** (-2 * pair / whole),
                "have exponents that are halved": base ** (-0.5 * pair / whole),
                **{
                    f"have a base of {number:g}, not {base:g}": number ** (-pair / whole)
                    for number in BASES
                    if number != base
                },
            }
            changes |= {claim: lambda s, f=other: s.at(f) for claim, other in frequencies.items()}
            break
    return changes


def _near(base):
    """Return a usual base that a base, reckoned from a table, is close to; else that itself."""
    return next((usual for usual in BASES if abs(usual - base) <= NEAR * usual), base)


RULES = {"add": [added]}
