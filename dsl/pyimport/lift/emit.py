"""Events -> rules: loops over rows and columns become the q and k axes, other loops become aggregates."""

from __future__ import annotations

from dataclasses import dataclass, field

from attndsl.dsl.pyimport.lift import climbing
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT, Prover
from attndsl.dsl.pyimport.lift.machine import Event, Machine, NotLiftable
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder
from attndsl.dsl.source import Span

Q = T.mk("var", "q", (), "int")
KEY = T.mk("var", "k", (), "int")
_IN_TEXT = (
    T.compare(">=", T.N, T.ONE),
    T.compare(">=", Q, T.ZERO), T.compare("<", Q, T.N), T.compare(">=", KEY, T.ZERO), T.compare("<", KEY, T.N),
)  # fmt: skip


@dataclass(slots=True)
class Draft:
    """A rule in terms. ``target`` is a position, or None for ``each k`` with ``low``, ``high`` and ``where``."""

    op: str
    matrix: str
    value: Term
    target: Term | None
    when: list[Term]
    where: list[Term] = field(default_factory=list)
    low: Term | None = None
    high: Term | None = None
    span: Span = field(default_factory=lambda: Span(0, 0))
    loop: Term | None = None
    """Of a check: the variable of the loop that goes through the queries in their order, if there is one."""


class _Work:
    """One event on its way to a rule."""

    def __init__(self, event: Event, prover: Prover) -> None:
        self.event, self.prover = event, prover
        self.loops: list[Binder] = [x.binder for x in event.loops]
        self.path: list[Term] = [c for p in event.path for c in T.parts(p)]
        self.value, self.row, self.column = event.value, event.row, event.column

    def replace(self, var: Term, by: Term) -> None:
        mapping, name = {var: by}, var.data
        self.loops = [
            Binder(b.var, T.subst(b.low, mapping), T.subst(b.high, mapping), T.subst(b.domain, mapping), b.descending)
            for b in self.loops
            if b.var is not var
        ]
        changed: list[Term] = []
        for c in self.path:  # many, of which most do not speak of the variable
            changed.extend(T.parts(T.subst(c, mapping) if name in c.free else c))
        known = _said_by(by)
        self.path = [*self._word_of(by, changed), *(c for c in changed if c not in known)]
        self.value, self.row, self.column = (T.subst(t, mapping) for t in (self.value, self.row, self.column))

    def _word_of(self, by: Term, conditions: list[Term]) -> list[Term]:
        """The number of a word is one, where no condition asks the word for something that a word of the text alone
        has. They come before what reads the word."""
        if by.op != "wordat" or any(_asks(c, by) for c in conditions):
            return []
        return [T.compare(">=", by.args[0], T.ZERO), T.compare("<", by.args[0], WORD_COUNT)]

    def open_vars(self, t: Term) -> list[Binder]:
        return [b for b in self.loops if b.var.data in t.free]

    def solve(self, side: Term, axis: Term) -> None:
        """Make ``side == axis`` true by replacing one loop variable, or else by a condition."""
        for b in reversed(self.open_vars(side)):
            atoms, _ = T.linear(side)
            coefficient = atoms.get(b.var, 0)
            others = [a for a in atoms if a is not b.var and b.var.data in a.free]
            if coefficient in (1, -1) and not others:
                rest = T.sub(side, T.mul(T.const(coefficient), b.var))
                solution = T.sub(axis, rest) if coefficient == 1 else T.sub(rest, axis)
                self.replace(b.var, solution)
                return
        self.path.append(T.compare("==", axis, side))


def _asks(c: Term, word: Term) -> bool:
    """The condition does not hold where there is no such word: every comparison with none is false, but for ``!=``."""
    if c.op == "cmp":
        return c.data != "!=" and any(_is_none_without(a, word) for a in c.args)
    if c.op in ("member", "affix", "within"):
        return _is_none_without(c.args[0], word)
    return _is_none_without(c, word)


def _is_none_without(t: Term, word: Term) -> bool:
    if t.op in ("linear", "bin", "neg"):
        return any(_is_none_without(a, word) for a in t.args)
    return t is word or (t.op in ("feature", "method", "windex") and _is_none_without(t.args[0], word))


def _said_by(found: Term) -> set[Term]:
    """What holds of the first (last) position or word such that P, if there is one: P, and that it is in range."""
    if found.op != "agg" or found.data not in ("first", "last"):
        return set()
    domain, var, low, high, where, _ = found.args
    here = T.subst(where, {var: found})
    out = set(T.parts(here))
    if domain is T.NONE:
        out |= {T.compare(">=", found, low), T.compare("<", found, high)}
    elif domain is not T.ALL_WORDS:
        out.add(T.mk("within", None, (found, domain), "bool"))
    return out


