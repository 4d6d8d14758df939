"""numpy: the matrix, its rows, and vectors computed element by element."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import listed, matrices, slices
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import given, spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Loop, Machine
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    Grid,
    Opaque,
    PerRow,
    RowRef,
    Scalar,
    TupleValue,
    Value,
    Vector,
    known,
)


def is_array(v: Value) -> bool:
    return isinstance(v, Grid | RowRef | Vector | PerRow) or (isinstance(v, Opaque) and v.name in ("tril", "filled"))


def current(m: Machine, grid: Grid) -> str:
    """The matrix of a grid. Raises when the name stands for a state that a later step has overwritten."""
    if m.matrices[grid.matrix] != grid.version:
        raise m.stop("an earlier version of the matrix is used again", code="E0315")
    return grid.matrix


# ---------------------------------------------------------------- reading


def position(m: Machine, node: ast.expr, length: Term) -> Term:
    """An index expression as a place in [0, length)."""
    value = given(m, evaluate(m, node))
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
    matrix = current(m, grid)
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        row_node, column = index.elts
        if isinstance(row_node, ast.Slice):
            raise m.stop("a column of the matrix is read", code="E0315")
        row = position(m, row_node, T.N)
        whole = RowRef(matrix, row, T.N)
        if isinstance(column, ast.Slice):
            return _row_slice(m, whole, column)
        return _cell(m, whole, column)
    if isinstance(index, ast.Slice | ast.Tuple):
        raise m.stop("a block of the matrix is read", code="E0315")
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
        if v.part:
            raise m.stop("a slice of an array made of a list", code="E0315")
        if slices.is_backwards(m, index):
            backwards, last = v.at, T.sub(v.length, T.ONE)
            return Vector(v.length, lambda k: backwards(T.sub(last, k)))
        low, high = _range(m, index, v.length)
        at = v.at
        return Vector(T.sub(high, low), lambda k: at(T.add(k, low)))
    if isinstance(index, ast.Compare | ast.Tuple | ast.List):
        raise m.stop("an array is indexed by an array", code="E0315")
    if isinstance(v, RowRef):
        return _cell(m, v, index)
    if v.part:
        return listed.item(m, v.part, spread(m, lambda x: x, evaluate(m, index)))
    return v.at(position(m, index, v.length))


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
    """numpy's element by element operation of vectors, numbers, and a few forms of whole matrices."""
    if isinstance(a, Grid) or isinstance(b, Grid):
        return _grid_operation(m, a, b, op)
    if isinstance(a, PerRow) or isinstance(b, PerRow):
        return _per_row(m, a, b, compute)
    if isinstance(a, Opaque) or isinstance(b, Opaque):
        return _filled_operation(m, a, b, compute, op)
    left = vector(m, a) if isinstance(a, RowRef | Vector) else None
    right = vector(m, b) if isinstance(b, RowRef | Vector) else None
    if left is not None and right is not None and not _same_length(m, left, right):
        raise m.stop("vectors whose lengths may differ", code="E0315")
    if (left and left.part) or (right and right.part):
        return listed.elementwise(m, left or _as_numpy(a), right or _as_numpy(b), compute)
    shape = left or right
    assert shape is not None
    for other in (a, b):
        if not isinstance(other, RowRef | Vector | Scalar):
            raise m.stop("an array with this object", code="E0302")
    k = T.fresh("int")
    held = m.state.path
    m.state.path = m.state.along(T.compare(">=", k, T.ZERO), T.compare("<", k, shape.length))
    m.loops.append(Loop(Binder(k, T.ZERO, shape.length)))
    try:
        found = compute(left.at(k) if left else _as_numpy(a), right.at(k) if right else _as_numpy(b))
    finally:
        m.loops.pop()
        m.state.path = held
    if not isinstance(found, Scalar):
        raise m.stop("an array of objects", code="E0302")
    term = found.term
    return Vector(shape.length, lambda at: Scalar(T.subst(term, {k: at}), True))


