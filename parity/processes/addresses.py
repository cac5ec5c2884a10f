"""Addresses on this machine at which workers of a group find each other."""

import random
import socket

HOST = "127.0.0.1"
# Below those that systems give to outgoing connections, any of which might take one meanwhile.
PORTS = range(20_000, 32_000)


def choose(count: int) -> tuple[str, ...]:
    """Return addresses, "HOST:PORT" each, at which nobody listens.

    Raises:
        OSError: there are not that many.
    """
    found: list[str] = []
    for port in random.sample(PORTS, len(PORTS)):  # others choose at the same time
        if len(found) == count:
            break
        if _is_free(port):
            found.append(f"{HOST}:{port}")
    if len(found) < count:
        raise OSError(f"fewer than {count} ports are free on {HOST}")
    return tuple(found)


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
