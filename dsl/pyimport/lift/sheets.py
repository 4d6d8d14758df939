"""Matrices computed cell by cell from positions, vectors and other matrices: ``idx[:, None] - idx[None, :]``.

Such a matrix (a ``Sheet``) is a formula of row and column, read when it is used. One of numbers gets a place of its
own, and rules that fill it, when a name is bound to it; one of truth values or whole numbers stays a formula.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellTable,
    Grid,
    NoneValue,
    Opaque,
    RowRef,
    Scalar,
    Sheet,
    Value,
    Vector,
)

CONSTANT = ("tril", "filled")


@contextmanager
def cells(m: Machine) -> Iterator[tuple[Term, Term]]:
    """Every cell, as two loops around what is done there."""
    row, column = T.fresh("int"), T.fresh("int")
    loops = [Loop(Binder(v, T.ZERO, T.N)) for v in (row, column)]
    held = m.state.path
    m.loops.extend(loops)
    for loop in loops:
        m.state.path = m.state.along(*loop.binder.conditions())
    try:
        yield row, column
    finally:
        m.state.path = held
        del m.loops[-2:]


def of(m: Machine, value: Value) -> Sheet:
    """The value as numpy stretches it to a matrix, as it is now."""
    from attndsl.dsl.pyimport.lift import arrays

    match value:
        case Sheet():
            return value
        case Scalar():
            number = Scalar(value.term, True)
            return Sheet(lambda r, c: number, False, False)
        case Grid():
            return _of_grid(m, value)
        case Opaque(name="transposed", data=Grid() as grid):
            turned = _of_grid(m, grid)
            return Sheet(lambda r, c: turned.at(c, r))
        case Opaque(name="filled", data=Scalar(term=t)):
            return Sheet(lambda r, c: Scalar(t, True))
        case Opaque(name="tril"):
            return Sheet(lambda r, c: Scalar(T.ite(T.compare("<=", c, r), T.const(1.0), T.const(0.0)), True))
        case RowRef(matrix=matrix, row=row, length=length, start=start) if m.holds(T.compare("==", length, T.N)):
            return Sheet(lambda r, c: _of_row(m, matrix, row, T.add(c, start)), False)
        case RowRef() | Vector():
            v = arrays.vector(m, value)
            if v.part or not m.holds(T.compare("==", v.length, T.N)):
                raise m.stop("a vector that may be of another length than the text", code="E0315")
            return Sheet(lambda r, c: v.at(c), False, seen=v.seen or v)
    raise m.stop("an array with this object", code="E0302")


def _of_row(m: Machine, matrix: str, row: Term, column: Term) -> Scalar:
    """An element of a row at the moment at which it is used: numpy shows the row's later changes as well."""
    m.read_stat(matrix, "sum", row)
    return Scalar(T.read(matrix, row, column, len(m.events)), True)


def _of_grid(m: Machine, grid: Grid) -> Sheet:
    from attndsl.dsl.pyimport.lift import arrays

    matrix = arrays.current(m, grid)
    if m.loops:
        raise m.stop("the whole matrix is read inside a loop", code="E0315")
    time = len(m.events)
    return Sheet(lambda r, c: Scalar(T.read(matrix, r, c, time), True))


def apply(m: Machine, compute: Callable[..., Value], *values: Value) -> Sheet:
    """``compute`` for the cells of all of them."""
    sides = [of(m, v) for v in values]
    with cells(m) as (row, column):
        found = compute(*(s.at(row, column) for s in sides))
    if not isinstance(found, Scalar):
        raise m.stop("an array of objects", code="E0302")
    term = found.term
    tall, wide = any(s.tall for s in sides), any(s.wide for s in sides)
    return Sheet(lambda r, c: Scalar(T.subst(term, {row: r, column: c}), True), tall, wide, True)


# ---------------------------------------------------------------- a place of its own


def is_whole(v: Value) -> bool:
    """An n by n matrix that has no place of its own yet."""
    return isinstance(v, Sheet) and v.tall and v.wide


