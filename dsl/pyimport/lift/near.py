"""Numbers that CPython rounds in another way: sums and products that are put together in another order.

``w -= 0.1`` in a loop is ``1.0 - 0.1 * count``, which differs from what CPython subtracts step by step in the last bits
of the number. As a weight that is as good. What must not depend on it is anything that jumps: a comparison, ``int``,
``//``, the place of the largest. So such terms are marked where they are made (``rounding.near``), and at the end,
before the marks are taken away, the program is lifted only if no jump depends on one of them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from attndsl.dsl.pyimport.lift import closeness as C
from attndsl.dsl.pyimport.lift import filled
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.closeness import CLOSE, EXACT, LOOSE, Number
from attndsl.dsl.pyimport.lift.filled import is_empty, once
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Machine, NotLiftable
from attndsl.dsl.pyimport.lift.rounding import MOST_BITS
from attndsl.dsl.pyimport.lift.terms import Term

_FLOOR = 1e-9  # far above what rounding leaves of a number

# ---------------------------------------------------------------- what jumps


class _Judge:
    """Says of terms how close they are, and stops where something jumps. ``states``: what each matrix holds, from which
    event on."""

    def __init__(self, m: Machine) -> None:
        self.m = m
        self.done: dict[Term, Number] = {}
        self.now: Event | None = None
        self.of_path = False
        self.states: dict[str, list[tuple[int, Number]]] = {}

    def of(self, t: Term) -> Number:
        found = self.done.get(t)
        if found is None:
            found = self.done[t] = self._of(t)
        return found

    def _of(self, t: Term) -> Number:
        args = [self.of(a) for a in t.args]
        if _jumps(t) and any(a.rounded for a in args) and not self._is_safe(t, args):
            raise NotLiftable("a choice depends on how sums of fractions are rounded", None, "E0317")
        if t.op in ("read", "stat"):
            return self._of_matrix(t)
        found = _value(t, args)
        return found if found.bits is None or found.bits <= MOST_BITS else replace(found, bits=None)

    def _is_safe(self, t: Term, args: list[Number]) -> bool:
        """It does not jump for these numbers."""
        if t.op == "cmp":
            a, b = _sides(t)
            return a is b or C.compares_well(self.of(a), self.of(b)) or (self.of(b).is_zero and self._is_filled(a))
        if t.op == "func" and t.data in ("floor", "ceil", "trunc", "round") and len(args) == 1:
            return C.apart(args[0], C.HALVES if t.data == "round" else C.WHOLE)
        if t.data not in ("/", "ratio", "log"):
            return False
        by, divisor = args[-1], t.args[-1]
        return by.rounded < LOOSE or C.is_away_from_zero(by) or self._has_floor(divisor) or self._is_filled(divisor)

    def _has_floor(self, t: Term) -> bool:
        """``max(total, 1e-9)`` and ``total + 1e-9``, by which what is near zero is divided to what is near zero."""
        floors = [a for a in t.args if T.is_const(a) and a.data >= _FLOOR]
        if not floors or len(t.args) != 2:
            return False
        if t.op == "bin" and t.data == "+":
            return all(self.of(a).not_negative for a in t.args)
        return t.op == "func" and t.data == "max"

    def _of_matrix(self, t: Term) -> Number:
        held = self.state(t.data[0], t.data[-1])
        if t.op == "read":
            return held
        name = t.data[1]
        if name == "count":
            if held.rounded == LOOSE:
                raise NotLiftable("how many weights are not zero depends on how fractions are rounded", None, "E0317")
            return replace(C.WHOLE, not_negative=True)
        return C.repeated(held) if name == "sum" else held

    def _is_filled(self, total: Term) -> bool:
        """The sum or the maximum of a row in which a weight is surely far from zero."""
        if total.op != "stat" or total.data[1] not in ("sum", "max") or not self.of(total).not_negative:
            return False
        self.of_path = True
        assert self.now is not None
        matrix, _, time = total.data
        return filled.row(self.m, self.of, self.m.events[:time], matrix, total.args[0], self.now.path)

    def state(self, matrix: str, time: int) -> Number:
        """What the cells of a matrix are after so many events."""
        states = self.states.get(matrix, [])
        at = bisect_left(states, time, key=lambda s: s[0])
        return states[at - 1][1] if at else C.ZERO

    def event(self, at: int, e: Event) -> None:
        """Event number ``at`` happens."""
        self.now = e
        if self.of_path:  # what was safe there may not be so here
            self.done, self.of_path = {}, False
        smooth = [c for c in e.path if _is_smooth(c, e)]
        for t in (*(x for c in smooth for x in c.args), *(t for t in e.terms() if t not in smooth)):
            self.of(t)
        value, before = self.of(e.value), self.state(e.matrix, at)
        if e.op in ("check", "nothing", "mask"):
            return
        again = _adds_up(self.m, e)
        match e.op:
            case "add":
                after = C.total(before, C.repeated(value) if again else value)
            case "scale":
                after = C.power(before, value) if again else C.product(before, value)
            case "normalize":
                after = replace(before, bits=None, values=None)
            case _:
                after = value
        if again:
            after = _marked(after)
        self.states.setdefault(e.matrix, []).append((at, C.either(before, after)))


def _jumps(t: Term) -> bool:
    """A small change of what it is made of may be a large one of it."""
    match t.op:
        case "cmp" | "member" | "index" | "slice" | "method" | "feature" | "wordat" | "host":
            return True
        case "bin":
            return t.data in ("//", "%", "/")
        case "func":
            return t.data in ("floor", "ceil", "round", "trunc", "ratio", "log")
        case "agg":
            return t.data in ("argmax", "argmin", "nth")
    return False


def _is_smooth(c: Term, e: Event) -> bool:
    """``if x > 0`` before ``A[i, j] += x``, ``if A[i, j] < 0`` before ``A[i, j] = 0``: a number near zero, on either
    side, comes out near zero."""
    if c.op != "cmp" or not T.is_const(c.args[1]) or c.args[1].data != 0 or c.data not in ("<", "<=", ">", ">="):
        return False
    x = c.args[0]
    if e.op == "add":
        return x is e.value
    here = x.op == "read" and x.data[0] == e.matrix and x.args == (e.row, e.column)
    return e.op == "set" and T.is_const(e.value) and e.value.data == 0 and here


def _sides(t: Term) -> tuple[Term, Term]:
    """What a comparison compares: ``x - min(x, y)`` with 0 is x with y."""
    a, b = t.args
    if T.is_const(b) and b.data == 0 and a.op == "bin" and a.data == "-":
        x, taken = a.args
        if taken.op == "func" and taken.data == "min" and len(taken.args) == 2 and x in taken.args:
            return x, taken.args[1] if taken.args[0] is x else taken.args[0]
    return a, b


# ---------------------------------------------------------------- numbers


def _marked(a: Number) -> Number:
    """The number, put together in another order than CPython's."""
    values = None if a.values is None else tuple((start, step, False) for start, step, _ in a.values)
    return replace(a, grade=max(a.grade, CLOSE) if a.signed else LOOSE, values=values)


