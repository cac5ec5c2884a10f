"""What is told of a comparison's work while it goes on."""

from typing import Self


class Progress:
    """Is told of a comparison's work while it goes on, by several threads; this one ignores it.

    It is a context, for those that show something meanwhile.
    """

    def planned(self, pieces: int, cold: int) -> None:
        """So many pieces of work lie ahead, `cold` of them noise floors."""

    def working(self, who: str, what: str) -> None:
        """`who` has begun with `what`."""

    def explaining(self, who: str, what: str) -> None:
        """`who` disagrees on `what`, and is asked again to find out where and why."""

    def finished(self, who: str, what: str) -> None:
        """`who` is through with `what`."""

    def skipped(self, who: str, what: str) -> None:
        """`who` need not do `what`, because it would do the same again."""

    def warn(self, text: str) -> None:
        """Something that should not be missed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to end."""
