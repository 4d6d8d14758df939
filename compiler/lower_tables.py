"""Reads of the token table, the word table, host relations and matrices -> IR."""

from __future__ import annotations

from attndsl.compiler.ir import Op, is_word_axis
from attndsl.compiler.lower_base import DTYPE, LoweringBase, Path, Scope
from attndsl.compiler.values import Chosen, Literals, Lowered, NodeSet, Value
from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import TOKEN_FEATURES, WORD_FEATURES
from attndsl.dsl.types import NUM, TOKENS, WORD, WORDS, Kind


class TableLowering(LoweringBase):
    """Positions, features, relations and cells."""

    # ------------------------------------------------------------ tables

    def visible(self, op: Op) -> bool:
        """True when the position is known not to lie after the query (or in any head, after the text)."""
        match op.name:
            case "iota":
                return not is_word_axis(op.attr)
            case "const":
                return bool(op.attr == 0)
            case "first" | "last":
                return not is_word_axis(op.attr)
            case "sub":
                return self.visible(op.args[0]) and self.b.low(op.args[1]) >= 0
            case "min":
                return self.visible(op.args[0])  # the second argument alone says nothing: min(nan, q) is nan
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
            return Value(self.look_up("token." + name, DTYPE[kind], index), kind, valid)
        kind = WORD_FEATURES[name].kind
        has_word = self.b.and_(valid, self.look_up("token.has_word", "b", index))
        if kind is WORDS:
            return NodeSet(WORDS, name, Value(self.look_up("token.word", "f", index), WORD, has_word))
        return Value(self.look_up("via." + name, DTYPE[kind], index), kind, has_word)

    def word_feature(self, word: Value, name: str) -> Lowered:
        kind: Kind = WORD_FEATURES[name].kind
        if kind is TOKENS:
            return NodeSet(TOKENS, "word_tokens", word)
        if kind is WORDS:
            return NodeSet(WORDS, name, word)
        return Value(self.look_up("word." + name, DTYPE[kind], word.op), kind, word.present)

    def relation(self, name: str, args: tuple[N.Expr, ...], scope: Scope, path: Path) -> Value:
        (row, valid_row), (column, valid_column) = (self.position(self.value(arg, scope, path)) for arg in args)
        found = self.b.gather(self.b.gather(self.b.host(name), "r", row), "c", column)
        present = [v for v in (valid_row, valid_column) if v is not None]
        return Value(found, NUM, self.b.and_(*present) if present else None)

    def related(self, nodes: NodeSet | Chosen, index: Op) -> Op:
        """Whether the node at ``index`` is in the set."""
        if isinstance(nodes, Chosen):
            assert not isinstance(nodes.then, Value | Literals)
            assert not isinstance(nodes.other, Value | Literals)
            return self.b.select(nodes.condition, self.related(nodes.then, index), self.related(nodes.other, index))
        if nodes.base is None:
            return self.b.const(True)
        assert nodes.relation is not None
        row = self.b.gather(self.b.relation(nodes.relation), "r", nodes.base.op)
        return self.b.and_(nodes.base.present, self.b.gather(row, "c", index))

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
        row = self.matrices["W"]
        if name == "sum":
            return self.b.reduce("sum", row, "k")
        if name == "count":
            return self.b.reduce("sum", self.b.number(self.b.not_(self.b.binary("eq", row, self.b.const(0.0)))), "k")
        fold, beyond = ("maximum", float("-inf")) if name == "max" else ("minimum", float("inf"))
        if self.typed.causal:
            seen = self.b.binary("le", self.b.iota("k"), self.b.iota("q"))
            row = self.b.select(seen, row, self.b.const(beyond))
        return self.b.reduce(fold, row, "k")
