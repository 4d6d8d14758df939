"""What a statement may change, and what a condition settles: the questions that rewritings ask before they act."""

from __future__ import annotations

import ast

import pytest

from attndsl.dsl.pyimport.lift import excluding, never_empty, partitions
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.values import Choice, Scalar

TEXT = T.feature(T.fresh("int"), "raw", "str")
IS_THE, IS_A = (T.compare("==", TEXT, T.const(word)) for word in ("the", "a"))
ONE, TWO, THREE = (Scalar(T.const(number)) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("x = []", True),
        ("del x", True),
        ("for x in y: pass", True),
        ("x.clear()", True),
        ("y = x.pop", True),
        ("if y: x.append(1)", True),
        ("y = len(x)", False),
        ("y.clear()", False),
        ("y.x.clear()", False),
        ("x[0] = 1", False),
    ],
)
def test_what_may_change_the_list_of_a_name(statement, changes):
    assert never_empty._changes(ast.parse(statement).body[0], "x") is changes


@pytest.mark.parametrize(
    ("statement", "known"),
    [
        ("def f(): pass", False),
        ("y = lambda: x", False),
        ("y = (x := 1)", False),
        ("del y[0]", False),
        ("with y: pass", False),
        ("global y", False),
        ("y.x = 1", False),
        ("y[0][1] = 1", False),
        ("y[0] = 1", True),
        ("y = len(x)", True),
        ("y = f(x)", False),
        ("y = np.add(x, x, out=x)", False),
        ("y += 1", True),
    ],
)
def test_statements_of_which_it_is_known_what_they_change(statement, known):
    nodes = ast.walk(ast.parse(statement).body[0])
    assert all(partitions._is_known(x) for x in nodes) is known


def test_a_return_within_a_block_is_not_known():
    assert not partitions._is_known(ast.parse("def f(): return 1").body[0].body[0])


def test_a_condition_settles_the_choices_that_ask_for_the_same_text():
    inner = Choice(IS_A, TWO, THREE)
    known = excluding._known
    assert known(ONE, IS_THE) == ONE
    assert known(inner, IS_THE) == THREE
    assert known(inner, IS_A) == TWO
    assert known(Choice(IS_THE, inner, ONE), IS_A) == ONE
    assert known(Choice(IS_THE, inner, ONE), IS_THE) == THREE
    assert known(inner, T.not_(IS_THE)) == Scalar(T.ite(IS_A, TWO.term, THREE.term))
