"""Damaged bytes: truncated, flipped, doubled, shuffled, replaced."""

from collections.abc import Callable
from random import Random

Damage = Callable[[bytes, Random], bytes]


def _truncated(data: bytes, random: Random) -> bytes:
    return data[: random.randrange(len(data))]


def _flipped(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 8, 100))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _doubled(data: bytes, random: Random) -> bytes:
    return data + data[: random.randrange(1, len(data))]


def _without_some(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data))
    return data[:start] + data[start + random.randrange(1, 1000) :]


def _shuffled(data: bytes, random: Random) -> bytes:
    half = random.randrange(1, len(data))
    return data[half:] + data[:half]


def _of_zeros(data: bytes, random: Random) -> bytes:
    start = random.randrange(len(data))
    size = min(random.randrange(1, 1000), len(data) - start)
    return data[:start] + bytes(size) + data[start + size :]


def _of_noise(data: bytes, random: Random) -> bytes:
    return random.randbytes(random.randrange(1, 1000))


KINDS: tuple[Damage, ...] = (
    *(_truncated, _flipped, _doubled, _without_some, _shuffled, _of_zeros, _of_noise),
)


def damaged(data: bytes, random: Random) -> tuple[str, bytes]:
    """Return what was done to some bytes, and what they are now: never what they were."""
    while True:
        kind = random.choice(KINDS)
        changed = kind(data, random)
        if changed != data:
            return kind.__name__.lstrip("_").replace("_", " "), changed
