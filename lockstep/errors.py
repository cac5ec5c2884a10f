"""What is raised beside AssertionError."""


class InputError(ValueError):
    """What was asked for cannot be used; the text says what is wrong and what to do."""


class ReferenceFailedError(RuntimeError):
    """The reference itself failed, so there is no verdict."""
