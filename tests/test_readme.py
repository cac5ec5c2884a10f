"""The README's port of one's own: wrong at first, then fixed, as it says."""

import re
from pathlib import Path

from tests.running import ROOT, Compare

README = (ROOT / "README.md").read_text()
LINE = "weight -= learning_rate * weight.grad\n"


def test_the_port_in_the_readme_is_judged_as_it_says(compare: Compare, tmp_path: Path) -> None:
    found = re.search(r"```python\n(\"\"\"The planar classifier my way.*?)```", README, re.DOTALL)
    assert found is not None
    wrong, port = found[1], tmp_path / "my_port.py"
    fixed = wrong.replace(LINE, f"{LINE}{' ' * 16}weight.grad = None\n")
    assert wrong.count(LINE) == 1
    command = ("planar", "--steps", 1000, "--frameworks", "numpy", f"--with={port}")
    port.write_text(wrong)
    run = compare(*command)
    assert run.status == 1
    assert run.result("my_port.py", "float64")["diagnosis"]["cause"] == "gradients accumulate"
    shown = README[README.index("my_port.py float64 differs first") :]
    shown = shown[: shown.index("```")]
    said = [_rounded(line.rstrip()) for line in run.stdout.splitlines()]
    for line in shown.splitlines()[:-1]:  # the last counts all ports, and seconds
        assert _rounded(line) in said
    port.write_text(fixed)
    assert compare(*command).status == 0


def _rounded(line: str) -> str:
    """Round the long numbers in a line, and leave ratios out: these are the processor's."""
    line = re.sub(r"\b(ratio of|ratio|was) [\d.e+]+", r"\1 ...", line)
    return re.sub(r"\d\.\d{12,}", lambda number: f"{float(number[0]):.12f}", line)
