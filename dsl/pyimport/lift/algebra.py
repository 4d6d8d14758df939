"""Terms: the lifter's own expressions, hash-consed, so that equal terms are one object.

A term is what a Python value depends on: the query, the key, bound positions and words, features of tokens and words,
weights read at some moment. ``to_nodes.py`` turns terms into the language's expressions. Ranges are Python's: lower
bound inclusive, upper bound exclusive. Words are kept as word nodes; their spaCy index is ``windex(word)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from attndsl.dsl.pyimport.lift import folding
from attndsl.dsl.pyimport.lift.rounding import near
from attndsl.dsl.pyimport.lift.sums import from_linear, gap_of, linear, plus
from attndsl.dsl.pyimport.lift.term import _SPREAD, FALSE, ID, NONE, ONE, TRUE, ZERO, Term, const, is_const, mk

_NUMBERS = ("int", "float", "num")
_COUNTED = (*_NUMBERS, "bool", ID)


def add(a: Term, b: Term) -> Term:
    if a.kind == "int" and b.kind == "int":
        return plus(a, b, 1)
    if is_const(a) and is_const(b):
        return const(a.data + b.data)
    if is_const(b) and b.data == 0 and a.kind == "float":
        return a
    if is_const(a) and a.data == 0 and b.kind == "float":
        return b
    return mk("bin", "+", (a, b), "float")


def neg(a: Term) -> Term:
    if a.kind == "int":
        return mul(const(-1), a)
    return const(-a.data) if is_const(a) else mk("neg", None, (a,), a.kind)


def sub(a: Term, b: Term) -> Term:
    if a.kind == "int" and b.kind == "int":
        return plus(a, b, -1)
    if is_const(a) and is_const(b):
        return const(a.data - b.data)
    if is_const(b) and b.data == 0 and a.kind == "float":
        return a
    return mk("bin", "-", (a, b), "float")


def mul(a: Term, b: Term) -> Term:
    if is_const(a) and is_const(b):
        return const(a.data * b.data)
    if a.kind == "int" and b.kind == "int":
        if is_const(b):
            a, b = b, a
        if is_const(a):
            atoms, c = linear(b)
            return from_linear({t: k * a.data for t, k in atoms.items()}, c * a.data)
        return mk("bin", "*", (a, b), "int")
    for x, y in ((a, b), (b, a)):
        if is_const(x) and x.data == 1 and y.kind == "float":
            return y
    return mk("bin", "*", (a, b), "float")


def arith(op: str, a: Term, b: Term, span: Any = None) -> Term:
    """+ - * / // % ** and ``ratio`` (the IEEE quotient), on numbers; bools count as ints."""
    a, b = as_number(a), as_number(b)
    if op in ("+", "-", "*"):
        return {"+": add, "-": sub, "*": mul}[op](a, b)
    both = a.kind == b.kind == "int"
    if is_const(a) and is_const(b):
        value = folding.number(op, a.data, b.data)
        if value is not None:
            return const(value)
    if op == "ratio":
        return mk("func", "ratio", (a, b), "float")
    if is_const(b) and b.data == 1 and op in ("**", "//") and (op == "**" or both):
        return a
    safe = is_const(b) and b.data != 0 and op != "**"
    if both and op == "**":  # a whole number or not, as the sign of b says
        return mk("bin", op, (a, b), "num", None if is_const(b) and b.data >= 0 else span)
    kind = "int" if both and op != "/" else "float"
    return mk("bin", op, (a, b), kind, None if safe else span)


def as_number(t: Term) -> Term:
    """Python counts True as 1 and False as 0."""
    return ite(t, ONE, ZERO) if t.kind == "bool" else t


# ---------------------------------------------------------------- truth


def conj(parts: Iterable[Term]) -> Term:
    """All of them, in order; the first that fails decides."""
    seen: dict[Term, None] = {}
    for part in parts:
        for p in part.args if part.op == "and" else (part,):
            if p is FALSE or (p.opposite or not_(p)) in seen:
                return FALSE
            if p is not TRUE:
                seen[p] = None
    found = tuple(seen)
    return TRUE if not found else found[0] if len(found) == 1 else mk("and", None, found, "bool")


def disj(parts: Iterable[Term]) -> Term:
    seen: dict[Term, None] = {}
    for part in parts:
        for p in part.args if part.op == "or" else (part,):
            if p is TRUE or not_(p) in seen:
                return TRUE
            if p is not FALSE:
                seen.setdefault(p)
    if len(seen) > 2 and any(p.op == "and" and all(not_(x) in seen for x in p.args) for p in seen):
        return TRUE  # ``(a and b) or not a or not b``
    found = _absorb(tuple(seen))
    return FALSE if not found else found[0] if len(found) == 1 else mk("or", None, found, "bool")


def _absorb(choices: tuple[Term, ...]) -> tuple[Term, ...]:
    """``a or (a and b)`` is ``a``; ``not a or (a and b)`` is ``not a or b`` where the order is kept."""
    out: dict[Term, None] = {}
    denied: set[Term] = set()
    for p in choices:
        pieces = parts(p)
        if any(x in out for x in pieces):
            continue
        p = conj(x for x in pieces if x not in denied)
        out[p] = None
        denied.add(not_(p))
    return tuple(out)