def draft(m: Machine, event: Event) -> Draft | None:
    """The rule of an event, or None when it never applies. Raises NotLiftable."""
    w = _Work(event, m.prover)
    if event.op == "check":
        return _check(w)
    w.solve(w.row, Q)
    _fix_by_equations(w, keep=w.column)
    target = _column(w)
    _fix_by_equations(w, keep=None)
    return _finish(w, target)


def _fix_by_equations(w: _Work, keep: Term | None) -> None:
    """Loop variables that a condition equates with something known need no loop."""
    changed = True
    while changed:
        changed = False
        for c in w.path:
            found = _equation(w, c)
            if found is not None and not (keep is not None and found[0].data in keep.free):
                var, by, extra = found
                w.replace(var, by)
                w.path = [x for x in w.path if x is not T.TRUE]
                if extra is not T.TRUE:
                    w.path.insert(0, extra)
                changed = True
                break


def _equation(w: _Work, c: Term) -> tuple[Term, Term, Term] | None:
    """A loop variable, what the equation says it is, and that there is such a position or word."""
    if c.op != "cmp" or c.data != "==":
        return None
    names = {b.var.data for b in w.loops}
    for a, b in (c.args, c.args[::-1]):
        var = a.args[0] if a.op == "windex" else a
        other = T.wordat(b) if a.op == "windex" else b
        if var.op == "var" and var.data in names and not (names & b.free) and a.kind == b.kind:  # 0.5: no position
            return var, other, T.some(b) if not b.total else T.TRUE
    return None


def _column(w: _Work) -> Term | None:
    """The target position, or None for ``each k``."""
    if not w.open_vars(w.column):
        return w.column
    if w.column.op == "var":
        for c in w.path:
            found = _equation(w, c)
            if found is not None and found[0] is w.column:
                w.replace(w.column, found[1])
                if found[2] is not T.TRUE:
                    w.path.insert(0, found[2])
                return w.column
    w.solve(w.column, KEY)
    return None


def _finish(w: _Work, target: Term | None) -> Draft | None:
    e = w.event
    value, conditions = _aggregate(w)
    conditions = _simplified(w.prover, conditions)
    if T.FALSE in conditions:
        return None
    when = [c for c in conditions if "k" not in c.free]
    where = [c for c in conditions if "k" in c.free]
    out = Draft(e.op, e.matrix, value, target, when, where, span=e.span)
    if target is not None:
        assert not where, "no condition speaks of k before a loop variable becomes k"
        out.when = when if target.total else without_target(when, target)
        return out
    _equal_key(out)
    _bounds(out)
    return out


def without_target(when: list[Term], target: Term) -> list[Term]:
    """The conditions without the one that there is a target: one that is none updates nothing. What may fail where
    there is none is still asked after it."""
    some = T.some(target)
    return [c for at, c in enumerate(when) if c is not some or _guards(c, when[at + 1 :])]


def _stop(e: Event, reason: str) -> NotLiftable:
    found = NotLiftable(reason, None, "E0321")
    found.span = e.span
    return found


def _simplified(prover: Prover, conditions: list[Term]) -> list[Term]:
    """Drop what already follows from being inside the text and from the conditions before."""
    kept: list[Term] = []
    for c in dict.fromkeys(conditions):
        if c is T.TRUE or (c.total and prover.implies((*_IN_TEXT, *kept), c)):
            continue
        if c.total and prover.excludes((*_IN_TEXT, *kept), c):
            return [T.FALSE]
        kept.append(c)
    out: list[Term] = []
    before: tuple[Term, ...] = _IN_TEXT
    for i, c in enumerate(kept):
        if not _linear(c):
            out.append(c)
            continue
        later = [r for r in kept[i + 1 :] if _linear(r)]  # of those before it, it was asked above
        if not later or _guards(c, kept[i + 1 :]) or not prover.implies((*before, *later), c, len(before)):
            out.append(c)
            before = (*before, c)
    return out


def _linear(c: Term) -> bool:
    return c.op == "cmp" and all(a.kind == "int" for a in c.args) and c.total


def _guards(c: Term, later: list[Term]) -> bool:
    """A later condition may fail where this one does not hold."""
    return any(t.marks & T.MAY_FAIL for t in later)


