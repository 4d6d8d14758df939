"""A block of a matrix assigned from a block of another one: ``S[:, 1:] = M[:, :-1]``, ``S[1:, 1:] = M[:-1, :-1]``.

Each row of the one takes a part of a row of the other, which is another array: in which order, nobody sees.
"""

from __future__ import annotations

import ast

from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport.lift import arrays, blocks, cells, sheets
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import spread
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.making import as_float
from attndsl.dsl.pyimport.lift.row_changes import add_to_range
from attndsl.dsl.pyimport.lift.values import CellTable, Grid, RowRef, Scalar, Sheet, Vector


@frozen
class _Block:
    """A name and two slices."""

    name: str
    rows: ast.Slice
    columns: ast.Slice


def _block(node: ast.expr) -> _Block | None:
    match node:
        case ast.Subscript(
            value=ast.Name(id=name),
            slice=ast.Tuple(elts=[ast.Slice(step=None) as rows, ast.Slice(step=None) as columns]),
        ):
            return _Block(name, rows, columns)
    return None


def _shift(to: ast.Slice, of: ast.Slice) -> int | None:
    """How many rows further down the rows land: of ``:`` and ``:`` none, of ``k:`` and ``:-k`` k."""
    match to, of:
        case ast.Slice(lower=None, upper=None), ast.Slice(lower=None, upper=None):
            return 0
        case (
            ast.Slice(lower=ast.Constant(value=int() as k), upper=None),
            ast.Slice(lower=None, upper=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as other))),
        ) if k == other > 0:
            return k
        case (
            ast.Slice(lower=None, upper=ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as other))),
            ast.Slice(lower=ast.Constant(value=int() as k), upper=None),
        ) if k == other > 0:
            return -k
    return None


def stored(m: Machine, node: ast.Assign | ast.AugAssign) -> bool:
    """Carry out such an assignment; False for others."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) != 1 or not (isinstance(targets[0], ast.Subscript) and isinstance(node.value, ast.Subscript)):
        return False
    to, of = _block(targets[0]), _block(node.value)
    if to is None or of is None:
        return False
    op = {ast.Add: "+", ast.Mult: "*"}.get(type(node.op), "") if isinstance(node, ast.AugAssign) else "="
    down = _shift(to.rows, of.rows)
    if down is None or not op:
        return False
    bases = [x.value for x in (targets[0], node.value) if isinstance(x, ast.Subscript)]  # both are blocks
    into, source = (spread(m, lambda v: v, evaluate(m, x)) for x in bases)
    if not isinstance(into, Grid) or not isinstance(source, Grid | CellTable | Sheet):
        return False
    if isinstance(source, CellTable) and source.kind == "list":
        return False
    matrix = arrays.current(m, into)
    if isinstance(source, Grid | CellTable) and source.matrix == into.matrix:
        return False
    cell = cells.sheet(m, source) if isinstance(source, CellTable) else sheets.of(m, source)
    formula = cell.at(T.fresh("int"), T.fresh("int")).term
    own = any(isinstance(x.data, tuple) and into.matrix in x.data for x in T.walk(formula))
    if not sheets.is_whole(cell) or own:  # a formula that reads what is assigned here is computed before
        return False
    low, high = arrays._range(m, of.columns, T.N)
    wide = arrays._row_slice(m, RowRef(matrix, T.ZERO, T.N), to.columns)
    # Also where no row is there numpy compares the lengths.
    if not m.holds(T.compare("==", T.sub(high, low), wide.length)):
        raise m.stop("vectors whose lengths may differ", node, "E0315")
    with blocks._rows(m, to.rows) as r:
        row = T.sub(r, T.const(down))
        part = RowRef(matrix, r, wide.length, wide.start)
        line = Vector(wide.length, lambda k: _number(cell.at(row, T.add(k, low))), fixed=True)
        if op == "=":
            arrays.store_range(m, matrix, r, part.start, line)
        else:
            add_to_range(m, op, part, line)
    return True


def _number(x: Scalar) -> Scalar:
    return Scalar(as_float(T.as_number(x.term)), True)
