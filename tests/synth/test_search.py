"""The search without a language model: what it fits, what it finds, what it keeps."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
import pytest
from tables import table

from attndsl.dsl.checker import check
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.parser import parse_library
from attndsl.dsl.source import SourceFile
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import load_text
from attndsl.runtime.rule_fit import gain_of_cells, gain_of_column, score_gradient, softmax_fit, weight_gradient
from attndsl.synth.road import Example, HeadPatterns
from attndsl.synth.search import bending, grow, road
from attndsl.synth.search.facts import facts_of, mine_words
from attndsl.synth.search.fitting import Fit, iou_by_text, pattern_of
from attndsl.synth.search.grow import Effort, Found
from attndsl.synth.search.proposals import MOST_WORDS, RIDGE, best_sets
from attndsl.synth.search.road import Disagreement, SearchSettings, search
from attndsl.synth.search.rule import Rule, cells_of_rule, spans, write_program
from attndsl.synth.search.vocabulary import vocabulary

WORDS = ["The", "the", "dog", "cat", "ran", "sat", "on", "a", "mat", "Tom", "and", "saw", "big", "house"]
PLANTED = """
head "planted" causal
add 3 to first
add 2.5 to each k where k.text in {"the", "a"}
add 2 to q - 1 when q.text in {"dog", "cat"}
softmax rows
"""
QUICK = Effort(tried=12, beam=2, depth=1, narrower=4, final=3, screened=6, swaps=1)


def texts(count: int, seed: int, length: int = 24):
    """Token tables of sentences of words drawn at random."""
    rng = np.random.default_rng(seed)
    tables = []
    for _ in range(count):
        words = [WORDS[i] for i in rng.integers(0, len(WORDS), length)]
        pieces = [word + ("." if i % 7 == 6 else "") for i, word in enumerate(words)]
        tables.append(table(" ".join(pieces)))
    return tables


def examples(tables, program: str, causal: bool = True) -> list[Example]:
    kernel = LibraryKernel(list(load_text(program, "t", python=False, causal=causal).values()), causal, "numpy")
    patterns = [kernel.predict(each).patterns for each in tables]
    return [Example(f"t{i}", each, partial(patterns.__getitem__, i)) for i, each in enumerate(tables)]


def given(causal: bool = True, program: str = PLANTED) -> HeadPatterns:
    found = examples(texts(14, 1), program, causal)
    return HeadPatterns(((0, 0),), causal, found[:10], found[10:])


def quiet(head, score):
    """A watch that keeps nothing."""


@pytest.fixture(scope="module")
def fitted() -> Fit:
    tables = texts(6, 3)
    facts = facts_of(tables, vocabulary(True), mine_words(tables))
    rng = np.random.default_rng(0)
    target = np.concatenate([rng.dirichlet(np.full(size, 0.3)) for size in np.diff(facts.cells.start)])
    fit = Fit.empty(facts, target.astype(np.float32))
    for rule, weight in ((Rule((5,)), 1.0), (Rule((1,)), 0.5), (Rule(slope=0), 0.4), (Rule(key=(1, 2)), -0.7)):
        fit.add(rule, weight)
    return fit


@pytest.mark.parametrize("causal", [True, False])
def test_the_vocabularys_columns_are_what_the_interpreter_says(causal: bool) -> None:
    known = vocabulary(causal)
    each = table(
        'The dog ran. "The dog sat," Tom said.\nThe dog ran [SEP]',
        pieces=[*["The", "dog", "ran", "."], '"', *["The", "dog", "s", "at", ","], '"', *["Tom", "sa", "id", "."], "\n",
                *["The", "dog", "ran", "[SEP]"]],
    )  # fmt: skip
    facts = facts_of([each], known, ("",))
    kind = "causal" if causal else "bidirectional"
    for column, value, test in [
        *((facts.relations[i], "1", test) for i, test in enumerate(known.relations)),
        *((facts.slopes[i], slope.value, slope.where) for i, slope in enumerate(known.slopes)),
        *((facts.bends[i], value, "true") for i, value in enumerate(known.bends)),
    ]:
        (tree,) = parse_library(SourceFile("t", f'head "t" {kind}\nset {value} to each k where {test}'))
        expected = facts.cells.pack(np.array(interpret(check(tree), each)))
        np.testing.assert_allclose(column, expected, atol=1e-6, err_msg=test)
    assert facts.relations.any(axis=1).sum() > len(known.relations) * 0.8  # the text has something of nearly all


def test_the_gradient_is_the_slope_of_the_fit(fitted: Fit) -> None:
    start, target = fitted.facts.cells.start, fitted.target
    gradient, spread = np.empty_like(target), np.empty_like(target)
    score_gradient(fitted.pattern, target, start, gradient, spread)
    found = weight_gradient(fitted.columns, gradient, start)
    for i in range(len(fitted.rules)):
        ends = []
        for step in (-2e-3, 2e-3):
            moved = fitted.weights.copy()
            moved[i] += step
            ends.append(softmax_fit(fitted.columns, moved, target, start, np.empty_like(target)))
        assert found[i] == pytest.approx((ends[1] - ends[0]) / 4e-3, rel=0.02, abs=0.02)


def test_a_gain_is_what_adding_the_rule_brings(fitted: Fit) -> None:
    start, target, weight = fitted.facts.cells.start, fitted.target, 1.5
    rule = Rule((8,), key=(3,), query_tests=(2,))
    cells = cells_of_rule(rule, fitted.facts)
    assert 0 < cells.sum() < len(cells)
    slope, weights = fitted.facts.slopes[1], np.array([weight])
    for column, gain in (
        (cells.astype(np.float32), gain_of_cells(cells, fitted.pattern, target, start, weights)),
        (slope, gain_of_column(slope, fitted.pattern, target, start, weights)),
    ):
        columns = np.vstack([fitted.columns, column])
        after = softmax_fit(
            columns, np.append(fitted.weights, np.float32(weight)), target, start, np.empty_like(target)
        )
        assert gain[0] == pytest.approx(after - fitted.common, abs=2e-3)


def test_refitting_never_lowers_the_fit_and_finds_planted_weights() -> None:
    tables = texts(8, 5)
    facts = facts_of(tables, vocabulary(True), mine_words(tables))
    first, same = Rule((vocabulary(True).relations.index("k == first"),)), Rule(key=(2, 5))
    planted = Fit.empty(facts, np.zeros(int(facts.cells.start[-1]), np.float32))
    planted.add(first, 2.0)
    planted.add(same, -1.2)
    fit = Fit.empty(facts, planted.pattern.copy())
    fit.add(first, 0.1)
    fit.add(same, 0.1)
    before = fit.common
    fit.refit(30, least_gain=0.0)
    assert fit.common >= before
    np.testing.assert_allclose(fit.weights, planted.weights, atol=0.05)


def test_a_set_of_words_is_the_best_prefix_of_the_steps_that_words_ask_for() -> None:
    rng = np.random.default_rng(2)
    rise, variance = rng.normal(0, 5, (3, 9)).astype(np.float32), rng.uniform(0, 20, (3, 9)).astype(np.float32)
    gains, sets = best_sets(rise, variance)
    for row in range(3):
        raised = [word for word in range(1, 9) if rise[row, word] > 0]
        steps = sorted(raised, key=lambda word, row=row: -rise[row, word] / (variance[row, word] + RIDGE))
        worth = [rise[row, s].sum() ** 2 / (variance[row, s].sum() + RIDGE) for s in (steps[:i] for i in range(1, 9))]
        assert gains[row] == pytest.approx(max(worth), rel=1e-5)
        assert sets[row]() == tuple(sorted(steps[: int(np.argmax(worth)) + 1]))


def test_a_set_of_words_stays_readable() -> None:
    gains, sets = best_sets(np.ones((1, 40), np.float32), np.ones((1, 40), np.float32))
    assert len(sets[0]()) == MOST_WORDS
    assert gains[0] > 0


@pytest.mark.parametrize(
    ("causal", "program"),
    [
        (True, PLANTED),
        (False, 'head "p" bidirectional\nadd 3 to q + 1\nadd 2 to each k where k.text in {"the", "a"}\nsoftmax rows\n'),
    ],
)
def test_a_planted_program_is_found(causal: bool, program: str) -> None:
    candidates = list(search(given(causal, program), SearchSettings(rules=5, few=2, effort=QUICK), quiet))
    assert [candidate.head for candidate in candidates] == [(0, 0)] * len(candidates)
    best = candidates[0].program
    unseen = examples(texts(5, 9), program, causal)
    kernel = LibraryKernel([best], causal, "numpy")
    for each in unseen:
        ours, theirs = kernel.predict(each.table).patterns[0], each.patterns[0]
        assert np.minimum(ours, theirs).sum() / np.maximum(ours, theirs).sum() > 0.95, best.to_attn()
    assert best.to_attn().count("\nadd ") <= 5
    assert candidates[-1].program.to_attn().count("\nadd ") <= 2


def test_a_slope_among_some_tokens_is_found_and_written_as_it_was_scored() -> None:
    slope = 'add -1.2 * log(1 + abs(q - k)) to each k where k.text in {"the", "a"}'
    planted = f'head "p" causal\nadd 2 to first\n{slope}\nsoftmax rows\n'
    (best, *_) = search(given(True, planted), SearchSettings(rules=4, few=2, effort=QUICK), quiet)
    sloped = [line for line in best.program.to_attn().splitlines() if "log(1 + abs(q - k))" in line]
    assert any(" where " in line for line in sloped), best.program.to_attn()
    assert best.train_iou > 0.95


def test_one_rule_says_how_its_weight_changes_with_distance() -> None:
    bent = 'add 3 - 0.5 * min(abs(q - k), 4) - 0.02 * k to each k where k.text in {"the", "a"}'
    planted = given(True, f'head "p" causal\nadd 2 to first\n{bent}\nsoftmax rows\n')
    straight = replace(QUICK, bends=0, last_bends=0)
    (best, *_) = search(planted, SearchSettings(rules=2, few=2, effort=QUICK), quiet)
    (other, *_) = search(planted, SearchSettings(rules=2, few=2, effort=straight), quiet)
    text = best.program.to_attn()
    assert text.count("\nadd ") <= 2, text
    assert any("abs(q - k)" in line and " - " in line for line in text.splitlines()), text
    assert "abs(q - k)" not in other.program.to_attn()
    assert best.train_iou > 0.97 > other.train_iou + 0.01


@pytest.mark.parametrize("rule", [Rule((8,), key=(3,)), Rule(slope=0), Rule(slope=3)])
def test_a_bend_brings_what_was_measured_and_moves_no_other_rule(rule: Rule, fitted: Fit) -> None:
    fit = Fit.empty(fitted.facts, fitted.target)
    for each, weight in ((Rule((5,)), 1.0), (rule, 0.5), (Rule((1,)), -0.3)):
        fit.add(each, weight)
    found = [one for one in bending._estimates(fit) if one.at == 1]
    assert found
    for one in found:
        measured, before = bending._measured(fit, one), (fit.rules, fit.weights, fit.columns, fit.common)
        bending._put(fit, measured)
        assert fit.rules[1] == replace(rule, bends=(one.bend,))
        assert fit.common - before[3] == pytest.approx(measured.gain, abs=1e-3)
        again = pattern_of(fit.rules, fit.weights, fit.facts)
        np.testing.assert_allclose(again, fit.pattern, atol=1e-6)
        assert [w for at in (0, 2) for w in fit.weights[spans(fit.rules)[at]]] == pytest.approx([1.0, -0.3])
        fit.set(*before[:3])


@pytest.mark.parametrize("causal", [True, False])
def test_what_is_written_gives_the_pattern_that_was_scored(causal: bool) -> None:
    tables = texts(6, 5)
    known, words = vocabulary(causal), mine_words(tables)
    facts = facts_of(tables[:2], known, words)
    roots = [Rule((4,)), Rule((5,)), Rule((2,), query=(1, 2)), Rule(key=(3,)), Rule((9,), slope=0)]
    roots += [*(Rule(slope=i) for i in range(len(known.slopes))), Rule(slope=3, query_tests=(1,))]
    for root, bends in product(roots, ((), (0, 7), (1, 2, 5), (3, 4, 6))):
        rules, weights = (replace(root, bends=bends),), (0.7, -0.4, 0.9, 0.25)[: 1 + len(bends)]
        text = write_program("t", rules, weights, known, words)
        kernel = LibraryKernel(list(load_text(text, "t", python=False, causal=causal).values()), causal, "numpy")
        written = [facts.cells.pack(kernel.predict(each).patterns[0]) for each in tables[:2]]
        ours = pattern_of(rules, np.array(weights, np.float32), facts)
        np.testing.assert_allclose(np.concatenate(written), ours, atol=1e-5, err_msg=text)


def test_numbers_that_round_to_nothing_are_not_written() -> None:
    tables = texts(3, 4)
    facts = facts_of(tables, vocabulary(True), mine_words(tables))
    target = Fit.empty(facts, np.ones(int(facts.cells.start[-1]), np.float32)).pattern
    rules = (Rule((5,), bends=(0, 1)), Rule((1,), bends=(2,)), Rule((2,), bends=(2,)))
    found = road._rounded(Found(rules, (0.001, 0.5, 0.002, 1.0, 0.004, 0.001, 0.003), 0.0), facts, target)
    assert found.rules == (Rule((5,), bends=(0,)), Rule((1,)))
    assert found.weights == (0.0, 0.5, 1.0)
    text = write_program("t", found.rules, found.weights, vocabulary(True), facts.words)
    assert text.splitlines()[1] == "add 0.5 * log(1 + abs(q - k)) to first"


def test_a_rule_is_widened_by_each_thing_it_asks() -> None:
    rule = Rule((3, 4), key=(1, 2), query_tests=(0,), slope=1)
    wider = list(rule.wider())
    assert len(wider) == len(set(wider)) == 5
    assert all(each.size < rule.size for each in wider)
    assert list(Rule((3,)).wider()) == []  # nothing asked is no rule


@pytest.mark.parametrize("bends", [(), (0,), (1, 2)])
def test_a_rule_asks_one_thing_less_where_that_is_better(bends) -> None:
    """The head follows the wide rule: the narrow one loses its test, and keeps its numbers to scale where it bends."""
    tables = texts(6, 3)
    facts = facts_of(tables, vocabulary(True), mine_words(tables))
    wide = Rule((5,), bends=bends)
    weights = np.array([2.0, 0.3, 0.3][: wide.width], np.float32)
    fit = Fit.empty(facts, pattern_of((wide,), weights, facts))
    fit.add(replace(wide, query=(1, 2, 3)), *weights)
    narrow = fit.iou
    grow._widen(fit)
    assert fit.rules == (wide,)
    assert narrow < 0.9
    assert fit.iou > (0.999 if bends else 0.96)  # without bends the weight is one of a few
    assert fit.weights == pytest.approx(weights, rel=1e-5 if bends else 0.1)


def test_a_rule_keeps_what_it_asks_where_that_is_better() -> None:
    tables = texts(6, 3)
    facts = facts_of(tables, vocabulary(True), mine_words(tables))
    rule = Rule((5,), query=(1, 2, 3), bends=(1,))
    weights = np.array([2.0, 0.5], np.float32)
    fit = Fit.empty(facts, pattern_of((rule,), weights, facts))
    fit.add(rule, *weights)
    grow._widen(fit)
    assert fit.rules == (rule,)
    assert fit.weights == pytest.approx(weights)
    assert fit.iou == pytest.approx(1)


def test_the_score_given_is_the_programs_own() -> None:
    patterns = given()
    candidate = next(iter(search(patterns, SearchSettings(rules=3, effort=QUICK), quiet)))
    kernel = LibraryKernel([candidate.program], True, "numpy")
    scores = []
    for each in patterns.train:
        ours, theirs = kernel.predict(each.table).patterns[0], each.patterns[0]
        scores.append(np.minimum(ours, theirs).sum() / np.maximum(ours, theirs).sum())
    assert candidate.train_iou == pytest.approx(np.mean(scores), abs=1e-4)


def test_a_uniform_head_needs_no_rule() -> None:
    candidates = list(
        search(given(program='head "u" causal\nadd 1 to each k\nsoftmax rows'), SearchSettings(effort=QUICK), quiet)
    )
    assert candidates[0].train_iou == pytest.approx(1.0, abs=1e-5)
    assert "add" not in candidates[0].program.to_attn()


def many(heads: int = 3) -> HeadPatterns:
    one = given()
    program = [PLANTED, 'head "s" causal\nadd 2 to self\nsoftmax rows', 'head "f" causal\nadd 2 to first\nsoftmax rows']
    found = [examples(texts(14, 1), text) for text in program[:heads]]

    def joined(i: int):
        return np.concatenate([each[i].patterns for each in found])

    all_of = [Example(e.id, e.table, partial(joined, i)) for i, e in enumerate(found[0])]
    return HeadPatterns(tuple((0, h) for h in range(heads)), one.causal, all_of[:10], all_of[10:])


def texts_of(candidates) -> list[tuple[object, str]]:
    return sorted((c.head, c.program.to_attn()) for c in candidates)


def test_finished_heads_are_not_searched_again(tmp_path, monkeypatch) -> None:
    settings = SearchSettings(tmp_path, rules=2, few=1, workers=1, effort=QUICK)
    first = search(many(), settings, quiet)
    head = next(first).head
    first.close()  # as Ctrl-C does
    searched = []
    whole = road._search_head

    def counted(index, head, *rest):
        searched.append(head)
        return whole(index, head, *rest)

    monkeypatch.setattr(road, "_search_head", counted)
    found = texts_of(search(many(), settings, quiet))
    assert head not in searched
    assert len(set(searched)) == len(searched)
    searched.clear()
    assert texts_of(search(many(), settings, quiet)) == found
    assert not searched
    assert texts_of(search(many(), SearchSettings(rules=2, few=1, workers=3, effort=QUICK), quiet)) == found
    searched.clear()
    list(search(many(), SearchSettings(tmp_path, rules=1, few=1, effort=QUICK), quiet))
    assert len(searched) == 3  # another question, another answer
    (tmp_path / "L0H1.json").write_text("{", encoding="utf-8")
    searched.clear()
    list(search(many(), SearchSettings(tmp_path, rules=1, few=1, effort=QUICK), quiet))
    assert searched == [(0, 1)]


def test_a_program_that_says_something_else_is_a_bug(monkeypatch) -> None:
    def wrong(name, rules, weights, *rest):
        return write_program(name, rules, [w + 0.01 for w in weights], *rest)

    monkeypatch.setattr(road, "write_program", wrong)
    with pytest.raises(Disagreement):
        list(search(given(), SearchSettings(rules=2, effort=QUICK), quiet))


def test_words_with_quotes_and_backslashes_are_written_so_that_they_read_back() -> None:
    pieces = ['"', "\\", "“", "é", "😀", "tab\tstop", "a"]
    each = table(" ".join(pieces), pieces=pieces)
    words = ("", *each.surface)
    facts = facts_of([each], vocabulary(True), words)
    rules = (Rule(key=tuple(range(1, len(words)))), Rule((1,), before_query=(1, 2), query_tests=(0,)))
    text = write_program("quotes", rules, (1.5, -2.0), vocabulary(True), words)
    (program,) = load_text(text, "t", python=False).values()
    pattern = LibraryKernel([program], True, "numpy").predict(each).patterns[0]
    scores = iou_by_text(rules, np.array([1.5, -2.0], np.float32), facts, facts.cells.pack(pattern))
    assert scores[0] == pytest.approx(1.0, abs=1e-6)
