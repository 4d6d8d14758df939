"""Expressions -> IR. Laziness becomes explicit: what can fail registers a check under its path condition."""

from __future__ import annotations

import math
from collections.abc import Hashable

from attndsl.compiler.ir import Op
from attndsl.compiler.lower_aggregates import AggregateLowering
from attndsl.compiler.lower_base import DTYPE, Path, Scope
from attndsl.compiler.values import Chosen, Literals, Lowered, NodeSet, Value
from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import METHODS, NUMBER_FUNCTIONS, TEXT_FUNCTIONS
from attndsl.dsl.types import BOOL, NUM, STR, TOKENS, WORDS

_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "pow"}


class ExpressionLowering(AggregateLowering):
    """Lowers the expressions of one program."""

    def lower(self, node: N.Expr, scope: Scope, path: Path) -> Lowered:
        match node:
            case N.Number(value=value):
                return Value(self.b.const(float(value)), NUM)
            case N.Truth(value=value):
                return Value(self.b.const(value), BOOL)
            case N.Text(value=value):
                return Value(self.b.text(value), STR)
            case N.SetOf(items=items):
                return Literals(frozenset(item.value for item in items))  # type: ignore[attr-defined]
            case N.Var(name=name):
                return scope[name] if name in scope else Value(self.b.size(), NUM)
            case N.Name(name=name):
                return self.lower(self.typed.lets[name].value, {}, path)
            case N.Call(name=name, args=args):
                let = self.typed.lets[name]
                values = [self.lower(arg, scope, path) for arg in args]
                return self.lower(let.value, dict(zip(let.params, values, strict=True)), path)
            case N.SelfPosition():
                return scope["q"]  # a parameter named q may stand for it
            case N.FirstPosition():
                return Value(self.b.const(0.0), NUM)
            case N.AllWords():
                return NodeSet(WORDS)
            case N.Feature():
                return self.feature(node, scope, path)
            case N.Cell():
                return self.cell(node, scope, path)
            case N.RowStat(name=name):
                return Value(self.row_stat(name), NUM)
            case N.Aggregate():
                return self.aggregate(node, scope, path)
            case N.Host(name=name, args=args):
                return self.relation(name, args, scope, path)
        return self.choice(node, scope, path)

    def operator(self, node: N.Expr, scope: Scope, path: Path) -> Value:
        match node:
            case N.And(left=left, right=right):
                first = self.truth(left, scope, path)
                return Value(self.b.and_(first, self.truth(right, scope, (*path, first))), BOOL)
            case N.Or(left=left, right=right):
                first = self.truth(left, scope, path)
                return Value(self.b.or_(first, self.truth(right, scope, (*path, self.b.not_(first)))), BOOL)
            case N.Not(value=value):
                return Value(self.b.not_(self.truth(value, scope, path)), BOOL)
            case N.Negative(value=value):
                found = self.number(value, scope, path)
                return Value(self.b.unary("neg", found.op), NUM, found.present)
            case N.Binary():
                return self.binary(node, scope, path)
            case N.Compare():
                return self.compare(node, scope, path)
            case N.Member(item=item, collection=collection):
                return Value(self.member(self.value(item, scope, path), self.lower(collection, scope, path)), BOOL)
        return self.function(node, scope, path)

    # ------------------------------------------------------------ operators

    def choice(self, node: N.Expr, scope: Scope, path: Path) -> Lowered:
        """``if``, ``otherwise`` and ``is none``: also of sets."""
        match node:
            case N.IfElse(condition=condition, then=then, otherwise=other):
                holds = self.truth(condition, scope, path)
                yes = self.lower(then, scope, (*path, holds))
                return self.chosen(holds, yes, self.lower(other, scope, (*path, self.b.not_(holds))))
            case N.Otherwise(value=value, default=default):
                found = self.lower(value, scope, path)
                there = self.there(found)
                if there is None:
                    return found
                return self.chosen(
                    there, found, self.lower(default, scope, (*path, self.b.not_(there))), found_there=True
                )
            case N.IsNone(value=value):
                there = self.there(self.lower(value, scope, path))
                return Value(self.b.const(False) if there is None else self.b.not_(there), BOOL)
        return self.operator(node, scope, path)

    def there(self, found: Lowered) -> Op | None:
        """Where a value or set is not none; None where it always is."""
        match found:
            case Value(present=present):
                return present
            case NodeSet(base=Value(present=present)):
                return present
            case Chosen(condition=condition, then=then, other=other):
                return self.either(condition, self.there(then), self.there(other))
        return None

    def either(self, condition: Op, then: Op | None, other: Op | None) -> Op | None:
        if then is None and other is None:
            return None
        always = self.b.const(True)
        return self.b.select(condition, then or always, other or always)

    def chosen(self, condition: Op, then: Lowered, other: Lowered, found_there: bool = False) -> Lowered:
        """One of two by a condition; ``found_there``: the condition is that the first is not none."""
        if not isinstance(then, Value) or not isinstance(other, Value):
            return Chosen(condition, then, other)
        present = self.either(condition, None if found_there else then.present, other.present)
        kind = then.kind if then.kind is other.kind else NUM
        return Value(self.b.select(condition, then.op, other.op), kind, present)

    def binary(self, node: N.Binary, scope: Scope, path: Path) -> Value:
        left, right = self.value(node.left, scope, path), self.value(node.right, scope, path)
        present = self.both(left, right)
        if left.kind is STR:
            return Value(self.b.map_text("concat", (left.op, right.op), (), "s"), STR, present)
        a, b = self.b.number(left.op), self.b.number(right.op)
        where = path if present is None else (*path, present)
        if node.op in ("/", "//", "%") and self.b.low(b) <= 0:
            self.check(self.b.binary("eq", b, self.b.const(0.0)), where, "E0401", "division by zero", node)
        if node.op == "**":
            self.check_power(a, b, where, node)
        return Value(self.b.binary(_ARITHMETIC[node.op], a, b), NUM, present)

    def check_power(self, base: Op, exponent: Op, path: Path, node: N.Node) -> None:
        zero = self.b.const(0.0)
        if self.b.low(base) <= 0 and self.b.low(exponent) < 0:
            fails = self.b.and_(self.b.binary("eq", base, zero), self.b.binary("lt", exponent, zero))
            self.check(fails, path, "E0401", "zero to a negative power", node)
        if self.b.low(base) < 0 and not self.b.integral(exponent):
            whole = self.b.binary("eq", exponent, self.b.unary("floor", exponent))
            fails = self.b.and_(self.b.binary("lt", base, zero), self.b.not_(whole))
            self.check(fails, path, "E0403", "a power that is not real", node)

    def compare(self, node: N.Compare, scope: Scope, path: Path) -> Value:
        left, right = self.value(node.left, scope, path), self.value(node.right, scope, path)
        present = self.both(left, right)
        a, b = left.op, right.op
        if node.op in ("==", "!="):
            same = self.b.and_(present, self.b.binary("eq", a, b))
            return Value(same if node.op == "==" else self.b.not_(same), BOOL)
        name = "lt" if node.op in ("<", ">") else "le"
        if node.op in (">", ">="):
            a, b = b, a
        return Value(self.b.and_(present, self.b.binary(name, a, b)), BOOL)

    def member(self, item: Value, collection: Lowered) -> Op:
        if isinstance(collection, Chosen):
            return self.b.select(
                collection.condition, self.member(item, collection.then), self.member(item, collection.other)
            )
        if isinstance(collection, Literals):
            if item.kind is STR:
                return self.b.and_(item.present, self.b.map_text("in_set", (item.op,), (collection.items,), "b"))
            number = self.b.number(item.op)
            same = [self.b.binary("eq", number, self.b.const(x)) for x in collection.numbers]
            return self.b.and_(item.present, self.b.or_(*same))
        if isinstance(collection, Value):
            return self.b.and_(self.both(item, collection), self.within(item.op, collection.op))
        if collection.kind is TOKENS:
            index, valid = self.position(item)
            return self.b.and_(valid, self.related(collection, index))
        return self.b.and_(item.present, self.related(collection, item.op))

    def within(self, part: Op, whole: Op) -> Op:
        if part.name == "text":  # a literal is sought in many texts: one answer per vocabulary entry
            return self.b.map_text("contains", (whole,), (part.attr,), "b")
        return self.b.map_text("in_text", (part, whole), (), "b")

    def function(self, node: N.Expr, scope: Scope, path: Path) -> Value:
        match node:
            case N.Function(name=name, args=args) if name in TEXT_FUNCTIONS:
                values = [self.value(arg, scope, path) for arg in args]
                return Value(self.b.map_text(name, tuple(v.op for v in values), (), "f"), NUM, self.both(*values))
            case N.Function(name=name, args=args):
                values = [self.number(arg, scope, path) for arg in args]
                return Value(self.apply(name, [v.op for v in values]), NUM, self.both(*values))
            case N.Method():
                return self.method(node, scope, path)
            case N.Index(base=base, index=index):
                text = self.value(base, scope, path)
                at = self.literal(index, scope, path)
                op = self.b.map_text("index", (text.op,), (at,), "s")
                long_enough = self.b.binary("lt", self.b.const(at if at >= 0 else -at - 1), self.length(text.op))
                whole = self.b.const(float(at).is_integer())
                return Value(op, STR, self.b.and_(text.present, whole, long_enough))
            case N.Slice(base=base, start=start, stop=stop):
                text = self.value(base, scope, path)
                low = 0.0 if start is None else self.literal(start, scope, path)
                high = math.inf if stop is None else self.literal(stop, scope, path)
                return Value(self.b.map_text("slice", (text.op,), (low, high), "s"), STR, text.present)
        raise self.cannot(node, f"{type(node).__name__} has no compiled form")

    def length(self, text: Op) -> Op:
        return self.b.map_text("len", (text,), (), "f")

    def literal(self, node: N.Expr, scope: Scope, path: Path) -> float:
        """A number that is known before any text is: text functions are answered once per vocabulary entry."""
        found = self.number(node, scope, path)
        if found.op.name != "const" or found.present is not None:
            raise self.cannot(node, "a text is cut at a place that differs from token to token")
        return float(found.op.attr)

    def apply(self, name: str, ops: list[Op]) -> Op:
        if name == "ratio":
            return self.b.binary("div", ops[0], ops[1])
        if name in ("min", "max"):
            result = ops[0]
            for op in ops[1:]:
                result = self.b.binary(name, result, op)
            return result
        assert name in NUMBER_FUNCTIONS
        return self.b.unary(name, ops[0])

    def method(self, node: N.Method, scope: Scope, path: Path) -> Value:
        info = METHODS[node.name]
        values = [self.value(node.base, scope, path)]
        asked = list(values)  # a literal argument may be none too: "a"[1]
        constants: list[Hashable] = []
        for arg in node.args:
            found = self.lower(arg, scope, path)
            asked += [found] if isinstance(found, Value) else []
            if isinstance(found, Literals):
                constants.append(found.items)
            elif isinstance(found, Value) and found.op.name == "text":
                constants.append(found.op.attr)
            elif isinstance(found, Value) and not constants and len(values) == 1:
                values.append(found)
            else:
                raise self.cannot(arg, f".{node.name}() has more than one argument that is not a literal")
        op = self.b.map_text(node.name, tuple(v.op for v in values), tuple(constants), DTYPE[info.kind])
        return Value(op, info.kind, self.both(*asked))
