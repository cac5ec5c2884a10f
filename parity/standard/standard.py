"""What ports are held to on one recipe in one precision, all of it at hand."""

from dataclasses import dataclass

from parity.standard.floors import NoiseFloors
from parity.standard.inputs import Inputs
from parity.standard.reference import Reference
from shared.experiment import Experiment
from shared.figures import Figure


@dataclass(frozen=True, eq=False)
class Standard:
    """A reference with its noise floors, and what both were measured on."""

    experiment: Experiment
    inputs: Inputs
    reference: Reference
    floors: NoiseFloors

    def __str__(self) -> str:
        return f"{self.inputs}"

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures of others to which this very run can be held.

        They are printed from float64, and belong to the recipe's own seed, data and length.
        """
        experiment, inputs = self.experiment, self.inputs
        own_seed = experiment.seed == experiment.recipe.seed
        own_data = experiment.data.notice is None
        if inputs.dtype != "float64" or not own_seed or not own_data:
            return ()
        whole = inputs.steps == inputs.budget
        return tuple(
            figure
            for figure in experiment.recipe.figures
            if (
                whole
                if figure.at_the_end
                else figure.rung != "trajectory" or figure.step < inputs.steps
            )
        )
