"""One of the workers that a port spreads over, which trains what it is asked to and takes the time.

Run as `python -m bench.spread_worker`.
"""

import importlib
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.messages import Join, Spread, SpreadMessage, SpreadRequest, Took
from bench.rivals import all_reduce
from parity import contract
from parity.contract import PortName, Seat
from parity.processes import quiet_import, serving

ROWS = 10_000
TIMEOUT = 120.0  # seconds, for joining


class SpreadBench:
    """A worker, its framework, and what it works on."""

    def __init__(self) -> None:
        self._framework = ""
        self._runtime: Any = None
        self._repeat: all_reduce.Repeat | None = None

    def __call__(self, request: SpreadRequest, send: Callable[[SpreadMessage], None]) -> None:
        """Serve a request."""
        if isinstance(request, Join):
            self._join(request)
        elif request.net:
            send(Took(self._train(request)))
        else:
            send(Took(self._sum(request.steps)))

    def _join(self, request: Join) -> None:
        self._framework = request.framework
        quiet_import.import_framework(self._framework)
        seat = Seat(request.rank, request.addresses, TIMEOUT)
        contract.join(PortName(self._framework), seat)
        self._runtime = importlib.import_module(f"impls.{self._framework}.runtime")
        self._runtime.configure("float32", "cpu", 1)
        random = np.random.default_rng(0)
        self._x = self._runtime.to_native(random.random((ROWS, 784), np.float32))
        self._y = self._runtime.to_native(random.integers(0, 10, ROWS))

    def _train(self, request: Spread) -> float:
        """Return the seconds of the second of two runs; the first one traces and compiles."""
        module = importlib.import_module(f"impls.{self._framework}.{request.net}")
        rows = np.arange(request.steps * request.batch) % ROWS
        schedule = rows.reshape(request.steps, request.batch)
        for _ in range(2):
            weights = np.zeros((784, 10), np.float32), np.zeros(10, np.float32)
            handed = map(self._runtime.to_native, weights)
            model = module.build(dict(zip(("W", "b"), handed, strict=True)))
            start = time.perf_counter()
            _, losses = module.train(model, self._x, self._y, schedule, 0.01)
            np.asarray(self._runtime.to_numpy(losses))
            seconds = time.perf_counter() - start
        return seconds

    def _sum(self, times: int) -> float:
        if self._repeat is None:
            self._repeat = all_reduce.OF[self._framework]()
            self._repeat(times)
        start = time.perf_counter()
        self._repeat(times)
        return time.perf_counter() - start


if __name__ == "__main__":
    serving.serve(SpreadRequest, SpreadBench())
