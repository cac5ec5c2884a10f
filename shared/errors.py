"""Errors that are nobody's port's: what the user gave, or named, cannot be used."""


class InputError(Exception):
    """Unusable input. Its text is one sentence: what was found, what was expected, what to do."""


class ClusterError(Exception):
    """A cluster gave no results. Its text is one sentence."""
