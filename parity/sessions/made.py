"""What a recipe leaves to users' own code, made before a comparison: its data, initial weights."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from parity.processes.errand import ErrandFailedError, ask
from parity.processes.messages import Draw, MakeData
from parity.processes.options import Options
from parity.processes.standards import ReferenceFailedError
from parity.standard.inputs import Tensors, reference_of
from shared import own_data
from shared.datasets import Dataset
from shared.errors import InputError
from shared.recipes import Recipe
from shared.weights import Weights, WeightShapes


def complete(recipe: Recipe, seed: int | None, options: Options) -> Recipe:
    """Return a recipe with its data and its initial weights made, once for both precisions.

    Args:
        recipe: one that may leave either to users' code.
        seed: of the weights, or None for the recipe's own.
        options: how processes run.

    Raises:
        InputError: a Python file makes no data that can be used.
        ReferenceFailedError: the reference draws no weights that can be used.
    """
    if isinstance(recipe.data, Path):
        data = _data(recipe.data, "accuracy" in recipe.functions, options)
        recipe = replace(recipe, data=lambda choice, data_dir: data)
    if recipe.initial is None:
        weights = _drawn(recipe, recipe.seed if seed is None else seed, options)
        recipe = replace(recipe, initial=partial(_given, weights))
    return recipe


def _data(file: Path, classes: bool, options: Options) -> Dataset:
    try:
        arrays = ask(MakeData(file), options)
    except ErrandFailedError as error:
        raise InputError(f"{file} makes no data: {error}") from error
    return own_data.dataset(file, own_data.checked(file, arrays), classes)


def _drawn(recipe: Recipe, seed: int, options: Options) -> Tensors:
    try:
        return ask(Draw(reference_of(recipe), seed, options.threads), options)
    except ErrandFailedError as error:
        failed = ReferenceFailedError(
            f"the reference draws no initial weights for {recipe.name}: {error}; let build draw "
            "them when it gets None, or name a file of weights in the recipe"
        )
        raise failed from error


def _given(weights: Tensors, shapes: WeightShapes, seed: int) -> Weights:
    return weights
