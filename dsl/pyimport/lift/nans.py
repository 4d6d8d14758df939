"""Numbers that are none, or infinite: ``0 / 0`` in numpy.

Python's ``max(0.3, nan)`` is 0.3, numpy's greatest of a row with nan in it is nan, and its place is that of the nan;
the language has one answer to each. ``int(nan)`` raises, and ``nan * 0`` is no 0. So the lift stops where a program
asks such things of what may be nan: quotients that may be by zero, and matrices that one was written to before. That
sums of powers of e become 0, each too small for a number, is left out of account.
"""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import cases
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Machine, NotLiftable
from attndsl.dsl.pyimport.lift.operators import positive
from attndsl.dsl.pyimport.lift.terms import Term

_CHOSEN = ("maximum", "minimum", "argmax", "argmin")
_CUT = ("trunc", "round", "floor", "ceil")
_KEEPING = ("max", "min", "exp", "abs", "floor", "ceil", "tanh", None)  # no nan of infinite numbers
_ORDERS = ("<", "<=", ">", ">=")
_NUMBERS = ("float", "num", "mixed")


def check(m: Machine) -> None:
    """Raises NotLiftable where nan, or an infinite number, would be taken for another one."""
    if not any(t.marks & T.ODD for e in m.events for t in e.terms()):
        return
    found = _Odd(m)
    for at, event in enumerate(m.events):
        inside = [*T.walk_all(event.terms())]
        cut = [x for t in inside if t.op == "func" and t.data in _CUT and t.kind == "int" for x in t.args]
        needed = [x for t in inside for x in _needed(t)]
        if event.op == "check":  # whatever is asked of nan is false, here and in Python, but not the opposite
            needed += [x for t in T.walk(event.value) if t.op == "cmp" and t.data in _ORDERS for x in t.args]
        if event.op in ("raise", "cap"):
            needed.append(event.value)
        if any(found.odd(x, at, event.loops, every) for every, xs in ((True, cut), (False, needed)) for x in xs):
            raise _stop(event)
    if any(found.odd(t, len(m.events), loops, True) for t, loops in m.ordinary):
        raise m.stop("a number that may be nan is compared", code="E0314")
    if any(found.beyond(matrix, time) for matrix, time in m.masked):
        raise m.stop("a number that may be nan is multiplied with 0", code="E0314")


def _stop(event: Event) -> NotLiftable:
    found = NotLiftable("a number that may be nan is compared, or made a whole number", None, "E0314")
    found.span = event.span
    return found


def _needed(t: Term) -> tuple[Term, ...]:
    """What must not be nan for the term to be what Python makes of it."""
    if t.op == "func" and t.data in ("max", "min") and t.kind != "int":
        rest = t.args[1:]
        return rest if all(map(T.is_const, rest)) else t.args
    if t.op == "agg" and t.data in _CHOSEN:
        return t.args[5:]
    return ()


