"""The result of a comparison as one JSON object, schema 1."""

import json
import math
from dataclasses import asdict
from typing import Any

from parity.baseline.changes import Change, Since
from parity.reports.run import environment
from parity.results import Divergence, KnownDifference, PortResult, Ratio, RungResult, overall
from parity.standard.comparison import LIMIT

SCHEMA = 1
# Not in JSON: arrays are for pictures, tracebacks for --debug; of the trial, what is said of it.
LEFT_OUT = ("trial", "curves", "inside", "predicted", "looked", "traceback")


def to_json(results: list[PortResult], since: Since | None = None) -> str:
    """Return the whole comparison; numbers that JSON lacks are the strings nan, inf and -inf."""
    report = {
        "schema": SCHEMA,
        "verdict": overall(results),
        "limit": LIMIT,
        "environment": environment(),
        "results": [_result(result) for result in results],
        "since": _since(since) if since else None,
    }
    return json.dumps(_finite(report), indent=2, allow_nan=False) + "\n"


def _since(since: Since) -> dict[str, Any]:
    """Return what became of the ports' numbers since a baseline."""
    return {
        "file": since.file,
        "written": since.written,
        "options": since.options,
        "holds": since.holds,
        "environment": [
            {"name": name, "before": before, "now": now} for name, before, now in since.environment
        ],
        "changes": [_change(change) for change in since.changes],
        "left_out": since.left_out,
    }


def _change(change: Change) -> dict[str, Any]:
    worst = change.worst
    return {
        **change.trial._asdict(),
        "port": change.port,
        "kind": change.kind,
        "compared": change.compared,
        "other_bits": change.other_bits,
        "ratio": worst.ratio if worst else None,
        "first": _placed(change.first) if change.first else None,
        "fault": change.fault,
    }


def _result(result: PortResult) -> dict[str, Any]:
    wrong = result.looked.wrong
    fields = {name: value for name, value in vars(result).items() if name not in LEFT_OUT}
    return {
        "recipe": result.recipe,
        "dtype": result.dtype,
        "steps": result.steps,
        **fields,
        "rungs": [_placed(rung) for rung in result.rungs],
        "ratios": [_placed(ratio) for ratio in result.ratios],
        "confusion": asdict(result.confusion) if result.confusion else None,
        "divergence": _placed(result.divergence) if result.divergence else None,
        "layers": [asdict(layer) for layer in result.looked.layers],
        "first_wrong": {"layer": wrong.name if wrong else None, "line": result.looked.line},
        "known_differences": [_known(each) for each in result.known_differences],
        "diagnosis": asdict(result.diagnosis) if result.diagnosis else None,
        "compared": result.compared,
    }


def _placed(found: RungResult | Ratio | Divergence) -> dict[str, Any]:
    """Return something found at a place, with the rung, the step and the tensor that this is."""
    place, fields = found.place, asdict(found)
    del fields["place"]
    return {
        "rung": found.rung,
        "step": place.step if place else None,
        "tensor": f"{place}" if place else None,
        **fields,
    }


def _known(found: KnownDifference) -> dict[str, Any]:
    """Return a difference that a recipe expects, with the rung, the step and the tensor."""
    place, fields = found.place, vars(found)
    where = {"rung": place.rung, "step": place.step, "tensor": f"{place}"} if place else {}
    return {**dict.fromkeys(("rung", "step", "tensor")), **where} | {
        name: value for name, value in fields.items() if name != "place"
    }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
