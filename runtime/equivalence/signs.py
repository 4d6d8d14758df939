"""Sums that are never below zero, in floats as well: nothing in them cancels.

``0.3 - 0.1 - 0.2`` is 0 as a real number and -3e-17 in floats; a program that asks whether its row is empty tells the
two apart. A sum may be taken for a real number there only when each of its terms is above or at zero by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import z3

from attndsl.compiler.ir import REDUCTIONS, Op
from attndsl.runtime.equivalence.terms import Env, Terms

Holds = Callable[[Any, "list[Any]"], bool]


def never_negative(op: Op, env: Env, terms: Terms, holds: Holds) -> bool:
    """Whether every term that a number is added up from is proved to be at least 0 at all positions."""
    for term, conditions in _terms_of(op, ()):
        if terms.facts.low(term) >= 0:
            continue
        if terms.wild(term) or _cancels(term, terms):
            return False
        value = z3.simplify(terms.at(term, env))
        zero = z3.IntVal(0) if value.is_int() else z3.RealVal(0)
        if not holds(
            value >= zero, [terms.at(c, env) if wanted else z3.Not(terms.at(c, env)) for c, wanted in conditions]
        ):
            return False
    return True


def _terms_of(op: Op, conditions: tuple[tuple[Op, bool], ...]) -> Iterator[tuple[Op, tuple[tuple[Op, bool], ...]]]:
    """What is added up, each with the conditions under which it is."""
    if op.name == "add":
        for arg in op.args:
            yield from _terms_of(arg, conditions)
    elif op.name == "select":
        condition, then, other = op.args
        yield from _terms_of(then, (*conditions, (condition, True)))
        yield from _terms_of(other, (*conditions, (condition, False)))
    else:
        yield op, conditions


def _cancels(op: Op, terms: Terms) -> bool:
    """Whether fractions are added or taken from each other inside a term, where they could cancel."""
    if terms.facts.integral(op) or op.name in REDUCTIONS or op.dtype != "f":
        return False
    return op.name in ("add", "sub", "neg") or any(_cancels(arg, terms) for arg in op.args)
