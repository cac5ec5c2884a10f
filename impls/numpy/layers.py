"""What a forward pass in NumPy gives on its way: the results of its operations."""

from contextlib import contextmanager

import numpy as np


@contextmanager
def operations(note):
    """Tell of what every operation gives while it lasts; yield what inputs are to be taken by."""

    def take(value):
        if not isinstance(value, np.ndarray | np.generic):
            return value
        view = np.asarray(value).view(_Told)
        view.note = note
        return view

    yield take


class _Told(np.ndarray):
    """An array that tells of what is made of it."""

    def __array_finalize__(self, source):
        self.note = getattr(source, "note", None)

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        own = next(value for value in (*inputs, *out) if isinstance(value, _Told))
        if out:
            kwargs["out"] = tuple(_plain(target) for target in out)
        result = getattr(ufunc, method)(*map(_plain, inputs), **kwargs)
        return own.told(out[0] if out and isinstance(out[0], _Told) else result)

    def __array_function__(self, func, types, args, kwargs):
        return self.told(super().__array_function__(func, types, args, kwargs))

    def __getitem__(self, key):
        return self.told(super().__getitem__(key))

    def told(self, result):
        """Tell of an array, or of several in a list or tuple, and return it as one that tells."""
        if isinstance(result, list | tuple):
            return type(result)(map(self.told, result))
        if not isinstance(result, np.ndarray | np.generic):
            return result
        view = np.asarray(result).view(_Told)
        view.note = self.note
        if self.note and view.dtype.kind == "f":
            self.note(_plain(view))
        return view


def _plain(value):
    return value.view(np.ndarray) if isinstance(value, _Told) else value
