"""The passes over IR, in order, and the bounded driver. Constants are folded and common sub-expressions shared while IR
is built (``compiler/build.py``, ``ir.Graph``): those two need no pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import IRProgram
from attndsl.compiler.passes.drop_checks import drop_checks
from attndsl.compiler.passes.merge_selects import merge_selects
from attndsl.compiler.passes.rewrite import Rule, rewrite
from attndsl.compiler.passes.simplify_logic import simplify_logic
from attndsl.compiler.verify import verify

MAX_ROUNDS = 8


def _with(rule: Rule) -> Callable[[IRProgram, Builder], IRProgram]:
    return lambda program, builder: rewrite(program, builder, rule)


PASSES: tuple[tuple[str, Callable[[IRProgram, Builder], IRProgram]], ...] = (
    ("simplify_logic", _with(simplify_logic)),  # first: selects compare conditions by identity
    ("merge_selects", _with(merge_selects)),  # may join conditions, which the next round simplifies
    ("drop_checks", lambda program, builder: drop_checks(program)),  # last: the others turn checks into constants
)


def optimize(programs: Sequence[IRProgram], builder: Builder, *, verified: bool = False) -> list[IRProgram]:
    """Run all passes on each program until nothing changes, at most ``MAX_ROUNDS`` rounds.

    Every pass removes operations or checks and adds none, so it ends by itself; the bound guards against our bugs.
    ``verified`` checks the IR after each pass. The meaning of a program, its errors included, stays the same.
    """
    return [_optimize(program, builder, verified) for program in programs]


def _optimize(program: IRProgram, builder: Builder, verified: bool) -> IRProgram:
    for _ in range(MAX_ROUNDS):
        before = program
        for _name, pass_ in PASSES:
            program = pass_(program, builder)
            if verified:
                verify([program])
        if program.result is before.result and program.checks == before.checks:
            return program
    raise AssertionError(f"the passes do not settle on {program.name!r} within {MAX_ROUNDS} rounds")