def _same_length(m: Machine, a: Vector, b: Vector) -> bool:
    return (a.part is not None and b.part is not None) or m.holds(T.compare("==", a.length, b.length))


def _as_numpy(v: Value) -> Value:
    return Scalar(v.term, True) if isinstance(v, Scalar) else v


def _per_row(m: Machine, a: Value, b: Value, compute: Callable[[Value, Value], Value]) -> Value:
    r = T.fresh("int")
    left = a.at(r) if isinstance(a, PerRow) else _as_numpy(a)
    right = b.at(r) if isinstance(b, PerRow) else _as_numpy(b)
    found = compute(left, right)
    if not isinstance(found, Scalar):
        raise m.stop("a column of objects", code="E0302")
    term = found.term
    return PerRow(lambda at: Scalar(T.subst(term, {r: at}), True))


def _filled_operation(m: Machine, a: Value, b: Value, compute: Callable[[Value, Value], Value], op: str) -> Value:
    """``np.ones((n, n)) * 0.01`` and the like: one number everywhere."""
    left = a.data if isinstance(a, Opaque) and a.name == "filled" else a
    right = b.data if isinstance(b, Opaque) and b.name == "filled" else b
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        found = compute(left, right)
        return Opaque("filled", found)
    if any(isinstance(v, Opaque) and v.name == "tril" for v in (a, b)) and not m.loops:
        return elementwise(m, matrices.as_grid(m, a), matrices.as_grid(m, b), compute, op)
    raise m.stop("a matrix made this way", code="E0315")


# ---------------------------------------------------------------- whole matrices


def whole(m: Machine, op: str, grid: Grid, value: Callable[[Term, Term], Term]) -> Grid:
    """Change every cell; the result is a new array, the old one must not be used again."""
    matrix = current(m, grid)
    _outside_loops(m)
    row, column = T.fresh("int"), T.fresh("int")
    loops = [Loop(Binder(row, T.ZERO, T.N)), Loop(Binder(column, T.ZERO, T.N))]
    held = m.state.path
    m.loops.extend(loops)
    for loop in loops:
        m.state.path = m.state.along(*loop.binder.conditions())
    m.write(op, matrix, row, column, value(row, column))
    m.state.path = held
    m.loops.clear()
    return _next(m, grid)


def _outside_loops(m: Machine) -> None:
    if m.loops:
        raise m.stop("the whole matrix is changed inside a loop", code="E0315")


def _next(m: Machine, grid: Grid) -> Grid:
    m.matrices[grid.matrix] += 1
    return Grid(grid.matrix, m.matrices[grid.matrix])


def _grid_operation(m: Machine, a: Value, b: Value, op: str) -> Value:
    if isinstance(a, Grid) and op == "*" and isinstance(b, Opaque) and b.name == "tril":
        return mask(m, a)
    if isinstance(b, Grid) and op == "*" and isinstance(a, Opaque) and a.name == "tril":
        return mask(m, b)
    a, b = matrices.as_grid(m, a), matrices.as_grid(m, b)
    if isinstance(a, Grid) and isinstance(b, Grid):
        return matrices.combined(m, a, b, op)
    if isinstance(a, Grid) and isinstance(b, PerRow) and op == "/":
        return _divide_rows(m, a, b)
    if isinstance(a, Grid) and isinstance(b, Scalar) and op in ("*", "/", "+", "-"):
        matrix, term = a.matrix, T.as_number(b.term)
        current(m, a)
        if op == "/":
            term = T.arith("/", T.ONE, term) if T.is_const(term) and term.data else T.arith("ratio", T.ONE, term)
        return whole(
            m,
            "scale" if op in "*/" else "add",
            Grid(matrix, a.version),
            lambda r, c: T.neg(term) if op == "-" else term,
        )
    if isinstance(b, Grid) and isinstance(a, Scalar) and op in ("*", "+"):
        return _grid_operation(m, b, a, op)
    raise m.stop("arithmetic with the whole matrix", code="E0315")


