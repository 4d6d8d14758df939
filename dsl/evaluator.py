"""Values of expressions, one at a time: the part of the meaning that rules share.

Numbers are Python ints and floats, none is None, words are ``WordRef`` (so that a word is never taken for a position).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import (
    METHODS,
    NUMBER_FUNCTIONS,
    TEXT_FUNCTIONS,
    TOKEN_FEATURES,
    WORD_FEATURES,
    character,
    piece,
)
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.columns import Column, head_token_column, token_column, word_column
from attndsl.dsl.run_error import RunError
from attndsl.dsl.tokens import TokenTable
from attndsl.dsl.types import TOKENS, WORD, WORDS

Environment = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class WordRef:
    """A word by its index."""

    index: int


def true(value: Any) -> bool:
    """A condition holds when it is true; none counts as false."""
    return value is not None and bool(value)


@dataclass
class Evaluator:
    """Evaluates expressions of one program on one text; ``query`` is the row being computed, ``key`` the cell."""

    typed: TypedProgram
    table: TokenTable
    host: Mapping[str, Callable[[list[str], int, int], float]]
    matrices: Mapping[str, list[list[float]]]
    query: int = 0
    key: int | None = None
    columns: dict[str, Column] = field(default_factory=dict)

    @property
    def visible(self) -> int:
        """Number of tokens there are: in a causal head the text ends at the query."""
        return self.query + 1 if self.typed.causal else len(self.table)

    def position(self, value: Any) -> int | None:
        """A number as a position of the text, or None."""
        if value is None or not 0 <= value < self.visible or value != int(value):
            return None
        return int(value)

    def error(self, code: str, what: str, node: N.Node) -> RunError:
        """A run-time error at the cell being computed."""
        program = self.typed.program
        return RunError(code, what, program.name, program.source, node.span, self.query, self.key)

    def value(self, node: N.Expr, env: Environment) -> Any:
        match node:
            case N.Number(value=value) | N.Truth(value=value) | N.Text(value=value):
                return value
            case N.SetOf(items=items):
                return frozenset(self.value(item, env) for item in items)
            case N.Var(name=name):
                return env[name] if name in env else len(self.table)
            case N.Name(name=name):
                return self.value(self.typed.lets[name].value, {})
            case N.Call(name=name, args=args):
                let = self.typed.lets[name]
                values = [self.value(arg, env) for arg in args]
                return self.value(let.value, dict(zip(let.params, values, strict=True)))
            case N.SelfPosition():
                return env["q"]
            case N.FirstPosition():
                return 0
            case N.AllWords():
                return tuple(WordRef(w) for w in range(len(self.table.words)))
            case N.Feature():
                return self.feature(node, env)
            case N.Cell(matrix=matrix, row=row, column=column):
                r, c = self.position(self.value(row, env)), self.position(self.value(column, env))
                return None if r is None or c is None else self.matrices[matrix][r][c]
            case N.RowStat(name=name):
                return self.row_stat(name)
            case N.Aggregate():
                return self.aggregate(node, env)
            case N.Host():
                return self.relation(node, env)
        return self.operator(node, env)

    def operator(self, node: N.Expr, env: Environment) -> Any:
        match node:
            case N.And(left=left, right=right):
                return true(self.value(left, env)) and true(self.value(right, env))
            case N.Or(left=left, right=right):
                return true(self.value(left, env)) or true(self.value(right, env))
            case N.Not(value=value):
                return not true(self.value(value, env))
            case N.IfElse(condition=condition, then=then, otherwise=other):
                return self.value(then if true(self.value(condition, env)) else other, env)
            case N.Otherwise(value=value, default=default):
                found = self.value(value, env)
                return self.value(default, env) if found is None else found
            case N.IsNone(value=value):
                return self.value(value, env) is None
            case N.Negative(value=value):
                found = self.value(value, env)
                return None if found is None else -float(found)
            case N.Binary(op=op, left=left, right=right):
                return self.binary(node, op, self.value(left, env), self.value(right, env))
            case N.Compare(op=op, left=left, right=right):
                return _compare(op, self.value(left, env), self.value(right, env))
            case N.Member(item=item, collection=collection):
                x, where = self.value(item, env), self.value(collection, env)
                return x is not None and where is not None and x in where
        return self.text_or_function(node, env)

    def text_or_function(self, node: N.Expr, env: Environment) -> Any:
        match node:
            case N.Method(base=base, name=name, args=args):
                values = [self.value(base, env), *(self.value(arg, env) for arg in args)]
                return None if None in values else METHODS[name].apply(*values)
            case N.Index(base=base, index=index):
                text, at = self.value(base, env), self.value(index, env)
                return None if text is None or at is None else character(text, at)
            case N.Slice(base=base, start=start, stop=stop):
                text = self.value(base, env)
                low = self.value(start, env) if start is not None else 0
                high = self.value(stop, env) if stop is not None else math.inf
                return None if text is None or low is None or high is None else piece(text, low, high)
            case N.Function(name=name, args=args):
                values = [self.value(arg, env) for arg in args]
                if None in values:
                    return None
                return (
                    TEXT_FUNCTIONS[name][1](*values) if name in TEXT_FUNCTIONS else NUMBER_FUNCTIONS[name][2](*values)
                )
        raise TypeError(f"not an expression: {type(node).__name__}")

    def binary(self, node: N.Expr, op: str, left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        if op in ("/", "//", "%") and right == 0:
            raise self.error("E0401", "division by zero", node)
        if op == "**":
            return self.power(node, float(left), float(right))
        if isinstance(left, str):
            return left + right
        return _ARITHMETIC[op](float(left), float(right))

    def power(self, node: N.Expr, left: float, right: float) -> float:
        if left == 0 and right < 0:
            raise self.error("E0401", "zero to a negative power", node)
        if left < 0 and not _whole(right):
            raise self.error("E0403", "a power that is not real", node)
        try:
            return float(left**right)
        except OverflowError:
            return float("-inf") if left < 0 and right % 2 == 1 else float("inf")

    # ------------------------------------------------------------ tables

    def column(self, key: str, make: Callable[[], Column]) -> Column:
        if key not in self.columns:
            self.columns[key] = make()
        return self.columns[key]

    def feature(self, node: N.Feature, env: Environment) -> Any:
        base, name = self.value(node.base, env), node.name
        if isinstance(base, WordRef):
            return self.word_feature(base, name)
        at = self.position(base)
        if at is None:
            return None
        if name == "head":
            head = self.column("head", lambda: head_token_column(self.table))[at]
            return None if head is None else self.position(head)
        if name in TOKEN_FEATURES:
            value: Any = self.column("token." + name, lambda: token_column(self.table, name))[at]
            kind = TOKEN_FEATURES[name].kind
            if kind is WORD:
                return None if value is None else WordRef(value)
            return tuple(WordRef(w) for w in value) if kind is WORDS else value
        words: Any = self.column("token.words", lambda: token_column(self.table, "words"))[at]
        return self.word_feature(WordRef(words[0]), name) if words else None

    def word_feature(self, word: WordRef, name: str) -> Any:
        value: Any = self.column("word." + name, lambda: word_column(self.table, name))[word.index]
        kind = WORD_FEATURES[name].kind
        if kind is WORD:
            return WordRef(value)
        if kind is WORDS:
            return tuple(WordRef(w) for w in value)
        if kind is TOKENS:
            return tuple(t for t in value if t < self.visible)
        return value

    def row_stat(self, name: str) -> float:
        row = self.matrices["W"][self.query][: self.visible]
        if name == "count":
            return sum(1 for x in row if x != 0)
        if name == "sum":
            total = 0.0
            for x in row:
                total += x
            return total
        return largest(row) if name == "max" else -largest([-x for x in row])

    def relation(self, node: N.Host, env: Environment) -> float | None:
        positions = [self.position(self.value(arg, env)) for arg in node.args]
        return None if None in positions else float(self.host[node.name](list(self.table.raw), *positions))  # type: ignore[arg-type]

    # ------------------------------------------------------------ aggregates

    def bound_values(self, binder: N.Binder, env: Environment) -> list[Any]:
        """What the variable takes, ascending: the domain, within the bounds, where the condition holds."""
        if binder.domain is None:
            candidates: list[Any] = list(range(self.visible))
        else:
            candidates = sorted(self.value(binder.domain, env) or ())
        if binder.lower is not None:
            low = self.value(binder.lower, env)
            candidates = [c for c in candidates if low is not None and (c > low if binder.lower_open else c >= low)]
        if binder.upper is not None:
            high = self.value(binder.upper, env)
            candidates = [c for c in candidates if high is not None and (c < high if binder.upper_open else c <= high)]
        if binder.where is None:
            return candidates
        return [c for c in candidates if true(self.value(binder.where, {**env, binder.var: c}))]

    def aggregate(self, node: N.Aggregate, env: Environment) -> Any:
        found = self.bound_values(node.binder, env)
        match node.kind:
            case "first":
                return found[0] if found else None
            case "last":
                return found[-1] if found else None
            case "count":
                return len(found)
            case "any":
                return bool(found)
            case "nth":
                assert node.value is not None
                rank = self.value(node.value, env)
                if rank is None or not -len(found) <= rank < len(found) or rank != int(rank):
                    return None
                return found[int(rank)]
        assert node.value is not None
        values = [self.value(node.value, {**env, node.binder.var: x}) for x in found]
        if node.kind == "all":
            return all(true(value) for value in values)
        pairs = [(x, value) for x, value in zip(found, values, strict=True) if value is not None]
        return _fold(node.kind, pairs)


def _fold(kind: str, pairs: list[tuple[Any, Any]]) -> Any:
    """Folds over the elements whose value is not none, ascending."""
    if kind in ("sum", "product"):
        total = 0.0 if kind == "sum" else 1.0
        for _, value in pairs:
            total = total + value if kind == "sum" else total * value
        return total
    if not pairs:
        return None
    sign = 1.0 if kind in ("largest", "argmax") else -1.0
    best = largest([sign * value for _, value in pairs])
    if kind in ("largest", "smallest"):
        return sign * best
    return next((node for node, value in pairs if sign * value == best), None)


def largest(values: list[float]) -> float:
    """The largest of at least one number; nan when one of them is nan, wherever it stands."""
    best = values[0]
    for value in values:
        if value != value:
            return value
        if value > best:
            best = value
    return best


def _whole(value: float) -> bool:
    """True for whole numbers and infinities."""
    return value in (math.inf, -math.inf) or (value == value and value == int(value))


def _compare(op: str, left: Any, right: Any) -> bool:
    if left is None or right is None:
        return op == "!="
    match op:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
