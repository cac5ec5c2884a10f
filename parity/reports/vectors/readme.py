"""What is said of test vectors in the README beside them."""

from pathlib import Path
from string import Template

from parity.reports import wording
from parity.reports.vectors.cases import Vectors
from parity.results import Trial
from parity.standard.comparison import LIMIT
from parity.standard.inputs import Tensors
from parity.standard.place import SECOND
from shared.experiment import Experiment
from shared.legible import legible

ABOUT = Template(Path(__file__).with_name("about.md").read_text(encoding="utf-8"))


def about() -> str:
    """Return what is said of all of them."""
    return ABOUT.substitute(limit=f"{LIMIT:g}", second=f"{SECOND:g}")


def section(trial: Trial, vectors: Vectors) -> str:
    """Return what is said of one recipe, in either precision."""
    experiment = trial.experiment
    first = vectors.cases[0]
    shapes = {"rows": vectors.rows, "weights": first.weights}
    shapes |= {function: due.expected for function, due in first.due.items()}
    lines = [
        f"{wording.summary(trial)}; {wording.data(trial)}.",
        f"The reference is {_reference(experiment)}; its functions say what each name means.",
        f"There are {len(vectors.answers)} answers to give.",
        *vectors.left_out,
        "",
        f"| of {first.name} | shapes |",
        "| --- | --- |",
        *(f"| {what} | {_shapes(tensors)} |" for what, tensors in shapes.items()),
        "",
    ]
    return legible("\n".join(lines))


def _reference(experiment: Experiment) -> str:
    recipe = experiment.recipe
    return recipe.reference.name if recipe.reference else f"impls/numpy/{recipe.net}.py"


def _shapes(tensors: Tensors) -> str:
    return ", ".join(f"`{name}` {list(array.shape)}" for name, array in tensors.items())
