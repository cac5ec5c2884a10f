"""`assert_parity` for a process that does not have Lockstep's folders on its path.

Run as `python -m parity.sessions.remote`: the arguments come in as JSON on standard input, and one
JSON object goes out on standard output, with the `results`, or with what was raised.
"""

import json
import os
import sys
from typing import Any

from parity.processes.standards import ReferenceFailedError
from parity.reports.as_json import to_json
from parity.sessions.assertion import assert_parity
from shared import interrupts
from shared.errors import InputError


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the results, or the text of the error."""
    try:
        return {"results": json.loads(to_json(assert_parity(**asked)))["results"]}
    except AssertionError as error:
        return {"differs": str(error)}
    except InputError as error:
        return {"unusable": str(error)}
    except ReferenceFailedError as error:
        return {"failed": str(error)}


def main() -> None:
    """Answer once, unless interrupted; then leave no file and no process behind."""
    interrupts.raise_keyboard_interrupt()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever else is printed is no answer
    try:
        json.dump(answer(json.load(sys.stdin)), out)
        out.close()
    except KeyboardInterrupt:
        sys.exit(interrupts.INTERRUPTED)


if __name__ == "__main__":
    main()
