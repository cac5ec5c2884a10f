"""What is said of two functions that do not agree."""

from collections.abc import Iterator

from parity.functions.judge import Judged
from parity.reports import wording
from parity.standard.comparison import LIMIT, Comparison

MOST = 10  # how many other arrays that differ are named
LEGEND = (
    "A ratio is an error over the noise floor (how far rounding alone moves that array): up to "
    f"{LIMIT:g} agrees."
)


def report(judged: Judged) -> str | None:
    """Say in what two functions differ: the first array with some values, others in a line each."""
    wrong = [each for each in judged.comparisons if not each.agrees]
    return "\n".join(_lines(judged, wrong)) if wrong else None


def _lines(judged: Judged, wrong: list[Comparison]) -> Iterator[str]:
    first, *others = wrong
    yield f"{judged.port} does not agree with {judged.reference} in {judged.dtype}"
    yield _difference(first)
    examples = first.examples if first.compared else ()
    yield from (f"  {line}" for line in wording.aligned(wording.values(examples, judged.dtype)))
    yield from (_difference(each) for each in others[:MOST])
    if len(others) > MOST:
        yield f"and {len(others) - MOST} more"
    right = len(judged.comparisons) - len(wrong)
    if right:
        yield f"{right} other {'array agrees' if right == 1 else 'arrays agree'}"
    yield LEGEND


def _difference(comparison: Comparison) -> str:
    if comparison.unusable:
        return comparison.unusable
    extent = wording.share(comparison.mismatches, comparison.compared, comparison.ratio)
    return f"{comparison.place}: {extent}"
