"""Calls of built-in functions: with which code they are refused, and the parts that no short program shows alone."""

from __future__ import annotations

import pytest
from lift_support import reason
from test_terms import the

from attndsl.dsl.pyimport.lift import builtins_
from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.emit import Q
from attndsl.dsl.pyimport.lift.term import Term
from attndsl.dsl.pyimport.lift.values import Binder, Choice, NoneValue, Part, Scalar, Seq, known


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("random()", "E0308"), ("unknown()", "E0305"), ("len(*tokens)", "E0303"), ("float(tokens[0])", "E0302"),
        ("isinstance(tokens, list)", "E0305"), ("round(math.inf)", "E0302"), ("str(n)", "E0302"),
    ],
)  # fmt: skip
def test_a_call_is_refused_with_its_code(call: str, code: str) -> None:
    assert reason(f"import math\nA[0, 0] = {call}\n") == code


def _tokens(low: Term = T.ZERO, high: Term = T.N, where: Term = T.TRUE, name: str = "raw", down: bool = False) -> Seq:
    var = T.fresh("int")
    return Seq((Part((Binder(var, low, high, T.NONE, down),), where, Scalar(T.feature(var, name, "str"))),))


def test_all_tokens_in_order_alone_are_the_tokens() -> None:
    whole = _tokens()
    assert builtins_.is_token_list(whole)
    others = [_tokens(T.ONE), _tokens(high=Q), _tokens(where=the(Q)), _tokens(name="text"), _tokens(down=True), Seq(())]
    two = Part((*whole.parts[0].binders, Binder(T.fresh("int"), T.ZERO, T.N)), T.TRUE, whole.parts[0].element)
    others += [Seq(whole.parts * 2), Seq((two,)), Seq((Part((), T.TRUE, known("a")),))]
    assert not any(map(builtins_.is_token_list, others))


def test_the_item_that_is_there_is_the_alternative_that_is_not_none() -> None:
    c, d, one, none = the(Q), the(T.ZERO), known(1), NoneValue()
    assert builtins_._without_none(none) is None
    assert builtins_._without_none(Choice(c, none, none)) is None
    for choice in (Choice(c, one, none), Choice(c, none, one), Choice(c, Choice(d, none, one), none)):
        assert builtins_._without_none(choice) == one
    assert builtins_._without_none(Choice(c, Choice(d, none, one), known("a"))) == Choice(c, one, known("a"))
    assert builtins_._none_where(Choice(c, none, one)) is c
    assert builtins_._none_where(Choice(c, one, none)) is T.not_(c)
    assert builtins_._none_where(Choice(c, Choice(d, none, one), none)) is T.disj((T.not_(c), d))
