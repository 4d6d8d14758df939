"""Comparisons and membership -> closures."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np

from attndsl.dsl.pyimport import loops as lt
from attndsl.runtime.loops import operators
from attndsl.runtime.loops.arrays import weigh
from attndsl.runtime.loops.containers import defaultdict, deque
from attndsl.runtime.loops.dispatch import Evaluate, Frame, expr
from attndsl.runtime.loops.sized import pay_item
from attndsl.runtime.loops.state import HOLDING, VALUES, Run, check_size, compared, counted

_LONG = 64
_KNOWN: Any = frozenset({list, tuple, str, np.ndarray, range, dict, set, frozenset, Counter, defaultdict, OrderedDict})
_SEARCHED: Any = frozenset({list, tuple, str, np.ndarray})  # searched item by item


def compare(node: lt.Compare) -> Evaluate:
    """The closure of ``a < b``, ``a in b``, ``a < b <= c``."""
    if len(node.ops) > 1:
        return _chain(node)
    op, right_node = node.ops[0], node.rights[0]
    left = expr(node.left)
    if op in ("In", "NotIn"):
        return _membership(node, left, right_node, op == "NotIn")
    if isinstance(right_node, lt.Const) and op in _WITH_CONSTANT:
        return _with_constant(node, op, left, right_node.value)
    right = expr(right_node)
    if op == "Is":
        return lambda f: left(f) is right(f)
    if op == "IsNot":
        return lambda f: left(f) is not right(f)
    return _ordering(node, op, left, right)


_WITH_CONSTANT = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
_SCALARS: Any = frozenset({int, float, str, bool, np.float64, np.int64})


def _with_constant(node: lt.Compare, op: str, left: Evaluate, value: Any) -> Evaluate:
    """``x == "the"``, ``d <= 3``."""
    operation = operators.COMPARE[op]

    def equal(f: Frame, at_span: Any = node.span) -> Any:
        item = left(f)
        return item == value if item.__class__ in _SCALARS else checked(f, item)

    def greater(f: Frame, at_span: Any = node.span) -> Any:
        item = left(f)
        return item > value if item.__class__ in _SCALARS else checked(f, item)

    def other(f: Frame, at_span: Any = node.span) -> Any:
        item = left(f)
        return operation(item, value) if item.__class__ in _SCALARS else checked(f, item)

    def checked(f: Frame, item: Any) -> Any:
        found = operation(item, value)
        if found.__class__ is np.ndarray:
            check_size(f[1], found)
        return found

    return {"Eq": equal, "Gt": greater}.get(op, other)


def _ordering(node: lt.Compare, op: str, left: Evaluate, right: Evaluate) -> Evaluate:
    def equal(f: Frame, at_span: Any = node.span) -> Any:
        one, two = left(f), right(f)
        if one.__class__ in _SEARCHED and len(one) > 1024:
            f[1].step(len(one) >> 8)
        if one.__class__ in HOLDING or one.__class__ is np.ndarray or two.__class__ is np.ndarray:
            _look(f, one, two)
        found = one == two
        if found.__class__ is np.ndarray:
            check_size(f[1], found)
        return found

    def less(f: Frame, at_span: Any = node.span) -> Any:
        one, two = left(f), right(f)
        if one.__class__ in HOLDING or one.__class__ is np.ndarray or two.__class__ is np.ndarray:
            _look(f, one, two)
        found = one < two
        if found.__class__ is np.ndarray:
            check_size(f[1], found)
        return found

    def greater(f: Frame, at_span: Any = node.span) -> Any:
        one, two = left(f), right(f)
        if one.__class__ in HOLDING or one.__class__ is np.ndarray or two.__class__ is np.ndarray:
            _look(f, one, two)
        found = one > two
        if found.__class__ is np.ndarray:
            check_size(f[1], found)
        return found

    operation = operators.COMPARE[op]

    def other(f: Frame, at_span: Any = node.span) -> Any:
        one, two = left(f), right(f)
        if one.__class__ in HOLDING or one.__class__ is np.ndarray or two.__class__ is np.ndarray:
            _look(f, one, two)
        found = operation(one, two)
        if found.__class__ is np.ndarray:
            check_size(f[1], found)
        return found

    return {"Eq": equal, "Lt": less, "Gt": greater}.get(op, other)


def _look(f: Frame, one: Any, two: Any) -> None:
    if one.__class__ is np.ndarray or two.__class__ is np.ndarray:
        weigh(f[1], one, two)
    else:
        compared(f[1], one, two)


def _chain(node: lt.Compare) -> Evaluate:
    first = expr(node.left)
    rest = tuple(
        (operators.COMPARE[op], expr(right), op in ("In", "NotIn"))
        for op, right in zip(node.ops, node.rights, strict=True)
    )

    def test(f: Frame, at_span: Any = node.span) -> Any:
        left = first(f)
        found: Any = True
        for operation, right, inside in rest:
            value = right(f)
            if inside:
                _search(f, left, value)
                value = value if value.__class__ in _KNOWN else _unknown(f, left, value)
            if value.__class__ in HOLDING or value.__class__ is np.ndarray:
                _look(f, left, value)
            found = operation(left, value)
            if not found:
                return found
            left = value
        return found

    return test


def _membership(node: lt.Compare, left: Evaluate, right_node: lt.Expr, negate: bool) -> Evaluate:
    if isinstance(right_node, lt.Sequence) and all(isinstance(i, lt.Const) for i in right_node.items):
        return _in_constants(node, left, right_node, negate)
    right = expr(right_node)

    def test(f: Frame, at_span: Any = node.span) -> Any:
        item, holder = left(f), right(f)
        if holder.__class__ not in _KNOWN:
            holder = _unknown(f, item, holder)
        elif holder.__class__ in _SEARCHED or holder.__class__ is range:
            _search(f, item, holder)
        return (item not in holder) if negate else (item in holder)

    return test


def contains(run: Run, holder: Any, item: Any) -> bool:
    """``operator.contains``."""
    if holder.__class__ not in _KNOWN:
        holder = _unknown([None, run], item, holder)
    elif holder.__class__ in _SEARCHED or holder.__class__ is range:
        _search([None, run], item, holder)
    return item in holder


def _search(f: Frame, item: Any, holder: Any) -> None:
    """Pay for a search that goes through all items."""
    if holder.__class__ in _SEARCHED:
        if len(holder) > _LONG:
            f[1].step(len(holder) >> 6)
        if holder.__class__ is list or holder.__class__ is tuple:
            pay_item(f[1], holder, item)
    elif holder.__class__ is range and item.__class__ is not int:
        f[1].step(min(len(holder), 1 << 62) >> 4)  # Python compares one by one


def _unknown(f: Frame, item: Any, holder: Any) -> Any:
    """An iterator is gone through one by one, what has a length most often as well."""
    if hasattr(holder, "__next__"):
        found = counted(f[1], holder)
        return _each_compared(f[1], found, item) if item.__class__ in HOLDING or item.__class__ is np.ndarray else found
    if hasattr(holder, "__len__"):
        f[1].step(len(holder) >> 6)
    if holder.__class__ is deque or holder.__class__ in VALUES:
        pay_item(f[1], holder, item)
    elif holder.__class__ in HOLDING:
        compared(f[1], item)
    return holder


def _each_compared(run: Run, items: Iterator[Any], item: Any) -> Iterator[Any]:
    for each in items:
        compared(run, (each,), item)
        yield each


def _in_constants(node: lt.Compare, left: Evaluate, display: lt.Sequence, negate: bool) -> Evaluate:
    """``x in ["a", "b"]``: the display is a constant, as it is in CPython; strings are looked up by hash."""
    values = tuple(i.value for i in display.items if isinstance(i, lt.Const))
    by_hash = frozenset(values)
    holder: Any = set(values) if display.kind == "set" else values

    def contains(f: Frame, at_span: Any = node.span) -> Any:
        item = left(f)
        return item in by_hash if item.__class__ is str else item in holder

    def lacks(f: Frame, at_span: Any = node.span) -> Any:
        item = left(f)
        return item not in by_hash if item.__class__ is str else item not in holder

    return lacks if negate else contains
