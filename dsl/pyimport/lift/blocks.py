"""Changes of a column, or of part of one, over many rows at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager

from attndsl.dsl.pyimport.lift import arrays, fancy
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.row_changes import add_to_range
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Binder, Grid, RowRef, Scalar, Value, Vector


@contextmanager
def _rows(m: Machine, rows: ast.Slice) -> Iterator[Term]:
    """Each row of the slice, as a loop around what is done to it."""
    low, high = arrays._range(m, rows, T.N)
    r = T.fresh("int")
    binder = Binder(r, low, high)
    held = m.state.path
    m.loops.append(Loop(binder))
    m.state.path = m.state.along(*binder.conditions())
    try:
        yield r
    finally:
        m.state.path = held
        m.loops.pop()


def store_column(m: Machine, matrix: str, rows: ast.Slice, column: ast.expr, value: Value, node: ast.AST) -> None:
    """``A[:, j] = x``, and ``A[a:b, c:d] = x`` of one number."""
    whole = rows.lower is rows.upper is rows.step is None
    line = value if isinstance(value, Vector) and whole and not value.part else None
    if isinstance(column, ast.Slice):
        value = spread(m, lambda v: v, value)
        if not isinstance(value, Scalar) or value.term.kind == "str" or column.step is not None:
            raise m.stop("a block of the matrix is assigned", node, "E0315")
        with _rows(m, rows) as r:
            part = arrays._row_slice(m, RowRef(matrix, r, T.N), column)
            arrays.store_range(m, matrix, r, part.start, value, part.length)
        return
    at = fancy.place(m, column, T.N)
    if line is not None and not m.holds(T.compare("==", line.length, T.N)):
        raise m.stop("vectors whose lengths may differ", node, "E0315")
    with _rows(m, rows) as r:
        own = line.at(r) if line is not None else value
        if isinstance(at, T.Term) and isinstance(own, Scalar):
            m.write("set", matrix, r, at, T.as_number(own.term), node)
            return
        if isinstance(at, T.Term) or not isinstance(value, Scalar):
            raise m.stop("a block of the matrix is assigned", node, "E0315")
        term = T.as_number(value.term)
        fancy.store(m, RowRef(matrix, r, T.N), at, value, lambda k, _: m.write("set", matrix, r, k, term, node))


def update_column(m: Machine, op: str, grid: Grid, index: ast.Tuple, value: Value, node: ast.AST) -> None:
    """``A[:, j] += x``, ``A[i:, :j] *= x``."""
    matrix = arrays.current(m, grid)
    if isinstance(value, Vector) and len(index.elts) == 2 and op in ("+", "-", "*"):
        _by_line(m, op, matrix, index, value, node)
        return
    if len(index.elts) != 2 or not isinstance(value, Scalar) or op not in ("+", "-", "*", "/"):
        raise m.stop("a block of the matrix is changed", node, "E0315")
    rows, column = index.elts
    assert isinstance(rows, ast.Slice)
    at = None if isinstance(column, ast.Slice) else fancy.place(m, column, T.N)
    value = Scalar(value.term, True)
    with _rows(m, rows) as r:
        if isinstance(at, tuple):
            row = RowRef(matrix, r, T.N)
            fancy.update(m, row, at, value, lambda k, x: _change(m, op, matrix, r, k, x, node))
        elif at is None:
            assert isinstance(column, ast.Slice)
            add_to_range(m, op, arrays._row_slice(m, RowRef(matrix, r, T.N), column), value)
        else:
            _change(m, op, matrix, r, at, value, node)


def _by_line(m: Machine, op: str, matrix: str, index: ast.Tuple, line: Vector, node: ast.AST) -> None:
    """``A[:, j] += v``: each row by its own number."""
    rows, column = index.elts
    assert isinstance(rows, ast.Slice)
    whole = rows.lower is rows.upper is rows.step is None
    at = None if isinstance(column, ast.Slice) else fancy.place(m, column, T.N)
    if not whole or line.part or not isinstance(at, Term):
        raise m.stop("a block of the matrix is changed", node, "E0315")
    if not m.holds(T.compare("==", line.length, T.N)):
        raise m.stop("vectors whose lengths may differ", node, "E0315")
    with _rows(m, rows) as r:
        _change(m, op, matrix, r, at, Scalar(line.at(r).term, True), node)


def _change(m: Machine, op: str, matrix: str, row: Term, at: Term, value: Scalar, node: ast.AST) -> None:
    if op == "/":
        add_to_range(m, op, RowRef(matrix, row, T.ONE, at), value)
        return
    term = T.as_number(value.term)
    m.write("scale" if op == "*" else "add", matrix, row, at, T.neg(term) if op == "-" else term, node)


def slice_of_all() -> ast.Slice:
    """``:``."""
    return ast.Slice(None, None, None)
