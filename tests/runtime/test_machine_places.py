"""Parts of the compiled machine that stop at what they find: true values of a row, updates, work at guarded places."""

import numpy as np
import pytest
from conformance import disagreement, outcome, outcome_of_interpreter
from machine_programs import source, text

from attndsl.compiler import Leaves, compile_library
from attndsl.dsl.checker import check
from attndsl.dsl.parser import parse_program
from attndsl.runtime.machine import BytecodeMachine

COVERS = "let Covers(t, w) = w.char_start <= t and t < w.char_start + len(w.text)\n"
BODIES = [
    "add 1 to each k where any(w in words where Covers(q, w) and "
    "not any(v in words where v.index < w.index and Covers(q, v) and Covers(k, v)))",
    "add count(w in words where Covers(q, w) and (w.index + k) % 3 <= q % 2) to each k",
    "add sum(len(w.text) for w in words where Covers(q, w) and (w.index + k) % 3 <= q % 2) to each k",
    "add 1 to each k where any(t before q where t.is_punct and (t + k) % 3 == q % 2)",
    "add (last(t before q where t.is_punct and (t.text == k.text or t.text == q.text)) otherwise 0) to each k",
    "add sum(t * 0.5 - k for t upto q where t.word_start and (t.text == k.text or (t + k) % 2 == q % 3)) to each k",
    "add 0.25 to each k where k > 2 and count(t where t.is_punct and (t == k or t.text == q.text)) > 0",
]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("body", BODIES)
def test_work_at_guarded_places_gives_what_the_interpreter_gives(body, causal):
    program = check(parse_program(source(COVERS + body, causal)))
    for rows in (1, 5, 16):
        run = BytecodeMachine(compile_library([program]), rows)
        assert "each" in str(run._template(None).code)
        for seed, n in ((0, 1), (1, 9), (2, 23)):
            table = text(seed, n)
            (found,) = run.run(Leaves(table))
            assert disagreement(outcome_of_interpreter(program, table, {}), outcome(found)) is None


@pytest.mark.parametrize("kind", ["set 0.5", "add 0.5 * k", "scale 3", "raise 0.75", "cap 0.25"])
@pytest.mark.parametrize("keys", ["k in {0}", "k == n - 1", "k > 8 and k < 10", "k % 7 == 3", "k > n", "k >= 0"])
def test_updates_between_the_first_and_the_last_key_of_their_mask(kind, keys):
    verb, _, value = kind.partition(" ")
    forms = {
        "scale": "scale each k where {} by {}",
        "raise": "raise each k where {} to at least {}",
        "cap": "cap each k where {} at {}",
    }
    form = forms.get(verb, verb + " {1} to each k where {0}")
    keys = keys.replace("k in {0}", "k == 0")
    rule = form.format(f"{keys} and k.text != q.text", value)
    program = check(parse_program(source(f"add 0.5 to each k\n{rule}", False)))
    run = BytecodeMachine(compile_library([program]))
    for seed, n in ((0, 1), (1, 8), (2, 17), (3, 24)):
        table = text(seed, n)
        (found,) = run.run(Leaves(table))
        assert disagreement(outcome_of_interpreter(program, table, {}), outcome(found)) is None


def test_the_next_and_the_last_true_value_of_rows_of_every_length():
    from attndsl.runtime.machine.octets import first_true, last_true

    rng = np.random.default_rng(5)
    for n in range(40):
        for share in (0.0, 0.05, 0.5):
            for step in (1, 3):
                values = (rng.random(n * step + 16) < share).astype(np.uint8)
                at = int(rng.integers(0, 9))
                row = [place for place in range(n) if values[at + place * step]] if at + n * step <= len(values) else []
                if at + n * step > len(values):
                    continue
                low = int(rng.integers(0, n + 1))
                assert first_true(values, at, step, low, n) == min([p for p in row if p >= low], default=n)
                assert last_true(values, at, step, n) == max(row, default=-1)


def test_powers_that_need_no_library_are_the_same_numbers():
    from attndsl.runtime.machine.loops import _power

    numbers = [0.0, -0.0, 1.0, -2.5, 0.1, np.inf, -np.inf, np.nan, 1e200, 3.0]
    with np.errstate(all="ignore"):
        for x in numbers:
            for y in (0.0, 1.0, 2.0, -1.0, 0.5, np.nan):
                np.testing.assert_equal(_power(x, y), np.float64(x) ** np.float64(y))
