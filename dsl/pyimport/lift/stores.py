"""Assignments to names, cells, rows and items."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import (
    aliases,
    arrays,
    blocks,
    cells,
    dicts,
    fancy,
    masks,
    matrices,
    sheets,
    steps,
    tables,
    walks,
)
from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import given, sequence, spread, unpacked
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import as_float, list_vector
from attndsl.dsl.pyimport.lift.sequences import bind_target
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    CellRow,
    CellTable,
    Choice,
    DictValue,
    Grid,
    Growing,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    TupleValue,
    Value,
    Vector,
)


def store(m: Machine, target: ast.expr, value: Value, node: ast.AST) -> None:
    m.node = node
    if isinstance(target, ast.Name):
        kept = (
            _in_place(m, target.id, value) or _taken_in(m, target.id, value) or cells.placed(m, target.id, value, node)
        )
        made = kept if kept is not None else arrays.materialize(m, value, target.id)
        if isinstance(value, Vector):
            aliases.share(m, value, made)
        value = made
        if isinstance(value, Grid):
            aliases.replaced(m, value)
        _hint(m, target.id, value)
        m.assign(target.id, value)
    elif isinstance(target, ast.Subscript):
        base = evaluate(m, target.value)
        m.node = node
        base = placed_to_change(m, target.value, spread(m, lambda v: v, base))
        if isinstance(base, Sheet | Vector) and isinstance(target.value, ast.Name):
            _require_made_here(m, target.value.id, node)
            m.assign(target.value.id, _masked(m, base, target.slice, value, node))
            return
        _store_item(m, base, target.slice, value, node)
    elif isinstance(target, ast.Tuple | ast.List):
        value = unpacked(m, value, target)
        if not (isinstance(value, TupleValue) and len(target.elts) == len(value.items)):
            bind_target(m, target, value)
            return
        for t, v in zip(target.elts, value.items, strict=True):
            store(m, t, v, node)
    else:
        bind_target(m, target, value)


def _require_made_here(m: Machine, name: str, node: ast.AST) -> None:
    """A changed array is another value of the name: nobody would see it of one that a loop or function finds made."""
    key = m.frames[-1].key
    there = [run for run in m.runs if run.start is not None and name in run.start.state.frames.get(key, {})]
    if name not in m.state.frames[key] or any(name not in run.names for run in there):
        raise m.stop("an array that was made before the loop is changed", node, "E0311")


def _in_place(m: Machine, name: str, value: Value) -> Value | None:
    """``w = w / w.sum()``: when nothing else holds the old vector, the new one may take its place."""
    old = m.state.frames[m.frames[-1].key].get(name)
    if not (isinstance(value, Vector) and isinstance(old, RowRef) and m.loops):
        return None
    if old.row is not m.loops[0].binder.var or len(m.loops) != 1 or old.start is not T.ZERO:
        return None
    if value.length is not old.length or m.lengths.get(old.matrix) is not old.length:
        return None
    matrix = old.matrix
    if aliases.holders(m, lambda v: isinstance(v, RowRef) and v.matrix == matrix) != 1:
        return None
    arrays.store_range(m, old.matrix, old.row, T.ZERO, value)
    return old


def _taken_in(m: Machine, name: str, value: Value) -> Value | None:
    """``A = np.where(mask, A, 0)``: the matrix of that name takes in what is computed from it."""
    old = m.state.frames[m.frames[-1].key].get(name)
    if m.loops or not isinstance(old, Grid) or not isinstance(value, Sheet) or not sheets.is_whole(value):
        return None
    current = m.matrices[old.matrix] == old.version
    if not current or not sheets.of_numbers(value) or not sheets.reads(m, value, old.matrix):
        return None
    return sheets.replaced(m, old, value)


def only_holder(m: Machine, value: Value) -> bool:
    """One name holds the array, and none a part of it: then the name may get another one instead."""
    if isinstance(value, Sheet | Vector) and not value.own and (isinstance(value, Sheet) or value.fixed):
        return False
    shown = aliases.holders(m, lambda v: isinstance(v, Vector | Sheet) and _first_of(v.seen) is _first_of(value))
    return aliases.holders(m, lambda v: v is value) == 1 and not shown


def _first_of(v: Value | None) -> Value | None:
    """What the array was before a loop said it in other terms, as it says those that show it."""
    return v.origin or v if isinstance(v, Vector) else v


def placed_to_change(m: Machine, node: ast.expr, base: Value) -> Value:
    """``np.tril(np.ones((n, n)))`` gets a place when a cell of it is changed."""
    if not (isinstance(base, Opaque) and base.name == "tril" and isinstance(node, ast.Name)) or m.loops:
        return base
    if aliases.holders(m, lambda v: v == base) != 1:
        raise m.stop("a matrix that is known by other names is changed", node, "E0311")
    found = matrices.as_grid(m, base)
    m.assign(node.id, found)
    return found


def _masked(m: Machine, base: Sheet | Vector, index: ast.expr, value: Value, node: ast.AST) -> Value:
    """``sums[sums == 0] = 1``, and ``v[0] = 1`` of a vector that has no place of its own."""
    mask = spread(m, lambda v: tables.as_vector(m, v), evaluate(m, index)) if not isinstance(index, ast.Slice) else None
    at: Term | None = None
    if isinstance(mask, Scalar) and mask.term.kind == "int" and isinstance(base, Vector):
        at = C.wrapped(m, mask.term, base.length)
        mask = E.apply(m, lambda k: Scalar(T.compare("==", k.term, at)), _numbered(base))
    walks.changed(m, base, None if at is None else Scalar(at))
    if m.loops and base.own:
        raise m.stop("an array that was made before the loop is changed", node, "E0311")
    mask = _fitting(m, base, mask)
    if mask is None or not isinstance(value, Scalar) or not only_holder(m, base):
        raise m.stop("an array is changed in an unusual way", node, "E0315")

    def one(old: Value, c: Value) -> Value:
        if not (isinstance(old, Scalar) and isinstance(c, Scalar) and c.term.kind == "bool"):
            raise m.stop("an array is changed in an unusual way", node, "E0315")
        return Scalar(T.ite(c.term, _as_stored(m, value.term, old.term), old.term), True)

    found = E.apply(m, one, base, mask)
    if isinstance(found, Vector) and base.own:
        return replace(found, fixed=True, own=True)
    return found


def _fitting(m: Machine, base: Sheet | Vector, mask: Value | None) -> Value | None:
    """The mask as it lies on the array, where it has the array's shape or chooses rows of it: numpy stretches none."""
    if isinstance(base, Vector):
        return mask if isinstance(mask, Vector) else None
    if isinstance(mask, Vector):
        return sheets.turned(sheets.of(m, mask)) if base.tall else None
    return mask if isinstance(mask, Sheet) and (mask.tall, mask.wide) == (base.tall, base.wide) else None


