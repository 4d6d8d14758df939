"""Equal is proved, different is shown, unknown is said; and no proof is wrong on random programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from falsify_programs import PASSAGES, byte_level, program
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import programs, token_tables

from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.interpreter import interpret
from attndsl.runtime.equivalence import compare as comparing
from attndsl.runtime.equivalence import prove as proving
from attndsl.runtime.equivalence.classes import Letter, letters, readable, rows_of
from attndsl.runtime.equivalence.compare import Comparison, Effort, compare
from attndsl.runtime.equivalence.differences import Differ
from attndsl.runtime.equivalence.duplicates import all_ious, duplicates
from attndsl.runtime.equivalence.exhaustive import enumerate_texts
from attndsl.runtime.equivalence.pair import Pair, difference, normalised
from attndsl.runtime.equivalence.prove import prove
from attndsl.runtime.minimise.steps import steps
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.scoring import iou
from attndsl.runtime.tokenize import token_table, token_table_of_ids

QUICK = Effort(texts=300, rows=800, tokens=6)


def pair(first: str, second: str, direction: str = "causal") -> Pair:
    both = [program(rules, direction=direction, name=name) for rules, name in ((first, "a"), (second, "b"))]
    return Pair(both[0], both[1], direction == "causal")


def compared(first: str, second: str, effort: Effort = QUICK, direction: str = "causal") -> Comparison:
    two = pair(first, second, direction)
    return compare(two.first, two.second, two.causal, byte_level(), PASSAGES, effort)


EQUAL = {
    "order of rules": ("add 0.4 to first\nadd 0.3 to q - 1", "add 0.3 to q - 1\nadd 0.4 to first"),
    "weights added": ("add 0.1 to first\nadd 0.2 to first", "add 0.3 to first"),
    "De Morgan": (
        'add 1 to each k where not (k.is_punct or k.text == "a")',
        'add 1 to each k where not k.is_punct and k.text != "a"',
    ),
    "a set and its members": (
        'add 1 to last(k before q where k.text in {"a", "b"})\nadd 0.5 to first\nnormalize rows',
        'add 0.5 to first\nadd 1 to last(t before q where t.text == "b" or t.text == "a")\nnormalize rows',
    ),
    "bounds of whole numbers": ("add 1 to each k where q - k <= 5", "add 1 to each k from q - 5"),
    "a share in two parts": (
        "share 0.4 over each k from q - 4 before q by 1 / (q - k)\nnormalize rows",
        "share 0.1 over each k from q - 4 before q by 1 / (q - k)\n"
        "share 0.3 over each k from q - 4 before q by 1 / (q - k)\nnormalize rows",
    ),
    "any and count": (
        "add 1 to self when any(t where t.is_punct)",
        "add 1 to self when count(t where t.is_punct) > 0",
    ),
    "lengths of texts": ("add 1 to each k where len(k.text) > 3", "add 1 to each k where len(k.text) >= 4"),
    "softmax": ("add 1 to each k\nsoftmax rows", "add 0.5 to each k\nadd 0.5 to each k\nsoftmax rows"),
    "a definition": (
        "add 1 to each k where q - k < 3",
        "let Near(s, t) = s - t < 3\nadd 1 to each k where Near(q, k)",
    ),
}


@pytest.mark.parametrize("name", EQUAL)
def test_equal_programs_are_proved_equal_for_all_texts(name: str) -> None:
    found = compared(*EQUAL[name])
    assert (found.raw.answer, found.raw.tokens, found.pattern.answer) == ("equal", None, "equal")


DIFFERENT = {
    "a bound": ("add 1 to each k where q - k <= 5", "add 1 to each k where q - k < 5", 6),
    "one late query": ("add 1 to self when q >= 21", "add 1 to self when q > 21", 22),
    "a rare word": ('add 1 to self when q.text == "%"', 'add 1 to self when q.text == "&"', 1),
    "one per cent": ("add 0.4 to first\nadd 0.1 to self", "add 0.404 to first\nadd 0.1 to self", 1),
    "order of rules": ("add 1 to first\nset 2 to self", "set 2 to self\nadd 1 to first", 1),
    "an error": ("add 1 / (q - 3) to first", "add ratio(1, q - 3) to first", 4),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_different_programs_are_shown_to_differ_on_the_shortest_text(name: str) -> None:
    first, second, tokens = DIFFERENT[name]
    found = compared(first, second, Effort(texts=1500))
    assert found.raw.answer == "different"
    witness = found.raw.witness
    assert witness is not None
    two = pair(first, second)
    table = token_table(witness.text, byte_level())
    assert two.proved_different(table, "raw") == witness.cell
    assert witness.minimal
    assert tokens <= len(witness.tokens) <= tokens + 6  # no word can be left out; a word may be several tokens


NEVER_EQUAL = {
    "what cancels in real numbers only": (
        "add 0.3 to first\nadd 0 - 0.1 to first\nadd 0 - 0.2 to first\nnormalize rows else self",
        "normalize rows else self",
    ),
    "a comparison where the last digit matters": (
        "add 0.1 to first\nadd 0.2 to first\nset 1 to self when row.sum == 0.3",
        "add 0.3 to first\nset 1 to self when row.sum == 0.3",
    ),
    "infinities": ("add ratio(1, q) - ratio(1, q) to first", "add 0 to first"),
    "none": ('add 1 to each k where not k.text[3] == "x"', 'add 1 to each k where k.text[3] in {"y"}'),
}


@pytest.mark.parametrize("name", NEVER_EQUAL)
def test_what_differs_in_floats_is_not_proved_equal(name: str) -> None:
    assert not prove(pair(*NEVER_EQUAL[name])).equal


def test_patterns_may_be_equal_where_matrices_are_not() -> None:
    for first, second in (
        ("add 0.5 to first\nadd 0.5 to q - 1", "add 1 to first\nadd 1 to q - 1"),
        ("add 0.5 to first\nadd 0.25 to self\nnormalize rows", "add 0.5 to first\nadd 0.25 to self"),
    ):
        found = compared(first, second)
        assert (found.raw.answer, found.pattern.answer, found.pattern.tokens) == ("different", "equal", None)


def test_a_last_normalize_matters_where_weights_may_be_negative() -> None:
    found = compared("add 0 - 0.5 to first\nadd 0.25 to self\nnormalize rows", "add 0 - 0.5 to first\nadd 0.25 to self")
    assert found.pattern.answer == "different"


def test_the_written_out_last_step_is_the_real_one() -> None:
    one = program("add 0.5 - 0.2 * q to first\nadd 0.25 to self\nadd 1 to q - 2 when q.is_punct")
    table = token_table(PASSAGES[0], byte_level())
    expected = one.predict(PASSAGES[0], byte_level())
    assert np.allclose(normalised(one, True).matrix(table), expected, atol=1e-6)


def test_one_program_is_part_of_another() -> None:
    found = compared("add 0.4 to first", "add 0.4 to first\nadd 0.2 to self when q.is_punct")
    assert found.first_in_second.cells is True
    assert found.first_in_second.rules is True
    assert (found.second_in_first.cells, found.second_in_first.rules) == (False, False)
    unlike = compared("add 0.4 to first", "add 0.2 to first\nadd 0.2 to self")
    assert unlike.first_in_second.cells is False
    assert unlike.second_in_first.cells is False


def test_without_z3_short_texts_are_run_one_and_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "z3_is_installed", lambda: False)
    monkeypatch.setattr(comparing, "z3_is_installed", lambda: False)
    either = 'add 1 to self when q.text == "fox" or q.text == "the"'
    found = compared('add 1 to self when q.text in {"the", "fox"}', either)
    assert (found.raw.answer, found.raw.tokens) == ("equal", 6)
    assert not found.prover
    assert found.enumerated is not None
    assert found.enumerated.letters == 3  # the, fox, and all the rest


def test_nothing_known_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "z3_is_installed", lambda: False)
    found = compared("add overlap(q.text, k.text) to each k\nadd 0 to first", "add overlap(k.text, q.text) to each k")
    assert found.raw.answer == "unknown"
    assert found.enumerated is not None
    assert found.enumerated.why == "the programs compare two texts by overlap"


def test_a_refused_program_is_not_compared() -> None:
    refused = Program("r", Outcome.REFUSED)
    with pytest.raises(DiagnosticError, match="E0802"):
        compare(refused, refused, True, byte_level(), PASSAGES)


# ---------------------------------------------------------------- proofs against the definition


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_proof_is_wrong(data: st.DataObject) -> None:
    """What is proved of a random program and a smaller one near it holds on random texts, by the interpreter."""
    typed = check(data.draw(programs()))
    near = list(steps(typed.program.items))
    if not near:
        return
    step = data.draw(st.sampled_from(near))
    try:
        other = check(replace(typed.program, items=step.items))
    except DiagnosticError:
        return
    host = {"similarity": lambda tokens, a, b: float((3 * a + b) % 4) / 4}
    two = Pair(
        *(Program("p", Outcome.LIFTED, typed=t, causal=t.causal, host=host) for t in (typed, other)), typed.causal
    )
    known = prove(two, order=True)
    for _ in range(4):
        table = data.draw(token_tables())
        first, second = (_outcome(t, table, host) for t in (typed, other))
        if known.equal:
            assert difference(first, second, "raw", typed.causal) is None
        elif not isinstance(first, DiagnosticError) and not isinstance(second, DiagnosticError):
            gap = (first - second) / np.maximum(1.0, np.maximum(abs(first), abs(second)))
            assert not (known.below and (gap > 1e-6).any())
            assert not (known.above and (gap < -1e-6).any())


def _outcome(typed: Any, table: Any, host: Any) -> Any:
    try:
        return interpret(typed, table, host)
    except DiagnosticError as error:
        return error


# ---------------------------------------------------------------- every short text


def matrices(rules: str, rows: Sequence[tuple[int, ...]]) -> set[bytes]:
    one = program(rules)
    return {one.matrix(token_table_of_ids(row, byte_level(), None)).round(9).tobytes() for row in rows}


@pytest.mark.parametrize(
    "rules",
    [
        'add 1 to self when q.text == "the"\nadd len(q.text) to first',
        "add 1 to each k before q where k.text.lower() == q.text.lower()\nadd 1 to self when q.is_capitalized",
        "add q.sentence + 1 to first\nadd 1 to self when q.word_start",
    ],
)
def test_representatives_give_every_matrix_that_all_tokens_give(rules: str) -> None:
    entries = readable(byte_level())
    (compiled,) = [program(rules).ir]
    alphabet = letters([compiled], entries, 2)
    assert len(alphabet) < len(entries.ids)
    everything = list(product(entries.ids, repeat=2))
    if len(everything) > 40_000:  # pragma: no cover - the vocabulary of the tests is small
        pytest.fail("too many pairs of tokens to try all")
    assert matrices(rules, everything) == matrices(rules, list(rows_of(alphabet, 2)))


def test_an_error_on_a_short_text_is_not_hidden_by_another_on_longer_ones() -> None:
    """Both fail on every text of four tokens; one of them fails on two tokens already."""
    two = pair("add q % k to each k before q - 2", "add q % k to each k before q")
    found = enumerate_texts(Differ(two, byte_level()), 600, 4)
    assert found.tokens == {"raw": 0, "pattern": 0}


def test_groups_of_one_kind_come_in_their_order() -> None:
    alphabet = [Letter(1, 0, 0), Letter(2, 0, 1), Letter(3, 1, 0)]
    assert sorted(rows_of(alphabet, 2)) == [(1, 1), (1, 2), (1, 3), (3, 1), (3, 3)]


# ---------------------------------------------------------------- libraries


def test_duplicates_of_a_library() -> None:
    rules = {
        "a": "add 1 to q - 1\nadd 0.5 to first",
        "b": "add 0.5 to first\nadd 1 to q - 1",
        "c": "add 1 to q - 1\nadd 0.52 to first",
        "d": "add 1 to self",
    }
    library = [program(text, name=name) for name, text in rules.items()]
    tables = [token_table(text, byte_level()) for text in PASSAGES]
    found = duplicates(library, True, tables, byte_level(), PASSAGES, 0.9, 10)
    assert [(near.first, near.second) for near in found.near] == [("a", "b"), ("a", "c"), ("b", "c")]
    exact = found.near[0].comparison
    assert exact is not None
    assert exact.raw.answer == "equal"
    assert found.near[1].comparison is None


def test_all_ious_are_those_of_two() -> None:
    rng = np.random.default_rng(0)
    patterns = np.tril(rng.random((5, 6, 6))).astype(np.float32)
    patterns[4] = 0
    found = all_ious(patterns)
    for i, j in product(range(4), repeat=2):
        assert found[i, j] == pytest.approx(float(iou(patterns[i], patterns[j])), abs=1e-6)
    assert found[4, 4] == 1
