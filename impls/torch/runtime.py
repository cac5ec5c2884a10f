"""What surrounds every PyTorch port: precision, device, threads, and tensors in and out."""

import torch

MODE = "eager"


def configure(dtype, device, threads):
    """Prepare PyTorch for `dtype` ("float32" or "float64") on `device` ("cpu" or "cuda").

    Raises:
        RuntimeError: `device` is "cuda" and PyTorch finds none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("PyTorch finds no GPU, but was asked for 'cuda'")
    # A default device slows every call, even if it is the CPU: there, None stands for it.
    torch.set_default_device(device if device == "cuda" else None)
    torch.set_default_dtype(getattr(torch, dtype))
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")  # float32 means float32, not TF32
    torch.backends.cudnn.allow_tf32 = False  # nor TF32 in convolutions


def run_eagerly(enabled):
    """Make torch.compile, which the ports here do without, run Python's own code."""
    torch.compiler.set_stance("force_eager" if enabled else "default")


def to_native(array):
    """Copy a NumPy array into a tensor; `torch.from_numpy` would share its memory."""
    return torch.tensor(array)


def to_numpy(value):
    """Return a tensor as a NumPy array; on a CPU, the same memory."""
    return value.detach().cpu().numpy()
