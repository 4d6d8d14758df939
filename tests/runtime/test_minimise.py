"""Smaller programs: what a step may do, what is taken, and that the pattern is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from falsify_programs import PASSAGES, byte_level, program
from hypothesis import given, settings
from strategies import programs

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.printer import statement
from attndsl.runtime.falsify.rules import lifted
from attndsl.runtime.minimise.search import Minimised, agreement, minimise, original_patterns
from attndsl.runtime.minimise.steps import rules, size, steps, tidy, together
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.tokenize import token_table

TABLES = [token_table(text, byte_level()) for text in PASSAGES]


def smaller(text: str, epsilon: float = 0.0) -> Minimised:
    return minimise(program(text), TABLES, True, epsilon)


def said(found: Minimised) -> list[str]:
    return [" ".join(statement(item).split()) for item in lifted(found.program).program.items]


EXACT = {
    "a rule that never fires": ("add 1 to first\nadd 1 to self when q < 0", ["add 1 to first"]),
    "a last step that is taken anyway": ("add 1 to first\nadd 1 to self\nmask causal\nnormalize rows", None),
    "rules for the same keys": ("add 0.25 to first\nadd 0.5 to self\nadd 0.25 to first", None),
    "a condition that always holds": ("add 1 to each k where k <= q and q - k < 3", None),
    "a definition that nothing uses": ('let Stop = {".", "!"}\nadd 1 to first\nadd 2 to self', None),
    "conditions that differ": (
        "add 1 to first\nadd 0.5 to self when q.is_punct\nadd 0.5 to self when not q.is_punct and q.word_start", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_with_epsilon_0_the_pattern_of_every_text_stays(name: str) -> None:
    text, expected = EXACT[name]
    found = smaller(text)
    assert found.proved
    assert found.after[1] < found.before[1]
    assert found.finished
    assert expected is None or said(found) == expected
    both = agreement([found.program], TABLES, original_patterns(program(text), TABLES, True), True)
    assert both.min() > 1 - 1e-6


def test_with_epsilon_0_a_rule_that_no_train_text_needs_is_kept() -> None:
    found = smaller('add 1 to first\nadd 0.5 to self when q.text == "&"')
    assert found.after == found.before


def test_with_epsilon_what_hardly_matters_goes() -> None:
    text = "add 1 to first\nadd 0.004 to self\nadd 0.123456 to q - 1"
    found = smaller(text, 0.02)
    assert said(found) == ["add 1 to first", "add 0.12 to q - 1"]
    assert 0.98 <= found.train < 1
    assert not found.proved
    assert found.after[0] == rules(lifted(found.program).program.items) == 2


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 0.5])
def test_the_floor_holds(epsilon: float) -> None:
    text = (
        "add 0.5 to first\nadd 0.3 to last(k before q where k.is_punct)\nadd 0.2 to q - 1 when q.is_capitalized\n"
        "share 0.2 over each k from q - 8 before q by 0.9 ** (q - k)"
    )
    found = smaller(text, epsilon)
    kept = agreement([found.program], TABLES, original_patterns(program(text), TABLES, True), True).mean()
    assert kept >= 1 - epsilon - 1e-6
    assert found.train == pytest.approx(kept)


def test_failing_where_the_original_fails_is_agreeing() -> None:
    one = program("add 1 / (q - 30) to first\nadd 1 to self")
    short = [table for table in TABLES if len(table) <= 30]
    longer = [token_table(" ".join(PASSAGES), byte_level())]
    originals = original_patterns(one, [*short, *longer], True)
    assert originals[-1] is None
    both = agreement([one, program("add 1 to self")], [*short, *longer], originals, True)
    assert both[0].min() > 1 - 1e-6
    assert both[1, -1] == 0


def test_a_program_that_fails_on_every_text_says_why() -> None:
    with pytest.raises(DiagnosticError, match="E0401"):
        smaller("add 1 / (q - q) to first")


def test_a_bounded_program_has_no_rules_to_leave_out() -> None:
    with pytest.raises(DiagnosticError, match="E0802"):
        minimise(Program("b", Outcome.BOUNDED, bounded=object()), TABLES, True, 0.1)


# ---------------------------------------------------------------- steps


@settings(max_examples=60, deadline=None)
@given(programs())
def test_every_step_changes_only_what_it_says(tree: N.Program) -> None:
    items = check(tree).program.items
    for step in steps(items):
        assert together(items, [step]) == tidy(step.items)
        for at, item in enumerate(items):
            if at not in step.at and not isinstance(item, N.Let | N.Matrix):
                assert any(item is other for other in step.items)


def test_steps_of_different_statements_are_taken_at_once() -> None:
    typed = lifted(program('let Stop = {"."}\nadd 1 to self when q.text in Stop\nadd 0.125 to first when q > 0'))
    items = typed.program.items
    by_kind = {(step.kind, min(step.at)): step for step in steps(items)}
    both = together(items, [by_kind["condition", 1], by_kind["condition", 2]])
    assert [" ".join(statement(item).split()) for item in both] == ["add 1 to self", "add 0.125 to first"]
    check(replace(typed.program, items=both))


def test_size_counts_nodes_and_digits_and_no_claims() -> None:
    plain = lifted(program("add 0.5 to first")).program.items
    digits = lifted(program("add 0.1234 to first")).program.items
    claim = lifted(program('claim "says much"\nclaim mass at least 0.5 on first\nadd 0.5 to first')).program.items
    assert size(digits) == size(plain) + 2
    assert size(claim) == size(plain)
