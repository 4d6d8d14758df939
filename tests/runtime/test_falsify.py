"""Counterexamples: found, shrunk to what cannot be shorter, with the right rule blamed; the same for one seed."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from falsify_programs import PASSAGES, as_head, byte_level, program, table
from hypothesis import given, settings
from hypothesis import strategies as st

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.falsify.blame import blame
from attndsl.runtime.falsify.judge import Judge
from attndsl.runtime.falsify.report import counterexample, worst_rows
from attndsl.runtime.falsify.rules import RuleKernel, rules_of
from attndsl.runtime.falsify.search import Hunt, Limits, hunt, usual_threshold
from attndsl.runtime.falsify.shrink import Shrunk, shrink
from attndsl.runtime.falsify.texts import TextMaker, passages, pieces_of, text_of, words_of_rule
from attndsl.runtime.program import Program
from attndsl.runtime.scoring import iou

DIFFERENT = 0.999


def judge_of(wrong: Program, right: Program, least: int = 2) -> Judge:
    return Judge(RuleKernel(wrong, True), as_head(right), byte_level(), least, 48)


def maker_of(wrong: Program, seed: int = 0) -> TextMaker:
    assert wrong.typed is not None
    words = [words_of_rule(wrong.typed, rule) for rule in rules_of(wrong)]
    return TextMaker(passages(PASSAGES, 24), words, 32, seed)


def search(wrong: Program, right: Program, seed: int = 0, tries: int = 3000) -> tuple[Hunt, Shrunk | None, Judge]:
    judge, maker = judge_of(wrong, right), maker_of(wrong, seed)
    state = hunt(judge, maker, Limits(DIFFERENT, tries, 1000.0))
    if not state.found:
        return state, None, judge
    return state, shrink(judge, state.breaking[0], DIFFERENT, maker.simple), judge


# The right program, the wrong one, and the number of the rule in which they differ.
PAIRS = {
    "place": ("add 1 to q - 2", "add 1 to q - 1", 0),
    "condition": (
        "add 0.5 to first\nadd 0.5 to self when q.is_punct\nadd 0.3 to q - 1",
        "add 0.5 to first\nadd 0.5 to self when q.is_capitalized\nadd 0.3 to q - 1",
        1,
    ),
    "a word that the corpus has not": (
        'add 0.5 to first\nadd 0.5 to last(k where k.text == "%")',
        'add 0.5 to first\nadd 0.5 to last(k where k.text == "&")',
        1,
    ),
    "needs a copy": (
        "add 0.6 to first\nadd 0.4 to last(k before q where k.text == q.text)",
        "add 0.6 to first\nadd 0.4 to first(k before q where k.text == q.text)",
        1,
    ),
    "left out": (
        "add 0.6 to first\nadd 0.4 to self",
        "add 0.6 to first\nadd 0.4 to self\nadd 0.3 to q - 1 when q.is_punct",
        2,
    ),
    "bound": (
        "add 0.6 to first\nshare 0.4 over each k from q - 3 upto q",
        "add 0.6 to first\nshare 0.4 over each k from q - 2 upto q",
        1,
    ),
}


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_difference_is_found_shrunk_and_blamed(name: str) -> None:
    right, wrong, culprit = PAIRS[name]
    one, other = program(f"{wrong}\nnormalize rows"), program(f"{right}\nnormalize rows")
    state, shrunk, judge = search(one, other)
    assert shrunk is not None, f"nothing found in {state.tried} texts"
    assert shrunk.finished
    found = counterexample(judge, state, state.breaking[0], shrunk, True)
    again = iou(one.predict(found.trial.text, byte_level()), other.predict(found.trial.text, byte_level()))
    assert found.trial.iou == pytest.approx(again, abs=1e-6)
    assert found.trial.iou < DIFFERENT
    assert found.suspects[0].rule.number == culprit
    assert found.rows


@pytest.mark.parametrize("name", sorted(PAIRS))
def test_a_shrunk_text_cannot_lose_a_word(name: str) -> None:
    right, wrong, _ = PAIRS[name]
    one, other = program(f"{wrong}\nnormalize rows"), program(f"{right}\nnormalize rows")
    _, shrunk, judge = search(one, other)
    assert shrunk is not None
    pieces = shrunk.trial.pieces
    shorter = [pieces[:at] + pieces[at + 1 :] for at in range(len(pieces))]
    assert all(trial.iou >= DIFFERENT for trial in judge([text for text in shorter if text]))


def test_equal_programs_give_no_counterexample() -> None:
    one = program("add 1 to q - 1\nnormalize rows")
    state, shrunk, judge = search(one, program("add 3 to q - 1\nnormalize rows"), tries=200)
    assert shrunk is None
    assert not state.found
    assert 200 <= judge.tried < 240
    assert state.best is not None
    assert state.best.iou == pytest.approx(1.0)


def test_the_same_seed_finds_the_same_and_another_does_not() -> None:
    right, wrong, _ = PAIRS["a word that the corpus has not"]
    one, other = program(f"{wrong}\nnormalize rows"), program(f"{right}\nnormalize rows")
    runs = []
    for seed in (3, 3, 4):
        judge = judge_of(one, other)
        tried: list[str] = []
        head = judge.head
        judge.head = lambda tables, tried=tried, head=head: (tried.extend(t.text for t in tables), head(tables))[1]
        hunt(judge, maker_of(one, seed), Limits(0.0, 300, 1000.0))
        runs.append(tried)
    assert len(runs[0]) >= 300
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_a_program_that_fails_on_a_text_is_broken_by_it() -> None:
    fails = program('add 1 / (1 - count(t where t.text == ",")) to first\nadd 1 to self\nnormalize rows')
    right = program("add 1 to first\nadd 1 to self\nnormalize rows")
    _, shrunk, _ = search(fails, right)
    assert shrunk is not None
    assert shrunk.trial.error is not None
    assert "," in shrunk.trial.text
    assert shrunk.trial.error.diagnostics[0].code == "E0401"


def test_ctrl_c_keeps_the_best_so_far() -> None:
    right, wrong, _ = PAIRS["needs a copy"]
    one, other = program(f"{wrong}\nnormalize rows"), program(f"{right}\nnormalize rows")
    judge, maker = judge_of(one, other), maker_of(one)
    head, calls = judge.head, 0

    def stopped(tables: Sequence[TokenTable]) -> list[np.ndarray]:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return head(tables)

    judge.head = stopped
    state = hunt(judge, maker, Limits(0.0, 10_000, 1000.0))
    assert state.stopped
    assert state.best is not None
    assert state.tried == judge.tried > 0


def test_a_stopped_shrink_says_that_it_is_not_finished() -> None:
    right, wrong, _ = PAIRS["place"]
    one, other = program(f"{wrong}\nnormalize rows"), program(f"{right}\nnormalize rows")
    judge = judge_of(one, other)
    (trial,) = judge([pieces_of(PASSAGES[0])])
    assert not shrink(judge, trial, DIFFERENT, (" the",), texts=1).finished


def test_texts_keep_to_the_length_that_was_asked() -> None:
    judge = judge_of(program("add 1 to q - 1"), program("add 1 to self"), least=6)
    state = hunt(judge, maker_of(judge.kernel.program), Limits(0.9, 500, 1000.0))
    shrunk = shrink(judge, state.breaking[0], 0.9, (" the",))
    assert shrunk.trial.tokens >= 6


def test_the_usual_threshold_is_well_below_the_mean() -> None:
    assert usual_threshold([0.8, 0.8, 0.8]) == pytest.approx(0.75)
    assert usual_threshold([0.7, 0.9]) == pytest.approx(0.8 - 3 * np.std([0.7, 0.9], ddof=1))
    with pytest.raises(DiagnosticError) as caught:  # nothing is below 0: no text could be a counterexample
        usual_threshold([0.1, 0.5])
    assert caught.value.diagnostics[0].code == "E0851"


# ---------------------------------------------------------------- texts


def test_pieces_are_the_text() -> None:
    for text in [*PASSAGES, '"Come home," said she.\nIt\'s late… 12,5 (no).']:
        assert text_of(pieces_of(text)) == text


def test_passages_are_sentences_and_pairs_of_them() -> None:
    found = [text_of(p) for p in passages(['"Come home," she said. "How?" He went.'], 99)]
    assert found == ['"Come home," she said.', '"Come home," she said. "How?"']
    assert [text_of(p) for p in passages(["Come! He went."], 99)] == ["Come!", "He went.", "Come! He went."]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(PASSAGES))
def test_mutations_give_texts(seed: int, passage: str) -> None:
    """Every mutation, from any text: some text again, never more than the most pieces, and repeatable."""
    one = program('add 1 to last(k where k.text in {";", "Ġfox"}) when q.in_quotes')
    maker, again = maker_of(one, seed), maker_of(one, seed)
    pieces = pieces_of(passage)
    for _ in range(12):
        changed = maker.mutate(pieces)
        assert changed == again.mutate(pieces)
        assert 0 < len(changed) <= maker.most
        pieces = changed
    assert 0 < len(maker.about(0)) <= maker.most


def test_texts_about_a_rule_have_its_words_once_often_and_never() -> None:
    one = program('add 1 to last(k where k.text == "zebra")')
    maker = maker_of(one)
    counts = {text_of(maker.about(0)).count("zebra") for _ in range(200)}
    assert {0, 1, 2} <= counts


def test_words_of_definitions_count_as_the_rules() -> None:
    one = program('let Stop = {".", "Ġoh"}\nadd 1 to last(k where k.raw in Stop)\nadd 1 to first')
    assert one.typed is not None
    assert [words_of_rule(one.typed, rule) for rule in rules_of(one)] == [(".", " oh"), ()]


def test_labels_are_no_words_of_texts() -> None:
    """``t.pos == "NOUN"`` asks for a noun, not for the word NOUN, also through a definition."""
    one = program(
        'let Open = {"NOUN", "VERB"}\nadd 1 to last(t before q where t.pos in Open)\n'
        'add 1 to last(t before q where t.dep == "nsubj" or t.text == "oak")\nadd 1 to last(t where t.text == "NOUN")'
    )
    assert one.typed is not None
    nouns, oak, word = (words_of_rule(one.typed, rule) for rule in rules_of(one))
    assert (oak, word) == ((" oak",), (" NOUN",))
    assert " river" in nouns
    assert " ran" in nouns
    assert " NOUN" not in nouns


# ---------------------------------------------------------------- blame


def test_blame_names_the_change_that_mends_all() -> None:
    right = program("add 0.7 to q - 2\nadd 0.3 to first\nnormalize rows")
    wrong = program("add 0.7 to q - 1\nadd 0.3 to first\nnormalize rows")
    tables = [table(text) for text in PASSAGES]
    texts = list(zip(tables, as_head(right)(tables), strict=True))
    first, *_ = blame(wrong, texts, [], True)
    assert first.rule.number == 0
    assert first.share == pytest.approx(1.0, abs=1e-4)
    assert first.change == "add 0.7 to q - 2"


def test_what_a_change_spoils_elsewhere_counts_against_it() -> None:
    right = program('add 0.7 to q - 1\nadd 0.3 to first when q.text != ","\nnormalize rows')
    wrong = program("add 0.7 to q - 1\nadd 0.3 to first\nnormalize rows")
    with_comma, without = table("The fox, it ran"), table("The fox ran home again")
    failing = [(with_comma, as_head(right)([with_comma])[0])]
    passing = [(without, as_head(right)([without])[0])]
    alone = {s.rule.number: s for s in blame(wrong, failing, [], True)}
    kept = {s.rule.number: s for s in blame(wrong, failing, passing, True)}
    assert kept[1].share <= alone[1].share + 1e-9
    assert all(suspect.share <= 1 + 1e-6 for suspect in kept.values())


def test_worst_rows_are_those_that_differ() -> None:
    one = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]], dtype=np.float32)
    other = np.array([[1, 0, 0], [0.4, 0.6, 0], [1, 0, 0]], dtype=np.float32)
    rows = worst_rows(one, other)
    assert [row.query for row in rows] == [2, 1]
    assert rows[0].apart == pytest.approx(1.0)
    assert rows[0].program == ((2, 1.0),)
    assert rows[0].head == ((0, 1.0),)


def test_every_edit_is_a_program_or_refused_with_a_code() -> None:
    from dataclasses import replace

    from attndsl.runtime.falsify.edits import edits_of
    from attndsl.runtime.library import builtin_library

    random = Random(0)
    chosen = random.sample(list(builtin_library().values()), 20)
    for one in chosen:
        assert one.typed is not None
        for rule in rules_of(one):
            items = one.typed.program.items
            for edit in edits_of(items[rule.item], one.typed, ("the", ".")):
                new = () if edit.rule is None else (edit.rule,)
                changed = replace(one.typed.program, items=(*items[: rule.item], *new, *items[rule.item + 1 :]))
                try:
                    check(changed)
                except DiagnosticError as error:
                    assert all(d.code for d in error.diagnostics)