def _numbered(v: Vector) -> Vector:
    if v.items is not None:
        return E.written(tuple(Scalar(T.const(k)) for k in range(len(v.items))))
    return replace(v, at=lambda k: Scalar(k, True), part=None)


def _as_stored(m: Machine, t: Term, old: Term) -> Term:
    """The number in an array of the old one's kind."""
    if "str" in (t.kind, old.kind):
        raise m.stop("an array of texts is changed", code="E0311")
    if old.kind == "bool":
        return t if t.kind == "bool" else T.compare("!=", t, T.ZERO)
    t = T.as_number(t)
    if old.kind == "int" and T.is_const(t) and t.kind == "float" and float(t.data).is_integer():
        return T.const(int(t.data))
    if old.kind in ("int", "num") and t.kind != "int":  # the second may hold whole numbers only
        raise m.stop("an array of this type is assigned another type", code="E0315")
    return t if old.kind == "int" else as_float(t)


def _hint(m: Machine, name: str, value: Value) -> None:
    """Remember what the author called this."""
    term = getattr(value, "term", None)
    if isinstance(term, Term) and len(term.free) == 1 and not name.startswith("_"):
        m.hints.setdefault(term, name)


def _store_item(m: Machine, base: Value, index: ast.expr, value: Value, node: ast.AST) -> None:
    match base:
        case Grid():
            _store_grid(m, base, index, value, node)
        case CellTable() | CellRow():
            cells.store(m, base, index, value, node)
        case RowRef():
            _store_row(m, base, index, value, node)
        case Ref() if isinstance(index, ast.Slice) and tables.is_array(m, base):
            low, high = arrays._range(m, index, tables.length_of(m, base))
            tables.fill(m, base, low, high, spread(m, lambda v: v, value))
        case Ref() if _is_dict(m, base) or _becomes_table(m, base):
            dicts.assign(m, base, given(m, evaluate(m, index)), value)
        case _:
            raise m.stop("an item of this object is assigned", node, "E0311")


def _is_dict(m: Machine, ref: Ref) -> bool:
    found = m.state.heap.get(ref.key)
    return isinstance(found, DictValue) or (isinstance(found, Growing) and found.is_dict)


def _becomes_table(m: Machine, ref: Ref) -> bool:
    """A list of one item per place may have its items assigned, as long as it was not stored elsewhere."""
    found = m.mutable(ref, told=True)
    if not isinstance(found, Seq) or ref.key in m.frozen:
        return False
    table = tables.from_list(found)
    if table is not None:
        m.state.heap[ref.key] = table
    return table is not None


