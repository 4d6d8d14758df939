"""What the steps from IR to bytecode share: rebuild a library bottom up, one operation at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_facts import ELEMENTWISE, FOLDS, RUNNING
from attndsl.compiler.ir import IRProgram, Op, ordered, reachable

Rebuild = Callable[[Op, tuple[Op, ...]], Op]


def rebuilt(programs: Sequence[IRProgram], step: Rebuild) -> list[IRProgram]:
    """The programs with every operation replaced by ``step(operation, replaced arguments)``."""
    new: dict[int, Op] = {}
    for op in reachable(root for program in programs for root in program.roots()):
        new[op.id] = step(op, tuple(new[arg.id] for arg in op.args))
    return [
        replace(
            program,
            result=new[program.result.id],
            checks=tuple(replace(check, fails=new[check.fails.id]) for check in program.checks),
        )
        for program in programs
    ]


def remade(b: Builder, op: Op, args: tuple[Op, ...]) -> Op:
    """The same operation on new arguments, which may have lost axes."""
    if op.name == "rename":
        return b.rename(args[0], *op.attr)
    if op.name == "gather":
        return b.gather(args[0], op.attr, args[1])
    if op.name in FOLDS:
        return b.reduce(op.name, args[0], op.attr)
    if op.name == "rank":
        return b.rank(b.spread(args[0], op.attr), op.attr)
    if op.name in RUNNING:
        source = b.spread(args[0], op.attr)
        return b.graph.op(op.name, (source,), op.attr, source.axes, op.dtype)
    if op.name in ELEMENTWISE or op.name == "map_text":
        axes = ordered(axis for arg in args for axis in arg.axes)
        return b.graph.op(op.name, args, op.attr, axes, op.dtype)
    return b.graph.op(op.name, args, op.attr, op.axes, op.dtype)


class Conditions:
    """Conjunctions of a library in the course of a rebuild, taken apart where nobody else reads them."""

    def __init__(self, programs: Sequence[IRProgram]) -> None:
        roots = [root for program in programs for root in program.roots()]
        self._uses = Counter(arg.id for op in reachable(roots) for arg in op.args)
        self._uses.update(root.id for root in roots)
        self._shared: set[int] = set()

    def note(self, old: Op, new: Op) -> None:
        """To be told of every operation that is replaced."""
        if new.name == "and" and self._uses[old.id] > 1:
            self._shared.add(new.id)

    def uses(self, op: Op) -> int:
        """How often an operation of the library as it was is read."""
        return self._uses[op.id]

    def shared(self, op: Op) -> bool:
        """Whether several operations read this conjunction."""
        return op.id in self._shared

    def parts(self, op: Op) -> list[Op]:
        """The conditions that a conjunction joins; one that others read counts as one condition."""
        if op.name != "and" or self.shared(op):
            return [op]
        return [term for arg in op.args for term in self.parts(arg)]
