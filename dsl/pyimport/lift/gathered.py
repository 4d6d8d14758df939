"""What dicts hold that gather: the list of what was appended for a key, a sum, the first value (see ``gathering``)."""

from __future__ import annotations

import ast
from dataclasses import replace

from attndsl.dsl.pyimport.lift import collections_ as C
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift import walks
from attndsl.dsl.pyimport.lift.evaluate import evaluate
from attndsl.dsl.pyimport.lift.gathering import ADD, APPEND, FIRST, SUM, THERE
from attndsl.dsl.pyimport.lift.keyed import at_key, one_of
from attndsl.dsl.pyimport.lift.lists import freeze
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.pyimport.lift.merge import instantiate, merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    DictValue,
    Growing,
    NoneValue,
    Opaque,
    Part,
    Ref,
    Scalar,
    Seq,
    TupleValue,
    Value,
    Word,
    known,
)

MAKERS = ("defaultdict", "Counter", "OrderedDict")
_COUNTER = "Counter"
FILLED = "filled"


def made(m: Machine, name: str, node: ast.Call) -> Value:
    """``defaultdict(list)``, ``Counter(tokens)``."""
    if node.keywords or len(node.args) > (name != "OrderedDict"):
        raise m.stop(f"{name} with these arguments", node, "E0305")
    if name == "OrderedDict":
        return m.allocate(DictValue(()))
    if name == "defaultdict" and node.args and isinstance(node.args[0], ast.Lambda):
        return _filled(m, node.args[0], node)
    if name == "defaultdict":
        default = ast.unparse(node.args[0]) if node.args else ""
        kind = {"list": APPEND, "set": ADD, "int": SUM, "float": SUM}.get(default)
        if kind is None:
            raise m.stop("defaultdict with this default", node, "E0305")
        return m.allocate(DictValue((), default=kind))
    parts: tuple[Part, ...] = ()
    if node.args:
        from attndsl.dsl.pyimport.lift.sequences import iterable

        seq = iterable(m, evaluate(m, node.args[0]))
        parts = tuple(Part(p.binders, p.condition, TupleValue((p.element, known(1), known(SUM)))) for p in seq.parts)
    return m.allocate(DictValue(parts, default=_COUNTER))


def _filled(m: Machine, function: ast.Lambda, node: ast.Call) -> Value:
    """``defaultdict(lambda: -1)``."""
    value = evaluate(m, function.body)
    plain = isinstance(value, NoneValue) or (isinstance(value, Scalar) and T.is_const(value.term))
    if not plain or ast.unparse(function.args):
        raise m.stop("defaultdict with this default", node, "E0305")
    return m.allocate(DictValue((), default=FILLED, filler=value))


def most_common(m: Machine, ref: Ref, args: list[Value], node: ast.Call) -> Value:
    """``counter.most_common(k)``: keys and counts from the greatest count on, of equal ones the first key first."""
    from attndsl.dsl.pyimport.lift import dicts, ordering, slices

    held = m.contents(ref)
    sizes = [a.term for a in args if isinstance(a, Scalar) and a.term.kind == "int"]
    if not isinstance(held, DictValue) or held.default != _COUNTER or len(args) > 1 or len(sizes) != len(args):
        raise m.stop("the dict method 'most_common'", node, "E0305")
    if sizes and not m.holds(T.compare(">=", sizes[0], T.ZERO)):
        raise m.stop("the most common of a number that may be negative", node, "E0313")
    pairs = ordering.by_key(m, Seq(dicts.items(m, ref).parts), Opaque("itemgetter", (1,)), backwards=True)
    return m.allocate(slices.slice_of(m, pairs, None, sizes[0]) if sizes else pairs)


def is_gathered(parts: tuple[Part, ...]) -> bool:
    return any(map(_has_way, parts))


