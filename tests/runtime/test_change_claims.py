"""Claims about a change of the text: what is compared, and planted ones, true and false, of programs and of heads."""

from __future__ import annotations

import numpy as np
import pytest
from falsify_programs import PASSAGES, as_head, byte_level, program, table

from attndsl.runtime.falsify.changes import ChangeJudge, compared_rows, is_renaming, moved
from attndsl.runtime.falsify.claims import SLACK, ClaimKernel, claims_of
from attndsl.runtime.falsify.judge import Head, Trial
from attndsl.runtime.falsify.proposals import Proposals
from attndsl.runtime.falsify.rules import RuleKernel, rules_of
from attndsl.runtime.falsify.search import Limits, hunt
from attndsl.runtime.falsify.shrink import shrink
from attndsl.runtime.falsify.texts import Changed, TextMaker, passages, words_of, words_of_rule

STOP = 'last(s before q where s.text == ".")'
BEFORE_STOP = f"by changing each t before {STOP}"
NAMES = 'by renaming each t where t.text in {"fox", "mother", "river", "night"}'
TEXTS = [*PASSAGES, "It was day. The fox ran. It sang.", "The fox ran. Then the fox sang to the river. It was cold."]


def kernel_of(claim: str, body: str = "add 1 to q - 1", direction: str = "causal") -> ClaimKernel:
    one = program(f"claim unchanged within {claim}\n{body}", direction=direction)
    return ClaimKernel(one, *claims_of(one))


def tried(
    claim: str, body: str, *, head: Head | None = None, direction: str = "causal", tries: int = 1500
) -> Trial | None:
    """The shrunk pair on which a claim is false, or None."""
    one = program(f"claim unchanged within {claim}\n{body}", direction=direction)
    assert one.typed is not None
    (said,) = claims_of(one)
    words = words_of(one.typed, said)
    maker = TextMaker(passages(TEXTS, 24), [*(words_of_rule(one.typed, r) for r in rules_of(one)), words], 32, 0)
    judge = ChangeJudge(
        RuleKernel(one, direction == "causal"), ClaimKernel(one, said), head, byte_level(), 2, 96,
        Proposals(said, maker, words, byte_level()),
    )  # fmt: skip
    state = hunt(judge, maker, Limits(1 - SLACK, tries, 1000.0))
    if not state.found:
        assert any(trial.changed for trial in state.sample), "no change was ever judged"
        return None
    return shrink(judge, min(state.breaking, key=lambda trial: trial.iou), state.threshold, maker.simple).trial


# ---------------------------------------------------------------- what is compared


def rows(claim: str, before: str, after: str, direction: str = "causal") -> list[str]:
    """The tokens of the first text whose rows are compared, each with its place. Every word is one token, the first
    excepted, which is always the same."""
    one, a, b = kernel_of(claim, direction=direction), table(f"The {before}"), table(f"The {after}")
    return [f"{q} {a.surface[q]}" for q in np.flatnonzero(compared_rows(one, a, b))]


def test_rows_after_the_stop_are_compared_when_text_before_it_changes() -> None:
    assert table("The fox is. the river").surface == ("The", "fox", "is", ".", "the", "river")
    assert rows(f"0 {BEFORE_STOP}", "fox is. the river", "mother is. the river") == ["4 the", "5 river"]
    assert rows(f"0 {BEFORE_STOP}", "fox is. the river", "mother to. the river") == ["4 the", "5 river"]
    assert rows(f"0 {BEFORE_STOP}", "fox is. the. is", "fox is. mother. is") == ["6 is"]


def test_a_row_is_not_compared_when_something_else_changed_too() -> None:
    assert rows(f"0 {BEFORE_STOP}", "fox is. the river", "mother is. the fox") == []
    assert rows(f"0 {BEFORE_STOP}", "fox is. the river", "fox is. the fox") == []
    assert rows(f"0 {BEFORE_STOP}", "fox is. the river", "fox is, the river") == []  # the stop itself


def test_texts_of_other_numbers_of_tokens_are_not_compared() -> None:
    assert rows(f"0 {BEFORE_STOP}", "fox is. the river", "fox is to. the river") == []
    assert rows(f"0 {NAMES}", "fox is", "fox and is") == []


def test_the_condition_must_hold_in_both_texts() -> None:
    assert rows("0 by changing q - 1 when q > 2", "fox the river is", "fox the mother is") == ["4 is"]
    claim = '0 by changing each t before q when any(t before q where t.text == "fox")'
    assert rows(claim, "fox the river is", "fox the mother is") == ["4 is"]
    assert rows(claim, "fox the river is", "mother the river is") == []


def test_a_renaming_changes_all_copies_into_a_new_word() -> None:
    assert rows(f"0 {NAMES}", "fox the fox", "river the river") == ["1 fox", "2 the", "3 fox"]
    assert rows(f"0 {NAMES}", "fox the fox", "river the fox") == []  # one copy stayed
    assert rows(f"0 {NAMES}", "fox the river", "river the river") == []  # the new word was there
    assert rows(f"0 {NAMES}", "fox the fox", "is the is") == []  # not of the target
    assert rows(f"0 {NAMES}", "the fox is", "the river is") == ["2 fox", "3 is"]  # earlier rows see no copy
    assert rows(f"0 {NAMES}", "the fox is", "the river is", "bidirectional") == ["0 The", "1 the", "2 fox", "3 is"]


