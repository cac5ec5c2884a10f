"""The judge: runs ports, measures the noise floor, climbs the rungs, reports."""

from parity.sessions.assertion import assert_parity

__all__ = ["assert_parity"]
