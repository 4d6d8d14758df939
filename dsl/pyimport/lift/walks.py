"""What an iterator or a loop sees of the changes that are made while it goes through its elements.

Python computes the elements of a generator one at a time, each when it is asked for, and takes those of a list, row or
dict so as well. The lifter sees all of them as they were when the walk began. The two agree where nothing changes
meanwhile that the elements still to come are made of, and where none of these fails that Python never computes. All
else ends the lift here: a changed name where the loop or the name of the iterator is read, other changes where they are
made, as long as the walk is among ``m.walks``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.lift import aliases
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import (
    CellRow,
    CellTable,
    Choice,
    Closure,
    DictValue,
    Grid,
    Growing,
    Live,
    Opaque,
    Part,
    Ref,
    RowRef,
    Scalar,
    Seq,
    Sheet,
    Step,
    TupleValue,
    Unbound,
    Value,
    Vector,
    Word,
)
from attndsl.dsl.pyimport.scopes import open_scope

if TYPE_CHECKING:
    from attndsl.dsl.pyimport.lift.machine import Machine

ANY_MATRIX = ""
"""In place of the name of a matrix, where a vector shows one that it does not tell."""
_OF_WHOLE = ("normalize", "mask")
"""What is done to all cells of a matrix."""
_NOTHING = Live()
_PLAIN = (Scalar, Word, Unbound)
_COMPREHENSION = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(slots=True)
class Walk:
    """A loop at work: what it goes through, and how many elements came before the one at hand, where that is known."""

    live: Live
    place: Term | None = None
    element: Value | None = None


# ---------------------------------------------------------------- what an iterator depends on


def of(m: Machine, value: Value) -> Live:
    """What a walk through the value depends on while it lasts."""
    match value:
        case Seq(live=live):
            return live or _NOTHING
        case Ref(key=key):
            found = m.state.heap.get(key)
            is_dict = isinstance(found, DictValue) or (isinstance(found, Growing) and found.is_dict)
            return Live(steps=(Step(value, "key" if is_dict and found.length is None else ""),))  # type: ignore[union-attr]
        case RowRef() | CellRow() | Vector(seen=None, slice_of=None):
            return Live(steps=(Step(value),))
        case Vector() | Sheet() | Choice():
            names, kept = _reached(m, set(), [value])
            return Live(names=frozenset(names), kept=frozenset(kept))
    return _NOTHING  # the rows of a matrix are themselves what changes; others never do


def through(ref: Ref, kind: str) -> Live:
    """A walk through a dict, which gives keys ("key"), pairs ("pair") or values ("value")."""
    return Live(steps=(Step(ref, kind),))


def inside(live: Live, place: int) -> Live:
    """The same, where the elements are items of tuples at that place."""
    steps = tuple(s if s.path is None else replace(s, path=(place, *s.path)) for s in live.steps)
    return replace(live, steps=steps)


def out_of_step(live: Live) -> Live:
    """The same, where the elements do not come one for one: none of what is walked through may change."""
    own = frozenset(_thing(s.source) for s in live.steps)
    return replace(live, steps=(), kept=live.kept | own)


def together(lives: list[Live]) -> Live:
    return Live(
        any(x.fails for x in lives),
        frozenset(name for x in lives for name in x.names),
        frozenset(thing for x in lives for thing in x.kept),
        tuple(s for x in lives for s in x.steps),
    )


def iterator(m: Machine, seq: Seq, live: Live) -> Seq:
    """The elements as those of an iterator that depends on this from now on."""
    if live.fails or live.names or live.kept or live.steps:
        return replace(seq, once=True, live=replace(live, moment=_moment(m, live)))
    return replace(seq, once=True)


def of_generator(m: Machine, node: ast.GeneratorExp, walked: Live, rows: list[Value], fails: bool) -> Live:
    """What the generator depends on, which goes through ``walked`` first, of these elements."""
    first = node.generators[0]
    read = set().union(*(_read(x) for x in [node.elt, *first.ifs, *node.generators[1:]]))
    read -= {x.id for g in node.generators for x in pytree.walk(g.target) if isinstance(x, ast.Name)}
    own = tuple(scope.key for scope in m.frames[-1].chain)
    names, kept = _reached(m, _bound(m, read, own), rows)
    in_step = len(node.generators) == 1 and not first.ifs
    steps = tuple(replace(s, path=None) for s in walked.steps)
    walked = replace(walked, steps=steps) if in_step else out_of_step(walked)
    return together([walked, Live(fails, frozenset(names), frozenset(kept))])


def _read(node: ast.AST) -> set[str]:
    """The names that the node reads of those around it."""
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Load) else set()
    found = set().union(*(_read(x) for x in pytree.children(node)))
    if isinstance(node, _COMPREHENSION):
        own = {x.id for g in node.generators for x in pytree.walk(g.target) if isinstance(x, ast.Name)}
        return (found - own) | _read(node.generators[0].iter)
    if isinstance(node, ast.Lambda | ast.FunctionDef):
        outside = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        return (found - open_scope(node, None).bound).union(*(_read(d) for d in outside))
    return found


def _bound(m: Machine, names: set[str], frames: tuple[int, ...]) -> set[tuple[int, str]]:
    """The names, each with the function at work that binds it; those of the file never change."""
    found = set()
    for name in names:
        for key in frames:
            if name in m.state.frames.get(key, {}):
                found.add((key, name))
                break
        else:
            if frames and m.binds(name):  # not yet
                found.add((frames[0], name))
    return found


def _reached(m: Machine, names: set[tuple[int, str]], values: list[Value]) -> tuple[set[tuple[int, str]], set[Any]]:
    """These names, those that the functions among their values read, and all that changes in place behind them."""
    kept: set[Any] = set()
    seen: set[int] = set()
    todo = list(values) + [v for key, name in names if (v := m.state.frames.get(key, {}).get(name)) is not None]
    while todo:
        value = todo.pop()
        if value.__class__ in _PLAIN:
            continue
        match value:
            case Ref(key=key):
                if key not in kept:
                    todo += [found for found in (m.state.heap.get(key),) if found is not None]
                kept.add(key)
            case TupleValue(items=items):
                todo += items
            case Choice(then=a, other=b):
                todo += [a, b]
            case Seq(parts=parts, live=live):
                todo += [p.element for p in parts]
                if live is not None:
                    names = names | live.names
                    kept |= out_of_step(live).kept
            case DictValue(parts=parts) | Growing(added=parts):
                todo += [p.element for p in parts]
            case RowRef(matrix=matrix) | CellRow(matrix=matrix) | CellTable(matrix=matrix) | Grid(matrix=matrix):
                kept.add(matrix)
            case Vector(seen=shown) | Sheet(seen=shown):
                kept.add(value)
                if isinstance(value, Vector) and value.slice_of is not None and value.slice_of >= 0:
                    todo.append(Ref(value.slice_of))
                elif not value.own and (isinstance(value, Sheet) or (shown is None and value.slice_of is not None)):
                    kept.add(ANY_MATRIX)
                todo += [] if shown is None else [shown]
            case Opaque(data=data) if isinstance(data, Value):
                todo.append(data)
            case Closure(node=node, frame=frame, defaults=defaults) if id(node) not in seen:
                seen.add(id(node))
                todo += defaults
                around = tuple(scope.key for scope in m.seen_from(frame) or ())
                own = _bound(m, _read(node), around) if frame >= 0 else set()
                todo += [v for key, name in own - names if (v := m.state.frames[key].get(name)) is not None]
                names = names | own
    return names, kept


def _thing(source: Value) -> Any:
    """What stands for the object in ``Live.kept``."""
    match source:
        case Ref(key=key):
            return key
        case RowRef(matrix=matrix) | CellRow(matrix=matrix):
            return matrix
    return source


# ---------------------------------------------------------------- between the making and the walk


def _moment(m: Machine, live: Live) -> tuple[Any, ...]:
    """All that the iterator depends on, as it is now."""
    things = out_of_step(live).kept
    names = tuple((key, name, m.state.frames.get(key, {}).get(name)) for key, name in sorted(live.names))
    held = tuple((x, m.state.heap.get(x)) for x in things if isinstance(x, int))
    arrays = tuple((x, aliases.holders(m, lambda v, x=x: v is x)) for x in things if isinstance(x, Vector | Sheet))  # type: ignore[misc]
    return names, held, arrays, frozenset(x for x in things if isinstance(x, str)), len(m.events)


def check_unchanged(m: Machine, value: Value) -> None:
    """An iterator that had a name is walked through: nothing changed since it was made."""
    for live in _lives(value):
        if live.moment is None:
            continue
        names, held, arrays, matrices, begun = live.moment
        frames = m.state.frames
        same = (
            all(key not in frames or frames[key].get(name) == was for key, name, was in names)
            and all(m.state.heap.get(key) == was for key, was in held)
            and all(aliases.holders(m, lambda v, x=x: v is x) >= was for x, was in arrays)  # type: ignore[misc]
            and not (matrices and any(_concerns(matrices, e.matrix) for e in m.events[begun:] if e.op != "check"))
        )
        if not same:
            raise m.stop("what a generator or iterator reads is changed before it is walked through", code="E0311")


def check_safe(m: Machine, value: Value) -> None:
    """Not all elements of the iterator may be computed, or not now: none of them fails."""
    if any(live.fails for live in _lives(value)):
        raise m.stop("an iterator of which an element may fail, and may never be computed", code="E0314")


def check_apart(m: Machine, ref: Ref, value: Value) -> None:
    """A list, set or dict gets the elements of an iterator, which must not look at it meanwhile."""
    if any(ref.key in out_of_step(live).kept for live in _lives(value)):
        raise m.stop("a list is extended by an iterator that reads it", code="E0311")


def _lives(value: Value) -> Iterator[Live]:
    match value:
        case Seq(live=live) if live is not None:
            yield live
        case TupleValue(items=items):
            for x in items:
                yield from _lives(x)
        case Choice(then=a, other=b):
            yield from _lives(a)
            yield from _lives(b)


def _concerns(matrices: frozenset[Any], matrix: str) -> bool:
    return matrix in matrices or ANY_MATRIX in matrices


# ---------------------------------------------------------------- while a loop walks


@contextmanager
def walking(m: Machine, live: Live) -> Iterator[Walk]:
    """A walk at work."""
    walk = Walk(live)
    m.walks.append(walk)
    try:
        yield walk
    finally:
        m.walks.pop()


@contextmanager
def during(m: Machine, live: Live, node: ast.For, names: list[str]) -> Iterator[Walk]:
    """The loop at work; ``names`` are those that it sets."""
    own = m.frames[-1].key
    if any((own, name) in live.names for name in names):
        raise m.stop("a name that a generator reads is changed while it is walked through", node, "E0311")
    done = len(m.events)
    if live.fails and (m.trying or _leaves(node)):
        raise m.stop("an iterator of which an element may fail, and may never be computed", node, "E0314")
    with walking(m, live) as walk:
        yield walk
    if live.fails and any(e.op == "check" for e in m.events[done:]):
        raise m.stop("which fails first, an element of the iterator or the loop", node, "E0314")


def _leaves(node: ast.For) -> bool:
    return any(isinstance(x, ast.Break | ast.Return) for s in node.body for x in pytree.walk(s))


def at_part(walk: Walk, part: Part, before: tuple[Part, ...]) -> None:
    """The loop comes to these elements."""
    walk.element, walk.place = part.element, None
    if not part.binders and all(not p.binders and p.condition is T.TRUE for p in before):
        walk.place = T.const(len(before))
    elif len(part.binders) == 1 and not before and part.condition is T.TRUE:
        (b,) = part.binders
        if not b.over_words and not b.mixed and not b.keys:
            walk.place = T.sub(T.sub(b.high, T.ONE), b.var) if b.descending else T.sub(b.var, b.low)


def changed(m: Machine, thing: Any, at: Value | None = None) -> None:
    """A list, set, dict or array without a place of its own is changed: at this place or key, or anywhere."""
    for walk in m.walks:
        if thing in walk.live.kept:
            raise _stop(m)
        for s in walk.live.steps:
            if _thing(s.source) == thing and not _is_past(m, walk, s, at):
                raise _stop(m)


def _is_past(m: Machine, walk: Walk, s: Step, at: Value | None) -> bool:
    """The loop will not look there any more."""
    if not isinstance(at, Scalar):
        return False
    if not s.kind:
        return walk.place is not None and at.term.kind == "int" and m.holds(T.compare("<=", at.term, walk.place))
    key = walk.element if s.path is not None and s.kind != "value" else None
    for place in (*(s.path or ()), *((0,) if s.kind == "pair" else ())):
        key = key.items[place] if isinstance(key, TupleValue) and place < len(key.items) else None
    return isinstance(key, Scalar) and m.holds(T.compare("==", key.term, at.term))


def written(m: Machine, op: str, matrix: str, row: Term, column: Term) -> None:
    """Something is done to a matrix."""
    for walk in m.walks:
        if _concerns(walk.live.kept, matrix):
            raise _stop(m)
        for s in walk.live.steps:
            line = s.source
            if not isinstance(line, RowRef | CellRow) or line.matrix != matrix:
                continue
            if op in _OF_WHOLE or not _is_behind(m, walk, line, row, column):
                raise _stop(m)


def _is_behind(m: Machine, walk: Walk, line: RowRef | CellRow, row: Term, column: Term) -> bool:
    """The cell is in another row, or the loop will not look there any more."""
    if m.holds(T.compare("!=", row, line.row)):
        return True
    start, length = (line.start, line.length) if isinstance(line, RowRef) else (T.ZERO, T.N)
    if walk.place is not None and m.holds(T.compare("<=", column, T.add(start, walk.place))):
        return True
    return m.holds(T.compare(">=", column, T.add(start, length))) or m.holds(T.compare("<", column, start))


def _stop(m: Machine) -> Exception:
    return m.stop("what is walked through is changed meanwhile", code="E0311")

