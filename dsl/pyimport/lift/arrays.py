"""numpy: the matrix, its rows, and vectors computed element by element."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import aliases, listed, matrices, sheets, slices
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import given, spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.rounding import near
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Grid,
    Opaque,
    RowRef,
    Scalar,
    Sheet,
    TupleValue,
    Value,
    Vector,
)

is_array = E.is_array
_UNKEPT = ("str", "num")  # texts; whole and other numbers, of which numpy makes an array of the one sort or the other


def current(m: Machine, grid: Grid) -> str:
    """The matrix of a grid. Raises when the name stands for a state that a later step has overwritten."""
    if m.matrices[grid.matrix] != grid.version:
        raise m.stop("an earlier version of the matrix is used again", code="E0315")
    return grid.matrix


# ---------------------------------------------------------------- reading


def position(m: Machine, node: ast.expr, length: Term) -> Term:
    """An index expression as a place in [0, length)."""
    return _whole(m, given(m, evaluate(m, node)), node, length)


def _whole(m: Machine, value: Value, node: ast.expr, length: Term) -> Term:
    if not (isinstance(value, Scalar) and value.term.kind == "int"):  # a truth value is a mask
        raise m.stop("an array index that is no whole number", node, "E0302")
    return C.wrapped(m, value.term, length)


def _range(m: Machine, index: ast.Slice, length: Term) -> tuple[Term, Term]:
    from attndsl.dsl.pyimport.lift.subscripts import bound

    if index.step is not None:
        raise m.stop("a slice with a step", code="E0303")
    start, stop = bound(m, index.lower), bound(m, index.upper)
    low = T.ZERO if start is None else slices.clamp(m, start, length)
    high = length if stop is None else slices.clamp(m, stop, length)
    return low, high


def grid_subscript(m: Machine, grid: Grid, index: ast.expr) -> Value:
    """``A[i]``, ``A[i, j]``, ``A[i, a:b]``."""
    from attndsl.dsl.pyimport.lift import masks

    matrix = current(m, grid)
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        row_node, column = index.elts
        if isinstance(row_node, ast.Slice):
            return sheets.column(m, matrix, row_node, column)
        row = position(m, row_node, T.N)
        whole = RowRef(matrix, row, T.N)
        if isinstance(column, ast.Slice):
            return _row_slice(m, whole, column)
        return _cell(m, whole, column)
    if isinstance(index, ast.Slice | ast.Tuple):
        raise m.stop("a block of the matrix is read", code="E0315")
    chosen = masks.chosen(m, grid, index)
    if chosen is not None:
        return chosen
    return RowRef(matrix, position(m, index, T.N), T.N)


def _row_slice(m: Machine, row: RowRef, index: ast.Slice) -> RowRef:
    low, high = _range(m, index, row.length)
    length = T.sub(high, low)
    if not m.holds(T.compare(">=", length, T.ZERO)):
        length = T.func("max", (length, T.ZERO), "int")
    return RowRef(row.matrix, row.row, length, T.add(row.start, low))


def _cell(m: Machine, row: RowRef, index: ast.expr) -> Scalar:
    at = position(m, index, row.length)
    return Scalar(m.read_cell(row.matrix, row.row, T.add(row.start, at)), True)


def vector_subscript(m: Machine, v: RowRef | Vector, index: ast.expr) -> Value:
    if isinstance(index, ast.Slice):
        if isinstance(v, RowRef):
            return _row_slice(m, v, index)
        return _vector_slice(m, v, index)
    if isinstance(index, ast.Tuple | ast.Constant):
        from attndsl.dsl.pyimport.lift import masks

        found = masks.chosen_of_line(m, v, index) or sheets.with_axis(
            m, v, index.elts if isinstance(index, ast.Tuple) else [index]
        )
        if found is not None:
            return found
    if isinstance(index, ast.Tuple | ast.List):
        raise m.stop("an array is indexed by an array", code="E0315")
    from attndsl.dsl.pyimport.lift import picking, tables

    at = spread(m, lambda x: tables.as_vector(m, x), evaluate(m, index))
    found = picking.by_array(m, v, at)
    if found is not None:
        return found
    if isinstance(v, Vector) and v.part:
        return listed.item(m, v.part, at)
    k = _whole(m, at, index, v.length)
    return v.at(k) if isinstance(v, Vector) else Scalar(m.read_cell(v.matrix, v.row, T.add(v.start, k)), True)


def _vector_slice(m: Machine, v: Vector, index: ast.Slice) -> Vector:
    """Part of an array, which shows its later changes: neither of the two may change from now on."""
    return replace(_cut(m, v, index), fixed=True, slice_of=v.slice_of, seen=v.seen or v)


def _cut(m: Machine, v: Vector, index: ast.Slice) -> Vector:
    if v.part:
        return listed.cut(m, v.part, index, v.untyped)
    if slices.is_backwards(m, index):
        if v.items is not None:
            return E.written(v.items[::-1])
        backwards, last = v.at, T.sub(v.length, T.ONE)
        return Vector(v.length, lambda k: backwards(T.sub(last, k)))
    low, high = _range(m, index, v.length)
    if v.items is not None and T.is_const(low) and T.is_const(high):
        return E.written(v.items[low.data : high.data])
    at = v.at
    length = T.sub(high, low)
    if not m.holds(T.compare(">=", length, T.ZERO)):
        length = T.func("max", (length, T.ZERO), "int")
    if v.items is not None:
        return E.counted(m, length, lambda k: at(T.add(k, low)))
    return Vector(length, lambda k: at(T.add(k, low)))


def vector(m: Machine, v: Value) -> Vector:
    """A row as it is now, element by element."""
    if isinstance(v, Vector):
        return v if v.slice_of is None else replace(v, slice_of=None)
    if not isinstance(v, RowRef):
        raise m.stop("a vector is needed here", code="E0302")
    k = T.fresh("int")
    m.read_stat(v.matrix, "sum", v.row)  # logs that the whole row is read here
    term = T.read(v.matrix, v.row, T.add(k, v.start), len(m.events))
    return Vector(v.length, lambda at: Scalar(T.subst(term, {k: at}), True))


def elementwise(m: Machine, a: Value, b: Value, compute: Callable[[Value, Value], Value], op: str) -> Value:
    """numpy's operation of two arrays, or of one and a number; some change a whole matrix in its place."""
    found: Value | None = None
    if isinstance(a, Grid) or isinstance(b, Grid):
        found = _grid_operation(m, a, b, op)
    elif isinstance(a, Opaque) or isinstance(b, Opaque):
        found = _filled_operation(m, a, b, compute, op)
    if found is not None:
        return found
    return E.apply(m, compute, a, b)


