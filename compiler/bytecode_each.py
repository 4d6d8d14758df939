"""Reductions over a third position -> work at those places only where a condition on query and place holds.

    any(t where G(q, t) and B(q, k, t))          ->  each any   (G, B)
    count(t where G(q, t) and B(q, k, t))        ->  each count (G, B)      and the last place, and sums of values

Values over queries, keys and a third position exist for one query at a time, and cost n² or n w for each. Most guards
hold at few places of a query (the word that a token overlaps, the quotes before it), so the operations that B is made
of become the *body* of an ``each``: they are done on a row of keys, for each query and each place where G holds.

An ``each`` has the arguments (guard, start, what is combined, *inputs of the body*) and an ``Each`` as ``attr``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode import is_leaf_value
from attndsl.compiler.bytecode_facts import ELEMENTWISE, FOLDS, PLACED, PRODUCTS, RUNNING, conjunction
from attndsl.compiler.ir import Op

AXES = 3  # the loops of the machine that a body can use, beside those for the query and the place
_START = {"any": False, "count": 0.0, "sum_if": 0.0, "last": -1.0}


@dataclass(frozen=True, eq=False, slots=True)
class Each:
    """What an ``each`` combines for every place of ``axis`` at which the guard holds: ``value`` where ``mask``."""

    kind: str
    axis: str
    mask: Op
    value: Op | None  # None where the mask is all (any)
    computed: bool  # whether the value is a part of the body

    @property
    def roots(self) -> list[Op]:
        """What the body computes."""
        return [self.mask, self.value] if self.computed and self.value is not None else [self.mask]


class EachRewriter:
    """The step for ``bytecode_rebuild.rebuilt`` that comes last: bodies are not rebuilt."""

    def __init__(self) -> None:
        self.b = Builder()

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        made = self.b.graph.op(op.name, args, op.attr, op.axes, op.dtype)
        return self.each(made) or made

    def each(self, op: Op) -> Op | None:
        """The reduction as an ``each``, or None where it has no third position or no condition picks places."""
        if op.name not in _START or "q" not in op.args[0].axes or len(op.args[0].axes) < 3:
            return None
        axis = op.attr
        terms = conjunction(op.args[0])
        picks = [term for term in terms if axis in term.axes and set(term.axes) <= {"q", axis}]
        others = [term for term in terms if term not in picks]
        if not picks or not others:
            return None
        one = {"count": self.b.const(1.0), "last": self.b.iota(axis)}.get(op.name)
        value = self.opened(op.args[1], axis) if op.name == "sum_if" else one
        mask = self.opened(self.b.and_(*others), axis)
        found = Each(op.name, axis, mask, value, op.name == "sum_if")
        body = [inner for root in found.roots for inner in body_of(root, axis)]
        if any(_loops(inner, axis) > AXES for inner in body) or (not body and op.name != "last"):
            return None  # with no body it is a product of two tables, which have instructions of their own
        read = [arg for inner in body for arg in inner.args if not in_body(arg, axis)]
        read += [root for root in (found.mask, value) if root is not None and not in_body(root, axis)]
        start = (self.b.and_(*picks), self.b.const(_START[op.name]), self.b.const(True))
        return self.b.graph.op("each", (*start, *dict.fromkeys(read)), found, op.axes, op.dtype)

    def opened(self, op: Op, axis: str) -> Op:
        """The same value with what a body may compute where the query stands for another token in a table over three
        positions: such a table would be made for all places, of which few are asked."""
        if op.name == "rename" and op.attr[1] == "q" and _is_table(op.args[0]) and axis in op.axes:
            args = tuple(self.b.rename(arg, *op.attr) for arg in op.args[0].args)
            op = self.b.graph.op(op.args[0].name, args, op.args[0].attr, op.axes, op.dtype)
        if not in_body(op, axis):
            return op
        args = tuple(self.opened(arg, axis) for arg in op.args)
        return self.b.graph.op(op.name, args, op.attr, op.axes, op.dtype)


def _is_table(op: Op) -> bool:
    return op.name in ELEMENTWISE and "q" not in op.axes and len(op.axes) > 2


def body_of(root: Op, axis: str) -> Iterator[Op]:
    """The operations of a body, arguments first (one may come twice)."""
    if in_body(root, axis):
        for arg in root.args:
            yield from body_of(arg, axis)
        yield root


def in_body(op: Op, axis: str) -> bool:
    """True for an operation over the query, the place and more that can be done for one place at a time."""
    if "q" not in op.axes or axis not in op.axes or len(op.axes) < 3 or {"r", "c"} & set(op.axes) or is_leaf_value(op):
        return False
    used = {op.attr} if op.name in FOLDS or op.name in RUNNING or op.name in ("rank", "gather") else set()
    if op.name in PRODUCTS:
        used = {op.attr, op.args[1].attr}
    elif op.name in PLACED:
        used = set(op.attr)
    elif not used and op.name not in ELEMENTWISE and op.name != "turned":
        return False
    return not used & {"q", axis}


def consumed(body: list[Op]) -> set[str]:
    """Axes along which an operation of the body looks, beside those of its result."""
    return {axis for op in body for arg in op.args for axis in arg.axes if axis not in op.axes} | {
        op.attr for op in body if op.name in RUNNING or op.name == "rank"
    }


def _loops(op: Op, axis: str) -> int:
    return len({name for arg in (op, *op.args) for name in arg.axes} - {"q", axis})
