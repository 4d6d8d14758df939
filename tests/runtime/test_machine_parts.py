"""Parts of the compiled machine: numbers, texts, limits, threads, and how much it computes."""

import logging
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conformance import disagreement, outcome, outcome_of_interpreter
from machine_programs import PROGRAMS, near, source, text

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.compiler.bytecode import OPCODE, SEEN
from attndsl.compiler.bytecode_rewrite import fuse, rewrite, without_normalisation
from attndsl.compiler.emit_bytecode import emit_bytecode
from attndsl.compiler.ir import reachable
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_program
from attndsl.runtime.machine import BytecodeMachine, on_first_compile
from attndsl.runtime.machine import link as linking
from attndsl.runtime.machine import machine as runner
from attndsl.runtime.packing import empty_packed, layout


def compiled(*bodies, causal=True):
    return compile_library([check(parse_program(source(body, causal, i))) for i, body in enumerate(bodies)])


def names(programs):
    return [op.name for op in reachable(root for program in programs for root in program.roots())]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_exponentials_are_right_to_the_last_bit_or_the_one_before():
    from attndsl.runtime.machine import exponential, loops

    rng = np.random.default_rng(3)
    x = np.concatenate([rng.uniform(-708, 709, 4000), rng.uniform(-3, 3, 4000), [0.0, -0.0, -np.inf, 709.0, -708.0]])
    for extra in ([], [-720.0, 800.0, np.nan, np.inf]):  # the second row has numbers that need the C library
        values = np.concatenate([x, extra])
        heap = np.concatenate([values, np.zeros(len(values))])
        shape = np.zeros(loops.WIDTH, dtype=np.int64)
        shape[[loops.OUTER, loops.INNER, loops.OUT + loops.STEP, loops.A + loops.STEP]] = 1, len(values), 1, 1
        exponential.exponential(heap, shape, 0, len(values), 0)
        expected = np.array([math.inf if v > 709.9 else math.exp(v) for v in values])
        ulp = np.spacing(np.where(np.isfinite(expected), expected, 1.0))
        np.testing.assert_array_less(np.nan_to_num(np.abs(heap[len(values) :] - expected) / ulp), 1.5)
        np.testing.assert_array_equal(np.isnan(heap[len(values) :]), np.isnan(expected))


@pytest.mark.parametrize(
    "body",
    [
        'add 1 to each k where (q.text + k.text).lower() in "thethe cat"',
        'add count(t where (q.text + k.text) in (t.text + "the")) to each k',
        'add 1 to each k where (if k > 3 then k.text else q.raw).startswith((if q.is_punct then "t" else q.text))',
        "add 1 to each k where k.text.lower() == last(t before q where t.is_punct).text.upper().lower()",
        'add 1 to each k where overlap(k.text, (q - 1).text) > 0.2 and k.text.strip("e").isalpha()',
        'add 1 to each k where k.text.lower() < k.raw and k.text[0] in "abct"',
    ],
)
def test_texts_are_answered_before_the_machine_starts(body):
    program = check(parse_program(source(body, True)))
    assert "map_text" not in names(rewrite(compile_library([program])))
    run = BytecodeMachine(compile_library([program]))
    for seed in range(4):  # later texts bring new words to the tables of earlier ones
        table = text(seed, 18)
        (found,) = run.run(Leaves(table))
        assert disagreement(outcome_of_interpreter(program, table, {}), outcome(found)) is None


def test_distances_become_vectors_and_pairs_one_operation():
    (program,) = rewrite(compiled("add 0.8 ** (q - k) to each k where q - k < 5"))
    blocked = [op for op in reachable(program.roots()) if len(op.axes) > 1 and op.name != "distance"]
    assert blocked == []
    body = "add 0.4 to each k where k.is_punct\nshare 0.6 over each k where k.text == q.text"
    found = names(fuse(rewrite(compiled(body))))
    assert "count" in found
    assert "add_if" in found


@pytest.mark.parametrize("program", builtin_programs("causal"), ids=lambda program: program.name)
def test_causal_programs_stop_at_the_query(program):
    code = emit_bytecode(compile_library([check(program)]))
    (result,) = [row for row in code.code.tolist() if row[0] == OPCODE["result"]]
    assert result[1] == 1
    assert code.monomials[code.shape_loops[result[5], -1], SEEN] == 1


def test_a_last_normalisation_is_left_out_only_where_that_is_the_same():
    same, merged, negative, uniform = compiled(
        "add k to each k\nnormalize rows",
        "add 1 to each k where k.is_punct\nnormalize rows",
        "add k - 1 to each k\nnormalize rows",
        "add 1 to q - 5\nnormalize rows else uniform",
    )
    assert without_normalisation(merged, causal=True) is not None
    assert without_normalisation(same, causal=True) is not None
    assert without_normalisation(same, causal=False) is None
    assert without_normalisation(negative, causal=True) is None
    assert without_normalisation(uniform, causal=True) is None