def _value(t: Term, args: list[Number]) -> Number:
    match t.op:
        case "const" if t.kind in ("int", "float"):
            return C.constant(t.data)
        case "ite":
            return C.either(args[1], args[2])
        case "near":
            return _marked(args[0])
        case "neg":
            return C.negated(args[0])
        case "bin" if t.kind != "str":
            return _operation(t, args)
        case "func":
            return _function(t, args)
        case "agg" if t.data in ("sum", "count") and t.args[2].kind == "int" and is_empty(t):
            return C.ZERO
        case "agg" if t.data == "sum":
            return C.repeated(args[5])
        case "agg" if t.data in ("maximum", "minimum"):
            return args[5]
        case "agg" if t.data == "product":
            return replace(args[5], bits=0 if args[5].bits == 0 else None, values=None)
    if t.kind == "int" or t.kind == "bool":
        counts = t.op in ("n", "var", "windex", "agg")
        plain = t.op == "linear" and all(c >= 0 for c in t.data) and all(a.not_negative for a in args)
        return replace(C.WHOLE, not_negative=counts or plain)
    return Number(max((a.grade for a in args), default=EXACT))


def _operation(t: Term, args: list[Number]) -> Number:
    a, b = args
    match t.data:
        case "+":
            return C.total(a, b)
        case "-":
            return C.total(a, C.negated(b))
        case "*":
            return C.product(a, b)
        case "/":
            return C.quotient(a, b, t.args[1].data if T.is_const(t.args[1]) else None)
        case "**":
            known = a.grade < LOOSE and b.grade == EXACT
            bits = 0 if a.bits == 0 and t.kind == "int" else None
            return Number(max(a.grade, b.grade) if known else LOOSE, a.not_negative, False, bits)
    return C.WHOLE if t.kind == "int" else Number(max(a.grade, b.grade))


