"""Which rules fire, what they move, and what is lost without them: against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from falsify_programs import program, table
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs, token_tables

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.evaluator import Evaluator, true
from attndsl.dsl.interpreter import interpret
from attndsl.runtime.falsify.coverage import rule_coverage
from attndsl.runtime.falsify.rules import RuleKernel, firing, rules_of, without_rule
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.scoring import iou

TEXT = "The fox ran, and the fox sat."


def fired(rules: str, text: str = TEXT) -> np.ndarray:
    return RuleKernel(program(rules), True).fired(table(text))


def surfaces(text: str = TEXT) -> list[str]:
    return list(table(text).surface)


def test_a_rule_fires_where_its_target_and_its_condition_hold() -> None:
    found = fired('add 1 to q - 1 when q.is_punct\nadd 1 to last(k before q where k.text == "fox")\nset 1 to self')
    tokens = surfaces()
    n = len(tokens)
    marks = [q for q, token in enumerate(tokens) if token in (",", ".")]
    assert {(int(q), int(k)) for q, k in np.argwhere(found[0])} == {(q, q - 1) for q in marks}
    assert (found[2] == np.eye(n, dtype=bool)).all()


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("add 0 to each k", 0),
        ("add if q.is_punct then 1 else 0 to each k", 2),
        ("share 1 over each k by if k == 0 then 1 else 0", None),
        ("share 1 over each k before first", 0),
        ("scale each k by 1", None),
        ("set 0 to first", None),
        ('add 1 to first when q.text == "nothing of the kind"', 0),
    ],
)
def test_rows_on_which_a_rule_fires(rule: str, rows: int | None) -> None:
    found = fired(rule)[0].any(axis=1).sum()
    assert found == (len(surfaces()) if rows is None else rows)


def test_a_rule_may_read_what_came_before_it() -> None:
    found = fired("add 1 to first\nadd 1 to self when row.sum > 0.5\nadd 1 to self when row.sum > 5")
    assert found.any(axis=2).sum(axis=1).tolist() == [len(surfaces())] * 2 + [0]


def test_a_name_that_the_program_uses_is_not_taken() -> None:
    found = fired("matrix Fired\nadd 1 to first of Fired\nadd Fired[q, 0] to first")
    assert found[:, :, 0].all()
    assert not found[:, :, 1:].any()


def test_mass_and_iou_are_those_of_the_program_without_the_rule() -> None:
    whole = program("add 0.5 to first\nadd 0.5 to self\nnormalize rows")
    t = table(TEXT)
    n = len(t)
    head = np.zeros((n, n), dtype=np.float32)
    head[:, 0] = 1
    found = rule_coverage(whole, [t], True, [head])
    first, own = found.rules
    # Without a rule the other takes all: half of the weight of every row but the first, which has one key, moves.
    assert first.mass == pytest.approx(0.5 * (n - 1) / n)
    full, no_first, no_own = (p.predict(TEXT, _tokenizer()) for p in (whole, *_ablated(whole)))
    assert found.iou == pytest.approx(iou(full, head))
    assert first.iou_lost == pytest.approx(iou(full, head) - iou(no_first, head))
    assert own.iou_lost == pytest.approx(iou(full, head) - iou(no_own, head))
    assert first.verdict == "used"
    assert own.verdict == "harmful"


def _tokenizer() -> object:
    from falsify_programs import byte_level

    return byte_level()


def _ablated(whole: Program) -> list[Program]:
    return [without_rule(whole, rule) for rule in rules_of(whole)]


def test_what_normalising_does_anyway_is_idle() -> None:
    found = rule_coverage(program("add 1 to first\nnormalize rows"), [table(TEXT)], True)
    assert [use.verdict for use in found.rules] == ["idle"]


def test_dead_and_idle_rules_are_told_apart() -> None:
    rules = 'add 1 to self\nadd 1 to self when q.text == "xyzzy"\nscale each k by 2\nnormalize rows'
    found = rule_coverage(program(rules), [table(TEXT)], True)
    assert [use.verdict for use in found.rules] == ["used", "dead", "idle"]
    assert found.fired == pytest.approx(2 / 3)
    assert found.iou is None
    assert found.rules[0].iou_lost is None


def test_rules_of_a_lifted_python_program_have_their_lines() -> None:
    source = (
        "import numpy as np\n"
        "def f(sentence, tokenizer):\n"
        "    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)\n"
        "    n = len(tokens)\n"
        "    A = np.zeros((n, n))\n"
        "    for i in range(n):\n"
        "        A[i, 0] += 0.5\n"
        "        if tokens[i] == ',':\n"
        "            A[i, i - 1] += 0.5\n"
        "    return 'f', A\n"
    )
    lifted = program(source, python=True)
    assert lifted.outcome is Outcome.LIFTED
    found = rule_coverage(lifted, [table(TEXT)], True)
    assert [use.rule.line for use in found.rules] == [7, 9]
    assert found.rules[1].rows == pytest.approx(1 / len(surfaces()))


def test_a_program_that_was_not_lifted_has_no_rules() -> None:
    refused = program("add Nothing to first")
    with pytest.raises(DiagnosticError) as raised:
        rules_of(refused)
    assert raised.value.diagnostics[0].code == "E0802"


def test_a_text_on_which_the_program_fails_counts_nowhere() -> None:
    found = rule_coverage(program("add 1 / (q - 2) to first"), [table(TEXT), table("The")], True)
    assert found.texts == 1
    assert [number for number, _ in found.failures] == [0]


def test_a_rule_that_keeps_the_program_from_failing_counts_whole() -> None:
    rules = "add 1 to first\nadd 1 / row.sum to self\nnormalize rows"
    found = rule_coverage(program(rules), [table(TEXT)], True)
    assert found.rules[0].mass == pytest.approx(1.0)


@settings(max_examples=60, deadline=None)
@given(programs(words=False), token_tables(words=False), st.data())
def test_firing_agrees_with_the_interpreter(tree: N.Program, t: object, data: st.DataObject) -> None:
    """For any rule of any program: fired cells are those the interpreter updates, found with its own evaluator."""
    whole = Program(tree.name, Outcome.LIFTED, typed=check(tree), causal=tree.direction == "causal")
    rules = rules_of(whole)
    if not rules:
        return
    rule = data.draw(st.sampled_from(rules))
    host = {"near": lambda tokens, a, b: float(a == b)}
    try:
        expected = _selected(whole, rule.item, t, host)
        found = interpret(firing(whole, rule).typed, t, host)
    except DiagnosticError:
        return
    assert ((found != 0) <= expected).all()
    item = tree.items[rule.item]
    assert isinstance(item, N.Rule)
    if item.action in ("set", "scale", "raise", "cap"):
        assert ((found != 0) == expected).all()


def _selected(whole: Program, item: int, t: object, host: object) -> np.ndarray:
    """The cells that a rule's condition and target select, by the evaluator, on the state before the rule."""
    from dataclasses import replace

    from attndsl.dsl.interpreter import _Run

    assert whole.typed is not None
    before = replace(whole.typed.program, items=whole.typed.program.items[:item])
    run = _Run(check(before), t, host)
    run.matrix()
    rule = whole.typed.program.items[item]
    assert isinstance(rule, N.Rule)
    evaluator = Evaluator(whole.typed, t, host, run.matrices)
    selected = np.zeros((len(t), len(t)), dtype=bool)
    for q in range(len(t)):
        evaluator.query, evaluator.key = q, None
        if rule.when is None or true(evaluator.value(rule.when, {"q": q})):
            selected[q, run.targets(rule, q, evaluator)] = True
    return selected
