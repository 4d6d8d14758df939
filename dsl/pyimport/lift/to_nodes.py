"""Terms -> the language's expressions: letters for bound variables, names for what is said more than once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from attndsl.dsl import nodes as D
from attndsl.dsl.builtins import TOKEN_VIA_WORD
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.machine import NotLiftable
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.source import NO_SPAN, Span

_POSITIONS = "tusjpimrhgfedcba"
_WORDS = "wvxyzo"
MAX_WRITTEN = 30_000
TOKEN = T.mk("var", "$t", (), "int")
WORD = T.mk("var", "$w", (), "word")


@dataclass
class Names:
    """The definitions in use: normalized term -> name, with how matrices are called."""

    lets: dict[Term, str] = field(default_factory=dict)
    matrices: dict[str, str] = field(default_factory=dict)
    copies: dict[tuple[str, int], str] = field(default_factory=dict)


def normalized(t: Term) -> tuple[Term, Term] | None:
    """The term with its only free variable renamed, and that variable; None when there are more."""
    if len(t.free) != 1:
        return None
    (name,) = t.free
    var = T.variable(t, name)
    param = WORD if var.kind == "word" else TOKEN
    return (t if var is param else T.subst(t, {var: param})), var


def word_of(t: Term) -> Term | None:
    """The token whose ``.word`` this is: the first of the words that overlap it."""
    if t.op != "agg" or t.data != "first" or t.args[4] is not T.TRUE:
        return None
    domain = t.args[0]
    return domain.args[0] if domain.op == "feature" and domain.data == "words" else None


class Writer:
    """Writes expressions; ``env`` maps variable names to letters."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.keys: dict[Term, tuple[Term, Term] | None] = {}
        self.written = 0

    def key(self, t: Term) -> tuple[Term, Term] | None:
        if t not in self.keys:
            self.keys[t] = normalized(t)
        return self.keys[t]

    def expr(self, t: Term, env: dict[str, str], inside: Term | None = None) -> D.Expr:
        """The expression of a term; ``inside`` is the definition being written, which must not call itself."""
        self.written += 1
        if self.written > MAX_WRITTEN:
            raise NotLiftable("the program expands to more than a reader can follow", None, "E0309")
        if t.free and t.op != "var":
            found = self.key(t)
            if found is not None and found[0] in self.names.lets and found[0] is not inside:
                return D.Call(self.names.lets[found[0]], (self.expr(found[1], env),))
        elif t in self.names.lets and t is not inside:
            return D.Name(self.names.lets[t])
        if any(a.kind == T.ID for a in t.args) and not _compares(t):
            raise _of_number()
        handler = getattr(self, "_" + t.op, None)
        if handler is None:
            raise NotLiftable(f"no expression for {t.op}", None, "E0322")
        found_node: D.Expr = handler(t, env)
        return found_node

    def weight(self, t: Term, env: dict[str, str]) -> D.Expr:
        """The expression of what is written into a cell."""
        if t.kind == T.ID:
            raise _of_number()
        return self.expr(t, env)

    def all(self, terms: tuple[Term, ...], env: dict[str, str]) -> tuple[D.Expr, ...]:
        return tuple(self.expr(a, env) for a in terms)

    # ------------------------------------------------------------ atoms

    def _const(self, t: Term, env: dict[str, str]) -> D.Expr:
        if t.kind == "bool":
            return D.Truth(t.data)
        if t.kind == "str":
            return D.Text(t.data)
        return number(t.data)

    def _var(self, t: Term, env: dict[str, str]) -> D.Expr:
        if t.data.startswith("unordered"):
            raise NotLiftable("what the iterations before leave, where they come in no order", None, "E0322")
        if t.data not in env:
            raise NotLiftable(f"a variable escapes its loop ({t.data})", None, "E0322")
        return D.Var(env[t.data])

    def _n(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.Var("n")

    def _words(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.AllWords()

    # ------------------------------------------------------------ numbers and truth

    def _linear(self, t: Term, env: dict[str, str]) -> D.Expr:
        out: D.Expr | None = None
        pairs = [*zip(t.data[:-1], t.args, strict=True)]
        constant = t.data[-1]
        if pairs[0][0] < 0 and constant > 0:
            out, constant = number(constant), 0
        for c, atom in pairs:
            piece = self.expr(atom, env)
            if abs(c) != 1:
                piece = D.Binary("*", number(abs(c)), piece)
            if out is None:
                out = D.Negative(piece) if c < 0 else piece
            else:
                out = D.Binary("-" if c < 0 else "+", out, piece)
        assert out is not None
        if constant:
            out = D.Binary("-" if constant < 0 else "+", out, number(abs(constant)))
        return out

    def _bin(self, t: Term, env: dict[str, str]) -> D.Expr:
        left, right = self.all(t.args, env)
        return D.Binary(t.data, left, right, span=_span(t))

    def _neg(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.Negative(self.expr(t.args[0], env))

    def _and(self, t: Term, env: dict[str, str]) -> D.Expr:
        return conjunction(list(self.all(t.args, env)))

    def _or(self, t: Term, env: dict[str, str]) -> D.Expr:
        first, *rest = self.all(t.args, env)
        for r in rest:
            first = D.Or(first, r)
        return first

    def _not(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.Not(self.expr(t.args[0], env))

    def _some(self, t: Term, env: dict[str, str]) -> D.Expr:
        inner = t.args[0]
        if word_of(inner) is None and inner.op == "agg" and inner.data in ("first", "last") and self._unnamed(inner):
            return D.Aggregate("any", self._binder(inner, env)[0])
        return D.Not(D.IsNone(self.expr(inner, env)))

    def _absent(self, t: Term, env: dict[str, str]) -> D.Expr:
        inner = t.args[0]
        if word_of(inner) is None and inner.op == "agg" and inner.data in ("first", "last") and self._unnamed(inner):
            return D.Not(D.Aggregate("any", self._binder(inner, env)[0]))
        return D.IsNone(self.expr(inner, env))

    def _unnamed(self, t: Term) -> bool:
        found = self.key(t) if t.free else None
        return t not in self.names.lets and (found is None or found[0] not in self.names.lets)

    def _cmp(self, t: Term, env: dict[str, str]) -> D.Expr:
        a, b = t.args
        return D.Compare(t.data, self.expr(a, env), self.expr(b, env))

    def _ite(self, t: Term, env: dict[str, str]) -> D.Expr:
        c, a, b = self.all(t.args, env)
        return D.IfElse(c, a, b)

    def _func(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.Function(t.data, self.all(t.args, env))

    def _host(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.Host(t.data, self.all(t.args, env))

    # ------------------------------------------------------------ texts, tokens, words

    def _feature(self, t: Term, env: dict[str, str]) -> D.Expr:
        if t.args[0] is T.ZERO:
            return D.Feature(D.FirstPosition(), t.data)
        token = word_of(t.args[0])
        if token is not None and t.data in TOKEN_VIA_WORD and t.data != "head":
            return D.Feature(self.expr(token, env), t.data)
        return D.Feature(self.expr(t.args[0], env), t.data)

    def _windex(self, t: Term, env: dict[str, str]) -> D.Expr:
        return D.Feature(self.expr(t.args[0], env), "index")

    def _wordat(self, t: Term, env: dict[str, str]) -> D.Expr:
        rank = self.expr(t.args[0], env)
        return D.Aggregate("nth", D.Binder(_letter(_WORDS, env), D.AllWords()), rank)

    def _within(self, t: Term, env: dict[str, str]) -> D.Expr:
        item, where = self.all(t.args, env)
        return D.Member(item, where)

    def _method(self, t: Term, env: dict[str, str]) -> D.Expr:
        if not all(map(T.is_const, t.args[2:])):
            raise NotLiftable(f"'{t.data}' with another text of the sentence than the first", None, "E0303")
        base, *args = self.all(t.args, env)
        return D.Method(base, t.data, tuple(args))

    def _affix(self, t: Term, env: dict[str, str]) -> D.Expr:
        base, *items = self.all(t.args, env)
        return D.Method(base, t.data, (D.SetOf(tuple(items)),))

    def _index(self, t: Term, env: dict[str, str]) -> D.Expr:
        _cut_at(t.args[1:])
        text, at = self.all(t.args, env)
        return D.Index(text, at)

    def _slice(self, t: Term, env: dict[str, str]) -> D.Expr:
        _cut_at(t.args[1:])
        base, *bounds = self.all(t.args, env)
        start = bounds.pop(0) if t.data[0] else None
        stop = bounds.pop(0) if t.data[1] else None
        return D.Slice(base, start, stop)

    def _member(self, t: Term, env: dict[str, str]) -> D.Expr:
        item, *items = self.all(t.args, env)
        return D.Member(item, D.SetOf(tuple(items)))

    def _substring(self, t: Term, env: dict[str, str]) -> D.Expr:
        item, text = self.all(t.args, env)
        return D.Member(item, text)

    # ------------------------------------------------------------ weights

    def _read(self, t: Term, env: dict[str, str]) -> D.Expr:
        row, column = self.all(t.args, env)
        return D.Cell(self._matrix(t), row, column)

    def _matrix(self, t: Term) -> str:
        matrix, time = t.data[0], t.data[-1]
        return self.names.copies.get((matrix, time)) or self.names.matrices[matrix]

    def _stat(self, t: Term, env: dict[str, str]) -> D.Expr:
        name, matrix = t.data[1], self._matrix(t)
        if matrix == "W" and t.args[0] is Q:
            return D.RowStat(name)
        letter = _letter(_POSITIONS, env)
        cell = D.Cell(matrix, self.expr(t.args[0], env), D.Var(letter))
        if name == "count":
            return D.Aggregate("count", D.Binder(letter, where=D.Compare("!=", cell, D.Number(0))))
        kind = {"sum": "sum", "max": "largest", "min": "smallest"}[name]
        return D.Aggregate(kind, D.Binder(letter), cell)

    # ------------------------------------------------------------ aggregates

    def _agg(self, t: Term, env: dict[str, str]) -> D.Expr:
        token = word_of(t)
        if token is not None:
            return D.Feature(self.expr(token, env), "word")
        binder, inner = self._binder(t, env)
        value = t.args[5]
        if t.data == "nth":
            return D.Aggregate("nth", binder, self.expr(value, env))
        kind = {"maximum": "largest", "minimum": "smallest"}.get(t.data, t.data)
        return D.Aggregate(kind, binder, None if value is T.NONE else self.expr(value, inner))

    def _binder(self, t: Term, env: dict[str, str]) -> tuple[D.Binder, dict[str, str]]:
        domain, var, low, high, where, _ = t.args
        letter = _letter(_WORDS if var.kind == "word" else _POSITIONS, env)
        inner = {**env, var.data: letter}
        condition = None if where is T.TRUE else self.expr(where, inner)
        if domain is not T.NONE:
            return D.Binder(letter, self.expr(domain, env), where=condition), inner
        lower, lower_open, upper, upper_open = self.bounds(low, high, env)
        return D.Binder(letter, None, lower, lower_open, upper, upper_open, condition), inner

    def bounds(
        self, low: Term | None, high: Term | None, env: dict[str, str]
    ) -> tuple[D.Expr | None, bool, D.Expr | None, bool]:
        """[low, high) in words: ``after``, ``from``, ``upto``, ``before``; nothing at the ends of the text."""
        lower = upper = None
        lower_open = upper_open = False
        if low is not None and low is not T.ZERO:
            lower_open = _plus_one(low)
            lower = self.expr(T.sub(low, T.ONE) if lower_open else low, env)
        if high is not None and high is not T.N:
            upper_open = not _plus_one(high)
            upper = self.expr(high if upper_open else T.sub(high, T.ONE), env)
        return lower, lower_open, upper, upper_open


def _cut_at(places: tuple[Term, ...]) -> None:
    """Texts are looked at once for each entry of a vocabulary, before any sentence is there."""
    if not all(map(T.is_const, places)):
        raise NotLiftable("a text is cut at a place that differs from token to token", None, "E0303")


def _of_number() -> NotLiftable:
    return NotLiftable("something else than a comparison is made of a token's number", None, "E0306")


def _compares(t: Term) -> bool:
    """``a == b`` or ``a != b`` of two tokens' numbers, or a choice among such numbers."""
    if t.op == "cmp":
        return t.data in ("==", "!=") and t.args[0].kind == t.args[1].kind
    return t.op == "ite" and t.kind == T.ID


def _plus_one(t: Term) -> bool:
    return t.op == "linear" and t.data[-1] == 1


def _span(t: Term) -> Span:
    return t.span if isinstance(t.span, Span) else NO_SPAN


def _letter(choices: str, env: dict[str, str]) -> str:
    used = set(env.values())
    for c in choices + _POSITIONS + _WORDS:
        if c not in used and c not in "qkn":
            return c
    raise NotLiftable("more bound variables than letters", None, "E0322")


def number(value: float) -> D.Expr:
    if not math.isfinite(value):  # the quotient that is one: the language has no literal for it
        above = 0 if math.isnan(value) else 1 if value > 0 else -1
        return D.Function("ratio", (D.Negative(D.Number(1)) if above < 0 else D.Number(above), D.Number(0)))
    return D.Number(value)


def conjunction(parts: list[D.Expr]) -> D.Expr:
    first, *rest = parts
    for r in rest:
        first = D.And(first, r)
    return first


__all__ = ["KEY", "Names", "Writer", "conjunction", "normalized", "number"]
