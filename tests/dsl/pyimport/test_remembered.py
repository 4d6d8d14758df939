"""A helper's execution that other programs of the file use again: the same programs come out as without."""

from __future__ import annotations

import ast
import dataclasses
import itertools

import pytest

from attndsl.dsl.printer import to_text
from attndsl.dsl.pyimport import Imported, import_python
from attndsl.dsl.pyimport.lift import assemble, calls, remembered, values
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import Machine
from attndsl.dsl.source import SourceFile

HELPERS = '''
import numpy as np
import spacy

nlp = spacy.load("en_core_web_sm")
SHORT = 3

def starts(sentence, tokens):
    """For each token the words that it overlaps."""
    doc = nlp(sentence)
    spans, pos = [], 0
    for t in tokens:
        size = max(len(t.lstrip("#")), 1)
        spans.append((pos, pos + size))
        pos += size
    return [[w.i for w in doc if w.idx < end and w.idx + len(w.text) > start] for start, end in spans]

def marked(tokens, at):
    return [k for k in range(len(tokens)) if tokens[k] == "the" or len(tokens[k]) < SHORT + at]

def filled(found, tokens):
    for k in range(len(tokens)):
        if tokens[k] == ",":
            found.append(k)
    return len(found)

def even(k):
    return k % 2 == 0

def chosen(tokens):
    return even

def second(tokens):
    return tokens[1]

def called(f, tokens):
    return [k for k in range(len(tokens)) if f(k)]
'''
BEGIN = """
def program_{0}(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
"""
END = """
    A = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            {0}
    return "x", A
"""
BODIES = {
    "words": ("    words = starts(sentence, tokens)", "A[i, j] = len(words[j]) + (1 if words[i] else 0)"),
    "words again": ("    words = starts(sentence, tokens)", "A[i, j] = 1 if words[i] and words[j] else 0.5 * i"),
    "words of some": ("    words = starts(sentence, tokens[1:])", "A[i, j] = len(words)"),
    "marked": ("    at = marked(tokens, 0)", "A[i, j] = 1 if j in at else 0"),
    "marked again": ("    at = marked(tokens, 0)", "A[i, j] = len(at) + (j in at)"),
    "marked further": ("    at = marked(tokens, 1)", "A[i, j] = 1 if j in at else 0"),
    "marked under another name": ("    at = marked(tokens, True)", "A[i, j] = 1 if j in at else 0"),
    "marked twice": ("    at = marked(tokens, 0)\n    to = marked(tokens, 0)", "A[i, j] = (j in at) + (i in to)"),
    "marked before a list": ("    own = [0]\n    at = marked(tokens, 0)", "A[i, j] = (j in at) + len(own)"),
    "filled": ("    own = []\n    count = filled(own, tokens)", "A[i, j] = count + (j in own)"),
    "filled again": ("    own = []\n    count = filled(own, tokens)", "A[i, j] = count * (i in own)"),
    "filled before": ("    own = [1]\n    count = filled(own, tokens)", "A[i, j] = count + (j in own)"),
    "own name": ("    own = 1\n    at = called(lambda k: k > own, tokens)", "A[i, j] = 1 if j in at else 0"),
    "other name": ("    own = 2\n    at = called(lambda k: k > own, tokens)", "A[i, j] = 1 if j in at else 0"),
    "checked": ("    at = marked(tokens, 0)\n    end = tokens[n - 1]", "A[i, j] = 1 if tokens[j] == end else j in at"),
    "of a function": ("    at = called(even, tokens)", "A[i, j] = 1 if j in at else 0"),
    "of a function again": ("    at = called(even, tokens)", "A[i, j] = 2 if j in at else 0"),
    "a function": ("    f = chosen(tokens)", "A[i, j] = 1 if f(j) else 0"),
    "a function again": ("    f = chosen(tokens)", "A[i, j] = 2 if f(i) and f(j) else 0"),
    "may fail": ("    t = second(tokens)", "A[i, j] = 1 if tokens[j] == t else 0"),
    "may fail again": ("    t = second(tokens)", "A[i, j] = 2 if tokens[j] == t else 0"),
    "under a condition": (
        "    at = [0]\n    if n > 3:\n        at = marked(tokens, 0)", "A[i, j] = 1 if j in at else 0",
    ),
    "in a loop": ("", "A[i, j] = len(marked(tokens, 0))"),
    "in a loop again": ("", "A[i, j] = 2 * len(marked(tokens, 0))"),
}  # fmt: skip
HELPER_OF = {"of a function": "called", "a function": "chosen", "may fail": "second"}
AT = {what: number for number, what in enumerate(BODIES)}


def _source(*which: str) -> str:
    parts = [BEGIN.format(AT[what]) + BODIES[what][0] + END.format(BODIES[what][1]) for what in which]
    return HELPERS + "".join(parts)


def _outcomes(*which: str) -> list[str]:
    return [_outcome(p) for p in import_python(SourceFile("f.py", _source(*which))).programs]


def _outcome(found: Imported) -> str:
    text = to_text(found.typed.program) if found.typed else ""
    return "\n".join((text, *(f"{d.code} {d.headline}" for d in found.diagnostics)))


