"""IR -> IR for the bytecode machine: texts answered on the host, distances made vectors, common pairs made one.

Every step rebuilds the graph bottom up and keeps the meaning. ``rewrite`` moves text functions out and turns values
that depend on y - x alone into ``distance`` views of a vector. ``fuse`` joins pairs of operations that the machine does
in one pass over memory. ``without_normalisation`` drops a program's last step where the pattern's own repeats it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_contract import Contractor
from attndsl.compiler.bytecode_facts import (
    DISTANCE_AXIS,
    ELEMENTWISE,
    Affine,
    Beyond,
    affine,
    difference,
    non_negative,
)
from attndsl.compiler.bytecode_places import PlaceRewriter
from attndsl.compiler.bytecode_rebuild import rebuilt, remade
from attndsl.compiler.bytecode_scans import ScanRewriter
from attndsl.compiler.bytecode_shared import Sharer
from attndsl.compiler.bytecode_text import TextRewriter
from attndsl.compiler.ir import IRProgram, Op, is_word_axis, ordered, reachable


def rewrite(programs: Sequence[IRProgram]) -> list[IRProgram]:
    """Texts; running values; writes at a place; distances; one value for all names of its axes; products.

    Texts come first: what only the numpy back end can answer must be said in operations that it has.
    """
    builder = Builder()
    found = [_narrowed(program, builder) for program in rebuilt(programs, TextRewriter(builder))]
    found = rebuilt(found, ScanRewriter())
    found = rebuilt(found, PlaceRewriter(found))
    for step in (_Rewriter(), Sharer(), Contractor()):
        found = rebuilt(found, step)
    return found


def _narrowed(program: IRProgram, b: Builder) -> IRProgram:
    """The program with checks over queries and keys alone: an error says no more than that."""
    checks = []
    for check in program.checks:
        fails = check.fails
        for axis in reversed(fails.axes):
            if axis not in ("q", "k"):
                fails = b.reduce("any", fails, axis)
        checks.append(replace(check, fails=fails))
    return replace(program, checks=tuple(checks))


class _Rewriter:
    def __init__(self) -> None:
        self.b = Builder()
        self._affine: dict[int, Affine | None] = {}

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        if op.name in ELEMENTWISE:
            return self.distance(op, args, ordered(axis for arg in args for axis in arg.axes)) or remade(
                self.b, op, args
            )
        return remade(self.b, op, args)

    def distance(self, op: Op, args: tuple[Op, ...], axes: tuple[str, ...]) -> Op | None:
        """The operation as a view of a vector over distances, when it depends on y - x alone."""
        if len(axes) != 2 or any(map(is_word_axis, axes)):
            return None
        along = self._by_difference(op, args, axes) or self._by_parts(args, axes)
        if along is None:
            return None
        vector = self.b.graph.op(op.name, along, op.attr, (DISTANCE_AXIS,), op.dtype)
        return self.b.graph.op("distance", (vector,), None, axes, op.dtype)

    def _by_parts(self, args: tuple[Op, ...], axes: tuple[str, ...]) -> tuple[Op, ...] | None:
        parts = []
        for arg in args:
            if arg.name == "distance" and arg.axes == axes:
                parts.append(arg.args[0])
            elif not arg.axes:
                parts.append(arg)
            else:
                return None
        return tuple(parts)

    def _by_difference(self, op: Op, args: tuple[Op, ...], axes: tuple[str, ...]) -> tuple[Op, ...] | None:
        if op.name not in ("add", "sub", "lt", "le", "eq") or args[0].dtype == "s":
            return None
        if op.name == "add":
            form = affine(self.b.graph.op("add", args, None, axes, "f"), self._affine)
        else:
            form = difference(args[0], args[1], self._affine)
        x, y = axes
        if form is None or set(form[0]) != {x, y} or form[0][x] != -form[0][y]:
            return None
        return tuple(self._at_zero(arg, x, y) for arg in args)

    def _at_zero(self, op: Op, x: str, y: str) -> Op:
        """An affine form with x = 0 and y the distance."""
        if op.name == "iota":
            return self.b.const(0.0) if op.attr == x else self.b.iota(DISTANCE_AXIS)
        if op.name == "const":
            return op
        args = [self._at_zero(arg, x, y) for arg in op.args]
        return self.b.unary("neg", args[0]) if op.name == "neg" else self.b.binary(op.name, args[0], args[1])


# ------------------------------------------------------------ pairs of operations


def fuse(programs: Sequence[IRProgram]) -> list[IRProgram]:
    """Pairs that the machine does at once.

    ``sum(float(b))`` is ``count``, ``sum(if g then x else 0)`` is ``sum_if``, ``m + (if g then x else 0)`` ``add_if``.
    """
    roots = [root for program in programs for root in program.roots()]
    uses = Counter(arg.id for op in reachable(roots) for arg in op.args)
    uses.update(root.id for root in roots)
    builder = Builder()
    once: dict[int, bool] = {}
    beyond = Beyond()

    def step(op: Op, args: tuple[Op, ...]) -> Op:
        fused = _unmasked(op, args, beyond) or _fused(builder, op, args, once)
        if fused is None:
            fused = builder.graph.op(op.name, args, op.attr, op.axes, op.dtype)
        once[fused.id] = uses[op.id] == 1 and fused.id not in once
        return fused

    return rebuilt(programs, step)


def _unmasked(op: Op, args: tuple[Op, ...], beyond: Beyond) -> Op | None:
    """``if k <= q then x else c`` is x, when x is c for all later keys."""
    if op.name != "select" or args[0].name != "distance" or args[1].axes != op.axes or args[2].name != "const":
        return None
    test = args[0].args[0]
    if test.name != "le" or test.args[0].name != "iota" or not _is_zero(test.args[1]) or args[0].axes[0] != "q":
        return None
    known = beyond.known(args[1], args[0].axes[1])
    return args[1] if repr(known) == repr(args[2].attr) else None


def _fused(b: Builder, op: Op, args: tuple[Op, ...], once: dict[int, bool]) -> Op | None:
    if op.name == "sum":
        source = args[0]
        if source.name == "float":
            return b.graph.op("count", source.args, op.attr, op.axes, "f")
        if _or_zero(source) and op.attr in source.args[0].axes:
            mask, x, _ = source.args
            if x.name == "const" and x.attr == 1:
                return b.graph.op("count", (mask,), op.attr, op.axes, "f")
            if once[source.id]:
                return b.graph.op("sum_if", (mask, x), op.attr, op.axes, "f")
    if op.name == "add":
        for matrix, choice in (args, args[::-1]):
            if _or_zero(choice) and once[choice.id] and "q" in choice.axes and len(choice.axes) > 1:
                return b.graph.op("add_if", (matrix, choice.args[0], choice.args[1]), None, op.axes, "f")
    return None


def _or_zero(op: Op) -> bool:
    return op.name == "select" and op.dtype == "f" and op.args[2].name == "const" and op.args[2].attr == 0


# ------------------------------------------------------------ the last step


def without_normalisation(program: IRProgram, causal: bool) -> IRProgram | None:
    """The program without its final ``normalize rows``, where the pattern's own normalisation makes that no difference.

    That holds when no weight can be negative, and a row without weight ends as it would have (on the first token in a
    causal head, empty in a bidirectional one). None when there is nothing to drop.
    """
    match program.result:
        case Op(name="select", args=(Op(name="eq") as is_empty, empty, divided)):
            pass
        case _:
            return None
    if causal and divided.name == "select" and _is_seen(divided.args[0]) and _is_zero(divided.args[2]):
        divided = divided.args[1]
    match divided:
        case Op(name="div", args=(weights, Op(name="select", args=(guard, one, Op(name="sum", attr="k") as total)))):
            pass
        case _:
            return None
    if one.name != "const" or one.attr != 1 or guard is not is_empty:
        return None
    if total.args[0] is not weights or not _is_zero_test(is_empty, total):
        return None
    if not (empty is weights or (causal and _first_key_of(empty, weights))) or not non_negative(weights, {}):
        return None
    return replace(program, result=weights)


def without_floor(program: IRProgram) -> IRProgram:
    """The program without a last floor of zero: a pattern has none of the weights below it, and a weight that is no
    finite number is left to the program as it was written (``BytecodeMachine.patterns``)."""
    result = program.result
    while result.name == "max" and result.args[0].axes == ("q", "k") and _is_zero(result.args[1]):
        result = result.args[0]
    return replace(program, result=result)


def _first_key_of(empty: Op, weights: Op) -> bool:
    """True for the weights with 1 for the first key, which a pass may have drawn into the weights' own choice."""
    if empty.name != "select" or empty.args[1].name != "const" or empty.args[1].attr != 1:
        return False
    if _is_first_key(empty.args[0]):
        return empty.args[2] is weights
    if empty.args[0].name != "or" or weights.name != "select" or weights.args[1:] != empty.args[1:]:
        return False
    one, other = empty.args[0].args
    return any(_is_first_key(a) and b is weights.args[0] for a, b in ((one, other), (other, one)))


def _is_zero(op: Op) -> bool:
    return op.name == "const" and op.attr == 0


def _is_zero_test(op: Op, total: Op) -> bool:
    others = [arg for arg in op.args if arg is not total]
    return len(others) == 1 and _is_zero(others[0])


def _is_first_key(op: Op) -> bool:
    return op.name == "eq" and any(map(_is_zero, op.args)) and any(a.name == "iota" and a.attr == "k" for a in op.args)


def _is_seen(op: Op) -> bool:
    """True for "the key is not after the query"."""
    return op.name == "le" and [(arg.name, arg.attr) for arg in op.args] == [("iota", "k"), ("iota", "q")]
