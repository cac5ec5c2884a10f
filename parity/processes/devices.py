"""Whether this machine has the device that ports are to run on, without any framework."""

import ctypes
import os

from shared.errors import InputError

DRIVER = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"


def check(device: str) -> None:
    """Refuse a device that this machine has not.

    Raises:
        InputError: `device` is "cuda", and there is no driver for it, or no GPU.
    """
    if device != "cuda":
        return
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError as error:
        raise InputError(
            f"--device is cuda, but this machine has no driver for it ({DRIVER}): "
            "install NVIDIA's, or leave --device out"
        ) from error
    number = ctypes.c_int()
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(number)) or not number.value:
        raise InputError(
            "--device is cuda, but its driver finds no GPU: see whether nvidia-smi does, or leave "
            "--device out"
        )
