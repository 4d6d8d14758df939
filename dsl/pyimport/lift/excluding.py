"""What equality with one written text says of others: ``t == "the"`` implies ``t != ","`` and ``t in {"the", "a"}``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attndsl.dsl.pyimport.lift import terms as T
from attndsl.dsl.pyimport.lift.merge import merge_values
from attndsl.dsl.pyimport.lift.terms import Term
from attndsl.dsl.pyimport.lift.values import Choice, Scalar, Value

_Among = tuple[Term, frozenset[str]]


def follows(goal: Term, given: Term) -> bool:
    """The goal holds wherever the other condition does, as far as their written texts tell."""
    if given.op == "or":
        return all(follows(goal, choice) for choice in given.args)
    known = T.parts(given)
    if goal.op == "and":
        return all(follows(part, given) for part in goal.args)
    return any(_at_once(choice, p) for choice in (goal.args if goal.op == "or" else (goal,)) for p in known)


def plainer(t: Term) -> Term:
    """The condition without what others of its parts say already."""
    if t.op == "or":
        kept = _kept(t.args, lambda part, other: follows(other, part))
        return t if len(kept) == len(t.args) else T.disj(kept)
    if t.op == "and" and not t.marks & T.MAY_FAIL:  # the parts before one that may fail say when it is asked
        kept = _kept(t.args, lambda part, other: part.total and follows(part, other))
        return t if len(kept) == len(t.args) else T.conj(kept)
    return t


def _kept(parts: Iterable[Term], is_said_by: Callable[[Term, Term], bool]) -> list[Term]:
    kept = list(parts)
    for part in tuple(kept):
        if any(is_said_by(part, other) for other in kept if other is not part):
            kept.remove(part)
    return kept


def _at_once(goal: Term, known: Term) -> bool:
    if goal is known:
        return True
    given, wanted, unwanted = _among(known), _among(goal), _among(T.not_(goal))
    if given is None:
        return False
    if wanted is not None and wanted[0] is given[0]:
        return given[1] <= wanted[1]
    return unwanted is not None and unwanted[0] is given[0] and not given[1] & unwanted[1]


def _among(t: Term) -> _Among | None:
    """(what, the written texts that it is one of)."""
    if t.op == "cmp" and t.data == "==" and t.args[1].op == "const" and t.args[1].kind == "str":
        return t.args[0], frozenset((t.args[1].data,))
    if t.op == "member":
        what, *items = t.args
        if what.kind == "str":
            return what, frozenset(item.data for item in items)
    return None


LONGEST = 400
"""Parts of a value of which each choice is compared with those below it."""


def without_choices(v: Value, names: frozenset[str]) -> Value:
    """The value without choices that ask for these names and change nothing.

    ``x if t == "," and x > 0 else (0 if t == "." else x)`` is ``0 if t == "." else x``, since no text is both.
    """
    sides = _sides(v)
    if sides is None:
        return v
    c, then, other = sides
    then, other = without_choices(then, names), without_choices(other, names)
    if names & c.free and c.total and not c.marks & T.MAY_FAIL:
        if _known(other, c) == then:
            return other
        if _known(then, T.not_(c)) == other:
            return then
    if (then, other) == sides[1:]:
        return v
    return merge_values(c, then, other)


def _known(v: Value, given: Term) -> Value:
    """The value where the condition holds."""
    sides = _sides(v)
    if sides is None:
        return v
    c, then, other = sides
    if follows(c, given):
        return _known(then, given)
    if follows(T.not_(c), given):
        return _known(other, given)
    return merge_values(c, _known(then, given), _known(other, given))


def _sides(v: Value) -> tuple[Term, Value, Value] | None:
    if isinstance(v, Choice):
        return v.condition, v.then, v.other
    if isinstance(v, Scalar) and v.term.op == "ite" and v.term.size <= LONGEST:
        c, then, other = v.term.args
        return c, Scalar(then, v.numpy), Scalar(other, v.numpy)
    return None
