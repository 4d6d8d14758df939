"""Python statements, executed symbolically."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import replace

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import (
    aliases,
    arrays,
    blocks,
    cells,
    defaults,
    dicts,
    elementwise,
    fancy,
    lists,
    masks,
    matrices,
    sheets,
    shifting,
    steps,
    tables,
    walks,
)
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import given, sequence, settle, spread
from attndsl.dsl.pyimport.lift.evaluate import _BINARY, MODULES, condition, evaluate
from attndsl.dsl.pyimport.lift.folds import extreme
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import merge_states
from attndsl.dsl.pyimport.lift.operators import binary
from attndsl.dsl.pyimport.lift.row_changes import add_to_range
from attndsl.dsl.pyimport.lift.stores import _is_dict, _numeric, only_holder, placed_to_change, store
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.tries import run_try
from attndsl.dsl.pyimport.lift.values import (
    CellRow,
    CellTable,
    Choice,
    Closure,
    Grid,
    NoneValue,
    Opaque,
    Ref,
    RowRef,
    Scalar,
    Sheet,
    TupleValue,
    Unbound,
    Value,
    Vector,
)


def run(m: Machine, body: Sequence[ast.stmt]) -> bool:
    """Execute statements; False when control never reaches their end."""
    for node in body:
        m.step(node)
        handler = _STATEMENTS.get(type(node))
        if handler is None:
            raise m.stop(f"the statement {type(node).__name__}", node, "E0303")
        if not handler(m, node):
            return False
    return True


# ---------------------------------------------------------------- assignments


def _assign(m: Machine, node: ast.Assign) -> bool:
    if shifting.stored(m, node):
        return True
    value = evaluate(m, node.value)
    for target in node.targets:
        store(m, target, value, node)
        if isinstance(target, ast.Name):  # an array has got its place, which other names share
            value = m.state.frames[m.frames[-1].key][target.id]
    return True


def _ann_assign(m: Machine, node: ast.AnnAssign) -> bool:
    if node.value is not None:
        store(m, node.target, evaluate(m, node.value), node)
    return True


def _aug_assign(m: Machine, node: ast.AugAssign) -> bool:
    op = _BINARY.get(type(node.op))
    if isinstance(node.target, ast.Name):
        _aug_name(m, node, op)
        return True
    if not isinstance(node.target, ast.Subscript):
        raise m.stop("this augmented assignment", node, "E0303")
    if shifting.stored(m, node):
        return True
    base = placed_to_change(m, node.target.value, spread(m, lambda v: v, evaluate(m, node.target.value)))
    written = len(m.events)
    value = evaluate(m, node.value)
    own = base.matrix if isinstance(base, Grid | RowRef | CellTable | CellRow) else None
    if any(e.matrix == own and e.op != "check" for e in m.events[written:]):  # Python has read the item before
        raise m.stop("an item is changed by a value that changes the matrix", node, "E0311")
    m.node = node
    if isinstance(base, CellTable | CellRow) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Div):
        cells.combine(m, base, node, value)
        return True
    if op is None:
        raise m.stop("this augmented assignment", node, "E0303")
    _change_items(m, base, op, value, node, node.target.slice)
    return True


def _change_items(m: Machine, base: Value, op: str, value: Value, node: ast.AugAssign, index: ast.expr) -> None:
    """``base[index] op= value``."""
    if isinstance(base, CellTable | CellRow):
        base = cells.changed_by(m, base, op, value, node)
    if isinstance(base, Ref) and _is_dict(m, base):
        key = given(m, evaluate(m, index))
        old = dicts.lookup(m, base, key)
        dicts.assign(m, base, key, spread(m, lambda a, b: binary(m, op, a, b), old, value))
        return
    if isinstance(base, Grid) and masks.update(m, op, base, index, value, node):
        return
    if isinstance(base, Grid) and isinstance(index, ast.Tuple) and index.elts and isinstance(index.elts[0], ast.Slice):
        line = isinstance(value, Vector)
        blocks.update_column(m, op, base, index, value if line else spread(m, _numeric(m), value), node)
        return
    row, at = _cell_of(m, base, index, node)
    if isinstance(at, tuple):
        number = value if isinstance(value, Vector) and not steps.has_one(index) else spread(m, _numeric(m), value)
        fancy.update(m, row, at, number, lambda k, x: _update_cell(m, op, row, T.add(row.start, k), x, node))
        return
    if at is None:
        add_to_range(m, op, row, spread(m, lambda v: v, value))
        return
    value = spread(m, _numeric(m), value)
    assert isinstance(value, Scalar)
    _update_cell(m, op, row, at, value, node)


def _cell_of(m: Machine, base: Value, index: ast.expr, node: ast.AST) -> tuple[RowRef, Term | fancy.Places | None]:
    """The row and place (or places) that an augmented assignment changes; no place for a slice."""
    if isinstance(base, Grid):
        matrix = arrays.current(m, base)
        if isinstance(index, ast.Tuple) and len(index.elts) == 2 and not isinstance(index.elts[0], ast.Slice):
            row = RowRef(matrix, arrays.position(m, index.elts[0], T.N), T.N)
            index = index.elts[1]
        elif not isinstance(index, ast.Slice | ast.Tuple):
            return RowRef(matrix, arrays.position(m, index, T.N), T.N), None
        else:
            raise m.stop("a block of the matrix is changed", node, "E0315")
    elif isinstance(base, RowRef):
        row = base
    else:
        raise m.stop("an item of this object is changed", node, "E0311")
    if isinstance(index, ast.Slice) and index.step is not None:
        return row, steps.places(m, index, row.length)
    if isinstance(index, ast.Slice):
        return arrays._row_slice(m, row, index), None
    if isinstance(index, ast.Tuple):
        raise m.stop("an array is indexed by an array", node, "E0315")
    at = fancy.place(m, index, row.length)
    return row, T.add(row.start, at) if isinstance(at, Term) else at


def _update_cell(m: Machine, op: str, row: RowRef, at: Term, value: Scalar, node: ast.AST) -> None:
    t = value.term
    if op in ("+", "-"):
        m.write("add", row.matrix, row.row, at, T.neg(t) if op == "-" else t, node)
    elif op == "*":
        m.write("scale", row.matrix, row.row, at, t, node)
    else:
        own = Scalar(m.read_cell(row.matrix, row.row, at), True)
        found = binary(m, op, own, value)
        assert isinstance(found, Scalar)
        m.write("set", row.matrix, row.row, at, found.term, node)


def _aug_name(m: Machine, node: ast.AugAssign, op: str | None) -> None:
    assert isinstance(node.target, ast.Name)
    old = evaluate(m, ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target))
    value = evaluate(m, node.value)
    m.node = node
    old = spread(m, lambda v: v, old)
    if isinstance(old, RowRef) and op is not None:
        add_to_range(m, op, old, spread(m, lambda v: v, value))
        return
    if isinstance(old, Grid) and op is not None:
        changed = binary(m, op, old, spread(m, lambda v: v, value))
        if not isinstance(changed, Grid) and _is_seen(m, old):  # a grid is a later version of this one
            raise m.stop("a matrix that is known by other names is changed", node, "E0311")
        m.assign(node.target.id, changed)
        return
    if isinstance(old, Ref) and tables.is_array(m, old) and op is not None:
        tables.replace_items(m, old, spread(m, lambda a, b: binary(m, op, a, b), old, value))
        return
    if isinstance(old, Ref):
        is_set = lists.is_set(m, old)
        if (op == "+" and not is_set and sequence(m, value) is not None) or (
            isinstance(node.op, ast.BitOr) and is_set and isinstance(value, Ref) and lists.is_set(m, value)
        ):
            lists.extend_with(m, old, value)
            return
        raise m.stop("a list is changed this way", node, "E0311")
    if op is None or isinstance(old, CellTable | CellRow):
        raise m.stop("this augmented assignment", node, "E0303")
    if _is_seen(m, old):
        raise m.stop("an array that is known by other names is changed", node, "E0311")
    if isinstance(old, Vector | Sheet):
        walks.changed(m, old)
        m.assign(node.target.id, _changed_array(m, op, old, spread(m, lambda v: v, value), node))
        return
    found = spread(m, lambda a, b: binary(m, op, a, b), old, value)
    m.assign(node.target.id, arrays.materialize(m, found, node.target.id) if isinstance(old, Opaque) else found)


def _is_seen(m: Machine, old: Value) -> bool:
    """Something else shows the array, or one of the two that it may be: what is computed is no change of it."""
    match old:
        case Choice(then=then, other=other):
            return any(_is_seen(m, v) for v in (then, other))
        case Vector() | Sheet():
            return not only_holder(m, old)
        case Grid():
            return aliases.shown(m, old)
        case Opaque(name="transposed", data=below):
            return aliases.holders(m, lambda v: v is old) > 1 or aliases.holders(m, lambda v: v == below) > 0
        case Opaque():
            return aliases.holders(m, lambda v: v is old) > 1
    return isinstance(old, RowRef)


def _changed_array(m: Machine, op: str, old: Vector | Sheet, value: Value, node: ast.AST) -> Value:
    """``v /= v.sum()`` of an array that has no place of its own: the name gets another one."""
    if m.loops and old.own:
        raise m.stop("an array that is known by other names is changed", node, "E0311")
    found = spread(m, lambda a, b: binary(m, op, a, b), old, value)
    if elementwise.probe(old).term.kind == "str":
        raise m.stop("an array of texts is changed", node, "E0311")
    if not isinstance(found, Vector | Sheet):
        raise m.stop("an array is changed in an unusual way", node, "E0315")
    before, after = (elementwise.probe(x).term.kind for x in (old, found))
    if before not in ("int", "float") or (before == "int") != (after == "int"):
        raise m.stop("an array of this type is assigned another type", node, "E0315")
    return replace(found, fixed=True, own=True) if isinstance(found, Vector) and old.own else found


# ---------------------------------------------------------------- branches


def _if(m: Machine, node: ast.If) -> bool:
    c = condition(m, node.test)
    m.persist()
    if c is T.TRUE:
        return run(m, node.body)
    if c is T.FALSE:
        return run(m, node.orelse)
    base, versions = m.state, dict(m.matrices)
    m.state = base.fork(c)
    then_alive = run(m, node.body)
    then, changed = m.state, dict(m.matrices)
    m.matrices.update(versions)  # the other branch finds the matrices as they were
    m.state = base.fork(T.not_(c))
    other_alive = run(m, node.orelse)
    other = m.state
    matrices.rejoined(m, versions, [(then, changed), (other, dict(m.matrices))])
    if not then_alive and not other_alive:
        return False
    if then_alive and other_alive:
        m.state = merge_states(base, [(c, then), (T.not_(c), other)])
    else:
        m.state = then if then_alive else other
    return True


def _return(m: Machine, node: ast.Return) -> bool:
    value: Value = NoneValue() if node.value is None else _returned(m, node.value)
    m.persist()
    m.frames[-1].returns.append((m.state, value))
    return False


def _returned(m: Machine, node: ast.expr) -> Value:
    """The program's own ``return name, matrix``: the name does not matter, but making it may fail."""
    if len(m.frames) == 1 and isinstance(node, ast.Tuple) and len(node.elts) == 2:
        _make_name(m, node.elts[0])
        return TupleValue((Opaque("name"), sheets.returned(m, evaluate(m, node.elts[1]))))
    return evaluate(m, node)


