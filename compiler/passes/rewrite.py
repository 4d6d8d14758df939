"""The engine that passes share: rebuild a program bottom-up with one rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import IRProgram, Op, reachable

Rule = Callable[[Op, Builder], Op | None]
"""``rule(op, builder)`` gives the operation that stands for ``op``, or None to keep it; arguments are done already."""


def rewrite(program: IRProgram, builder: Builder, rule: Rule) -> IRProgram:
    """The program with every operation passed through the rule once. Unchanged parts are the same objects."""
    done: dict[int, Op] = {}
    for op in reachable(program.roots()):
        args = tuple(done[arg.id] for arg in op.args)
        changed = any(new is not old for new, old in zip(args, op.args, strict=True))
        new = builder.graph.op(op.name, args, op.attr, op.axes, op.dtype) if changed else op
        found = rule(new, builder)
        # A rule must not change what an operation is: the operations above it rely on kind and axes.
        assert found is None or (found.dtype == op.dtype and set(found.axes) <= set(op.axes)), (op, found)
        done[op.id] = new if found is None or found.axes != op.axes else found
    checks = tuple(replace(check, fails=done[check.fails.id]) for check in program.checks)
    return replace(program, result=done[program.result.id], checks=checks)
