"""The policy table knows every class of the running interpreter's ast module."""

import ast

import pytest

from attndsl.dsl.codes import all_codes
from attndsl.dsl.policy import POLICY, Accepted, Refused, classes_of_running_python, decide


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_class_of_this_python_is_decided() -> None:
    missing = set(classes_of_running_python()) - set(POLICY)
    assert not missing, f"decide these in dsl/policy.py: {sorted(missing)}"


def test_the_walk_sees_leaf_and_abstract_classes() -> None:
    found = set(classes_of_running_python())
    assert {"AST", "expr", "Lambda", "MatchStar", "AsyncFor", "Load"} <= found


def test_every_refusal_has_a_page() -> None:
    for name, decision in POLICY.items():
        if isinstance(decision, Refused):
            assert decision.code in all_codes(), name


def test_a_class_of_a_newer_python_is_refused() -> None:
    class Bicycle(ast.expr):
        pass

    decision = decide(Bicycle())
    assert isinstance(decision, Refused)
    assert decision.code == "E0120"
    assert "Bicycle" in decision.reason


def test_accepted_and_refused_are_told_apart() -> None:
    assert isinstance(decide(ast.parse("x = 1").body[0]), Accepted)
    assert isinstance(decide(ast.parse("class A: pass").body[0]), Refused)
