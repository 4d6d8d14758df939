"""What a Python name holds while a program is lifted."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import field
from typing import Any

from attndsl.dsl.frozen import frozen, frozen_by_identity
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.terms import Term


class Value:
    """Base of symbolic values; immutable unless it refers to the heap."""

    __slots__ = ()


@frozen
class Scalar(Value):
    """A number, truth value or text. ``numpy`` marks numpy floats, whose division by zero is no error; None: either."""

    term: Term
    numpy: bool | None = False


def numpy_of(*parts: Scalar) -> bool | None:
    """Whether what is computed from these is numpy's: one that is makes it so."""
    flags = {p.numpy for p in parts}
    return True if True in flags else None if None in flags else False


@frozen
class NoneValue(Value):
    """Python's None."""


@frozen
class Word(Value):
    """A spaCy token, as a word term."""

    term: Term


@frozen
class Span(Value):
    """A sentence, entity or noun chunk (``kind`` as spaCy names the attribute) with a word of it, the first or any."""

    kind: str
    word: Term
    is_first: bool


MAX_LEAVES = 1_000
MAX_SIZE = 50_000
"""Alternatives of one value, those that are shared counted each time; 288 published programs and our own need 36."""


@frozen
class Choice(Value):
    """``then`` where the condition holds, else ``other``: values of different sorts, decided when used."""

    condition: Term
    then: Value
    other: Value
    leaves: int = field(init=False, compare=False, repr=False)
    size: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Choices share their parts, so that a few statements can nest more than a walk through them could visit."""
        found = 0
        for side in (self.then, self.other):
            found += side.leaves if isinstance(side, Choice) else 1
        if found > MAX_LEAVES:
            raise T.TooLarge
        object.__setattr__(self, "leaves", found)
        object.__setattr__(self, "size", _size_of(self.then, self.other))


@frozen
class TupleValue(Value):
    """A tuple."""

    items: tuple[Value, ...]
    size: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _size_of(*self.items))


def _size_of(*parts: Value) -> int:
    """How much tuples inside tuples hold: ``t = (t, t)`` doubles it."""
    found = 1
    for x in parts:
        found += x.size if isinstance(x, TupleValue | Choice) else 1
    if found > MAX_SIZE:
        raise T.TooLarge
    return found


@frozen
class Binder:
    """A variable and its range: token positions (or numbers) [low, high), or the words of ``domain``.

    ``descending`` says that Python goes from the last to the first, ``mixed`` that the elements of other parts come
    in between. ``keys``: the elements come sorted by these terms of ``var``, which is ``mixed`` for all who do not ask.
    """

    var: Term
    low: Term
    high: Term
    domain: Term = T.NONE
    descending: bool = False
    mixed: bool = False
    keys: tuple[Term, ...] = ()

    @property
    def over_words(self) -> bool:
        return self.domain is not T.NONE

    @property
    def climbs(self) -> bool:
        """Python goes from a word up to the root, which is no order of the text."""
        return self.domain.op == "feature" and self.domain.data == "ancestors"

    def conditions(self) -> tuple[Term, ...]:
        if self.over_words:
            return () if self.domain is T.ALL_WORDS else (T.mk("within", None, (self.var, self.domain), "bool"),)
        bounds = T.compare(">=", self.var, self.low), T.compare("<", self.var, self.high)
        return (*bounds, T.compare("<", self.var, T.N)) if self.high.op == "ite" else bounds  # see ranges.py


@frozen
class Part(Value):
    """Elements of a collection: one for each value of the binders at which the condition holds, in that order."""

    binders: tuple[Binder, ...]
    condition: Term
    element: Value


@frozen
class Seq(Value):
    """A list, tuple, set or generator: its parts one after the other. In a set equal elements count once.

    ``once``: Python's object is an iterator, which is empty after a walk through it. ``sort``: "tuple", "range",
    "view" (of a dict) or "array" (of numpy, never changed here), where it is one of those. ``live``: what it shows of
    later changes, of an iterator or view."""

    parts: tuple[Part, ...]
    is_set: bool = False
    once: bool = False
    sort: str = ""
    live: Live | None = field(default=None, compare=False, repr=False)


@frozen
class Step:
    """A list, row, array or dict that an iterator takes its elements of, one for one; see ``walks``.

    ``kind``: "" where the place counts; of a dict what it gives: "key", "pair" or "value". ``path``: where that lies in
    the element of the iterator, None if nowhere.
    """

    source: Value
    kind: str = ""
    path: tuple[int, ...] | None = ()


@frozen
class Live:
    """What the elements of an iterator that are still to come depend on; see ``walks``.

    ``fails``: one of them may fail. ``names``: those that it reads, each with its frame. ``kept``: what else it reads,
    as keys of the heap, names of matrices, or arrays without a place. ``moment``: all this when it was made.
    """

    fails: bool = False
    names: frozenset[tuple[int, str]] = frozenset()
    kept: frozenset[Any] = frozenset()
    steps: tuple[Step, ...] = ()
    moment: tuple[Any, ...] | None = None


@frozen
class Ref(Value):
    """A mutable list, set or dict: its contents are in the state's heap."""

    key: int


