"""The tests, whose own process uses one thread per library, as ports' do."""

import os

from parity.processes import threads

os.environ.update(threads.pinned(1))  # before any test imports a library
