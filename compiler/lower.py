"""TypedProgram -> IR: each rule turns the matrix so far into the next one; errors become checks."""

from __future__ import annotations

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import PHASES, IRProgram, Op
from attndsl.compiler.lower_base import Path, Scope
from attndsl.compiler.lower_expr import ExpressionLowering
from attndsl.compiler.values import Value
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.failures import statements
from attndsl.dsl.types import NUM


def lower(typed: TypedProgram, builder: Builder | None = None) -> IRProgram:
    """One program as IR. Programs lowered with one builder share equal operations.

    Raises DiagnosticError E0351 where the compiled back ends have no form for a construct.
    """
    return _Lowering(typed, builder or Builder()).run()


class _Lowering(ExpressionLowering):
    def run(self) -> IRProgram:
        for together in statements(self.typed.program):
            self.next_statement()
            for number, item in enumerate(together):
                self.first_phase = PHASES * number
                self.item(item)
        program = self.typed.program
        return IRProgram(
            name=program.name,
            result=self.matrices["W"],
            checks=tuple(self.checks),
            causal=self.typed.causal,
            needs_words=self.typed.needs_words,
            hosts=self.typed.hosts,
            source=program.source,
        )

    def item(self, item: N.Item) -> None:
        self.enter_phase(0)
        match item:
            case N.Matrix(name=name):
                self.matrices[name] = self.b.const(0.0)
            case N.Rule():
                self.matrices[item.matrix] = self.rule(item)
            case N.Normalize():
                self.matrices[item.matrix] = self.normalize(item)
            case N.Softmax():
                self.matrices[item.matrix] = self.softmax(item)
            case N.Mask(matrix=name):
                self.matrices[name] = self.b.select(self.seen(), self.matrices[name], self.b.const(0.0))

    def next_statement(self) -> None:
        self.group, self.first_phase = self.group + 1, 0

    def enter_phase(self, phase: int) -> None:
        self.phase = self.first_phase + phase

    def seen(self) -> Op:
        """Keys up to the query."""
        return self.b.binary("le", self.b.iota("k"), self.b.iota("q"))

    def universe(self) -> Op | None:
        return self.seen() if self.typed.causal else None

    # ------------------------------------------------------------ rules

    def rule(self, rule: N.Rule) -> Op:
        scope = {"q": Value(self.b.iota("q"), NUM)}
        path: Path = ()
        if rule.when is not None:
            path = (self.truth(rule.when, scope, ()),)
        if isinstance(rule.target, N.Each):
            inner, mask = self.binder(rule.target.binder, "k", scope, path)
        else:
            inner, mask = {**scope, "k": Value(self.b.iota("k"), NUM)}, self.at(rule.target, scope, path)
        guard = self.b.and_(*path, mask)
        if guard.name == "const" and not guard.attr:
            return self.matrices[rule.matrix]
        matrix = self.matrices[rule.matrix]
        self.enter_phase(1)
        if rule.action == "share":
            return self.share(rule, inner, guard, matrix)
        return self.update(rule.action, matrix, guard, self.weight(rule.value, inner, guard))

    def at(self, target: N.At, scope: Scope, path: Path) -> Op:
        """Where the key is the target position."""
        found = self.number(target.position, scope, path)
        op, valid = self.position(found)
        return self.b.and_(valid, self.b.binary("eq", self.b.iota("k"), op))

    def weight(self, node: N.Expr, scope: Scope, guard: Op) -> Op:
        """The value of a rule where the guard holds; none there is an error."""
        value = self.number(node, scope, (guard,))
        if value.present is not None:
            self.check(self.b.not_(value.present), (guard,), "E0402", "the value is none", node)
        return value.op

    def update(self, action: str, matrix: Op, guard: Op, x: Op) -> Op:
        if action == "add":
            return self.b.binary("add", matrix, self.b.select(guard, x, self.b.const(0.0)))
        new = {
            "set": lambda: x,
            "scale": lambda: self.b.binary("mul", matrix, x),
            "raise": lambda: self.b.binary("max", matrix, x),
            "cap": lambda: self.b.binary("min", matrix, x),
        }[action]()
        return self.b.select(guard, new, matrix)

    def share(self, rule: N.Rule, scope: Scope, guard: Op, matrix: Op) -> Op:
        weight = self.b.const(1.0) if rule.weight is None else self.weight(rule.weight, scope, guard)
        zero = self.b.const(0.0)
        total = self.b.reduce("sum", self.b.select(guard, weight, zero), "k")
        something = self.b.not_(self.b.binary("eq", total, zero))
        self.enter_phase(2)
        guard = self.b.and_(guard, something)
        x = self.weight(rule.value, scope, guard)
        divisor = self.b.select(something, total, self.b.const(1.0))
        return self.update("add", matrix, guard, self.b.binary("div", self.b.binary("mul", x, weight), divisor))

    # ------------------------------------------------------------ whole rows

    def normalize(self, item: N.Normalize) -> Op:
        matrix = self.matrices[item.matrix]
        total = self.b.reduce("sum", matrix, "k")
        something = self.b.not_(self.b.binary("eq", total, self.b.const(0.0)))
        divided = self.b.binary("div", matrix, self.b.select(something, total, self.b.const(1.0)))
        seen = self.universe()
        if seen is not None:  # where the sum is nan, so would be the cells after the query
            divided = self.b.select(seen, divided, self.b.const(0.0))
        empty = item.empty or ("first" if self.typed.causal else "nothing")
        return self.b.select(something, divided, self.empty_row(empty, matrix))

    def empty_row(self, empty: str, matrix: Op) -> Op:
        if empty == "nothing":
            return matrix
        if empty == "uniform":
            seen = self.universe()
            if seen is None:
                return self.b.binary("div", self.b.const(1.0), self.b.size())
            count = self.b.binary("add", self.b.iota("q"), self.b.const(1.0))
            return self.b.select(seen, self.b.binary("div", self.b.const(1.0), count), matrix)
        place = self.b.const(0.0) if empty == "first" else self.b.iota("q")
        return self.b.select(self.b.binary("eq", self.b.iota("k"), place), self.b.const(1.0), matrix)

    def softmax(self, item: N.Softmax) -> Op:
        scores = self.matrices[item.matrix]
        if item.temperature is not None:
            scope = {"q": Value(self.b.iota("q"), NUM)}
            temperature = self.number(item.temperature, scope, ())
            bad = self.b.binary("eq", temperature.op, self.b.const(0.0))
            if temperature.present is not None:
                bad = self.b.or_(self.b.not_(temperature.present), bad)
            self.check(bad, (), "E0401", "the temperature is none or zero", item.temperature)
            scores = self.b.binary("div", scores, temperature.op)
        seen = self.universe()
        masked = scores if seen is None else self.b.select(seen, scores, self.b.const(float("-inf")))
        top = self.b.reduce("maximum", masked, "k")
        weights = self.b.unary("exp", self.b.binary("sub", masked, top))
        result = self.b.binary("div", weights, self.b.reduce("sum", weights, "k"))
        if seen is None:
            return result
        return self.b.select(seen, result, self.b.const(0.0))  # where a sum is nan, so would be what lies beyond
