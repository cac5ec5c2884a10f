"""What a reference makes of a whole run is what ports are held to, however its `train` goes."""

from pathlib import Path

import pytest

from tests.running import PORTS, Compare
from tests.test_own_recipes import withs, written

SOURCE = (PORTS / "mlp_torch.py").read_text()
ADAM = "torch.optim.Adam(model.parameters(), lr=learning_rate)"
MADE = "torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)"
STEP = "        optimizer.step()\n"
WHOLE = "        value = loss(model, x[rows], y[rows])\n"
NORM = "nn.LayerNorm(8)"
REFERENCES = {
    # The rates depend on how many steps there are.
    "scheduled": (
        (
            ADAM,
            f"{MADE}\n    count = len(schedule)\n"
            "    rates = torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=count)",
        ),
        (STEP, f"{STEP}        rates.step()\n"),
    ),
    # Rows are normalised with those of their half of a batch.
    "in halves": (
        (ADAM, MADE),
        (NORM, "nn.BatchNorm1d(8, track_running_stats=False)"),
        (WHOLE, "        value = sum(loss(model, x[p], y[p]) for p in (rows[:8], rows[8:])) / 2\n"),
    ),
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_free_run_has_the_floors_of_rounding_alone(
    compare: Compare, tmp_path: Path, kind: str
) -> None:
    source = SOURCE
    for right, other in REFERENCES[kind]:
        assert source.count(right) == 1
        source = source.replace(right, other)
    for name, text in (
        ("reference.py", source),
        ("port.py", source),
        ("plain.py", source.replace("momentum=0.9", "momentum=0.899999")),
    ):
        (tmp_path / name).write_text(text)
    recipe = written(tmp_path, reference="reference.py", learning_rate=0.01, steps=9)
    run = compare(recipe, "--dtype=float64", *withs(tmp_path, ["port.py", "plain.py"]))
    assert run.result("port.py", "float64")["verdict"] == "agree", run.stdout + run.stderr
    found = run.result("plain.py", "float64")
    assert found["divergence"]["rung"] == "trajectory"
    (ratio,) = (rung["ratio"] for rung in found["rungs"] if rung["rung"] == "trajectory")
    assert found["divergence"]["tensor"] == "loss"
    assert ratio > 1e6
    assert found["divergence"]["ratio"] > 1e6