def _function(t: Term, args: list[Number]) -> Number:
    grade = max((a.grade for a in args), default=EXACT)
    match t.data:
        case "max" | "min":
            return C.extreme(t.data == "max", args)
        case "abs":
            return replace(C.either(args[0], C.negated(args[0])), not_negative=True, not_positive=args[0].is_zero)
        case "ratio":
            return C.quotient(args[0], args[1], t.args[1].data if T.is_const(t.args[1]) else None)
        case "exp":
            return Number(min(grade, CLOSE), True)
        case "sqrt" | "tanh":
            return Number(grade, args[0].not_negative, args[0].not_positive)
        case "floor" | "ceil" | "round" | "trunc" | "len":
            return replace(C.WHOLE, not_negative=t.data == "len" or args[0].not_negative)
        case "log" | "sin" | "cos":
            return Number(LOOSE if grade else EXACT)
    return C.WHOLE if t.kind == "int" else Number(grade)


# ---------------------------------------------------------------- the program


def _adds_up(m: Machine, e: Event) -> bool:
    """It changes a cell again and again, which the rule does once, or other statements of the loop do so in between."""
    if e.op not in ("add", "scale"):
        return False
    others = [x for x in m.events if x is not e and x.op == e.op and x.matrix == e.matrix]
    return not once(e) or any(_crosses(e, x) for x in others)


def _crosses(a: Event, b: Event) -> bool:
    """Different iterations of a loop around both may change the same cell, which rules change in another order."""
    if a.row is b.row and a.column is b.column:
        return False
    shared = {x.binder.var for x in a.loops} & {x.binder.var for x in b.loops}
    return any(not any(p is q and _moves_with(p, v) for p, q in _places(a, b)) for v in shared)


def _places(a: Event, b: Event) -> tuple[tuple[Term, Term], ...]:
    return (a.row, b.row), (a.column, b.column)


def _moves_with(place: Term, v: Term) -> bool:
    return place.free == {v.data} and v in T.linear(place)[0]


class _Bare:
    """Terms without marks."""

    def __init__(self) -> None:
        self.done: dict[Term, Term] = {}

    def of(self, t: Term) -> Term:
        if not t.marks & T.NEAR:
            return t
        found = self.done.get(t)
        if found is None:
            args = self.all(t.args)
            found = self.done[t] = args[0] if t.op == "near" else T.rebuild(t, args)
        return found

    def all(self, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple([self.of(t) for t in terms])

    def loops(self, loops: tuple[Loop, ...]) -> tuple[Loop, ...]:
        return tuple([self._loop(x) for x in loops])

    def _loop(self, x: Loop) -> Loop:
        b = x.binder
        if not any(t.marks & T.NEAR for t in (b.low, b.high, *b.keys)):
            return x
        return Loop(replace(b, low=self.of(b.low), high=self.of(b.high), keys=self.all(b.keys)), x.ordered)


def settle(m: Machine, single: Term | None) -> Term | None:
    """Raises NotLiftable where something jumps with a number that is not CPython's; the marks are taken away.

    ``single`` is the weight of a text of one token, if the program returns one; it is given back without marks.
    """
    every = [t for e in m.events for t in e.terms()] + ([] if single is None else [single])
    if not any(t.marks & T.NEAR for t in every) and not any(_adds_up(m, e) for e in m.events):
        return single
    judge = _Judge(m)
    for at, e in enumerate(m.events):
        try:
            judge.event(at, e)
        except NotLiftable as stop:
            stop.span, m.rounded = e.span, True
            raise
    if single is not None:
        judge.of(single)
    bare = _Bare()
    for e in m.events:
        e.path, e.loops = bare.all(e.path), bare.loops(e.loops)
        e.row, e.column, e.value = bare.all((e.row, e.column, e.value))
    for r in m.readings:
        r.path, r.loops, r.row = bare.all(r.path), bare.loops(r.loops), bare.of(r.row)
        r.column = r.column and bare.of(r.column)
    m.hints = {bare.of(t): name for t, name in m.hints.items()}
    m.required = {bare.of(t) for t in m.required}
    m.ordinary = [(bare.of(t), bare.loops(loops)) for t, loops in m.ordinary]
    return None if single is None else bare.of(single)
