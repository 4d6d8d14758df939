"""Terms in fewer words: what a part says is known in the others, and what is always so is not said.

Every step keeps the value, none included: a condition on none is false, but for ``!=`` and ``not``.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Q
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.terms import Term

_ORDERS = ("==", "<", "<=", ">", ">=")


def may_fail(t: Term) -> bool:
    """Evaluating it may be an error: a division, a power. (A comparison with none is none.)"""
    return bool(t.marks & T.MAY_FAIL)


MAX_ASSUMED = 60_000
"""Terms looked at for what is assumed of them, and facts, in one program: nine times what any of 288 published ones
needs."""


class Speaker:
    """Rewrites terms from the inside out."""

    def __init__(self) -> None:
        self.done: dict[Term, Term] = {}
        self.left = MAX_ASSUMED

    def say(self, t: Term) -> Term:
        found = self.done.get(t)
        if found is None:
            args = tuple([self.say(a) for a in t.args])
            new = t if args == t.args else T.rebuild(t, args)
            found = self.done[t] = _simpler(new, self)
        return found

    def assumed(self, t: Term, facts: Collection[Term]) -> Term:
        """The term where the facts hold: they, and what denies them, are constants in it.

        A program that asks for too much of this is said at more length from there on: nested choices, each under all
        those around it, would take the square of their number.
        """
        self.left -= len(facts)
        if self.left < 0:
            return t
        known: dict[Term, Term] = {}
        values: dict[Term, object] = {}
        least = t.size + 1
        for f in facts:
            if f.size <= least and f.op == "cmp" and f.data == "==" and _is_text(f.args[1]):
                values[f.args[0]] = f.args[1].data
                least = min(least, f.size)
            denied = T.not_(f)
            if min(f.size, denied.size) <= t.size and not may_fail(f):
                known[f], known[denied] = T.TRUE, T.FALSE
                least = min(least, f.size, denied.size)
                if denied.op == "cmp" and denied.total and denied.args[0].kind == denied.args[1].kind == "int":
                    denied = _position(denied)  # what denies ``q > 0`` is said as ``q == 0``
                    known[denied] = T.FALSE
                    least = min(least, denied.size)
        return self._replaced(t, known, values, least) if known or values else t

    def _replaced(self, t: Term, known: dict[Term, Term], values: dict[Term, object], least: int) -> Term:
        """``least``: the size of the smallest term that is known."""
        if t.size < least or self.left < 0:
            return t
        found = known.get(t)
        if found is None:
            self.left -= 1
            found = _decided(t, values) if values else None
            if found is None:
                found = t
                if t.size > least:  # what is in it is smaller
                    args = tuple([
                        a if a.size < least else known.get(a) or self._replaced(a, known, values, least) for a in t.args
                    ])
                    found = t if args == t.args else T.rebuild(t, args)
            known[t] = found
        return found


def _is_text(t: Term) -> bool:
    return t.op == "const" and t.kind == "str"


def _simpler(t: Term, speaker: Speaker) -> Term:
    match t.op:
        case "and":
            return _conjunction(t, speaker)
        case "ite":
            return _choice(t, speaker)
        case "cmp" if t.args[0].op == "agg" and t.args[0].data == "count":
            return _counted(t)
        case "cmp" if t.args[0].op == "windex" and t.args in ((t.args[0], T.ZERO), (t.args[0], WORD_COUNT)):
            # the number of a word, if there is one, is the number of a word
            return T.some(t.args[0].args[0]) if t.data == (">=" if t.args[1] is T.ZERO else "<") else t
        case "cmp" if all(a.kind == "int" for a in t.args):
            return _position(t) if t.total else _inside(t)
    return t


def _choice(t: Term, speaker: Speaker) -> Term:
    """``if P then (.. P ..) else (.. P ..)``: inside, P is decided."""
    c, then, other = t.args
    facts = T.parts(c)
    then = speaker.assumed(then, facts)
    if c.op == "cmp" and c.data == "==" and c.args[0] in (Q, KEY) and T.is_const(c.args[1]):
        then = T.subst(then, {c.args[0]: c.args[1]})
    other = speaker.assumed(other, (T.not_(c),))
    if then is t.args[1] and other is t.args[2]:
        return t
    return T.ite(c, speaker.say(then), speaker.say(other))


def _decided(t: Term, values: dict[Term, object]) -> Term | None:
    """A question about a text that is known to be one constant."""
    if t.op not in ("cmp", "member") or t.args[0] not in values or not all(map(T.is_const, t.args[1:])):
        return None
    value = values[t.args[0]]
    if t.op == "member":
        return T.const(value in {c.data for c in t.args[1:]})
    same = value == t.args[1].data
    return T.const(same) if t.data == "==" else T.const(not same) if t.data == "!=" else None


def _counted(t: Term) -> Term:
    """``count(..) > 0`` is ``any(..)``."""
    count, limit = t.args
    domain, var, low, high, where, _ = count.args
    asked = (t.data, limit.data)
    if asked in ((">", 0), (">=", 1), ("!=", 0)):
        return T.agg("any", var, domain, low, high, where)
    if asked in (("==", 0), ("<", 1), ("<=", 0)):
        return T.not_(T.agg("any", var, domain, low, high, where))
    return t


def _position(t: Term) -> Term:
    """``q - 1 >= 1`` is ``q > 1``: a position alone on the left, against a number; positions count from 0."""
    atoms, constant = T.linear(T.sub(t.args[0], t.args[1]))
    if len(atoms) != 1:
        return t
    ((atom, sign),) = atoms.items()
    if atom not in (Q, KEY) or sign not in (1, -1):
        return t
    op, limit = (t.data, -constant) if sign == 1 else (_MIRROR[t.data], constant)
    if op == ">=":
        op, limit = ">", limit - 1
    if op == "<":
        op, limit = "<=", limit - 1
    if limit == 0 and op == "<=":
        op = "=="
    return T.compare(op, atom, T.const(limit))


def _inside(t: Term) -> Term:
    """A found position, if there is one, is not before 0 and not after the text: ``p < n`` is ``p is some``."""
    atoms, constant = T.linear(T.sub(t.args[0], t.args[1]))
    others = {a: c for a, c in atoms.items() if a is not T.N}
    if len(others) != 1 or atoms.get(T.N, 0) not in (-1, 0, 1):
        return t
    ((place, sign),) = others.items()
    if sign not in (1, -1) or not _is_place(place):
        return t
    op, texts, rest = t.data, sign * atoms.get(T.N, 0), sign * constant
    if sign == -1:
        op = _MIRROR[op]
    # place + texts * n + rest, compared with 0: the least it can be, or the most
    if texts >= 0 and texts + rest >= (0 if op in (">=", "<") else 1) and op in (">=", ">", "<", "<=", "=="):
        return T.some(place) if op in (">=", ">") else T.FALSE
    if texts == -1 and rest - 1 <= (0 if op in ("<=", ">") else -1) and op in (">=", ">", "<", "<=", "=="):
        return T.some(place) if op in ("<=", "<") else T.FALSE
    return t


def _is_place(t: Term) -> bool:
    """The first or last token such that: a position in the text, or none."""
    if t.op != "agg" or t.data not in ("first", "last") or t.kind != "int" or t.args[0] is not T.NONE:
        return False
    low, high = t.args[2], t.args[3]
    starts = (T.ZERO, T.ONE, Q, KEY, T.add(Q, T.ONE), T.add(KEY, T.ONE))
    return low in starts and high in (T.N, Q, KEY, T.add(Q, T.ONE), T.add(KEY, T.ONE))


_MIRROR = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _conjunction(t: Term, speaker: Speaker) -> Term:
    """``x is some and x.pos == "NOUN"`` without the first; what one part says is known in the others.

    A part that may be an error is reached by the same queries and keys as before: what comes after it changes nothing
    that comes before.
    """
    parts: list[Term] = []
    for fails, group in itertools.groupby(t.args, may_fail):
        for run in ([p] for p in group) if fails else (list(group),):
            parts += _in_fewer(run, parts, speaker)
    return t if parts == list(t.args) else T.conj(parts)


def _in_fewer(parts: list[Term], before: list[Term], speaker: Speaker) -> list[Term]:
    """The parts, where those before them hold, without what others say as well."""
    for i, p in enumerate(parts):
        if speaker.left < 0:
            break
        new = speaker.assumed(p, [*before, *(x for n, x in enumerate(parts) if n != i)])
        parts[i] = p if new is p else speaker.say(new)
    parts = _one_test(parts)
    known = [*before, *parts]
    needed = {x for p in known for x in _needs(p)}
    return [p for p in parts if not (p.op == "some" and (p.args[0] in needed or _wider(p, known)))]


def _wider(p: Term, parts: list[Term]) -> bool:
    """``any(t where P)`` beside ``any(t where P and Q)``."""
    mine = p.args[0]
    if mine.data != "first":
        return False
    for other in parts:
        if other.op == "some" and other.args[0].op == "agg" and other is not p:
            a, b = mine.args, other.args[0].args
            if a[:4] == b[:4] and a[4].op == b[4].op == "and" and set(a[4].args) < set(b[4].args):
                return True
    return False


def _one_test(parts: list[Term]) -> list[Term]:
    """``x not in {a} and x in {a, b}`` is ``x == b``; ``x != a and x != b`` is ``x not in {a, b}``."""
    tests: dict[Term, list[tuple[bool, frozenset[str], int]]] = {}
    for i, p in enumerate(parts):
        asked = _asked(p)
        if asked is not None:
            tests.setdefault(asked[0], []).append((*asked[1:], i))
    out: list[Term | None] = list(parts)
    for item, found in tests.items():
        inside = [values for positive, values, _ in found if positive]
        outside = frozenset().union(*(values for positive, values, _ in found if not positive))
        if len(found) < 2 or (not inside and len(outside) > _MOST_IN_A_SET):
            continue
        kept = frozenset.intersection(*inside) - outside if inside else outside
        for _, _, i in found:
            out[i] = None
        test = T.member(item, map(T.const, sorted(kept)))
        out[found[0][2]] = test if inside else T.not_(test)
    return [p for p in out if p is not None]


_MOST_IN_A_SET = 4


def _asked(p: Term) -> tuple[Term, bool, frozenset[str]] | None:
    """(text, is it one of them, constants) of a test of a text against constants."""
    positive = p.op != "not"
    p = p if positive else p.args[0]
    if p.op not in ("cmp", "member") or not all(T.is_const(c) and c.kind == "str" for c in p.args[1:]):
        return None
    values = frozenset(c.data for c in p.args[1:])
    if p.op == "member" or p.data == "==":
        return p.args[0], positive, values
    return (p.args[0], not positive, values) if p.data == "!=" else None


def _needs(p: Term) -> set[Term]:
    """What cannot be none where p holds: a condition on none is false, but for ``!=`` and ``not``."""
    match p.op:
        case "cmp" if p.data in _ORDERS:
            return _strict(p.args[0]) | _strict(p.args[1])
        case "substring":
            return _strict(p.args[0]) | _strict(p.args[1])
        case "member" | "affix" | "method" | "within":
            return _strict(p.args[0])
        case "feature":
            return _strict(p)
    return set()


def _strict(t: Term) -> set[Term]:
    """The terms whose being none makes t none."""
    out: set[Term] = {t, _as_first(t)}
    while t.op in ("feature", "windex") or (t.op == "method" and t.kind == "str"):
        t = t.args[0]
        out |= {t, _as_first(t)}
    return out


def _as_first(t: Term) -> Term:
    """``some`` is asked of the first such word, also where the last is meant: there is one or there is none."""
    return T.mk("agg", "first", t.args, t.kind) if t.op == "agg" and t.data == "last" else t
