"""Matrices whose cells keep their type: numpy's of whole numbers or truth values, and lists of lists.

The cells are those of a matrix of the language, filled by rules like any other. What a read gives, and what may be
stored, depends on the type: a number with a fraction is cut off in an array of whole numbers, and is refused here. Of a
list of lists ``m.listed`` says what it holds ("bool", "float", "int", or "num" for numbers of both kinds), whether all
are Python's own, and whether something has relied on that, so that it must stay so.
"""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import aliases, arrays, matrices, nested, sheets
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence, spread
from attndsl.dsl.pyimport.lift.evaluate import of_truths
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellRow,
    CellTable,
    Grid,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    Value,
    Vector,
)

Typed = CellTable | CellRow

# ---------------------------------------------------------------- making one


def placed(m: Machine, name: str, value: Value, node: ast.AST) -> CellTable | Grid | None:
    """A place of its own for a matrix that a name is bound to, whose cells are assigned one by one; else None."""
    function = m.frames[-1].function
    alone = isinstance(node, ast.AnnAssign) or (isinstance(node, ast.Assign) and len(node.targets) == 1)
    if m.loops or function is None or not alone:
        return None
    if isinstance(value, Opaque) and value.name == "tril" and name in _changed(function):
        made = isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Call)
        return matrices.made(m, name, lambda r, c: (T.compare("<=", c, r), T.const(1.0))) if made else None
    if isinstance(value, Sheet) and sheets.is_whole(value) and value.own and name in _changed(function):
        kind = E.probe(value).term.kind
        shown = aliases.holders(m, lambda v: v is value or (isinstance(v, Vector | Sheet) and v.seen is value))
        if kind in ("int", "bool") and not shown:
            return CellTable(_filled(m, name, value), kind)
    if isinstance(value, Ref) and _makes_rows(node) and name in _changed(function):
        return _of_lists(m, name, value)
    return None


def _filled(m: Machine, name: str, sheet: Sheet) -> str:
    term = T.as_number(E.probe(sheet).term)
    if term in (T.ZERO, T.const(0.0)):
        return m.new_matrix(name, T.ZERO)
    return matrices.made(m, name, lambda r, c: (T.TRUE, T.as_number(sheet.at(r, c).term))).matrix


def _makes_rows(node: ast.AST) -> bool:
    """``x = [[0.0] * n for _ in range(n)]`` and the like: each row is a list of its own."""
    match node:
        case ast.Assign(value=ast.ListComp(elt=row)) | ast.AnnAssign(value=ast.ListComp(elt=row)):
            return isinstance(row, ast.ListComp) or (isinstance(row, ast.BinOp) and isinstance(row.op, ast.Mult))
    return False


def _of_lists(m: Machine, name: str, value: Ref) -> CellTable | None:
    seq = sequence(m, value)
    sheet = nested.sheet(m, seq) if seq is not None else None
    first = E.probe(sheet) if sheet is not None else None
    if sheet is None or first is None or first.term.kind not in ("int", "float", "bool"):
        return None
    matrix = _filled(m, name, sheet)
    m.listed[matrix] = first.term.kind, T.is_const(first.term), False
    return CellTable(matrix, "list")


_CHANGED: WeakKeyDictionary[ast.FunctionDef, frozenset[str]] = WeakKeyDictionary()


def _changed(function: ast.FunctionDef) -> frozenset[str]:
    """The names whose items, or items of whose items, a loop of the function assigns."""
    if function not in _CHANGED:
        loops = [x for x in pytree.walk(function) if isinstance(x, ast.For | ast.While)]
        stores = [x for x in pytree.walk(*loops) if isinstance(x, ast.Subscript) and isinstance(x.ctx, ast.Store)]
        _CHANGED[function] = frozenset(name for x in stores if (name := _root(x)))
    return _CHANGED[function]


def _root(x: ast.expr) -> str:
    while isinstance(x, ast.Subscript):
        x = x.value
    return x.id if isinstance(x, ast.Name) else ""


# ---------------------------------------------------------------- reading


def _typed(m: Machine, table: Typed, row: Term, column: Term, time: int) -> Scalar:
    """A cell as it was at that time."""
    if table.kind == "bool":
        return Scalar(T.compare("!=", T.read(table.matrix, row, column, time), T.ZERO), True)
    if table.kind == "int":
        return Scalar(T.mk("read", (table.matrix, time), (row, column), "int"), True)
    number, plain, _ = m.listed[table.matrix]
    m.listed[table.matrix] = number, plain, True
    numpy = False if plain else None
    if number == "bool":
        return Scalar(T.compare("!=", T.read(table.matrix, row, column, time), T.ZERO), numpy)
    return Scalar(T.mk("read", (table.matrix, time), (row, column), number), numpy)


