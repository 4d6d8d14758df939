"""numpy functions that make arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import arrays, listed, matrices, nested, sheets, tables, wholes
from attndsl.dsl.pyimport.lift import elementwise as E
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.basics import sequence
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.uniting import united
from attndsl.dsl.pyimport.lift.values import (
    CellTable,
    Grid,
    Opaque,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    TupleValue,
    Value,
    Vector,
    items_of,
    known,
)


def argument(m: Machine, node: ast.expr) -> Value:
    """What a numpy function is given."""
    return as_argument(m, evaluate(m, node))


def as_argument(m: Machine, value: Value) -> Value:
    """Lists of truth values or whole numbers that are arrays as vectors; other values as they are."""
    if isinstance(value, CellTable) and value.kind == "list":
        from attndsl.dsl.pyimport.lift import cells

        return cells.sheet(m, value)
    return tables.as_vector(m, value)


def is_double(node: ast.Call) -> bool:
    """No arguments besides numpy's usual element type, in which all matrices are."""
    given = [*node.args, *(k.value for k in node.keywords if k.arg == "dtype")]
    return len(given) == len(node.args) + len(node.keywords) and all(
        ast.unparse(a) in ("float", "np.float64", "'float64'", "np.double") for a in given
    )


def as_float(t: Term) -> Term:
    """The number as numpy stores it in an array of floats."""
    t = T.as_number(t)
    if t.op == "ite":
        return T.ite(t.args[0], as_float(t.args[1]), as_float(t.args[2]))
    return T.mul(t, T.const(1.0))


def list_vector(m: Machine, seq: Seq) -> Vector:
    for p in seq.parts:
        if isinstance(p.element, Scalar):
            wholes.wraps(m, p.element.term, tuple(c for b in p.binders for c in b.conditions()))
    items = items_of(seq)
    if items is not None:
        return _written(m, items)
    if len(seq.parts) == 1 and len(seq.parts[0].binders) == 1 and seq.parts[0].condition is T.TRUE:
        (b,) = seq.parts[0].binders
        element = seq.parts[0].element
        length = T.sub(b.high, b.low)
        plain = not b.over_words and not b.descending and not b.mixed and isinstance(element, Scalar)
        if plain and isinstance(element, Scalar) and m.holds(T.compare(">=", length, T.ZERO)):
            term = element.term
            return Vector(length, lambda k: Scalar(T.subst(term, {b.var: T.add(b.low, k)}), True))
    found = listed.of_list(m, united(m, seq))
    if found is None:
        raise m.stop("a numpy array of this list", code="E0315")
    return found


def _written(m: Machine, items: list[Value]) -> Vector:
    """Elements of one kind, as numpy makes them: one that is no whole number makes all of them floats."""
    scalars = [i for i in items if isinstance(i, Scalar) and i.term.kind != "str"]
    if len(scalars) != len(items):
        raise m.stop("a literal array of these objects", code="E0315")
    terms = [i.term for i in scalars]
    if {t.kind for t in terms} != {"bool"}:
        terms = [T.as_number(t) for t in terms]
        if any(t.kind != "int" for t in terms):
            terms = [as_float(t) for t in terms]
    return E.written(tuple(Scalar(t, True) for t in terms))


def _filled(value: Term) -> Callable[[Machine, ast.Call], Value]:
    def handler(m: Machine, node: ast.Call) -> Value:
        options = {k.arg: k.value for k in node.keywords}
        shapes = [*node.args[:1], *([options.pop("shape")] if "shape" in options else [])]
        types = [*node.args[1:], *options.values()]
        if len(shapes) != 1 or len(types) > 1 or options.keys() - {"dtype"}:
            raise m.stop("an array made with these arguments", node, "E0315")
        kinds = [ELEMENTS.get(ast.unparse(t), "") for t in types]
        if kinds and kinds[0]:
            return _typed(m, argument(m, shapes[0]), value, kinds[0], node)
        for t in types:
            if ast.unparse(t) not in ("float", "np.float64", "np.float32", "'float64'"):
                raise m.stop("an array of this type", node, "E0315")
            if ast.unparse(t) == "np.float32":
                raise m.stop("an array of single precision", node, "E0315")
        return arrays.zeros(m, argument(m, shapes[0]), Scalar(value), "row")

    return handler


def _typed(m: Machine, shape: Value, value: Term, kind: str, node: ast.AST) -> Value:
    """An array of truth values or whole numbers."""
    if isinstance(shape, TupleValue) and len(shape.items) == 2:
        fill = T.const(bool(value.data)) if kind == "bool" else T.const(int(value.data))
        return replace(sheets.of(m, arrays.zeros(m, shape, Scalar(fill, True), "row")), own=True)
    if isinstance(shape, TupleValue) and len(shape.items) == 1:
        shape = shape.items[0]
    return tables.typed(m, shape, value, kind, node)


ELEMENTS = {"bool": "bool", "np.bool_": "bool", "int": "int", "np.int64": "int", "np.int32": "int"}


