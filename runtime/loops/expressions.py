"""Expressions of the loop tree -> closures over a frame.

A closure takes the frame (a list: outer frame, run, slot names, then the slots) and gives the value. Closures that
can fail carry their span as a default argument (see ``failures.place_of``). The values underneath are Python's and
numpy's own, so results and errors are CPython's; what keeps them in bounds is that every name, attribute and function
comes from our tables.
"""

from __future__ import annotations

from collections.abc import Callable
from types import GenericAlias
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops import functions, operators
from attndsl.runtime.loops.arrays import check_index
from attndsl.runtime.loops.attributes import TypeMethod, attribute_reader, plain_readers
from attndsl.runtime.loops.calls import call, method_call
from attndsl.runtime.loops.comparisons import compare
from attndsl.runtime.loops.comprehensions import comprehension
from attndsl.runtime.loops.dispatch import Evaluate, Frame, Maker, expr, spanned
from attndsl.runtime.loops.state import Stop, check_items, check_levels, check_size, walk
from attndsl.runtime.loops.targets import store
from attndsl.runtime.loops.texts import format_value, joined

UNBOUND = functions.UNBOUND
_NUMBERS: Any = frozenset({int, float, np.float64, np.int64})
_REALS: Any = frozenset({float})
_LIMIT = 1 << 62


def _const(node: lt.Const) -> Evaluate:
    value = node.value
    return lambda f: value


def _get_local(node: lt.GetLocal) -> Evaluate:
    slot, name = node.slot, node.name
    if node.depth == 0:

        def here(f: Frame, at_span: Any = node.span) -> Any:
            value = f[slot]
            if value is UNBOUND:
                raise functions.unbound(name, False)
            return value

        return here
    if node.depth == 1:

        def outer(f: Frame, at_span: Any = node.span) -> Any:
            value = f[0][slot]
            if value is UNBOUND:
                raise functions.unbound(name, node.free)
            return value

        return outer
    depth = node.depth

    def further(f: Frame, at_span: Any = node.span) -> Any:
        for _ in range(depth):
            f = f[0]
        value = f[slot]
        if value is UNBOUND:
            raise functions.unbound(name, node.free)
        return value

    return further


def _get_global(node: lt.GetGlobal) -> Evaluate:
    slot, name = node.slot, node.name

    def get(f: Frame, at_span: Any = node.span) -> Any:
        value = f[1].globals[slot]
        if value is UNBOUND:
            raise NameError(f"name '{name}' is not defined")
        return value

    return get


def _builtin(node: lt.Builtin) -> Evaluate:
    from attndsl.runtime.loops.builtins import BUILTINS

    value = BUILTINS[node.name]
    return lambda f: value


def _member(node: lt.Member) -> Evaluate:
    from attndsl.runtime.loops.members import member_value

    value = member_value(node.target)
    return lambda f: value


def _host(node: lt.Host) -> Evaluate:
    name = node.name

    def get(f: Frame, at_span: Any = node.span) -> Any:
        found = f[1].host.get(name)
        if found is None:
            raise Stop("E0467", f"`{name}` was registered when the program was compiled, but not for this run")
        return functions.HostFunction(name, found)

    return get


def _sequence(node: lt.Sequence) -> Evaluate:
    kind = {"list": list, "tuple": tuple, "set": set}[node.kind]
    if any(isinstance(i, lt.Star) for i in node.items):
        return _starred(node, kind)
    items = tuple(expr(i) for i in node.items)
    if node.kind == "tuple" and len(items) == 2:
        return _pair(*items)
    if node.kind == "tuple" and all(isinstance(i, lt.Const) for i in node.items):
        value = tuple(i.value for i in node.items if isinstance(i, lt.Const))
        return lambda f: value

    if kind is tuple:
        return spanned(lambda f, at_span=node.span: check_levels(f[1], tuple([item(f) for item in items])))

    def build(f: Frame, at_span: Any = node.span) -> Any:
        return kind([item(f) for item in items])

    return build


def _pair(first: Evaluate, second: Evaluate) -> Evaluate:
    def build(f: Frame) -> Any:
        made = one, two = first(f), second(f)
        return check_levels(f[1], made) if one.__class__ is tuple or two.__class__ is tuple else made

    return build


