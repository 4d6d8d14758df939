"""Proofs by the answers to the questions that conditions are made of, each taken to be yes and to be no."""

from __future__ import annotations

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.linear import Prover
from attndsl.dsl.pyimport.lift.terms import Term

_MOST_QUESTIONS = 8


def always(prover: Prover, goal: Term, given: Term, answers: tuple[Term, ...] = ()) -> bool:
    """The goal holds wherever the other condition does, whatever the answers to the questions that they are made of."""
    if goal is T.TRUE or given is T.FALSE or goal is given:
        return True
    question = _question(goal) or _question(given)
    if question is None or len(answers) == _MOST_QUESTIONS or not question.total:  # of nothing, both answers are no
        return bool(answers) and prover.impossible(answers)
    for answer in (question, T.not_(question)):
        said = {question: T.const(answer is question), T.not_(question): T.const(answer is not question)}
        if answer is question and question.op == "cmp" and question.data == "==" and question.args[1].kind == "str":
            said[question.args[0]] = question.args[1]  # no text is another one, too
        if not always(prover, T.subst(goal, said), T.subst(given, said), (*answers, answer)):
            return False
    return True


def _question(t: Term) -> Term | None:
    """The first part of a condition that is no condition made of others; of ``(a if p else b) > 0`` it is p."""
    if t.op in ("and", "or", "not") or (t.op == "ite" and t.kind == "bool"):
        return next((found for a in t.args if (found := _question(a)) is not None), None)
    if T.is_const(t):
        return None
    choice = next((x for x in T.walk(t) if x.op == "ite"), None) if t.op == "cmp" else None
    return t if choice is None else _question(choice.args[0])


def excluded(prover: Prover, path: tuple[Term, ...], none: Term) -> bool:
    """A name is not None here, by what the path says of another name, as ``known_by.py`` has it."""
    about = [p for p in path if p.op == "or" and any(_denies(a, none) for a in p.args)]
    if not about:
        return False
    names = frozenset().union(*(p.free for p in about))
    more = [p for p in path if p.free & names and p not in about and not _is_bound(p, names)]
    return always(prover, T.not_(none), T.conj([*about, *more]))


def _denies(a: Term, none: Term) -> bool:
    return a.op == "not" and a.args[0].op == "var" and a.args[0].data in none.free


def _is_bound(p: Term, names: frozenset[str]) -> bool:
    """What holds of the name's number, unless it is None."""
    return p.op == "or" and any(a.op == "var" and a.data in names for a in p.args)
