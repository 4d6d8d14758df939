"""Lists of lists, one for each token with one number for each token, as numpy makes matrices of them."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Part, RowRef, Scalar, Seq, Sheet, Value, Vector


def sheet(m: Machine, seq: Seq) -> Sheet | None:
    """The matrix of a list of rows; None when it is no list of lists."""
    outer = _of_all(seq)
    if outer is None:
        return None
    (a,) = outer.binders
    if isinstance(outer.element, Vector):
        row = outer.element
        if row.part or not m.holds(T.compare("==", row.length, T.N)):
            return None
        k = T.fresh("int")
        cell = row.at(k).term
        return Sheet(lambda r, c: Scalar(T.subst(cell, {a.var: r, k: c}), True), own=True)
    if isinstance(outer.element, RowRef):
        return _of_rows(m, outer.element, a)
    inner_seq = sequence(m, outer.element)
    inner = _of_all(inner_seq) if inner_seq is not None else None
    if inner is None or not isinstance(inner.element, Scalar) or inner.element.term.kind == "str":
        return None
    (b,) = inner.binders
    term = inner.element.term
    return Sheet(lambda r, c: Scalar(T.subst(term, {a.var: r, b.var: c}), True), own=True)


def _of_rows(m: Machine, row: RowRef, each: Binder) -> Sheet | None:
    """Vectors with a place of their own, as they are now."""
    if m.loops or row.start is not T.ZERO or not m.holds(T.compare("==", row.length, T.N)):
        return None
    now = len(m.events)

    def cell(r: Term, c: Term) -> Scalar:
        return Scalar(T.read(row.matrix, T.subst(row.row, {each.var: r}), c, now), True)

    return Sheet(cell, own=True)


def stacked(m: Machine, node: ast.Call) -> Value:
    """``np.vstack(rows)`` and ``np.stack(rows)``, where ``np.array(rows)`` is the same matrix."""
    axes = [k.value for k in node.keywords]
    first = all(isinstance(a, ast.Constant) and a.value == 0 and a.value is not False for a in axes)
    seq = sequence(m, evaluate(m, node.args[0]))
    found = sheet(m, seq) if seq is not None and first else None
    if found is None:
        raise m.stop("the rows of a matrix that are not as many as the text's tokens", node, "E0315")
    return found


def _of_all(seq: Seq) -> Part | None:
    """The one part of a list with an element for each token, in their order."""
    if len(seq.parts) != 1 or seq.is_set:
        return None
    p = instantiate(seq.parts[0])
    if len(p.binders) != 1 or p.condition is not T.TRUE:
        return None
    b: Binder = p.binders[0]
    plain = not (b.over_words or b.descending or b.mixed)
    return p if plain and b.low is T.ZERO and b.high is T.N else None
