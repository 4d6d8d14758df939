"""Claims about mass: checked on finished patterns, found false where they are, and of no effect on what is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from falsify_programs import PASSAGES, byte_level, program, table
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs, token_tables

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.parser import parse_program
from attndsl.dsl.printer import to_text
from attndsl.runtime.falsify.claims import SLACK, ClaimJudge, ClaimKernel, claims_of
from attndsl.runtime.falsify.rules import RuleKernel, rules_of
from attndsl.runtime.falsify.search import Hunt, Limits, hunt
from attndsl.runtime.falsify.shrink import shrink
from attndsl.runtime.falsify.texts import TextMaker, passages, words_of_rule

BODY = "add 0.7 to q - 1\nadd 0.3 to last(k before q where k.is_punct)\nnormalize rows"


def tried(claim: str, body: str = BODY, tries: int = 1500) -> tuple[Hunt, str | None]:
    """The search against one claim, and the shrunk text on which it is false."""
    one = program(f"claim mass {claim}\n{body}")
    assert one.typed is not None
    kernel = RuleKernel(one, True)
    judge = ClaimJudge(kernel, ClaimKernel(one, *claims_of(one)), None, byte_level(), 2, 48)
    maker = TextMaker(passages(PASSAGES, 24), [words_of_rule(one.typed, r) for r in rules_of(one)], 32, 0)
    state = hunt(judge, maker, Limits(1 - SLACK, tries, 1000.0))
    if not state.found:
        return state, None
    return state, shrink(judge, state.breaking[0], state.threshold, maker.simple).trial.text


@pytest.mark.parametrize(
    "claim",
    [
        "at least 0.7 on q - 1 when q > 0",
        "at most 0.3 on each k before q - 1",
        "at least 1 on first when q == first",
        "at most 0 on self when q > 0",
        "at least 1 on each k",
        "at most 0 on each k before last(t before q where t.is_punct) when q > 1 and (q - 1).is_punct",
    ],
)
def test_true_claims_are_not_refuted(claim: str) -> None:
    assert tried(claim, tries=300)[1] is None


@pytest.mark.parametrize(
    ("claim", "part"),
    [
        ("at least 0.71 on q - 1 when q > 1", ","),
        ("at least 0.7 on q - 1", ""),
        ("at most 0.2 on each k where k.is_punct", ","),
        ("at least 0.5 on last(k before q where k.text == q.text) when any(k before q where k.text == q.text)", ""),
    ],
)
def test_false_claims_are_refuted(claim: str, part: str) -> None:
    _, text = tried(claim)
    assert text is not None
    assert not part or any(c in text for c in ",.:")


def test_gaps_are_what_a_row_misses() -> None:
    one = program(f"claim mass at least 0.9 on q - 1 when q > 1\n{BODY}")
    (claim,) = claims_of(one)
    t = table("The fox, it ran")
    pattern = one.predict(t.text, byte_level())
    gaps = ClaimKernel(one, claim).gaps(t, pattern)
    assert (gaps[:2] == -np.inf).all()
    assert gaps[2:] == pytest.approx([0.9 - pattern[q, q - 1] for q in range(2, len(t))], abs=1e-6)


def test_free_words_are_no_claim_that_can_be_checked() -> None:
    assert claims_of(program(f'claim "looks back"\n{BODY}')) == ()


def test_a_claim_does_not_make_the_program_read_words() -> None:
    one = program('claim mass at most 1 on first when q.pos == "NOUN"\nadd 1 to first')
    assert one.reads == ()
    shared = 'let Noun(t) = t.pos == "NOUN"\nclaim mass at most 1 on first when Noun(q)\nadd 1 to first when Noun(q)'
    assert program(shared).reads == ("word.pos",)


def test_a_claim_does_not_change_the_address() -> None:
    from attndsl.synth.identity import address_of

    assert address_of(program(BODY)) == address_of(program(f"claim mass at most 1 on first\n{BODY}"))


@settings(max_examples=60, deadline=None)
@given(
    programs(),
    token_tables(),
    st.sampled_from(("mass_at_least", "mass_at_most", "unchanged_by_changing", "unchanged_by_renaming")),
)
def test_claims_change_nothing_and_print_as_they_are(tree: N.Program, t: object, kind: str) -> None:
    claim = N.CheckedClaim(kind, 0.25, N.Each(N.Binder("k", where=N.Feature(N.Var("k"), "is_punct"))))
    wordy = replace(tree, items=(claim, *tree.items, claim))
    assert parse_program(to_text(wordy)) == wordy
    host = {"near": lambda tokens, a, b: float(a == b)}
    outcomes = []
    for one in (tree, wordy):
        try:
            outcomes.append(interpret(check(one), t, host).tolist())
        except DiagnosticError as error:
            outcomes.append([[hash(error.diagnostics[0].headline)]])
    np.testing.assert_equal(outcomes[0], outcomes[1])
