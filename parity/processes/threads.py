"""How many threads libraries may use, said by the environment, which they read when imported."""

VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
)


def pinned(threads: int) -> dict[str, str]:
    """Return the environment in which libraries use so many threads."""
    return dict.fromkeys(VARIABLES, str(threads))
