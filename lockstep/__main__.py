"""The command `lockstep`, which is compare.py; `lockstep init` is its option --init."""

import sys

from lockstep import TREE


def main() -> None:
    """Run the command line in this process, which is Lockstep's own."""
    sys.path.insert(0, str(TREE))
    from shared import interrupts

    interrupts.end_at_once()  # also while the rest is imported
    import compare

    if sys.argv[1:2] == ["init"]:
        sys.argv[1] = "--init"
    compare.main("lockstep")


if __name__ == "__main__":
    main()
