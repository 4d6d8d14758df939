"""Programs as score modifications of FlexAttention: the patterns of the dense kernels, run as it is and compiled."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
import torch
from cases import near
from strategies import ProgramMaker, RandomChoices, make_table

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.compiler.structure import linear_form
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_program
from attndsl.runtime.linear import FlexForm, LinearProgram
from attndsl.runtime.pattern import normalise

FLOAT32_WEIGHTS = 2e-6  # a cell goes through a logarithm and a softmax in float32


def flex_of(typed: TypedProgram, table: Any, compiled: bool = False) -> FlexForm | None:
    form = linear_form(typed)
    if isinstance(form, str):
        return None
    try:
        made = LinearProgram(form).on(Leaves(table, {"near": near}))
    except DiagnosticError:
        return None
    return None if isinstance(made, str) else FlexForm(made, form.causal, compiled)


def agrees(typed: TypedProgram, table: Any, compiled: bool = False) -> bool:
    """Whether the program can be said so; fails where its pattern is another then."""
    made = flex_of(typed, table, compiled)
    if made is None:
        return False
    with np.errstate(all="ignore"):
        (matrix,) = machine(compile_library([typed]), "numpy").run(Leaves(table, {"near": near}))
    wanted = normalise(matrix, causal=typed.causal)
    with torch.no_grad():
        found = made.apply(torch.eye(len(table)))
    assert np.abs(found.numpy() - wanted).max() <= FLOAT32_WEIGHTS, typed
    return True


def tables(count: int) -> list[Any]:
    made = [make_table(RandomChoices(seed), words=True) for seed in range(3 * count)]
    return [table for table in made if len(table) > 1][:count]


def typed_of(rules: str, head: str = "causal") -> TypedProgram:
    return check(parse_program(f'head "t" {head}\n{rules}\n'))


def test_built_in_programs_have_the_pattern_of_the_dense_kernels() -> None:
    programs = [check(program) if not hasattr(program, "program") else program for program in builtin_programs()]
    programs = programs[::18]  # each is traced by torch: a tenth of a second
    (table,) = tables(1)
    assert sum(agrees(typed, table) for typed in programs) >= 0.9 * len(programs)


def test_random_programs_have_the_pattern_of_the_dense_kernels() -> None:
    seen = 0
    for seed in range(20):
        choices = RandomChoices(seed)
        program, table = ProgramMaker(choices).program(2), make_table(choices)
        try:
            typed = check(program)
        except DiagnosticError:
            continue
        seen += len(table) > 1 and agrees(typed, table)
    assert seen >= 4


@pytest.mark.parametrize(
    "rules",
    [
        "share 1 over each k before q where k.text == q.text\nnormalize rows",  # rows without weight
        "share 0.5 over each k from q - 2 upto q\nshare 0.5 over each k by 0.9 ** (q - k)\nnormalize rows",
        "add 1 / (1 + q - k) to each k\nset 1 to self when q == first\nnormalize rows",
        "add 0.4 to first\nadd 0.3 to last(k before q where k.is_punct)\nnormalize rows",
    ],
)
@pytest.mark.parametrize("head", ["causal", ""])
def test_each_kind_of_term(rules: str, head: str) -> None:
    typed = typed_of(rules, head)
    assert all(agrees(typed, table) for table in tables(1)) or not head


def test_every_batch_and_head_of_a_call_takes_the_same_weights() -> None:
    from torch.nn.attention.flex_attention import flex_attention

    (table,) = tables(1)
    made = flex_of(typed_of("share 1 over each k by 0.5 ** (q - k)\nnormalize rows"), table)
    assert made is not None
    values = torch.randn(2, 3, len(table), 5)
    nothing = torch.zeros(2, 3, len(table), 16)
    together = flex_attention(nothing, nothing, values, score_mod=made.score_mod())
    for row in range(2):
        for head in range(3):
            assert torch.allclose(together[row, head], made.apply(values[row, head]), atol=FLOAT32_WEIGHTS)


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled() -> None:
    table = next(table for table in tables(9) if len(table) > 6)
    assert agrees(typed_of("add 0.5 to first\nadd 0.3 to q - 1\nnormalize rows"), table, compiled=True)