@frozen
class DictValue(Value):
    """A dict as the sequence of its assignments: parts whose element is (key, value); the last one wins.

    A list or array whose items are assigned is one as well: ``length`` says how many places it has, all of which have
    a first value; ``array`` is numpy's element type (bool or int), "" for a list. In a dict that gathers the elements
    are (key, value, how), see ``gathering``; ``default`` says what a key it has not gets there. ``unordered``: the keys
    were those of a set, whose order is that of their hashes. ``filler``: what a look-up gives, and keeps, where the
    key is not there.
    """

    parts: tuple[Part, ...]
    length: Term | None = None
    array: str = ""
    default: str = ""
    unordered: bool = False
    filler: Value | None = None


@frozen
class Text(Value):
    """The text of the program's input (``sentence``), of which only the parse is known."""


@frozen
class Opaque(Value):
    """Something known by name only: the tokenizer, numpy, the doc, the encoding ..."""

    name: str
    data: Any = None


@frozen
class Closure(Value):
    """A function of the file, or a lambda, with the frame it was made in."""

    node: ast.FunctionDef | ast.Lambda
    frame: int = -1  # of a function of the file
    defaults: tuple[Value, ...] = ()


@frozen
class RowRef(Value):
    """One row of a matrix as a numpy vector of that length; writes change the matrix."""

    matrix: str
    row: Term
    length: Term
    start: Term = T.ZERO


@frozen_by_identity
class Vector(Value):
    """A numpy vector computed element by element: ``at(k)`` for k in [0, length). The length is no more than that of
    the text, or ``items`` writes the elements out.

    ``part``: its elements as those of the list that it was made of, whose length depends on a condition. ``fixed``:
    nothing can change it here, since numpy may see the change elsewhere (a part of another array), or since it is
    never changed (so that it needs no place of its own); ``slice_of``: the array on the heap that it is a part of.
    ``own``: it is fixed, and yet an array of its own. ``seen``: the array without a place of its own that it shows.
    ``untyped``: where it was made of an empty list, of which numpy makes floats; they are no index. ``origin``: the
    array that this one is in other terms.
    """

    length: Term
    at: Callable[[Term], Scalar]
    part: Part | None = None
    slice_of: int | None = None
    items: tuple[Scalar, ...] | None = None
    fixed: bool = False
    own: bool = False
    seen: Value | None = None
    untyped: Term = T.FALSE
    origin: Value | None = None


@frozen
class Grid(Value):
    """A whole matrix. ``version`` counts the changes that made a new array of it."""

    matrix: str
    version: int


@frozen
class CellTable(Value):
    """A matrix whose cells keep their type: numpy's of "int" or "bool", or a "list" of lists. See ``cells``."""

    matrix: str
    kind: str


@frozen
class CellRow(Value):
    """One row of such a matrix; a change of it changes the matrix."""

    matrix: str
    kind: str
    row: Term


@frozen_by_identity
class Sheet(Value):
    """A matrix computed cell by cell: ``at(row, column)``; never changed in place.

    ``tall``: it has as many rows as the text, else one row that counts for all; ``wide`` says the same of columns.
    ``own``: it is an array of its own, not another way of looking at one, which is ``seen``.
    """

    at: Callable[[Term, Term], Scalar]
    tall: bool = True
    wide: bool = True
    own: bool = False
    seen: Value | None = None


@frozen_by_identity
class Chosen(Value):
    """The cells of a matrix at which a mask holds: ``A[mask]``."""

    sheet: Sheet
    mask: Sheet


@frozen
class Unbound(Value):
    """A name whose value is not known here; reading it stops the lift for ``reason``.

    ``unset``: Python knows none either, so that a read fails there as well.
    """

    reason: str
    unset: bool = False


@frozen
class Carried(Value):
    """A name as it was when this iteration of a loop began."""

    name: str


@frozen
class Growing(Value):
    """A list or dict that a loop appends to: what this iteration added."""

    key: int
    added: tuple[Part, ...] = ()
    is_dict: bool = False
    length: Term | None = None
    array: str = ""
    is_set: bool = False


def known(value: Any) -> Value:
    """A Python constant as a value."""
    if value is None:
        return NoneValue()
    if isinstance(value, bool | int | float | str):
        return Scalar(T.const(value))
    raise TypeError(f"no value for {value!r}")


def literal(items: tuple[Value, ...], is_set: bool = False) -> Seq:
    return Seq(tuple(Part((), T.TRUE, item) for item in items), is_set)


def items_of(seq: Seq) -> list[Value] | None:
    """The elements of a sequence that is written out, else None."""
    if all(not p.binders and p.condition is T.TRUE for p in seq.parts):
        return [p.element for p in seq.parts]
    return None