def of_numbers(v: Sheet) -> bool:
    return v.at(T.fresh("int"), T.fresh("int")).term.kind not in ("bool", "int", "str", "num")


def placed(m: Machine, sheet: Sheet, hint: str) -> Grid:
    """A matrix whose cells are what the formula gives."""
    from attndsl.dsl.pyimport.lift import matrices

    def cell(r: Term, c: Term) -> tuple[Term, Term]:
        value = T.as_number(sheet.at(r, c).term)
        if value.op == "ite" and value.args[2] in (T.ZERO, T.const(0.0)):
            return value.args[0], value.args[1]
        if value.op == "ite" and value.args[1] in (T.ZERO, T.const(0.0)):
            return T.not_(value.args[0]), value.args[2]
        return T.TRUE, value

    return matrices.made(m, hint, cell)


def replaced(m: Machine, grid: Grid, sheet: Sheet) -> Grid:
    """The matrix takes in what the formula, which reads it, gives: the old one must not be used again."""
    from attndsl.dsl.pyimport.lift import arrays

    matrix, time = arrays.current(m, grid), len(m.events)
    with cells(m) as (row, column):
        value = T.as_number(sheet.at(row, column).term)
        own = T.read(matrix, row, column, time)
        if value.op == "ite" and own in value.args[1:]:
            kept = value.args[0] if value.args[1] is own else T.not_(value.args[0])
            m.state.path = m.state.along(T.not_(kept))
            value = value.args[2] if value.args[1] is own else value.args[1]
        m.write("set", matrix, row, column, value)
    return arrays._next(m, grid, 1)


def returned(m: Machine, value: Value) -> Value:
    """What a program returns has a place of its own."""
    from attndsl.dsl.pyimport.lift.matrices import as_grid

    if isinstance(value, CellTable) and value.kind != "list":
        return Grid(value.matrix, m.matrices[value.matrix])
    if isinstance(value, Sheet) and is_whole(value) and not m.loops:
        return placed(m, value, "result")
    return as_grid(m, value) if not m.loops else value


def reads(m: Machine, sheet: Sheet, matrix: str) -> bool:
    """The formula is one of the cells of that matrix as they are now."""
    found = sheet.at(T.fresh("int"), T.fresh("int")).term
    return any(x.op == "read" and x.data == (matrix, len(m.events)) for x in T.walk(found))


# ---------------------------------------------------------------- parts and folds


def subscript(m: Machine, sheet: Sheet, index: ast.expr) -> Value:
    """``D[i]``, ``D[i, j]``, ``D[:, j]``."""
    from attndsl.dsl.pyimport.lift import arrays, masks

    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        row, column = index.elts
        if _is_all(row) and _is_all(column):
            return sheet
        if _is_all(row):
            picked = masks.columns(m, sheet, column)
            if picked is not None:
                return picked
            at = _place(m, column, sheet.wide)
            return _line(sheet.tall, lambda k: sheet.at(k, at), sheet)
        found = _row(m, sheet, row)
        return arrays.vector_subscript(m, found, column)
    if isinstance(index, ast.Slice | ast.Tuple):
        raise m.stop("a block of the matrix is read", code="E0315")
    found = _row(m, sheet, index)
    return found.at(T.ZERO) if not sheet.wide else found


def _is_all(index: ast.expr) -> bool:
    return isinstance(index, ast.Slice) and index.lower is index.upper is index.step is None


def _place(m: Machine, index: ast.expr, many: bool) -> Term:
    from attndsl.dsl.pyimport.lift import arrays

    return arrays.position(m, index, T.N if many else T.ONE)


def _row(m: Machine, sheet: Sheet, index: ast.expr) -> Vector:
    at = _place(m, index, sheet.tall)
    return _line(sheet.wide, lambda k: sheet.at(at, k), sheet)


def _line(many: bool, at: Callable[[Term], Scalar], sheet: Sheet) -> Vector:
    from attndsl.dsl.pyimport.lift.elementwise import written

    return Vector(T.N, at, fixed=True, seen=sheet.seen or sheet) if many else written((at(T.ZERO),))


