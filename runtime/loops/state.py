"""One run of a bounded program: its limits, what is left of them, and how it stops.

Steps decide, not seconds: every loop turn and every call costs one step, and every value that grows is charged by its
size, so the same program on the same text ends the same way.
"""

from __future__ import annotations

import os
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from types import FunctionType, GenericAlias
from typing import Any

import numpy as np

from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.loops.containers import defaultdict, deque


@dataclass(frozen=True)
class Limits:
    """What one run may use.

    ``steps``: loop turns and calls. ``cells``: items of lists, sets, dictionaries and arrays made over the whole run.
    ``characters``: length of one string. ``bits``: size of one integer. ``seconds`` of wall time, and ``megabytes`` by
    which the process grows meanwhile (where ``/proc`` says it), only back the others up: both are looked at between
    steps.
    """

    steps: int = 20_000_000
    cells: int = 128_000_000
    characters: int = 1_000_000
    bits: int = 20_000
    seconds: float = 60.0
    megabytes: int = 2_000


DEFAULT_LIMITS = Limits()


class Stop(BaseException):
    """Ends a run with a diagnostic of ours. Not an ``Exception``: the program's own handlers cannot catch it."""

    def __init__(self, code: str, headline: str, help: str | None = None) -> None:
        super().__init__(headline)
        self.code = code
        self.headline = headline
        self.help = help


_SLICE = 1024  # steps between two looks at the clock


@dataclass(slots=True)
class Run:
    """The state of one run. ``attempt`` numbers the orders in which unordered sets are walked.

    ``steps`` is what is left of the slice of steps at hand; ``refuel`` takes the next slice from ``reserve``.
    """

    table: TokenTable
    host: Mapping[str, Callable[..., Any]]
    limits: Limits
    attempt: int = 0
    steps: int = 0
    reserve: int = 0
    cells: int = 0
    deadline: float = 0.0
    resident: int = 0
    unordered: bool = False
    weight: int = 1  # cells that an item of an array may take in the call of numpy in hand: more than one for texts
    globals: list[Any] = field(default_factory=list)
    depth: int = 0  # calls of the program's functions that are going on
    parses: dict[str, WordTable] = field(default_factory=dict)
    handled: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.reserve = self.limits.steps
        self.cells = self.limits.cells
        self.deadline = self.deadline or time.monotonic() + self.limits.seconds
        self.resident = _resident()

    @property
    def left(self) -> int:
        """All steps that are left."""
        return self.steps + self.reserve

    def step(self, count: int = 1) -> None:
        """Pay for ``count`` steps. Raises Stop E0460 when none are left."""
        self.steps -= count
        if self.steps < 0:
            refuel(self)

    def grow(self, count: int) -> None:
        """Pay for ``count`` items. Raises Stop E0461 when none are left."""
        self.cells -= count
        if self.cells < 0:
            raise too_many_cells(self)


def refuel(run: Run) -> None:
    """Take the next slice of steps. Raises Stop E0460 when all are used up, or the time is."""
    if run.left < 0:
        raise too_many_steps(run)
    if time.monotonic() > run.deadline:
        raise Stop(
            "E0460",
            f"the program runs for more than {run.limits.seconds:g} seconds on {len(run.table)} tokens",
            "use a shorter text, or raise the limits",
        )
    if _resident() - run.resident > run.limits.megabytes << 20:
        raise Stop("E0461", f"the program takes more than {run.limits.megabytes:,} MB", "make fewer and smaller lists")
    taken = min(run.reserve, _SLICE - run.steps)
    run.reserve -= taken
    run.steps += taken


