"""Bytecode and a text -> heaps: every register gets its place, every leaf its values."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import Leaves
from attndsl.compiler.bytecode import Bytecode, LeafSlot, evaluate_monomials, sizes
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.machine.bind import Answers, fixed_value, leaf_value, only_column

BLOCK_ROWS = 32
SHORT, SHORT_ROWS = 128, 64  # up to so many tokens more rows fit the cache, and each instruction is read less often
MAX_BYTES = 4 << 30
"""Memory of one text's registers. Values over three positions of a long text can ask for more: that is an error."""

_LINE = 64  # bytes of a cache line; registers begin on one
_BEYOND = 64  # numbers behind the last register: a row is read in whole words (runtime/machine/lanes.py)
_free: list[tuple[NDArray[np.float64], NDArray[np.uint8]]] = []
_lock = Lock()


@dataclass(eq=False)
class Linked:
    """Registers of one text: ``places`` int64 [registers] in ``floats`` or ``bools``; programs whose leaves failed."""

    places: NDArray[np.int64]
    floats: NDArray[np.float64]
    bools: NDArray[np.uint8]
    tokens: int
    words: int
    errors: dict[int, DiagnosticError]

    def give_back(self) -> None:
        """Keep the memory for the next text."""
        with _lock:
            if len(_free) < 8:
                _free.append((self.floats, self.bools))


class Template:
    """What of the registers is the same for every text."""

    def __init__(self, code: Bytecode) -> None:
        values = [(slot, fixed_value(slot.op)) for slot in code.leaves]
        self.code = code
        fixed = [(slot.op.dtype == "b", slot.register, value) for slot, value in values if value is not None]
        chosen = [[(v, r) for b, r, v in fixed if b == is_bool] for is_bool in (False, True)]
        self.numbers, self.truths = (
            (np.array([v for v, _ in pairs]), np.array([r for _, r in pairs], dtype=np.int64)) for pairs in chosen
        )
        rest = [slot for slot, value in values if value is None]
        self.groups, self.leaves = _grouped(rest), [slot for slot in rest if _column_of(slot) is None]
        self.requiring = [
            (number, program, words)
            for number, (program, words) in enumerate(zip(code.programs, code.needs_words, strict=True))
            if program.hosts or words
        ]


@dataclass(eq=False)
class _Group:
    """Answers about one column, of one kind."""

    column: str
    is_bool: bool
    slots: list[LeafSlot]
    registers: NDArray[np.int64]
    rows: NDArray[np.int64] | None = None  # in the machine's tables, once they are known


def _column_of(slot: LeafSlot) -> str | None:
    return only_column(slot.op.attr) if slot.op.name == "answered" else None


def _grouped(slots: list[LeafSlot]) -> list[_Group]:
    found: dict[tuple[str, bool], list[LeafSlot]] = {}
    for slot in slots:
        column = _column_of(slot)
        if column is not None:
            found.setdefault((column, slot.op.dtype == "b"), []).append(slot)
    return [
        _Group(*key, same, np.array([slot.register for slot in same], dtype=np.int64)) for key, same in found.items()
    ]


def link(template: Template, leaves: Leaves, answers: Answers, rows: int) -> Linked:
    """Raises DiagnosticError E0561 when the registers need more than ``MAX_BYTES``."""
    code = template.code
    errors = _requirements(template, leaves)
    has_words = any(needs and number not in errors for number, _, needs in template.requiring)
    words = leaves.words if has_words else 0
    amounts = evaluate_monomials(code.monomials, sizes(leaves.tokens, words, leaves.tokens, rows))
    needed = amounts[code.registers[:, 1]]
    is_bool = code.registers[:, 0] == 1
    # The odd line keeps equal rows of two registers off the same cache sets.
    padded = np.where(is_bool, -(-needed // _LINE) * _LINE + _LINE, -(-needed // 8) * 8 + 8)
    total = [int(padded[~is_bool].sum()), int(padded[is_bool].sum())]
    if 8 * total[0] + total[1] > MAX_BYTES:
        raise fail(
            "E0561", f"{len(code.programs)} programs need {(8 * total[0] + total[1]) / 2**30:.1f} GiB on "
            f"{leaves.tokens} tokens, {MAX_BYTES >> 30} GiB are allowed",
            help="shorten the text, or look for aggregates inside aggregates",
        )  # fmt: skip
    places = np.empty(len(needed), dtype=np.int64)
    for mask in (is_bool, ~is_bool):
        places[mask] = np.cumsum(padded[mask]) - padded[mask]
    floats, bools = _heaps(total)
    linked = Linked(places, floats, bools, leaves.tokens, words, errors)
    _fill(template, linked, leaves, answers)
    return linked


def _requirements(template: Template, leaves: Leaves) -> dict[int, DiagnosticError]:
    """Programs that cannot run on this text: a host relation or the parser is missing."""
    errors: dict[int, DiagnosticError] = {}
    for number, program, words in template.requiring:
        try:
            leaves.require(program.name, program.hosts, words)
        except DiagnosticError as error:
            errors[number] = error
    return errors


def _heaps(total: list[int]) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    numbers = total[0] + _BEYOND
    with _lock:
        for place, (floats, bools) in enumerate(_free):
            if len(floats) >= numbers and len(bools) >= total[1]:
                return _free.pop(place)
        _free[:] = _free[-3:]
    return _aligned(8 * numbers).view(np.float64), _aligned(total[1] + _LINE)


def _aligned(size: int) -> NDArray[np.uint8]:
    size = -(-size // 8) * 8
    raw = np.empty(size + _LINE, dtype=np.uint8)
    offset = -raw.ctypes.data % _LINE
    return raw[offset : offset + size]


def _fill(template: Template, linked: Linked, leaves: Leaves, answers: Answers) -> None:
    linked.floats[linked.places[template.numbers[1]]] = template.numbers[0]
    linked.bools[linked.places[template.truths[1]]] = template.truths[0]
    for group in template.groups:
        _fill_group(group, linked, leaves, answers)
    for slot in template.leaves:
        if _unread(slot, linked):
            continue
        value = np.asarray(leaf_value(slot.op, leaves, answers))
        place = linked.places[slot.register]
        heap = linked.bools if slot.op.dtype == "b" else linked.floats
        heap[place : place + value.size] = value.ravel()


def _unread(slot: LeafSlot, linked: Linked) -> bool:
    """True for leaves that only programs read which cannot run on this text."""
    return bool(linked.errors) and all(program in linked.errors for program in slot.programs)


def _fill_group(group: _Group, linked: Linked, leaves: Leaves, answers: Answers) -> None:
    tables = answers.tables(group.column)
    if group.rows is None:
        group.rows = tables.rows([slot.op.attr for slot in group.slots], group.is_bool)
    rows, registers = group.rows, group.registers
    if linked.errors:
        read = np.array([not _unread(slot, linked) for slot in group.slots])
        rows, registers = rows[read], registers[read]
        if not rows.size:
            return
    codes = leaves.column(group.column, "s")
    heap = linked.bools if group.is_bool else linked.floats
    tables.fill(rows, group.is_bool, codes, heap, linked.places[registers])
