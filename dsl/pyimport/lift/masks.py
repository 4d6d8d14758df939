"""Changes of the cells that a mask or two vectors of places name: ``A[mask] = 0``, ``A[rows, columns] += x``."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import arrays, fancy, sheets, tables
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import list_vector
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Chosen,
    Grid,
    NoneValue,
    Opaque,
    Part,
    Ref,
    Scalar,
    Seq,
    Sheet,
    TupleValue,
    Value,
    Vector,
)

_Change = Callable[[Term, Term], None]


def store(m: Machine, grid: Grid, index: ast.expr, value: Value, node: ast.AST) -> bool:
    """``A[mask] = x``; False when the index is of another sort."""
    number = value if isinstance(value, Scalar) and value.term.kind != "str" else None
    matrix = arrays.current(m, grid)

    def change(r: Term, c: Term) -> None:
        if number is None:
            raise m.stop("several cells are assigned an array", node, "E0315")
        m.write("set", matrix, r, c, T.as_number(number.term), node)

    if isinstance(value, Chosen):
        return _store_chosen(m, grid, index, value, node)
    return _each(m, index, change, node)


def _store_chosen(m: Machine, grid: Grid, index: ast.expr, value: Chosen, node: ast.AST) -> bool:
    """``A[mask] = B[mask] / 2``: each cell that the mask chooses gets its own."""
    found = chosen(m, grid, index)
    r, c = T.fresh("int"), T.fresh("int")
    same = found is not None and found.mask.at(r, c).term is value.mask.at(r, c).term
    if found is None or not same or found.mask.wide != value.mask.wide or m.loops:
        raise m.stop("several cells are assigned an array", node, "E0315")
    with sheets.cells(m) as (row, column):
        m.state.path = m.state.along(value.mask.at(row, column).term)
        m.write("set", grid.matrix, row, column, T.as_number(value.sheet.at(row, column).term), node)
    return True


def chosen(m: Machine, grid: Grid, index: ast.expr) -> Chosen | None:
    """``A[mask]``; None when the index is no mask."""
    if not _names_array(m, index):
        return None
    mask = _mask(m, index)
    return None if mask is None or m.loops else Chosen(sheets.of(m, grid), mask)


def columns(m: Machine, sheet: Sheet, index: ast.expr) -> Chosen | None:
    """``D[:, mask]``; None when the index is no mask."""
    if not _names_array(m, index):
        return None
    mask = _mask(m, index)
    return None if mask is None or mask.wide else Chosen(sheet, sheets.turned(mask))


def _whole_columns(index: ast.expr) -> ast.expr | None:
    """The columns of ``A[:, columns]``."""
    if not isinstance(index, ast.Tuple) or len(index.elts) != 2 or not isinstance(index.elts[0], ast.Slice):
        return None
    rows = index.elts[0]
    return index.elts[1] if rows.lower is rows.upper is rows.step is None else None


def _update_chosen(m: Machine, op: str, grid: Grid, found: Chosen | None, value: Chosen, node: ast.AST) -> bool:
    """``A[:, mask] += D[:, mask]``: each cell that the mask chooses is changed by its own."""
    r, c = T.fresh("int"), T.fresh("int")
    same = found is not None and found.mask.at(r, c).term is value.mask.at(r, c).term
    if found is None or not same or m.loops or op not in ("+", "-", "*"):
        raise m.stop("several cells are changed by an array", node, "E0315")
    with sheets.cells(m) as (row, column):
        m.state.path = m.state.along(value.mask.at(row, column).term)
        term = T.as_number(value.sheet.at(row, column).term)
        change = T.neg(term) if op == "-" else term
        m.write("scale" if op == "*" else "add", grid.matrix, row, column, change, node)
    return True


def chosen_of_line(m: Machine, v: Value, index: ast.expr) -> Chosen | None:
    """``sums[mask, None]``; None for other indices."""
    if not isinstance(index, ast.Tuple) or len(index.elts) != 2 or not _names_array(m, index.elts[0]):
        return None
    mask = _mask(m, index.elts[0])
    if mask is None or mask.wide or evaluate(m, index.elts[1]) != NoneValue():
        return None
    return Chosen(sheets.turned(sheets.of(m, v)), mask)


def _mask(m: Machine, index: ast.expr) -> Sheet | None:
    """A mask of the cells, or of the rows."""
    found = spread(m, lambda v: tables.as_vector(m, v), evaluate(m, index))
    if isinstance(found, Opaque) and found.name == "places":
        found = found.data
    if isinstance(found, Vector) and found.part is None and found.items is None:
        found = sheets.turned(sheets.of(m, found))
    if not isinstance(found, Sheet) or not found.tall:
        return None
    return found if found.at(T.fresh("int"), T.fresh("int")).term.kind == "bool" else None


def update(m: Machine, op: str, grid: Grid, index: ast.expr, value: Value, node: ast.AST) -> bool:
    """``A[mask] *= x``; False when the index is of another sort."""
    matrix = arrays.current(m, grid)
    if isinstance(value, Chosen):
        side = _whole_columns(index)
        found = chosen(m, grid, index) if side is None else columns(m, sheets.of(m, grid), side)
        return _update_chosen(m, op, grid, found, value, node)

    def change(r: Term, c: Term) -> None:
        if not isinstance(value, Scalar) or value.term.kind == "str" or op not in ("+", "-", "*", "/"):
            raise m.stop("several cells are changed by an array", node, "E0315")
        term = T.as_number(value.term)
        if op == "/":
            own = Scalar(m.read_cell(matrix, r, c), True)
            found = binary(m, "/", own, Scalar(term, True))
            assert isinstance(found, Scalar)
            m.write("set", matrix, r, c, found.term, node)
            return
        m.write("scale" if op == "*" else "add", matrix, r, c, T.neg(term) if op == "-" else term, node)

    return _each(m, index, change, node, once=True)


def _each(m: Machine, index: ast.expr, change: _Change, node: ast.AST, once: bool = False) -> bool:
    """Change each of the cells; False when the index says no cells of the whole matrix."""
    if not _may_be(m, index):
        return False
    if isinstance(index, ast.Tuple):
        return _of_pair(m, index, change, once, node)
    found = spread(m, lambda v: tables.as_vector(m, v), evaluate(m, index))
    match found:
        case Sheet():
            mask = found
        case Opaque(name="places", data=Sheet() as mask):
            pass
        case TupleValue(items=(Vector() as rows, Vector() as columns)):
            _of_vectors(m, rows, columns, change, once, node)
            return True
        case Vector():
            _of_rows(m, found, (T.ZERO, T.N), change, node)
            return True
        case _:
            return False
    if m.loops:
        raise m.stop("the whole matrix is changed inside a loop", node, "E0315")
    if not sheets.is_whole(mask):
        raise m.stop("a mask of another shape", node, "E0315")
    with sheets.cells(m) as (r, c):
        term = mask.at(r, c).term
        if term.kind != "bool":
            raise m.stop("a matrix is indexed by numbers", node, "E0315")
        m.state.path = m.state.along(term)
        change(r, c)
    return True


def _may_be(m: Machine, index: ast.expr) -> bool:
    """The index may say several cells: what is certainly one place is left to others, who evaluate it as well."""
    if isinstance(index, ast.Tuple):
        return len(index.elts) == 2 and (_names_array(m, index.elts[0]) or _names_list(m, index.elts[0]))
    return _names_array(m, index)


def _names_list(m: Machine, e: ast.expr) -> bool:
    found = m.lookup(e.id) if isinstance(e, ast.Name) else None
    held = m.state.heap.get(found.key) if isinstance(found, Ref) else None
    return isinstance(held, Seq) and not held.is_set and not held.sort


def _names_array(m: Machine, e: ast.expr) -> bool:
    match e:
        case ast.Name(id=name):
            found = m.lookup(name)
            return arrays.is_array(tables.as_vector(m, found)) if found is not None else False
        case ast.Call(func=ast.Name(id="range")) | ast.Call(func=ast.Attribute()) | ast.UnaryOp(op=ast.Invert()):
            return True
        case ast.Compare(left=left, comparators=[right]):
            return any(_names_array(m, x) for x in (left, right))
        case ast.BinOp(left=left, right=right):
            return any(_names_array(m, x) for x in (left, right))
    return False


def _line(m: Machine, value: Value) -> Value:
    """A list, a range or a vector of places as a vector; other values as they are."""
    value = spread(m, lambda v: tables.as_vector(m, v), value)
    held = m.contents(value) if isinstance(value, Ref) else value
    return list_vector(m, held) if isinstance(held, Seq) and not held.is_set else value


def _of_pair(m: Machine, index: ast.Tuple, change: _Change, once: bool, node: ast.AST) -> bool:
    first, second = index.elts
    rows = _line(m, evaluate(m, first))
    if not isinstance(rows, Vector):
        return False
    if isinstance(second, ast.Slice):
        _of_rows(m, rows, arrays._range(m, second, T.N), change, node)
        return True
    columns = _line(m, evaluate(m, second))
    if isinstance(columns, Scalar) and columns.term.kind == "int":
        at = C.wrapped(m, columns.term, T.N)
        _of_rows(m, rows, (at, T.add(at, T.ONE)), change, node)
        return True
    if not isinstance(columns, Vector):
        return False
    _of_vectors(m, rows, columns, change, once, node)
    return True


def _of_vectors(m: Machine, rows: Vector, columns: Vector, change: _Change, once: bool, node: ast.AST) -> None:
    """The k-th cell is in the k-th row and column."""
    if rows.part or columns.part or not m.holds(T.compare("==", rows.length, columns.length)):
        raise m.stop("vectors whose lengths may differ", node, "E0315")
    k = T.fresh("int")
    r, c = rows.at(k).term, columns.at(k).term
    part = Part((Binder(k, T.ZERO, rows.length),), T.TRUE, Scalar(k))
    apart = any(C._injective(Part(part.binders, T.TRUE, Scalar(t))) for t in (r, c))
    if r.kind != "int" or c.kind != "int" or (once and not apart):
        raise m.stop("a matrix is indexed by vectors that may name a cell twice", node, "E0315")
    with fancy.each(m, part, rows.length):
        change(C.wrapped(m, r, T.N), C.wrapped(m, c, T.N))


def _of_rows(m: Machine, mask: Vector, columns: tuple[Term, Term], change: _Change, node: ast.AST) -> None:
    """``A[mask]`` and ``A[mask, a:b]``: these columns of the rows where it holds."""
    places = fancy.several(m, mask, T.N)
    if places is None or len(places) != 1 or not C._injective(places[0]):
        raise m.stop("rows that may be named twice are changed", node, "E0315")
    with fancy.each(m, places[0], T.N) as r:
        if T.sub(columns[1], columns[0]) is T.ONE:
            change(r, columns[0])
            return
        c = T.fresh("int")
        with fancy.each(m, Part((Binder(c, *columns),), T.TRUE, Scalar(c)), T.N) as column:
            change(r, column)


__all__ = ["store", "update"]
