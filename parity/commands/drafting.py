"""`--init`: a recipe and a reference for a model of a user's."""

import click

from parity.sessions.drafts import write
from shared.errors import InputError


def draft(model: tuple[str, ...], shape: str | None, timeout: float) -> None:
    """Write a recipe for a user's model, and say what to do with it.

    Args:
        model: its framework, and where it is.
        shape: of one example, if it is given.
        timeout: see `drafts.write`.

    Raises:
        InputError: there is no such model, or no recipe can be written for it.
    """
    if len(model) != 2:
        raise InputError("--init takes FRAMEWORK MODULE:NAME, such as torch my_model:Net")
    recipe, port, weights, data = write.write(*model, shape, timeout)
    program = click.get_current_context().command_path
    program = "python compare.py" if program == "compare.py" else program
    click.echo(f"wrote {recipe}, {port}, {weights} and {data}")
    click.echo(f"edit the loss and the optimizer in {port}, and put your own data into {data}")
    click.echo(f"try it: {program} {recipe}")
    click.echo(f"judge a port: {program} {recipe} --with my_port.py")
