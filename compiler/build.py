"""Smart constructors for IR: they place axes, convert kinds, fold constants and drop what has no effect.

Folding uses the same float functions as ``dsl/builtins.py``, so a folded value is the value the interpreter gives.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

from attndsl.compiler.ir import FUNCTIONS, Graph, Op, ordered
from attndsl.compiler.texts import text_map
from attndsl.dsl.builtins import NUMBER_FUNCTIONS

_FOLD: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "min": lambda a, b: b if b < a else a,
    "max": lambda a, b: b if b > a else a,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
}


class Builder:
    """Builds operations in one graph."""

    def __init__(self, graph: Graph | None = None) -> None:
        self.graph = graph or Graph()
        self._low: dict[int, float] = {}

    # ------------------------------------------------------------ leaves

    def const(self, value: float | bool) -> Op:
        if isinstance(value, bool):
            return self.graph.op("const", (), value, (), "b")
        return self.graph.op("const", (), float(value), (), "f")

    def text(self, text: str) -> Op:
        return self.graph.op("text", (), text, (), "s")

    def size(self) -> Op:
        return self.graph.op("n", (), None, (), "f")

    def iota(self, axis: str) -> Op:
        """Position (or word index) along an axis."""
        return self.graph.op("iota", (), axis, (axis,), "f")

    def column(self, name: str, axis: str, dtype: str) -> Op:
        """A column of the token or word table: ``token.raw``, ``word.pos``; "?" at the end asks whether it is there."""
        return self.graph.op("column", (), name, (axis,), dtype)

    def relation(self, name: str) -> Op:
        """A table of pairs with axes "r" and "c": ``token_words``, ``children``, ``ancestors``, ``subtree``."""
        return self.graph.op("relation", (), name, ("r", "c"), "b")

    def host(self, name: str) -> Op:
        return self.graph.op("host", (), name, ("r", "c"), "f")

    # ------------------------------------------------------------ elementwise

    def number(self, op: Op) -> Op:
        """A bool as 0.0 or 1.0."""
        if op.dtype != "b":
            return op
        if op.name == "const":
            return self.const(1.0 if op.attr else 0.0)
        return self.graph.op("float", (op,), None, op.axes, "f")

    def binary(self, name: str, a: Op, b: Op) -> Op:
        if name in ("lt", "le", "eq"):
            return self._compare(name, a, b)
        a, b = self.number(a), self.number(b)
        if a.name == b.name == "const" and name in _FOLD:
            return self.const(float(_FOLD[name](a.attr, b.attr)))
        if name == "add" and self._is(a, 0.0):
            return b
        if name in ("add", "sub") and self._is(b, 0.0):
            return a
        if name == "mul" and self._is(a, 1.0):
            return b
        if name in ("mul", "div") and self._is(b, 1.0):
            return a
        return self.graph.op(name, (a, b), None, ordered(a.axes + b.axes), "f")

    def _compare(self, name: str, a: Op, b: Op) -> Op:
        if a.dtype != "s":
            a, b = self.number(a), self.number(b)
        if a.name == b.name and a.name in ("const", "text"):
            return self.const(bool(_FOLD[name](a.attr, b.attr)))
        if a is b and a.dtype == "s":
            return self.const(name != "lt")
        if a.dtype == "s" and name != "eq":
            return self.map_text("less" if name == "lt" else "less_equal", (a, b), (), "b")
        return self.graph.op(name, (a, b), None, ordered(a.axes + b.axes), "b")

    def unary(self, name: str, a: Op) -> Op:
        a = self.number(a)
        if a.name == "const":
            return self.const(-a.attr if name == "neg" else NUMBER_FUNCTIONS[name][2](a.attr))
        assert name == "neg" or name in FUNCTIONS
        return self.graph.op(name, (a,), None, a.axes, "f")

    def and_(self, *ops: Op | None) -> Op:
        return self._logic("and", True, ops)

    def or_(self, *ops: Op | None) -> Op:
        return self._logic("or", False, ops)

    def _logic(self, name: str, neutral: bool, ops: tuple[Op | None, ...]) -> Op:
        result: Op | None = None
        for op in ops:
            if op is None or self._is(op, neutral) or op is result:
                continue
            if self._is(op, not neutral):
                return self.const(not neutral)
            result = op if result is None else self._pair(name, result, op)
        return self.const(neutral) if result is None else result

    def _pair(self, name: str, a: Op, b: Op) -> Op:
        if self._is(a, name == "or"):
            return a
        return self.graph.op(name, (a, b), None, ordered(a.axes + b.axes), "b")

    def not_(self, a: Op) -> Op:
        if a.name == "const":
            return self.const(not a.attr)
        if a.name == "not":
            return a.args[0]
        return self.graph.op("not", (a,), None, a.axes, "b")

    def select(self, condition: Op, then: Op, other: Op) -> Op:
        """``then`` where the condition holds, else ``other``."""
        if condition.name == "const":
            return then if condition.attr else other
        if then is other:
            return then
        if then.dtype != other.dtype:
            then, other = self.number(then), self.number(other)
        if condition.name == "not":
            condition, then, other = condition.args[0], other, then
        axes = ordered(condition.axes + then.axes + other.axes)
        return self.graph.op("select", (condition, then, other), None, axes, then.dtype)

    def map_text(self, name: str, args: tuple[Op, ...], constants: tuple[Hashable, ...], result: str) -> Op:
        """A text function of one or two text values; trailing literal texts become constants."""
        if len(args) == 2 and args[1].name == "text":
            constants = (args[1].attr, *constants)
            args = args[:1]
        if all(arg.name == "text" for arg in args):
            return self._known_text(name, args, constants, result)
        axes = ordered(axis for arg in args for axis in arg.axes)
        return self.graph.op("map_text", args, (name, constants), axes, result)

    def _known_text(self, name: str, args: tuple[Op, ...], constants: tuple[Hashable, ...], result: str) -> Op:
        call = text_map(name, constants, result, len(args)).call
        value = call(*(arg.attr for arg in args), *constants)
        if result == "s":
            return self.text("" if value is None else value)  # the caller tracks that there is none
        return self.const(bool(value) if result == "b" else float(value))

    # ------------------------------------------------------------ structure

    def rename(self, op: Op, old: str, new: str) -> Op:
        """The same values along another axis."""
        if old not in op.axes:
            return op
        assert new not in op.axes
        if op.name == "column":
            return self.graph.op("column", (), op.attr, (new,), op.dtype)
        if op.name == "iota":
            return self.iota(new)
        axes = ordered(new if axis == old else axis for axis in op.axes)
        return self.graph.op("rename", (op,), (old, new), axes, op.dtype)

    def gather(self, op: Op, axis: str, index: Op) -> Op:
        """Values of ``op`` at ``index`` along ``axis``; an index outside is clipped (the caller tracks presence)."""
        if axis not in op.axes:
            return op
        if index.name == "iota" and index.attr not in op.axes:
            return self.rename(op, axis, index.attr)
        axes = ordered([a for a in op.axes if a != axis] + list(index.axes))
        return self.graph.op("gather", (op, index), axis, axes, op.dtype)

    def reduce(self, name: str, op: Op, axis: str) -> Op:
        """A reduction along an axis; ``first``/``last`` of a bool give an index or -1."""
        dtype = "b" if name == "any" else "f"
        if name == "any" and op.name == "const" and not op.attr:
            return op
        op = self.spread(op, axis)
        return self.graph.op(name, (op,), axis, tuple(a for a in op.axes if a != axis), dtype)

    def rank(self, mask: Op, axis: str) -> Op:
        """Number of true values before each place along the axis."""
        return self.graph.op("rank", (mask,), axis, mask.axes, "f")

    def spread(self, op: Op, axis: str) -> Op:
        """The same value with an axis added, so that a reduction along it is well defined."""
        if axis in op.axes:
            return op
        if op.dtype == "b":
            everywhere = self.graph.op("le", (self.const(0.0), self.iota(axis)), None, (axis,), "b")
            return self.graph.op("and", (op, everywhere), None, ordered((*op.axes, axis)), "b")
        zero = self.graph.op("mul", (self.iota(axis), self.const(0.0)), None, (axis,), "f")
        return self.graph.op("add", (op, zero), None, ordered((*op.axes, axis)), "f")

    @staticmethod
    def _is(op: Op, value: float | bool) -> bool:
        return op.name == "const" and type(op.attr) is type(value) and op.attr == value

    # ------------------------------------------------------------ facts

    def low(self, op: Op) -> float:
        """A lower bound of a number, -inf where nothing is known. Cheap and incomplete; used to drop checks."""
        known = self._low.get(op.id)
        if known is None:
            known = self._low[op.id] = self._lower_bound(op)
        return known

    def _lower_bound(self, op: Op) -> float:
        lows = [self.low(arg) for arg in op.args]
        match op.name:
            case "const":
                return float(op.attr) if op.dtype == "f" and not math.isnan(op.attr) else -math.inf
            case "iota" | "n" | "float" | "rank" | "abs" | "exp" | "sqrt":
                return 0.0
            case "add":
                return lows[0] + lows[1]
            case "mul" if lows[0] >= 0 and lows[1] >= 0:
                return lows[0] * lows[1]
            case "max":
                return max(lows)
            case "min":
                return min(lows)
            case "select":
                return min(lows[1:])
            case "pow" if lows[0] >= 0:
                return 0.0
            case "sum" if lows[0] >= 0:
                return 0.0
            case "first" | "last":
                return -1.0
        return -math.inf

    def integral(self, op: Op) -> bool:
        """True when every value is known to be a whole number."""
        match op.name:
            case "const":
                return op.dtype == "b" or (math.isfinite(op.attr) and float(op.attr).is_integer())
            case "iota" | "n" | "float" | "rank" | "first" | "last" | "floor" | "ceil" | "round" | "trunc" | "floordiv":
                return True
            case "add" | "sub" | "mul" | "neg" | "min" | "max" | "abs" | "sum" | "rename" | "mod":
                return all(self.integral(arg) for arg in op.args)
            case "gather":
                return self.integral(op.args[0])
            case "select":
                return self.integral(op.args[1]) and self.integral(op.args[2])
            case "column":
                return bool(
                    op.dtype == "b" or op.attr.split(".")[1] in ("sentence", "line", "depth", "word", "head", "index")
                )
        return False