def _filled_operation(
    m: Machine, a: Value, b: Value, compute: Callable[[Value, Value], Value], op: str
) -> Value | None:
    """``np.ones((n, n)) * 0.01`` and the like: one number everywhere."""
    left = a.data if isinstance(a, Opaque) and a.name == "filled" else a
    right = b.data if isinstance(b, Opaque) and b.name == "filled" else b
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        found = compute(left, right)
        return Opaque("filled", found)
    tril = any(isinstance(v, Opaque) and v.name == "tril" for v in (a, b))
    if tril and not m.loops and op in "+-*/" and not any(isinstance(v, Sheet | Vector | RowRef) for v in (a, b)):
        return elementwise(m, matrices.as_grid(m, a), matrices.as_grid(m, b), compute, op)
    return None


# ---------------------------------------------------------------- whole matrices


def whole(m: Machine, op: str, grid: Grid, value: Callable[[Term, Term], Term]) -> Grid:
    """Change every cell; the result is a new array, the old one must not be used again."""
    matrix = current(m, grid)
    _outside_loops(m)
    row, column = T.fresh("int"), T.fresh("int")
    loops = [Loop(Binder(row, T.ZERO, T.N)), Loop(Binder(column, T.ZERO, T.N))]
    held = m.state.path
    m.whole.add(row)
    m.loops.extend(loops)
    for loop in loops:
        m.state.path = m.state.along(*loop.binder.conditions())
    m.write(op, matrix, row, column, value(row, column))
    m.state.path = held
    m.loops.clear()
    return _next(m, grid, 1)


def _outside_loops(m: Machine) -> None:
    if m.loops:
        raise m.stop("the whole matrix is changed inside a loop", code="E0315")


def _next(m: Machine, grid: Grid, made: int = 0) -> Grid:
    """The matrix under its next version, of which the last ``made`` events are the first ones."""
    aliases.forget_rows(m, grid.matrix)
    key, at = (grid.matrix, m.matrices[grid.matrix]), len(m.events) - made
    m.replaced[key] = min(m.replaced.get(key, at), at)
    m.matrices[grid.matrix] += 1
    return Grid(grid.matrix, m.matrices[grid.matrix])