class _Odd:
    """Which numbers may be nan (or infinite), and which matrices may hold such."""

    def __init__(self, m: Machine) -> None:
        self.m = m
        self.assumed: tuple[Term, ...] = ()
        written = {e.matrix for e in m.events if e.op != "check"}
        m.nonnegative = written
        while m.nonnegative != (written := {x for x in written if self._stays_positive(x)}):
            m.nonnegative = written
        self.events: dict[bool, set[int]] = {True: set(), False: set()}  # that write infinite numbers or nan; nan
        for infinite, found in self.events.items():
            size = -1
            while size != len(found):
                size = len(found)
                found |= {at for at, e in enumerate(m.events) if e.op != "check" and self._is_odd(e, at, infinite)}

    def _is_odd(self, e: Event, at: int, infinite: bool) -> bool:
        return self.odd(e.value, at, e.loops, infinite)

    def _stays_positive(self, matrix: str) -> bool:
        return all(
            self._positive(e.value, at, False)
            for at, e in enumerate(self.m.events)
            if e.matrix == matrix and e.op not in ("check", "raise", "mask", "normalize")
        )

    def _positive(self, t: Term, at: int, strict: bool) -> bool:
        held = self.m.state.path
        self.m.state.path = self._path(at)
        found = positive(self.m, t, strict) or any(_says_positive(c, t) for c in self.m.state.path)
        self.m.state.path = held
        return found

    def _path(self, at: int) -> tuple[Term, ...]:
        """What holds at the event."""
        if at == len(self.m.events):
            return self.assumed
        e = self.m.events[at]
        return (*e.path, *(c for loop in e.loops for c in loop.binder.conditions() if c not in e.path), *self.assumed)

    def _where(self, conditions: tuple[Term, ...], t: Term, at: int, loops: tuple[Loop, ...], infinite: bool) -> bool:
        """The same of a number that is computed under conditions."""
        held = self.assumed
        self.assumed = (*held, *(p for c in conditions for p in T.parts(c)))
        found = self.odd(t, at, loops, infinite)
        self.assumed = held
        return found

    def _full(self, t: Term, at: int) -> bool:
        """The sum of a row in which something more than 0 was set, which is still there."""
        assert self.m.nonnegative is not None
        if t.op != "stat" or t.data[1] != "sum" or t.data[0] not in self.m.nonnegative or at == len(self.m.events):
            return False
        matrix, _, time = t.data
        weak: list[int] = []
        for k in range(min(time, at) - 1, -1, -1):
            e = self.m.events[k]
            if e.matrix != matrix or e.op in ("check", "raise"):
                continue
            if e.op not in ("set", "add", "scale"):
                return False
            if self._positive(e.value, k, True):
                if e.op != "scale" and self._happens(e, t.args[0], at):
                    return all(self._spares(w, e) for w in weak)
            elif e.op != "add":
                weak.append(k)
        return False

    def _spares(self, at: int, e: Event) -> bool:
        """The later event changes other cells."""
        later = self.m.events[at]
        column = T.subst(e.column, {e.row: later.row}) if e.row.op == "var" else e.column
        return cases.implies(self.m.prover, self._path(at), T.compare("!=", later.column, column))

    def _happens(self, e: Event, row: Term, at: int) -> bool:
        """The event changed this row whenever the later one happens."""
        around, put = [x.binder for x in self.m.events[at].loops], {}
        inner = [x.binder for x in e.loops]
        if inner and e.row is inner[0].var and e.row is not row:  # a loop over all rows, which has ended
            if inner[0].low is not T.ZERO or inner[0].high is not T.N:
                return False
            put = {inner.pop(0).var: row}
        if T.subst(e.row, put) is not row:
            return False
        inner = [b for b in inner if b not in around]
        inside = {c for b in inner for c in b.conditions()}
        some = [T.compare("<", b.low, b.high) if not b.over_words else T.FALSE for b in inner]
        needed = [c for c in (*e.path, *some) if c not in inside]
        return all(cases.implies(self.m.prover, self._path(at), T.subst(c, put)) for c in needed)

    def odd(self, t: Term, at: int, loops: tuple[Loop, ...], infinite: bool) -> bool:
        """The number, read while so many events had happened, may be nan (or ``infinite``)."""
        T.spend(1)
        if t.kind not in _NUMBERS:
            return False
        match t.op:
            case "const":
                return infinite and bool(t.marks & T.ODD)
            case "read" | "stat":
                return self._holds_odd(t, loops, infinite)
            case "func" if t.data == "ratio":
                if not self._positive(t.args[1], at, True) and not self._full(t.args[1], at):
                    return True
            case "func" if t.data in ("log", "sqrt"):
                if not self._positive(t.args[0], at, t.data == "log"):
                    return True
            case "func" | "neg" if t.data in _KEEPING:
                return any(self.odd(x, at, loops, infinite) for x in t.args)
            case "ite":
                sides = [(c, x) for c, x in ((t.args[0], t.args[1]), (T.not_(t.args[0]), t.args[2]))]
                return any(self._where((c,), x, at, loops, infinite) for c, x in sides if not _is_nan(T.not_(c)))
            case "agg":
                domain, var, low, high, where, value = T.opened(t)
                bounds = () if domain is not T.NONE else (T.compare(">=", var, low), T.compare("<", var, high))
                if t.data in _CHOSEN and value.op == "ite":  # some are -inf, to be left out, but not all
                    infinite = False
                return self._where((*bounds, where), value, at, loops, infinite or t.data not in _CHOSEN)
            case "bin" if t.data in ("+", "-", "*", "/") and not infinite:
                return any(self.odd(x, at, loops, False) for x in t.args) or self._undefined(t, at, loops)
        return any(self.odd(x, at, loops, True) for x in t.args)

    def _undefined(self, t: Term, at: int, loops: tuple[Loop, ...]) -> bool:
        """Of infinite numbers there is no difference, no quotient, and no product with 0."""
        a, b = (self.odd(x, at, loops, True) for x in t.args)
        if t.data != "*":
            return a and b
        return any(odd and not self._positive(x, at, True) for odd, x in ((a, t.args[1]), (b, t.args[0])))

    def _holds_odd(self, t: Term, loops: tuple[Loop, ...], infinite: bool) -> bool:
        """Something odd was written to the matrix before, or in an earlier iteration of a loop around."""
        matrix, time, row = t.data[0], t.data[-1], t.args[0]
        outer = loops[0].binder.var if loops and loops[0].binder.var not in self.m.whole else None

        def earlier(e: Event) -> bool:
            same = bool(e.loops) and e.loops[0].binder.var is outer
            return same and not (e.row is row is outer)  # each iteration has a row of its own

        return any(
            self.m.events[k].matrix == matrix
            and (k < time or earlier(self.m.events[k]))
            and not self._cleared(k, matrix, time)
            for k in self.events[infinite]
        )

    def beyond(self, matrix: str, time: int) -> bool:
        """Something odd may stand above the diagonal."""
        return any(
            e.matrix == matrix
            and not self._cleared(k, matrix, time)
            and not self.m.prover.implies(self._path(k), T.compare("<=", e.column, e.row))
            for k, e in enumerate(self.m.events[:time])
            if k in self.events[True]
        )

    def _cleared(self, k: int, matrix: str, time: int) -> bool:
        """``A[np.isnan(A)] = 0`` came later."""
        return any(
            e.op == "set" and e.matrix == matrix and any(_is_nan(c) for c in e.path) and at not in self.events[True]
            for at, e in enumerate(self.m.events[:time])
            if at > k
        )


def _says_positive(c: Term, t: Term) -> bool:
    """``t > 1``."""
    return c.op == "cmp" and c.data in (">", ">=") and c.args[0] is t and T.is_const(c.args[1]) and c.args[1].data > 0


def _is_nan(c: Term) -> bool:
    """``x != x``."""
    return c.op == "cmp" and c.data == "!=" and c.args[0] is c.args[1]
