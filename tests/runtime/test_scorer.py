"""The fast paths against the definitions: sums, bounds, choices, blocks and threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.runtime import allpairs, dither, exact, packing, scoring
from attndsl.runtime.allpairs import min_sums, sum_error
from attndsl.runtime.exact import pair_ious, pair_scores
from attndsl.runtime.packing import PRECISIONS, empty_packed, layout, pack_into
from attndsl.runtime.pattern import normalise
from attndsl.runtime.scorer import Scorer


def patterns(rng, count, n, causal, power=8):
    """Patterns of several kinds: spread, sharp, sparse with ties, one-hot, and (bidirectional) with empty rows."""
    raw = rng.random((count, n, n)) ** power
    raw[1::4] = np.round(raw[1::4] * 4)
    raw[2::4] = 0
    raw[2::4, :, 0] = 1
    if count > 3:
        raw[3::4, n // 2 :] = 0
    return normalise(raw, causal=causal)


def stacks(seed, programs, heads, n, causal):
    rng = np.random.default_rng(seed)
    return patterns(rng, programs, n, causal), patterns(rng, heads, n, causal, power=3)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 40),
    causal=st.booleans(),
    precision=st.sampled_from(PRECISIONS),
    lanes=st.sampled_from([16, 32]),
    programs=st.integers(1, 14),
    heads=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_sums_are_within_their_bound(n, causal, precision, lanes, programs, heads, seed):
    a, b = stacks(seed, programs, heads, n, causal)
    place = layout(n, causal, lanes)
    left, right = empty_packed(place, precision, programs), empty_packed(place, precision, heads)
    pack_into(left, 0, a)
    pack_into(right, 0, b)
    sums = min_sums(left, right)
    exact = np.minimum(a[:, None], b[None]).sum(axis=(2, 3), dtype=np.float64)
    assert sums.shape == (programs, heads)
    assert (np.abs(sums - exact) <= sum_error(left, right, sums) + 1e-13).all()


@pytest.mark.parametrize("lanes", [16, 32])
def test_int16_sums_do_not_overflow_where_rows_pile_up(lanes):
    n = 200
    a = np.stack([np.eye(n, dtype=np.float32), normalise(np.eye(n)[:, :1] + np.zeros((n, n)), causal=True)])
    a = np.concatenate([a, normalise(np.eye(n)[[0] * n], causal=True)[None]])
    place = layout(n, True, lanes)
    packed = empty_packed(place, "int16", len(a))
    pack_into(packed, 0, a)
    exact = np.minimum(a[:, None], a[None]).sum(axis=(2, 3), dtype=np.float64)
    np.testing.assert_allclose(min_sums(packed, packed), exact, atol=1e-9)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_kernels_are_compiled_once_for_all_jobs(precision):
    """Counts that fill the register tiles or do not, patterns that can be written to or not: the later jobs must find
    everything compiled."""
    kernels = [allpairs._minima, allpairs._finish, dither.spread, packing._pack_stack, exact._ious, exact._others]
    known = []
    for programs, heads, writable in ((12, 12, True), (5, 7, True), (13, 1, False)):
        a, b = stacks(0, programs, heads, 6, True)
        a.flags.writeable = b.flags.writeable = writable
        with Scorer(programs, heads, precision=precision) as scorer:
            scorer.add_sentence(a, b)
        pair_scores(a, b, np.array([[0, 0]]), causal=True)
        known.append([len(kernel.signatures) for kernel in kernels])
    assert sum(known[0]) > 3
    assert known[1:] == known[:1] * 2


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 20), causal=st.booleans(), top=st.integers(1, 6), seed=st.integers(0, 99))
def test_pair_scores_equal_the_definitions(n, causal, top, seed):
    a, b = stacks(seed, 5, 4, n, causal)
    pairs = np.array([(p, h) for p in range(5) for h in range(4)])
    found = pair_scores(a, b, pairs, causal=causal, top=top)
    for m, (p, h) in enumerate(pairs):
        assert found.iou[m] == pytest.approx(scoring.iou(a[p], b[h]), abs=1e-12)
        assert found.js[m] == pytest.approx(scoring.jensen_shannon(a[p], b[h]), abs=1e-7)
        assert found.iou_without_sink[m] == pytest.approx(scoring.iou_without_sink(a[p], b[h]), abs=1e-12)
        assert found.top_k[m] == pytest.approx(scoring.top_k_overlap(a[p], b[h], top), abs=1e-12)


def run(sentences, precision, *, causal=True, **options):
    programs, heads = sentences[0]
    with Scorer(len(programs), len(heads), causal=causal, precision=precision, **options) as scorer:
        for a, b in sentences:
            scorer.add_sentence(a, b)
        if precision != "float64":
            ids = np.unique(scorer.candidates()[:, 0])
            for s, (a, b) in enumerate(sentences):
                scorer.rescore(s, a[ids], ids, b)
    return scorer


def exact_means(sentences):
    return np.mean([[[scoring.iou(x, y) for y in b] for x in a] for a, b in sentences], axis=0)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_figures_and_choices_are_those_of_float64(precision, causal):
    sentences = [stacks(seed, 23, 7, 10 + 9 * seed, causal) for seed in range(4)]
    mean = exact_means(sentences)
    scorer = run(sentences, precision, causal=causal)
    choice = scorer.choice()
    assert choice.program.tolist() == np.argmax(mean >= mean.max(axis=0) - 1e-12, axis=0).tolist()
    np.testing.assert_allclose(choice.mean_iou, mean.max(axis=0), atol=1e-12)
    np.testing.assert_allclose(choice.iou.mean(axis=1), mean.max(axis=0), atol=1e-7)
    np.testing.assert_allclose(scorer.iou.mean(axis=2), mean, atol={"int16": 3e-4, "uint8": 3e-3}.get(precision, 1e-6))
    low, high = scorer.bounds
    assert (low <= mean + 1e-12).all()
    assert (mean <= high + 1e-12).all()
    assert scorer.iou.shape == (23, 7, 4)


@pytest.mark.parametrize("precision", ["float32", "int16", "uint8"])
def test_candidates_hold_the_best_program_even_among_near_equals(precision):
    # Programs that differ from the head by less than one fixed-point unit: the fast figures cannot tell them apart.
    n, rng = 24, np.random.default_rng(5)
    head = normalise(rng.random((1, n, n)), causal=True)
    steps = np.linspace(2e-6, 4e-5, 30)[::-1, None, None]
    programs = normalise(np.maximum(head - steps * (rng.random((30, n, n)) - 0.5), 0), causal=True)
    sentences = [(programs, head)]
    mean = exact_means(sentences)
    scorer = run(sentences, precision)
    assert len(scorer.candidates()) > 1
    assert scorer.choice().program[0] == int(mean[:, 0].argmax())
    assert scorer.choice().mean_iou[0] == pytest.approx(mean.max(), abs=1e-12)


def test_equal_programs_tie_to_the_first():
    a, b = stacks(0, 6, 3, 12, True)
    doubled = np.concatenate([a, a])
    for precision in PRECISIONS:
        assert (run([(doubled, b)], precision).choice().program < 6).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_results_do_not_depend_on_blocks_threads_or_vector_width(precision):
    sentences = [stacks(seed, 50, 6, 30, True) for seed in range(2)]
    plain = run(sentences, precision, threads=1)
    for options in ({"block_bytes": 1}, {"block_bytes": 5000}, {"threads": 2}, {"threads": 5}):
        assert (run(sentences, precision, **options).iou == plain.iou).all()
    narrow, wide = (run(sentences, precision, lanes=lanes) for lanes in (16, 32))
    np.testing.assert_allclose(narrow.mean, wide.mean, atol=1e-12 if precision == "float64" else 1e-6)
    assert (narrow.choice().program == wide.choice().program).all()


def test_programs_may_come_in_blocks_in_any_order():
    a, b = stacks(1, 10, 3, 9, True)
    with Scorer(10, 3) as scorer, scorer.sentence(b) as sentence:
        sentence.add(a[6:], first=6)
        block = sentence.block(6)
        pack_into(block, 0, a[:6])
        sentence.add_packed(block, first=0)
    assert (scorer.iou == run([(a, b)], "float64").iou).all()


def test_spans_are_filled_and_scored_by_several_threads():
    a, b = stacks(1, 40, 3, 9, True)

    def fill(room, start, stop):
        assert room.rows == stop - start
        pack_into(room, 0, a[start:stop])

    for threads in (1, 3):
        with Scorer(40, 3, threads=threads, precision="uint8") as scorer, scorer.sentence(b) as sentence:
            with pytest.raises(DiagnosticError, match="E0533"):
                sentence.add_filled([(0, 9), (9, 41)], fill)
            sentence.add_filled([(0, 9), (16, 40), (9, 16)], fill)
        assert (scorer.iou == run([(a, b)], "uint8").iou).all()


def test_a_program_that_is_no_pattern_is_named_by_its_number():
    a, b = stacks(1, 200, 3, 9, True)
    a[177, 3] = -1
    for threads in (1, 4):
        with pytest.raises(DiagnosticError, match="program 177 "):
            run([(a, b)], "float64", threads=threads, block_bytes=1)


def test_means_can_be_kept_without_sentences():
    sentences = [stacks(seed, 9, 4, 15, True) for seed in range(3)]
    kept, lean = run(sentences, "int16"), run(sentences, "int16", keep_sentences=False)
    assert (kept.mean == lean.mean).all()
    assert (kept.choice().iou == lean.choice().iou).all()
    assert refused(lambda: lean.iou) == "E0534"


def refused(call):
    with pytest.raises(DiagnosticError) as caught:
        call()
    return caught.value.diagnostics[0].code


def test_float64_without_kept_sentences_rescores_for_its_figures():
    sentences = [stacks(seed, 9, 4, 15, True) for seed in range(3)]
    whole, lean = run(sentences, "float64"), run(sentences, "float64", keep_sentences=False)
    assert refused(lean.choice) == "E0534"
    for s, (a, b) in enumerate(sentences):
        lean.rescore(s, a, np.arange(9), b)
    assert (lean.choice().program == whole.choice().program).all()


def test_what_cannot_be_scored_is_refused():
    a, b = stacks(2, 4, 3, 6, True)
    assert refused(lambda: Scorer(0, 3)) == "E0535"
    assert refused(lambda: Scorer(4, 3, precision="int8")) == "E0536"
    assert refused(lambda: Scorer(4, 3, threads=0)) == "E0536"
    scorer = Scorer(4, 3, precision="int16")
    assert refused(lambda: scorer.mean) == "E0535"
    assert refused(lambda: scorer.add_sentence(a[:3], b)) == "E0534"
    assert refused(lambda: scorer.add_sentence(a, b[:2])) == "E0533"
    assert refused(lambda: scorer.add_sentence(np.concatenate([a, a]), b)) == "E0533"
    assert refused(lambda: scorer.add_sentence(a[:, :5, :5], b)) == "E0533"
    assert refused(lambda: scorer.add_sentence(a * 2, b)) == "E0532"
    assert scorer.sentences == 0
    scorer.add_sentence(a, b)
    assert refused(scorer.choice) == "E0534"
    assert refused(lambda: scorer.rescore(1, a, np.arange(4), b)) == "E0534"
    unused = np.setdiff1d(np.arange(4), scorer.candidates()[:1, 0])
    assert refused(lambda: scorer.rescore(0, a[unused], unused, b)) == "E0534"


def test_pairs_that_do_not_exist_are_refused():
    a, b = stacks(3, 4, 3, 6, True)
    assert refused(lambda: pair_ious(a, b, np.array([[4, 0]]), causal=True)) == "E0533"
    assert refused(lambda: pair_ious(a, b, np.array([[0, -1]]), causal=True)) == "E0533"
    assert refused(lambda: pair_ious(a, b[:, :5, :5], np.array([[0, 0]]), causal=True)) == "E0533"
    assert refused(lambda: pair_scores(a, b, np.array([[0, 0]]), causal=True, top=0)) == "E0536"
    a[1, 3, 2] = np.nan
    assert refused(lambda: pair_ious(a, b, np.array([[0, 0], [1, 2]]), causal=True)) == "E0531"