def _aggregate(w: _Work) -> tuple[Term, list[Term]]:
    """Turn the loops that are left into aggregates of the value and quantifiers of the condition."""
    value, conditions, op = w.value, w.path, w.event.op
    unordered = {x.binder.var for x in w.event.loops if not x.ordered}
    for b in reversed(w.loops):
        bound = set(b.conditions())
        inner = [c for c in conditions if b.var.data in c.free and c not in bound]
        conditions = [c for c in conditions if b.var.data not in c.free]
        where = T.conj(inner)
        exists = T.agg("any", b.var, b.domain, b.low, b.high, where)
        depends = b.var.data in value.free
        if op in ("add", "scale"):
            value = _folded(op, b, where, value, depends)
            conditions = [*conditions, exists]
        elif op == "set" and depends:
            if b.var in unordered:
                raise _stop(w.event, "the last element of a set decides")
            kind = "first" if b.descending else "last"
            plain = T.agg(kind, b.var, b.domain, b.low, b.high, where)
            node = climbing.end("last", b, b.var, where) if b.climbs else plain
            value = T.subst(value, {b.var: node})
            conditions = [*conditions, exists]
        elif op in ("raise", "cap") and depends:
            kind = "maximum" if op == "raise" else "minimum"
            value = T.agg(kind, b.var, b.domain, b.low, b.high, where, value)
            conditions = [*conditions, exists]
        else:
            conditions = [*conditions, exists]
    return value, conditions


def _folded(op: str, b: Binder, where: Term, value: Term, depends: bool) -> Term:
    if op == "add" and not depends:
        count = T.agg("count", b.var, b.domain, b.low, b.high, where)
        return T.mul(value, count)
    if op == "scale" and not depends:
        count = T.agg("count", b.var, b.domain, b.low, b.high, where)
        return T.arith("**", value, count)
    return T.agg("sum" if op == "add" else "product", b.var, b.domain, b.low, b.high, where, value)


def _equal_key(out: Draft) -> None:
    """``each k where k == x`` is the position x."""
    for c in out.where:
        if c.op == "cmp" and c.data == "==" and KEY in c.args:
            other = c.args[1] if c.args[0] is KEY else c.args[0]
            if "k" not in other.free and other.kind == "int":
                mapping = {KEY: other}
                rest = [T.subst(x, mapping) for x in out.where if x is not c]
                inside = [] if not other.total else [T.compare(">=", other, T.ZERO), T.compare("<", other, T.N)]
                some = [T.some(other)] if not other.total and rest else []
                out.when = _simplified(Prover(), [*out.when, *inside, *some, *rest])
                out.value = T.subst(out.value, mapping)
                out.where, out.target = [], other
                return


def _bounds(out: Draft) -> None:
    """Take one lower and one upper bound of k out of the conditions."""
    if out.target is not None:
        return
    for c in list(out.where):
        if c.op != "cmp" or any(a.kind != "int" for a in c.args):
            continue
        found = _bound_of(c)
        if found is None:
            continue
        side, limit = found
        if side == "low" and out.low is None:
            out.low = limit
            out.where.remove(c)
        elif side == "high" and out.high is None:
            out.high = limit
            out.where.remove(c)


def _bound_of(c: Term) -> tuple[str, Term] | None:
    """k >= low or k < high, for any way of writing it."""
    a, b = c.args
    atoms, _ = T.linear(T.sub(a, b))
    k = atoms.get(KEY, 0)
    if k not in (1, -1) or any(x is not KEY and "k" in x.free for x in atoms) or not c.total:
        return None
    rest = T.sub(T.mul(T.const(k), KEY), T.sub(a, b))
    op = c.data
    if k == -1:
        rest = T.neg(rest)
        op = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(op, op)
    match op:
        case "<":
            return "high", rest
        case "<=":
            return "high", T.add(rest, T.ONE)
        case ">=":
            return "low", rest
        case ">":
            return "low", T.add(rest, T.ONE)
    return None


# ---------------------------------------------------------------- failures


def _check(w: _Work) -> Draft | None:
    """A place where Python fails: a rule whose value is none exactly there."""
    conditions = [*w.path, *T.parts(w.event.value)]
    w.path = conditions
    outer = w.loops[0] if w.loops and not w.loops[0].over_words else None
    if outer is not None:
        w.replace(outer.var, Q)
    else:
        w.path.insert(0, T.compare("==", Q, T.ZERO))
    _fix_by_equations(w, keep=None)
    w.value = T.ZERO
    _, conditions = _aggregate(w)
    conditions = _simplified(w.prover, conditions)
    if T.FALSE in conditions:
        return None
    loop = outer.var if outer is not None and w.event.loops[0].ordered and not outer.descending else None
    return Draft("fail", w.event.matrix, T.NONE, T.ZERO, conditions, span=w.event.span, loop=loop)