def _make_name(m: Machine, node: ast.expr) -> None:
    match node:
        case ast.Constant():
            return
        case ast.JoinedStr(values=values):
            for part in values:
                if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
                    raise m.stop("a name with a format", part, "E0305")
                _make_name(m, part.value if isinstance(part, ast.FormattedValue) else part)
        case _:
            evaluate(m, node)


def _expression(m: Machine, node: ast.Expr) -> bool:
    if not isinstance(node.value, ast.Constant):
        walks.check_safe(m, evaluate(m, node.value))
    return True


def _continue(m: Machine, node: ast.Continue) -> bool:
    m.flows[-1].continues.append(m.state)
    return False


def _break(m: Machine, node: ast.Break) -> bool:
    m.flows[-1].breaks.append(m.state)
    return False


def _import(m: Machine, node: ast.Import | ast.ImportFrom) -> bool:
    allowed = {*MODULES.values(), "typing", "spacy"}
    for alias in node.names:
        module = alias.name if isinstance(node, ast.Import) else str(node.module)
        if module.split(".")[0] not in allowed:
            raise m.stop(f"the import of {module!r}", node, "E0303")
        if isinstance(node, ast.Import):
            if alias.name in MODULES.values() or alias.name == "spacy":
                m.assign(alias.asname or alias.name, Opaque(alias.name))
        elif module in ("numpy", "math", "collections", "itertools", "re") or (module, alias.name) == ("spacy", "load"):
            m.assign(alias.asname or alias.name, Opaque("function", f"{module}.{alias.name}"))
    return True


