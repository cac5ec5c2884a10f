"""The judge: runs ports, measures the noise floor, climbs the rungs, reports."""
