"""The TensorFlow 2 ports."""

import os
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its errors stay on


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
        try:
            import tensorflow

            tensorflow.config.list_physical_devices()  # looks for a GPU; says if there is none
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            sys.stderr.writelines(line for line in captured if not _is_banner(line))


_import_without_banners()