def parts(c: Term) -> tuple[Term, ...]:
    """What a condition says one by one."""
    return c.args if c.op == "and" else (c,)


def said(c: Term) -> tuple[Term, ...]:
    """The same, where ``not (a or b)`` says two things."""
    if c.op == "not" and c.args[0].op == "or":
        return tuple(not_(x) for x in c.args[0].args)
    return parts(c)


_FLIP = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def not_(t: Term) -> Term:
    found = t.opposite
    if found is None:
        found = t.opposite = _negation(t)
    return found


def _negation(t: Term) -> Term:
    if t.op == "const":
        return const(not t.data)
    if t.op == "not":
        return t.args[0]
    if t.op == "cmp" and (t.data in ("==", "!=") or (t.total and all(a.kind == "int" for a in t.args))):
        return mk("cmp", _FLIP[t.data], t.args, "bool")
    if t.op == "some":
        return mk("absent", None, t.args, "bool")
    if t.op == "absent":
        return mk("some", None, t.args, "bool")
    return mk("not", None, (t,), "bool")


def some(t: Term) -> Term:
    """The term is not none."""
    if t.total:
        return TRUE
    if t.op == "agg" and t.data in ("first", "last") and t.args[0] is NONE and t.args[4] is TRUE:
        return compare("<", t.args[2], t.args[3])
    if t.op == "agg" and t.data == "last":
        t = mk("agg", "first", t.args, t.kind)
    return mk("some", None, (t,), "bool")


def compare(op: str, a: Term, b: Term) -> Term:
    if a is b and a.kind in ("int", "str", "word", "bool", ID) and a.total:
        return const(op in ("==", "<=", ">="))
    if a.op == "const" and b.op == "const":
        return const(_COMPARE[op](a.data, b.data))
    if a.kind != b.kind and op in ("==", "!="):
        numeric = (a.kind in _COUNTED, b.kind in _COUNTED)
        if numeric[0] != numeric[1] or "word" in (a.kind, b.kind):
            return const(op == "!=")
    if a.op == "ite" or b.op == "ite":
        folded = _compare_choice(op, a, b) or _compare_choice(_MIRRORED[op], b, a)
        if folded is not None:
            return folded
    if a.kind == b.kind == "bool":
        if op in ("==", "!="):
            for x, y in ((a, b), (b, a)):
                if is_const(y):
                    return x if y.data == (op == "==") else not_(x)
        a, b = as_number(a), as_number(b)
    if a.op == "windex" and b.op == "windex" and op in ("==", "!="):
        a, b = a.args[0], b.args[0]
        if a is b:
            return const(op == "==")
    if a.kind == "int" and b.kind == "int":
        gap = gap_of(a, b)
        if gap is not None:
            return const(_COMPARE[op](gap, 0))
    if is_const(a) and not is_const(b):
        a, b, op = b, a, _MIRRORED[op]
    if a.op == "func" and a.data == "min" and a.kind == "int" and is_const(b) and op in ("<", ">="):
        limits = [x for x in a.args if is_const(x)]
        if len(a.args) == 2 and limits and limits[0].data >= b.data:  # ``min(3, x) < 3``
            return compare(op, a.args[0] if a.args[1] is limits[0] else a.args[1], b)
    return mk("cmp", op, (a, b), "bool")


_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def _compare_choice(op: str, a: Term, b: Term) -> Term | None:
    """``(x if c else y) == z`` where the constants decide it."""
    if a.op != "ite" or not is_const(b) or a.kind == "bool":
        return None
    c, x, y = a.args
    if a.kind == b.kind == "int" and is_const(x) != is_const(y):
        then, other = _of_place(op, x, c, b), _of_place(op, y, not_(c), b)
        if then is not None and other is not None:
            return _bool_ite(c, then, other)
    if not ((is_const(x) or x.op == "ite") and (is_const(y) or y.op == "ite")):
        return None
    return _for_each(a, lambda t: compare(op, t, b), ("cmp", op, b))


def _of_place(op: str, x: Term, given: Term, b: Term) -> Term | None:
    """``x op b`` where x is a constant, or a place that is there and so no less than 0: ``last != -1``."""
    if is_const(x):
        return const(_COMPARE[op](x.data, b.data))
    if x.op != "agg" or x.data not in ("first", "last") or some(x) not in (TRUE, *parts(given)):
        return None
    least, most = _COMPARE[op](0, b.data), _COMPARE[op](math.inf, b.data)
    return const(least) if least == most and (b.data < 0 or op not in ("==", "!=")) else compare(op, x, b)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def ite(c: Term, a: Term, b: Term) -> Term:
    """a where c holds, else b; only the chosen one is evaluated."""
    if c is TRUE or a is b:
        return a
    if c is FALSE:
        return b
    if a.kind == b.kind == "bool":
        return _bool_ite(c, a, b)
    if a.op == "ite" and a.args[0] is c:
        a = a.args[1]
    if b.op == "ite" and b.args[0] is c:
        b = b.args[2]
    if c.op == "not":
        return ite(c.args[0], b, a)
    if b.op == "ite" and b.args[1] is a:
        return ite(disj((c, b.args[0])), a, b.args[2])
    shared = _common_base(c, a, b)
    if shared is not None:
        return shared
    if a.kind == b.kind:
        kind = a.kind
    elif NONE in (a, b):
        kind = a.kind if b is NONE else b.kind
    else:
        kind = "num" if a.kind in _NUMBERS and b.kind in _NUMBERS else "mixed"
    return mk("ite", None, (c, a, b), kind)


