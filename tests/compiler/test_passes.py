"""Passes keep the meaning, reach a fixed point, and leave legal IR."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conformance import disagreement, near, outcome
from strategies import ProgramMaker, RandomChoices, make_table

from attndsl.compiler import Leaves, machine
from attndsl.compiler.build import Builder
from attndsl.compiler.dump import dump
from attndsl.compiler.ir import IRProgram, reachable
from attndsl.compiler.lower import lower
from attndsl.compiler.passes import PASSES, optimize
from attndsl.compiler.verify import problems, verify
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import check
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.library import builtin_programs
from attndsl.dsl.parser import parse_program
from attndsl.dsl.tokens import TokenTable


def _table() -> TokenTable:
    words = ["The", "cat", ",", '"', "the", "Cat", '"', "sat", ".", "It", "(", "sat", ")"]
    starts = [sum(len(w) + 1 for w in words[:i]) for i in range(len(words))]
    count = len(words)
    return TokenTable(
        text=" ".join(words),
        ids=tuple(range(count)),
        raw=tuple(("Ġ" if i else "") + w for i, w in enumerate(words)),
        start=tuple(starts),
        end=tuple(s + len(w) for s, w in zip(starts, words, strict=True)),
        surface=tuple(words),
        special=(False,) * count,
        word_start=(True,) * count,
        sentence=tuple(int(i > 8) for i in range(count)),
        in_quotes=tuple(3 < i < 6 for i in range(count)),
    )


def _lowered(rules: str, builder: Builder) -> IRProgram:
    return lower(check(parse_program(f'head "x"\n{rules}')), builder)


@pytest.mark.parametrize(
    ("rules", "pass_name"),
    [
        ("add 1 to each k where q > 2 and (k > 1 and q > 2)", "simplify_logic"),
        ("add 1 to each k where q > 2 and (q > 2 or q.is_punct)", "simplify_logic"),
        ("set if q > 1 then (if q > 1 then 1 else 2) else 3 to each k", "merge_selects"),
        ("set 1 to each k where q > 1\nset 1 to each k where q > 1", "merge_selects"),
        ("add 1 / (q - k) to each k before q\nadd 1 / (q - k) to each k before q", "drop_checks"),
    ],
)
def test_each_pass_shrinks_what_it_is_for(rules: str, pass_name: str) -> None:
    builder = Builder()
    program = _lowered(rules, builder)
    after = dict(PASSES)[pass_name](program, builder)
    assert _size(after) < _size(program)
    assert problems(after) == []


def _size(program: IRProgram) -> int:
    return len(list(reachable(program.roots()))) + len(program.checks)


def test_the_builtin_library_keeps_its_meaning() -> None:
    builder = Builder()
    typed = [check(tree) for tree in builtin_programs()]
    plain = [lower(t, builder) for t in typed if not t.needs_words]
    better = optimize(plain, builder, verified=True)
    leaves = Leaves(_table())
    with np.errstate(all="ignore"):
        pairs = zip(machine(plain).run(leaves), machine(better).run(leaves), strict=True)
        for program, (before, after) in zip(plain, pairs, strict=True):
            if isinstance(before, DiagnosticError):
                assert str(before) == str(after)
            else:
                np.testing.assert_array_equal(before, after, err_msg=program.name)
    assert sum(map(_selects, better)) <= sum(map(_selects, plain))


def _repetitive(program: N.Program) -> N.Program:
    """The program with every rule said twice, and every condition said again after another one."""
    late = N.Compare(">", N.Var("q"), N.Number(1))
    items: list[N.Item] = []
    for item in program.items:
        if isinstance(item, N.Rule):
            when = N.And(N.And(late, item.when or N.Compare("<", N.Var("q"), N.Number(5))), late)
            items += [replace(item, when=when)] * 2
        else:
            items.append(item)
    return replace(program, items=tuple(items))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_pass_alone_keeps_the_meaning_of_generated_programs() -> None:
    changed = dict.fromkeys(dict(PASSES), 0)
    for seed in range(240):
        choices = RandomChoices(10_000 + seed)
        typed = check(_repetitive(ProgramMaker(choices, words=False).program(2 + seed % 3)))
        leaves = Leaves(make_table(choices, words=False), {"near": near})
        builder = Builder()
        plain = lower(typed, builder)
        (before,) = machine([plain]).run(leaves)
        for name, pass_ in PASSES:
            after = pass_(plain, builder)
            verify([after])
            changed[name] += _size(after) < _size(plain)
            (found,) = machine([after]).run(leaves)
            assert disagreement(outcome(before), outcome(found), 0.0) is None, (seed, name)
    assert min(changed.values()) >= 10, changed  # each had something to do


@pytest.mark.parametrize(
    ("rules", "same_as"),
    [
        ("add 2 * 3 - 1 to first", "add 5 to first"),  # constant folding
        ("add (q + 0) * 1 / 1 to each k", "add q to each k"),  # algebraic simplification
        ("add 1 to first\nadd 9 to each k where 2 > 3", "add 1 to first"),  # dead rules
        ("add 1 to first\nshare 9 over each k where 2 > 3 by len(k.raw)", "add 1 to first"),
        ("add 1 to self when not not q.is_punct", "add 1 to self when q.is_punct"),
    ],
)
def test_improvements_while_ir_is_built(rules: str, same_as: str) -> None:
    builder = Builder()
    assert _lowered(rules, builder).result is _lowered(same_as, builder).result


def test_equal_work_of_two_programs_is_one_operation() -> None:
    builder = Builder()
    first = _lowered("add 0.5 ** (q - k) to each k where k.is_punct", builder)
    second = _lowered("set 7 to first\nadd 0.5 ** (q - k) to each k where k.is_punct", builder)
    mine = {op.id for op in reachable(first.roots())}
    shared = [op for op in reachable(second.roots()) if op.id in mine]
    assert {"pow", "sub", "column"} <= {op.name for op in shared}


def test_work_of_a_token_has_the_axis_of_the_token_alone() -> None:
    program = _lowered("add exp(0 - q) * len(k.raw) to each k", Builder())
    axes = {op.name: op.axes for op in reachable(program.roots())}
    assert axes["exp"] == ("q",)
    assert axes["map_text"] == ("k",)


def _selects(program: IRProgram) -> int:
    return sum(op.name == "select" for op in reachable(program.roots()))


def test_illegal_ir_is_named() -> None:
    builder = Builder()
    program = _lowered("add 1 to first", builder)
    bad = builder.graph.op("add", (builder.iota("q"), builder.const(True)), None, ("q",), "f")
    assert "computes with numbers" in problems(replace(program, result=bad))[0]
    with pytest.raises(AssertionError, match="illegal IR"):
        verify([replace(program, result=bad)])


def test_dump_reads_like_a_listing() -> None:
    text = dump(_lowered('add 0.5 to each k where k.raw.lower() in {"a"}', Builder()))
    assert text.startswith("program 'x'\n")
    assert "map_text[in_set, ['a']]" in text
    assert text.rstrip().splitlines()[-1].startswith("  result %")
