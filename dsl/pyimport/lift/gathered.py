"""What dicts hold that gather: the list of what was appended for a key, a sum, the first value (see ``gathering``)."""

from __future__ import annotations

import ast

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.gathering import APPEND, FIRST, SUM
from attndsl.dsl.pyimport.lift.keyed import at_key, one_of
from attndsl.dsl.pyimport.lift.lists import freeze
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    DictValue,
    Growing,
    NoneValue,
    Part,
    Ref,
    Scalar,
    Seq,
    TupleValue,
    Value,
    known,
)

MAKERS = ("defaultdict", "Counter")
_COUNTER = "Counter"


def made(m: Machine, name: str, node: ast.Call) -> Value:
    """``defaultdict(list)``, ``Counter(tokens)``."""
    if node.keywords or len(node.args) > 1:
        raise m.stop(f"{name} with these arguments", node, "E0305")
    if name == "defaultdict":
        kind = {"list": APPEND, "int": SUM, "float": SUM}.get(ast.unparse(node.args[0]) if node.args else "")
        if kind is None:
            raise m.stop("defaultdict with this default", node, "E0305")
        return m.allocate(DictValue((), default=kind))
    parts: tuple[Part, ...] = ()
    if node.args:
        from attndsl.dsl.pyimport.lift.sequences import iterable

        seq = iterable(m, evaluate(m, node.args[0]))
        parts = tuple(Part(p.binders, p.condition, TupleValue((p.element, known(1), known(SUM)))) for p in seq.parts)
    return m.allocate(DictValue(parts, default=_COUNTER))


def is_gathered(parts: tuple[Part, ...]) -> bool:
    return any(isinstance(p.element, TupleValue) and len(p.element.items) == 3 for p in parts)


def gather(m: Machine, ref: Ref, how: str, key: Value, value: Value) -> None:
    """Append, add or keep the first, for the key."""
    found = m.mutable(ref)
    if isinstance(key, NoneValue) or getattr(found, "length", None) is not None:
        raise m.stop("an item of this object is assigned", code="E0302")
    if how == SUM and not (isinstance(value, Scalar) and value.term.kind in ("int", "float", "num", "bool")):
        raise m.stop("a sum of these objects", code="E0302")
    part = Part((), T.TRUE, TupleValue((freeze(m, key), freeze(m, value), known(how))))
    if isinstance(found, Growing) and found.is_dict:
        m.state.heap[ref.key] = Growing(found.key, (*found.added, part), True)
    elif isinstance(found, DictValue):
        m.state.heap[ref.key] = DictValue((*found.parts, part), default=found.default)
    else:
        raise m.stop("an item of this object is assigned", code="E0302")


def value_of(m: Machine, d: DictValue, key: Value, default: Value | None) -> Value:
    """``d[key]`` (default None), or ``d.get(key, default)``."""
    how = {p.element.items[2] if len(p.element.items) == 3 else None for p in d.parts}  # type: ignore[attr-defined]
    if len(how) > 1 or None in how:
        raise m.stop("a dict that gathers is assigned as well", code="E0313")
    kind = how.pop().term.data if how else SUM if d.default == _COUNTER else d.default  # type: ignore[union-attr]
    matching = [_matching(m, p, key) for p in d.parts]
    if kind == FIRST:
        return _first(m, matching, default)
    some = C.nonempty(Seq(tuple(matching)))
    if kind == APPEND:
        found: Value = Seq(tuple(matching))
        empty = default is None or (isinstance(default, Ref) and m.contents(default) == Seq(()))
        return found if empty else merge_values(some, found, default)  # type: ignore[arg-type]
    found = _total(matching)
    return found if default is None or default in (known(0), known(0.0)) else merge_values(some, found, default)


def _matching(m: Machine, original: Part, key: Value) -> Part:
    """What was gathered for the key."""
    p = at_key(m, instantiate(original), key)
    assert isinstance(p.element, TupleValue)
    return Part(p.binders, p.condition, p.element.items[1])


def _total(parts: list[Part]) -> Scalar:
    from attndsl.dsl.pyimport.lift.folds import _part_sum

    total: Term = T.ZERO
    for p in parts:
        total = T.add(total, _part_sum(p))
    return Scalar(total)


def _first(m: Machine, parts: list[Part], default: Value | None) -> Value:
    found = default
    for p in reversed(parts):
        here, value = one_of(m, p, last=False)
        found = value if found is None else merge_values(here, value, found)
    if found is None:
        raise m.stop("a value of an empty dict", code="E0313")
    return found
