"""IR -> bytecode. The programs of a library become one instruction list; equal operations are computed once per text.

programs -> rewrite -> fuse -> Plan -> schedule -> instructions and registers -> Bytecode
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from attndsl.compiler.bytecode import (
    DISTANCES,
    ONCE,
    ONE,
    OPCODE,
    PER_BLOCK,
    PER_ROW,
    ROWS,
    SEEN,
    TOKENS,
    WORDS,
    ZERO_STRIDE,
    Bytecode,
    CheckSlot,
    LeafSlot,
    Storage,
    is_leaf_value,
)
from attndsl.compiler.bytecode_facts import DISTANCE_AXIS, FOLDS, PRODUCTS, RUNNING
from attndsl.compiler.bytecode_places import PUT_KINDS
from attndsl.compiler.bytecode_plan import VIEWS, Plan
from attndsl.compiler.bytecode_rewrite import fuse, rewrite, without_normalisation
from attndsl.compiler.bytecode_storage import Loop, Start, Tables, Value, merged, product, storage_order, table_operand
from attndsl.compiler.bytecode_text import over_words
from attndsl.compiler.ir import IRProgram, Op, is_word_axis, reachable

_RELATIONS = {"token_words": (TOKENS, WORDS), "word_tokens": (WORDS, TOKENS)}


def emit_bytecode(programs: Sequence[IRProgram], patterns: bool | None = None) -> Bytecode:
    """Bytecode of programs that were lowered with one builder.

    ``patterns``: None for the matrices as the programs return them; True or False when each matrix is made a causal or
    a bidirectional pattern afterwards, so that a program's own last normalisation may be left out.
    Raises DiagnosticError E0560.
    """
    short = [None if patterns is None else without_normalisation(program, patterns) for program in programs]
    wanted = [program if other is None else other for program, other in zip(programs, short, strict=True)]
    stripped = tuple(other is not None for other in short)
    return _Emitter(fuse(rewrite(wanted))).run(tuple(programs), stripped)


@dataclass
class _Segment:
    """Work of one kind in a row: operations, checks and results, and later instructions."""

    level: int
    often: int
    items: list[tuple[Op | None, int, int]] = field(default_factory=list)  # (operation, program, check or -1 = result)
    code: list[tuple[int, ...]] = field(default_factory=list)


class _Emitter:
    def __init__(self, programs: Sequence[IRProgram]) -> None:
        self.programs = programs
        self.plan = Plan(programs)
        self.tables = Tables()
        self.values: dict[int, Value] = {}
        self.leaves: dict[tuple[object, ...], tuple[Op, int]] = {}
        self.checks: list[CheckSlot] = []
        self.segments: list[_Segment] = []
        self.segment, self.number, self.at = _Segment(0, ONCE), 0, -1
        self.last: dict[tuple[int, int], int] = {}
        self.kept = -1  # the operation whose register the present one goes on using

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

    def schedule(self) -> list[_Segment]:
        """Segments in running order: per pass, what is done once, then the programs' row blocks."""
        once: dict[int, _Segment] = {}
        blocks: dict[int, list[_Segment]] = {}
        done: set[int] = set()
        for number, program in enumerate(self.programs):
            parts: dict[int, _Segment] = {}

            def at(level: int, blocked: bool, parts: dict[int, _Segment] = parts) -> _Segment:
                if not blocked:
                    return once.setdefault(level, _Segment(level, ONCE))
                return parts.setdefault(level, _Segment(level, PER_BLOCK))

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

    def key(self, op: Op, segment: int) -> tuple[int, int]:
        """Deep values live within one segment, others as long as the text."""
        return op.id, segment if self.plan.deep(op) else -1

    # ------------------------------------------------------------ instructions

    @property
    def blocked(self) -> bool:
        return self.segment.often != ONCE

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

    def put(self, name: str, out: int, operands: list[Value], shape: int, extra: int = 0) -> None:
        a, b, c = [*(value.register for value in operands), 0, 0, 0][:3]
        self.segment.code.append((OPCODE[name], out, a, b, c, shape, extra))

    def operation(self, op: Op) -> None:
        storage = self.storage(op)
        if op.name == "put_at":
            self.values[op.id] = self.put_at(op, storage)
            return
        if op.name == "turned" and [axis for axis, _ in self.value(op.args[0]).storage][-1:] == [op.attr]:
            storage = self.value(op.args[0]).storage
        out = Value(self.tables.register(op.dtype, storage, op.id in self.plan.stored), storage, op.dtype)
        if op.name == "gather":
            self.gather(op, out)
        elif op.name in FOLDS:
            self.reduce(op, out)
        elif op.name in PRODUCTS:
            self.product(op, out)
        elif op.name == "turned":
            self.copy(self.value(op.args[0]), out)
        elif op.name == "rank" or op.name in RUNNING:
            self.running(op, out)
        else:
            name = "select_b" if op.name == "select" and op.dtype == "b" else op.name
            self.elementwise(name, out, [self.value(arg) for arg in op.args])
        self.values[op.id] = out

    def elementwise(self, name: str, out: Value, operands: list[Value]) -> None:
        axes = [axis for axis, _ in out.storage]
        fitting = [self.fitting(value, axes) for value in operands]
        loops = self.loops(out.storage, (out, *fitting))
        self.put(name, out.register, fitting, self.tables.shape(merged(loops, 0), self.starts(out, *fitting)))
        for value, other in zip(operands, fitting, strict=True):
            if value is not other:
                self.tables.release(other.register)

    def fitting(self, value: Value, axes: list[str]) -> Value:
        """The operand, copied when it does not lie side by side along the innermost loop."""
        if not axes or value.stride(axes[-1]) in (ZERO_STRIDE, ()):
            return value
        storage = tuple((axis, self.copied_size(value, axis)) for axis in axes if value.stride(axis) != ZERO_STRIDE)
        out = Value(self.tables.register(value.dtype, storage), storage, value.dtype)
        self.copy(value, out)
        return out

    def copy(self, value: Value, out: Value) -> None:
        loops = self.loops(out.storage, (out, value))
        name = "copy_b" if value.dtype == "b" else "copy"
        self.put(name, out.register, [value], self.tables.shape(merged(loops, 0), self.starts(out, value)))

    def copied_size(self, value: Value, axis: str) -> int:
        size = value.size(axis)
        if axis == "q" and self.blocked:
            return ONE if size == ONE else ROWS
        assert size is not None
        return size

    def loops(self, storage: Storage, operands: tuple[Value, ...]) -> list[Loop]:
        counts = [(axis, ROWS if axis == "q" and self.blocked else code) for axis, code in storage]
        return [Loop(product((code,)), tuple(value.stride(axis) for value in operands)) for axis, code in counts]

    def starts(self, *operands: Value) -> list[Start]:
        return [value.start(self.blocked) for value in operands]

    def gather(self, op: Op, out: Value) -> None:
        source, index = self.value(op.args[0]), self.value(op.args[1])
        size, step = self.picked(source, op.attr)
        starts = [out.start(self.blocked), source.start(self.blocked, op.attr), index.start(self.blocked), size]
        loops = []
        for (axis, _), loop in zip(out.storage, self.loops(out.storage, (out, source, index)), strict=True):
            to, walked, by = loop.strides
            loops.append(Loop(loop.count, (to, ZERO_STRIDE if axis == op.attr else walked, by, ZERO_STRIDE)))
        loops = merged(loops, 1 if loops else 0) or [Loop((), (ZERO_STRIDE,) * 4)]
        loops[-1] = Loop(loops[-1].count, (*loops[-1].strides[:3], step))
        name = "gather_b" if op.dtype == "b" else "gather"
        self.put(name, out.register, [source, index], self.tables.shape(loops, starts))

    def picked(self, source: Value, axis: str) -> tuple[Start, int | tuple[int, ...]]:
        if source.distance is None:
            return table_operand(source, axis)
        whole = Value(source.register, ((axis, TOKENS),), source.dtype)
        return table_operand(whole, axis)[0], source.stride(axis)

    def reduce(self, op: Op, out: Value) -> None:
        operands = [self.value(arg) for arg in op.args]
        axes = sorted({axis for arg in op.args for axis in arg.axes}, key=storage_order)
        sizes = {**dict(out.storage), op.attr: self.folded_size(op, operands[0])}
        inner = axes[-1] == op.attr
        kept = [axis for axis in axes if axis != op.attr]
        order = [*kept, op.attr] if inner else [*kept[:-1], op.attr, kept[-1]]
        loops = self.loops(tuple((axis, sizes[axis]) for axis in order), (out, *operands))
        shape = self.tables.shape(merged(loops, 1 if inner else 2), self.starts(out, *operands))
        self.put(op.name, out.register, operands, shape, 0 if inner else 1)

    def folded_size(self, op: Op, source: Value) -> int:
        """How far the folded axis has to be walked: to the query, when nothing that counts lies beyond."""
        if self.blocked and self.plan.stops_at_query(op):
            return SEEN
        size = source.size(op.attr)
        assert size is not None
        return size

    def put_at(self, op: Op, storage: Storage) -> Value:
        """One place of each row is written, in the matrix itself where nothing else reads it later."""
        matrix = op.args[0]
        value = self.value(matrix)
        mine = matrix.id not in self.plan.stored and not is_leaf_value(matrix) and matrix.name not in VIEWS
        mine = mine and self.last[self.key(matrix, self.number)] == self.at and value.storage == storage
        if mine and op.id not in self.plan.stored:
            out = Value(value.register, storage, "f")
            self.kept = matrix.id
        else:
            out = Value(self.tables.register("f", storage, op.id in self.plan.stored), storage, "f")
            self.copy(value, out)
        places = [self.value(arg) for arg in op.args[1:]]
        loops = self.loops(storage, (out, *places))
        shape = self.tables.shape(merged(loops, 2), self.starts(out, *places))
        self.put("put_at", out.register, places, shape, PUT_KINDS.index(op.attr[0]))
        return out

    def product(self, op: Op, out: Value) -> None:
        """For each place of the guard's rows where it is true, a row of the table is folded into the result's."""
        guard, table = (self.value(arg) for arg in op.args)
        inner = table.storage[-1]
        size = guard.size(op.attr)
        assert size is not None
        if self.blocked and "q" in op.args[0].axes and self.plan.beyond.known(op.args[0], op.attr) is False:
            size = SEEN
        sizes = {**dict(out.storage), op.attr: size}
        order = [*(axis for axis, _ in out.storage if axis != inner[0]), op.attr, inner[0]]
        loops = self.loops(tuple((axis, sizes[axis]) for axis in order), (out, guard, table))
        shape = self.tables.shape(merged(loops, 2), self.starts(out, guard, table))
        self.put(op.name, out.register, [guard, table], shape)

    def running(self, op: Op, out: Value) -> None:
        """Values that grow along an axis, which becomes the inner loop."""
        source = self.value(op.args[0])
        order = [*(item for item in out.storage if item[0] != op.attr), *(i for i in out.storage if i[0] == op.attr)]
        loops = self.loops(tuple(order), (out, source))
        self.put(op.name, out.register, [source], self.tables.shape(merged(loops, 1), self.starts(out, source)))

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

    # ------------------------------------------------------------ values

    def value(self, op: Op) -> Value:
        if op.id not in self.values:
            if op.name == "rename":
                self.values[op.id] = self.value(op.args[0]).renamed(*op.attr)
            elif op.name == "distance":
                vector = self.value(op.args[0])
                x, y = op.axes
                self.values[op.id] = Value(vector.register, ((x, TOKENS), (y, TOKENS)), op.dtype, (x, y))
            else:
                self.values[op.id] = self.leaf(op)
        return self.values[op.id]

    def domain(self, axis: str) -> int:
        if axis == DISTANCE_AXIS:
            return DISTANCES
        return WORDS if is_word_axis(axis) else TOKENS

    def storage(self, op: Op) -> Storage:
        last = op.attr if op.name == "turned" else op.args[1].attr if op.name in PRODUCTS else None
        axes = sorted(op.axes, key=lambda axis: (axis == last, storage_order(axis)))
        return tuple((axis, self.size(op, axis)) for axis in axes)

    def size(self, op: Op, axis: str) -> int:
        if axis in ("r", "c"):
            sizes = [self.value(arg).size(axis) for arg in op.args if not (op.name == "gather" and op.attr == axis)]
            return next(size for size in sizes if size is not None)
        if not self.plan.blocked[op.id]:
            return self.domain(axis)
        if axis == "q":
            return TOKENS if op.id in self.plan.stored else ONE if self.plan.deep(op) else ROWS
        return SEEN if self.plan.seen(op, axis) else self.domain(axis)

    def leaf(self, op: Op) -> Value:
        assert is_leaf_value(op), op
        storage = self.leaf_storage(op)
        what = op.id if op.name == "answered" and op.attr[0] == "whole" else op.attr
        if op.name == "iota":
            what = storage[0][1]
        key = (op.name, repr(what) if isinstance(what, float | bool) else what, op.dtype)
        if key not in self.leaves:
            self.leaves[key] = (op, self.tables.register(op.dtype, storage, lasting=True))
        return Value(self.leaves[key][1], storage, op.dtype)

    def leaf_storage(self, op: Op) -> Storage:
        sizes: tuple[int, ...]
        match op.name:
            case "relation":
                sizes = _RELATIONS.get(op.attr, (WORDS, WORDS))
            case "host":
                sizes = (TOKENS, TOKENS)
            case "column":
                sizes = (WORDS if op.attr.startswith("word.") else TOKENS,)
            case "answered":
                sizes = tuple(WORDS if words else TOKENS for words in over_words(op.attr))
            case _:
                sizes = tuple(self.domain(axis) for axis in op.axes)
        return tuple(zip(op.axes, sizes, strict=True))

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


def _joined(segments: list[_Segment]) -> list[_Segment]:
    """Neighbours that run equally often as one segment (row by row work stays apart: its registers live one row)."""
    done: list[_Segment] = []
    for segment in segments:
        if done and done[-1].often == segment.often == PER_BLOCK:
            done[-1].items += segment.items
        else:
            done.append(segment)
    return done
