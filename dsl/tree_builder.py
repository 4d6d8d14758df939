"""Lark's parse tree -> our nodes. Every node gets the span of the text it was read from."""

from __future__ import annotations

import re
from typing import Any

from lark import Token, Tree

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import fail
from attndsl.dsl.source import SourceFile, Span

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_BINARY = {
    "plus": "+", "minus": "-", "multiply": "*", "divide": "/", "floor_divide": "//", "modulo": "%", "power": "**",
}  # fmt: skip


class TreeBuilder:
    """One method per grammar alternative; ``transform`` gives the list of programs."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source

    def transform(self, tree: Tree[Token]) -> list[N.Program]:
        return [self.build(child) for child in tree.children]

    def build(self, tree: Any) -> Any:
        method = getattr(self, "on_" + tree.data, None)
        if method is not None:
            return method(tree)
        if tree.data in _BINARY:
            left, right = (self.build(child) for child in tree.children)
            return N.Binary(_BINARY[tree.data], left, right, span=self.span(tree))
        raise AssertionError(f"no builder for {tree.data}")

    def span(self, tree: Any) -> Span:
        if isinstance(tree, Token):
            return Span(int(tree.start_pos or 0), int(tree.end_pos or 0))
        return Span(tree.meta.start_pos, tree.meta.end_pos)

    def text(self, token: Token) -> str:
        def unescape(match: re.Match[str]) -> str:
            body = match[1]
            if body[0] == "u" and len(body) == 5:
                return chr(int(body[1:], 16))
            if body in _ESCAPES:
                return _ESCAPES[body]
            raise fail(
                "E0001", f"unknown escape \\{body}", source=self.source, span=self.span(token),
                help=r'escapes are \" \\ \n \t \r \u0000',
            )  # fmt: skip

        return _ESCAPE.sub(unescape, token[1:-1])

    # ------------------------------------------------------------ programs and statements

    def on_program(self, tree: Any) -> N.Program:
        name, *rest = tree.children
        direction = "bidirectional"
        if rest and rest[0].data in ("causal", "bidirectional"):
            direction = str(rest.pop(0).data)
        items = tuple(self.build(item) for item in rest)
        return N.Program(self.text(name), direction, items, source=self.source, span=self.span(tree))

    def on_claim(self, tree: Any) -> N.Claim:
        return N.Claim(self.text(tree.children[0]), span=self.span(tree))

    def on_checked_claim(self, tree: Any) -> N.CheckedClaim:
        bound, target, *rest = tree.children
        when = self.build(rest[0].children[0]) if rest else None
        return N.CheckedClaim(str(tree.data), float(bound), self.target(target)[0], when, span=self.span(tree))

    on_mass_at_least = on_mass_at_most = on_unchanged_by_changing = on_unchanged_by_renaming = on_checked_claim

    def on_let(self, tree: Any) -> N.Let:
        name, *params, value = tree.children
        names = tuple(str(p) for p in params[0].children) if params else ()
        return N.Let(str(name), names, self.build(value), span=self.span(tree))

    def on_matrix(self, tree: Any) -> N.Matrix:
        return N.Matrix(str(tree.children[0]), span=self.span(tree))

    def on_rule(self, tree: Any) -> N.Rule:
        action, *rest = tree.children
        when = self.build(rest[0].children[0]) if rest else None
        kind = str(action.data).removesuffix("_rule")
        parts = list(action.children)
        if kind in ("set", "add", "share"):
            value, target_tree = parts[0], parts[1]
        else:
            target_tree, value = parts[0], parts[1]
        target, matrix = self.target(target_tree)
        weight = self.build(parts[2]) if len(parts) > 2 else None
        return N.Rule(kind, self.build(value), target, matrix, when, weight, span=self.span(tree))

    def target(self, tree: Any) -> tuple[N.At | N.Each, str]:
        main, *of = tree.children
        matrix = str(of[0].children[0]) if of else "W"
        if tree.data == "each_target":
            return N.Each(self.on_binder(main), span=self.span(tree)), matrix
        return N.At(self.build(main), span=self.span(tree)), matrix

    def parts(self, tree: Any) -> dict[str, Any]:
        return {str(child.data): child.children[0] for child in tree.children}

    def on_normalize(self, tree: Any) -> N.Normalize:
        parts = self.parts(tree)
        empty = str(parts["empty"]) if "empty" in parts else None
        return N.Normalize(str(parts.get("of", "W")), empty, span=self.span(tree))

    def on_softmax(self, tree: Any) -> N.Softmax:
        parts = self.parts(tree)
        temperature = self.build(parts["temperature"]) if "temperature" in parts else None
        return N.Softmax(str(parts.get("of", "W")), temperature, span=self.span(tree))

    def on_mask(self, tree: Any) -> N.Mask:
        return N.Mask(str(self.parts(tree).get("of", "W")), span=self.span(tree))

    def on_binder(self, tree: Any) -> N.Binder:
        var, *rest = tree.children
        found: dict[str, Any] = {}
        for part in rest:
            value = self.build(part.children[0])
            kind = str(part.data)
            if kind in ("from_bound", "after_bound"):
                found.update(lower=value, lower_open=kind == "after_bound")
            elif kind in ("upto_bound", "before_bound"):
                found.update(upper=value, upper_open=kind == "before_bound")
            else:
                found[kind] = value
        return N.Binder(str(var), **found, span=self.span(tree))

    # ------------------------------------------------------------ expressions

    def on_number(self, tree: Any) -> N.Number:
        return N.Number(float(tree.children[0]), span=self.span(tree))

    def on_string(self, tree: Any) -> N.Text:
        return N.Text(self.text(tree.children[0]), span=self.span(tree))

    def on_truth(self, tree: Any) -> N.Truth:
        return N.Truth(tree.children[0] == "true", span=self.span(tree))

    def on_variable(self, tree: Any) -> N.Var:
        return N.Var(str(tree.children[0]), span=self.span(tree))

    def on_name(self, tree: Any) -> N.Name:
        return N.Name(str(tree.children[0]), span=self.span(tree))

    def arguments(self, tree: Any) -> tuple[N.Expr, ...]:
        return tuple(self.build(child) for child in tree.children)

    def on_call(self, tree: Any) -> N.Call:
        return N.Call(str(tree.children[0]), self.arguments(tree.children[1]), span=self.span(tree))

    def on_cell(self, tree: Any) -> N.Cell:
        name, row, column = tree.children
        return N.Cell(str(name), self.build(row), self.build(column), span=self.span(tree))

    def on_function(self, tree: Any) -> N.Function:
        return N.Function(str(tree.children[0]), self.arguments(tree.children[1]), span=self.span(tree))

    def on_host(self, tree: Any) -> N.Host:
        return N.Host(self.text(tree.children[0]), self.arguments(tree.children[1]), span=self.span(tree))

    def on_row_stat(self, tree: Any) -> N.RowStat:
        return N.RowStat(str(tree.children[0])[1:], span=self.span(tree))

    def on_all_words(self, tree: Any) -> N.AllWords:
        return N.AllWords(span=self.span(tree))

    def on_self_(self, tree: Any) -> N.SelfPosition:
        return N.SelfPosition(span=self.span(tree))

    def on_first_(self, tree: Any) -> N.FirstPosition:
        return N.FirstPosition(span=self.span(tree))

    def on_set_literal(self, tree: Any) -> N.SetOf:
        return N.SetOf(self.arguments(tree.children[0]), span=self.span(tree))

    def on_feature(self, tree: Any) -> N.Feature:
        base, name = tree.children
        return N.Feature(self.build(base), str(name)[1:], span=self.span(tree))

    def on_method(self, tree: Any) -> N.Method:
        base, name, *args = tree.children
        values = self.arguments(args[0]) if args else ()
        return N.Method(self.build(base), str(name)[1:], values, span=self.span(tree))

    def on_index(self, tree: Any) -> N.Index:
        base, index = tree.children
        return N.Index(self.base(base), self.build(index), span=self.span(tree))

    def base(self, tree: Any) -> N.Expr:
        """What is indexed; a definition's name comes as a bare token, because NAME "[" may also begin a matrix cell."""
        built: N.Expr = N.Name(str(tree), span=self.span(tree)) if isinstance(tree, Token) else self.build(tree)
        return built

    def on_name_index(self, tree: Any) -> N.Index:
        return self.on_index(tree)

    def on_name_slice(self, tree: Any) -> N.Slice:
        return self.on_slice(tree)

    def on_slice(self, tree: Any) -> N.Slice:
        base, *bounds = tree.children
        colon = self.source.text.index(":", self.span(base).end)
        start = stop = None
        for bound in bounds:
            if self.span(bound).start < colon:
                start = self.build(bound)
                colon = self.source.text.index(":", self.span(bound).end)
            else:
                stop = self.build(bound)
        return N.Slice(self.base(base), start, stop, span=self.span(tree))

    def on_negative(self, tree: Any) -> N.Expr:
        value = self.build(tree.children[0])
        if isinstance(value, N.Number):  # -3 is a literal, so that printing Number(-3) reads back equal
            return N.Number(-value.value, span=self.span(tree))
        return N.Negative(value, span=self.span(tree))

    def on_compare(self, tree: Any) -> N.Compare:
        left, op, right = tree.children
        return N.Compare(str(op), self.build(left), self.build(right), span=self.span(tree))

    def on_and_(self, tree: Any) -> N.And:
        left, right = (self.build(child) for child in tree.children)
        return N.And(left, right, span=self.span(tree))

    def on_or_(self, tree: Any) -> N.Or:
        left, right = (self.build(child) for child in tree.children)
        return N.Or(left, right, span=self.span(tree))

    def on_not_(self, tree: Any) -> N.Not:
        return N.Not(self.build(tree.children[0]), span=self.span(tree))

    def on_member(self, tree: Any) -> N.Member:
        left, right = (self.build(child) for child in tree.children)
        return N.Member(left, right, span=self.span(tree))

    def on_not_member(self, tree: Any) -> N.Not:
        return N.Not(self.on_member(tree), span=self.span(tree))

    def on_is_none(self, tree: Any) -> N.IsNone:
        return N.IsNone(self.build(tree.children[0]), span=self.span(tree))

    def on_is_some(self, tree: Any) -> N.Not:
        return N.Not(self.on_is_none(tree), span=self.span(tree))

    def on_if_else(self, tree: Any) -> N.IfElse:
        condition, then, other = (self.build(child) for child in tree.children)
        return N.IfElse(condition, then, other, span=self.span(tree))

    def on_otherwise(self, tree: Any) -> N.Otherwise:
        value, default = (self.build(child) for child in tree.children)
        return N.Otherwise(value, default, span=self.span(tree))

    # ------------------------------------------------------------ aggregates

    def aggregate(self, tree: Any, kind: str, binder: Any, value: Any = None) -> N.Aggregate:
        built = self.build(value) if value is not None else None
        return N.Aggregate(kind, self.on_binder(binder), built, span=self.span(tree))

    def on_first_of(self, tree: Any) -> N.Aggregate:
        return self.aggregate(tree, "first", tree.children[0])

    def on_last_of(self, tree: Any) -> N.Aggregate:
        return self.aggregate(tree, "last", tree.children[0])

    def on_nth_of(self, tree: Any) -> N.Aggregate:
        return self.aggregate(tree, "nth", tree.children[1], tree.children[0])

    def on_count_of(self, tree: Any) -> N.Aggregate:
        return self.aggregate(tree, "count", tree.children[0])

    def on_any_of(self, tree: Any) -> N.Aggregate:
        return self.aggregate(tree, "any", tree.children[0])

    def on_all_of(self, tree: Any) -> N.Aggregate:
        return self.aggregate(tree, "all", tree.children[1], tree.children[0])

    def on_fold(self, tree: Any) -> N.Aggregate:
        kind, value, binder = tree.children
        return self.aggregate(tree, str(kind), binder, value)
