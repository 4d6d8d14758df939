"""A word's number used as a token position is a number like any other, whatever the two counts are."""

import numpy as np

from attndsl.compiler import Leaves, compile_library, machine
from attndsl.dsl.checker import check
from attndsl.dsl.interpreter import interpret
from attndsl.dsl.parser import parse_program
from attndsl.dsl.tokens import TokenTable, WordTable


def _table() -> TokenTable:
    text = "ab cd"
    blank = ("", "")
    words = WordTable(
        text=("ab", "cd"), lemma=blank, pos=("NOUN", "VERB"), tag=blank, dep=blank, ent_type=blank, ent_iob=blank,
        shape=blank, morph=blank, whitespace=(" ", ""), head=(1, 1), start=(0, 3), end=(2, 5), sentence=(0, 0),
        flags={},
    )  # fmt: skip
    raw = ("a", "b", "Ġc", "d")
    return TokenTable(
        text=text, ids=(0, 1, 2, 3), raw=raw, start=(0, 1, 3, 4), end=(1, 2, 4, 5), surface=("a", "b", "c", "d"),
        special=(False,) * 4, word_start=(True, False, True, False), sentence=(0,) * 4, in_quotes=(False,) * 4,
        parse=lambda _: words,
    )  # fmt: skip


def test_tokens_at_word_numbers() -> None:
    program = parse_program(
        'head "x"\nadd count(w in words where w.index.raw == k.raw) to each k\n'
        "add sum(w.head.index for w in q.words) to each k where (q.word.index + 1).raw == k.raw"
    )
    typed = check(program)
    (found,) = machine(compile_library([typed])).run(Leaves(_table()))
    np.testing.assert_array_equal(found, interpret(typed, _table()))
    assert found.any()