def _starred(node: lt.Sequence, kind: Callable[[list[Any]], Any]) -> Evaluate:
    items = tuple((isinstance(i, lt.Star), expr(i.value if isinstance(i, lt.Star) else i)) for i in node.items)

    def build(f: Frame, at_span: Any = node.span) -> Any:
        made: list[Any] = []
        for is_star, item in items:
            if is_star:
                made.extend(walk(f[1], item(f)))
            else:
                made.append(item(f))
        f[1].grow(len(made))
        check_items(f[1], made)
        return kind(made)

    return build


def _mapping(node: lt.Mapping) -> Evaluate:
    items = tuple((None if k is None else expr(k), expr(v)) for k, v in node.items)

    def build(f: Frame, at_span: Any = node.span) -> Any:
        made: dict[Any, Any] = {}
        for key, value in items:
            if key is None:
                made.update(value(f))
            else:
                made[key(f)] = value(f)
        return made

    return build


def _unary(node: lt.Unary) -> Evaluate:
    value = expr(node.value)
    if node.op == "Not":
        return spanned(lambda f, at_span=node.span: not value(f))
    operation = operators.UNARY[node.op]

    def apply(f: Frame, at_span: Any = node.span) -> Any:
        made = operation(value(f))
        if type(made) is np.ndarray:
            check_size(f[1], made)
        return made

    return apply


def _binary(node: lt.Binary) -> Evaluate:
    if node.op in ("Add", "Sub") and isinstance(node.right, lt.Const) and type(node.right.value) is int:
        return _shift(node, node.right.value)
    left, right, op = expr(node.left), expr(node.right), node.op
    slow = operators.binary

    def add(f: Frame, at_span: Any = node.span) -> Any:
        a, b = left(f), right(f)
        if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
            return a + b
        return slow(f[1], op, a, b)

    def subtract(f: Frame, at_span: Any = node.span) -> Any:
        a, b = left(f), right(f)
        if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
            return a - b
        return slow(f[1], op, a, b)

    def multiply(f: Frame, at_span: Any = node.span) -> Any:
        a, b = left(f), right(f)
        if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
            made = a * b
            if made.__class__ is int and not -_LIMIT < made < _LIMIT:
                check_size(f[1], made)
            return made
        return slow(f[1], op, a, b)

    def power(f: Frame, at_span: Any = node.span) -> Any:
        a, b = left(f), right(f)
        return a**b if a.__class__ in _REALS and b.__class__ in _NUMBERS else slow(f[1], op, a, b)

    special = {"Add": add, "Sub": subtract, "Mult": multiply, "Pow": power}.get(op)
    if special is not None:
        return special
    operation = operators.PLAIN[op]
    if op == "LShift":
        return spanned(lambda f, at_span=node.span: slow(f[1], op, left(f), right(f)))

    def other(f: Frame, at_span: Any = node.span) -> Any:
        a, b = left(f), right(f)
        if a.__class__ in _NUMBERS and b.__class__ in _NUMBERS:
            return operation(a, b)
        return slow(f[1], op, a, b)

    return other


def _shift(node: lt.Binary, amount: int) -> Evaluate:
    """``i + 1``, ``i - 1``."""
    left, op = expr(node.left), node.op
    step = amount if op == "Add" else -amount

    def shift(f: Frame, at_span: Any = node.span) -> Any:
        value = left(f)
        return value + step if value.__class__ is int else operators.binary(f[1], op, value, amount)

    return shift


def _logic(node: lt.Logic) -> Evaluate:
    values = tuple(expr(v) for v in node.values)
    rest, last = values[:-1], values[-1]
    if len(values) == 2:
        first = values[0]
        if node.op == "and":
            return spanned(lambda f, at_span=node.span: first(f) and last(f))
        return spanned(lambda f, at_span=node.span: first(f) or last(f))

    def both(f: Frame, at_span: Any = node.span) -> Any:
        for value in rest:
            found = value(f)
            if not found:
                return found
        return last(f)

    def either(f: Frame, at_span: Any = node.span) -> Any:
        for value in rest:
            found = value(f)
            if found:
                return found
        return last(f)

    return both if node.op == "and" else either


def _choose(node: lt.Choose) -> Evaluate:
    test, yes, no = expr(node.test), expr(node.yes), expr(node.no)
    return spanned(lambda f, at_span=node.span: yes(f) if test(f) else no(f))


def _attribute(node: lt.Attribute) -> Evaluate:
    if isinstance(node.value, lt.Builtin):
        from attndsl.runtime.loops.builtins import BUILTINS

        kind, name = BUILTINS[node.value.name], node.name
        return spanned(lambda f, at_span=node.span: TypeMethod(f[1], kind, name))
    value, read, plain = expr(node.value), attribute_reader(node.name), plain_readers(node.name)

    def get(f: Frame, at_span: Any = node.span) -> Any:
        holder = value(f)
        known = plain.get(holder.__class__)
        return read(f[1], holder) if known is None else known(holder)

    return get


