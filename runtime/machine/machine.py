"""Runs programs of one library on texts through the compiled machine; nothing is compiled per program."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.compiler import IRProgram, Leaves
from attndsl.compiler.array_machine import failed_check, reads_other_rows
from attndsl.compiler.bytecode import Bytecode
from attndsl.compiler.emit_bytecode import emit_bytecode
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.machine.bind import Answers
from attndsl.runtime.machine.link import BLOCK_ROWS, SHORT, SHORT_ROWS, Linked, Template, link
from attndsl.runtime.pattern import normalise

if TYPE_CHECKING:
    from attndsl.runtime.packing import Packed  # imports numba

_RAW, _PATTERN, _PACKED_UINT8, _PACKED_INT16, _PACKED_FLOAT = range(5)  # as in runtime/machine/results.py
_WORD = 64  # as in runtime/machine/lanes.py: rows are read in whole words
_log = logging.getLogger("attndsl")
_announce: list[Callable[[str], None]] = []
Errors = dict[int, DiagnosticError]


def on_first_compile(announce: Callable[[str], None]) -> None:
    """Have ``announce`` called with one line of text when the machine has to be compiled.

    That happens once per installation and takes up to a minute. Without it the line goes to the log.
    """
    _announce[:] = [announce]


class BytecodeMachine:
    """Programs of one graph (``compiler.compile_library``) on the compiled machine; safe to share between threads.

    ``rows``: query rows that are worked on at once; None for what suits the text.
    """

    def __init__(self, programs: Sequence[IRProgram], rows: int | None = None) -> None:
        self.programs = tuple(programs)
        self.rows = rows
        self._answers = Answers()
        self._templates: dict[bool | None, Template] = {}
        self._singles: dict[int, BytecodeMachine] = {}

    def run(self, leaves: Leaves) -> Iterator[NDArray[np.float64] | DiagnosticError]:
        """One matrix [query, key] per program, in order; a run-time error takes the place of its program's matrix."""
        matrices, errors = self._raw(leaves, 0)
        for number in range(len(self.programs)):
            yield errors.get(number, matrices[number])

    def run_rows(self, leaves: Leaves, start: int) -> Iterator[NDArray[np.float64] | DiagnosticError]:
        """The last rows only, [start..n) × n, for decoding. Programs that read other rows compute all of them."""
        local, spread = self._parts
        matrices, errors = local._raw(leaves, start) if local else (np.zeros((0, 0, 0)), {})
        at = iter(range(len(self.programs)))
        for program in self.programs:
            if program in spread:
                found = next(iter(spread[program].run(leaves)))
                yield found if isinstance(found, DiagnosticError) else found[start:]
            else:
                number = next(at)
                yield errors.get(number, matrices[number])

    def patterns(
        self,
        leaves: Leaves,
        causal: bool,
        out: NDArray[np.float32] | None = None,
        places: Sequence[int] | None = None,
    ) -> tuple[NDArray[np.float32], Errors]:
        """Every program's pattern as ``runtime.pattern.normalise`` makes it, float32 [programs, n, n], and the errors.

        ``out`` is a buffer to fill (C order), ``places`` says which of its matrices belongs to each program. A program
        that failed has a zero pattern and its error under its number. Raises E0562 for a buffer that does not fit.
        """
        n = leaves.tokens
        where = list(range(len(self.programs))) if places is None else list(places)
        if out is None:
            out = np.empty((len(self.programs), n, n), dtype=np.float32)
        fits = out.ndim == 3 and out.shape[1:] == (n, n) and len(out) > max(where, default=-1)
        if not fits or out.dtype != np.float32 or not out.flags.c_contiguous:
            advice = f"give float32 [.., {n}, {n}] in C order"
            raise fail("E0562", f"the buffer is {out.dtype} {out.shape}", help=advice)
        _, careful, errors = self._execute(leaves, causal, 0, _PATTERN, patterns=out, places=where)
        for number in careful if n else range(len(self.programs)):
            try:
                out[where[number]] = self._carefully(number, leaves, causal)
            except DiagnosticError as error:
                errors.setdefault(number, error)
        for number in errors:
            out[where[number]] = 0
        return out, errors

    def pack(self, leaves: Leaves, packed: Packed, first: int = 0) -> Errors:
        """Every program's pattern straight into rows ``first`` ... of a packed stack (``runtime/packing.py``)."""
        place = packed.layout
        count = len(self.programs)
        if place.n != leaves.tokens or first + count > packed.rows:
            raise fail("E0562", f"the stack holds {packed.rows} patterns of {place.n} tokens", help="make a larger one")
        mode = {"uint8": _PACKED_UINT8, "int16": _PACKED_INT16}.get(packed.precision, _PACKED_FLOAT)
        sums = np.zeros((count, 2))
        _, careful, errors = self._execute(
            leaves, place.causal, 0, mode, thresholds=packed.thresholds.copy(),
            packing=(place.steps, place.lanes, place.scale), stack=packed.data[first : first + count],
            starts=place.starts.copy(), sums=sums,
        )  # fmt: skip
        packed.sums[first : first + count], packed.errors[first : first + count] = sums.T
        return self._repack(leaves, packed, first, careful, errors)

    def _repack(self, leaves: Leaves, packed: Packed, first: int, careful: list[int], errors: Errors) -> Errors:
        from attndsl.runtime.packing import pack_into

        for number in careful:
            try:
                pack_into(packed, first + number, self._carefully(number, leaves, packed.layout.causal)[None])
            except DiagnosticError as error:
                errors.setdefault(number, error)
        for number in errors:
            packed.data[first + number] = 0
            packed.sums[first + number] = packed.errors[first + number] = 0
        return errors

    # ------------------------------------------------------------ parts

    @cached_property
    def _parts(self) -> tuple[BytecodeMachine | None, dict[IRProgram, BytecodeMachine]]:
        """Programs whose rows are independent in one machine, the others each in its own."""
        local = [program for program in self.programs if not reads_other_rows(program)]
        spread = [program for program in self.programs if reads_other_rows(program)]
        return (
            BytecodeMachine(local, self.rows) if local else None,
            {program: BytecodeMachine([program], self.rows) for program in spread},
        )

    def _rows(self, tokens: int) -> int:
        return self.rows or (SHORT_ROWS if tokens <= SHORT else BLOCK_ROWS)

    def _template(self, patterns: bool | None) -> Template:
        if patterns not in self._templates:
            self._templates[patterns] = Template(emit_bytecode(self.programs, patterns))
        return self._templates[patterns]

    def _carefully(self, number: int, leaves: Leaves, causal: bool) -> NDArray[np.float32]:
        """A pattern by way of the matrix, for weights that are not finite or nearly so."""
        if number not in self._singles:
            self._singles[number] = BytecodeMachine([self.programs[number]], self.rows)
        (matrix,) = self._singles[number].run(leaves)
        if isinstance(matrix, DiagnosticError):
            raise matrix
        return normalise(matrix, causal=causal, name=self.programs[number].name)

    def _raw(self, leaves: Leaves, start: int) -> tuple[NDArray[np.float64], Errors]:
        n = leaves.tokens
        matrices = np.empty((len(self.programs), n - start, n), dtype=np.float64)
        return matrices, self._execute(leaves, None, start, _RAW, raw=matrices)[2]

    def _execute(
        self, leaves: Leaves, causal: bool | None, start: int, mode: int, **outputs: Any
    ) -> tuple[Linked, list[int], Errors]:
        """Run one text; (registers, programs whose rows need care, errors by program)."""
        template = self._template(causal)
        code = template.code
        rows = self._rows(leaves.tokens)
        linked = link(template, leaves, self._answers, rows)
        run = _machine()
        slots = np.array(outputs.get("places", range(len(self.programs))), dtype=np.int64)
        slots[list(linked.errors)] = -1
        careful = np.zeros(len(self.programs), dtype=np.int64)
        failures = np.full((len(code.checks), 3), -1, dtype=np.int64)
        blank = np.zeros((1, 1), dtype=np.float32)
        stack = outputs.get("stack", blank)
        # Rows come one after the other, as bytes are kept; lanes of the others are dealt out at the end.
        stream = stack if mode == _PACKED_UINT8 else np.zeros_like(stack)
        kinds = (np.uint8, np.uint16, np.float32)
        packed = (
            *(stream if stream.dtype == kind else blank.astype(kind) for kind in kinds),
            outputs.get("thresholds", blank[0]),
            outputs.get("starts", np.zeros(1, dtype=np.int64)),
        )
        room = outputs.get("patterns")
        run(
            code.code, code.segments,
            (code.monomials, code.shape_loops, code.shape_starts, code.shape_strides, code.used_shapes),
            linked.places, linked.floats, linked.bools,
            (leaves.tokens, linked.words, start, rows, mode, int(bool(causal)), code.passes),
            (code.fills, slots, careful),
            (
                outputs.get("raw", np.zeros((1, 1, 1))),
                np.zeros(leaves.tokens, dtype=np.float32) if room is None else room.reshape(-1),
                np.zeros(leaves.tokens + _WORD),
                outputs.get("packing", (1, 1, 1)), packed, outputs.get("sums", np.zeros((1, 2))),
            ),
            failures,
        )  # fmt: skip
        if mode in (_PACKED_INT16, _PACKED_FLOAT):
            from attndsl.runtime.packing import interleave

            steps, lanes, _ = outputs["packing"]
            for row, target in zip(stream, stack, strict=True):
                interleave(row, target, steps, lanes)
        errors = {**self._failed(code, failures, linked, start), **linked.errors}
        linked.give_back()
        return linked, [int(p) for p in np.flatnonzero(careful) if int(p) not in errors], errors

    def _failed(self, code: Bytecode, failures: NDArray[np.int64], linked: Linked, start: int) -> Errors:
        """The failure of each program that row-by-row evaluation meets first: by statement, query, phase and key."""
        found: dict[int, list[tuple[int, int, int, int, int]]] = {}
        for slot, (row, place, seen) in zip(code.checks, failures.tolist(), strict=True):
            if row < 0 or slot.program in linked.errors:
                continue
            sizes = [1, linked.tokens, linked.words, seen, self._rows(linked.tokens), 2 * linked.tokens - 1]
            at: dict[str, int] = {}
            for axis, size in reversed(slot.storage):
                at[axis] = place if axis == "q" else place % sizes[size]
                place //= max(sizes[size], 1)
            check = self.programs[slot.program].checks[slot.number]
            query = at["q"] + row if "q" in at else start
            key = at.get("k", 0 if check.phase else -1)  # a value that is the same for every key fails at the first
            failure = (check.group, query, check.phase, key, slot.number)
            found.setdefault(slot.program, []).append(failure)
        errors: Errors = {}
        for number, several in found.items():
            _, query, _, key, place = min(several)
            program = self.programs[number]
            at = {"q": query} if key < 0 else {"q": query, "k": key}
            errors[number] = failed_check(program, program.checks[place], at)
        return errors


_compiled: list[Any] = []


def _machine() -> Any:
    """The compiled machine; the first call loads it from disk, or compiles it and says so."""
    if not _compiled:
        from numba.core import event

        from attndsl.runtime.machine.interpreter import run

        class Announcer(event.Listener):
            def on_start(self, event: Any) -> None:
                if getattr(event.data.get("dispatcher"), "py_func", None) is run.py_func:
                    announce_compile()

            def on_end(self, event: Any) -> None:
                pass

        event.register("numba:compile", Announcer())  # type: ignore[no-untyped-call]
        _compiled.append(run)
    return _compiled[0]


def announce_compile() -> None:
    """Say that the machine is being compiled."""
    text = "compiling the attndsl machine, once per installation (half a minute to a minute)"
    (_announce[0] if _announce else _log.warning)(text)
