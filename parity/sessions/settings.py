"""How a comparison is made: the options of compare.py and of `assert_parity`."""

import threading
from dataclasses import dataclass, fields
from pathlib import Path

from parity.contract import DEVICES, DTYPES, MODES
from parity.processes.options import Options
from parity.processes.profile import Profile
from parity.results import Trial
from parity.sessions import made, room
from shared import recipes
from shared.errors import InputError
from shared.experiment import prepare
from shared.recipes import unknown

DTYPE_CHOICES = {**{dtype: [dtype] for dtype in DTYPES}, "both": list(DTYPES)}
MODE_CHOICES = {**{f"{mode}": [mode] for mode in MODES}, "both": list(MODES)}
DATA = ["auto", "mnist", "digits"]
QUICK_STEPS = 20  # all rungs, at few checkpoints
QUICK_ROWS = 5000  # of MNIST; all of it takes seconds to copy into every process
MOST_THREADS = 1024
EAGER_STEPS = 100  # unless another number is asked for: without compilers, 50 ms each is common


@dataclass(frozen=True)
class Settings:
    """What is compared, and how; every field is an option of compare.py, which describes it.

    Raises:
        InputError: a value that no comparison can use.
    """

    dtype: str | None = None
    mode: str = "compiled"
    steps: int | None = None
    seed: int | None = None
    data: str = "auto"
    data_dir: Path | None = None
    device: str = "cpu"
    threads: int = 1
    timeout: float = 300.0
    fresh: bool = False
    quick: bool = False
    profile: bool = False

    def __post_init__(self) -> None:
        for option, value, known in (
            ("--dtype", self.dtype or "both", list(DTYPE_CHOICES)),
            ("--mode", self.mode, list(MODE_CHOICES)),
            ("--data", self.data, DATA),
            ("--device", self.device, list(DEVICES)),
        ):
            if value not in known:
                raise InputError(unknown(option, value, known))
        if self.steps is not None and self.steps < 1:
            raise InputError(f"--steps is {self.steps}, but there must be at least 1 to compare")
        if self.seed is not None and not 0 <= self.seed < 2**32:
            raise InputError(f"--seed is {self.seed}, but must be from 0 to 4294967295")
        if not 1 <= self.threads <= MOST_THREADS:
            raise InputError(f"--threads is {self.threads}, but must be from 1 to {MOST_THREADS}")
        if not 0 < self.timeout <= threading.TIMEOUT_MAX:
            raise InputError(
                f"--timeout is {self.timeout:g}, but must be a number of seconds over 0, "
                f"and at most {threading.TIMEOUT_MAX:g}"
            )

    @property
    def given(self) -> tuple[str, ...]:
        """The options that are not as they are by default, as on the command line."""
        own = {
            field.name: value
            for field in fields(self)
            if (value := getattr(self, field.name)) != field.default
        }
        names = {name: f"--{name.replace('_', '-')}" for name in own}
        return tuple(
            names[name] if value is True else f"{names[name]} {value}"
            for name, value in own.items()
        )

    @property
    def options(self) -> Options:
        """How its processes run."""
        profile = Profile() if self.profile else None
        return Options(
            device=self.device,
            threads=self.threads,
            timeout=self.timeout,
            fresh=self.fresh,
            hasty=self.quick,
            profile=profile,
        )

    def trials(self, names: list[str]) -> list[Trial]:
        """Return a trial per mode, recipe and precision, in this order.

        Trials of one recipe, precision and number of steps share their experiment.

        Args:
            names: of the recipes.

        Raises:
            InputError: there is no such recipe, its data is missing or damaged, or its steps do
                not fit into memory.
            ReferenceFailedError: the reference draws no initial weights, where it is to.
        """
        for name in names if self.steps else ():
            room.check_steps(recipes.get(name), self.steps or 0)
        short = self.quick and not self.steps
        rows = QUICK_ROWS if short else None
        experiments = [
            prepare(recipe, dtype, self.steps, self.seed, self.data, self.data_dir, rows)
            for recipe in (made.complete(recipes.get(n), self.seed, self.options) for n in names)
            for dtype in DTYPE_CHOICES[self.dtype or recipe.dtype]
        ]
        if short:
            experiments = [experiment.cut(QUICK_STEPS) for experiment in experiments]
        shorter = [e if self.steps else e.cut(EAGER_STEPS) for e in experiments]
        return [
            Trial(experiment, mode)
            for mode in MODE_CHOICES[self.mode]
            for experiment in (shorter if mode == "eager" else experiments)
        ]
