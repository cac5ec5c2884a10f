"""Packages that some options need and a comparison does not: those of the extras."""

from importlib.util import find_spec

from shared.errors import InputError

NEEDED = {
    "--html": ("contourpy", "jinja2", "markupsafe", "PIL", "plotly"),
    "--pictures": ("matplotlib",),
    "--source": ("markupsafe", "pygments"),
    "the guide": ("jinja2", "markupsafe", "pygments"),
    "--cluster": ("distributed",),
}
EXTRAS = {"--cluster": "cluster"}  # all others are of `reports`
DISTRIBUTIONS = {"PIL": "pillow"}  # that are not called as what they bring


def require(option: str) -> None:
    """Check that what an option needs is installed.

    Raises:
        InputError: something is not.
    """
    missing = [name for name in NEEDED.get(option, ()) if find_spec(name) is None]
    if missing:
        *others, last = [DISTRIBUTIONS.get(name, name) for name in missing]
        names = f"{', '.join(others)} and {last}, which are" if others else f"{last}, which is"
        raise InputError(
            f"{option} needs {names} not installed: run pip install "
            f'"lockstep[{EXTRAS.get(option, "reports")}]"'
        )