def _store_grid(m: Machine, grid: Grid, index: ast.expr, value: Value, node: ast.AST) -> None:
    matrix = arrays.current(m, grid)
    if not isinstance(index, ast.Compare | ast.Slice) and masks.store(m, grid, index, value, node):
        return
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        row_node, column = index.elts
        if isinstance(row_node, ast.Slice):
            blocks.store_column(m, matrix, row_node, column, value, node)
            return
        found = fancy.pairs(m, index)
        if found is not None:
            binder, r, c = found
            with fancy.each(m, Part((binder,), T.TRUE, Scalar(binder.var)), binder.high):
                at = C.wrapped(m, r, T.N), C.wrapped(m, c, T.N)
                _store_cell(m, RowRef(matrix, at[0], T.N), at[1], spread(m, _numeric(m), value), node)
            return
        row = RowRef(matrix, arrays.position(m, row_node, T.N), T.N)
        if isinstance(column, ast.Slice):
            _store_slice(m, row, column, value, node)
        else:
            _store_places(m, row, fancy.place(m, column, T.N), value, node)
        return
    if isinstance(index, ast.Slice | ast.Tuple):
        raise m.stop("a block of the matrix is assigned", node, "E0315")
    if isinstance(index, ast.Compare):
        if not masks.store(m, grid, index, value, node):
            raise m.stop("a block of the matrix is assigned", node, "E0315")
        return
    _fill(m, RowRef(matrix, arrays.position(m, index, T.N), T.N), value, node)


def _store_row(m: Machine, row: RowRef, index: ast.expr, value: Value, node: ast.AST) -> None:
    if isinstance(index, ast.Slice):
        _store_slice(m, row, index, value, node)
    elif isinstance(index, ast.Tuple):
        raise m.stop("an array is indexed by an array", node, "E0315")
    else:
        _store_places(m, row, fancy.place(m, index, row.length), value, node)


def _store_places(m: Machine, row: RowRef, at: Term | fancy.Places, value: Value, node: ast.AST) -> None:
    if isinstance(at, Term):
        _store_cell(m, row, T.add(row.start, at), value, node)
        return
    number = value if isinstance(value, Vector) else spread(m, _numeric(m), value)
    fancy.store(m, row, at, number, lambda k, v: _store_cell(m, row, T.add(row.start, k), v, node))


def _store_slice(m: Machine, row: RowRef, index: ast.Slice, value: Value, node: ast.AST) -> None:
    if index.step is not None:
        _store_places(m, row, steps.places(m, index, row.length), spread(m, _numeric(m), value), node)
        return
    part = arrays._row_slice(m, row, index)
    _fill(m, part, value, node)


def _fill(m: Machine, part: RowRef, value: Value, node: ast.AST) -> None:
    """Assign a vector, or one number, to all of a row's slice."""
    value = spread(m, lambda v: v, value)
    if isinstance(value, Choice):
        held = m.state.path
        for c, branch in ((value.condition, value.then), (T.not_(value.condition), value.other)):
            m.state.path = m.state.along(c)
            _fill(m, part, branch, node)
            m.state.path = held
        return
    if isinstance(value, RowRef | Vector):
        v = arrays.vector(m, value)
        if not m.holds(T.compare("==", v.length, part.length)):
            raise m.stop("vectors whose lengths may differ", node, "E0315")
        arrays.store_range(m, part.matrix, part.row, part.start, v)
    elif (items := sequence(m, value)) is not None and not items.is_set:  # numpy makes an array of the list
        _fill(m, part, list_vector(m, items), node)
    elif isinstance(value, Scalar) and value.term.kind in ("int", "float", "num", "bool"):
        arrays.store_range(m, part.matrix, part.row, part.start, value, part.length)
    else:
        raise m.stop("a row is assigned this object", node, "E0302")


def _store_cell(m: Machine, row: RowRef, at: Term, value: Value, node: ast.AST) -> None:
    value = spread(m, _numeric(m), value)
    assert isinstance(value, Scalar)  # alternatives of one kind are one
    op, term = _as_update(m, row, at, value.term)
    m.write(op, row.matrix, row.row, at, term, node)


def _numeric(m: Machine) -> Callable[[Value], Value]:
    def check(v: Value) -> Value:
        if not isinstance(v, Scalar) or v.term.kind == "str":
            raise m.stop("a cell is assigned this object", code="E0302")
        return Scalar(T.as_number(v.term), v.numpy)

    return check


def _as_update(m: Machine, row: RowRef, at: Term, term: Term) -> tuple[str, Term]:
    """``A[i, j] = max(A[i, j], x)`` raises the cell to at least x; likewise min, * and +."""
    own = T.read(row.matrix, row.row, at, len(m.events))
    if term.op == "func" and term.data in ("max", "min") and len(term.args) == 2 and own in term.args:
        other = term.args[1] if term.args[0] is own else term.args[0]
        if not _reads(other, row.matrix):
            if term.args[1] is own:  # Python keeps the first where the second is nan
                m.ordinary.append((own, tuple(m.loops)))
            return ("raise" if term.data == "max" else "cap"), other
    if term.op == "bin" and term.data in ("+", "*") and own in term.args and term.args[0] is not term.args[1]:
        other = term.args[1] if term.args[0] is own else term.args[0]
        if not _reads(other, row.matrix):
            return ("add" if term.data == "+" else "scale"), other
    return "set", term


def _reads(t: Term, matrix: str) -> bool:
    return any(x.op in ("read", "stat") and x.data[0] == matrix for x in T.walk(t))
