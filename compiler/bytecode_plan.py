"""What runs when: which operations leave the block loop, which are views, which rows and keys are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from attndsl.compiler.bytecode import is_leaf_value
from attndsl.compiler.bytecode_facts import FOLDS, Beyond, needed_in_full, stops_at_query
from attndsl.compiler.bytecode_storage import is_token_axis
from attndsl.compiler.ir import IRProgram, Op, reachable

VIEWS = ("rename", "distance")


@dataclass
class Plan:
    """Facts about every operation of a library.

    ``level``: the pass in which it is computed (a value that rows of other queries read is complete one pass earlier).
    ``blocked``: computed for blocks of query rows; everything else once per text. ``stored``: blocked, but kept for all
    rows because a later pass reads it. ``full``: (operation, axis) computed beyond the keys that a query sees.
    """

    programs: Sequence[IRProgram]
    level: dict[int, int] = field(default_factory=dict)
    blocked: dict[int, bool] = field(default_factory=dict)
    stored: set[int] = field(default_factory=set)
    full: set[tuple[int, str]] = field(default_factory=set)
    beyond: Beyond = field(default_factory=Beyond)

    def __post_init__(self) -> None:
        ops = list(reachable(root for program in self.programs for root in program.roots()))
        for op in ops:
            self._place(op)
        for op in ops:
            self._store(op)
        roots = {(op.id, axis) for op in ops if op.id in self.stored for axis in op.axes}
        for program in self.programs:
            ends = (program.result, *(check.fails for check in program.checks))
            roots |= {(end.id, axis) for end in ends for axis in end.axes if self.beyond.known(end, axis) is None}
        self.full = needed_in_full(reversed(ops), self.beyond, roots)

    def _place(self, op: Op) -> None:
        level = max((self.level[arg.id] for arg in op.args), default=0)
        other_rows = (
            op.args
            and self.blocked[op.args[0].id]
            and ((op.name == "rename" and op.attr[0] == "q") or (op.name == "gather" and op.attr == "q"))
        )
        if other_rows:
            level = max(level, self.level[op.args[0].id] + 1)
        self.level[op.id] = level
        if is_leaf_value(op) or op.name == "distance":
            self.blocked[op.id] = False
        elif op.name == "rename":
            self.blocked[op.id] = self.blocked[op.args[0].id] and not other_rows
        else:
            now = any(self.blocked[arg.id] and self.level[arg.id] == level for arg in op.args)
            # in blocks, a reduction may stop at the query
            folded = op.name in FOLDS and any("q" in arg.axes for arg in op.args)
            self.blocked[op.id] = "q" in op.axes and (len(op.axes) > 1 or now or folded)

    def _store(self, op: Op) -> None:
        for arg in op.args:
            base = self.base(arg)
            reads_all_rows = op.name == "rename" and op.attr[0] == "q"
            if self.blocked[base.id] and (reads_all_rows or self.level[base.id] < self.level[op.id]):
                self.stored.add(base.id)

    def base(self, op: Op) -> Op:
        """The operation whose register a value lies in."""
        while op.name in VIEWS:
            op = op.args[0]
        return op

    def deep(self, op: Op) -> bool:
        """True for values with two or more axes beside the query: they exist for one row at a time."""
        return self.blocked[op.id] and op.id not in self.stored and op.name != "rename" and len(op.axes) > 2

    def seen(self, op: Op, axis: str) -> bool:
        """True when the axis is computed up to the query only."""
        return is_token_axis(axis) and axis != "q" and (op.id, axis) not in self.full

    def stops_at_query(self, op: Op) -> bool:
        """True for a reduction over token positions that may leave out those after the query."""
        return "q" in op.axes and is_token_axis(op.attr) and stops_at_query(op, self.beyond)

    def order(self, roots: Sequence[Op], done: set[int]) -> Iterator[Op]:
        """What is missing to have the roots, arguments first; deep values are made anew for each program."""
        made: set[int] = set()
        stack: list[tuple[Op, bool]] = [(root, False) for root in reversed(roots)]
        while stack:
            op, ready = stack.pop()
            if op.id in made or op.id in done:
                continue
            if ready:
                made.add(op.id)
                yield op
            else:
                stack.append((op, True))
                stack.extend((arg, False) for arg in reversed(op.args))