def _define(m: Machine, node: ast.FunctionDef) -> bool:
    if node.decorator_list or any(isinstance(x, ast.Nonlocal | ast.Yield | ast.Global) for x in pytree.walk(node)):
        raise m.stop("a nested function of this kind", node, "E0307")
    m.assign(node.name, Closure(node, m.frames[-1].key, defaults.values(m, node)))
    return True


def _skip(m: Machine, node: ast.stmt) -> bool:
    return True


def _delete(m: Machine, node: ast.Delete) -> bool:
    for target in node.targets:
        if not isinstance(target, ast.Name):
            raise m.stop("an item is deleted", node, "E0303")
        settle(m, m.lookup(target.id) or Unbound("it is not set yet"), target)
        m.assign(target.id, Unbound("it was deleted", True))
    return True


def _assert(m: Machine, node: ast.Assert) -> bool:
    """The program fails where the condition does not hold."""
    m.require(condition(m, node.test), node)
    return True


def _for(m: Machine, node: ast.For) -> bool:
    from attndsl.dsl.pyimport.lift.loops import run_for

    return run_for(m, node)


def _while(m: Machine, node: ast.While) -> bool:
    from attndsl.dsl.pyimport.lift.loops import run_while

    return run_while(m, node)


_STATEMENTS: dict[type[ast.stmt], Callable[..., bool]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _ann_assign,
    ast.AugAssign: _aug_assign,
    ast.If: _if,
    ast.For: _for,
    ast.While: _while,
    ast.Return: _return,
    ast.Expr: _expression,
    ast.Continue: _continue,
    ast.Break: _break,
    ast.Pass: _skip,
    ast.Import: _import,
    ast.ImportFrom: _import,
    ast.FunctionDef: _define,
    ast.Assert: _assert,
    ast.Try: run_try,
    ast.Delete: _delete,
}
__all__ = ["extreme", "run", "settle"]
