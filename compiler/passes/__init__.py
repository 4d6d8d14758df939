"""The passes over IR, in order, and the bounded driver; ``IMPROVEMENTS`` says where all improvements happen."""

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


IMPROVEMENTS: tuple[tuple[str, str, str], ...] = (
    ("constant folding", "compiler/build.py", "what has constant arguments is computed while IR is built"),
    ("algebraic simplification", "compiler/build.py", "x + 0, x * 1, x / 1 are x (x * 0 stays: it may be nan)"),
    ("common sub-expressions", "compiler/ir.py", "equal operations are one object, across all programs of a library"),
    ("if-conversion", "compiler/lower.py", "a rule's conditions become one select over the matrix"),
    ("work per token", "compiler/ir.py", "an operation has its arguments' axes only: once per q what reads q alone"),
    ("dead rules", "compiler/build.py", "a rule that never applies is a select on false, never built"),
    ("simplify_logic", "compiler/passes", "conditions said twice"),
    ("merge_selects", "compiler/passes", "rules that decide again what an earlier one decided"),
    ("drop_checks", "compiler/passes", "run-time checks that cannot fail, or repeat another"),
    ("texts", "compiler/bytecode_text.py", "functions of texts are answered once per vocabulary entry (bytecode)"),
    ("distances", "compiler/bytecode_rewrite.py", "values that depend on q - k alone are vectors (bytecode)"),
    ("fusion", "compiler/bytecode_rewrite.py", "pairs that the machine does in one pass over memory (bytecode)"),
)  # fmt: skip
"""(what, where, how) of every improvement, in the order in which a program meets them."""


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
