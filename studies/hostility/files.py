"""Damaged files that the judge reads: MNIST's, kept noise floors, messages of a port's process."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from parity import contract
from parity.contract import PortName
from parity.processes import wire
from parity.processes.messages import Answer, Loaded, Message, Predictions
from parity.standard import cache, floors, reference
from parity.standard.inputs import Store
from shared import mnist_files
from shared.errors import InputError
from shared.experiment import prepare
from studies.hostility.damage import damaged
from studies.hostility.tries import Outcome, Try


def mnist(random: Random) -> Iterator[Try]:
    """Damage one of MNIST's files; all four must be what was published, or they are refused."""
    sound = {name: random.randbytes(2_000) for name in mnist_files.SHA256}
    with tempfile.TemporaryDirectory() as folder:
        while True:
            for name, data in sound.items():
                Path(folder, name).write_bytes(data)
            name = random.choice(list(sound))
            what, changed = damaged(sound[name], random)
            Path(folder, name).write_bytes(changed)
            yield _read_mnist(f"{name} {what}", Path(folder))


def _read_mnist(what: str, folder: Path) -> Try:
    try:
        prepare("mnist", "float32", 1, choice="mnist", data_dir=folder)
    except InputError as error:
        return Try(what, "handled", str(error))
    except Exception as error:
        return Try(what, "crash", f"{type(error).__name__}: {error}")
    return Try(what, "accepted")


def kept_floors(random: Random) -> Iterator[Try]:
    """Damage a file of the cache; what cannot be trusted is measured again."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = Store(Path(folder, "arrays")).inputs(prepare("iris", "float64", 3), "cpu", 1)
        port = contract.load(PortName("numpy"), "iris")
        known = reference.run(port, inputs)
        file = Path(folder, "iris-float64-0.npz")
        cache.save(file, known, floors.measure(port, inputs, known, lambda _: None))
        data = file.read_bytes()
        before = cache.load(file)
        assert before
        while True:
            what, changed = damaged(data, random)
            file.write_bytes(changed)
            yield Try(what, _same_or_none(file, before[1].losses))


def _same_or_none(file: Path, losses: np.ndarray) -> Outcome:
    """A zip has bytes that mean nothing: what is read must be what was written, or nothing."""
    try:
        found = cache.load(file)
    except Exception:
        return "crash"
    return "handled" if found is None or np.array_equal(found[1].losses, losses) else "accepted"


def messages(random: Random) -> Iterator[Try]:
    """Damage what a port's process sends; it is what was sent, or no message."""
    sent: tuple[Message, ...] = (
        Loaded("numpy", ("eager",), True, 0.5),
        Answer("gradients", 3, {"W": np.ones((4, 3)), "b": np.zeros(3, "float32")}),
        Predictions("accuracy", "test", np.ones((5, 2)), 0.25),
    )
    while True:
        stream = io.BytesIO()
        wire.write(stream, random.choice(sent))
        what, changed = damaged(stream.getvalue(), random)
        yield _read_message(what, changed)


def _read_message(what: str, data: bytes) -> Try:
    try:
        found = wire.read(io.BytesIO(data), Message)
    except (EOFError, wire.WireError) as error:
        return Try(what, "handled", str(error))
    except Exception as error:
        return Try(what, "crash", f"{type(error).__name__}: {error}")
    # Values may have changed: a port may send any. What matters is that it is nothing else.
    return Try(what, "handled" if isinstance(found, Message) else "accepted")
