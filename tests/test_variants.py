"""Mistakes in operations, named by running the reference with one operation made otherwise."""

from pathlib import Path

import pytest

from shared.variants import Place, Variant, gathered
from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written

SOURCE = (PORTS / "mlp_jax.py").read_text()
EPSILON = ("variance + 1e-5", "variance + 1e-3", "another epsilon")
GELU = ("approximate=False", "approximate=True", "another form of GELU")
# In references that call operations, both are varied; of a Keras model, what its layers hold.
MISTAKES = {"torch": (EPSILON, GELU), "jax": (EPSILON, GELU), "tensorflow": (EPSILON,)}


@pytest.mark.parametrize("framework", MISTAKES)
def test_mistakes_in_operations_are_named(compare: Compare, tmp_path: Path, framework: str) -> None:
    recipe = written(tmp_path, reference=f"mlp_{framework}.py")
    causes = {}
    for number, (right, wrong, cause) in enumerate(MISTAKES[framework]):
        assert SOURCE.count(right) == 1
        (tmp_path / f"wrong_{number}.py").write_text(SOURCE.replace(right, wrong))
        causes[f"wrong_{number}.py"] = cause
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, list(causes)))
    assert run.status == 1, run.stderr
    named = {name: run.result(name, "float64")["diagnosis"]["cause"] for name in causes}
    assert named == causes


def test_variants_are_tried_everywhere_then_by_line_then_alone() -> None:
    places = (Place("a.norm1", "8"), Place("a.norm2", "9"), Place("b.norm1", "8"))
    found = [Variant("cause", "claim", (place,)) for place in places]
    tried = [
        variant.places for variant in gathered([*found, Variant("other", "claim", places[:1])])
    ]
    a1, a2, b1 = places
    assert tried == [(a1, a2, b1), (a1,), (a1, b1), (a2,), (a1,), (b1,)]


def test_a_variant_says_where_it_is() -> None:
    places = tuple(Place(name, "1") for name in "abcde")
    assert f"{Variant('cause', 'a claim', places)}" == "a claim, at a, b, c and 2 more"
