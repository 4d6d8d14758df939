"""Instructions of each kind of operation, and the registers that their operands lie in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from attndsl.compiler.bytecode import (
    DISTANCES,
    ONCE,
    ONE,
    OPCODE,
    ROWS,
    SEEN,
    TOKENS,
    WORDS,
    ZERO_STRIDE,
    CheckSlot,
    Storage,
    is_leaf_value,
)
from attndsl.compiler.bytecode_facts import DISTANCE_AXIS, ELEMENTWISE, PLACED, PRODUCTS
from attndsl.compiler.bytecode_places import PUT_KINDS
from attndsl.compiler.bytecode_plan import VIEWS, Plan
from attndsl.compiler.bytecode_storage import Loop, Start, Tables, Value, merged, product, storage_order, table_operand
from attndsl.compiler.bytecode_text import over_words
from attndsl.compiler.bytecode_updates import UPDATE_KINDS
from attndsl.compiler.ir import IRProgram, Op, is_word_axis

_RELATIONS = {"token_words": (TOKENS, WORDS), "word_tokens": (WORDS, TOKENS)}


@dataclass
class Segment:
    """Work of one kind in a row: operations, checks and results, and later instructions."""

    level: int
    often: int
    items: list[tuple[Op | None, int, int]] = field(default_factory=list)  # (operation, program, check or -1 = result)
    code: list[tuple[int, ...]] = field(default_factory=list)


class Instructions:
    """Writes the instructions of one segment after the other; ``compiler/emit_bytecode.py`` says which."""

    def __init__(self, programs: Sequence[IRProgram]) -> None:
        self.programs = programs
        self.plan = Plan(programs)
        self.tables = Tables()
        self.values: dict[int, Value] = {}
        self.leaves: dict[tuple[object, ...], tuple[Op, int]] = {}
        self.checks: list[CheckSlot] = []
        self.segments: list[Segment] = []
        self.segment, self.number, self.at = Segment(0, ONCE), 0, -1
        self.last: dict[tuple[int, int], int] = {}
        self.fixed: tuple[str, ...] = ()  # within the body of an ``each``: the query, and the axis of its places
        self.kept = -1  # the operation whose register the present one goes on using

    @property
    def blocked(self) -> bool:
        return self.segment.often != ONCE

    def key(self, op: Op, segment: int) -> tuple[int, int]:
        """Deep values live within one segment, others as long as the text."""
        return op.id, segment if self.plan.deep(op) else -1

    def put(self, name: str, out: int, operands: list[Value], shape: int, extra: int = 0) -> None:
        a, b, c = [*(value.register for value in operands), 0, 0, 0][:3]
        self.segment.code.append((OPCODE[name], out, a, b, c, shape, extra))

    def elementwise(self, name: str, out: Value, operands: list[Value]) -> None:
        axes = [axis for axis, _ in out.storage]
        fitting = [self.fitting(value, axes) for value in operands]
        loops = self.loops(out.storage, (out, *fitting))
        self.put(name, out.register, fitting, self.shape(loops, 0, out, *fitting))
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
        self.put(name, out.register, [value], self.shape(loops, 0, out, value))

    def copied_size(self, value: Value, axis: str) -> int:
        size = value.size(axis)
        if axis == "q" and self.blocked:
            return ONE if size == ONE else ROWS
        assert size is not None
        return size

    def loops(self, storage: Storage, operands: tuple[Value, ...]) -> list[Loop]:
        counts = [(axis, ROWS if axis == "q" and self.blocked else code) for axis, code in storage]
        return [Loop(product((code,)), tuple(value.stride(axis) for value in operands)) for axis, code in counts]

    def fixed_loops(self, *operands: Value) -> list[Loop]:
        """The loops of the body of an ``each``: how far a step of the query and one of the place move each operand."""
        return self.loops(tuple((axis, self.domain(axis)) for axis in self.fixed), operands)

    def shape(self, loops: list[Loop], keep: int, *operands: Value) -> int:
        """The shape of these loops, of which the last ``keep`` stay apart."""
        return self.tables.shape(merged(loops, keep), self.starts(*operands), self.fixed_loops(*operands))

    def starts(self, *operands: Value) -> list[Start]:
        return [value.start(self.blocked) for value in operands]

    def gather(self, op: Op, out: Value) -> None:
        source, index = self.value(op.args[0]), self.value(op.args[1])
        size, step = self.picked(source, op.attr)
        starts = [out.start(self.blocked), source.start(self.blocked, op.attr), index.start(self.blocked), size]
        fixed = [
            Loop(loop.count, (*loop.strides[:1], ZERO_STRIDE if axis == op.attr else loop.strides[1], loop.strides[2]))
            for axis, loop in zip(self.fixed, self.fixed_loops(out, source, index), strict=True)
        ]
        loops = []
        for (axis, _), loop in zip(out.storage, self.loops(out.storage, (out, source, index)), strict=True):
            to, walked, by = loop.strides
            loops.append(Loop(loop.count, (to, ZERO_STRIDE if axis == op.attr else walked, by, ZERO_STRIDE)))
        loops = merged(loops, 1 if loops else 0) or [Loop((), (ZERO_STRIDE,) * 4)]
        loops[-1] = Loop(loops[-1].count, (*loops[-1].strides[:3], step))
        name = "gather_b" if op.dtype == "b" else "gather"
        self.put(name, out.register, [source, index], self.tables.shape(loops, starts, fixed))

    def picked(self, source: Value, axis: str) -> tuple[Start, int | tuple[int, ...]]:
        if source.distance is None:
            return table_operand(source, axis)
        whole = Value(source.register, ((axis, TOKENS),), source.dtype)
        return table_operand(whole, axis)[0], source.stride(axis)

    def reduce(self, op: Op, out: Value) -> None:
        operands = [self.value(arg) for arg in op.args]
        axes = sorted({axis for arg in op.args for axis in arg.axes} - set(self.fixed), key=storage_order)
        sizes = {**dict(out.storage), op.attr: self.folded_size(op, operands[0])}
        inner = axes[-1] == op.attr
        kept = [axis for axis in axes if axis != op.attr]
        order = [*kept, op.attr] if inner else [*kept[:-1], op.attr, kept[-1]]
        loops = self.loops(tuple((axis, sizes[axis]) for axis in order), (out, *operands))
        shape = self.shape(loops, 1 if inner else 2, out, *operands)
        self.put(op.name, out.register, operands, shape, 0 if inner else 1)

    def folded_size(self, op: Op, source: Value) -> int:
        """How far the folded axis has to be walked: to the query, when nothing that counts lies beyond."""
        if self.blocked and self.plan.stops_at_query(op):
            return SEEN
        size = source.size(op.attr)
        assert size is not None
        return size

    def put_at(self, op: Op, storage: Storage) -> Value:
        """One place of each row is written."""
        out = self.changed(op, storage)
        places = [self.value(arg) for arg in op.args[1:]]
        loops = self.loops(storage, (out, *places))
        shape = self.shape(loops, 2, out, *places)
        self.put("put_at", out.register, places, shape, PUT_KINDS.index(op.attr[0]))
        return out

    def update(self, op: Op, storage: Storage) -> Value:
        """The rows of some queries are written, where a mask is true."""
        out = self.changed(op, storage)
        operands = [self.value(arg) for arg in op.args[1:]]
        fitting = [self.fitting(value, [axis for axis, _ in storage]) for value in operands]
        loops = self.loops(storage, (out, *fitting))
        shape = self.shape(loops, 2, out, *fitting)
        self.put("update", out.register, fitting, shape, UPDATE_KINDS.index(op.attr[0]))
        for value, other in zip(operands, fitting, strict=True):
            if value is not other:
                self.tables.release(other.register)
        return out

    def changed(self, op: Op, storage: Storage) -> Value:
        """The matrix that an operation changes: the very one where nothing else reads it later, or else a copy."""
        matrix = op.args[0]
        value = self.value(matrix)
        mine = matrix.id not in self.plan.stored and not is_leaf_value(matrix) and matrix.name not in VIEWS
        mine = mine and self.last[self.key(matrix, self.number)] == self.at and value.storage == storage
        mine = mine and all(self.plan.base(arg) is not matrix for arg in op.args[1:])
        if mine and op.id not in self.plan.stored:
            self.kept = matrix.id
            return Value(value.register, storage, "f")
        out = Value(self.tables.register("f", storage, op.id in self.plan.stored), storage, "f")
        self.copy(value, out)
        return out

    def product(self, op: Op, out: Value) -> None:
        """For each place of the guard's rows where it is true, a row of the table is folded into the result's."""
        guard, table, *beside = (self.value(arg) for arg in op.args)
        inner = table.storage[-1]
        size = guard.size(op.attr)
        assert size is not None
        if self.blocked and "q" in op.args[0].axes and self.plan.beyond.known(op.args[0], op.attr) is False:
            size = SEEN
        sizes = {**dict(out.storage), op.attr: size}
        order = [*(axis for axis, _ in out.storage if axis != inner[0]), op.attr, inner[0]]
        loops = self.loops(tuple((axis, sizes[axis]) for axis in order), (out, guard, table, *beside))
        shape = self.shape(loops, 2, out, guard, table, *beside)
        self.put(op.name, out.register, [guard, table, *beside], shape)

    def placed(self, op: Op, out: Value) -> None:
        """For each true place of the guard's rows one key of the result's row is marked or counted."""
        guard, place = (self.value(arg) for arg in op.args)
        axis, key = op.attr
        places = guard.size(axis)
        assert places is not None  # the guard says which places count
        sizes: dict[str, int] = {**dict(out.storage), axis: places}
        order: list[str] = [*(name for name, _ in out.storage if name != key), axis, key]
        loops = self.loops(tuple((name, sizes[name]) for name in order), (out, guard, place))
        shape = self.shape(loops, 2, out, guard, place)
        self.put(op.name, out.register, [guard, place], shape)

    def running(self, op: Op, out: Value) -> None:
        """Values that grow along an axis, which becomes the inner loop."""
        source = self.value(op.args[0])
        order = [*(item for item in out.storage if item[0] != op.attr), *(i for i in out.storage if i[0] == op.attr)]
        loops = self.loops(tuple(order), (out, source))
        self.put(op.name, out.register, [source], self.shape(loops, 1, out, source))

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
        last = {"turned": op.attr}.get(op.name)
        if op.name in PRODUCTS or op.name in PLACED:
            last = op.args[1].attr if op.name in PRODUCTS else op.attr[1]
        elif op.name in ELEMENTWISE and not self.plan.blocked[op.id]:
            last = self.common_end(op)
        axes = sorted(op.axes, key=lambda axis: (axis == last, storage_order(axis)))
        return tuple((axis, self.size(op, axis)) for axis in axes)

    def common_end(self, op: Op) -> str | None:
        """The axis along which all operands over the same axes lie: a result that lies as they do needs no copies."""
        whole = [self.value(arg) for arg in op.args if len(arg.axes) == len(op.axes) > 1]
        ends = {value.storage[-1][0] for value in whole if value.distance is None}
        return ends.pop() if len(ends) == 1 else None

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
