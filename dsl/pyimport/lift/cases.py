"""Proofs about ``a if c else b``: where the prover cannot tell, once for each of the two cases."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.terms import Term

_DEPTH = 3  # choices inside choices that are told apart; each doubles the work


def implies(prover: Prover, path: tuple[Term, ...], goal: Term, depth: int = _DEPTH) -> bool:
    """The goal, a comparison of whole numbers (or one or another of them), follows from the path."""
    if prover.implies(path, goal):
        return True
    if not depth:
        return False
    if goal.op == "ite":
        c, *goals = goal.args
    else:
        choice = _choice(goal)
        if choice is None:
            return _by_path(prover, path, goal, depth)
        c, *values = choice.args
        goals = [
            T.subst(goal, {choice: value, c: side, T.not_(c): T.not_(side)})
            for value, side in zip(values, (T.TRUE, T.FALSE), strict=True)
        ]
    return all(
        implies(prover, _along(path, side), one, depth - 1) for side, one in zip((c, T.not_(c)), goals, strict=True)
    )


def _along(path: tuple[Term, ...], side: Term) -> tuple[Term, ...]:
    """The path in that case, and what it leaves of conditions that say one thing or another."""
    found = (*path, *_conjuncts(side))
    known = {T.not_(p) for p in found}
    for p in path:
        if p.op == "or":
            rest = [a for a in p.args if a not in known]
            if len(rest) == 1:
                found = (*found, *_conjuncts(rest[0]))
    return found


def _by_path(prover: Prover, path: tuple[Term, ...], goal: Term, depth: int) -> bool:
    """For each case of a condition that says one thing or another."""
    at = next((i for i, p in reversed([*enumerate(path)]) if p.op == "ite"), None)
    if at is None:
        return False
    c, *either = path[at].args
    return all(
        implies(prover, (*path[:at], *_conjuncts(side), *_conjuncts(one), *path[at + 1 :]), goal, depth - 1)
        for side, one in zip((c, T.not_(c)), either, strict=True)
    )


def _conjuncts(c: Term) -> tuple[Term, ...]:
    return c.args if c.op == "and" else (c,)


def _choice(goal: Term) -> Term | None:
    if goal.op == "or":
        return next((found for a in goal.args if (found := a if a.op == "ite" else _choice(a)) is not None), None)
    if goal.op != "cmp":
        return None
    for side in goal.args:
        for t in side.args if side.op == "linear" else (side,):
            if t.op == "ite":
                return t
    return None
