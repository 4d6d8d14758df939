"""How many arguments the known functions take, and which by name: a call that Python refuses is no program."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift.machine import Machine

_MANY = 255
_TAKES: dict[str, tuple[int, int, tuple[str, ...] | None]] = {
    "len": (1, 1, ()),
    "range": (1, 3, ()),
    "enumerate": (1, 2, ("start",)),
    "zip": (0, _MANY, ("strict",)),
    "reversed": (1, 1, ()),
    "sorted": (1, 1, ("key", "reverse")),
    "list": (0, 1, ()),
    "set": (0, 1, ()),
    "frozenset": (0, 1, ()),
    "tuple": (0, 1, ()),
    "dict": (0, 1, None),
    "max": (1, _MANY, ("key", "default")),
    "min": (1, _MANY, ("key", "default")),
    "sum": (1, 2, ("start",)),
    "next": (1, 2, ()),
    "any": (1, 1, ()),
    "all": (1, 1, ()),
    "isinstance": (2, 2, ()),
    "map": (2, _MANY, ()),
    "filter": (2, 2, ()),
    "numpy.clip": (1, 3, ("a_min", "a_max")),
    "numpy.mean": (1, 2, ("axis", "keepdims")),
    "numpy.argmax": (1, 1, ()),
    "numpy.argmin": (1, 1, ()),
    "numpy.count_nonzero": (1, 1, ()),
    "numpy.where": (1, 3, ()),
    "numpy.copy": (1, 1, ()),
    "numpy.zeros_like": (1, 1, ("dtype",)),
    "numpy.ones_like": (1, 1, ("dtype",)),
    "numpy.full_like": (2, 2, ("dtype",)),
    "numpy.logical_not": (1, 1, ()),
    "numpy.square": (1, 1, ()),
    "numpy.sign": (1, 1, ()),
    "numpy.nan_to_num": (1, 1, ("copy", "nan", "posinf", "neginf")),
    "numpy.tri": (1, 3, ("k",)),
    "numpy.diag": (1, 2, ("k",)),
    "numpy.expand_dims": (1, 2, ("axis",)),
    "numpy.tile": (2, 2, ()),
    "numpy.flatnonzero": (1, 1, ()),
    "numpy.nonzero": (1, 1, ()),
    "numpy.linspace": (2, 3, ("num",)),
    "numpy.fliplr": (1, 1, ()),
    "numpy.flipud": (1, 1, ()),
    "numpy.vstack": (1, 1, ()),
    "numpy.stack": (1, 1, ("axis",)),
    "numpy.eye": (1, 3, ("M", "k", "dtype")),
    "numpy.identity": (1, 1, ("dtype",)),
    "numpy.fill_diagonal": (2, 2, ()),
}
"""Name -> the fewest and the most arguments by place, and the names of others. What is missing here checks itself."""


def check(m: Machine, name: str, node: ast.Call) -> None:
    """Raises where the call has other arguments than the function takes."""
    least, most, names = _TAKES.get(name, (0, _MANY, None))
    if not least <= len(node.args) <= most or (names is not None and any(k.arg not in names for k in node.keywords)):
        raise m.stop(f"{name.replace('numpy', 'np')!r} with these arguments", node, "E0305")
