"""Matrices that numpy makes of positions: triangles, diagonals, and the row and column of every cell."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import aliases, arrays, matrices, sheets
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import argument, as_argument, as_float
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Grid,
    Opaque,
    Ref,
    RowRef,
    Scalar,
    Sheet,
    TupleValue,
    Value,
    Vector,
    known,
)

Handler = Callable[[Machine, ast.Call], Value]


def _shift(m: Machine, node: ast.Call, place: int) -> Term:
    """The number of a diagonal, given by name or by place."""
    given = [*node.args[place:], *(k.value for k in node.keywords)]
    named = all(k.arg == "k" for k in node.keywords)
    value = evaluate(m, given[0]) if given else known(0)
    if not named or len(given) > 1 or not isinstance(value, Scalar) or value.term.kind != "int":
        raise m.stop("a triangle or diagonal with these arguments", node, "E0315")
    return value.term


def _triangle(op: str) -> Handler:
    """``np.tril`` and ``np.triu``: zero outside the triangle."""

    def handler(m: Machine, node: ast.Call) -> Value:
        if not node.args:
            raise m.stop("a triangle with these arguments", node, "E0315")
        by, value = _shift(m, node, 1), argument(m, node.args[0])
        if isinstance(value, RowRef | Vector | Scalar):
            raise m.stop("a triangle of this object", node, "E0315")
        if op == "<=" and by is T.ZERO and isinstance(value, Grid):
            return arrays.mask(m, value)
        one = isinstance(value, Opaque) and value.name == "filled" and value.data.term in (T.ONE, T.const(1.0))
        if op == "<=" and by is T.ZERO and one:
            return Opaque("tril")
        sheet = sheets.of(m, value)
        if not sheets.is_whole(sheet):
            raise m.stop("a triangle of this object", node, "E0315")

        def cell(r: Term, c: Term) -> Scalar:
            inside, x = T.compare(op, c, T.add(r, by)), sheet.at(r, c).term
            nothing = T.FALSE if x.kind == "bool" else T.ZERO if x.kind == "int" else T.const(0.0)
            return Scalar(T.ite(inside, x, nothing), True)

        found = Sheet(cell, own=True)
        return sheets.replaced(m, value, found) if isinstance(value, Grid) else found

    return handler


def _size(m: Machine, value: Value, node: ast.AST) -> None:
    if not isinstance(value, Scalar) or not m.holds(T.compare("==", value.term, T.N)):
        raise m.stop("a matrix that is not n by n", node, "E0315")


def _tri(m: Machine, node: ast.Call) -> Value:
    _size(m, evaluate(m, node.args[0]), node)
    if len(node.args) > 1:
        _size(m, evaluate(m, node.args[1]), node)
    by = _shift(m, node, 2)
    return Sheet(
        lambda r, c: Scalar(T.ite(T.compare("<=", c, T.add(r, by)), T.const(1.0), T.const(0.0)), True), own=True
    )


def _diag(m: Machine, node: ast.Call) -> Value:
    """``np.diag(v, k)``: the vector on a diagonal; ``np.diag(A)``: the diagonal of a matrix."""
    value, by = argument(m, node.args[0]), _shift(m, node, 1)
    if isinstance(value, Grid | Sheet):
        return diagonal(m, value, by, node)
    if not isinstance(value, RowRef | Vector):
        raise m.stop("np.diag of this object", node, "E0315")
    v = arrays.vector(m, value)
    if not T.is_const(by) or v.part or not m.holds(T.compare("==", T.add(v.length, T.const(abs(by.data))), T.N)):
        raise m.stop("a matrix that is not n by n", node, "E0315")

    def cell(r: Term, c: Term) -> tuple[Term, Term]:
        return T.compare("==", c, T.add(r, by)), as_float(v.at(T.add(r, T.const(min(by.data, 0)))).term)

    if v.at(T.fresh("int")).term.kind in ("int", "bool"):
        raise m.stop("a diagonal of whole numbers", node, "E0315")

    def at(r: Term, c: Term) -> Scalar:
        where, x = cell(r, c)
        return Scalar(T.ite(where, x, T.const(0.0)), True)

    return matrices.made(m, "diagonal", cell) if not m.loops else Sheet(at, own=True)


def diagonal(m: Machine, value: Value, by: Term, node: ast.AST) -> Value:
    sheet = sheets.of(m, value)
    if by is not T.ZERO or not sheets.is_whole(sheet):
        raise m.stop("a diagonal with these arguments", node, "E0315")
    ask = _unchanged(m, value)

    def cell(k: Term) -> Scalar:
        ask()
        return sheet.at(k, k)

    return Vector(T.N, cell, fixed=True, slice_of=sheets.A_MATRIX if isinstance(value, Grid) else None)


def _unchanged(m: Machine, value: Value) -> Callable[[], None]:
    return sheets.unchanged(m, value.matrix) if isinstance(value, Grid) else lambda: None


# ---------------------------------------------------------------- rows and columns


def _rows() -> Sheet:
    return Sheet(lambda r, c: Scalar(r, True), own=True)


def _columns() -> Sheet:
    return Sheet(lambda r, c: Scalar(c, True), own=True)


def _meshgrid(m: Machine, node: ast.Call) -> Value:
    options = {k.arg: evaluate(m, k.value) for k in node.keywords}
    by_row = options.pop("indexing", known("xy"))
    if len(node.args) != 2 or options or by_row not in (known("xy"), known("ij")):
        raise m.stop("np.meshgrid with these arguments", node, "E0315")
    first, second = (sheets.of(m, argument(m, a)) for a in node.args)
    if first.tall or second.tall:
        raise m.stop("np.meshgrid of these objects", node, "E0315")
    if by_row == known("ij"):
        return TupleValue((_over(first, True), _over(second, False)))
    return TupleValue((_over(first, False), _over(second, True)))


def _over(line: Sheet, down: bool) -> Sheet:
    """A vector as all columns, or as all rows, of a matrix."""
    return Sheet(lambda r, c: line.at(T.ZERO, r if down else c), own=True)


def _indices(m: Machine, node: ast.Call) -> Value:
    arrays.zeros(m, evaluate(m, node.args[0]) if len(node.args) == 1 else known(None), Scalar(T.ZERO), "")
    if len(node.args) != 1 or node.keywords:
        raise m.stop("np.indices with these arguments", node, "E0315")
    return TupleValue((_rows(), _columns()))


# ---------------------------------------------------------------- places


def _diagonal_places(m: Machine, node: ast.Call) -> Value:
    """``np.diag_indices(n)``."""
    if len(node.args) != 1 or node.keywords:
        raise m.stop("the places of a diagonal with these arguments", node, "E0315")
    _size(m, argument(m, node.args[0]), node)
    every = Vector(T.N, lambda k: Scalar(k, True), fixed=True, own=True)
    return TupleValue((every, every))


def _triangle_places(op: str) -> Handler:
    """``np.tril_indices(n, k)``: used as the index of a matrix, the cells of the triangle."""

    def handler(m: Machine, node: ast.Call) -> Value:
        _size(m, argument(m, node.args[0]) if node.args else known(None), node)
        by = _shift(m, node, 1)
        return Opaque("places", Sheet(lambda r, c: Scalar(T.compare(op, c, T.add(r, by)), True), own=True))

    return handler


# ---------------------------------------------------------------- other shapes


def _looked_at(m: Machine, node: ast.Call) -> Value:
    """An array that the result shows in another shape: a later change of it would have to show there."""
    value = evaluate(m, node.args[0])
    if isinstance(value, Ref):
        m.frozen.add(value.key)
    return as_argument(m, value)


def _expanded(m: Machine, node: ast.Call) -> Value:
    """``np.expand_dims(v, 1)`` is ``v[:, None]``."""
    given = [*node.args[1:], *(k.value for k in node.keywords)]
    axis = evaluate(m, given[0]) if len(given) == 1 else known(None)
    value = _looked_at(m, node)
    if axis not in (known(0), known(1), known(-1)) or not isinstance(value, RowRef | Vector):
        raise m.stop("np.expand_dims with these arguments", node, "E0315")
    sheet = sheets.of(m, value)
    return sheet if axis == known(0) else sheets.turned(sheet)


def reshaped(m: Machine, value: Value, node: ast.Call) -> Value:
    """``v.reshape(-1, 1)`` and ``v.reshape(1, -1)``."""
    args = [evaluate(m, a) for a in node.args]
    if len(args) == 1 and isinstance(args[0], TupleValue):
        args = list(args[0].items)
    sizes = [T.N if a == known(-1) else a.term for a in args if isinstance(a, Scalar)]
    if node.keywords or not isinstance(value, RowRef | Vector) or len(sizes) != 2:
        raise m.stop("an array in another shape", node, "E0315")
    if isinstance(value, Vector):
        m.frozen.update(x for x in (value.slice_of,) if x is not None)
    sheet = sheets.of(m, value)
    if sizes[1] is T.ONE and m.holds(T.compare("==", sizes[0], T.N)):
        return sheets.turned(sheet)
    if sizes[0] is T.ONE and m.holds(T.compare("==", sizes[1], T.N)):
        return sheet
    raise m.stop("an array in another shape", node, "E0315")


def _tiled(m: Machine, node: ast.Call) -> Value:
    """``np.tile(v, (n, 1))``."""
    shape = evaluate(m, node.args[1]) if len(node.args) == 2 else known(None)
    value = argument(m, node.args[0])
    times = shape.items if isinstance(shape, TupleValue) else ()
    if len(times) != 2 or times[1] != known(1) or not isinstance(value, RowRef | Vector):
        raise m.stop("np.tile with these arguments", node, "E0315")
    _size(m, times[0], node)
    return _over(sheets.of(m, value), False)


def _broadcast(m: Machine, node: ast.Call) -> Value:
    """``np.broadcast_to(v, (n, n))``."""
    if len(node.args) != 2 or node.keywords:
        raise m.stop("np.broadcast_to with these arguments", node, "E0315")
    arrays.zeros(m, evaluate(m, node.args[1]), Scalar(T.ZERO), "")
    value = _looked_at(m, node)
    sheet = sheets.of(m, value)
    return Sheet(sheet.at, seen=value if isinstance(value, RowRef) else sheet.seen)


def _rolled_matrix(m: Machine, sheet: Sheet, by: Scalar, down: bool, node: ast.AST) -> Value:
    if by.term.kind != "int" or not sheets.is_whole(sheet):
        raise m.stop("np.roll with these arguments", node, "E0315")

    def moved(k: Term) -> Term:
        return T.arith("%", T.sub(k, by.term), T.N)

    if down:
        return Sheet(lambda r, c: sheet.at(moved(r), c), own=True)
    return Sheet(lambda r, c: sheet.at(r, moved(c)), own=True)


def _rolled(m: Machine, node: ast.Call) -> Value:
    """``np.roll(v, k)`` of a vector: the last k elements come first."""
    value = argument(m, node.args[0])
    options = {k.arg: evaluate(m, k.value) for k in node.keywords}
    by = evaluate(m, node.args[1]) if len(node.args) == 2 and set(options) <= {"axis"} else known(None)
    if isinstance(value, Grid | Sheet) and isinstance(by, Scalar) and options.get("axis") in (known(0), known(1)):
        return _rolled_matrix(m, sheets.of(m, value), by, options["axis"] == known(0), node)
    if options or not isinstance(value, RowRef | Vector) or not isinstance(by, Scalar) or by.term.kind != "int":
        raise m.stop("np.roll with these arguments", node, "E0315")
    v = arrays.vector(m, value)
    if v.part or v.items is not None:
        raise m.stop("np.roll of this object", node, "E0315")
    size = v.length if m.holds(T.compare(">", v.length, T.ZERO)) else T.func("max", (v.length, T.ONE), "int")
    return Vector(v.length, lambda k: v.at(T.arith("%", T.sub(k, by.term), size)))


def _flipped(down: bool) -> Handler:
    """``np.flipud(A)`` and ``np.fliplr(A)``: rows, or columns, from the last to the first, as another look at A."""

    def handler(m: Machine, node: ast.Call) -> Value:
        value = argument(m, node.args[0])
        sheet, ask, last = sheets.of(m, value), _unchanged(m, value), T.sub(T.N, T.ONE)
        if not sheets.is_whole(sheet):
            raise m.stop("a matrix that is not n by n", node, "E0315")
        named = isinstance(value, Grid) and aliases.holders(m, lambda v: isinstance(v, Grid) and v == value) > 0

        def at(r: Term, c: Term) -> Scalar:
            ask()
            return sheet.at(T.sub(last, r), c) if down else sheet.at(r, T.sub(last, c))

        return Sheet(at, own=isinstance(value, Grid) and not named, seen=value if named else sheet.seen or sheet)

    return handler


TRIANGLES: dict[str, Handler] = {
    "fliplr": _flipped(False),
    "flipud": _flipped(True),
    "tril": _triangle("<="),
    "triu": _triangle(">="),
    "tri": _tri,
    "diag": _diag,
    "meshgrid": _meshgrid,
    "indices": _indices,
    "diag_indices": _diagonal_places,
    "tril_indices": _triangle_places("<="),
    "triu_indices": _triangle_places(">="),
    "expand_dims": _expanded,
    "tile": _tiled,
    "broadcast_to": _broadcast,
    "roll": _rolled,
}
__all__ = ["TRIANGLES", "E", "reshaped"]