def _item(node: lt.Item) -> Evaluate:
    if isinstance(node.index, lt.Const | lt.GetLocal | lt.Binary | lt.Attribute | lt.Sequence):
        return _plain_item(node)
    value, index = expr(node.value), expr(node.index)

    def get(f: Frame, at_span: Any = node.span) -> Any:
        holder, at = value(f), index(f)
        if holder.__class__ is np.ndarray and at.__class__ in _MANY:
            check_index(f[1], holder, at)
        found = holder[at]
        if found.__class__ in _LARGE:
            check_size(f[1], found)
        return found

    return get


def _plain_item(node: lt.Item) -> Evaluate:
    """An index that is most often one position: nothing large is made, except from an index array."""
    match node.value, node.index:
        case lt.GetLocal(depth=0) as holder_name, lt.GetLocal(depth=0) as index_name:
            return _local_item(node, holder_name, index_name)
    value, index = expr(node.value), expr(node.index)

    def get(f: Frame, at_span: Any = node.span) -> Any:
        holder, at = value(f), index(f)
        if holder.__class__ is np.ndarray and at.__class__ in _MANY:
            check_index(f[1], holder, at)
        found = holder[at]
        if found.__class__ in _LOOKED or at.__class__ is slice:
            check_size(f[1], found)
        return found

    return get


def _local_item(node: lt.Item, value: lt.GetLocal, index: lt.GetLocal) -> Evaluate:
    first, second = value.slot, index.slot
    read_value, read_index = expr(value), expr(index)

    def get(f: Frame, at_span: Any = node.span) -> Any:
        holder, at = f[first], f[second]
        if holder is UNBOUND or at is UNBOUND:
            return read_value(f)[read_index(f)]
        if holder.__class__ is np.ndarray and at.__class__ in _MANY:
            check_index(f[1], holder, at)
        found = holder[at]
        if found.__class__ in _LOOKED or at.__class__ is slice:
            check_size(f[1], found)
        return found

    return get


_LARGE: Any = frozenset((list, tuple, str, np.ndarray, GenericAlias))
_LOOKED: Any = frozenset((np.ndarray, GenericAlias))
_MANY = frozenset((list, tuple, np.ndarray, range))


def _slice_of(node: lt.SliceOf) -> Evaluate:
    nothing: Evaluate = lambda f: None  # noqa: E731
    start, stop, step = (nothing if part is None else expr(part) for part in (node.start, node.stop, node.step))


    def build(f: Frame, at_span: Any = node.span) -> Any:
        parts = start(f), stop(f), step(f)
        if any(part.__class__ is slice for part in parts):
            raise TypeError("slice indices must be integers or None or have an __index__ method")
        return slice(*parts)

    return build


def _fstring(node: lt.FString) -> Evaluate:
    parts = tuple(
        p if isinstance(p, str) else (expr(p[0]), p[1], None if p[2] is None else expr(p[2])) for p in node.parts
    )

    def build(f: Frame, at_span: Any = node.span) -> Any:
        return joined(f[1], (p if isinstance(p, str) else _field(f, *p) for p in parts))

    return build


def _field(f: Frame, value: Evaluate, conversion: str, spec: Evaluate | None) -> str:
    return format_value(f[1], value(f), conversion, "" if spec is None else spec(f))


def _walrus(node: lt.Walrus) -> Evaluate:
    value, put = expr(node.value), store(node.target)

    def assign(f: Frame, at_span: Any = node.span) -> Any:
        found = value(f)
        put(f, found)
        return found

    return assign


MAKERS: dict[type[lt.Node], Maker] = {
    lt.Const: _const, lt.GetLocal: _get_local, lt.GetGlobal: _get_global, lt.Builtin: _builtin, lt.Member: _member,
    lt.Host: _host, lt.Sequence: _sequence, lt.Mapping: _mapping, lt.Unary: _unary, lt.Binary: _binary,
    lt.Logic: _logic, lt.Compare: compare, lt.Choose: _choose, lt.Attribute: _attribute, lt.Item: _item,
    lt.SliceOf: _slice_of, lt.Call: call, lt.MethodCall: method_call, lt.MakeFunction: functions.make_function,
    lt.Comprehension: comprehension, lt.FString: _fstring, lt.Walrus: _walrus,
}  # fmt: skip
