"""Which sort of value a loop's statements give a name that is None before: texts, words, or something else."""

from __future__ import annotations

import ast
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.values import Ref, Scalar, Seq, TupleValue, Value, Word

_TEXT_METHODS = frozenset(("lower", "upper", "strip", "lstrip", "rstrip", "replace", "casefold", "title", "capitalize"))
_DEEPEST = 4


def sort_given(m: Machine, node: ast.For, element: Value | None, name: str) -> str | None:
    """ "str" or "word" where a statement of the loop gives the name such a value, as far as statements alone tell."""
    reader = _Reader(m, node, element)
    return "str" if reader.is_text(name, 0) else "word" if reader.is_word(name) else None


class _Reader:
    def __init__(self, m: Machine, node: ast.For, element: Value | None) -> None:
        self.m, self.element, self.target = m, element, node.target
        if node not in _ASSIGNED:
            found: dict[str, list[ast.expr]] = {}
            for x in pytree.walk(node):
                if isinstance(x, ast.Assign):
                    for target in x.targets:
                        _pair(target, x.value, found)
            _ASSIGNED[node] = found
        self.assigned = _ASSIGNED[node]

    def is_text(self, name: str, depth: int) -> bool:
        if depth > _DEEPEST:
            return False
        if any(self._gives_text(value, depth + 1) for value in self.assigned.get(name, ())):
            return True
        return _holds_text(_part(self.target, self.element, name)) or _holds_text(self.m.lookup(name))

    def is_word(self, name: str) -> bool:
        """The name is given the element of the loop, which is a word."""
        given = [v.id for v in self.assigned.get(name, ()) if isinstance(v, ast.Name)]
        return any(isinstance(_part(self.target, self.element, other), Word) for other in given)

    def _gives_text(self, value: ast.expr, depth: int) -> bool:
        match value:
            case ast.Constant(value=constant):
                return isinstance(constant, str)
            case ast.Name(id=name):
                return self.is_text(name, depth)
            case ast.Subscript(value=ast.Name(id=name), slice=index) if not isinstance(index, ast.Slice):
                return self._has_texts(name)
            case ast.Call(func=ast.Attribute(value=base, attr=attr)) if attr in _TEXT_METHODS:
                return self._gives_text(base, depth)
            case ast.Attribute(attr=attr):  # of spaCy's words
                return attr.endswith("_") or attr == "text"
            case ast.IfExp(body=then, orelse=other):
                return self._gives_text(then, depth) or self._gives_text(other, depth)
        return False

    def _has_texts(self, name: str) -> bool:
        """The name holds a list of texts."""
        held = self.m.lookup(name)
        if isinstance(held, Ref):
            held = self.m.state.heap.get(held.key)
        return isinstance(held, Seq) and bool(held.parts) and all(_holds_text(p.element) for p in held.parts)


def _pair(target: ast.expr, value: ast.expr, found: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, given in zip(target.elts, value.elts, strict=False):
            _pair(one, given, found)


def _part(target: ast.expr, element: Value | None, name: str) -> Value | None:
    """What the element of the loop gives the name."""
    if isinstance(target, ast.Name):
        return element if target.id == name else None
    if isinstance(target, ast.Tuple) and isinstance(element, TupleValue):
        for one, item in zip(target.elts, element.items, strict=False):
            found = _part(one, item, name)
            if found is not None:
                return found
    return None


def _holds_text(value: Value | None) -> bool:
    return isinstance(value, Scalar) and value.term.kind == "str"


_ASSIGNED: WeakKeyDictionary[ast.For, dict[str, list[ast.expr]]] = WeakKeyDictionary()
