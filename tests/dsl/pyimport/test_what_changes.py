"""What a statement may change, and what a condition settles: the questions that rewritings ask before they act."""

from __future__ import annotations

import ast

import pytest

from attndsl.dsl.pyimport.lift import excluding, handing_on, never_empty, partitions, questions, row_dicts
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


def test_a_list_hands_an_item_on_where_a_place_before_is_read():
    body = "def f(n):\n    x = []\n    for i in range(n):\n        x.append({item})\n    y = x[0]"
    for item, lists in (("x[-1]", {"x"}), ("x[i - 1]", {"x"}), ("x[0]", set()), ("x[i]", set()), ("x[:-1]", set())):
        function = ast.parse(body.format(item=item)).body[0]
        assert handing_on.lists(function) == lists


def test_what_holds_of_a_number_unless_it_is_none():
    has, other = T.fresh("bool"), T.fresh("bool")
    names = frozenset((has.data,))
    assert questions._is_bound(T.disj((has, IS_A)), names)
    assert not questions._is_bound(T.disj((other, IS_A)), names)
    assert not questions._is_bound(T.conj((has, IS_A)), names)


@pytest.mark.parametrize(
    ("target", "of", "is_walk"),
    [
        ("k", "d", True),
        ("k", "d.keys()", True),
        ("k, v", "d.items()", True),
        ("k, (v, w)", "d.items()", False),
        ("k, v, w", "d.items()", False),
        ("k[0]", "d", False),
        ("k", "d.items()", False),
        ("k, v", "d", False),
    ],
)
def test_a_walk_through_a_dict(target, of, is_walk):
    assert row_dicts._is_walk(ast.parse(f"for {target} in {of}: pass").body[0], "d") is is_walk


@pytest.mark.parametrize(
    ("statement", "is_walk"),
    [("d[k] = 1", True), ("d[k + 1] = 1", False), ("x = d[k + 1]", True), ("k = 1", False), ("d = {}", False)],
)
def test_a_walk_sets_the_item_at_hand_alone(statement, is_walk):
    assert row_dicts._is_walk(ast.parse(f"for k in d: {statement}").body[0], "d") is is_walk


def test_one_of_a_conjunction_and_what_denies_its_parts_is_true():
    a, b, c = (T.compare("==", T.feature(T.fresh("int"), "raw", "str"), T.const(text)) for text in "abc")
    assert T.disj((T.conj((a, b)), T.not_(a), T.not_(b))) is T.TRUE
    assert T.disj((T.conj((a, b)), T.not_(a), c)) is not T.TRUE