def _read(m: Machine, table: Typed, row: Term, column: Term) -> Scalar:
    m.read_cell(table.matrix, row, column)
    return _typed(m, table, row, column, len(m.events))


def subscript(m: Machine, table: Typed, index: ast.expr) -> Value:
    """``B[i, j]``, ``B[i]``, ``M[i][j]``, ``B[i, :k]``."""
    if isinstance(table, CellRow):
        if isinstance(index, ast.Slice | ast.Tuple):
            return _part(m, table, index)
        return _read(m, table, table.row, arrays.position(m, index, T.N))
    if not isinstance(index, ast.Slice | ast.Tuple):
        return CellRow(table.matrix, table.kind, arrays.position(m, index, T.N))
    if table.kind == "list" or isinstance(index, ast.Slice) or len(index.elts) != 2:
        raise m.stop("a block of the matrix is read", index, "E0315")
    row, column = index.elts
    if isinstance(row, ast.Slice):
        return sheets.subscript(m, sheet(m, table), index)
    return subscript(m, CellRow(table.matrix, table.kind, arrays.position(m, row, T.N)), column)


def _part(m: Machine, row: CellRow, index: ast.Slice | ast.Tuple) -> Value:
    if row.kind == "list" or isinstance(index, ast.Tuple):
        raise m.stop("a part of a row is read", index, "E0315")
    return _vector(m, row, arrays._row_slice(m, RowRef(row.matrix, row.row, T.N), index))


def _vector(m: Machine, row: CellRow, part: RowRef) -> Vector:
    """A row, or a part of it, of which each element is read when it is used: numpy shows later changes."""

    def cell(at: Term) -> Scalar:
        m.read_stat(row.matrix, "sum", row.row)
        return Scalar(_typed(m, row, row.row, T.add(at, part.start), len(m.events)).term, True)

    return Vector(part.length, cell, fixed=True, slice_of=sheets.A_MATRIX)


def sheet(m: Machine, table: CellTable) -> Sheet:
    """The matrix as it is now. Raises when it is read after a change."""
    if m.loops:
        raise m.stop("the whole matrix is read inside a loop", code="E0315")
    time, ask = len(m.events), sheets.unchanged(m, table.matrix)

    def at(row: Term, column: Term) -> Scalar:
        ask()
        return Scalar(_typed(m, table, row, column, time).term, True)

    return Sheet(at)


def as_array(m: Machine, value: Value) -> Value:
    """What numpy's operations see of an array of such cells; other values as they are."""
    if isinstance(value, CellTable) and value.kind != "list":
        return sheet(m, value)
    if isinstance(value, CellRow) and value.kind != "list":
        return _vector(m, value, RowRef(value.matrix, value.row, T.N))
    return value


def as_sequence(m: Machine, table: Typed) -> Seq:
    """The rows of the matrix, or the items of a row as they are now."""
    b = Binder(T.fresh("int"), T.ZERO, T.N)
    if isinstance(table, CellTable):
        return Seq((Part((b,), T.TRUE, CellRow(table.matrix, table.kind, b.var)),))
    m.read_stat(table.matrix, "sum", table.row)
    return Seq((Part((b,), T.TRUE, _typed(m, table, table.row, b.var, len(m.events))),))


# ---------------------------------------------------------------- changing


def store(m: Machine, table: Typed, index: ast.expr, value: Value, node: ast.AST) -> None:
    """``B[i, j] = x``, ``M[i][j] = x``, ``M[i] = row``."""
    from attndsl.dsl.pyimport.lift import stores

    if table.kind == "list":
        _store_in_list(m, table, index, value, node)
        return
    value = spread(m, lambda v: _kept(m, table, v, node), value)
    if isinstance(table, CellTable):
        stores._store_grid(m, Grid(table.matrix, m.matrices[table.matrix]), index, value, node)
    else:
        stores._store_row(m, RowRef(table.matrix, table.row, T.N), index, value, node)


