"""``range``: positions of the text, numbers of words, or a few numbers that are written out."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import cases
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.linear import WORD_COUNT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, Scalar, Seq, Value

MAX_UNROLLED = 64


def integers(m: Machine, nodes: list[ast.expr]) -> list[Term]:
    """Arguments that must be whole numbers."""
    out: list[Term] = []
    for node in nodes:
        value = spread(m, lambda v: v, evaluate(m, node))
        if not (isinstance(value, Scalar) and value.term.kind == "int"):
            raise m.stop("a whole number is needed here", node, "E0302")
        out.append(value.term)
    return out


def range_of(m: Machine, node: ast.Call) -> Value:
    args = integers(m, list(node.args))
    low, high = (T.ZERO, args[0]) if len(args) == 1 else (args[0], args[1])
    step = args[2] if len(args) == 3 else T.ONE
    if step is T.const(-1):
        binder = Binder(T.fresh("int"), T.add(high, T.ONE), T.add(low, T.ONE), T.NONE, True)
    elif step is T.ONE:
        binder = Binder(T.fresh("int"), low, high)
    else:
        return _stepped(m, low, high, step, node)
    return range_value(m, binder)


def _range(*parts: Part) -> Seq:
    return Seq(parts, sort="range")


def range_value(m: Machine, b: Binder) -> Seq:
    """A range as a sequence: written out when its length is a small constant, else over token positions."""
    if b.low is T.ZERO and b.high is WORD_COUNT:
        w = T.fresh("word")
        every = Binder(w, T.NONE, T.NONE, T.ALL_WORDS, b.descending)
        return _range(Part((every,), T.TRUE, Scalar(T.windex(w))))
    width = T.sub(b.high, b.low)
    inside = _within_text(m, b)
    if T.is_const(width) and (T.is_const(b.low) or not inside):
        if width.data > MAX_UNROLLED:
            raise m.stop("a long range of constants", code="E0316")
        steps = [T.add(b.low, T.const(d)) for d in range(max(width.data, 0))]
        if b.descending:
            steps.reverse()
        return _range(*[Part((), T.TRUE, Scalar(t)) for t in steps])
    if inside:
        return _range(Part((b,), T.TRUE, Scalar(b.var)))
    if _within_words(m, b):
        w = T.fresh("word")
        here = T.conj((T.compare(">=", T.windex(w), b.low), T.compare("<", T.windex(w), b.high)))
        words = Binder(w, T.NONE, T.NONE, T.ALL_WORDS, b.descending)
        return _range(Part((words,), here, Scalar(T.windex(w))))
    return _shifted(m, b)


def _within_words(m: Machine, b: Binder) -> bool:
    """All of the range are numbers of words, unless it is empty."""
    path = (*m.state.path, T.compare("<", b.low, b.high))
    inside = T.compare(">=", b.low, T.ZERO), T.compare("<=", b.high, WORD_COUNT)
    return all(cases.implies(m.prover, path, c) for c in inside)


def _within_text(m: Machine, b: Binder) -> bool:
    """All of the range lies in [0, n), unless it is empty."""
    path = (*m.state.path, T.compare("<", b.low, b.high))
    if not cases.implies(m.prover, path, T.compare(">=", b.low, T.ZERO)):
        return False
    if cases.implies(m.prover, path, T.compare("<=", b.high, T.N)):
        return True
    return m.prover.implies(path, T.compare("<=", _at_most(m, b.high), T.N))


def _at_most(m: Machine, t: Term) -> Term:
    """A bound of the number: what is counted of some positions is no more than there are, as of full stops so far."""
    atoms, total = T.linear(t)
    found: dict[Term, int] = {}
    for a, k in atoms.items():
        counted = k > 0 and a.op == "agg" and a.data == "count"  # of words nothing is known of the limits
        if counted and m.holds(T.compare("<=", a.args[2], a.args[3])):
            span, rest = T.linear(T.mul(T.const(k), T.sub(a.args[3], a.args[2])))
            total += rest
        else:
            span = {a: k}
        for x, c in span.items():
            found[x] = found.get(x, 0) + c
    return T.from_linear({x: c for x, c in found.items() if c}, total) if found != atoms else t


def _shifted(m: Machine, b: Binder) -> Seq:
    """A range that leaves the text at one end but is no longer than it: counted from there."""
    path = (*m.state.path, T.compare("<", b.low, b.high))
    width = T.sub(b.high, b.low)
    more = next((k for k in range(_MORE + 1) if _is_no_longer(m, path, width, k)), None)
    if more is None or (more and b.descending):
        raise m.stop("a range that is longer than the text", code="E0316")
    var = T.fresh("int")
    most = T.func("min", (width, T.N), "int") if more else width
    every = Part((Binder(var, T.ZERO, most, T.NONE, b.descending),), T.TRUE, Scalar(T.add(b.low, var)))
    places = [T.add(T.N, T.const(k)) for k in range(more)]
    return _range(every, *(Part((), T.compare(">", width, k), Scalar(T.add(b.low, k))) for k in places))


_MORE = 2  # numbers after those that a text has places for: as many as lists of boundaries have beside those inside


def _is_no_longer(m: Machine, path: tuple[Term, ...], width: Term, more: int) -> bool:
    most = T.add(T.N, T.const(more))
    if cases.implies(m.prover, path, T.compare("<=", width, most)):
        return True
    return m.prover.implies(path, T.compare("<=", _at_most(m, width), most))


def _stepped(m: Machine, low: Term, high: Term, step: Term, node: ast.AST) -> Value:
    """``range(low, high, step)`` as the positions on its grid; the sign of the step must be known."""
    down = m.holds(T.compare("<", step, T.ZERO))
    if not down and not m.holds(T.compare(">", step, T.ZERO)):
        raise m.stop("a range with this step", node, "E0316")
    start, width = low, step
    if down:
        low, high, width = T.add(high, T.ONE), T.add(low, T.ONE), T.neg(step)
    b = Binder(T.fresh("int"), low, high, T.NONE, down)
    if not _within_text(m, b):
        raise m.stop("a range with a step that leaves the text", node, "E0316")
    covered = T.sub(start, b.var) if down else T.sub(b.var, start)
    on_grid = T.compare("==", T.arith("%", covered, width), T.ZERO)
    return _range(Part((b,), on_grid, Scalar(b.var)))
