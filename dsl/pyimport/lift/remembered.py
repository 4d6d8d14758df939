"""What a helper does at the start of a program, remembered for the other programs of its file.

Most programs of a file begin alike and call one helper, such as the file's token-to-word aligner. Symbolic execution
is a function of the helper, its arguments and the state around it; here all of that is one key, with the number of a
term in the place of the term: two programs with equal keys have made the same terms in the same order. What the run
left behind is kept in the same form and made again, term by term.

What is remembered may not show: tables of answers are emptied before such a run and after it, so that it leaves the
same behind whether it was run or made again, and a run that came near a limit is run.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport.lift import linear
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.frames import Frame
from attndsl.dsl.pyimport.lift.machine import MAX_STEPS, Machine, State
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Value
from attndsl.dsl.source import Span

_MOST_TERMS = 64
"""Terms that a program may have made before the call: more would take longer to compare than most helpers run."""
_CONSTANTS = frozenset((str, int, bool, float, type(None), Span))
_TABLES = (
    "matrices", "rows", "lengths", "hints", "required", "settled", "frozen", "long_ranges", "at_once", "listed",
    "looked_up", "walked",
)  # fmt: skip
"""What a run reads and changes beside the names, the heap and the path."""


class _Private(Exception):
    """A value with a part that no other program can have: a function of the lifter, or a term of another program."""


@frozen
class _Run:
    """What a run left behind; terms stand as numbers in ``value``, ``heap``, ``path`` and ``tables``."""

    made: tuple[tuple[str, Any, tuple[int, ...], str, Any], ...]
    opposites: tuple[tuple[int, int], ...]
    value: Any
    heap: Any
    path: Any
    tables: Any
    variables: int
    keys: int
    steps: int
    spent: int


def body(m: Machine, function: ast.FunctionDef, frame: Frame, run: Callable[[], Value]) -> Value:
    """What ``run``, the execution of the helper's body, returns and does."""
    if len(T.own_terms()) > _MOST_TERMS or not _stands_alone(m, frame):
        return run()
    _forget(m)
    try:
        key = _key(m, function, frame)
    except _Private:
        return run()
    known = m.remembered.get(key)
    if known is not None:
        if m.steps + known.steps <= MAX_STEPS and T.room() > len(known.made) + known.spent:
            return _again(m, known, frame)
        return run()
    before, start = _names(m, frame), (T.made(), m.steps, T.spent())
    value = run()
    _forget(m)
    if not m.events and not m.readings and _same(before, _names(m, frame)):
        with suppress(_Private):
            m.remembered[key] = _left(m, value, *start)
    return value


def _stands_alone(m: Machine, frame: Frame) -> bool:
    """The call is a statement's of the program itself, so that nothing of it depends on where it stands."""
    around = (m.loops, m.flows, m.trying, m.assuming, m.growing, m.runs, m.events, m.readings)
    return len(m.frames) == 2 and len(frame.chain) == 1 and not any(around)


def _forget(m: Machine) -> None:
    T.forget_answers()
    linear.forget()
    m.prover = linear.Prover()


def _key(m: Machine, function: ast.FunctionDef, frame: Frame) -> Hashable:
    to = _Numbered()
    own = tuple(_shape(t) for t in T.own_terms())
    arguments = to.numbers(m.state.frames[frame.key])
    around = to.numbers((m.state.heap, m.state.path, *(getattr(m, name) for name in _TABLES)))
    return function, own, T.opposites(), T.variables(), frame.key, arguments, around


def _shape(t: Term) -> tuple[str, Any, tuple[int, ...], str, Any, type]:
    return t.op, t.data, tuple(a.serial for a in t.args), t.kind, t.span, t.data.__class__


def _names(m: Machine, frame: Frame) -> dict[tuple[int, str], Value]:
    """What the caller's names hold, of which the helper knows nothing."""
    return {(k, name): v for k, held in m.state.frames.items() if k != frame.key for name, v in held.items()}


def _same(before: dict[tuple[int, str], Value], after: dict[tuple[int, str], Value]) -> bool:
    return before.keys() == after.keys() and all(after[k] is v for k, v in before.items())


def _left(m: Machine, value: Value, made: int, steps: int, spent: int) -> _Run:
    to = _Numbered()
    return _Run(
        tuple(_shape(t)[:5] for t in T.own_terms()[made:]), T.opposites(), to.numbers(value),
        to.numbers(m.state.heap), to.numbers(m.state.path), tuple(to.numbers(getattr(m, name)) for name in _TABLES),
        T.variables(), next(m.keys), m.steps - steps, T.spent() - spent,
    )  # fmt: skip


def _again(m: Machine, known: _Run, frame: Frame) -> Value:
    """Make again what the run left behind."""
    terms = T.all_terms()
    for op, data, args, kind, span in known.made:
        t = T.mk(op, data, tuple([terms[a] for a in args]), kind, span)
        assert t.serial == len(terms), "a term was made in another order"
        terms.append(t)
    for a, b in known.opposites:
        terms[a].opposite = terms[b]
    T.spend(known.spent)
    T.continue_variables(known.variables)
    m.keys = itertools.count(known.keys + 1)
    m.steps += known.steps
    m.state = State(m.state.frames, _terms(known.heap, terms), _terms(known.path, terms))
    for name, held in zip(_TABLES, known.tables, strict=True):
        setattr(m, name, _terms(held, terms))
    found: Value = _terms(known.value, terms)
    return found


class _Numbered:
    """Values with numbers for terms: tuples that are equal where the values are, in whichever program."""

    def __init__(self) -> None:
        self.terms = T.all_terms()

    def numbers(self, x: Any) -> tuple[Any, ...]:
        kind = x.__class__
        if kind is Term:
            if self.terms[x.serial : x.serial + 1] != [x]:
                raise _Private
            return Term, x.serial
        if kind in _CONSTANTS:
            return kind, x
        if kind is tuple:
            return tuple, *[self.numbers(i) for i in x]
        if kind is dict:
            return dict, *[(self.numbers(k), self.numbers(v)) for k, v in x.items()]
        if kind is set:
            return set, *sorted((self.numbers(i) for i in x), key=repr)
        if isinstance(x, ast.AST):
            return ast.AST, x
        if not is_dataclass(kind):
            raise _Private
        return kind, *[self.numbers(getattr(x, name)) for name in _fields(kind)]  # type: ignore[arg-type]  # a class is hashable


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(kind) if f.init)


def _terms(x: tuple[Any, ...], terms: list[Term]) -> Any:
    """The value again, of the terms of the present program."""
    kind = x[0]
    if kind is Term:
        return terms[x[1]]
    if kind in _CONSTANTS or kind is ast.AST:
        return x[1]
    if kind is dict:
        return {_terms(k, terms): _terms(v, terms) for k, v in x[1:]}
    inside = [_terms(i, terms) for i in x[1:]]
    return kind(inside) if kind in (tuple, set) else kind(*inside)
