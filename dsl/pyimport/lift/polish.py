"""Rules as a person would say them: the same meaning in fewer words.

Every step keeps the matrix and the errors of the program; ``tests/dsl/pyimport`` compares them with CPython's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Draft, Q
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.terms import Term

Numbered = list[tuple[int, Draft]]
_ORDERS = ("==", "<", "<=", ">", ">=")


def polished(drafts: Numbered, matrix: str | None) -> Numbered:
    """The rules of a program, each said more simply, without those that cannot change anything."""
    speaker = _Speaker()
    out = [(at, x) for at, d in drafts for x in _factors(_rule(d, speaker))]
    return [(at, d) for at, d in out if not _lifts_nothing(d, [x for _, x in out])]


def _rule(d: Draft, speaker: _Speaker) -> Draft:
    if d.op in ("normalize", "mask"):
        return d
    when = _split(T.conj(d.when), speaker)
    where = _split(assumed(T.conj(d.where), when), speaker)
    d = replace(d, value=speaker.say(assumed(d.value, [*when, *where])), when=when, where=where)
    if d.target is None:
        d = _single(_tight(d), speaker)
    if d.target is not None and d.op != "fail":
        d = replace(d, when=_outside_is_nothing(d, speaker))
    return d


def _split(t: Term, speaker: _Speaker) -> list[Term]:
    t = speaker.say(t)
    return [] if t is T.TRUE else list(t.args) if t.op == "and" else [t]


# ---------------------------------------------------------------- terms


class _Speaker:
    """Rewrites terms from the inside out."""

    def __init__(self) -> None:
        self.done: dict[Term, Term] = {}

    def say(self, t: Term) -> Term:
        found = self.done.get(t)
        if found is None:
            args = tuple(self.say(a) for a in t.args)
            new = t if all(a is b for a, b in zip(args, t.args, strict=True)) else _with_args(t, args)
            found = self.done[t] = _simpler(new, self)
        return found


def _with_args(t: Term, args: tuple[Term, ...]) -> Term:
    if t.op == "agg":  # its variable keeps its name: nothing inside has become another variable's
        return T.agg(t.data, args[1], args[0], args[2], args[3], args[4], args[5])
    return T.rebuild(t, args)


def _simpler(t: Term, speaker: _Speaker) -> Term:
    match t.op:
        case "and":
            return _conjunction(t, speaker)
        case "ite":
            return _choice(t, speaker)
        case "cmp" if t.args[0].op == "agg" and t.args[0].data == "count" and T.is_const(t.args[1]):
            return _counted(t)
        case "cmp" if t.args[0].op == "windex" and t.args in ((t.args[0], T.ZERO), (t.args[0], WORD_COUNT)):
            # the number of a word, if there is one, is the number of a word
            return T.some(t.args[0].args[0]) if t.data == (">=" if t.args[1] is T.ZERO else "<") else t
        case "cmp" if t.total and all(a.kind == "int" for a in t.args):
            return _position(t)
    return t


def _choice(t: Term, speaker: _Speaker) -> Term:
    """``if P then (.. P ..) else (.. P ..)``: inside, P is decided."""
    c, then, other = t.args
    facts = c.args if c.op == "and" else (c,)
    then = assumed(then, facts)
    other = assumed(other, (T.not_(c),))
    if then is t.args[1] and other is t.args[2]:
        return t
    return T.ite(c, speaker.say(then), speaker.say(other))


def assumed(t: Term, facts: Iterable[Term]) -> Term:
    """The term where the facts hold: they, and what denies them, are constants in it."""
    known: dict[Term, Term] = {}
    values: dict[Term, object] = {}
    least = t.size + 1
    for f in facts:
        if f.size <= least and f.op == "cmp" and f.data == "==" and T.is_const(f.args[1]) and f.args[1].kind == "str":
            values[f.args[0]] = f.args[1].data
            least = min(least, f.size)
        denied = T.not_(f)
        if min(f.size, denied.size) <= t.size and not _may_fail(f):
            known[f], known[denied] = T.TRUE, T.FALSE
            least = min(least, f.size, denied.size)
    return _replaced(t, known, values, least) if known or values else t


def _replaced(t: Term, known: dict[Term, Term], values: dict[Term, object], least: int) -> Term:
    """``least``: the size of the smallest term that is known."""
    if t.size < least:
        return t
    found = known.get(t)
    if found is None:
        found = _decided(t, values)
        if found is None:
            args = tuple([_replaced(a, known, values, least) for a in t.args])
            found = t if args == t.args else _with_args(t, args)
        known[t] = found
    return found


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


_MIRROR = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _conjunction(t: Term, speaker: _Speaker) -> Term:
    """``x is some and x.pos == "NOUN"`` without the first; what one part says is known in the others."""
    parts = list(t.args)
    for i, p in enumerate(parts):
        new = assumed(p, [x for n, x in enumerate(parts) if n != i])
        parts[i] = p if new is p else speaker.say(new)
    parts = _one_test(parts)
    needed = {x for p in parts for x in _needs(p)}
    kept = [p for p in parts if not (p.op == "some" and (p.args[0] in needed or _wider(p, parts)))]
    return t if all(a is b for a, b in zip(kept, t.args, strict=False)) and len(kept) == len(t.args) else T.conj(kept)


def _wider(p: Term, parts: list[Term]) -> bool:
    """``any(t where P)`` beside ``any(t where P and Q)``."""
    mine = p.args[0]
    if mine.op != "agg" or mine.data != "first":
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


# ---------------------------------------------------------------- keys


def _tight(d: Draft) -> Draft:
    """Bounds that take in ``k != bound`` and leave out ``max(0, ...)``: keys count from 0, and end with the text."""
    low, high, where = d.low, d.high, list(d.where)
    if low is not None and _is_extreme(low, "max", T.ZERO):
        low = _other(low, T.ZERO)
    if high is not None and _is_extreme(high, "min", T.N):
        high = _other(high, T.N)
    changed = True
    while changed:
        changed = False
        for c in where:
            excluded = _excluded(c)
            if excluded is None:
                continue
            if excluded is (T.ZERO if low is None else low):
                low = T.add(excluded, T.ONE)
            elif high is not None and excluded is T.sub(high, T.ONE):
                high = excluded
            else:
                continue
            where.remove(c)
            changed = True
            break
    return replace(d, low=low, high=high, where=where)


def _is_extreme(t: Term, name: str, end: Term) -> bool:
    return t.op == "func" and t.data == name and len(t.args) == 2 and end in t.args and t.kind == "int"


def _other(t: Term, end: Term) -> Term:
    return t.args[1] if t.args[0] is end else t.args[0]


def _excluded(c: Term) -> Term | None:
    """x for ``k != x`` in any way of writing it."""
    if c.op != "cmp" or c.data != "!=" or any(a.kind != "int" for a in c.args) or not c.total:
        return None
    return _solved(c)


def _solved(c: Term) -> Term | None:
    """x where the two sides are equal just at k = x."""
    atoms, _ = T.linear(T.sub(c.args[0], c.args[1]))
    sign = atoms.get(KEY, 0)
    if sign not in (1, -1) or any(a is not KEY and "k" in a.free for a in atoms):
        return None
    rest = T.sub(T.sub(c.args[0], c.args[1]), T.mul(T.const(sign), KEY))
    return T.neg(rest) if sign == 1 else rest


def _single(d: Draft, speaker: _Speaker) -> Draft:
    """``each k where q - k == 2`` is the position ``q - 2``."""
    if d.low is not None and d.high is not None and T.sub(d.high, d.low) is T.ONE:
        return _at(d, d.low, d.where, speaker)
    for c in d.where:
        if c.op == "cmp" and c.data == "==" and all(a.kind == "int" for a in c.args) and c.total:
            place = _solved(c)
            if place is not None and "k" not in place.free:
                bounds = [T.compare(">=", KEY, d.low)] if d.low is not None else []
                bounds += [T.compare("<", KEY, d.high)] if d.high is not None else []
                return _at(d, place, [*bounds, *(x for x in d.where if x is not c)], speaker)
    return d


def _at(d: Draft, place: Term, where: list[Term], speaker: _Speaker) -> Draft:
    """The rule for one key. Outside the text there is none: the conditions may say what they like of it there."""
    if any(map(_may_fail, (*d.where, d.value))) or not d.value.total:
        return d
    moved = [speaker.say(T.subst(c, {KEY: place})) for c in where]
    if T.FALSE in moved:
        return d
    when = _split(T.conj([*d.when, *moved]), speaker)
    return replace(d, target=place, value=T.subst(d.value, {KEY: place}), when=when, where=[], low=None, high=None)


def _may_fail(t: Term) -> bool:
    """Evaluating it may be an error: a division, a power. (A comparison with none is none.)"""
    return bool(t.marks & T.MAY_FAIL)


def _outside_is_nothing(d: Draft, speaker: _Speaker) -> list[Term]:
    """Without ``when q > 0`` for the target ``q - 1``: a position outside the text updates nothing."""
    assert d.target is not None
    if not d.target.total or d.target.kind != "int" or any(map(_may_fail, (d.value, *d.when))) or not d.value.total:
        return d.when
    ends = T.compare(">=", d.target, T.ZERO), T.compare("<", d.target, T.N)
    inside = {*ends, *map(speaker.say, ends)}
    return [c for c in d.when if c not in inside]


# ---------------------------------------------------------------- rules with a long value


def _factors(d: Draft) -> list[Draft]:
    """``set a * (if P then b else 1)`` in two rules: set a, then scale by b where P. Products keep their order."""
    out: list[Draft] = []
    while d.op == "set" and d.value.size > _LONG and _is_product(d.value) and not _depends_on_weights(d):
        rest, factor = d.value.args
        rule = replace(d, op="scale", value=factor)
        if factor.op == "ite" and T.is_const(factor.args[2]) and factor.args[2].data == 1:
            here = list(factor.args[0].args) if factor.args[0].op == "and" else [factor.args[0]]
            of_key = [c for c in here if "k" in c.free and d.target is None]
            rule.value = factor.args[1]
            rule.when = [*d.when, *(c for c in here if c not in of_key and c not in d.when)]
            rule.where = [*d.where, *(c for c in of_key if c not in d.where)]
        out.insert(0, rule)
        d = replace(d, value=rest)
    return [d, *out]


_LONG = 20


def _is_product(t: Term) -> bool:
    """A product with a choice among its factors."""
    if t.op != "bin" or t.data != "*":
        return False
    return t.args[1].op == "ite" or _is_product(t.args[0])


def _depends_on_weights(d: Draft) -> bool:
    """The rule reads weights, which its first part would have changed."""
    parts = (d.value, *d.when, *d.where, *(x for x in (d.target, d.low, d.high) if x is not None))
    return any(t.marks & T.READS for t in parts)


# ---------------------------------------------------------------- rules that change nothing


def _lifts_nothing(d: Draft, drafts: list[Draft]) -> bool:
    """``raise each k to at least 0`` where no rule of the matrix can have made a weight negative."""
    whole = d.op == "raise" and d.target is None and d.low is None and d.high is None and not d.when and not d.where
    if not whole or not T.is_const(d.value) or d.value.data != 0:
        return False
    others = [x for x in drafts if x.matrix == d.matrix and x is not d]
    return all(x.op in ("normalize", "mask", "fail") or _not_negative(x.value, 0) for x in others)


def _not_negative(t: Term, depth: int) -> bool:
    """True when the number cannot be below zero (it may be nan)."""
    if depth > 40:
        return False
    parts = [_not_negative(a, depth + 1) for a in t.args] if t.op in ("bin", "func", "ite", "linear") else []
    match t.op:
        case "const":
            return t.kind == "bool" or (t.kind in ("int", "float") and t.data >= 0)
        case "n":
            return True
        case "var":
            return t in (Q, KEY)  # other variables may count through any range of numbers
        case "bin":
            return t.data in ("+", "*", "/", "ratio", "**", "//") and all(parts[: 1 if t.data == "**" else 2])
        case "func":
            return (
                t.data in ("exp", "abs", "len", "sqrt") or (t.data == "max" and any(parts)) or
                (t.data == "min" and all(parts))
            )  # fmt: skip
        case "ite":
            return parts[1] and parts[2]
        case "linear":
            return all(c >= 0 for c in t.data) and all(parts)
        case "agg":
            return t.data == "count" or (t.data in ("sum", "product") and _not_negative(t.args[5], depth + 1))
    return False