def _common_base(c: Term, a: Term, b: Term) -> Term | None:
    """``w + x if c else w`` is ``w + (x if c else 0)``, so that w is not said twice; likewise for products."""
    if a.kind not in ("float", "num") or b.kind not in ("float", "num"):
        return None
    for op, neutral in (("+", ZERO), ("*", ONE)):
        left, right = _spine(a, op), _spine(b, op)
        for base, changed in left.items():
            if base in right and not is_const(base) and (changed or right[base]):
                return arith(op, base, ite(c, *(_joined(op, base, x, neutral) for x in (changed, right[base]))))
    return None


def _spine(t: Term, op: str) -> dict[Term, tuple[Term, ...]]:
    """``(w + x) + y`` as what it began with and what was added: {itself: (), w + x: (y,), w: (x, y)}."""
    out: dict[Term, tuple[Term, ...]] = {t: ()}
    added: tuple[Term, ...] = ()
    while t.op == "bin" and t.data == op and len(out) < 40:
        added = (t.args[1], *added)
        t = t.args[0]
        out[t] = added
    return out


def _joined(op: str, base: Term, parts: tuple[Term, ...], neutral: Term) -> Term:
    out: Term | None = None
    for p in parts:
        out = p if out is None else arith(op, out, p)
    return neutral if out is None else out if len(parts) == 1 else near(out, base)


def _bool_ite(c: Term, a: Term, b: Term) -> Term:
    if a is TRUE or a is c:
        return disj((c, b))
    if b is FALSE or b is c:
        return conj((c, a))
    if a is FALSE:
        return conj((not_(c), b))
    if b is TRUE:
        return disj((not_(c), a))
    return mk("ite", None, (c, a, b), "bool")


# ---------------------------------------------------------------- texts, tokens, words


def _for_each(choice: Term, compute: Callable[[Term], Term], key: tuple[Any, ...]) -> Term:
    """What an operation gives for each of two terms; once, since choices share their parts and nest."""
    found = _SPREAD.get((choice, key))
    if found is None:
        c, then, other = choice.args
        found = _SPREAD[choice, key] = ite(c, compute(then), compute(other))
    return found


def feature(base: Term, name: str, kind: str) -> Term:
    if base.op == "ite":
        return _for_each(base, lambda t: feature(t, name, kind), ("feature", name, kind))
    return mk("feature", name, (base,), kind)


def windex(word: Term) -> Term:
    """spaCy's index of a word."""
    if word.op == "wordat":
        return word.args[0]
    if word.op == "ite":
        return _for_each(word, windex, ("windex",))
    return mk("windex", None, (word,), "int")


def wordat(index: Term) -> Term:
    """The word with that index."""
    if index.op == "windex":
        return index.args[0]
    if index.op == "ite":
        return _for_each(index, wordat, ("wordat",))
    return mk("wordat", None, (index,), "word")


def text_method(base: Term, name: str, args: tuple[Term, ...], kind: str, fold: Callable[..., Any]) -> Term:
    if all(is_const(t) for t in (base, *args)):
        return const(folding.text(fold, base.data, tuple(a.data for a in args)))
    return mk("method", name, (base, *args), kind)


def glue(a: Term, b: Term) -> Term:
    """``a + b`` of texts."""
    return const(a.data + b.data) if is_const(a) and is_const(b) else mk("bin", "+", (a, b), "str")


def length(text: Term) -> Term:
    return const(len(text.data)) if is_const(text) else mk("func", "len", (text,), "int")


def func(name: str, args: tuple[Term, ...], kind: str) -> Term:
    return mk("func", name, args, kind)


def member(item: Term, items: Iterable[Term]) -> Term:
    """``item in {constants}``."""
    values: dict[Any, Term] = {}
    for i in items:
        if (i.kind in _COUNTED) == (item.kind in _COUNTED):
            values.setdefault(i.data, i)
    if is_const(item):
        return const(item.data in values)
    if not values:
        return FALSE
    if len(values) == 1:
        return compare("==", item, next(iter(values.values())))
    return mk("member", None, (item, *sorted(values.values(), key=lambda t: t.data)), "bool")


def substring(item: Term, text: Term) -> Term:
    if is_const(item) and is_const(text):
        return const(item.data in text.data)
    return TRUE if is_const(item) and item.data == "" else mk("substring", None, (item, text), "bool")
