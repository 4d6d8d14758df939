"""Reductions over words of two tokens, each condition about one of them, through every back end."""

import pytest
from conformance import BACKENDS, compare, near, outcome_of_interpreter
from strategies import RandomChoices, make_table

from attndsl.compiler import compile_library
from attndsl.compiler.bytecode_facts import MASKED, PRODUCTS
from attndsl.compiler.bytecode_rewrite import fuse, rewrite
from attndsl.compiler.ir import reachable
from attndsl.dsl.checker import check
from attndsl.dsl.parser import parse_program

NAN = "(if w.index == 1 then ratio(0, 0) else 0.5 * w.index)"
VALUES = ["len(w.text)", "0.5 - w.index", NAN, "ratio(w.index - 1, 0)"]
REDUCTIONS = ["largest({} for {})", "smallest({} for {})", "product({} for {})", "sum({} for {})"]


def program(reduction, value, binder, causal):
    found = f"({reduction.format(value, binder)} otherwise 0)"
    finite = f"(if -9 < {found} and {found} < 9 then {found} else 7)"
    return check(parse_program(f'head "x" {"causal" if causal else ""}\nadd {finite} to each k'))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    "binder",
    [
        "w in words where w in q.words and w in k.words",
        "w in words where w.index == q.word.index and (w.head in k.words or k.is_punct)",
        "w in q.words where w.head in k.words",
    ],
)
def test_both_sides_agree_with_the_interpreter(reduction, value, binder):
    for number in range(3):
        table = make_table(RandomChoices(number), words=True)
        for causal in (True, False):
            for other in ("w.index", "(w.index + 2 * q)", "w.head.index"):
                folded = value.replace("w.index", other)
                typed = program(reduction, folded, binder, causal)
                expected = outcome_of_interpreter(typed, table, {"near": near})
                for factory in BACKENDS.values():
                    assert compare(typed, table, expected, factory, {"near": near}) is None


@pytest.mark.parametrize("reduction", ["largest({} for {})", "smallest({} for {})", "product({} for {})"])
@pytest.mark.parametrize(("value", "masked"), [("0.5 * w.index", False), ("q + 0.5 * w.index", True)])
def test_no_value_over_two_tokens_and_a_word_is_made(reduction, value, masked):
    binder = "w in words where w in q.words and w in k.words"
    typed = check(parse_program(f'head "x" causal\nadd ({reduction.format(value, binder)} otherwise 0) to each k'))
    (made,) = fuse(rewrite(compile_library([typed])))
    ops = list(reachable(made.roots()))
    assert max(len(op.axes) for op in ops) == 2
    assert bool(MASKED & {op.name for op in ops}) is masked
    assert PRODUCTS & {op.name for op in ops}
