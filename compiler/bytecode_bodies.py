"""Instructions of an ``each``: its start, the guard, its body, and what a place adds to the result.

copy      result, start
each      guard, number of instructions of the body
...       the body, for one query and one place
join      result, mask                    (any; count, sums and the last place: update)
"""

from __future__ import annotations

from attndsl.compiler.bytecode import ROWS, SEEN, ZERO_STRIDE, Storage
from attndsl.compiler.bytecode_each import Each, body_of, consumed
from attndsl.compiler.bytecode_facts import FOLDS, PLACED, PRODUCTS, RUNNING
from attndsl.compiler.bytecode_instructions import Instructions
from attndsl.compiler.bytecode_storage import Loop, Value, is_token_axis, product, storage_order
from attndsl.compiler.bytecode_updates import UPDATE_KINDS
from attndsl.compiler.ir import Op


class Bodies(Instructions):
    """Instructions with those of an ``each``."""

    def operation_into(self, op: Op, out: Value) -> None:
        """The instructions of one operation whose result has its own register."""
        if op.name == "gather":
            self.gather(op, out)
        elif op.name in FOLDS:
            self.reduce(op, out)
        elif op.name in PRODUCTS:
            self.product(op, out)
        elif op.name in PLACED:
            self.placed(op, out)
        elif op.name == "turned":
            self.copy(self.value(op.args[0]), out)
        elif op.name == "rank" or op.name in RUNNING:
            self.running(op, out)
        elif op.name == "each":
            self.each(op, out)
        else:
            name = "select_b" if op.name == "select" and op.dtype == "b" else op.name
            self.elementwise(name, out, [self.value(arg) for arg in op.args])

    def each(self, op: Op, out: Value) -> None:
        found: Each = op.attr
        guard, start, *_ = (self.value(arg) for arg in op.args)
        self.elementwise("copy_b" if op.dtype == "b" else "copy", out, [start])
        self.put("each", 0, [guard], self.guard_shape(guard, found.axis))
        head = len(self.segment.code) - 1
        self.fixed = ("q", found.axis)
        made, outside = self.body(op)
        mask = self.value(found.mask)
        if found.value is None:
            self.combine("join", out, [mask])
        else:
            kind = UPDATE_KINDS.index("set" if found.kind == "last" else "add")
            self.combine("update", out, [self.value(op.args[2]), mask, self.value(found.value)], kind)
        self.fixed = ()
        for inner in made:
            self.tables.release(self.values.pop(inner.id).register)
        self.values |= outside
        self.segment.code[head] = (*self.segment.code[head][:-1], len(self.segment.code) - head - 1)

    def guard_shape(self, guard: Value, axis: str) -> int:
        """The rows at work and the places of a guard, as the two outermost loops."""
        places = guard.size(axis)
        assert places is not None
        loops = [
            Loop(product((code,)), (ZERO_STRIDE, guard.stride(name))) for name, code in (("q", ROWS), (axis, places))
        ]
        return self.tables.shape([], [self.starts(guard)[0], self.starts(guard)[0]], loops)

    def combine(self, name: str, out: Value, operands: list[Value], kind: int = 0) -> None:
        """A place's part added to the row of the result."""
        axes = tuple(item for item in out.storage if item[0] != "q")
        fitting = [self.fitting(value, [axis for axis, _ in axes]) for value in operands]
        loops = self.loops(axes, (out, *fitting))
        self.put(name, out.register, fitting, self.shape(loops, 1, out, *fitting), kind)
        for value, other in zip(operands, fitting, strict=True):
            if value is not other:
                self.tables.release(other.register)

    def body(self, op: Op) -> tuple[list[Op], dict[int, Value]]:
        """The instructions of the body; the operations whose values they give, and the values for all places of those
        that other operations read as well."""
        found: Each = op.attr
        body = list(dict.fromkeys(inner for root in found.roots for inner in body_of(root, found.axis)))
        short = {axis for axis in op.axes if axis != "q" and self.plan.seen(op, axis)} - consumed(body)
        outside = {inner.id: self.values[inner.id] for inner in body if inner.id in self.values}
        for inner in body:
            storage = self.body_storage(inner, short)
            out = Value(self.tables.register(inner.dtype, storage), storage, inner.dtype)
            self.operation_into(inner, out)
            self.values[inner.id] = out
        return body, outside

    def body_storage(self, op: Op, short: set[str]) -> Storage:
        """The axes of a value of the body but those that are fixed; ``short`` ones end at the query."""
        last = None
        if op.name in PRODUCTS:
            last = op.args[1].attr
        elif op.name in PLACED:
            last = op.attr[1]
        elif op.name == "turned":
            last = op.attr
        axes = sorted((a for a in op.axes if a not in self.fixed), key=lambda a: (a == last, storage_order(a)))
        sizes = {axis: SEEN if axis in short and is_token_axis(axis) else self.domain(axis) for axis in axes}
        return tuple((axis, sizes[axis]) for axis in axes)
