"""Linear forms: the pattern the dense kernels give, without a matrix; safe sums; what has no form says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from cases import near
from strategies import ProgramMaker, RandomChoices, make_table

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.compiler.structure import LinearForm, linear_form
from attndsl.dsl.checker import TypedProgram, check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_program
from attndsl.runtime.linear import LinearProgram, TextForm
from attndsl.runtime.linear.sums import decayed_prefix_sum, prefix_sum, range_extreme, range_sum, toeplitz
from attndsl.runtime.pattern import normalise

FLOAT32_PATTERN = 1e-6  # normalise gives float32


def typed_of(rules: str, head: str = "causal") -> TypedProgram:
    return check(parse_program(f'head "t" {head}\n{rules}\n'))


def outcome(typed: TypedProgram, table: Any) -> str:
    """ "same" where form and dense kernel agree, else why the form was not used; fails where they differ."""
    form = linear_form(typed)
    if isinstance(form, str):
        return form
    try:
        made = LinearProgram(form).on(Leaves(table, {"near": near}))
    except DiagnosticError as error:
        return str(error.diagnostics[0].code)
    if isinstance(made, str):
        return made
    with np.errstate(all="ignore"):
        (matrix,) = machine(compile_library([typed]), "numpy").run(Leaves(table, {"near": near}))
    assert not isinstance(matrix, DiagnosticError), "the linear form missed an error of the program"
    found = made.apply(torch.eye(len(table), dtype=torch.float64)).numpy()
    assert np.abs(found - normalise(matrix, causal=typed.causal)).max() <= FLOAT32_PATTERN
    return "same"


def tables(count: int) -> list[Any]:
    made = [make_table(RandomChoices(seed), words=True) for seed in range(3 * count)]
    return [table for table in made if len(table)][:count]


def test_built_in_programs_have_the_pattern_of_the_dense_kernels() -> None:
    programs = [check(program) if not hasattr(program, "program") else program for program in builtin_programs()]
    seen = [outcome(typed, table) for typed in programs for table in tables(3)]
    assert seen.count("same") >= 0.9 * len(seen)


def test_random_programs_have_the_pattern_of_the_dense_kernels() -> None:
    same = 0
    for seed in range(400):
        choices = RandomChoices(seed)
        program = ProgramMaker(choices, words=seed % 3 == 0).program(2 + seed % 3)
        table = make_table(choices, words=seed % 3 == 0)
        try:
            typed = check(program)
        except DiagnosticError:
            continue
        same += len(table) > 0 and outcome(typed, table) == "same"
    assert same >= 100


@pytest.mark.parametrize(
    ("rules", "classes"),
    [
        ("add 1 to first", "broadcast"),
        ("add 1 to q - 2", "shift"),
        ("add 1 to last(k before q where k.is_punct)", "gather"),
        ("add 1 to each k where k.is_punct", "column weights"),
        ("add 1 to each k", "prefix"),
        ("add 0.5 ** (q - k) to each k", "decay"),
        ("add 1 / (1 + q - k) to each k", "distance"),
        ("add 1 to each k from q - 3 upto q", "window"),
        ("add 1 to each k where k.text == q.text", "same feature"),
        ("add 1 to each k where (k - 1).text == q.text", "same feature"),
        ("add 1 to each k where k.sentence == q.sentence", "same feature"),
    ],
)
def test_classes(rules: str, classes: str) -> None:
    typed = typed_of(rules)
    form = linear_form(typed)
    assert isinstance(form, LinearForm)
    assert form.classes == (classes,)
    assert {outcome(typed, table) for table in tables(6)} == {"same"}


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ('add host("near", q, k) to each k', "host relation"),
        ("add 1 to each k where q.text in k.text", "the text function in_text"),
        ("add 1 to each k\nsoftmax rows", "exp of query and key"),
    ],
)
def test_what_has_no_linear_form_says_which_part(rules: str, says: str) -> None:
    form = linear_form(typed_of(rules))
    assert isinstance(form, str)
    assert says in form


def test_a_text_on_which_the_form_is_another_program_is_left_to_the_dense_kernel() -> None:
    table = tables(1)[0]
    form = linear_form(typed_of("add 1 to each k\nadd 0 - 2 to first"))
    assert isinstance(form, LinearForm)
    assert LinearProgram(form).on(Leaves(table, {})) == "a weight may be negative"
    failing = linear_form(typed_of("add 1 / (q - 1) to first"))
    assert isinstance(failing, LinearForm)
    assert (
        LinearProgram(failing).on(Leaves(next(t for t in tables(9) if len(t) > 1), {}))
        == "a check of the program fails"
    )


def test_a_long_decay_does_not_overflow() -> None:
    n, slope = 4000, float(np.log(0.3))
    x = torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    rows = torch.arange(n)
    weights = torch.exp(slope * (rows[:, None] - rows[None]).clamp(min=0).double()).tril()
    expected = weights @ x
    assert torch.allclose(decayed_prefix_sum(x, rows, slope), expected, rtol=1e-12, atol=1e-12)
    tree = range_sum(x, torch.zeros_like(rows), rows, slope, rows, rows)
    assert torch.allclose(tree, expected, rtol=1e-12, atol=1e-12)
    assert torch.allclose(toeplitz(x, weights[:, 0]), expected, rtol=1e-9, atol=1e-12)


def test_window_sums_keep_their_digits_beside_large_values() -> None:
    """Differences of running sums would lose the small values behind the large ones."""
    n = 3000
    x = torch.full((n, 1), 1e-3)
    x[:1000] = 1e6
    rows = torch.arange(n)
    found = range_sum(x, (rows - 4).clamp(min=0), rows)
    assert torch.allclose(found[1010:], torch.full((n - 1010, 1), 5e-3), rtol=1e-6, atol=0)


def test_prefix_sums_in_float32_are_near_those_in_float64() -> None:
    x = torch.rand(8192, 4, generator=torch.Generator().manual_seed(2)) + 10
    rows = torch.arange(8192)
    exact = x.double().cumsum(0)
    assert ((prefix_sum(x, rows) - exact).abs() / exact).max() <= 2e-6


def test_extremes_of_ranges() -> None:
    values = torch.randn(37, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    lo = torch.arange(37)
    for width in (-1, 0, 1, 7, 36):
        hi = (lo + width).clamp(max=36)
        found = range_extreme(values, lo, hi, True)
        for q in range(37):
            part = values[q : int(hi[q]) + 1]
            assert found[q] == (part.max() if len(part) else float("-inf"))


def test_applied_to_values_it_is_the_pattern_times_values() -> None:
    typed = typed_of("add 0.4 to first\nshare 0.6 over each k where k.text == q.text by 0.9 ** (q - k)\nnormalize rows")
    form = linear_form(typed)
    assert isinstance(form, LinearForm)
    for table in tables(5):
        made = LinearProgram(form).on(Leaves(table, {}))
        assert isinstance(made, TextForm)
        (matrix,) = machine(compile_library([typed]), "numpy").run(Leaves(table, {}))
        values = torch.randn(len(table), 8, generator=torch.Generator().manual_seed(4))
        expected = torch.from_numpy(normalise(matrix, causal=True)) @ values
        assert torch.allclose(made.apply(values), expected, atol=1e-6)
