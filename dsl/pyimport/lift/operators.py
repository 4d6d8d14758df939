"""Arithmetic of two values."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift import wholes
from attndsl.dsl.pyimport.lift.basics import sequence, sort_of
from attndsl.dsl.pyimport.lift.machine import Machine, NotLiftable
from attndsl.dsl.pyimport.lift.merge import instantiate
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    NoneValue,
    Part,
    Scalar,
    Seq,
    TupleValue,
    Value,
    items_of,
    literal,
    numpy_of,
)

MAX_WRITTEN = 64
"""Elements of a list that is written out by ``[x] * 3``."""


def _filtered(m: Machine, part: Part, other: Seq, inside: bool) -> Part:
    p = instantiate(part)
    c = C.contains(m, p.element, other)
    return Part(p.binders, T.conj((p.condition, c if inside else T.not_(c))), p.element)


def binary(m: Machine, op: str, a: Value, b: Value) -> Value:
    """``a op b`` of two settled values."""
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return _scalars(m, op, a, b)
    from attndsl.dsl.pyimport.lift import arrays, tables

    a, b = tables.as_vector(m, a), tables.as_vector(m, b)
    if arrays.is_array(a) or arrays.is_array(b):
        return arrays.elementwise(m, a, b, lambda x, y: binary(m, op, x, y), op)
    left, right = sequence(m, a), sequence(m, b)
    sorts = {sort_of(m, v) for v in (a, b)}
    if op == "+" and left is not None and right is not None and sorts in ({"list"}, {"tuple"}):
        return m.allocate(Seq(left.parts + right.parts, sort="tuple" if sorts == {"tuple"} else ""))
    if op == "-" and left is not None and right is not None and left.is_set and right.is_set:
        return set_operation(m, op, left, right)
    for items, times in ((left, b), (right, a)):
        if (
            op == "*"
            and items is not None
            and sorts & {"list", "tuple"}
            and isinstance(times, Scalar)
            and times.term.kind == "int"
        ):
            return _times(m, items, times.term, "tuple" in sorts)
    raise m.stop(f"{op!r} of these values", code="E0302")


def set_operation(m: Machine, op: str, a: Seq, b: Seq) -> Value:
    """``a & b``, ``a | b``, ``a - b`` and ``a ^ b`` of sets."""
    if op == "^":
        left, right = (set_operation(m, "-", x, y) for x, y in ((a, b), (b, a)))
        sides = [s for s in (sequence(m, left), sequence(m, right)) if s is not None]
        return m.allocate(Seq(tuple(p for s in sides for p in s.parts), True))
    if op == "|":
        return m.allocate(Seq(a.parts + b.parts, True))
    try:
        parts = C.as_positions(m, a).parts
    except NotLiftable:  # of other elements it may still be asked what the set holds
        parts = a.parts
    kept = [_filtered(m, p, b, op == "&") for p in parts]
    return m.allocate(Seq(tuple(p for p in kept if p.condition is not T.FALSE), True))


def _times(m: Machine, seq: Seq, times: Term, is_tuple: bool) -> Value:
    """``[x] * n``."""
    from attndsl.dsl.pyimport.lift import tables

    items = items_of(seq)
    if items is not None and T.is_const(times) and 0 <= times.data * len(items) <= MAX_WRITTEN:
        found = tuple(items) * times.data
        return TupleValue(found) if is_tuple else m.allocate(literal(found))
    if is_tuple or items is None or len(items) != 1 or not isinstance(items[0], Scalar | NoneValue):
        raise m.stop("a list is repeated", code="E0302")
    return tables.repeated(m, items[0], times)


def _scalars(m: Machine, op: str, a: Scalar, b: Scalar) -> Value:
    x, y = a.term, b.term
    if "str" in (x.kind, y.kind):
        if op == "+" and x.kind == y.kind == "str":
            return Scalar(T.glue(x, y))
        raise m.stop(f"{op!r} of texts", code="E0302")
    if x.kind == y.kind == "bool" and (a.numpy, b.numpy) != (False, False):
        raise m.stop("arithmetic of two truth values of numpy", code="E0302")
    numpy = numpy_of(a, b)
    if op in ("/", "//", "%"):
        return _division(m, op, T.as_number(x), T.as_number(y), numpy)
    if op == "**":
        _check_power(m, T.as_number(x), T.as_number(y))
        whole = "float" not in (x.kind, y.kind)  # numpy refuses a negative power of a whole number
        if whole and numpy is not False and not positive(m, T.as_number(y), False):
            raise m.stop("a power of numpy's whole numbers that may be negative", code="E0314")
    found = T.arith(op, x, y, m.span(m.node))
    if op in ("**", "*") and numpy is not False:
        wholes.wraps(m, found)
    return Scalar(found, numpy)


def _division(m: Machine, op: str, x: Term, y: Term, numpy: bool | None) -> Value:
    from attndsl.dsl.pyimport.lift import letters

    span = m.span(m.node)
    named = letters.quotient(m, x, y) if op == "/" else None
    if named is not None:
        return Scalar(named, numpy)
    if nonzero(m, y) or letters.nonzero(m, y) or any(_counts_without(y, c) for c in m.state.path):
        return Scalar(T.arith(op, x, y, span), numpy)
    if numpy and op == "/":
        return Scalar(T.arith("ratio", x, y), numpy)
    if numpy is None and _counts_some(m, y):
        return Scalar(T.arith(op, x, y, span), numpy)
    if numpy is not False:
        raise m.stop("a division that may be by zero, of a number that may be numpy's", code="E0314")
    m.require(T.compare("!=", y, T.ZERO), kind="ZeroDivisionError")
    return Scalar(T.arith(op, x, y, span), numpy)


def nonzero(m: Machine, y: Term) -> bool:
    """The number is provably not zero."""
    if T.is_const(y):
        return bool(y.data != 0)
    if y.op == "func" and y.data == "abs" and nonzero(m, y.args[0]):
        return True
    return m.holds(T.compare("!=", y, T.ZERO)) or m.holds(T.compare(">", y, T.ZERO)) or positive(m, y)


def _counts_some(m: Machine, y: Term) -> bool:
    """The number of elements of a list that has some."""
    if y.op != "agg" or y.data != "count":
        return False
    domain, var, low, high, where, _ = T.opened(y)
    return m.holds(T.agg("any", var, domain, low, high, where))


def _counts_without(y: Term, c: Term) -> bool:
    """``n - np.count_nonzero(A[i])`` where a cell of that row is 0."""
    if c.op != "cmp" or c.data != "==":
        return False
    cell = c.args[0]
    if cell.op != "read" or c.args[1] not in (T.ZERO, T.const(0.0)):
        return False
    matrix, time = cell.data
    return y is T.sub(T.N, T.row_stat(matrix, "count", cell.args[0], time))


_FEW = 4
"""Powers that do not become 0 of a number that is not: ``0.9 ** 7100`` is one that does."""


def positive(m: Machine, t: Term, strict: bool = True) -> bool:
    """The number is provably positive (or, not strict, not negative: it may be nan)."""
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
            base, power = t.args
            if not strict:
                return positive(m, base, False)
            least = T.is_const(base) and base.data >= 1 and positive(m, power, False)
            return least or (T.is_const(power) and abs(power.data) <= _FEW and positive(m, base))
        case "func" if t.data == "exp":  # 0 where it is too small for a number
            return not strict or m.nonnegative is not None
        case "func" if t.data == "max":
            return any(positive(m, a, strict) for a in t.args)
        case "func" if t.data == "min":
            return all(positive(m, a, strict) for a in t.args)
        case "func" if t.data == "ratio":
            return (not strict or m.nonnegative is not None) and all(positive(m, a, strict) for a in t.args)
        case "read" | "stat":
            return not strict and m.nonnegative is not None and t.data[0] in m.nonnegative
        case "func" if t.data in ("sqrt", "abs", "len", "overlap", "shared", "either"):
            known = t.data in ("sqrt", "abs") and m.nonnegative is not None
            return not strict or (known and positive(m, t.args[0]))
        case "func" if t.data == "log" and m.nonnegative is not None:
            return t.args[0].kind == "int" and m.holds(T.compare(">", t.args[0], T.ONE))
        case "ite":
            return all(positive(m, a, strict) for a in t.args[1:])
        case "agg" if t.data == "sum":
            return _sum_is_positive(m, t, strict)
    return False


def _sum_is_positive(m: Machine, t: Term, strict: bool) -> bool:
    """A sum of such numbers, of at least one where it has to be more than 0."""
    domain, var, low, high, where, value = T.opened(t)
    bounds = () if domain is not T.NONE else (T.compare(">=", var, low), T.compare("<", var, high))
    held = m.state.path
    m.state.path = m.state.along(*bounds, where)
    each = positive(m, value, strict)
    m.state.path = held
    return each and (not strict or m.holds(T.agg("any", var, domain, low, high, where)))


def _check_power(m: Machine, x: Term, y: Term) -> None:
    if T.is_const(y) and y.data >= 0 and (float(y.data).is_integer() or positive(m, x, False)):
        return
    if positive(m, x) or (positive(m, x, False) and positive(m, y, False)):
        return
    if y.kind == "int" and positive(m, y, False):
        return
    raise m.stop("a power that may not be real", code="E0314")
