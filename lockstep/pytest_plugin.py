"""The fixture `agree`, which is `assert_agree`, and a summary of how close tests came to the limit.

pytest loads it by itself where Lockstep is installed. Nothing else is imported before `agree` is
called.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from lockstep.agreement import Agreement, judged

NAME = "lockstep ratio"  # of a test's property, which comes back from the workers of pytest-xdist
MOST = 10  # tests that are named in the summary


class Agree:
    """`assert_agree` for one test, whose worst ratio it notes."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, reference: Any, port: Any, *arrays: Any, **options: Any) -> Agreement:
        """Hold one function to another; the arguments are those of `assert_agree`."""
        __tracebackhide__ = True
        agreement, difference = judged(reference, port, *arrays, **options)
        self._note(agreement.ratio)
        if difference:
            raise AssertionError(difference)
        return agreement

    def _note(self, ratio: float) -> None:
        noted = [value for name, value in self._properties if name == NAME]
        worst = max([ratio, *(value for value in noted if isinstance(value, float))])
        self._properties[:] = [each for each in self._properties if each[0] != NAME]
        self._properties.append((NAME, worst))


@pytest.fixture
def agree(request: pytest.FixtureRequest) -> Agree:
    """Hold one function to another: `lockstep.assert_agree`, with a summary at the end."""
    return Agree(request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the worst ratio of each test that used the fixture, the largest first."""
    ratios = sorted(_ratios(terminalreporter), key=lambda each: -each[1])
    if not ratios:
        return
    terminalreporter.section("lockstep: worst ratio per test (up to 8 agrees)")
    for test, ratio in ratios[:MOST]:
        terminalreporter.write_line(f"{ratio:>8.2g}  {test}")
    if len(ratios) > MOST:
        terminalreporter.write_line(f"and {len(ratios) - MOST} more, with smaller ratios")


def _ratios(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, float]]:
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, value in report.user_properties:
                    if name == NAME:
                        yield report.nodeid, value
