"""What the steps from IR to bytecode must leave of a program: its size in loops, not its numbers (the conformance suite
compares those)."""

import pytest

from attndsl.compiler import compile_library
from attndsl.compiler.bytecode_each import EachRewriter
from attndsl.compiler.bytecode_facts import RUNNING
from attndsl.compiler.bytecode_rebuild import rebuilt
from attndsl.compiler.bytecode_rewrite import fuse, rewrite
from attndsl.compiler.bytecode_updates import Updater
from attndsl.compiler.ir import reachable
from attndsl.dsl.checker import check
from attndsl.dsl.parser import parse_program

COVERS = "let Covers(t, w) = w.char_start <= t and t < w.char_start + len(w.text)\n"


def operations(body, causal=True):
    typed = check(parse_program(f'head "x" {"causal" if causal else "bidirectional"}\n{body}'))
    (program,) = fuse(rewrite(compile_library([typed])))
    return list(reachable(program.roots()))


def widest(ops):
    return max(len(op.axes) for op in ops)


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        "add count(t before q where t.word_start) to first",
        "add sum(len(t.text) for t before q) to first",
        "add 1 to first(t from q - 4 upto q - 1 where t.is_punct)",
        "add (last(t before q where t.is_punct) otherwise 0) to self",
        "add count(t from q - 3 upto q where t.is_punct) to q - 1",
    ],
)
def test_a_reduction_between_bounds_is_a_look_up(body, causal):
    pairs = [op for op in operations(body, causal) if len(op.axes) > 1]
    assert {op.name for op in pairs} <= {"put_at"}


@pytest.mark.parametrize(
    "body",
    [
        "add 1 to each k where any(w in words where Covers(q, w) and Covers(k, w.head))",
        "add count(w in words where Covers(q, w) and Covers(k, w)) to each k",
        "add sum(0.2 * count(v in w.children where Covers(k, v)) for w in words where Covers(q, w)) to each k",
        "add 1 to each k where any(w in words where Covers(q, w) and k == q - w.index and Covers(k, w))",
    ],
)
def test_a_quantifier_over_words_needs_no_value_over_two_tokens_and_a_word(body):
    assert widest(operations(COVERS + body)) == 2


def test_one_table_serves_every_name_of_a_token():
    both = "count(w in words where Covers(q, w)) + count(w in words where Covers(k, w))"
    ops = operations(f"{COVERS}add {both} to each k")
    assert sum(op.name == "count" for op in ops) == 1


@pytest.mark.parametrize("body", ["set 0.7 to self", "add 0.5 to q - 2 when q.is_punct", "scale first by 2"])
def test_a_rule_for_one_key_writes_one_place(body):
    ops = operations(f"add 1 to each k where k.is_punct\n{body}")
    assert [op.name for op in ops].count("put_at") == 1


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("set 0.7 to each k where k.word_start", "set"),
        ("add 0.7 to each k where k.word_start", "add"),
        ("scale each k where k.word_start by len(q.text)", "mul"),
        ("raise each k where k.word_start to at least 0.7", "max"),
    ],
)
def test_a_rule_for_some_queries_changes_their_rows_under_a_mask_over_keys(rule, kind):
    body = f"add 1 to each k where k.text == q.text\n{rule} when q.is_punct"
    typed = check(parse_program(f'head "x" bidirectional\n{body}'))
    fused = fuse(rewrite(compile_library([typed])))
    (program,) = rebuilt(fused, Updater(fused))
    (update,) = [op for op in reachable(program.roots()) if op.name == "update"]
    assert update.attr[0] == kind
    assert update.args[1].axes == ("q",)
    assert "q" not in update.args[2].axes


def test_conditions_on_one_position_are_joined_first():
    ops = operations("add 1 to each k where (k.is_punct and q.is_punct) and (k.word_start and q.word_start)")
    assert sum(op.name == "and" and len(op.axes) == 2 for op in ops) <= 2  # with the keys that the query sees


def test_a_floor_of_zero_under_weights_that_are_never_negative_is_dropped():
    assert "max" not in {op.name for op in operations("add 1 to each k\nraise each k to at least 0")}


def test_what_the_host_answers_is_said_in_operations_that_it_has():
    chosen = '(if any(t before q where t.text == "b") then q.text else "b")'
    (whole,) = (op.attr[1] for op in operations(f"add 1 to each k where {chosen} in q.text + k.text") if _whole(op))
    assert not RUNNING & {op.name for op in reachable([whole])}


def _whole(op):
    return op.name == "answered" and op.attr[0] == "whole"


BEYOND_TWO_TABLES = [
    "any(w in words where Covers(q, w) and "
    "not any(v in words where v.index < w.index and Covers(q, v) and Covers(k, v)))",
    "count(w in words where Covers(q, w) and (w.index + k) % 3 <= q % 2) > 1",
    "sum(len(w.text) for w in words where Covers(q, w) and (w.index + k) % 3 <= q % 2) > 3",
    "any(t before q where t.is_punct and (t + k) % 3 == q % 2)",
    "last(t before q where t.is_punct and (t.text == k.text or t.text == q.text)) is some",
]


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("condition", BEYOND_TWO_TABLES)
def test_what_joins_query_key_and_a_third_position_is_done_where_its_guard_holds(condition, causal):
    typed = check(
        parse_program(f'head "x" {"causal" if causal else "bidirectional"}\n{COVERS}add 1 to each k where {condition}')
    )
    changed = fuse(rewrite(compile_library([typed])))
    assert any("q" in op.axes and len(op.axes) > 2 for op in reachable(changed[0].roots()))
    (program,) = rebuilt(changed, EachRewriter())
    ops = list(reachable(program.roots()))
    assert "each" in {op.name for op in ops}
    assert widest(ops) == 2


def test_a_rule_for_every_query_changes_the_matrix_itself():
    body = "add 0.5 to q - 1\nset 0.2 to each k where k.is_punct\nadd 0.3 to each k where k.text == q.text"
    typed = check(parse_program(f'head "x" bidirectional\n{body}'))
    fused = fuse(rewrite(compile_library([typed])))
    (program,) = rebuilt(fused, Updater(fused))
    assert [op.name for op in reachable(program.roots())].count("update") == 2


def test_a_table_over_three_positions_that_a_body_reads_for_the_query_is_made_in_the_body():
    rewriter = EachRewriter()
    b = rewriter.b
    later = b.and_(b.binary("lt", b.iota("k"), b.iota("w1")), b.binary("lt", b.iota("w0"), b.iota("w1")))
    inner = b.reduce("any", b.and_(b.rename(later, "k", "q"), b.binary("eq", b.iota("k"), b.iota("w1"))), "w1")
    guard = b.binary("lt", b.iota("q"), b.iota("w0"))
    found = rewriter.each(b.reduce("any", b.and_(guard, b.not_(inner)), "w0"))
    assert found.name == "each"
    assert max(len(arg.axes) for arg in found.args) == 2
