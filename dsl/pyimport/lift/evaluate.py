"""Python expressions -> symbolic values."""

from __future__ import annotations

import ast
from collections.abc import Callable

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine, Retry
from attndsl.dsl.pyimport.lift.merge import guard, instantiate, merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Carried,
    Choice,
    Closure,
    DictValue,
    NoneValue,
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
    Word,
    known,
    literal,
)

_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
}  # fmt: skip
_COMPARE = {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
MODULES = {"np": "numpy", "numpy": "numpy", "math": "math", "re": "re", "string": "string", "random": "random"}


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
        return settle(m, found, node)
    if node.id in m.functions:
        return Closure(m.functions[node.id], -1)
    if node.id in m.constants:
        return evaluate(m, m.constants[node.id])
    return Opaque("builtin" if node.id not in MODULES else MODULES[node.id], node.id)


def settle(m: Machine, value: Value, node: ast.AST) -> Value:
    """A value that may be read here."""
    if isinstance(value, Choice):
        value = m.decide(value)
        if isinstance(value, Choice):
            then, other = value.then, value.other
            if isinstance(then, Unbound) or isinstance(other, Unbound):
                gone = then if isinstance(then, Unbound) else other
                m.require(T.not_(value.condition) if gone is then else value.condition, node)
                return settle(m, m.decide(value), node)
    if isinstance(value, Carried):
        raise Retry(value.name)
    if isinstance(value, Unbound):
        raise m.stop(f"a value that is not known here: {value.reason}", node, "E0310")
    return value


def _list(m: Machine, node: ast.List | ast.Set | ast.Tuple) -> Value:
    items = tuple(evaluate(m, e) for e in node.elts)
    if isinstance(node, ast.Tuple):
        return TupleValue(items)
    return m.allocate(literal(items, isinstance(node, ast.Set)))


def _dict(m: Machine, node: ast.Dict) -> Value:
    parts: list[Part] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None:
            raise m.stop("a dict is unpacked", node, "E0303")
        parts.append(Part((), T.TRUE, TupleValue((evaluate(m, key), evaluate(m, value)))))
    return m.allocate(DictValue(tuple(parts)))


# ---------------------------------------------------------------- truth


def truth(m: Machine, value: Value) -> Term:
    """Python's truth value."""
    value = settle(m, value, m.node or ast.Pass())
    match value:
        case Scalar(term=t):
            if t.kind == "bool":
                return t
            return T.compare("!=", t, T.const("" if t.kind == "str" else 0))
        case NoneValue():
            return T.FALSE
        case Word() | Closure():
            return T.TRUE
        case Ref():
            return truth(m, m.contents(value))
        case Seq() | DictValue():
            return C.nonempty(Seq(value.parts))
        case TupleValue(items=items):
            return T.const(bool(items))
        case Opaque(name="doc"):
            return T.compare(">", C.size(m, doc_words()), T.ZERO)
        case Opaque(name="nlp" | "tokenizer" | "sentence"):
            return T.TRUE
        case Choice(condition=c, then=a, other=b):
            return T.ite(c, truth(m, a), truth(m, b))
    raise m.stop("the truth value of this object", code="E0302")


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
                m.state.path = m.state.fork(T.not_(c) if stop_at else c).path
        finally:
            m.state.path = held
        return T.disj(parts) if stop_at else T.conj(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return T.not_(condition(m, node.operand))
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
        if going is T.FALSE or m.fails(going):
            break
        other = m.under(going, lambda operand=operand: evaluate(m, operand))  # type: ignore[misc]
        if operand is not rest[-1]:
            d = m.under(going, lambda other=other: Scalar(truth(m, other)))  # type: ignore[misc]
            c = T.disj((c, d.term)) if is_or else T.conj((c, d.term))
        value = merge_values(going, other, value)
    return value


def _ifexp(m: Machine, node: ast.IfExp) -> Value:
    c = condition(m, node.test)
    if c is T.TRUE:
        return evaluate(m, node.body)
    if c is T.FALSE:
        return evaluate(m, node.orelse)
    then = m.under(c, lambda: evaluate(m, node.body))
    other = m.under(T.not_(c), lambda: evaluate(m, node.orelse))
    return merge_values(c, then, other)


# ---------------------------------------------------------------- operators


def spread(m: Machine, compute: Callable[..., Value], *values: Value) -> Value:
    """Apply to each alternative of the arguments that are choices."""
    for at, value in enumerate(values):
        if isinstance(value, Choice):
            value = settle(m, value, m.node or ast.Pass())
            before, after = values[:at], values[at + 1 :]
            if not isinstance(value, Choice):
                return spread(m, compute, *before, value, *after)
            a, b, c = value.then, value.other, value.condition
            then = m.under(c, lambda: spread(m, compute, *before, a, *after))
            other = m.under(T.not_(c), lambda: spread(m, compute, *before, b, *after))
            return merge_values(c, then, other)
    return compute(*(settle(m, v, m.node or ast.Pass()) for v in values))


def _binop(m: Machine, node: ast.BinOp) -> Value:
    op = _BINARY.get(type(node.op))
    left, right = evaluate(m, node.left), evaluate(m, node.right)
    if op is None:
        return _bit_operation(m, node, left, right)
    m.node = node
    return spread(m, lambda a, b: binary(m, op, a, b), left, right)


def _bit_operation(m: Machine, node: ast.BinOp, left: Value, right: Value) -> Value:
    a, b = sequence(m, left), sequence(m, right)
    if a is not None and b is not None and a.is_set and b.is_set:
        if isinstance(node.op, ast.BitOr):
            return m.allocate(Seq(a.parts + b.parts, True))
        p = C.as_positions(m, a).parts
        keep = [_filtered(m, x, b, isinstance(node.op, ast.BitAnd)) for x in p]
        if isinstance(node.op, ast.BitAnd):
            return m.allocate(Seq(tuple(keep), True))
    if isinstance(left, Scalar) and isinstance(right, Scalar) and left.term.kind == right.term.kind == "bool":
        if isinstance(node.op, ast.BitAnd):
            return Scalar(T.conj((left.term, right.term)))
        if isinstance(node.op, ast.BitOr):
            return Scalar(T.disj((left.term, right.term)))
    raise m.stop("a bit operation", node, "E0303")


def _filtered(m: Machine, part: Part, other: Seq, inside: bool) -> Part:
    p = instantiate(part)
    c = C.contains(m, p.element, other)
    return Part(p.binders, T.conj((p.condition, c if inside else T.not_(c))), p.element)


def binary(m: Machine, op: str, a: Value, b: Value) -> Value:
    """``a op b`` of two settled values."""
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return _scalars(m, op, a, b)
    from attndsl.dsl.pyimport.lift import arrays

    if arrays.is_array(a) or arrays.is_array(b):
        return arrays.elementwise(m, a, b, lambda x, y: binary(m, op, x, y), op)
    left, right = sequence(m, a), sequence(m, b)
    if op == "+" and left is not None and right is not None:
        return m.allocate(Seq(left.parts + right.parts))
    if op == "-" and left is not None and right is not None and left.is_set and right.is_set:
        parts = C.as_positions(m, left).parts
        return m.allocate(Seq(tuple(_filtered(m, p, right, False) for p in parts), True))
    raise m.stop(f"{op!r} of these values", code="E0302")


def _scalars(m: Machine, op: str, a: Scalar, b: Scalar) -> Value:
    x, y = a.term, b.term
    if "str" in (x.kind, y.kind):
        if op == "+" and x.kind == y.kind == "str":
            if T.is_const(x) and T.is_const(y):
                return Scalar(T.const(x.data + y.data))
            return Scalar(T.mk("bin", "+", (x, y), "str"))
        raise m.stop(f"{op!r} of texts", code="E0302")
    numpy = True if True in (a.numpy, b.numpy) else None if None in (a.numpy, b.numpy) else False
    if op in ("/", "//", "%"):
        return _division(m, op, T.as_number(x), T.as_number(y), numpy)
    if op == "**":
        _check_power(m, T.as_number(x), T.as_number(y))
    return Scalar(T.arith(op, x, y, m.span(m.node)), numpy)


def _division(m: Machine, op: str, x: Term, y: Term, numpy: bool | None) -> Value:
    span = m.span(m.node)
    if nonzero(m, y):
        return Scalar(T.arith(op, x, y, span), numpy)
    if numpy and op == "/":
        return Scalar(T.arith("ratio", x, y), numpy)
    if numpy is not False:
        raise m.stop("a division that may be by zero, of a number that may be numpy's", code="E0314")
    m.require(T.compare("!=", y, T.ZERO))
    return Scalar(T.arith(op, x, y, span), numpy)


def nonzero(m: Machine, y: Term) -> bool:
    """The number is provably not zero."""
    if T.is_const(y):
        return bool(y.data != 0)
    return m.holds(T.compare("!=", y, T.ZERO)) or m.holds(T.compare(">", y, T.ZERO)) or positive(m, y)


def positive(m: Machine, t: Term, strict: bool = True) -> bool:
    """The number is provably positive (or, not strict, not negative)."""
    if T.is_const(t):
        return bool(t.data > 0 or (t.data == 0 and not strict))
    if t.kind == "int":
        return m.holds(T.compare(">" if strict else ">=", t, T.ZERO))
    if m.holds(T.compare(">", t, T.ZERO)):
        return True
    match t.op:
        case "bin" if t.data == "+":
            a, b = t.args
            both = positive(m, a, False) and positive(m, b, False)
            return both and (not strict or positive(m, a) or positive(m, b))
        case "bin" if t.data in ("*", "/"):
            return all(positive(m, a, strict) for a in t.args)
        case "bin" if t.data == "**":
            return positive(m, t.args[0], strict)
        case "func" if t.data == "exp":
            return not strict
        case "func" if t.data == "max":
            return any(positive(m, a, strict) for a in t.args)
        case "func" if t.data == "min":
            return all(positive(m, a, strict) for a in t.args)
        case "func" if t.data in ("sqrt", "abs", "len", "overlap"):
            return not strict
        case "ite":
            return all(positive(m, a, strict) for a in t.args[1:])
    return False


def _check_power(m: Machine, x: Term, y: Term) -> None:
    if T.is_const(y) and y.data >= 0 and (float(y.data).is_integer() or positive(m, x, False)):
        return
    if positive(m, x) or (positive(m, x, False) and positive(m, y, False)):
        return
    if y.kind == "int" and positive(m, y, False):
        return
    raise m.stop("a power that may not be real", code="E0314")


def _unary(m: Machine, node: ast.UnaryOp) -> Value:
    if isinstance(node.op, ast.Not):
        return Scalar(T.not_(condition(m, node.operand)))
    value = evaluate(m, node.operand)
    if isinstance(node.op, ast.USub):
        from attndsl.dsl.pyimport.lift import arrays

        def negate(v: Value) -> Value:
            if arrays.is_array(v):
                return arrays.elementwise(m, known(-1), v, lambda x, y: binary(m, "*", x, y), "*")
            if isinstance(v, Scalar) and v.term.kind != "str":
                return Scalar(T.neg(T.as_number(v.term)), v.numpy)
            raise m.stop("the negative of this value", node, "E0302")

        return spread(m, negate, value)
    if isinstance(node.op, ast.UAdd):
        return value
    raise m.stop("the operator ~", node, "E0303")


# ---------------------------------------------------------------- comparisons


def _compare(m: Machine, node: ast.Compare) -> Value:
    parts: list[Term] = []
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
            parts.append(found.term)
            m.state.path = m.state.fork(found.term).path
            left = right
    finally:
        m.state.path = held
    return Scalar(T.conj(parts))


def comparison(m: Machine, op: ast.cmpop, a: Value, b: Value) -> Value:
    """One comparison of settled values."""
    if isinstance(op, ast.In | ast.NotIn):
        found = contains(m, a, b)
        return Scalar(found if isinstance(op, ast.In) else T.not_(found))
    if isinstance(op, ast.Is | ast.IsNot):
        return Scalar(_identical(m, a, b) if isinstance(op, ast.Is) else T.not_(_identical(m, a, b)))
    symbol = _COMPARE[type(op)]
    from attndsl.dsl.pyimport.lift import arrays

    if arrays.is_array(a) or arrays.is_array(b):
        return arrays.elementwise(m, a, b, lambda x, y: comparison(m, op, x, y), symbol)
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        kinds = {"str" if v.term.kind == "str" else "number" for v in (a, b)}
        if len(kinds) == 2 and symbol not in ("==", "!="):
            raise m.stop("an order between a text and a number", code="E0302")
        return Scalar(T.compare(symbol, a.term, b.term))
    if symbol in ("==", "!="):
        found = _same(m, a, b)
        return Scalar(found if symbol == "==" else T.not_(found))
    if isinstance(a, Word) and isinstance(b, Word):
        return Scalar(T.compare(symbol, T.windex(a.term), T.windex(b.term)))
    raise m.stop(f"{symbol!r} between these values", code="E0302")


def _same(m: Machine, a: Value, b: Value) -> Term:
    if isinstance(a, NoneValue) or isinstance(b, NoneValue):
        return T.const(isinstance(a, NoneValue) and isinstance(b, NoneValue))
    if isinstance(a, Word) and isinstance(b, Word):
        return T.compare("==", T.windex(a.term), T.windex(b.term))
    if isinstance(a, TupleValue) and isinstance(b, TupleValue):
        if len(a.items) != len(b.items):
            return T.FALSE
        return T.conj(_same_scalar(m, x, y) for x, y in zip(a.items, b.items, strict=True))
    if {type(a), type(b)} == {Word, Scalar}:
        return T.FALSE
    left, right = sequence(m, a), sequence(m, b)
    if left is not None and right is not None and not left.parts:
        return T.not_(C.nonempty(right))
    if left is not None and right is not None and not right.parts:
        return T.not_(C.nonempty(left))
    raise m.stop("equality of these values", code="E0302")


def _same_scalar(m: Machine, a: Value, b: Value) -> Term:
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return T.compare("==", a.term, b.term)
    return _same(m, a, b)


def _identical(m: Machine, a: Value, b: Value) -> Term:
    for x, y in ((a, b), (b, a)):
        if isinstance(y, NoneValue):
            return T.const(isinstance(x, NoneValue))
        if isinstance(y, Scalar) and y.term in (T.TRUE, T.FALSE) and isinstance(x, Scalar) and x.term.kind == "bool":
            return T.compare("==", x.term, y.term)
    raise m.stop("'is' between objects", code="E0302")


def contains(m: Machine, item: Value, where: Value) -> Term:
    """``item in where``."""
    if isinstance(where, Scalar) and where.term.kind == "str":
        if isinstance(item, Scalar) and item.term.kind == "str":
            return T.substring(item.term, where.term)
        raise m.stop("'in' a text", code="E0302")
    if isinstance(where, Ref) and isinstance(m.contents(where), DictValue):
        from attndsl.dsl.pyimport.lift import dicts

        return dicts.has_key(m, where, item)
    seq = sequence(m, where)
    if seq is None:
        raise m.stop("'in' this object", code="E0302")
    if isinstance(item, NoneValue) and all(isinstance(p.element, Scalar | Word) for p in seq.parts):
        return T.FALSE
    if isinstance(item, NoneValue | TupleValue | Ref):
        raise m.stop("'in' with this object", code="E0302")
    return C.contains(m, item, seq)


# ---------------------------------------------------------------- sequences


def doc_words() -> Seq:
    from attndsl.dsl.pyimport.lift.values import Binder

    var = T.fresh("word")
    return Seq((Part((Binder(var, T.NONE, T.NONE, T.ALL_WORDS),), T.TRUE, Word(var)),))


def sequence(m: Machine, value: Value) -> Seq | None:
    """The value as a sequence of elements, or None when it is none."""
    match value:
        case Ref():
            found = m.contents(value)
            if isinstance(found, DictValue):
                from attndsl.dsl.pyimport.lift import dicts

                return dicts.key_sequence(m, found)
            return sequence(m, found)
        case Seq():
            return value
        case TupleValue(items=items):
            return literal(items)
        case Opaque(name="doc"):
            return doc_words()
        case Choice(condition=c, then=a, other=b):
            left, right = sequence(m, a), sequence(m, b)
            if left is None or right is None or (left.is_set != right.is_set and left.parts and right.parts):
                return None
            parts = (*(guard(p, c) for p in left.parts), *(guard(p, T.not_(c)) for p in right.parts))
            return Seq(parts, left.is_set if left.parts else right.is_set)
        case Scalar(term=t) if t.kind == "str" and T.is_const(t):
            return literal(tuple(known(c) for c in t.data))
    return None


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


__all__ = ["Vector", "RowRef", "condition", "evaluate", "register", "sequence", "settle", "spread", "truth"]
