"""Python expressions -> symbolic values."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift import walks
from attndsl.dsl.pyimport.lift.basics import SETTLED, given, sequence, settle, spread, truth
from attndsl.dsl.pyimport.lift.comparisons import comparison
from attndsl.dsl.pyimport.lift.hints import SET_HINT
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import merge_values
from attndsl.dsl.pyimport.lift.operators import binary, set_operation
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Choice,
    Closure,
    DictValue,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    TupleValue,
    Unbound,
    Value,
    Vector,
    known,
    literal,
    numpy_of,
)

_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
MODULES = {
    "np": "numpy", "numpy": "numpy", "math": "math", "re": "re", "string": "string", "random": "random",
    "collections": "collections", "itertools": "itertools",
}  # fmt: skip

_MAY_BE_ITERATORS = frozenset((Seq, TupleValue, Choice))


def evaluate(m: Machine, node: ast.expr) -> Value:
    """The value of an expression in the machine's state. Raises NotLiftable."""
    m.step(node)
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise m.stop(f"{type(node).__name__} is outside what can be lifted", node, "E0303")
    found = handler(m, node)
    m.node = node
    return found


def _constant(m: Machine, node: ast.Constant) -> Value:
    try:
        return known(node.value)
    except TypeError:
        raise m.stop(f"a constant of type {type(node.value).__name__}", node, "E0303") from None


def _name(m: Machine, node: ast.Name) -> Value:
    found = m.lookup(node.id)
    if found is not None:
        if found.__class__ in _MAY_BE_ITERATORS:
            walks.check_unchanged(m, found)
        return found if found.__class__ in SETTLED else settle(m, found, node)
    if m.binds(node.id):
        return settle(m, Unbound("it is not set yet"), node)
    if node.id in m.volatile:
        raise m.stop(f"{node.id!r} has more than one value in the file", node, "E0311")
    if node.id in m.functions:
        return Closure(m.functions[node.id])
    if node.id in m.constants:
        with m.outside():
            value = evaluate(m, m.constants[node.id])
        if isinstance(value, Ref):
            m.frozen.add(value.key)
        return value
    if node.id in m.imports:
        target = m.imports[node.id]
        return Opaque(target) if target in MODULES.values() else Opaque("function", target)
    return Opaque(MODULES.get(node.id, "builtin"), node.id)


def _list(m: Machine, node: ast.List | ast.Set | ast.Tuple) -> Value:
    items = tuple(evaluate(m, e) for e in node.elts)
    if isinstance(node, ast.Tuple):
        return TupleValue(items)
    if isinstance(node, ast.Set):
        from attndsl.dsl.pyimport.lift.lists import hashed

        items = tuple(hashed(m, item) for item in items)
    from attndsl.dsl.pyimport.lift import arrays

    return m.allocate(literal(tuple(arrays.held(m, item) for item in items), isinstance(node, ast.Set)))


def _dict(m: Machine, node: ast.Dict) -> Value:
    from attndsl.dsl.pyimport.lift import arrays
    from attndsl.dsl.pyimport.lift.lists import hashed

    parts: list[Part] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            from attndsl.dsl.pyimport.lift import constants

            parts.extend(constants.unpacked(m, value))
            continue
        own = hashed(m, evaluate(m, key))
        parts.append(Part((), T.TRUE, TupleValue((own, arrays.held(m, evaluate(m, value))))))
    return m.allocate(DictValue(tuple(parts)))


def condition(m: Machine, node: ast.expr) -> Term:
    """The truth of an expression used as a condition."""
    if isinstance(node, ast.BoolOp):
        parts: list[Term] = []
        stop_at = isinstance(node.op, ast.Or)
        held = m.state.path
        try:
            for operand in node.values:
                c = condition(m, operand)
                parts.append(c)
                m.state.path = m.state.along(T.not_(c) if stop_at else c)
        finally:
            m.state.path = held
        return T.disj(parts) if stop_at else T.conj(parts)
    found = truth(m, evaluate(m, node))
    if m.holds(found):
        return T.TRUE
    return T.FALSE if m.fails(found) else found


def _boolop(m: Machine, node: ast.BoolOp) -> Value:
    is_or = isinstance(node.op, ast.Or)
    first, *rest = node.values
    value = evaluate(m, first)
    c = truth(m, value)
    for operand in rest:
        going = T.not_(c) if is_or else c
        if m.fails(going):
            break
        other = m.under(going, lambda operand=operand: evaluate(m, operand))  # type: ignore[misc]
        if operand is not rest[-1]:
            d = m.under(going, lambda other=other: Scalar(truth(m, other)))  # type: ignore[misc]
            assert isinstance(d, Scalar)
            c = T.disj((c, d.term)) if is_or else T.conj((c, d.term))
        if _is_truth(value) and _is_truth(other):
            assert isinstance(value, Scalar)
            assert isinstance(other, Scalar)
            pair = (value.term, other.term)
            value = Scalar(T.disj(pair) if is_or else T.conj(pair), numpy_of(value, other))
        else:
            value = merge_values(going, other, value)
    return value


def _is_truth(v: Value) -> bool:
    return isinstance(v, Scalar) and v.term.kind == "bool"


def _ifexp(m: Machine, node: ast.IfExp) -> Value:
    c = condition(m, node.test)
    if c is T.TRUE:
        return evaluate(m, node.body)
    if c is T.FALSE:
        return evaluate(m, node.orelse)
    then = m.under(c, lambda: evaluate(m, node.body))
    other = m.under(T.not_(c), lambda: evaluate(m, node.orelse))
    if isinstance(then, Vector) and isinstance(other, Vector):
        from attndsl.dsl.pyimport.lift import listed

        return listed.either(m, c, then, other) or merge_values(c, then, other)
    return merge_values(c, then, other)