@pytest.mark.parametrize(
    ("before", "after", "so"),
    [
        ("Ann saw Ann's cat", "Tom saw Tom's cat", True),
        ("Ann saw Bob", "Tom saw Tim", False),
        ("Ann saw Bob", "Bob saw Bob", False),
        ("Ann saw bob", "Bob saw bob", False),
        ("Ann, Ann", "Tom. Tom", False),
        ("Ann", "Ann", False),
        ("Annie saw Ann", "Annie saw Tom", True),
    ],
)
def test_renaming(before: str, after: str, so: bool) -> None:
    assert is_renaming(before, after) is so


def test_moved_is_half_the_sum_of_absolute_differences() -> None:
    a = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]], dtype=np.float32)
    b = np.array([[1, 0, 0], [0, 1, 0], [0.3, 0.3, 0.4]], dtype=np.float32)
    assert moved(a, b) == pytest.approx([0, 0.5, 0.1], abs=1e-6)


# ---------------------------------------------------------------- planted claims

TRUE = [
    (f"0 {BEFORE_STOP}", "add 0.6 to first\nadd 0.4 to q - 1"),  # weight may lie there: what is there does not matter
    (f"0 {BEFORE_STOP}", f'add 1 to {STOP}\nshare 1 over each k after ({STOP} otherwise 0) where k.text == "fox"'),
    (f"0 {NAMES}", "add 0.5 to last(k before q where k.text == q.text)\nadd 0.5 to first"),
    (f"0 {NAMES}", 'add 1 to each k where k.text in {"fox", "mother", "river", "night"}'),
    (f"0.5 {NAMES}", 'add 1 to first\nadd 1 to last(k where k.text == "fox")\nnormalize rows'),
    ("0 by changing first when q > 0", "add 0.5 to first\nadd 0.5 to q - 1"),
]
FALSE = [
    (f"0 {BEFORE_STOP}", 'add 0.9 to first\nadd 0.1 to last(k before q where k.text == "fox")'),
    (f"0.2 {BEFORE_STOP}", "add 0.5 to first\nadd 0.5 to last(k before q where k.text == q.text)"),
    (f"0 {NAMES}", 'add 1 to first\nadd 0.2 to last(k before q where k.text == "fox")'),
    (f"0.3 {NAMES}", 'add 1 to first\nadd 1 to last(k where k.text == "fox")\nnormalize rows'),
    ("0 by changing first when q > 0", 'add 0.5 to first when first.text == "The"\nadd 0.5 to q - 1'),
]


@pytest.mark.parametrize(("claim", "body"), TRUE)
def test_true_claims_are_not_refuted(claim: str, body: str) -> None:
    assert tried(claim, body, tries=200) is None


@pytest.mark.parametrize(("claim", "body"), FALSE)
def test_false_claims_are_refuted(claim: str, body: str) -> None:
    trial = tried(claim, body)
    assert trial is not None
    assert trial.changed is not None
    kernel = kernel_of(claim, body)
    one = program(body)
    before, after = (one.predict(text, byte_level()) for text in (trial.text, trial.changed))
    compared = compared_rows(kernel, table(trial.text), table(trial.changed))
    assert moved(before, after)[compared].max() > kernel.claim.bound + SLACK
    assert len(trial.pieces) <= 8
    assert sum(isinstance(piece, Changed) for piece in trial.pieces) <= 2


@pytest.mark.parametrize(("claim", "body"), FALSE)
def test_claims_of_a_head_are_about_the_head(claim: str, body: str) -> None:
    """The program that carries the claim keeps it, and the head does not."""
    keeps = "add 1 to first"
    assert tried(claim, keeps, tries=200) is None
    assert tried(claim, keeps, head=as_head(program(body))) is not None
    assert tried(claim, body, head=as_head(program(keeps)), tries=200) is None


def test_a_bidirectional_head_is_compared_before_the_copy_too() -> None:
    body = 'add 1 to self\nadd 0.5 to each k where k.text == "fox"\nnormalize rows'
    trial = tried(f"0 {NAMES}", body, direction="bidirectional")
    assert trial is not None


def test_a_program_that_fails_on_the_changed_text_breaks_the_claim() -> None:
    body = """add 1 to first
add 1 / count(t before q where t.text == "fox") to first when any(t before q where t.text in {"fox", "river"})"""
    trial = tried(f"1 {NAMES}", body)
    assert trial is not None
    assert trial.error is not None


def test_a_pair_keeps_its_change_while_it_is_cut_and_moved() -> None:
    piece = Changed(" fox", " cat")
    assert piece != " fox"
    assert piece == Changed(" fox", " cat")
    assert piece != Changed(" fox", " dog")
    assert len({piece, Changed(" fox", " cat"), Changed(" fox", " dog"), " fox"}) == 3
