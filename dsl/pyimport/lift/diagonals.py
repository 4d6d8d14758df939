"""Matrices that are a diagonal, and changes of one: ``np.eye(n, k=-1)``, ``np.fill_diagonal(A[1:], x)``."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import arrays, matrices, sheets
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.making import ELEMENTS, argument, is_double
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Grid,
    NoneValue,
    Opaque,
    RowRef,
    Scalar,
    Sheet,
    Value,
    Vector,
    known,
)


def eye(m: Machine, node: ast.Call) -> Value:
    """``np.eye(n)``, ``np.eye(n, k=-1)``, ``np.eye(n, n, -1)``, ``np.identity(n)``."""
    options = {k.arg: k.value for k in node.keywords}
    kind = _element_type(m, options.pop("dtype", None), node)
    places = dict(zip(("n", "M", "k"), node.args, strict=False))
    if places.keys() & options.keys():
        raise m.stop("np.eye with these arguments", node, "E0315")
    given = {name: evaluate(m, x) for name, x in (places | options).items()}
    size, shift = given.pop("n", None), given.pop("k", known(0))
    if isinstance(size, Scalar) and size.term is T.ONE and len(node.args) == 1 and not node.keywords:
        return Opaque("literal", ((T.const(1.0),),))
    whole = all(isinstance(s, Scalar) and m.holds(T.compare("==", s.term, T.N)) for s in (size, *given.values()))
    if not whole or not isinstance(shift, Scalar) or shift.term.kind != "int":
        raise m.stop("np.eye with these arguments", node, "E0315")
    by = shift.term
    if kind == "float":
        return matrices.made(m, "eye", lambda r, c: (T.compare("==", c, T.add(r, by)), T.const(1.0)))

    def cell(r: Term, c: Term) -> Scalar:
        on = T.compare("==", c, T.add(r, by))
        return Scalar(on if kind == "bool" else T.ite(on, T.ONE, T.ZERO), True)

    return Sheet(cell, own=True)


def _element_type(m: Machine, dtype: ast.expr | None, node: ast.Call) -> str:
    if dtype is None or is_double(ast.Call(node.func, [], [ast.keyword("dtype", dtype)])):
        return "float"
    kind = ELEMENTS.get(ast.unparse(dtype))
    if kind is None:
        raise m.stop("an array of this type", node, "E0315")
    return kind


def fill(m: Machine, node: ast.Call) -> Value:
    """``np.fill_diagonal(A, x)`` changes the matrix in its place; of ``A[1:]`` and ``A[:, 2:]`` another diagonal."""
    target, filled = node.args
    block = target if isinstance(target, ast.Subscript) and _is_block(target.slice) else None
    grid = argument(m, target if block is None else block.value)
    value = argument(m, filled) if isinstance(grid, Grid) else None
    whole = (T.ZERO, T.N)
    if not isinstance(grid, Grid) or not isinstance(value, Scalar if block is not None else Scalar | Vector | RowRef):
        raise m.stop("np.fill_diagonal with these arguments", node, "E0315")
    line, matrix = sheets.of(m, value), arrays.current(m, grid)
    rows, columns = (whole, whole) if block is None else _bounds(m, block.slice)
    k = T.fresh("int")
    binder = Binder(k, T.ZERO, T.sub(rows[1], rows[0]))
    held = m.state.path
    m.loops.append(Loop(binder))
    inside = T.compare("<", k, T.sub(columns[1], columns[0]))
    m.state.path = m.state.along(*binder.conditions(), inside)
    m.write("set", matrix, T.add(rows[0], k), T.add(columns[0], k), T.as_number(line.at(T.ZERO, k).term), node)
    m.state.path = held
    m.loops.pop()
    return NoneValue()


def _is_block(index: ast.expr) -> bool:
    places = index.elts if isinstance(index, ast.Tuple) else [index]
    return len(places) in (1, 2) and all(isinstance(p, ast.Slice) for p in places)


def _bounds(m: Machine, index: ast.expr) -> tuple[tuple[Term, Term], tuple[Term, Term]]:
    places = [*(index.elts if isinstance(index, ast.Tuple) else [index]), ast.Slice()][:2]
    rows, columns = (arrays._range(m, p, T.N) for p in places if isinstance(p, ast.Slice))
    return rows, columns
