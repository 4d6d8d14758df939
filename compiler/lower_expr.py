"""Expressions -> IR. Laziness becomes explicit: an operation that can fail registers a check under its path condition."""

from __future__ import annotations

from collections.abc import Mapping

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Check, Op
from attndsl.compiler.values import Literals, Lowered, NodeSet, Value
from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import METHODS, NUMBER_FUNCTIONS, TEXT_FUNCTIONS, TOKEN_FEATURES, WORD_FEATURES
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.diagnostics import fail
from attndsl.dsl.types import BOOL, NUM, STR, TOKENS, WORD, WORDS, Kind

Scope = Mapping[str, Value]
Path = tuple[Op, ...]
_DTYPE = {NUM: "f", BOOL: "b", STR: "s", WORD: "f"}
_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "pow"}


class ExpressionLowering:
    """Lowers the expressions of one program. ``path`` holds the conditions under which an expression is evaluated."""

    def __init__(self, typed: TypedProgram, builder: Builder) -> None:
        self.typed = typed
        self.b = builder
        self.checks: list[Check] = []
        self.matrices: dict[str, Op] = {"W": builder.const(0.0)}
        self.depth = 0

    # ------------------------------------------------------------ entry points

    def value(self, node: N.Expr, scope: Scope, path: Path) -> Value:
        found = self.lower(node, scope, path)
        if not isinstance(found, Value):
            raise self.cannot(node, "a set stands where one value is needed")
        return found

    def number(self, node: N.Expr, scope: Scope, path: Path) -> Value:
        found = self.value(node, scope, path)
        return Value(self.b.number(found.op), NUM, found.present)

    def truth(self, node: N.Expr, scope: Scope, path: Path) -> Op:
        """A condition: false where it is none."""
        found = self.value(node, scope, path)
        return self.b.and_(found.present, found.op)

    def cannot(self, node: N.Node, why: str) -> Exception:
        source = self.typed.program.source
        span = node.span if source is not None and node.span.end else None
        return fail("E0351", f"cannot compile: {why}", source=source, span=span, help="rewrite this part")

    def check(self, fails: Op, path: Path, code: str, what: str, node: N.Node) -> None:
        bad = self.b.and_(*path, fails)
        if not (bad.name == "const" and not bad.attr):
            self.checks.append(Check(bad, code, what, node.span))

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
                values = [self.value(arg, scope, path) for arg in args]
                return self.lower(let.value, dict(zip(let.params, values, strict=True)), path)
            case N.SelfPosition():
                return scope["q"]
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
        return self.operator(node, scope, path)

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
            case N.IfElse():
                return self.if_else(node, scope, path)
            case N.Otherwise(value=value, default=default):
                found = self.value(value, scope, path)
                if found.present is None:
                    return found
                other = self.value(default, scope, (*path, self.b.not_(found.present)))
                present = None if other.present is None else self.b.or_(found.present, other.present)
                return Value(self.b.select(found.present, found.op, other.op), found.kind, present)
            case N.IsNone(value=value):
                present = self.value(value, scope, path).present
                return Value(self.b.const(False) if present is None else self.b.not_(present), BOOL)
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

    def both(self, *values: Value) -> Op | None:
        """Presence of all values."""
        present = [v.present for v in values if v.present is not None]
        return self.b.and_(*present) if present else None

    def if_else(self, node: N.IfElse, scope: Scope, path: Path) -> Value:
        condition = self.truth(node.condition, scope, path)
        then = self.value(node.then, scope, (*path, condition))
        other = self.value(node.otherwise, scope, (*path, self.b.not_(condition)))
        present = None
        if then.present is not None or other.present is not None:
            always = self.b.const(True)
            present = self.b.select(condition, then.present or always, other.present or always)
        kind = then.kind if then.kind is other.kind else NUM
        return Value(self.b.select(condition, then.op, other.op), kind, present)

    def binary(self, node: N.Binary, scope: Scope, path: Path) -> Value:
        left, right = self.value(node.left, scope, path), self.value(node.right, scope, path)
        present = self.both(left, right)
        if left.kind is STR:
            return Value(self.b.map_text("concat", (left.op, right.op), (), "s"), STR, present)
        a, b = self.b.number(left.op), self.b.number(right.op)
        where = path if present is None else (*path, present)
        if node.op in ("/", "//", "%") and self.b.low(b) <= 0 and not (b.name == "const" and b.attr != 0):
            self.check(self.b.binary("eq", b, self.b.const(0.0)), where, "E0401", "division by zero", node)
        if node.op == "**":
            self.check_power(a, b, where, node)
        return Value(self.b.binary(_ARITHMETIC[node.op], a, b), NUM, present)

    def check_power(self, base: Op, exponent: Op, path: Path, node: N.Node) -> None:
        zero = self.b.const(0.0)
        if self.b.low(base) <= 0 and self.b.low(exponent) < 0 and not (base.name == "const" and base.attr > 0):
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
        if isinstance(collection, Literals):
            if item.kind is STR:
                return self.b.and_(item.present, self.b.map_text("in_set", (item.op,), (collection.items,), "b"))
            number = self.b.number(item.op)
            same = [self.b.binary("eq", number, self.b.const(float(x))) for x in sorted(collection.items)]
            return self.b.and_(item.present, self.b.or_(*same))
        if isinstance(collection, Value):
            return self.b.and_(self.both(item, collection), self.b.map_text("in_text", (item.op, collection.op), (), "b"))
        if collection.kind is TOKENS:
            index, valid = self.position(item)
            return self.b.and_(valid, self.related(collection, index))
        return self.b.and_(item.present, self.related(collection, item.op))

    def related(self, nodes: NodeSet, index: Op) -> Op:
        """Whether the node at ``index`` is in the set."""
        if nodes.relation is None or nodes.base is None:
            return self.b.const(True)
        row = self.b.gather(self.b.relation(nodes.relation), "r", nodes.base.op)
        return self.b.and_(nodes.base.present, self.b.gather(row, "c", index))

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
            case N.Index(base=base, index=N.Number(value=at)):
                text = self.value(base, scope, path)
                op = self.b.map_text("index", (text.op,), (at,), "s")
                long_enough = self.b.binary("lt", self.b.const(at if at >= 0 else -at - 1), self.length(text.op))
                return Value(op, STR, self.b.and_(text.present, long_enough))
            case N.Slice(base=base, start=start, stop=stop):
                text = self.value(base, scope, path)
                bounds = (self.literal(start, 0.0), self.literal(stop, float(1 << 30)))
                return Value(self.b.map_text("slice", (text.op,), bounds, "s"), STR, text.present)
            case N.Index(index=index):
                raise self.cannot(index, "a text is indexed by a value that is not a literal number")
        raise self.cannot(node, f"{type(node).__name__} has no compiled form")

    def length(self, text: Op) -> Op:
        return self.b.map_text("len", (text,), (), "f")

    def literal(self, node: N.Expr | None, default: float) -> float:
        if node is None:
            return default
        if isinstance(node, N.Number):
            return node.value
        raise self.cannot(node, "a text is sliced by a value that is not a literal number")

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
        constants: list[object] = []
        for arg in node.args:
            found = self.lower(arg, scope, path)
            if isinstance(found, Literals):
                constants.append(found.items)
            elif isinstance(found, Value) and found.op.name == "text":
                constants.append(found.op.attr)
            elif isinstance(found, Value) and not constants and len(values) == 1:
                values.append(found)
            else:
                raise self.cannot(arg, f".{node.name}() has more than one argument that is not a literal")
        op = self.b.map_text(node.name, tuple(v.op for v in values), tuple(constants), _DTYPE[info.kind])  # type: ignore[arg-type]
        return Value(op, info.kind, self.both(*values))

    # ------------------------------------------------------------ tables

    def visible(self, op: Op) -> bool:
        """True when the position is known not to lie after the query (or in any head, after the text)."""
        match op.name:
            case "iota":
                return True
            case "const":
                return bool(op.attr == 0)
            case "first" | "last":
                return True
            case "sub":
                return self.visible(op.args[0]) and self.b.low(op.args[1]) >= 0
            case "min":
                return self.visible(op.args[0]) or self.visible(op.args[1])
        return False

    def position(self, value: Value) -> tuple[Op, Op | None]:
        """A number as an index, and where it is a position of the visible text (None: everywhere)."""
        op = self.b.number(value.op)
        conditions = [value.present] if value.present is not None else []
        if self.b.low(op) < 0:
            conditions.append(self.b.binary("le", self.b.const(0.0), op))
        if not self.visible(op):
            if self.typed.causal:
                conditions.append(self.b.binary("le", op, self.b.iota("q")))
            else:
                conditions.append(self.b.binary("lt", op, self.b.size()))
        if not self.b.integral(op):
            conditions.append(self.b.binary("eq", op, self.b.unary("floor", op)))
        return op, (self.b.and_(*conditions) if conditions else None)

    def look_up(self, name: str, dtype: str, index: Op) -> Op:
        return self.b.gather(self.b.column(name, "r", dtype), "r", index)

    def feature(self, node: N.Feature, scope: Scope, path: Path) -> Lowered:
        base = self.value(node.base, scope, path)
        if base.kind is WORD:
            return self.word_feature(base, node.name)
        index, valid = self.position(base)
        name = node.name
        if name == "words":
            return NodeSet(WORDS, "token_words", Value(index, NUM, valid))
        if name in ("head", "word"):
            found = self.look_up("token." + name, "f", index)
            there = [self.b.binary("le", self.b.const(0.0), found)]
            if name == "head" and self.typed.causal:
                there.append(self.b.binary("le", found, self.b.iota("q")))
            return Value(found, NUM if name == "head" else WORD, self.b.and_(valid, *there))
        if name in TOKEN_FEATURES:
            kind = TOKEN_FEATURES[name].kind
            return Value(self.look_up("token." + name, _DTYPE[kind], index), kind, valid)
        kind = WORD_FEATURES[name].kind
        has_word = self.b.and_(valid, self.look_up("token.has_word", "b", index))
        if kind is WORDS:
            return NodeSet(WORDS, name, Value(self.look_up("token.word", "f", index), WORD, has_word))
        return Value(self.look_up("via." + name, _DTYPE[kind], index), kind, has_word)

    def word_feature(self, word: Value, name: str) -> Lowered:
        kind: Kind = WORD_FEATURES[name].kind
        if kind is TOKENS:
            return NodeSet(TOKENS, "word_tokens", word)
        if kind is WORDS:
            return NodeSet(WORDS, name, word)
        if name == "index":
            return Value(word.op, NUM, word.present)
        return Value(self.look_up("word." + name, _DTYPE[kind], word.op), kind, word.present)

    def relation(self, name: str, args: tuple[N.Expr, ...], scope: Scope, path: Path) -> Value:
        (row, valid_row), (column, valid_column) = (self.position(self.value(arg, scope, path)) for arg in args)
        found = self.b.gather(self.b.gather(self.b.host(name), "r", row), "c", column)
        present = [v for v in (valid_row, valid_column) if v is not None]
        return Value(found, NUM, self.b.and_(*present) if present else None)

    # ------------------------------------------------------------ matrices

    def cell(self, node: N.Cell, scope: Scope, path: Path) -> Value:
        row, valid_row = self.position(self.value(node.row, scope, path))
        column, valid_column = self.position(self.value(node.column, scope, path))
        matrix = self.matrices[node.matrix]
        is_query = row.name == "iota" and row.attr == "q"
        if not is_query:
            matrix = self.b.rename(self.b.rename(matrix, "q", "r"), "k", "c")
            found = self.b.gather(self.b.gather(matrix, "r", row), "c", column)
        elif column.name == "iota" and column.attr == "k":
            found = matrix
        else:
            found = self.b.gather(matrix, "k", column)
        present = [v for v in (valid_row, valid_column) if v is not None]
        return Value(found, NUM, self.b.and_(*present) if present else None)

    def row_stat(self, name: str) -> Op:
        row = self.b.spread(self.matrices["W"], "k")
        if name == "sum":
            return self.b.reduce("sum", row, "k")
        if name == "count":
            return self.b.reduce("sum", self.b.number(self.b.not_(self.b.binary("eq", row, self.b.const(0.0)))), "k")
        fold, beyond = ("maximum", float("-inf")) if name == "max" else ("minimum", float("inf"))
        if self.typed.causal:
            seen = self.b.binary("le", self.b.iota("k"), self.b.iota("q"))
            row = self.b.select(seen, row, self.b.const(beyond))
        return self.b.reduce(fold, row, "k")

    # ------------------------------------------------------------ aggregates

    def binder(self, binder: N.Binder, axis: str, scope: Scope, path: Path) -> tuple[Scope, Op]:
        """The scope with the variable on ``axis``, and where along it the variable runs."""
        place = self.b.iota(axis)
        terms: list[Op | None] = []
        kind = NUM
        needs_limit = self.typed.causal
        if binder.domain is not None:
            nodes = self.lower(binder.domain, scope, path)
            if not isinstance(nodes, NodeSet):
                raise self.cannot(binder.domain, "this is not a set of words or tokens")
            kind = WORD if nodes.kind is WORDS else NUM
            needs_limit &= kind is NUM
            terms.append(self.related(nodes, place))
        for bound, is_open, is_lower in (
            (binder.lower, binder.lower_open, True),
            (binder.upper, binder.upper_open, False),
        ):
            if bound is None:
                continue
            value = self.number(bound, scope, path)
            if not is_lower and self.visible(value.op):
                needs_limit = False
            a, b = (value.op, place) if is_lower else (place, value.op)
            terms += [value.present, self.b.binary("lt" if is_open else "le", a, b)]
        if needs_limit and axis != "q":
            terms.append(self.b.binary("le", place, self.b.iota("q")))
        inner = {**scope, binder.var: Value(place, kind)}
        mask = self.b.and_(*terms)
        if binder.where is not None:
            mask = self.b.and_(mask, self.truth(binder.where, inner, (*path, mask)))
        return inner, mask

    def binder_axis(self, binder: N.Binder, scope: Scope, path: Path) -> str:
        if binder.domain is None:
            return f"t{self.depth}"
        nodes = self.lower(binder.domain, scope, path)
        return f"w{self.depth}" if isinstance(nodes, NodeSet) and nodes.kind is WORDS else f"t{self.depth}"

    def aggregate(self, node: N.Aggregate, scope: Scope, path: Path) -> Value:
        axis = self.binder_axis(node.binder, scope, path)
        self.depth += 1
        try:
            inner, mask = self.binder(node.binder, axis, scope, path)
            return self.fold(node, axis, inner, self.b.spread(mask, axis), scope, path)
        finally:
            self.depth -= 1

    def fold(self, node: N.Aggregate, axis: str, inner: Scope, mask: Op, scope: Scope, path: Path) -> Value:
        kind = WORD if axis[0] == "w" else NUM
        if node.kind in ("first", "last"):
            return self.found(self.b.reduce(node.kind, mask, axis), kind)
        if node.kind == "any":
            return Value(self.b.reduce("any", mask, axis), BOOL)
        if node.kind == "count":
            return Value(self.b.reduce("sum", self.b.number(mask), axis), NUM)
        assert node.value is not None
        if node.kind == "nth":
            return self.nth(self.number(node.value, scope, path), mask, axis, kind)
        if node.kind == "all":
            holds = self.truth(node.value, inner, (*path, mask))
            return Value(self.b.not_(self.b.reduce("any", self.b.and_(mask, self.b.not_(holds)), axis)), BOOL)
        value = self.number(node.value, inner, (*path, mask))
        mask = self.b.and_(mask, value.present)
        if node.kind in ("sum", "product"):
            neutral = self.b.const(0.0 if node.kind == "sum" else 1.0)
            return Value(self.b.reduce(node.kind, self.b.select(mask, value.op, neutral), axis), NUM)
        largest = node.kind in ("largest", "argmax")
        beyond = self.b.const(float("-inf") if largest else float("inf"))
        masked = self.b.spread(self.b.select(mask, value.op, beyond), axis)
        best = self.b.reduce("maximum" if largest else "minimum", masked, axis)
        if node.kind in ("largest", "smallest"):
            return Value(best, NUM, self.b.reduce("any", mask, axis))
        return self.found(self.b.reduce("first", self.b.and_(mask, self.b.binary("eq", value.op, best)), axis), kind)

    def found(self, index: Op, kind: Kind) -> Value:
        return Value(index, kind, self.b.binary("le", self.b.const(0.0), index))

    def nth(self, rank: Value, mask: Op, axis: str, kind: Kind) -> Value:
        total = self.b.reduce("sum", self.b.number(mask), axis)
        negative = self.b.binary("lt", rank.op, self.b.const(0.0))
        wanted = self.b.select(negative, self.b.binary("add", rank.op, total), rank.op)
        hit = self.b.and_(mask, self.b.binary("eq", self.b.rank(mask, axis), wanted))
        found = self.found(self.b.reduce("first", hit, axis), kind)
        return Value(found.op, kind, self.b.and_(rank.present, found.present))
