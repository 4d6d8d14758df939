"""The state of a lift by itself: where it is, how long it takes, what may be changed, how matrices are called."""

from __future__ import annotations

import ast

import pytest
from lift_support import lifted

from attndsl.dsl.pyimport.lift import constants, guessing
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.machine import (
    MAX_EVENTS,
    MAX_STEPS,
    Attempt,
    Machine,
    NotLiftable,
    Retry,
    State,
    Unbound,
)
from attndsl.dsl.pyimport.lift.values import Ref, literal
from attndsl.dsl.source import SourceFile, Span

SOURCE = "abc = 1\nde = 2\n"
FIRST, SECOND = ast.parse(SOURCE).body


def _machine() -> Machine:
    m = Machine(SourceFile("machine", SOURCE), {}, {})
    m.node = FIRST
    return m


def _condition() -> T.Term:
    return T.compare("<", T.fresh("int"), T.N)


def test_a_path_says_nothing_twice_and_nothing_that_is_always_true() -> None:
    c, d = _condition(), _condition()
    assert State({}, {}, (c,)).along(T.TRUE, c, d, d) == (c, d)


def test_a_node_has_a_place_and_nothing_has_none() -> None:
    m = _machine()
    assert m.span(None) == Span(0, 0)
    assert (m.span(FIRST), m.span(SECOND)) == (Span(0, 7), Span(8, 14))


def test_what_is_done_stands_at_its_own_node_or_at_the_present_one() -> None:
    m = _machine()
    assert (m.stop("x").node, m.stop("x", SECOND).node) == (FIRST, SECOND)
    m.write("set", "A", T.ZERO, T.ZERO, T.ONE)
    m.write("set", "A", T.ZERO, T.ZERO, T.ONE, SECOND)
    m.require(_condition())
    m.require(_condition(), SECOND)
    assert [e.span for e in m.events] == [m.span(FIRST), m.span(SECOND)] * 2
    m.trying.append(Attempt(0, 0, 0, []))
    m.require(_condition())
    m.require(_condition(), SECOND)
    assert [f.node for f in m.trying[0].failures] == [FIRST, SECOND]


def test_a_lift_ends_after_so_many_steps_or_events() -> None:
    m = _machine()
    m.steps = MAX_STEPS - 1
    m.step(FIRST)
    with pytest.raises(NotLiftable) as stop:
        m.step(FIRST)
    assert stop.value.code == "E0309"
    m = _machine()
    m.write("set", "A", T.ZERO, T.ZERO, T.ONE)
    m.events *= MAX_EVENTS
    m.step(FIRST)
    m.write("set", "A", T.ZERO, T.ZERO, T.ONE)
    with pytest.raises(NotLiftable) as stop:
        m.step(FIRST)
    assert (stop.value.code, m.steps) == ("E0309", 2)


def test_lists_made_since_may_be_changed_and_older_ones_not() -> None:
    m = _machine()
    old, new = (m.allocate(literal(())) for _ in range(2))
    m.assuming.append(new.key)
    assert m.mutable(new) == literal(())
    with pytest.raises(NotLiftable):
        m.mutable(old)
    m.assuming.clear()
    m.growing.append((new.key, set()))
    assert m.mutable(new) == literal(())
    with pytest.raises(Retry):
        m.mutable(old)
    m.growing[0][1].add(old.key)
    assert m.mutable(old) == literal(())


def test_a_list_that_another_branch_made_is_not_read() -> None:
    m = _machine()
    ref = m.allocate(Unbound("it is elsewhere"))
    with pytest.raises(NotLiftable, match="it is elsewhere"):
        m.contents(ref)


def test_matrices_are_called_after_their_names_and_numbered_from_two() -> None:
    m = _machine()
    assert [m.new_matrix(hint, T.ZERO) for hint in ("a_b", "aB", "_", "aB")] == ["AB", "AB2", "Row", "AB3"]


def test_what_an_iteration_adds_is_found_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    found = guessing._from

    def counted(*args: object) -> set[str]:
        asked.append(args)
        return found(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(guessing, "_from", counted)
    lifted(PROGRAM)
    assert len(asked) == 1


PROGRAM = """
import numpy as np

def program(sentence, tokenizer):
    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence, return_tensors="pt").input_ids[0])
    n = len(tokens)
    A = np.zeros((n, n))
    seen = []
    for i in range(n):
        if i in seen:
            A[i, 0] = 1
        seen.append(i)
    return "program", A
"""


def test_a_text_is_split_into_so_many_pieces_at_most() -> None:
    m = _machine()
    call = ast.Call(ast.Name("split"), [], [])
    ref = constants.split(m, T.const("a " * constants.MAX_PIECES), "split", [], call)
    assert isinstance(ref, Ref)
    with pytest.raises(T.TooLarge):
        constants.split(m, T.const("a " * (constants.MAX_PIECES + 1)), "split", [], call)


def test_that_a_text_has_tokens_and_what_is_required_is_known_anyway() -> None:
    m = _machine()
    some, required, more = T.compare(">=", T.N, T.ONE), _condition(), _condition()
    m.required.add(required)
    for path, holds_more in (((), False), ((some,), False), ((some, required), False), ((some, more), True)):
        m.state.path = path
        assert m.holds_more() is holds_more
