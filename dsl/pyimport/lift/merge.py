"""Joining what two branches left: names, lists, paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Event, Loop, Reading, State
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    Binder,
    CellRow,
    Choice,
    Closure,
    DictValue,
    Growing,
    Opaque,
    Part,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    Span,
    TupleValue,
    Unbound,
    Value,
    Vector,
    Word,
)

_NUMERIC = ("int", "float", "num")


def merge_values(c: Term, a: Value, b: Value) -> Value:
    """a where c holds, else b."""
    if a == b or c is T.TRUE:
        return a
    if c is T.FALSE:
        return b
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        kinds = {a.term.kind, b.term.kind}
        if len(kinds) == 1 or kinds <= set(_NUMERIC):
            return Scalar(T.ite(c, a.term, b.term), a.numpy if a.numpy == b.numpy else None)
    if isinstance(a, Word) and isinstance(b, Word):
        return Word(T.ite(c, a.term, b.term))
    if isinstance(a, Span) and isinstance(b, Span) and (a.kind, a.is_first) == (b.kind, b.is_first):
        return Span(a.kind, T.ite(c, a.word, b.word), a.is_first)
    if isinstance(a, TupleValue) and isinstance(b, TupleValue) and len(a.items) == len(b.items):
        return TupleValue(tuple(merge_values(c, x, y) for x, y in zip(a.items, b.items, strict=True)))
    if isinstance(a, DictValue) and isinstance(b, DictValue) and _keys(a) == _keys(b) is not None:
        return replace(a, parts=tuple(map(partial(_merge_items, c), a.parts, b.parts)))
    if isinstance(a, Choice) and a.condition is c:
        a = a.then
    if isinstance(b, Choice) and b.condition is c:
        b = b.other
    return Choice(c, a, b)


def _keys(record: DictValue) -> list[Value] | None:
    """The keys of a dict that is written out, each of them a constant; None for other dicts."""
    found: list[Value] = []
    for p in record.parts:
        pair = p.element
        if p.binders or p.condition is not T.TRUE or not isinstance(pair, TupleValue) or len(pair.items) != 2:
            return None
        found.append(pair.items[0])
    return None if record.length is not None or record.default else found


def _merge_items(c: Term, a: Part, b: Part) -> Part:
    return Part((), T.TRUE, merge_values(c, a.element, b.element))


def merge_contents(c: Term, a: Value, b: Value) -> Value:
    """Contents of one list after two branches: the common start, then what each added."""
    if a is b or a == b:
        return a
    if isinstance(a, Seq) and isinstance(b, Seq):  # of one sort: what a list or set has in its place is one, too
        return replace(a, parts=_merge_parts(c, a.parts, b.parts))
    if isinstance(a, DictValue) and isinstance(b, DictValue):
        return replace(a, parts=_merge_parts(c, a.parts, b.parts))
    if isinstance(a, Growing) and isinstance(b, Growing):
        return replace(a, added=_merge_parts(c, a.added, b.added))
    return Unbound("a list is replaced in one branch only")


def _merge_parts(c: Term, a: tuple[Part, ...], b: tuple[Part, ...]) -> tuple[Part, ...]:
    same = 0
    while same < min(len(a), len(b)) and a[same] == b[same]:
        same += 1
    then = tuple(guard(p, c) for p in a[same:])
    other = tuple(guard(p, T.not_(c)) for p in b[same:])
    return a[:same] + then + other


def guard(part: Part, c: Term) -> Part:
    return Part(part.binders, T.conj((c, part.condition)), part.element)


def merge_states(base: State, branches: list[tuple[Term, State]]) -> State:
    """One state after exclusive branches that all began at ``base``; each comes with its own condition."""
    *rest, (_, last) = branches
    frames = {key: dict(names) for key, names in last.frames.items() if key in base.frames}
    heap = dict(last.heap)
    for c, state in reversed(rest):
        for key in frames:
            frames[key] = _merge_names(c, state.frames[key], frames[key])
        heap = _merge_heaps(c, state.heap, heap)
    depth = len(base.path)
    extras = [state.path[depth:] for _, state in branches]
    return State(frames, heap, base.path + _joined(extras))


def merge_unbroken(base: State, ends: list[State], broken: list[State]) -> State:
    """One state after an iteration that did not break off; that it did not need not be said."""
    depth = len(base.path)
    branches: list[tuple[Term, State]] = []
    for s in ends:
        path = list(s.path[depth:])
        for *before, last in (b.path[depth:] for b in broken if len(b.path) > depth):
            if T.not_(last) in path and all(c in path for c in before):
                path.remove(T.not_(last))
        branches.append((T.conj(path), s))
    return merge_states(base, branches)


def _merge_heaps(c: Term, a: dict[int, Value], b: dict[int, Value]) -> dict[int, Value]:
    out: dict[int, Value] = {}
    for key in a.keys() | b.keys():
        x, y = a.get(key), b.get(key)
        if x is None or y is None:
            out[key] = x or b[key]
        else:
            out[key] = x if x is y else merge_contents(c, x, y)
    return out


def _merge_names(c: Term, a: dict[str, Value], b: dict[str, Value]) -> dict[str, Value]:
    out = a | b  # most are the same in both
    for name, y in out.items():
        x = a.get(name)
        if x is None:
            out[name] = merge_values(c, _missing(name), y)
        elif name not in b:
            out[name] = merge_values(c, x, _missing(name))
        elif x is not y:
            out[name] = merge_values(c, x, y)
    return out


@lru_cache(maxsize=1000)
def _missing(name: str) -> Unbound:
    return Unbound(f"{name!r} is set in one branch only", True)


def _joined(extras: list[tuple[Term, ...]]) -> tuple[Term, ...]:
    """What all branches together say: the common conjuncts, and one of the rests."""
    common = [c for c in extras[0] if all(c in e for e in extras[1:])]
    rests = [[c for c in e if c not in common] for e in extras]
    either = T.disj(sorted((T.conj(r) for r in rests), key=lambda t: t.size))
    either = _covered(rests, either)
    return (*common, *(() if either is T.TRUE else T.parts(either)))


def _covered(rests: list[list[Term]], either: Term) -> Term:
    """Branches that split on one condition after the other leave nothing open."""
    for c in rests[0]:
        yes = [[x for x in r if x is not c] for r in rests if c in r]
        no = [[x for x in r if x is not T.not_(c)] for r in rests if T.not_(c) in r]
        if yes and no and len(yes) + len(no) == len(rests):
            a = _covered(yes, T.disj(T.conj(r) for r in yes))
            b = _covered(no, T.disj(T.conj(r) for r in no))
            return T.ite(c, a, b)
    return either


# ---------------------------------------------------------------- substitution in values


def subst_value(value: Value, mapping: dict[Term, Term]) -> Value:
    """Replace terms everywhere in a value."""
    match value:
        case Scalar(term=t, numpy=numpy):
            return Scalar(T.subst(t, mapping), numpy)
        case Word(term=t):
            return Word(T.subst(t, mapping))
        case Span(kind=kind, word=t, is_first=is_first):
            return Span(kind, T.subst(t, mapping), is_first)
        case Choice(condition=c, then=a, other=b):
            return merge_values(T.subst(c, mapping), subst_value(a, mapping), subst_value(b, mapping))
        case TupleValue(items=items):
            return TupleValue(tuple(subst_value(i, mapping) for i in items))
        case Seq(parts=parts):
            return replace(value, parts=tuple(subst_part(p, mapping) for p in parts))
        case DictValue(parts=parts):
            return replace(value, parts=tuple(subst_part(p, mapping) for p in parts))
        case RowRef(matrix=matrix, row=row, length=length, start=start):
            return RowRef(matrix, T.subst(row, mapping), T.subst(length, mapping), T.subst(start, mapping))
        case Vector():
            return _subst_vector(value, mapping)
        case CellRow(row=row):
            return replace(value, row=T.subst(row, mapping))
        case Closure(defaults=defaults) if defaults:
            return replace(value, defaults=tuple(subst_value(d, mapping) for d in defaults))
        case Sheet(at=cell, tall=tall, wide=wide, own=own):
            return Sheet(_mapped(cell, mapping, 2), tall, wide, own, value.seen)
        case Opaque(name="filled", data=Scalar() as weight):
            return Opaque("filled", subst_value(weight, mapping))
        case Opaque(name="letters", data=(op, *texts)):
            return Opaque("letters", (op, *(T.subst(t, mapping) for t in texts)))
    return value


def _subst_vector(v: Vector, mapping: dict[Term, Term]) -> Vector:
    part = None if v.part is None else subst_part(v.part, mapping)
    items = None
    if v.items is not None:
        items = tuple(Scalar(T.subst(x.term, mapping), x.numpy) for x in v.items)
    length, untyped = T.subst(v.length, mapping), T.subst(v.untyped, mapping)
    at, origin = _mapped(v.at, mapping, 1), v.origin or v
    return replace(v, length=length, at=at, part=part, items=items, untyped=untyped, origin=origin)


def _mapped(at: Callable[..., Scalar], mapping: dict[Term, Term], count: int) -> Callable[..., Scalar]:
    def mapped(*places: Term) -> Scalar:
        inner = [T.fresh("int") for _ in range(count)]
        found = at(*inner)
        return Scalar(T.subst(T.subst(found.term, mapping), dict(zip(inner, places, strict=True))), found.numpy)

    return mapped


def subst_part(part: Part, mapping: dict[Term, Term]) -> Part:
    binders = tuple(subst_binder(b, mapping) for b in part.binders)
    return Part(binders, T.subst(part.condition, mapping), subst_value(part.element, mapping))


def subst_binder(b: Binder, mapping: dict[Term, Term]) -> Binder:
    low, high, domain = T.subst(b.low, mapping), T.subst(b.high, mapping), T.subst(b.domain, mapping)
    keys = tuple(T.subst(k, mapping) for k in b.keys)
    return Binder(b.var, low, high, domain, b.descending, b.mixed, keys)


def subst_event(e: Event, mapping: dict[Term, Term]) -> Event:
    """Replace terms everywhere in what is done to a matrix."""
    path = tuple(T.subst(c, mapping) for c in e.path)
    row, column, value = (T.subst(t, mapping) for t in (e.row, e.column, e.value))
    return replace(e, row=row, column=column, value=value, path=path, loops=_subst_loops(e.loops, mapping))


def subst_reading(r: Reading, mapping: dict[Term, Term]) -> Reading:
    """Replace terms everywhere in what is read of a matrix."""
    path = tuple(T.subst(c, mapping) for c in r.path)
    column = None if r.column is None else T.subst(r.column, mapping)
    return replace(r, row=T.subst(r.row, mapping), column=column, path=path, loops=_subst_loops(r.loops, mapping))


def _subst_loops(loops: tuple[Loop, ...], mapping: dict[Term, Term]) -> tuple[Loop, ...]:
    return tuple(Loop(subst_binder(x.binder, mapping), x.ordered) for x in loops)


def instantiate(part: Part) -> Part:
    """The same part with binders that nothing else uses."""
    if not part.binders:
        return part
    mapping: dict[Term, Term] = {}
    binders: list[Binder] = []
    for b in part.binders:
        new = T.fresh(b.var.kind)
        moved = subst_binder(b, mapping)
        mapping[b.var] = new
        keys = tuple(T.subst(k, mapping) for k in b.keys)
        binders.append(Binder(new, moved.low, moved.high, moved.domain, moved.descending, moved.mixed, keys))
    return Part(tuple(binders), T.subst(part.condition, mapping), subst_value(part.element, mapping))
