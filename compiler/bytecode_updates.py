"""Rules with a condition on the query -> updates of the rows of those queries, in the matrix itself.

    if c(q) and m(q, k) then x else w        ->  update set (w, c, m, x)
    if c(q) and m(q, k) then w + x else w    ->  update add (w, c, m, x)      also with *, /, max, min
    w + (if c(q) and m(q, k) then x else 0)  ->  update add (w, c, m, x)

A rule that applies to few queries then costs a pass over their rows, and nothing for all others; one that applies to
all costs what its keys cost. The condition on the
query is taken out of ``m`` where nobody else reads it, so that what is left is often one vector over keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_facts import Beyond, conjunction
from attndsl.compiler.bytecode_rebuild import Conditions
from attndsl.compiler.ir import IRProgram, Op

UPDATE_KINDS = ("set", "add", "mul", "div", "max", "min")


class Updater:
    """The step for ``bytecode_rebuild.rebuilt`` that comes after ``fuse``."""

    def __init__(self, programs: Sequence[IRProgram]) -> None:
        self.b = Builder()
        self.beyond = Beyond()
        self.conditions = Conditions(programs)

    def __call__(self, op: Op, args: tuple[Op, ...]) -> Op:
        found = self._updated(op, args) if op.name in ("select", "add_if") else None
        if found is None:
            found = self.b.graph.op(op.name, args, op.attr, op.axes, op.dtype)
        self.conditions.note(op, found)
        return found

    def _updated(self, op: Op, args: tuple[Op, ...]) -> Op | None:
        if op.dtype != "f" or op.axes != ("q", "k"):
            return None
        if op.name == "add_if":
            matrix, mask, value = args
            return self.update("add", matrix, mask, value, self.conditions.uses(op.args[0]) == 1)
        mask, new, matrix = args
        if new.name in UPDATE_KINDS[1:] and matrix in new.args:
            other = new.args[1] if new.args[0] is matrix else new.args[0]
            if new.name in ("add", "mul") or new.args[0] is matrix:
                alone = (self.conditions.uses(op.args[2]), self.conditions.uses(op.args[1])) == (2, 1)
                return self.update(new.name, matrix, mask, other, alone)
        return self.update("set", matrix, mask, new, self.conditions.uses(op.args[2]) == 1)

    def update(self, kind: str, matrix: Op, mask: Op, value: Op, alone: bool) -> Op | None:
        """None where there is no matrix yet, or where no condition concerns the query and others read the matrix as it
        was: it would have to be copied for the sake of all rows."""
        if not matrix.axes:
            return None
        shared = self.conditions.shared(mask)
        terms = conjunction(mask) if shared else self.conditions.parts(mask)
        guard = self.b.and_(*(term for term in terms if term.axes in ((), ("q",))))
        if guard.axes != ("q",) and not (alone and matrix.axes == ("q", "k")):
            return None
        seen = self.beyond.known(mask, "k") is False
        rest = mask if shared and "k" in mask.axes else self.b.and_(*(term for term in terms if "k" in term.axes))
        return self.b.graph.op("update", (matrix, guard, rest, value), (kind, seen), ("q", "k"), "f")