def _full(m: Machine, node: ast.Call) -> Value:
    if len(node.args) != 2 or any(k.arg != "dtype" for k in node.keywords):
        raise m.stop("an array made with these arguments", node, "E0315")
    value = evaluate(m, node.args[1])
    if value in (known(True), known(False)) and (
        not node.keywords or ELEMENTS.get(ast.unparse(node.keywords[0].value)) == "bool"
    ):
        return _typed(m, argument(m, node.args[0]), T.const(value == known(True)), "bool", node)
    if not isinstance(value, Scalar) or value.term.kind not in ("float", "int", "num"):
        raise m.stop("an array filled with this object", node, "E0315")
    if is_double(ast.Call(node.func, [], node.keywords)) and node.keywords:
        return arrays.zeros(m, argument(m, node.args[0]), Scalar(as_float(value.term), value.numpy), "row")
    kind = ELEMENTS.get(ast.unparse(node.keywords[0].value), "") if node.keywords else "int"
    if node.keywords or value.term.kind == "int":
        if kind != "int" or value.term.kind != "int" or not T.is_const(value.term):
            raise m.stop("an array of this type", node, "E0315")
        return _typed(m, argument(m, node.args[0]), value.term, "int", node)
    return arrays.zeros(m, argument(m, node.args[0]), value, "row")


def _like(fill: float | None) -> Callable[[Machine, ast.Call], Value]:
    """``np.zeros_like``, ``np.ones_like``, ``np.full_like`` of an array of floats."""

    def handler(m: Machine, node: ast.Call) -> Value:
        wanted = 2 if fill is None else 1
        plain = all(k.arg == "dtype" and is_double(ast.Call(node.func, [], [k])) for k in node.keywords)
        value = argument(m, node.args[0]) if len(node.args) == wanted and plain else None
        number = known(fill) if fill is not None else evaluate(m, node.args[1]) if value is not None else None
        if not isinstance(number, Scalar) or number.term.kind not in ("int", "float", "num"):
            raise m.stop("an array made with these arguments", node, "E0315")
        filled = Scalar(as_float(number.term), True)
        if isinstance(value, RowRef | Vector):
            v = arrays.vector(m, value)
            if v.part or (not node.keywords and v.at(T.fresh("int")).term.kind in ("int", "bool")):
                raise m.stop("an array made like this object", node, "E0315")
            return E.counted(m, v.length, lambda k: filled)
        whole = isinstance(value, Grid | Opaque) and arrays.is_array(value)
        if whole or (
            isinstance(value, Sheet) and sheets.is_whole(value) and (node.keywords or sheets.of_numbers(value))
        ):
            return Opaque("filled", filled)
        raise m.stop("an array made like this object", node, "E0315")

    return handler


def _array(m: Machine, node: ast.Call) -> Value:
    if len(node.args) != 1:
        raise m.stop("np.array with these arguments", node, "E0315")
    value = argument(m, node.args[0])
    return _array_of(m, value, node)


def _as_array(m: Machine, node: ast.Call) -> Value:
    """``np.asarray``: of an array that array itself, so that a change of one shows in the other."""
    if len(node.args) != 1:
        raise m.stop("np.asarray with these arguments", node, "E0315")
    held = evaluate(m, node.args[0])
    value = as_argument(m, held)
    if not arrays.is_array(value) or (isinstance(held, CellTable) and held.kind == "list"):
        return _array_of(m, value, node)
    double = is_double(ast.Call(node.func, [], node.keywords))
    if not node.keywords or (double and (isinstance(held, Grid | RowRef) or _of_floats(held))):
        return held
    if double and isinstance(held, Ref | CellTable):
        return _array_of(m, value, node)  # another type, so another array
    raise m.stop("np.asarray of an array, with a type", node, "E0315")


def _of_floats(value: Value) -> bool:
    return isinstance(value, Vector) and E.probe(value).term.kind == "float"


def _array_of(m: Machine, value: Value, node: ast.Call) -> Value:
    kind = next((ELEMENTS.get(ast.unparse(k.value), "") for k in node.keywords if k.arg == "dtype"), "")
    double = bool(node.keywords) and is_double(ast.Call(node.func, [], node.keywords))
    if node.keywords and not double and not (kind and len(node.keywords) == 1):
        raise m.stop("np.array of this type", node, "E0315")
    if isinstance(value, Grid) and not kind:
        return arrays.renamed(m, value)
    if arrays.is_array(value):
        found: Value = own_copy(m, value)
    else:
        seq = sequence(m, value)
        if seq is None or seq.is_set:
            raise m.stop("np.array of this object", node, "E0315")
        items = items_of(seq)
        if items and not isinstance(items[0], Scalar):
            return _literal_rows(m, items)
        found = nested.sheet(m, seq) or list_vector(m, seq)
        if isinstance(found, Vector) and E.probe(found).term.kind == T.ID:
            found = replace(found, fixed=True, own=True)  # no matrix holds the numbers of tokens
        if items == [] and not kind:
            kind = "float"
        if isinstance(found, Vector) and not m.holds(T.compare(">", found.length, T.ZERO)):
            found = replace(found, untyped=T.compare("==", found.length, T.ZERO))
    return converted(m, found, "float" if double else kind, node)