def test_equal_parts_of_programs_are_computed_once():
    alone = emit_bytecode(compiled(PROGRAMS[2]))
    together = emit_bytecode(compiled(*[PROGRAMS[2]] * 5))
    assert len(together.code) == len(alone.code) + 4  # four more results


def test_no_more_memory_than_allowed(monkeypatch):
    monkeypatch.setattr(linking, "MAX_BYTES", 10_000)
    with pytest.raises(DiagnosticError) as error:
        list(BytecodeMachine(compiled(PROGRAMS[8])).run(Leaves(text(1, 40))))
    assert error.value.diagnostics[0].code == "E0561"


def test_aggregates_inside_aggregates_take_the_memory_of_one_row():
    """n = 40, three positions beside the query would be 40 ** 3 values; a table of one query row is 40 ** 2."""
    programs = compiled("add count(t before q where t.text == k.text and t > k - q) to each k")
    code = emit_bytecode(programs)
    size = linking.evaluate_monomials(code.monomials, linking.sizes(40, 0, 40, 16))[code.registers[:, 1]]
    assert size.max() <= 40 * 40


def test_what_a_body_computes_for_one_place_others_may_read_for_all():
    chosen = "all(3 < q for a after t where (k - 1).word_start)"
    body = f"add nth(q, t from argmax(b for b after self - 2) where {chosen}).sentence otherwise 2 to each k"
    program = check(parse_program(source(body, True)))
    (found,) = BytecodeMachine(compile_library([program])).run(Leaves(text(0, 18)))
    assert disagreement(outcome_of_interpreter(program, text(0, 18), {}), outcome(found)) is None


def test_too_many_loops():
    together = "(q + a + c) * (k + b + d) == 9"  # one condition on all of them: it cannot be taken apart
    body = f"add count(a where any(b where any(c where any(d where {together})))) to each k"
    with pytest.raises(DiagnosticError) as error:
        emit_bytecode(compiled(body, causal=False))
    assert error.value.diagnostics[0].code == "E0560"


@pytest.mark.parametrize(
    "buffer", [np.zeros((1, 7, 7), "f4"), np.zeros((1, 8, 8)), np.zeros((0, 8, 8), "f4"), np.zeros((1, 8, 8), "f4").T]
)
def test_a_buffer_that_does_not_fit(buffer):
    run = BytecodeMachine(compiled("add 1 to first"))
    leaves = Leaves(text(2, 8))
    assert leaves.tokens == 8, "choose another seed: this text has a special token before it"
    with pytest.raises(DiagnosticError) as error:
        run.patterns(leaves, True, buffer)
    assert error.value.diagnostics[0].code == "E0562"
    with pytest.raises(DiagnosticError) as error:
        run.pack(leaves, empty_packed(layout(9, True, 16), "int16", 1))
    assert error.value.diagnostics[0].code == "E0562"


def test_patterns_go_to_the_places_that_are_named():
    run = BytecodeMachine(compiled("add 1 to first", "add 1 to self"))
    leaves = Leaves(text(1, 6))
    n = leaves.tokens
    out = np.full((4, n, n), 7, dtype=np.float32)
    run.patterns(leaves, True, out, places=[3, 1])
    np.testing.assert_array_equal(out[1], np.eye(n, dtype=np.float32))
    np.testing.assert_array_equal(out[3], np.eye(1, n).repeat(n, axis=0))
    assert (out[[0, 2]] == 7).all()


def test_an_empty_text_has_no_pattern():
    run = BytecodeMachine(compiled("add 1 to first"))
    table = text(1, 1)
    empty = type(table)("", (), (), (), (), (), (), (), (), ())
    assert next(iter(run.run(Leaves(empty)))).shape == (0, 0)
    assert run.patterns(Leaves(empty), True)[1][0].diagnostics[0].code == "E0530"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_threads_share_one_machine():
    programs = compiled(*PROGRAMS)
    run = BytecodeMachine(programs)
    tables = [text(seed, 20 + seed) for seed in range(12)]
    expected = [
        [outcome(found) for found in machine(programs, "numpy").run(Leaves(table, {"near": near}))] for table in tables
    ]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda table: list(run.run(Leaves(table, {"near": near}))), tables))
    for wanted, found in zip(expected, results, strict=True):
        for program, a, b in zip(programs, wanted, found, strict=True):
            assert disagreement(a, outcome(b)) is None, program.name


def test_the_first_compilation_is_announced(caplog, monkeypatch):
    monkeypatch.setattr(runner, "_announce", [])  # a command run earlier in this process has set its own
    with caplog.at_level(logging.WARNING, logger="attndsl"):
        runner.announce_compile()
    assert "compiling" in caplog.text
    lines = []
    on_first_compile(lines.append)
    runner.announce_compile()
    assert len(lines) == 1
