"""What crosses between processes arrives as it was sent, or is refused; nothing of it is run."""

import io
import json
import math
import pickle
import struct
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import GenericAlias, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from parity.contract import PortName
from parity.processes import wire
from parity.processes.messages import (
    Answer,
    Climb,
    Done,
    Load,
    Loaded,
    Message,
    PortRequest,
    Predictions,
    Unchanged,
)
from parity.standard.comparison import Comparison, Example
from parity.standard.inputs import Store
from parity.standard.place import Place
from shared.experiment import prepare


def crossed(message: Any, expected: Any = Message) -> Any:
    """Return a message as it arrives."""
    stream = io.BytesIO()
    wire.write(stream, message)
    stream.seek(0)
    return wire.read(stream, expected)


@pytest.mark.parametrize(
    "message",
    [
        Load(PortName("mine.py", Path("folder/mine.py"))),
        Load(PortName("numpy")),
    ],
)
def test_requests_arrive_as_they_were_sent(message: Any) -> None:
    assert crossed(message, PortRequest) == message


@pytest.mark.parametrize(
    "message",
    [
        Loaded("torch", ("compiled", "eager"), False, 1.5),
        Done(5),
        Predictions("accuracy", "train", None, math.inf),
        Unchanged(
            [
                Comparison(
                    Place("data", 0, "x", "batch"),
                    3,
                    1,
                    0.5,
                    1.0,
                    0.0,
                    (1,),
                    (Example((), 1, "a"),),
                )
            ]
        ),
    ],
)
def test_messages_arrive_as_they_were_sent(message: Any) -> None:
    assert crossed(message) == message


def test_arrays_arrive_where_their_type_is_an_alias_as_since_numpy_2_5() -> None:
    alias = GenericAlias(SimpleNamespace(__value__=np.ndarray[Any, np.dtype[Any]]), (Any,))  # type: ignore[arg-type] # a stand-in for typing.TypeAliasType, which Python 3.11 lacks
    given = np.arange(3.0)
    for expected in (alias, float | alias):
        assert wire._built(expected, {wire.ARRAY: 0}, [given]) is given


def test_a_whole_number_stays_one() -> None:
    found = crossed(
        Unchanged(
            [Comparison(Place("data", 0, "y"), 1, 1, 1.0, 1.0, 0.0, (), (Example((), 1, 2.0),))]
        )
    )
    example = found.comparisons[0].examples[0]
    assert (type(example.expected), type(example.got)) == (int, float)


def test_arrays_arrive_bit_for_bit() -> None:
    sent: dict[str, Any] = {
        "turned": np.arange(6.0).reshape(2, 3).T,
        "single": np.float32(0.1),
        "whole": np.array([[1], [2]], np.int64),
        "odd": np.array([math.nan, -0.0, math.inf], np.float32),
        "none": np.empty((0, 3)),
    }
    found = crossed(Answer("gradients", 2, sent)).tensors
    assert list(found) == list(sent)
    for name, value in sent.items():
        assert (found[name].dtype, found[name].shape) == (value.dtype, value.shape)
        assert found[name].tobytes() == value.tobytes()


def test_a_recipe_arrives_as_it_was_sent(tmp_path: Path) -> None:
    inputs = Store(tmp_path).inputs(prepare("planar", "float32", 7), "cpu", 1)
    found = crossed(Climb(inputs, "eager", {0: inputs.weights}, inputs.weights, {}), PortRequest)
    assert (found.inputs.files, found.inputs.schedule) == (inputs.files, 7)
    assert found.checkpoints[0].keys() == inputs.weights.keys()


@pytest.mark.parametrize("schedule", [1, np.array([[3]])])
def test_a_schedule_of_one_step_stays_what_it_is(schedule: Any, tmp_path: Path) -> None:
    inputs = Store(tmp_path).inputs(prepare("planar", "float32", 1), "cpu", 1)
    sent = replace(inputs, schedule=schedule)
    found = crossed(Climb(sent, "eager", {}, {}), PortRequest).inputs.schedule
    assert type(found) is type(schedule)
    assert np.array_equal(found, schedule)


def test_what_has_no_values_is_sent_without_bytes() -> None:
    large = np.broadcast_to(np.zeros((), "?"), (10**5, 10**5))
    stream = io.BytesIO()
    wire.write(stream, Answer("forward", 0, {"outputs": wire.hollow(large)}))
    assert len(stream.getvalue()) < 200
    stream.seek(0)
    found = wire.read(stream, Message).tensors["outputs"]
    assert (found.shape, found.dtype) == ((10**5, 10**5), bool)


def test_text_arrives_as_plain_text() -> None:
    class Framework(StrEnum):
        OWN = "numpy"

    class Evil(str):
        def __reduce__(self) -> Any:
            raise AssertionError("it was run")

        def __str__(self) -> str:
            return "another"

    for name in (Framework.OWN, Evil("numpy")):
        found = crossed(Loaded(name, ("eager",), True, 0.0))
        assert type(found.framework) is str
        assert found.framework == "numpy"


def framed(described: Any, arrays: Any = ()) -> io.BytesIO:
    header = json.dumps([described, list(arrays)]).encode()
    return io.BytesIO(struct.pack(">I", len(header)) + header)


LOADED = {"framework": "x", "modes": ["eager"], "only_cpu": True, "seconds": 1.0}


def test_a_message_is_read_from_what_describes_it() -> None:
    assert wire.read(framed(["Loaded", LOADED]), Message) == Loaded("x", ("eager",), True, 1.0)


@pytest.mark.parametrize(
    "described",
    [
        ["Done", {"memory": "5"}],
        ["Done", {"memory": True}],
        ["Done", {"memory": 5, "more": 1}],
        ["Done", {}],
        ["PortName", {"name": "numpy", "file": None}],
        ["Loaded", {**LOADED, "framework": 5}],
        ["Loaded", {**LOADED, "framework": "x" * (wire.LONGEST_TEXT + 1)}],
        ["Loaded", {**LOADED, "modes": ["fast"]}],
        ["Loaded", {**LOADED, "modes": []}],
        ["Loaded", {**LOADED, "only_cpu": 1}],
        ["Answer", {"rung": "loss", "step": 0, "tensors": [["loss", {"array": 3}]]}],
        ["Answer", {"rung": "loss", "step": 0, "tensors": [["loss", 1.0]]}],
        ["__import__", {"name": "os"}],
        [],
        None,
        "Done",
        5,
    ],
)
def test_what_is_no_message_is_refused(described: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.read(framed(described), Message)


@pytest.mark.parametrize(
    "kind",
    [
        ["|O", [1], False],
        ["<f8", [-1], False],
        ["<f8", [1 << 40], False],
        ["<f8", "ab", False],
        ["<U5", [1], False],
        ["<c8", [1], False],
        ["<f3", [1], False],
        ["<M8", [1], False],
        ["f8, (", [1], False],
    ],
)
def test_an_array_that_cannot_be_is_refused(kind: Any) -> None:
    described = ["Answer", {"rung": "loss", "step": 0, "tensors": [["loss", {"array": 0}]]}]
    with pytest.raises(wire.WireError):
        wire.read(framed(described, [kind]), Message)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\0\x08[1", pickle.dumps(Done(5))[:3]])
def test_a_stream_that_ends_is_no_message(content: bytes) -> None:
    with pytest.raises(EOFError):
        wire.read(io.BytesIO(content), Message)


def test_a_pickle_is_no_message() -> None:
    with pytest.raises((wire.WireError, EOFError)):
        wire.read(io.BytesIO(pickle.dumps(Done(5)) + b"\0" * 100), Message)