def own_copy(m: Machine, value: Value) -> Value:
    """A copy, which nothing else shows."""
    if isinstance(value, Sheet):
        return replace(value, own=True, seen=None)
    return replace(arrays.vector(m, value), fixed=False, slice_of=None, seen=None, origin=None)


def converted(m: Machine, value: Value, kind: str, node: ast.AST) -> Value:
    """``value.astype(kind)``; "" leaves it as it is."""
    if not kind:
        return value

    def one(x: Value) -> Value:
        if not isinstance(x, Scalar) or x.term.kind == "str":
            raise m.stop("an array of this type", node, "E0315")
        t = x.term
        if kind == "bool":
            return Scalar(t if t.kind == "bool" else T.compare("!=", t, T.ZERO), True)
        if kind == "float":
            return Scalar(as_float(t), True)
        if t.kind not in ("bool", "int"):
            raise m.stop("an array of floats as one of whole numbers", node, "E0315")
        return Scalar(T.as_number(t), True)

    found = E.apply(m, one, value)
    return replace(found, untyped=T.FALSE) if isinstance(found, Vector) and kind != "float" else found


def _literal_rows(m: Machine, items: list[Value]) -> Value:
    rows: list[tuple[Term, ...]] = []
    for item in items:
        seq = sequence(m, item)
        inner = items_of(seq) if seq is not None and not seq.is_set else None
        numbers = [i.term for i in inner or () if isinstance(i, Scalar) and i.term.kind != "str"]
        if inner is None or len(numbers) != len(inner) or (rows and len(rows[0]) != len(numbers)):
            raise m.stop("a literal array that is no matrix", code="E0315")
        rows.append(tuple(numbers))
    return Opaque("literal", tuple(rows))


def _arange(m: Machine, node: ast.Call) -> Value:
    """``np.arange(stop)``, ``np.arange(start, stop)``, ``np.arange(start, stop, -1)``."""
    options = list(node.keywords)
    double = bool(options) and is_double(ast.Call(node.func, [], options))
    plain = (
        not options or double or [ELEMENTS.get(ast.unparse(k.value)) for k in options if k.arg == "dtype"] == ["int"]
    )
    args = [argument(m, a) for a in node.args]
    terms = [a.term for a in args if isinstance(a, Scalar) and a.term.kind == "int"]
    if not plain or len(terms) != len(args) or not 1 <= len(terms) <= 3:
        raise m.stop("np.arange with these arguments", node, "E0315")
    low, high = (T.ZERO, terms[0]) if len(terms) == 1 else (terms[0], terms[1])
    step = terms[2] if len(terms) == 3 else T.ONE
    if step is T.const(-1):
        length, first = T.sub(low, high), low
    elif step is T.ONE:
        length, first = T.sub(high, low), low
    else:
        raise m.stop("np.arange with a step", node, "E0315")
    if not m.holds(T.compare(">=", length, T.ZERO)):
        length = T.func("max", (length, T.ZERO), "int")

    def at(k: Term) -> Scalar:
        t = T.add(first, k) if step is T.ONE else T.sub(first, k)
        return Scalar(as_float(t) if double else t, True)

    return E.counted(m, length, at)


def _linspace(m: Machine, node: ast.Call) -> Value:
    """``np.linspace(a, b, count)``: the numbers from a to b at equal distances, both included."""
    given = [evaluate(m, a) for a in (*node.args, *(k.value for k in node.keywords))]  # the count may have a name
    numbers = [x for x in given if isinstance(x, Scalar) and x.term.kind != "str"]
    if len(given) != 3 or len(numbers) != 3:
        raise m.stop("np.linspace with these arguments", node, "E0305")
    start, stop = (T.as_number(e.term) for e in numbers[:2])
    size = numbers[2]
    if size.term.kind != "int":
        raise m.stop("np.linspace with these arguments", node, "E0305")
    steps = T.sub(size.term, T.ONE)
    one = T.compare("<=", steps, T.ZERO)

    def at(k: Term) -> Scalar:
        if k is T.ZERO:
            return Scalar(as_float(start), True)
        span = T.arith("-", stop, start)
        safe = steps if T.is_const(steps) else T.ite(one, T.ONE, steps)
        rest = T.arith("/", T.mul(as_float(k), span), safe)
        return Scalar(T.add(as_float(start), rest), True)

    return E.counted(m, size.term, at)


MAKING: dict[str, Callable[[Machine, ast.Call], Value]] = {
    "zeros": _filled(T.const(0.0)),
    "ones": _filled(T.const(1.0)),
    "full": _full,
    "zeros_like": _like(0.0),
    "ones_like": _like(1.0),
    "full_like": _like(None),
    "array": _array,
    "asarray": _as_array,
    "outer": matrices.outer,
    "arange": _arange,
    "linspace": _linspace,
}