def _grid_operation(m: Machine, a: Value, b: Value, op: str) -> Value | None:
    """The operations that change the matrix in its place, so that they read as rules; None for others."""
    if isinstance(a, Grid) and op == "*" and isinstance(b, Opaque) and b.name == "tril":
        return _multiplied_mask(m, a)
    if isinstance(b, Grid) and op == "*" and isinstance(a, Opaque) and a.name == "tril":
        return _multiplied_mask(m, b)
    a, b = matrices.as_grid(m, a), matrices.as_grid(m, b)
    if isinstance(a, Grid) and isinstance(b, Grid) and op in ("+", "-", "*") and a.matrix != b.matrix:
        return matrices.combined(m, a, b, op)
    if isinstance(a, Grid) and isinstance(b, Sheet) and not b.wide and op == "/":
        return _divide_rows(m, a, b)
    if isinstance(a, Grid) and isinstance(b, Scalar) and b.term.kind != "str" and op in ("*", "/", "+", "-"):
        matrix, term = a.matrix, T.as_number(b.term)
        current(m, a)
        if op == "/":
            return _divided(m, a, lambda r, c: term)
        return whole(
            m,
            "scale" if op == "*" else "add",
            Grid(matrix, a.version),
            lambda r, c: T.neg(term) if op == "-" else term,
        )
    if isinstance(b, Grid) and isinstance(a, Scalar) and op in ("*", "+"):
        return _grid_operation(m, b, a, op)
    if isinstance(a, Grid) and isinstance(b, Sheet | Vector | RowRef) and op in ("*", "+", "-"):
        return _changed(m, a, sheets.of(m, b), op)
    if isinstance(b, Grid) and isinstance(a, Sheet | Vector | RowRef) and op in ("*", "+"):
        return _changed(m, b, sheets.of(m, a), op)
    return None


def _changed(m: Machine, grid: Grid, by: Sheet, op: str) -> Value | None:
    """The matrix with a formula added to it or multiplied with it."""
    if m.loops:
        return None

    def cell(r: Term, c: Term) -> Term:
        term = T.as_number(by.at(r, c).term)
        return T.neg(term) if op == "-" else term

    return whole(m, "scale" if op == "*" else "add", grid, cell)


def renamed(m: Machine, grid: Grid) -> Grid:
    """A copy of the whole matrix takes its place: the original must not be used again."""
    current(m, grid)
    _outside_loops(m)
    return _next(m, grid)


def mask(m: Machine, grid: Grid) -> Grid:
    matrix = current(m, grid)
    _outside_loops(m)
    m.write("mask", matrix, T.ZERO, T.ZERO, T.ZERO)
    return _next(m, grid, 1)


def _multiplied_mask(m: Machine, grid: Grid) -> Grid:
    """``A * np.tril(np.ones((n, n)))``: nan and infinite numbers stay, or become nan."""
    m.masked.append((grid.matrix, len(m.events)))
    return mask(m, grid)


def _divide_rows(m: Machine, grid: Grid, by: Sheet) -> Grid:
    matrix = current(m, grid)
    r = T.fresh("int")
    divisor = by.at(r, T.ZERO).term
    total = T.row_stat(matrix, "sum", r, len(m.events))
    zero = T.compare("==", total, T.ZERO)
    by_sum = divisor is T.ite(zero, T.const(1.0), total) or divisor is T.ite(zero, T.ONE, total)
    if by_sum and not (m.by_cell and m.holds_more()):
        _outside_loops(m)
        m.write("normalize", matrix, T.ZERO, T.ZERO, T.ZERO)
        return _next(m, grid, 1)
    return _divided(m, grid, lambda row, _: T.subst(divisor, {r: row}))


def _divided(m: Machine, grid: Grid, by: Callable[[Term, Term], Term]) -> Grid:
    """Each cell divided: as a factor, which is the better rule, unless something asks for the very quotient."""

    def quotient(a: Term, b: Term) -> Term:
        return T.arith("/" if T.is_const(b) and b.data else "ratio", a, b)

    if m.exactly:
        return whole(m, "set", grid, lambda r, c: quotient(m.read_cell(grid.matrix, r, c), by(r, c)))
    return whole(m, "scale", grid, lambda r, c: near(quotient(T.ONE, by(r, c))))


