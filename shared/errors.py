"""The one error that means: what the user gave cannot be used."""


class InputError(Exception):
    """Unusable input. Its text is one sentence: what was found, what was expected, what to do."""