ALONE = {what: _outcomes(what)[0] for what in BODIES}


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The helpers whose bodies were executed."""
    found: list[str] = []
    run = calls._body

    def recorded(m: object, function: ast.FunctionDef, frame: object) -> object:
        found.append(function.name)
        return run(m, function, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(calls, "_body", recorded)
    return found


def test_programs_of_this_kind_are_lifted() -> None:
    assert [what for what, outcome in ALONE.items() if "head" not in outcome] == []


@pytest.mark.parametrize("first", BODIES)
def test_a_program_after_any_other_is_what_it_is_alone(first: str) -> None:
    others = [what for what in BODIES if what != first]
    assert _outcomes(first, *others) == [ALONE[what] for what in (first, *others)]


def test_what_is_remembered_is_not_executed_again(executed: list[str]) -> None:
    _outcomes("words", "words again", "marked", "marked again", "filled", "filled again")
    assert executed == ["starts", "marked", "filled"]


@pytest.mark.parametrize(("first", "again"), [("of a function", True), ("a function", True), ("may fail", False)])
def test_functions_are_remembered_and_what_may_fail_is_not(first: str, again: bool, executed: list[str]) -> None:
    _outcomes(first)
    once = executed.count(HELPER_OF[first])
    _outcomes(first, f"{first} again")
    assert executed.count(HELPER_OF[first]) == once + (1 if again else 2)


def test_what_was_remembered_costs_as_many_steps_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    spent: list[tuple[int, int, int, int]] = []
    program = assemble.program

    def counted(m: Machine, *given: object) -> object:
        spent.append((m.steps, T.spent(), T.made(), next(m.keys)))
        return program(m, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(assemble, "program", counted)
    for first, other in (("words", "words again"), ("marked", "marked again"), ("filled", "filled again")):
        spent.clear()
        _outcomes(other)
        _outcomes(first, other)
        assert spent[0] == spent[2], other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("words", "words of some"), ("marked", "marked further"), ("marked further", "marked under another name"),
        ("marked", "marked before a list"), ("filled", "filled before"), ("own name", "other name"),
        ("marked", "under a condition"),
    ],
)  # fmt: skip
def test_other_arguments_and_other_surroundings_are_executed(one: str, other: str, executed: list[str]) -> None:
    _outcomes(one, other)
    assert len(executed) == 2


def test_only_a_call_of_the_program_itself_is_remembered(executed: list[str]) -> None:
    _outcomes("in a loop")
    once = len(executed)
    _outcomes("in a loop", "in a loop again")
    assert len(executed) == 3 * once


def test_a_program_that_has_made_many_terms_is_not_compared(
    executed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    alone = remembered._stands_alone

    def counted(*given: object) -> bool:
        made.append(len(T.own_terms()))
        return alone(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(remembered, "_stands_alone", counted)
    _outcomes("marked", "marked again")
    assert (len(set(made)), len(executed)) == (1, 1)
    for most, runs in ((made[0], 1), (made[0] - 1, 2)):
        executed.clear()
        monkeypatch.setattr(remembered, "_MOST_TERMS", most)
        _outcomes("marked", "marked again")
        assert len(executed) == runs


def test_a_run_that_comes_near_a_limit_is_run(executed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[tuple[int, int, int]] = []
    left, again = remembered._left, remembered._again
    monkeypatch.setattr(remembered, "_left", lambda *given: dataclasses.replace(left(*given), spent=5))

    def counted(m: Machine, known: remembered._Run, frame: object) -> object:
        found.append((m.steps, known.steps, len(known.made)))
        return again(m, known, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(remembered, "_again", counted)
    _outcomes("marked", "marked again")
    ((before, steps, made),) = found
    for most, room, runs in (
        (before + steps, made + 6, 1), (before + steps - 1, made + 6, 2), (before + steps, made + 5, 2),
    ):  # fmt: skip
        executed.clear()
        with monkeypatch.context() as limits:
            limits.setattr(remembered, "MAX_STEPS", most)
            limits.setattr(T, "room", lambda room=room: room)
            _outcomes("marked", "marked again")
        assert len(executed) == runs


def test_a_run_that_changes_what_the_callers_names_hold_is_not_remembered(
    executed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = values.NoneValue(), values.Opaque("x")
    assert remembered._same({(1, "a"): one}, {(1, "a"): one})
    assert not remembered._same({(1, "a"): one}, {(1, "a"): other})
    assert not remembered._same({(1, "a"): one}, {(1, "a"): one, (1, "b"): one})
    monkeypatch.setattr(remembered, "_same", lambda before, after: False)
    _outcomes("marked", "marked again")
    assert executed == ["marked", "marked"]


def test_a_term_of_another_program_is_none_of_this_one() -> None:
    T.clear()
    old = T.mk("test", 1, (), "int")
    assert remembered._Numbered().numbers(old) == (T.Term, old.serial)
    T.clear()
    for there in (0, 1):
        assert there == len(T.own_terms())
        with pytest.raises(remembered._Private):
            remembered._Numbered().numbers(old)
        T.mk("test", 2, (), "int")
    T.clear()


def test_limits_are_met_at_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """With each limit of terms the second program of a file is what it is alone, messages included."""
    endings = set()
    for most in itertools.chain(range(5, 120, 6), (400,)):
        monkeypatch.setattr("attndsl.dsl.pyimport.lift.term.MAX_TERMS", most)
        alone = _spans("words again")
        together = _spans("words", "words again")
        assert together[len(_spans("words")) :] == alone, most
        endings.add(tuple(alone))
    assert T.MAX_TERMS > 400
    assert len(endings) > 2


def _spans(*which: str) -> list[tuple[str, str]]:
    found = import_python(SourceFile("f.py", _source(*which))).programs
    return [(p.name, f"{d.code} {d.line - _source(*which).count(chr(10))}") for p in found for d in p.diagnostics]
