"""The TensorFlow 2 ports."""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its errors stay on

# TensorFlow imports these, where they are installed, for wrappers that no port uses: a third of the
# time that its own import takes.
UNUSED = ("jax", "matplotlib", "sklearn")


class _Without:
    """While this finder stands first, those packages are not to be had."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in UNUSED:
            raise ModuleNotFoundError(f"{name} is left out of TensorFlow's import", name=name)


def _is_banner(line):
    greeting = ("I0000 ", "WARNING: All log messages before absl::InitializeLog()")
    return line.startswith(greeting) or "failed call to cuInit" in line  # there is no GPU


def _import_without_banners():
    """Import TensorFlow, showing all that it prints on standard error but its load-time banners.

    The libraries that TensorFlow 2.21 loads greet before they have read any log level, so no
    setting stops them.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile("w+", errors="replace") as captured:
        os.dup2(captured.fileno(), 2)
        sys.meta_path.insert(0, _Without)
        try:
            import tensorflow

            tensorflow.config.list_physical_devices()  # looks for a GPU; says if there is none
        finally:
            sys.meta_path.remove(_Without)
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            sys.stderr.writelines(line for line in captured if not _is_banner(line))


_import_without_banners()
