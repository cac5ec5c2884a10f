"""What a baseline was made of, and where: facts that two runs have in common, or do not."""

import hashlib
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import threadpoolctl

from parity.results import PortResult, Trial
from shared import rows
from shared.experiment import Experiment

Facts = dict[str, Any]
# What numbers may depend on.
LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "torch", "jax", "jaxlib", "flax", "equinox", "optax"),
    *("tensorflow", "keras", "mpi4py", "mpich"),
)
# Named one by one: a baseline is shown to others, and variables of like names may hold secrets.
# Those that set threads are no part of it, since --threads sets them for ports.
FLAGS = (
    *("XLA_FLAGS", "XLA_PYTHON_CLIENT_PREALLOCATE", "LIBTPU_INIT_ARGS"),
    *("JAX_PLATFORMS", "JAX_ENABLE_X64", "JAX_DISABLE_JIT", "JAX_DEFAULT_MATMUL_PRECISION"),
    *("JAX_NUMPY_DTYPE_PROMOTION", "JAX_DEFAULT_DTYPE_BITS", "KERAS_BACKEND"),
    *("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC"),
    *("TF_USE_LEGACY_KERAS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "NVIDIA_TF32_OVERRIDE"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    *("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"),
    "PYTHONHASHSEED",
)
NOT_THERE = "none"
MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)


class TrialName(NamedTuple):
    """Which recipe is run, in which precision, and in the mode "compiled" or "eager"."""

    recipe: str
    dtype: str
    mode: str

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """Return the name of a trial."""
        return cls(trial.experiment.recipe.name, trial.experiment.dtype, trial.mode)

    def __str__(self) -> str:
        return f"{self.recipe} {self.dtype}{', eager' if self.mode == 'eager' else ''}"


def of_trial(trial: Trial) -> Facts:
    """Return what two runs must have in common for their numbers to be comparable, in words."""
    experiment = trial.experiment
    schedule = experiment.schedule
    return {
        "steps": f"{experiment.steps:,} steps",
        "learning rate": f"a learning rate of {experiment.learning_rate!r}",
        "data": _data(experiment),
        "batches": "full batches"
        if isinstance(schedule, int)
        else f"batches of {schedule.shape[1]:,} in the order {_digest(schedule=schedule)}",
        "weights": f"the initial weights {_digest(**experiment.weights)}",
    }


def _data(experiment: Experiment) -> str:
    given, tested = experiment.data, experiment.x_test
    test = f" and {rows.count(tested):,}" if tested is not None else ""
    return f"the data {given.name} ({given.sha256[:16]}), {rows.count(experiment.x):,}{test} rows"


def _digest(**arrays: Any) -> str:
    """Return the beginning of a hash of some arrays by name, with their types and shapes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:16]


def environment(results: list[PortResult], threads: int) -> dict[str, str]:
    """Return what numbers may depend on besides the code: versions, flags, processor.

    Args:
        results: of the run, for its devices.
        threads: of each port.
    """
    versions = {name: _version(name) for name in LIBRARIES}
    flags = {name: os.environ.get(name) for name in FLAGS}
    return {
        "Python": platform.python_version(),
        **{name: found for name, found in versions.items() if found},
        **{name: value for name, value in flags.items() if value is not None},
        "threads": f"{threads}",
        "device": ", ".join(dict.fromkeys(result.device for result in results)),
        "processor": _processor(),
        "NumPy's kernels": _kernels(),
        "platform": platform.platform(),
    }


def changed(before: dict[str, str], now: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return what differs between two environments: its name, what it was, and what it is."""
    names = dict.fromkeys((*now, *before))
    pairs = ((name, before.get(name, NOT_THERE), now.get(name, NOT_THERE)) for name in names)
    return [(name, was, is_now) for name, was, is_now in pairs if was != is_now]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's model, as far as the system says."""
    try:
        found = MODEL.search(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _kernels() -> str:
    """Return for which processors the linear algebra is written that NumPy uses here."""
    libraries = threadpoolctl.threadpool_info()
    found = {f"{each['internal_api']} {each.get('architecture', '')}".strip() for each in libraries}
    return ", ".join(sorted(found)) or NOT_THERE
