"""A recipe in Python: what it says is read and not run; its data is made in another process."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from parity import contract
from parity.sessions.settings import Settings
from shared import recipes
from shared.errors import InputError
from tests.running import PORTS, Compare
from tests.test_made_data import DATA, MISTAKES

SAID = """
import numpy as np

reference = "bag_torch.py"
batch = 12
steps: int = 6
learning_rate = 0.5
dtype = "float64"
rename = {
    "embedding.weight": "E",
    "fc.weight": "W.T",
    "fc.bias": "b",
}
"""
ARRAYS = (
    DATA.replace("def data():", "def made():")
    + """

found = made()
x = {"tokens": found["x.tokens"], "mask": found["x.mask"]}
x_test = {"tokens": found["x_test.tokens"], "mask": found["x_test.mask"]}
y, y_test = found["y"], found["y_test"]
"""
)


def written(folder: Path, source: str) -> Path:
    """Write a recipe in Python, and its reference."""
    shutil.copy(PORTS / "bag_torch.py", folder)
    recipe = folder / "bag.py"
    recipe.write_text(source)
    return recipe


@pytest.mark.parametrize("data", [DATA, ARRAYS])
def test_a_recipe_in_python_says_what_one_in_toml_does(tmp_path: Path, data: str) -> None:
    recipe = recipes.get(f"{written(tmp_path, SAID + data)}")
    assert recipe.name == "bag"
    assert recipe.reference == tmp_path / "bag_torch.py"
    assert recipe.learning_rate == 0.5
    assert recipe.dtype == "float64"
    assert recipe.renames[""]["fc.weight"] == "W.T"
    trial = Settings(steps=2).trials([f"{tmp_path / 'bag.py'}"])[0]
    assert trial.experiment.arrays["x.tokens"].shape == (48, 7)
    assert trial.experiment.arrays["x_test.mask"].dtype == bool
    assert np.shape(trial.experiment.schedule) == (2, 12)


REFUSED = {
    "is not Python": "reference = ",
    "computes steps, which is read, not run: write out": SAID.replace("= 6", "= 2 * 3") + ARRAYS,
    "computes batch, which": SAID.replace("batch = 12", "batch, other = 12, 1") + ARRAYS,
    "computes learning_rate, which": SAID + "learning_rate *= 2\n" + ARRAYS,
    "says steps = '6'": SAID.replace("= 6", "= '6'") + ARRAYS,
    "lacks data": SAID,
    "lacks reference: reference is the path of a Python file, beside the recipe; a port is named "
    "behind --with": "FRAMEWORK = 'numpy'\n" + ARRAYS,
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_no_recipe_can_say_is_refused(tmp_path: Path, said: str) -> None:
    recipe = written(tmp_path, REFUSED[said])
    with pytest.raises(InputError) as error:
        recipes.get(f"{recipe}")
    assert f"{error.value}".startswith(f"{recipe} ")
    assert said in f"{error.value}"


def test_arrays_that_are_none_are_refused(tmp_path: Path) -> None:
    recipe = written(tmp_path, f"{SAID}x = [[1.0, 2.0]]\n")
    with pytest.raises(
        InputError, match=r"makes no data: data\(\): it has x as list, not as an array"
    ):
        Settings().trials([f"{recipe}"])


def test_ports_are_judged_on_a_recipe_in_python(compare: Compare, tmp_path: Path) -> None:
    assert contract.is_installed("torch"), "the reference"
    recipe = written(tmp_path, SAID + ARRAYS)
    source = (PORTS / "bag_numpy.py").read_text()
    right, wrong, _ = MISTAKES["layout.py"]
    assert source.count(right) == 1
    (tmp_path / "right.py").write_text(source)
    (tmp_path / "wrong.py").write_text(source.replace(right, wrong))
    run = compare(recipe, f"--with={tmp_path / 'right.py'}", f"--with={tmp_path / 'wrong.py'}")
    assert run.status == 1, run.stderr
    assert run.result("right.py", "float64")["verdict"] == "agree"
    assert run.result("wrong.py", "float64")["divergence"]["rung"] == "gradients"