def _binop(m: Machine, node: ast.BinOp) -> Value:
    op = _BINARY.get(type(node.op))
    left, right = evaluate(m, node.left), evaluate(m, node.right)
    if op is None:
        return _bit_operation(m, node, left, right)
    m.node = node
    left, right = (given(m, v) if isinstance(v, Choice) else v for v in (left, right))
    return spread(m, lambda a, b: binary(m, op, a, b), left, right)


def _bit_operation(m: Machine, node: ast.BinOp, left: Value, right: Value) -> Value:
    from attndsl.dsl.pyimport.lift import letters

    if isinstance(node.op, ast.BitXor):
        a, b = sequence(m, left), sequence(m, right)
        if a is not None and b is not None and a.is_set and b.is_set:
            return set_operation(m, "^", a, b)
    if isinstance(node.op, ast.BitAnd | ast.BitOr):
        symbol = "&" if isinstance(node.op, ast.BitAnd) else "|"
        found = letters.combined(m, symbol, left, right)
        if found is not None:
            return found
        from attndsl.dsl.pyimport.lift import arrays, listed, tables

        left, right = tables.as_vector(m, left), tables.as_vector(m, right)
        if arrays.is_array(left) or arrays.is_array(right):
            listed.typed(m, left, right)
            return arrays.elementwise(m, left, right, lambda x, y: of_truths(m, node.op, x, y), symbol)
        a, b = sequence(m, left), sequence(m, right)
        if a is not None and b is not None and a.is_set and b.is_set:
            return set_operation(m, symbol, a, b)
    return of_truths(m, node.op, left, right)


def of_truths(m: Machine, op: ast.operator, left: Value, right: Value) -> Value:
    """``a & b`` and ``a | b`` of truth values."""
    if isinstance(left, Scalar) and isinstance(right, Scalar) and left.term.kind == right.term.kind == "bool":
        numpy = True if True in (left.numpy, right.numpy) else left.numpy
        if isinstance(op, ast.BitAnd):
            return Scalar(T.conj((left.term, right.term)), numpy)
        if isinstance(op, ast.BitOr):
            return Scalar(T.disj((left.term, right.term)), numpy)
    raise m.stop("a bit operation", code="E0303")


def _unary(m: Machine, node: ast.UnaryOp) -> Value:
    if isinstance(node.op, ast.Not):
        return Scalar(T.not_(condition(m, node.operand)))
    value = evaluate(m, node.operand)
    if isinstance(node.op, ast.USub | ast.UAdd):
        from attndsl.dsl.pyimport.lift import arrays, tables

        value = tables.as_vector(m, value)
        minus = isinstance(node.op, ast.USub)

        def signed(v: Value) -> Value:
            if arrays.is_array(v):
                times = known(-1 if minus else 1)
                return arrays.elementwise(m, times, v, lambda x, y: binary(m, "*", x, number(y)), "*")
            found = number(v)
            return Scalar(T.neg(found.term) if minus else found.term, found.numpy)

        def number(v: Value) -> Scalar:
            if isinstance(v, Scalar) and v.term.kind != "str" and (v.term.kind != "bool" or v.numpy is False):
                return Scalar(T.as_number(v.term), v.numpy)
            raise m.stop(f"the {'negative' if minus else 'sign'} of this value", node, "E0302")

        return spread(m, signed, value)
    from attndsl.dsl.pyimport.lift import elementwise, listed, tables, ufuncs

    value = spread(m, lambda v: tables.as_vector(m, v), value)
    if elementwise.is_array(value):
        listed.typed(m, value)
        return ufuncs.negated_mask(m, value)
    raise m.stop("the operator ~", node, "E0303")


# ---------------------------------------------------------------- comparisons


def _compare(m: Machine, node: ast.Compare) -> Value:
    parts: list[Scalar] = []
    held = m.state.path
    left = evaluate(m, node.left)
    try:
        for op, operand in zip(node.ops, node.comparators, strict=True):
            right = evaluate(m, operand)
            m.node = node
            found = spread(m, lambda a, b, op=op: comparison(m, op, a, b), left, right)
            if not isinstance(found, Scalar):
                if len(node.ops) == 1:
                    return found
                raise m.stop("a chained comparison of arrays", node, "E0302")
            if isinstance(op, ast.In) and isinstance(operand, ast.Name) and found.term.op == "member":
                m.hints.setdefault(found.term, SET_HINT + operand.id)
            parts.append(found)
            m.state.path = m.state.along(found.term)
            left = right
    finally:
        m.state.path = held
    return Scalar(T.conj(p.term for p in parts), numpy_of(*parts))


_HANDLERS: dict[type[ast.AST], Callable[..., Value]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.List: _list,
    ast.Set: _list,
    ast.Tuple: _list,
    ast.Dict: _dict,
    ast.BoolOp: _boolop,
    ast.IfExp: _ifexp,
    ast.BinOp: _binop,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
}


def register(kind: type[ast.AST], handler: Callable[..., Value]) -> None:
    """Let another module handle a kind of expression."""
    _HANDLERS[kind] = handler


__all__ = ["RowRef", "Vector", "condition", "evaluate", "register", "sequence", "settle", "spread", "truth"]
