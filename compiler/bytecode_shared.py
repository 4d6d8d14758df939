"""Values that differ in the names of their axes only become one value.

"The words that token q overlaps" and the same of token k, or of a bound token, are one table of tokens and words. Each
value that concerns at most one token beside the query is built over axes named in their order ("k", "t0" ...; "w0"
...), once per text, and everything that reads it gets a view. What compares the query with another token is left as it
is: it is computed in blocks of query rows, up to the query.
"""

from __future__ import annotations

from collections.abc import Mapping

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_facts import DISTANCE_AXIS, FOLDS
from attndsl.compiler.bytecode_rebuild import remade
from attndsl.compiler.ir import Op, axis_rank, is_word_axis, ordered

_FIXED = frozenset({"r", "c", DISTANCE_AXIS})
Names = tuple[tuple[str, str], ...]  # (canonical axis, axis), for the axes whose names differ


class Sharer:
    """The step for ``bytecode_rebuild.rebuilt``: it returns views with the names that the program uses."""

    def __init__(self) -> None:
        self.b = Builder()
        self._local: dict[int, bool] = {}  # by original operation
        self._source: dict[int, tuple[Op, Names]] = {}  # what a view that was returned looks at

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        local = all(self._local[arg.id] for arg in op.args) and not _compares_query(op.axes)
        self._local[op.id] = local
        if not local or op.name == "rename":
            return remade(self.b, op, args)
        axes = {axis for arg in args for axis in arg.axes} | set(op.axes)
        names = canonical_names(axes)
        if all(old == new for old, new in names.items()):
            return remade(self.b, op, args)
        inner = tuple(self.view(*self._looked_at(arg), names) for arg in args)
        attr = names.get(op.attr, op.attr) if _names_axis(op) else op.attr
        moved = Op(op.id, op.name, op.args, attr, ordered(names.get(a, a) for a in op.axes), op.dtype)
        found = remade(self.b, moved, inner)
        back = tuple((names[axis], axis) for axis in op.axes if axis in names and names[axis] != axis)
        view = self.view(found, back, {})
        self._source.setdefault(view.id, (found, back))
        return view

    def _looked_at(self, op: Op) -> tuple[Op, Names]:
        return self._source.get(op.id, (op, ()))

    def view(self, op: Op, names: Names, wanted: Mapping[str, str]) -> Op:
        """``op`` with each axis named first as in ``names``, then as ``wanted``."""
        now = dict(names)
        target = {axis: wanted.get(now.get(axis, axis), now.get(axis, axis)) for axis in op.axes}
        moves = [(old, new) for old, new in target.items() if old != new]
        if any(new in op.axes for _, new in moves):  # by way of names that nobody has
            for number, (old, _) in enumerate(moves):
                op = self.b.rename(op, old, f"{'w' if is_word_axis(old) else 't'}{2_000_000 + number}")
            moves = [
                (f"{'w' if is_word_axis(old) else 't'}{2_000_000 + number}", new)
                for number, (old, new) in enumerate(moves)
            ]
        for old, new in moves:
            op = self.b.rename(op, old, new)
        return op


def canonical_names(axes: set[str]) -> dict[str, str]:
    """Names for axes in their order: the first token "k", further ones "t0" ..., words "w0" ..."""
    names: dict[str, str] = {}
    tokens, words = ["k", *(f"t{i}" for i in range(len(axes)))], [f"w{i}" for i in range(len(axes))]
    for axis in sorted(axes - _FIXED, key=axis_rank):
        names[axis] = (words if is_word_axis(axis) else tokens).pop(0)
    return names


def _compares_query(axes: tuple[str, ...]) -> bool:
    return "q" in axes and any(axis != "q" and axis not in _FIXED and not is_word_axis(axis) for axis in axes)


def _names_axis(op: Op) -> bool:
    return op.name in FOLDS or op.name in ("gather", "rank", "iota") or op.name.startswith(("running_", "next_"))