def begun(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """What a list or dict held before anything was gathered."""
    return tuple(p for p in parts if not _has_way(p))


def gather(m: Machine, ref: Ref, how: str, key: Value, value: Value, first: Value | None = None) -> None:
    """Append, add or keep the first, for the key; ``first`` is what a list holds where nothing was kept yet."""
    from attndsl.dsl.pyimport.lift import tables

    found = m.mutable(ref, told=True)
    if isinstance(key, NoneValue) or (isinstance(found, DictValue | Growing) and found.array):
        raise m.stop("an item of this object is assigned", code="E0302")
    if how.removesuffix(THERE) == SUM and not (
        isinstance(value, Scalar) and value.term.kind in ("int", "float", "num", "bool")
    ):
        raise m.stop("a sum of these objects", code="E0302")
    if first is not None and not _certainly_other(m, value, first):
        raise m.stop("an item that may stay as it was is assigned", code="E0313")
    if isinstance(found, Growing | DictValue) and found.length is not None:
        key = tables.place(m, key, found.length, "")
    elif how.endswith(THERE):
        _require_key(m, ref, key)
    walks.changed(m, ref.key, key)
    part = Part((), T.TRUE, TupleValue((freeze(m, key), freeze(m, value), known(how))))
    if isinstance(found, Growing) and found.is_dict:
        m.state.heap[ref.key] = replace(found, added=(*found.added, part))
    elif isinstance(found, DictValue):
        m.state.heap[ref.key] = replace(found, parts=(*found.parts, part))
    else:
        raise m.stop("an item of this object is assigned", code="E0302")


def _require_key(m: Machine, ref: Ref, key: Value) -> None:
    """The key is one of those that the dict was made with, where it was made with any."""
    held = [m.state.heap[ref.key], *(run.start.state.heap.get(ref.key) for run in m.runs if run.start is not None)]
    first = next((begun(d.parts) for d in held if isinstance(d, DictValue)), ())
    if first:
        found = (at_key(m, instantiate(p), key) for p in first)
        m.require(T.disj(C.exists(p.binders, p.condition) for p in found), kind="KeyError")


def _certainly_other(m: Machine, value: Value, first: Value) -> bool:
    """The value is not what a place of the list holds at first (nor below 0, where that is)."""
    if isinstance(first, NoneValue):
        return isinstance(value, Scalar | Word | TupleValue)
    if not (isinstance(first, Scalar) and isinstance(value, Scalar) and first.term.kind == value.term.kind):
        return False
    below = first.term.kind == "int" and first.term.data < 0
    return m.holds(T.compare(">=", value.term, T.ZERO) if below else T.compare("!=", value.term, first.term))


def value_of(m: Machine, d: DictValue, key: Value, default: Value | None) -> Value:
    """``d[key]`` (default None), or ``d.get(key, default)``."""
    filler = d.filler or (known(0) if d.default == SUM else None)
    if filler is not None and not is_gathered(d.parts) and (d.parts or d.filler is not None):
        return _assigned(m, d, key, filler, default)
    first = begun(d.parts)
    parts = d.parts[len(first) :]
    how = {p.element.items[2] for p in parts if _has_way(p)}  # type: ignore[attr-defined]
    kind = how.pop().term.data if how else SUM if d.default == _COUNTER else d.default
    own_keys = d.length is not None or kind.endswith(THERE)
    if how or (first and not own_keys) or not all(map(_has_way, parts)):
        raise m.stop("a dict that gathers is assigned as well", code="E0313")
    kind = kind.removesuffix(THERE)
    matching = [_matching(m, p, key) for p in parts]
    found: Value
    if first:
        found = _on_top(m, kind, replace(d, parts=first), matching, key)
        if default is None or d.length is not None:
            return found
        own = [at_key(m, instantiate(p), key) for p in first]
        return merge_values(T.disj(C.exists(p.binders, p.condition) for p in own), found, default)
    if kind == FIRST:
        return _first(m, matching, default)
    some = C.nonempty(Seq(tuple(matching)))
    if kind in (APPEND, ADD):
        found = Seq(tuple(matching), kind == ADD)
        empty = default is None or (isinstance(default, Ref) and m.contents(default) == Seq((), kind == ADD))
        return found if empty else merge_values(some, found, default)  # type: ignore[arg-type]
    found = _total(matching)
    return found if default is None or default in (known(0), known(0.0)) else merge_values(some, found, default)


def _assigned(m: Machine, d: DictValue, key: Value, filler: Value, default: Value | None) -> Value:
    """Of a dict that fills itself up and whose items are assigned: a look-up keeps the filler, which ``get`` finds."""
    from attndsl.dsl.pyimport.lift import dicts

    if default not in (None, filler):
        raise m.stop("'get' of a dict to which every look-up adds a key", code="E0310")
    return dicts.last_value(m, replace(d, default="", filler=None), key, filler)


def _has_way(p: Part) -> bool:
    return isinstance(p.element, TupleValue) and len(p.element.items) == 3


def way_of(p: Part) -> str | None:
    """How a part gathers; None where it assigns."""
    way = p.element.items[2] if isinstance(p.element, TupleValue) and len(p.element.items) == 3 else None
    return str(way.term.data) if isinstance(way, Scalar) else None


def keys_are_begun(d: DictValue) -> bool:
    """What gathers does so for keys that were there."""
    return d.length is not None or all(way.endswith(THERE) for p in d.parts if (way := way_of(p)) is not None)


def _on_top(m: Machine, kind: str, old: DictValue, matching: list[Part], key: Value) -> Value:
    """What was gathered at a place of a list, which held something before."""
    from attndsl.dsl.pyimport.lift import dicts

    first = dicts.last_value(m, old, key, None)
    if kind == FIRST:
        return _first(m, matching, first)
    if kind in (APPEND, ADD) and isinstance(first, Seq) and first.is_set == (kind == ADD):
        return replace(first, parts=(*first.parts, *matching))
    if kind == SUM and isinstance(first, Scalar) and first.term.kind in ("int", "float", "num"):
        return Scalar(T.add(first.term, _total(matching).term))
    raise m.stop("a list that gathers is assigned as well", code="E0313")


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