def column(m: Machine, matrix: str, rows: ast.Slice, index: ast.expr) -> Value:
    """``A[:, j]``, of which each element is read when it is used."""
    if not _is_all(rows) or isinstance(index, ast.Slice):
        raise m.stop("a block of the matrix is read", code="E0315")
    at = _place(m, index, True)
    k = T.fresh("int")
    binder = Binder(k, T.ZERO, T.N)

    def cell(row: Term) -> Scalar:
        held = m.state.path
        m.loops.append(Loop(binder))
        m.state.path = m.state.along(*binder.conditions())
        term = m.read_cell(matrix, k, at)
        m.state.path = held
        m.loops.pop()
        return Scalar(T.subst(term, {k: row}), True)

    return Vector(T.N, cell, fixed=True, slice_of=A_MATRIX)


def unchanged(m: Machine, matrix: str) -> Callable[[], None]:
    """A question for later: it raises if the matrix, which an array shows, was changed meanwhile."""
    time, depth = len(m.events), len(m.runs)

    def ask() -> None:
        if len(m.runs) > depth or any(e.matrix == matrix and e.op != "check" for e in m.events[time:]):
            raise m.stop("an array is read after a change of the one that it shows", code="E0311")

    return ask


A_MATRIX = -1
"""In place of a list: the vector is a part of a matrix, as it is now."""


def with_axis(m: Machine, v: Value, places: list[ast.expr]) -> Value | None:
    """``v[:, None]`` and ``v[None, :]``; None for other indices."""
    from attndsl.dsl.pyimport.lift.evaluate import evaluate

    new = [not isinstance(p, ast.Slice) and isinstance(evaluate(m, p), NoneValue) for p in places]
    if not any(new) or not all(n or _is_all(p) for p, n in zip(places, new, strict=True)):
        return None
    if new == [True, False] or new == [True]:
        return of(m, v)
    return turned(of(m, v)) if new == [False, True] else None


def turned(sheet: Sheet) -> Sheet:
    """The transpose."""
    return Sheet(lambda r, c: sheet.at(c, r), sheet.wide, sheet.tall, seen=sheet.seen or sheet)


_FOLDED = {"sum": "sum", "maximum": "maximum", "minimum": "minimum"}


def fold(m: Machine, kind: str, sheet: Sheet, axis: int | None, keep: bool) -> Value:
    """Sums, maxima and minima of rows (axis 1), of columns (axis 0), or of all cells."""
    r, c = T.fresh("int"), T.fresh("int")
    term = sheet.at(r, c).term
    if kind == "sum":
        term = T.as_number(term)
    if axis is None:
        for var, many in ((c, sheet.wide), (r, sheet.tall)):
            term = _folded(kind, var, many, term)
        if keep:
            raise m.stop("a fold over the whole matrix that keeps its axes", code="E0315")
        return Scalar(term, True)
    over, along, many, left = (c, r, sheet.wide, sheet.tall) if axis == 1 else (r, c, sheet.tall, sheet.wide)
    term = _folded(kind, over, many, term)

    def at(k: Term) -> Scalar:
        return Scalar(T.subst(term, {along: k}), True)

    if not keep:
        line = _line(left, at, sheet)
        return replace(line, own=True, seen=None) if left else line
    if axis == 1:
        return Sheet(lambda a, b: at(a), left, False, True)
    return Sheet(lambda a, b: at(b), False, left, True)


def _folded(kind: str, var: Term, many: bool, term: Term) -> Term:
    if not many:
        return T.subst(term, {var: T.ZERO})
    if term.kind == "bool":  # the greatest of truth values is one, as of numpy's
        some = T.agg("any", var, T.NONE, T.ZERO, T.N, term if kind == "maximum" else T.not_(term))
        return some if kind == "maximum" else T.not_(some)
    if kind == "sum" and term.op == "ite" and term.args[1:] == (T.ONE, T.ZERO):
        return T.agg("count", var, T.NONE, T.ZERO, T.N, term.args[0])
    return T.agg(_FOLDED[kind], var, T.NONE, T.ZERO, T.N, T.TRUE, term)


__all__ = ["fold", "of", "placed"]
