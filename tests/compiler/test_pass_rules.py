"""What the passes do with IR that the lowering never makes, or makes only between two rounds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attndsl.compiler.build import Builder
from attndsl.compiler.bytecode_rewrite import without_floor
from attndsl.compiler.ir import Check, IRProgram, Op
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import optimize
from attndsl.compiler.passes.drop_checks import drop_checks
from attndsl.compiler.passes.merge_selects import merge_selects
from attndsl.compiler.passes.simplify_logic import simplify_logic
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.parser import parse_program
from attndsl.dsl.source import NO_SPAN, SourceFile, Span


def _program(result: Op, *checks: Check) -> IRProgram:
    base = lower(check(parse_program('head "x"\nadd 1 to first')))
    return replace(base, result=result, checks=checks)


def _two_rounds(b: Builder) -> tuple[Op, Op]:
    """What takes two rounds, because only the first makes the condition that the second says once; and what is left."""
    c, e = (b.binary("lt", b.const(at), b.iota("q")) for at in (1.0, 2.0))
    x, z = (b.binary("lt", b.const(at), b.iota("k")) for at in (1.0, 2.0))
    return b.select(c, x, b.select(b.and_(c, e), x, z)), b.select(c, x, z)


def test_passes_run_until_neither_result_nor_checks_change() -> None:
    b = Builder()
    before, after = _two_rounds(b)
    still = b.binary("lt", b.iota("q"), b.iota("k"))
    (checks_change,) = optimize([_program(b.number(still), Check(before, "E0401", "", NO_SPAN))], b)
    (result_changes,) = optimize([_program(before, Check(still, "E0401", "", NO_SPAN))], b)
    assert checks_change.checks[0].fails is after
    assert result_changes.result is after


def test_only_checks_that_never_fail_or_repeat_another_are_dropped() -> None:
    b = Builder()
    late = b.binary("lt", b.const(1.0), b.iota("q"))
    kept = [Check(b.const(True), "E0401", "", NO_SPAN), Check(late, "E0401", "", NO_SPAN)]
    kept.append(replace(kept[1], code="E0403"))
    dropped = [Check(b.const(False), "E0401", "", NO_SPAN), replace(kept[1], what="again")]
    assert drop_checks(_program(b.const(0.0), *kept, *dropped)).checks == tuple(kept)


def test_what_is_denied_twice_is_said() -> None:
    b = Builder()
    late = b.binary("lt", b.const(1.0), b.iota("q"))
    denied = b.graph.op("not", (b.not_(late),), None, late.axes, "b")  # as a pass leaves it, that puts in a ``not``
    assert denied.name == denied.args[0].name == "not"
    assert simplify_logic(denied, b) is late
    assert simplify_logic(b.not_(late), b) is None


def test_a_choice_between_equal_outcomes_is_the_outcome() -> None:
    b = Builder()
    late, x = b.binary("lt", b.const(1.0), b.iota("q")), b.iota("k")
    both = b.graph.op("select", (late, x, x), None, ("q", "k"), "f")  # as a pass leaves it, that made its outcomes one
    assert merge_selects(both, b) is x
    assert merge_selects(b.select(late, x, b.const(0.0)), b) is None


def test_no_place_is_true_where_none_can_be() -> None:
    b = Builder()
    never, always = b.const(False), b.const(True)
    assert b.reduce("any", never, "k") is never
    assert b.reduce("any", always, "k").name == "any"  # none of no tokens


@pytest.mark.parametrize("floor", [0.0, 1.0])
def test_only_a_floor_of_zero_under_the_whole_matrix_is_left_to_the_pattern(floor: float) -> None:
    b = Builder()
    matrix = b.binary("sub", b.iota("q"), b.iota("k"))
    row = b.binary("max", b.iota("k"), b.const(floor))
    floored = _program(b.binary("max", matrix, b.const(floor)))
    twice = replace(floored, result=b.binary("max", floored.result, b.const(floor)))
    for program in (floored, twice):
        assert without_floor(program).result is (program.result if floor else matrix)
    assert without_floor(replace(floored, result=row)).result is row


def test_what_cannot_be_compiled_is_shown_where_it_stands() -> None:
    text = 'head "x"\nadd 1 to each k where k.text.replace(q.text, k.raw) == q.text'
    typed = check(parse_program(text))
    placed = _refusal(replace(typed, program=replace(typed.program, source=SourceFile("x.attn", text))))
    assert placed is not None
    assert text[placed.start : placed.end] == "k.raw"
    assert _refusal(replace(typed, program=replace(typed.program, source=None))) is None


def test_what_cannot_be_compiled_and_was_not_read_from_the_source_has_no_place() -> None:
    text = N.Feature(N.Var("k"), "text")
    other = N.Method(text, "replace", (N.Feature(N.Var("q"), "text"), N.Feature(N.Var("k"), "raw")))
    rule = N.Rule("add", N.Number(1.0), N.Each(N.Binder("k", where=N.Compare("==", other, text))))
    assert _refusal(check(N.Program("x", "causal", (rule,), source=SourceFile("x.attn", "made elsewhere")))) is None


def _refusal(typed) -> Span | None:  # type: ignore[no-untyped-def]
    with pytest.raises(DiagnosticError) as stop:
        lower(typed)
    assert stop.value.diagnostics[0].code == "E0351"
    return stop.value.diagnostics[0].span
