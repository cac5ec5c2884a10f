"""Arrays as the bytes of a .safetensors file, the same for the same arrays."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CODES = {"float32": "F32", "float64": "F64", "int64": "I64", "bool": "BOOL"}
METADATA = "__metadata__"  # the name in a header that is no tensor's


def encoded(tensors: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the content of a file; tensors of one width keep their order, unlike in the library.

    Wider ones come first, so that each begins at a multiple of its width.

    Args:
        tensors: arrays of the types in CODES, by name.
        metadata: texts by name, which the file's header holds, too.
    """
    ordered = sorted(tensors.items(), key=lambda item: -item[1].itemsize)
    header: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    parts, start = list[bytes](), 0
    for name, array in ordered:
        parts.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        stop = start + len(parts[-1])
        header[name] = {
            "dtype": CODES[array.dtype.name],
            "shape": list(np.shape(array)),
            "data_offsets": [start, stop],
        }
        start = stop
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *parts])