def _resident() -> int:
    """The bytes of memory that this process has now; 0 where the system does not say it."""
    try:
        with _STATM.open("rb", buffering=0) as file:
            return int(file.read(100).split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0


_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def too_deep(name: str) -> Stop:
    return Stop("E0463", f"`{name}` is called inside its own calls, too many levels deep", "write a loop")


def is_pythons_own(error: BaseException) -> bool:
    """Python's own end of a recursion, which comes here after fewer calls than in CPython."""
    return isinstance(error, RecursionError) and str(error.args[:1]).startswith("('maximum recursion depth")


def too_many_steps(run: Run) -> Stop:
    return Stop(
        "E0460",
        f"the program takes more than {run.limits.steps:,} steps on {len(run.table)} tokens",
        "use a shorter text, fewer nested loops, or higher limits",
    )


def too_many_cells(run: Run) -> Stop:
    return Stop(
        "E0461",
        f"the program makes lists and arrays of more than {run.limits.cells:,} items in all",
        "make big arrays once, outside the loops",
    )


def too_long_text(run: Run) -> Stop:
    return Stop("E0462", f"the program makes a string of more than {run.limits.characters:,} characters")


def too_big_number(run: Run) -> Stop:
    return Stop("E0464", f"the program makes an integer of more than {run.limits.bits:,} bits", "use a float")


_MANY: Any = frozenset({list, tuple, dict, set, frozenset, deque, defaultdict, OrderedDict, Counter})


def check_size(run: Run, value: Any) -> None:
    """Charge a value that an operation has just made."""
    kind = type(value)
    if kind is np.ndarray:
        if value.dtype.kind in "OVmM":
            raise Stop("E0465", "the program makes an array of objects", "use lists, or arrays of numbers or strings")
        run.grow(value.size if value.itemsize <= 16 else value.nbytes >> 3)
    elif kind in _MANY:
        run.grow(len(value))
        if kind is frozenset:
            check_levels(run, value)
    elif kind is GenericAlias:
        raise Stop("E0466", "a type is indexed", "leave the types out")
    elif kind is bytes or kind is np.bytes_:
        raise Stop("E0466", "the program makes bytes", "use strings")
    elif kind is str:
        if len(value) > run.limits.characters:
            raise too_long_text(run)
        run.grow(len(value) >> 3)
    elif kind is int:
        bits = value.bit_length()
        if bits > run.limits.bits:
            raise too_big_number(run)
        if bits > 512:
            run.step(bits >> 6)


_STABLE = frozenset({int, float, bool, np.float64, np.int64, np.bool_, np.float32, np.int32})


def _stable(value: Any) -> bool:
    kind = type(value)
    if kind is tuple or kind is frozenset:
        return all(_stable(item) for item in value)
    return kind in _STABLE


def ordered(run: Run, value: Any) -> Any:
    """What to walk for a set: the set itself, or, where Python's own order differs from run to run, a fixed order.

    Sets of numbers are walked as CPython walks them. The order of strings changes with each start of Python: such a
    set is walked sorted, the run is marked, and the caller repeats it in other orders (see ``program.py``).
    """
    if len(value) < 2 or all(_stable(item) for item in value):
        return value
    run.unordered = True
    run.grow(len(value))
    items = sorted(value, key=lambda item: _sort_key(run, item))
    turn = run.attempt
    if turn == 1:
        items.reverse()
    elif turn >= 2:
        items = items[1::2] + items[::2] if turn == 2 else items[len(items) // 2 :] + items[: len(items) // 2]
    return items


def _sort_key(run: Run, value: Any) -> tuple[str, str]:
    if value.__class__ in _NESTED:
        run.grow(_characters(run, value) >> 3)
    return type(value).__name__, str(value) if not isinstance(value, FunctionType) else ""


def _characters(run: Run, value: Any) -> int:
    """About how long the text is: a tuple may hold one long text many times."""
    run.step()
    if value.__class__ not in _NESTED:
        return len(value) if value.__class__ is str else 8
    total = 0
    for item in value:
        total += _characters(run, item)
        if total > run.limits.characters:
            raise too_long_text(run)
    return total


def walk(run: Run, value: Any) -> Any:
    """An iterable that a function of Python may consume at once: sized ones are charged, others are counted."""
    kind = type(value)
    if kind is list or kind is tuple or kind is str or kind is dict:
        run.grow(len(value) >> 2)
        return value
    if kind is set or kind is frozenset:
        run.grow(len(value) >> 2)
        return ordered(run, value)
    if kind is np.ndarray:
        run.grow(value.size)
        return value
    return counted(run, value)


def paced(run: Run, value: Any) -> Any:
    """``walk`` for what works on each item without a step: of a long list the clock is looked at between the parts."""
    found = walk(run, value)
    if (found.__class__ is list or found.__class__ is tuple) and len(found) > _PART:
        return chain.from_iterable(_parts(run, found))
    return found


_PART = 1024  # items


def _parts(run: Run, items: Any) -> Iterator[Any]:
    for at in range(0, len(items), _PART):
        run.step(_PART >> 2)
        yield items[at : at + _PART]


def counted(run: Run, value: Any) -> Any:
    """An iterator over ``value`` that pays one step per item. Raises TypeError as Python does for no iterable."""
    return _count(run, [iter(value)])


def _count(run: Run, holder: list[Iterator[Any]]) -> Iterator[Any]:
    """``holder`` is a list since Python frees lists inside lists without the C stack, iterators not."""
    for item in holder[0]:
        run.steps -= 1
        if run.steps < 0:
            refuel(run)
        if item.__class__ is tuple:
            check_levels(run, item)
        yield item


MOST_LEVELS, MOST_INSIDE = 100, 100_000
"""Tuples inside tuples: Python's hash of a tuple takes the C stack for each level, and ends the process without it."""
_NESTED: Any = frozenset({tuple, frozenset})


def check_levels(run: Run, value: Any) -> Any:
    """The tuple or frozenset, which is made (or handed on by a function of Python's that makes one of it). Raises Stop
    E0461.

    A tuple that is held many times counts as often: hashes and comparisons go through it anew each time."""
    level: dict[int, tuple[Any, int]] = {}
    for x in value:
        if x.__class__ in _NESTED:
            level[id(x)] = x, level[id(x)][1] + 1 if id(x) in level else 1
    for _ in range(MOST_LEVELS):
        if not level:
            return value
        run.step(len(level) >> 2)
        if sum([times for _, times in level.values()]) > MOST_INSIDE:
            raise Stop("E0461", f"the program makes a tuple that holds more than {MOST_INSIDE:,} tuples")
        below: dict[int, tuple[Any, int]] = {}
        for inside, times in level.values():
            for x in inside:
                if x.__class__ in _NESTED:
                    below[id(x)] = x, (below[id(x)][1] if id(x) in below else 0) + times
        level = below
    raise Stop("E0461", f"the program makes tuples inside tuples, more than {MOST_LEVELS} levels deep")


def check_items(run: Run, values: Iterable[Any]) -> None:
    """``check_levels`` of what Python's ``zip``, ``dict.items`` and their like put into tuples of their own."""
    for value in values:
        if value.__class__ is tuple:
            check_levels(run, value)


VALUES: Any = frozenset({type({}.values()), type(OrderedDict().values())})
ITEMS: Any = frozenset({type({}.items()), type(OrderedDict().items())})
HOLDING: Any = frozenset({list, tuple, dict, deque, defaultdict, OrderedDict, Counter}) | VALUES | ITEMS


_INSIDE: Any = HOLDING | {np.ndarray}
LONG_TEXT = 1024  # characters from which a comparison of texts is paid for


def compared(run: Run, value: Any, other: Any = None) -> list[Any]:
    """Pay for a comparison with what holds lists inside lists: Python goes through a shared one again each time.

    ``other`` is the other side, where ``value`` does not hold both. Returns the arrays inside: numpy compares them."""
    arrays: list[Any] = []
    if value.__class__ not in HOLDING:
        return arrays
    pending = [value]
    while pending:
        at = pending.pop()
        if at.__class__ is np.ndarray:
            arrays.append(at)
            if other is not None and other.__class__ in _INSIDE:
                pending.append(other)
                other = None
            continue
        items = at.values() if isinstance(at, dict) else at
        inside = [x for x in items if x.__class__ in _INSIDE]
        texts = [len(x) for x in items if x.__class__ is str and len(x) > LONG_TEXT]
        run.step(len(inside) + (len(at) >> 4) + (sum(texts) >> 14))
        pending += inside
    if arrays:
        _check_pairs(run, arrays)
    return arrays


def _check_pairs(run: Run, arrays: list[Any]) -> None:
    """Two of them may make an array of all pairs of their items, where one has an axis of length 1."""
    wide = max([a.size for a in arrays if a.ndim > 1 and 1 in a.shape], default=1)
    if wide * max([a.size for a in arrays]) > run.cells:
        raise too_many_cells(run)


def bounded_list(run: Run, value: Iterable[Any]) -> list[Any]:
    """``list(value)``, paid for."""
    if type(value) is range and len(value) > run.left:
        raise too_many_steps(run)
    made = list(walk(run, value))
    run.grow(len(made))
    return made


def shortly(value: Any) -> str:
    """A value in a message: the text of a deep or a large one would take the stack, or the memory."""
    if isinstance(value, str):
        return repr(value[:100])
    if isinstance(value, int) and value.bit_length() > 512:
        return f"an integer of {value.bit_length():,} bits"
    return repr(value) if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"
