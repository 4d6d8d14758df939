"""IR -> bytecode. The programs of a library become one instruction list; equal operations are computed once per text.

programs -> rewrite -> fuse -> update -> each -> Plan -> schedule -> instructions and registers -> Bytecode
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attndsl.compiler.bytecode import (
    ONCE,
    PER_BLOCK,
    PER_ROW,
    SEEN,
    Bytecode,
    CheckSlot,
    LeafSlot,
    Storage,
    is_leaf_value,
)
from attndsl.compiler.bytecode_bodies import Bodies
from attndsl.compiler.bytecode_each import EachRewriter
from attndsl.compiler.bytecode_instructions import Segment
from attndsl.compiler.bytecode_plan import VIEWS
from attndsl.compiler.bytecode_rebuild import rebuilt
from attndsl.compiler.bytecode_rewrite import fuse, rewrite, without_floor, without_normalisation
from attndsl.compiler.bytecode_storage import Value, merged, storage_order
from attndsl.compiler.bytecode_updates import Updater
from attndsl.compiler.ir import IRProgram, Op, is_word_axis, reachable


def emit_bytecode(programs: Sequence[IRProgram], patterns: bool | None = None) -> Bytecode:
    """Bytecode of programs that were lowered with one builder.

    ``patterns``: None for the matrices as the programs return them; True or False when each matrix is made a causal or
    a bidirectional pattern afterwards, so that a program's own last normalisation may be left out.
    Raises DiagnosticError E0560.
    """
    short = [None if patterns is None else without_normalisation(program, patterns) for program in programs]
    wanted = [program if other is None else other for program, other in zip(programs, short, strict=True)]
    if patterns is not None:
        wanted = [without_floor(program) for program in wanted]
    stripped = tuple(other is not None for other in short)
    fused = fuse(rewrite(wanted))
    changed = rebuilt(fused, Updater(fused))
    return _Emitter(rebuilt(changed, EachRewriter())).run(tuple(programs), stripped)


class _Emitter(Bodies):
    def run(self, originals: tuple[IRProgram, ...], stripped: tuple[bool, ...]) -> Bytecode:
        self.segments = self.schedule()
        self.last_uses()
        for number, segment in enumerate(self.segments):
            self.segment, self.number = segment, number
            for item in segment.items:
                self.item(*item)
        rows = [row for segment in self.segments for row in segment.code]
        bounds, at, shapes = [], 0, []
        for segment in self.segments:
            used = sorted({row[5] for row in segment.code})
            shapes += used
            ends = (at, at + len(segment.code), len(shapes) - len(used), len(shapes))
            bounds.append((segment.level, segment.often, *ends))
            at += len(segment.code)
        fills = [self.plan.beyond.known(program.result, "k") for program in self.programs]
        return Bytecode(
            programs=originals,
            code=np.array(rows, dtype=np.int32).reshape(-1, 7),
            segments=np.array(bounds, dtype=np.int32).reshape(-1, 6),
            used_shapes=np.array(shapes, dtype=np.int32),
            fills=np.array([0.0 if fill is None else float(fill) for fill in fills]),
            leaves=self.leaf_slots(),
            checks=tuple(self.checks),
            passes=1 + max((segment.level for segment in self.segments), default=0),
            needs_words=tuple(map(_reads_words, self.programs)),
            stripped=stripped,
            **self.tables.arrays(),
        )

    # ------------------------------------------------------------ schedule

    def schedule(self) -> list[Segment]:
        """Segments in running order: per pass, what is done once, then the programs' row blocks."""
        once: dict[int, Segment] = {}
        blocks: dict[int, list[Segment]] = {}
        done: set[int] = set()
        for number, program in enumerate(self.programs):
            parts: dict[int, Segment] = {}

            def at(level: int, blocked: bool, parts: dict[int, Segment] = parts) -> Segment:
                if not blocked:
                    return once.setdefault(level, Segment(level, ONCE))
                return parts.setdefault(level, Segment(level, PER_BLOCK))

            for op in self.plan.order(program.roots(), done):
                if op.name in VIEWS or is_leaf_value(op):
                    done.add(op.id)
                    continue
                segment = at(self.plan.level[op.id], self.plan.blocked[op.id])
                segment.items.append((op, number, 0))
                if self.plan.deep(op):
                    segment.often = PER_ROW
                else:
                    done.add(op.id)
            for place, check in enumerate(program.checks):
                level = self.plan.level[check.fails.id]
                at(level, "q" in check.fails.axes).items.append((None, number, place))
            at(self.plan.level[program.result.id], True).items.append((None, number, -1))
            for level, part in parts.items():
                blocks.setdefault(level, []).append(part)
        levels = sorted({*once, *blocks})
        return [
            segment
            for level in levels
            for segment in [*([once[level]] if level in once else []), *_joined(blocks.get(level, []))]
        ]

    def last_uses(self) -> None:
        """The last item that reads each register; -1 for values that other segments still need in every block."""
        where: dict[int, set[int]] = {}
        at = 0
        for number, segment in enumerate(self.segments):
            for op, program, place in segment.items:
                if op is not None:
                    read: tuple[Op, ...] = op.args
                else:
                    known = self.programs[program]
                    read = (known.result if place < 0 else known.checks[place].fails,)
                for arg in read:
                    base = self.plan.base(arg)
                    self.last[self.key(base, number)] = at
                    where.setdefault(base.id, set()).add(number)
                at += 1
        for op_id, numbers in where.items():
            kinds = {self.segments[number].often for number in numbers}
            if op_id in self.plan.stored or (not self.plan.blocked[op_id] and kinds != {ONCE}):
                self.last[op_id, -1] = -1

    # ------------------------------------------------------------ instructions

    def item(self, op: Op | None, program: int, place: int) -> None:
        self.at += 1
        self.kept = -1
        if op is not None:
            self.operation(op)
            read = op.args
        elif place < 0:
            self.result(program)
            read = (self.programs[program].result,)
        else:
            self.check(program, place)
            read = (self.programs[program].checks[place].fails,)
        for base in {self.plan.base(arg).id: self.plan.base(arg) for arg in read}.values():
            ended = self.last[self.key(base, self.number)] == self.at
            if ended and not is_leaf_value(base) and base.id != self.kept:
                self.tables.release(self.values[base.id].register)

    def operation(self, op: Op) -> None:
        storage = self.storage(op)
        if op.name in ("put_at", "update"):
            self.values[op.id] = self.put_at(op, storage) if op.name == "put_at" else self.update(op, storage)
            return
        if op.name == "turned" and [axis for axis, _ in self.value(op.args[0]).storage][-1:] == [op.attr]:
            storage = self.value(op.args[0]).storage
        out = Value(self.tables.register(op.dtype, storage, op.id in self.plan.stored), storage, op.dtype)
        self.operation_into(op, out)
        self.values[op.id] = out

    def check(self, program: int, place: int) -> None:
        fails = self.programs[program].checks[place].fails
        value = self.value(fails)
        storage = self.end_storage(fails, fails.axes)
        loops = self.loops(storage, (value, value))
        shape = self.tables.shape(merged(loops, 0), self.starts(value, value))
        self.put("check", 0, [value], shape, len(self.checks))
        self.checks.append(CheckSlot(program, place, storage))

    def result(self, program: int) -> None:
        result = self.programs[program].result
        storage = self.end_storage(result, ("q", "k"))
        short = self.plan.beyond.known(result, "k") is not None
        if short:
            storage = (storage[0], ("k", SEEN))
        value = self.fitting(self.value(result), ["q", "k"])
        shape = self.tables.shape(self.loops(storage, (value, value)), self.starts(value, value))
        self.put("result", int(short), [value], shape, program)
        if value is not self.value(result):
            self.tables.release(value.register)

    def end_storage(self, op: Op, axes: tuple[str, ...]) -> Storage:
        ordered = sorted(axes, key=storage_order)
        known = {axis for axis in axes if axis != "q" and axis in op.axes and self.plan.seen(op, axis)}
        sizes = {axis: SEEN if axis in known and "q" in op.axes else self.domain(axis) for axis in axes}
        return tuple((axis, sizes[axis]) for axis in ordered)

    def leaf_slots(self) -> tuple[LeafSlot, ...]:
        readers: dict[int, list[int]] = {register: [] for _, register in self.leaves.values()}
        for number, program in enumerate(self.programs):
            for op in reachable(program.roots()):
                if is_leaf_value(op) and op.id in self.values:
                    readers[self.values[op.id].register].append(number)
        return tuple(
            LeafSlot(register, op, tuple(dict.fromkeys(readers[register]))) for op, register in self.leaves.values()
        )


def _reads_words(program: IRProgram) -> bool:
    """True when a program needs the words, be it their number alone."""
    ops = reachable(program.roots())
    return program.needs_words or any(is_word_axis(axis) for op in ops for axis in op.axes)


def _joined(segments: list[Segment]) -> list[Segment]:
    """Neighbours that run equally often as one segment (row by row work stays apart: its registers live one row)."""
    done: list[Segment] = []
    for segment in segments:
        if done and done[-1].often == segment.often == PER_BLOCK:
            done[-1].items += segment.items
        else:
            done.append(segment)
    return done