def _kept(m: Machine, table: Typed, value: Value, node: ast.AST) -> Value:
    """What numpy stores in an array of whole numbers or truth values."""
    from attndsl.dsl.pyimport.lift import making, tables

    value = tables.as_vector(m, value)
    if E.is_array(value) and not isinstance(value, Grid):
        return making.converted(m, value, table.kind, node)
    if not isinstance(value, Scalar) or value.term.kind == "str":
        raise m.stop("a cell is assigned this object", node, "E0302")
    t = value.term
    if table.kind == "bool":
        return Scalar(T.as_number(t if t.kind == "bool" else T.compare("!=", t, T.ZERO)), True)
    if T.is_const(t) and t.kind == "float" and float(t.data).is_integer():
        return Scalar(T.const(int(t.data)), True)
    if t.kind not in ("int", "bool"):
        raise m.stop("an array of whole numbers is assigned a number that may be none", node, "E0315")
    return Scalar(T.as_number(t), True)


def _store_in_list(m: Machine, table: Typed, index: ast.expr, value: Value, node: ast.AST) -> None:
    from attndsl.dsl.pyimport.lift import stores

    if isinstance(index, ast.Slice | ast.Tuple):
        raise m.stop("a part of a list of lists is assigned", node, "E0311")
    at = arrays.position(m, index, T.N)
    if isinstance(table, CellRow):
        number = spread(m, lambda v: _noted(m, table, v, node), value)
        assert isinstance(number, Scalar)
        stores._store_cell(m, RowRef(table.matrix, table.row, T.N), at, number, node)
        return
    items = sequence(m, value)
    known = aliases.holders(m, lambda v: isinstance(v, CellRow) and v.matrix == table.matrix)
    if items is None or items.is_set or items.once or items.sort or known:
        raise m.stop("a row of a list of lists is replaced", node, "E0311")
    for p in items.parts:
        spread(m, lambda v: _noted(m, table, v, node), p.element)
    stores._fill(m, RowRef(table.matrix, at, T.N), items, node)


def _noted(m: Machine, table: Typed, value: Value, node: ast.AST) -> Value:
    """A number that the list gets, of which its kind is remembered."""
    truths = m.listed[table.matrix][0] == "bool"
    if not isinstance(value, Scalar) or value.term.kind not in (("bool",) if truths else ("int", "float", "num")):
        raise m.stop("a list of lists that holds something else than numbers, or than truth values", node, "E0302")
    _note(m, table, value.term.kind, value.numpy, node)
    return value


def _note(m: Machine, table: Typed, kind: str, numpy: bool | None, node: ast.AST) -> None:
    number, plain, relied_on = m.listed[table.matrix]
    found = (number if kind == number else "num", plain and numpy is False)
    if relied_on and found != (number, plain):
        raise m.stop("whole numbers and others, or Python's and numpy's, in one list of lists", node, "E0314")
    m.listed[table.matrix] = *found, relied_on


def combine(m: Machine, table: Typed, node: ast.AugAssign, value: Value) -> None:
    """``M[i][j] /= x`` and ``B[i, j] |= x``, as what they store."""
    assert isinstance(node.target, ast.Subscript)
    old = subscript(m, table, node.target.slice)
    if not isinstance(old, Scalar) or (isinstance(node.op, ast.Div) and table.kind != "list"):
        raise m.stop("a cell is changed in a way that may change its type", node, "E0315")

    def new(x: Value) -> Value:
        return binary(m, "/", old, x) if isinstance(node.op, ast.Div) else of_truths(m, node.op, old, x)

    store(m, table, node.target.slice, spread(m, new, value), node)


def changed_by(m: Machine, table: Typed, op: str, value: Value, node: ast.AST) -> Grid | RowRef:
    """What ``table[...] op= value`` changes, where the cells keep their type."""
    number = spread(m, lambda v: v, value)
    kinds = ("int",) if table.kind == "int" else ("int", "float", "num") if table.kind == "list" else ()
    truths = table.kind == "list" and m.listed[table.matrix][0] == "bool"
    if not isinstance(number, Scalar) or number.term.kind not in kinds or op not in ("+", "-", "*") or truths:
        raise m.stop("a cell is changed in a way that may change its type", node, "E0315")
    if table.kind == "list":
        if isinstance(table, CellTable):
            raise m.stop("a row of a list of lists is replaced", node, "E0311")
        _note(m, table, "float" if m.listed[table.matrix][0] == "float" else number.term.kind, number.numpy, node)
    if isinstance(table, CellTable):
        return Grid(table.matrix, m.matrices[table.matrix])
    return RowRef(table.matrix, table.row, T.N)