def renamed(m: Machine, grid: Grid) -> Grid:
    """A copy of the whole matrix takes its place: the original must not be used again."""
    current(m, grid)
    _outside_loops(m)
    return _next(m, grid)


def mask(m: Machine, grid: Grid) -> Grid:
    matrix = current(m, grid)
    _outside_loops(m)
    m.write("mask", matrix, T.ZERO, T.ZERO, T.ZERO)
    return _next(m, grid)


def _divide_rows(m: Machine, grid: Grid, by: PerRow) -> Grid:
    matrix = current(m, grid)
    r = T.fresh("int")
    divisor = by.at(r).term
    total = T.row_stat(matrix, "sum", r, len(m.events))
    zero = T.compare("==", total, T.ZERO)
    if divisor is T.ite(zero, T.const(1.0), total) or divisor is T.ite(zero, T.ONE, total):
        _outside_loops(m)
        m.write("normalize", matrix, T.ZERO, T.ZERO, T.ZERO)
        return _next(m, grid)
    return whole(m, "scale", grid, lambda row, _: T.arith("ratio", T.ONE, T.subst(divisor, {r: row})))


def clip(m: Machine, value: Value, low: Value, high: Value) -> Value:
    """``np.clip`` and ``np.maximum``/``np.minimum`` with a number."""
    for bound, op, name in ((low, "raise", "max"), (high, "cap", "min")):
        if bound == known(None):
            continue
        if not isinstance(bound, Scalar):
            raise m.stop("np.clip with an array", code="E0315")
        limit = bound.term
        if isinstance(value, Grid):
            value = whole(m, op, value, lambda r, c, limit=limit: limit)  # type: ignore[misc]
        else:
            value = _clipped(m, value, name, limit)
    return value


def _clipped(m: Machine, value: Value, name: str, limit: Term) -> Value:
    def one(v: Value, bound: Value) -> Value:
        if not (isinstance(v, Scalar) and isinstance(bound, Scalar)) or "str" in (v.term.kind, bound.term.kind):
            raise m.stop("np.clip of this object", code="E0302")
        kind = "int" if v.term.kind == bound.term.kind == "int" else "float"
        return Scalar(T.func(name, (v.term, bound.term), kind), True)

    if isinstance(value, Scalar):
        return one(value, Scalar(limit))
    if not is_array(value):
        raise m.stop("np.clip of this object", code="E0302")
    return elementwise(m, value, Scalar(limit), one, name)


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
    length = shape.term
    if not m.holds(T.compare(">=", length, T.ZERO)):
        raise m.stop("an array whose length may be negative", code="E0315")
    return Vector(length, lambda k: Scalar(fill.term, True))


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
    if isinstance(value, Vector):
        from attndsl.dsl.pyimport.lift import tables

        if value.part:
            return value
        return tables.from_vector(m, value) or _row_of_its_own(m, value, hint)
    return value


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


def add_to_range(m: Machine, op: str, row: RowRef, value: Value) -> None:
    """``A[i, a:b] += x`` and the like."""
    k = T.fresh("int")
    binder = Binder(k, T.ZERO, row.length)
    own = vector(m, row)
    held = m.state.path
    m.loops.append(Loop(binder))
    m.state.path = m.state.along(*binder.conditions())
    other = vector(m, value).at(k) if is_array(value) else value
    if is_array(value) and not m.holds(T.compare("==", vector(m, value).length, row.length)):
        raise m.stop("vectors whose lengths may differ", code="E0315")
    if not isinstance(other, Scalar):
        raise m.stop("an array is changed by this object", code="E0302")
    column = T.add(k, row.start)
    if op in ("+", "-", "*"):
        term = T.neg(T.as_number(other.term)) if op == "-" else T.as_number(other.term)
        m.write("scale" if op == "*" else "add", row.matrix, row.row, column, term)
    else:
        found = binary(m, op, own.at(k), Scalar(other.term, True))
        assert isinstance(found, Scalar)
        m.write("set", row.matrix, row.row, column, found.term)
    m.state.path = held
    m.loops.pop()
