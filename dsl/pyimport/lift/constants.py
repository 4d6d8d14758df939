"""Methods of texts that are known, and dicts of what is written out: ``"the a an".split()``, ``dict(a=1)``."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift import walks
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.lists import freeze, hashed
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    DictValue,
    NoneValue,
    Part,
    Ref,
    Scalar,
    Seq,
    TupleValue,
    Value,
    items_of,
    known,
    literal,
)

_SPLITS: dict[str, Callable[..., list[str]]] = {"split": str.split, "rsplit": str.rsplit, "splitlines": str.splitlines}
MAX_PIECES = 2_000


def split(m: Machine, t: Term, name: str, args: list[Value], node: ast.Call) -> Value | None:
    """``"the a an".split()``; None of a text that is not known."""
    if name not in _SPLITS or not T.is_const(t):
        return None
    given = [a.term.data if isinstance(a, Scalar) else None for a in args if _constant(a)]
    if len(given) != len(args) or len(given) > (0 if name == "splitlines" else 2):
        raise m.stop(f"{name!r} with these arguments", node, "E0305")
    if given and (given[0] == "" or not isinstance(given[0], str | None)):
        raise m.stop(f"{name!r} with these arguments", node, "E0305")
    if len(given) == 2 and not isinstance(given[1], int):
        raise m.stop(f"{name!r} with these arguments", node, "E0305")
    pieces = _SPLITS[name](t.data, *given)
    if len(pieces) > MAX_PIECES:
        raise T.TooLarge
    return m.allocate(literal(tuple(known(p) for p in pieces)))


def _constant(a: Value) -> bool:
    return isinstance(a, NoneValue) or (isinstance(a, Scalar) and T.is_const(a.term))


def joined(parts: Seq, between: Term) -> Value | None:
    """``"".join([",", "."])`` of texts that are known, else None."""
    items = items_of(parts)
    texts = [i.term.data for i in items or () if isinstance(i, Scalar) and i.term.kind == "str" and T.is_const(i.term)]
    if items is None or len(texts) != len(items) or not T.is_const(between) or parts.is_set:
        return None
    return known(between.data.join(texts))


# ---------------------------------------------------------------- dicts


def made(m: Machine, node: ast.Call) -> Value:
    """``dict()``, ``dict(a=1)``, ``dict(pairs)``, ``dict(other, a=1)``."""
    parts = _parts(m, evaluate(m, node.args[0]), node) if node.args else ()
    return m.allocate(DictValue((*parts, *_named(m, node))))


def _named(m: Machine, node: ast.Call) -> tuple[Part, ...]:
    found: list[Part] = []
    for k in node.keywords:
        if k.arg is None:
            found.extend(_parts(m, evaluate(m, k.value), node))
        else:
            found.append(Part((), T.TRUE, TupleValue((known(k.arg), freeze(m, evaluate(m, k.value))))))
    return tuple(found)


def _parts(m: Machine, value: Value, node: ast.AST) -> tuple[Part, ...]:
    """The assignments that make a dict of another one, or of pairs."""
    from attndsl.dsl.pyimport.lift.sequences import iterable

    held = m.contents(value) if isinstance(value, Ref) else None
    if isinstance(held, DictValue) and held.length is None:
        if held.default or held.unordered:
            raise m.stop("a dict with defaults, or in no order, is copied", node, "E0311")
        return held.parts
    seq = iterable(m, value)
    pairs = all(isinstance(p.element, TupleValue) and len(p.element.items) == 2 for p in seq.parts)
    if not pairs or any(b.mixed for p in seq.parts for b in p.binders) or seq.is_set:
        raise m.stop("a dict of this object", node, "E0302")
    return tuple(Part(p.binders, p.condition, _pair(m, freeze(m, p.element))) for p in seq.parts)


def _pair(m: Machine, pair: Value) -> Value:
    assert isinstance(pair, TupleValue)
    hashed(m, pair.items[0])
    return pair


def unpacked(m: Machine, node: ast.expr) -> tuple[Part, ...]:
    """``**other`` in a dict."""
    value = evaluate(m, node)
    held = m.contents(value) if isinstance(value, Ref) else None
    if not isinstance(held, DictValue) or held.length is not None:
        raise m.stop("this object is unpacked into a dict", node, "E0302")
    return _parts(m, value, node)


def from_keys(m: Machine, node: ast.Call) -> Value:
    """``dict.fromkeys(keys, value)``."""
    from attndsl.dsl.pyimport.lift.sequences import iterable

    if len(node.args) not in (1, 2) or node.keywords:
        raise m.stop("dict.fromkeys with these arguments", node, "E0305")
    seq = iterable(m, evaluate(m, node.args[0]))
    value = freeze(m, evaluate(m, node.args[1])) if len(node.args) == 2 else NoneValue()
    if isinstance(value, Seq):
        raise m.stop("dict.fromkeys with one list for all keys", node, "E0311")
    parts = tuple(Part(p.binders, p.condition, TupleValue((hashed(m, p.element), value))) for p in seq.parts)
    return m.allocate(DictValue(parts, unordered=seq.is_set))


def update(m: Machine, ref: Ref, node: ast.Call) -> Value:
    """``d.update(other)`` and ``d.update(a=1)``."""
    found = m.mutable(ref)
    if not isinstance(found, DictValue) or found.length is not None or found.default or len(node.args) > 1:
        raise m.stop("the dict method 'update'", node, "E0305")
    given = evaluate(m, node.args[0]) if node.args else None
    parts: tuple[Part, ...] = ()
    if given is not None:
        walks.check_apart(m, ref, given)
        parts = _parts(m, given, node)
    m.state.heap[ref.key] = replace(found, parts=(*found.parts, *parts, *_named(m, node)))
    return NoneValue()
