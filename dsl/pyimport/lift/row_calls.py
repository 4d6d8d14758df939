"""The functions that ``row_dicts`` puts into a program: a row of zeros, places in it, and the weights it holds."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import Scalar, Value

ROW = "row of no weights"
COUNT = "number of tokens"
INSIDE = "is a position"
PLACE = "place of the weight"
KEPT = "weight as kept"
WEIGHT = "weight in the row"
FOUND = "weight that has to be there"


def _row(m: Machine, node: ast.Call) -> Value:
    return E.counted(m, T.N, lambda k: Scalar(T.const(0.0), True))


def _count(m: Machine, node: ast.Call) -> Value:
    return Scalar(T.N)


def _inside(m: Machine, node: ast.Call) -> Value:
    """Whether a key is a position: the dict has no others."""
    return spread(m, lambda v: _is_position(m, v), evaluate(m, node.args[0]))


def _is_position(m: Machine, v: Value) -> Value:
    if not (isinstance(v, Scalar) and v.term.kind == "int"):
        raise m.stop("a key that may be no position", code="E0313")
    return Scalar(T.conj((T.compare(">=", v.term, T.ZERO), T.compare("<", v.term, T.N))))


def _place(m: Machine, node: ast.Call) -> Value:
    return spread(m, lambda v: _position(m, v), evaluate(m, node.args[0]))


def _position(m: Machine, v: Value) -> Value:
    inside = isinstance(v, Scalar) and v.term.kind == "int" and (
        m.holds(T.compare(">=", v.term, T.ZERO)) and m.holds(T.compare("<", v.term, T.N))
    )  # fmt: skip
    if not inside:
        raise m.stop("a key that may be no position", code="E0313")
    return v


def _name(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    return str(node.value)


def _kept(m: Machine, node: ast.Call) -> Value:
    """A weight as the dict takes it: whose numbers may be numpy's is remembered."""
    name = _name(node.args[0])

    def one(v: Value) -> Value:
        if not (isinstance(v, Scalar) and v.term.kind in ("int", "float", "num")):
            raise m.stop("a dict by position that holds something else than numbers", code="E0302")
        if v.numpy is not False:
            if m.plain.get(name):
                raise m.stop("numbers of Python and of numpy in one dict", code="E0314")
            m.plain[name] = False
        return v

    return spread(m, one, evaluate(m, node.args[1]))


def _weight(m: Machine, node: ast.Call) -> Value:
    """A weight that the dict holds: of numbers that are all Python's, one of Python's."""
    (value,) = (evaluate(m, node.args[1]),)
    assert isinstance(value, Scalar)
    return Scalar(value.term, False if m.plain.setdefault(_name(node.args[0]), True) else None)


def _found(m: Machine, node: ast.Call) -> Value:
    there = evaluate(m, node.args[0])
    assert isinstance(there, Scalar)
    m.require(T.compare(">", there.term, T.ZERO), node, "KeyError")
    return _weight(m, ast.Call(node.func, node.args[1:], []))


CALLS: dict[str, Callable[[Machine, ast.Call], Value]] = {
    ROW: _row,
    COUNT: _count,
    INSIDE: _inside,
    PLACE: _place,
    KEPT: _kept,
    WEIGHT: _weight,
    FOUND: _found,
}