# ---------------------------------------------------------------- making arrays


def zeros(m: Machine, shape: Value, fill: Scalar, hint: str) -> Value:
    """``np.zeros(shape)``, ``np.ones``, ``np.full``."""
    if isinstance(shape, TupleValue) and len(shape.items) == 2:
        if not all(isinstance(s, Scalar) and m.holds(T.compare("==", s.term, T.N)) for s in shape.items):
            raise m.stop("a matrix that is not n by n", code="E0315")
        return Opaque("filled", fill)
    if isinstance(shape, TupleValue) and len(shape.items) == 1:
        shape = shape.items[0]
    if not (isinstance(shape, Scalar) and shape.term.kind == "int"):
        raise m.stop("the shape of an array", code="E0315")
    return E.counted(m, shape.term, lambda k: Scalar(fill.term, True))


def materialize(m: Machine, value: Value, hint: str) -> Value:
    """Give an array a place of its own, so that it can be changed: when a name is bound to it."""
    if isinstance(value, Opaque) and value.name == "filled":
        name = m.new_matrix(hint, T.ZERO)
        grid = Grid(name, 0)
        if value.data.term not in (T.ZERO, T.const(0.0)):
            if m.loops:
                raise m.stop("a matrix is made inside a loop", code="E0315")
            grid = whole(m, "set", grid, lambda r, c: value.data.term)
        elif m.loops:
            raise m.stop("a matrix is made inside a loop", code="E0315")
        return grid
    if isinstance(value, Sheet) and isinstance(value.seen, Grid | RowRef):
        raise m.stop("another look at the matrix under a name of its own", code="E0315")
    if sheets.is_whole(value) and isinstance(value, Sheet) and sheets.of_numbers(value) and not m.loops:
        return sheets.placed(m, value, hint)
    if isinstance(value, TupleValue):
        return held(m, value)
    if isinstance(value, Vector):
        from attndsl.dsl.pyimport.lift import tables

        if value.slice_of == sheets.A_MATRIX:
            raise m.stop("a part of the matrix under a name of its own", code="E0315")
        untyped = value.untyped is not T.FALSE
        if value.part or value.items is not None or value.fixed or untyped or E.probe(value).term.kind in _UNKEPT:
            return value
        return tables.from_vector(m, value) or _row_of_its_own(m, value, hint)
    return value


def held(m: Machine, value: Value) -> Value:
    """An item of a tuple, list or dict: a matrix gets its place, and a vector without one is not changed from now on,
    so that whoever takes it out finds the same array."""
    if isinstance(value, TupleValue):
        return TupleValue(tuple(held(m, v) for v in value.items))
    if isinstance(value, Vector):
        named = aliases.holders(m, lambda v: v is value)  # then it is known to have more than one holder
        return value if named else replace(value, fixed=True)
    return materialize(m, value, "item") if isinstance(value, Opaque | Sheet) else value


def _row_of_its_own(m: Machine, value: Vector, hint: str) -> Value:
    row: Term = T.ZERO
    if m.loops:
        if len(m.loops) > 1 or m.loops[0].binder.over_words:
            return value
        row = m.loops[0].binder.var
    if not m.holds(T.compare("<=", value.length, T.N)):
        return value
    name = m.new_matrix(hint, row)
    m.lengths[name] = value.length
    k = T.fresh("int")
    first = value.at(k).term
    if first not in (T.ZERO, T.const(0.0)):
        store_range(m, name, row, T.ZERO, value)
    return RowRef(name, row, value.length)


def store_range(m: Machine, matrix: str, row: Term, start: Term, value: Value, length: Term | None = None) -> None:
    """Set the cells start.. of a row to a vector or a number."""
    size = value.length if isinstance(value, Vector) else length
    assert size is not None
    k = T.fresh("int")
    binder = Binder(k, T.ZERO, size)
    held = m.state.path
    m.loops.append(Loop(binder))
    m.state.path = m.state.along(*binder.conditions())
    term = value.at(k).term if isinstance(value, Vector) else T.as_number(value.term)  # type: ignore[attr-defined]
    m.write("set", matrix, row, T.add(k, start), term)
    m.state.path = held
    m.loops.pop()
