"""Rules as a person would say them: the same meaning in fewer words.

Every step keeps the matrix and the errors of the program; ``tests/dsl/pyimport`` compares them with CPython's.
"""

from __future__ import annotations

from dataclasses import replace

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import KEY, Draft, Q, without_target
from attndsl.dsl.pyimport.lift.saying import Speaker, may_fail
from attndsl.dsl.pyimport.lift.terms import Term

Numbered = list[tuple[int, Draft]]


def polished(drafts: Numbered, matrix: str | None) -> Numbered:
    """The rules of a program, each said more simply, without those that cannot change anything."""
    speaker = Speaker()
    said = [(at, _rule(d, speaker)) for at, d in drafts]
    out = [(at, x) for at, d in said if T.FALSE not in (*d.when, *d.where) for x in _factors(d)]
    return [(at, d) for at, d in out if not _lifts_nothing(d, [x for _, x in out])]


def _rule(d: Draft, speaker: Speaker) -> Draft:
    if d.op in ("normalize", "mask"):
        return d
    when = _split(T.conj(d.when), speaker)
    where = _split(speaker.assumed(T.conj(d.where), when), speaker)
    d = replace(d, value=speaker.say(speaker.assumed(d.value, [*when, *where])), when=when, where=where)
    if d.target is None:
        d = _single(_tight(d), speaker)
    if d.target is not None and d.op != "fail":
        target = speaker.say(speaker.assumed(d.target, when))
        if target is not d.target and not target.total:
            d = replace(d, when=without_target(d.when, target))
        d = replace(d, target=target)
        d = replace(d, when=_outside_is_nothing(d, speaker))
    return d


def _split(t: Term, speaker: Speaker) -> list[Term]:
    t = speaker.say(t)
    return [] if t is T.TRUE else list(t.args) if t.op == "and" else [t]


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
            excluded, lowest = _excluded(c), T.ZERO if low is None else low
            if excluded is lowest:
                low = T.add(lowest, T.ONE)
            elif high is not None and excluded is T.sub(high, T.ONE):
                high = excluded
            else:
                continue
            where.remove(c)
            changed = True
            break
    return replace(d, low=low, high=high, where=where)


def _is_extreme(t: Term, name: str, end: Term) -> bool:
    return t.op == "func" and t.data == name and len(t.args) == 2 and end in t.args


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
    sign = atoms.get(KEY)
    if sign not in (1, -1) or any(a is not KEY and "k" in a.free for a in atoms):
        return None
    rest = T.sub(T.sub(c.args[0], c.args[1]), T.mul(T.const(sign), KEY))
    return T.neg(rest) if sign == 1 else rest


def _single(d: Draft, speaker: Speaker) -> Draft:
    """``each k where q - k == 2`` is the position ``q - 2``."""
    if d.low is not None and d.high is not None and T.sub(d.high, d.low) is T.ONE:
        return _at(d, d.low, d.where, speaker)
    for c in d.where:
        if c.op == "cmp" and c.data == "==" and all(a.kind == "int" for a in c.args) and c.total:
            place = _solved(c)
            if place is not None:
                bounds = [T.compare(">=", KEY, d.low)] if d.low is not None else []
                bounds += [T.compare("<", KEY, d.high)] if d.high is not None else []
                return _at(d, place, [*bounds, *(x for x in d.where if x is not c)], speaker)
    return d


def _at(d: Draft, place: Term, where: list[Term], speaker: Speaker) -> Draft:
    """The rule for one key. Outside the text there is none: the conditions may say what they like of it there."""
    if any(map(may_fail, (*d.where, d.value))) or not d.value.total:
        return d
    moved = [speaker.say(T.subst(c, {KEY: place})) for c in where]
    if T.FALSE in moved:
        return d
    when = _split(T.conj([*d.when, *moved]), speaker)
    return replace(d, target=place, value=T.subst(d.value, {KEY: place}), when=when, where=[], low=None, high=None)


def _outside_is_nothing(d: Draft, speaker: Speaker) -> list[Term]:
    """Without ``when q > 0`` for the target ``q - 1``: a position outside the text updates nothing."""
    assert d.target is not None
    if not d.target.total or d.target.kind != "int" or any(map(may_fail, (d.value, *d.when))) or not d.value.total:
        return d.when
    ends = T.compare(">=", d.target, T.ZERO), T.compare("<", d.target, T.N)
    inside = {*ends, *map(speaker.say, ends)}
    return [c for c in d.when if c not in inside and not _follows_from_place(c, d.target)]


def _follows_from_place(c: Term, place: Term) -> bool:
    """``q != 0`` where ``q - 1`` is in the text, and ``q < n`` where ``q + 2`` is."""
    if c.op != "cmp" or not c.total:
        return False
    atoms, constant = T.linear(T.sub(*c.args))
    own, step = T.linear(place)
    if own != {Q: 1}:
        return False
    if atoms == {Q: 1}:  # the least that q + constant can be
        least = constant - step
        return least >= (0 if c.data == ">=" else 1) and c.data in (">=", ">", "!=")
    if atoms == {Q: 1, T.N: -1}:  # the most that q - n + constant can be
        most = constant - step - 1
        return most <= (0 if c.data == "<=" else -1) and c.data in ("<=", "<", "!=")
    return False


# ---------------------------------------------------------------- rules with a long value


def _factors(d: Draft) -> list[Draft]:
    """``set a * (if P then b else 1)`` in two rules: set a, then scale by b where P. Products keep their order."""
    out: list[Draft] = []
    while d.op == "set" and d.value.size > _LONG and _is_product(d.value) and not depends_on_weights(d):
        rest, factor = d.value.args
        rule = replace(d, op="scale", value=factor)
        if factor.op == "ite" and T.is_const(factor.args[2]) and factor.args[2].data == 1:
            here = list(factor.args[0].args) if factor.args[0].op == "and" else [factor.args[0]]
            of_key = [c for c in here if "k" in c.free]
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


def depends_on_weights(d: Draft) -> bool:
    """The rule reads weights, which its first part would have changed."""
    parts = (d.value, *d.when, *d.where, *(x for x in (d.target, d.low, d.high) if x is not None))
    return any(t.marks & T.READS for t in parts)


# ---------------------------------------------------------------- rules that change nothing


def _lifts_nothing(d: Draft, drafts: list[Draft]) -> bool:
    """``raise each k to at least 0`` where no rule of the matrix can have made a weight negative."""
    whole = d.op == "raise" and d.target is None and d.low is None and d.high is None and not d.when and not d.where
    if not whole or not T.is_const(d.value) or d.value.data != 0:
        return False
    written = [x for x in drafts if x.matrix == d.matrix]
    return all(x.op in ("normalize", "mask", "fail") or _not_negative(x.value) for x in written)


def _not_negative(t: Term) -> bool:
    """True when the number cannot be below zero (it may be nan)."""
    parts = [_not_negative(a) for a in t.args] if t.op in ("bin", "func", "ite", "linear") else []
    match t.op:
        case "const":
            return t.kind == "bool" or (t.kind in ("int", "float") and t.data >= 0)
        case "n":
            return True
        case "var":
            return t in (Q, KEY)  # other variables may count through any range of numbers
        case "bin":
            return t.data in ("+", "*", "/", "ratio", "**", "//") and all(parts[:1] if t.data == "**" else parts)
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
            return t.data == "count" or (t.data in ("sum", "product") and _not_negative(t.args[5]))
    return False
