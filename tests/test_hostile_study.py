"""The study of hostile input: a sample of its tries is handled, and what is not fails it."""

from collections.abc import Iterator
from random import Random

import pytest
from click.testing import CliRunner

from parity.contract import ROOT
from studies import hostile
from studies.hostile import CLASSES, attempt
from studies.hostility import runs
from studies.hostility.damage import KINDS, damaged
from studies.hostility.runs import Ended
from studies.hostility.tries import Outcome, Try

pytestmark = pytest.mark.plain_workers

SAMPLE = {
    "MNIST's files": 60,
    "kept noise floors": 60,
    "messages": 300,
    "ports": 3,
    "options": 4,
    "signals": 2,
}


def test_every_class_has_a_sample() -> None:
    assert SAMPLE.keys() == CLASSES.keys()


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_the_tries_is_handled(name: str) -> None:
    tries, _ = CLASSES[name]
    found = attempt(tries, SAMPLE[name], seed=1)
    assert len(found) == SAMPLE[name]
    assert [each for each in found if each.outcome != "handled"] == []


SAYS = 'Traceback (most recent call last):\n  File "{file}", line 1, in <module>\n{error}\n'


@pytest.mark.parametrize(
    ("file", "error", "outcome"),
    [
        ("/usr/lib/python3/site.py", "KeyboardInterrupt", "handled"),
        ("/usr/lib/python3/site.py", "ImportError", "handled"),
        (f"{ROOT}/.venv/site.py", "KeyboardInterrupt", "handled"),
        (f"{ROOT}/shared/files.py", "ValueError: of ours", "crash"),
        (f"{ROOT}/compare.py", "KeyboardInterrupt", "crash"),
    ],
)
def test_after_a_signal_only_pythons_own_word_of_it_is_excused(
    file: str, error: str, outcome: Outcome
) -> None:
    ended = Ended(130, SAYS.format(file=file, error=error), [], {})
    assert runs._general(ended, "SIGINT") == outcome
    assert runs._general(ended) == "crash"


def test_the_same_seed_tries_the_same() -> None:
    tries, _ = CLASSES["messages"]
    first, again, other = (attempt(tries, 20, seed) for seed in (1, 1, 2))
    assert first == again
    assert [each.what for each in first] != [each.what for each in other]


def test_damage_always_changes_something() -> None:
    random = Random(0)
    done = {damaged(b"some bytes", random) for _ in range(300)}
    assert b"some bytes" not in {data for _, data in done}
    assert len({what for what, _ in done}) == len(KINDS)


@pytest.mark.parametrize(("outcome", "status"), [("handled", 0), ("accepted", 1), ("hang", 1)])
def test_whatever_is_not_handled_fails(
    monkeypatch: pytest.MonkeyPatch, outcome: Outcome, status: int
) -> None:
    def tries(random: Random) -> Iterator[Try]:
        yield Try("nothing", "handled")
        yield Try("something", outcome, "why")

    monkeypatch.setattr(hostile, "CLASSES", {"a class": (tries, 2)})
    done = CliRunner().invoke(hostile.main, [])
    assert done.exit_code == status
    assert ("'something': 'why'" in done.output) == (status == 1)
