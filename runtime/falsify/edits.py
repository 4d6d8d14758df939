"""Small changes of one rule: leave it out, weigh it differently, ask a little more or less, look elsewhere.

``blame`` asks which rule could have been meant differently. The changes are those of mutation testing, applied to make
a program right instead of wrong; each is one change at one place, or the rule left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram

FACTORS = (0.25, 0.5, 2.0, 4.0)
MOST_WORDS = 8
_COMPARE = ("==", "!=", "<", "<=", ">", ">=")
_FLAGS = ("is_punct", "word_start", "is_capitalized", "in_quotes")
_WINDOWS = (1.0, 2.0, 4.0, 8.0, 16.0)


@dataclass(frozen=True)
class Edit:
    """A rule as it could be; ``rule`` is None where it is left out. ``kind`` is one of ``KINDS``."""

    kind: str
    rule: N.Rule | None


KINDS = ("out", "condition", "words", "place", "weight")
"""From the plainest to say to the hardest: of two edits that explain the same, the plainer is named."""


def edits_of(rule: N.Rule, typed: TypedProgram, words: Sequence[str]) -> Iterator[Edit]:
    """Every edit of a rule. ``words`` are surface texts that its literals may become."""
    yield Edit("out", None)
    plain = inlined(rule, typed)
    for kind, change in (("condition", _condition), ("place", _place)):
        yield from (Edit(kind, new) for new in _everywhere(plain, change))
    yield from (Edit("words", new) for new in _everywhere(plain, lambda node: _literals(node, words)))
    yield from (Edit("condition", new) for new in _conditions_of_rule(plain))
    yield from (Edit("place", new) for new in _targets(plain))
    for factor in FACTORS:
        yield Edit("weight", replace(plain, value=N.Binary("*", N.Number(factor), plain.value)))
    yield from (Edit("weight", replace(plain, action=new)) for new in _actions(plain))


def inlined(rule: N.Rule, typed: TypedProgram) -> N.Rule:
    """The rule with definitions without parameters written out, so that a change in it is a change of it alone."""

    def change(node: Any) -> Any:
        if isinstance(node, N.Name) and not typed.lets[node.name].params:
            return change(typed.lets[node.name].value)
        if isinstance(node, N.Node):
            return replace(node, **{f.name: change(getattr(node, f.name)) for f in fields(node)})
        return tuple(change(item) for item in node) if isinstance(node, tuple) else node

    changed: N.Rule = change(rule)
    return changed


def _everywhere(node: Any, change: Callable[[Any], Iterator[Any]]) -> Iterator[Any]:
    """Copies of a tree in which one node became what ``change`` gives for it."""
    yield from change(node)
    for name in (f.name for f in fields(node)):
        value = getattr(node, name)
        if isinstance(value, N.Node):
            yield from (replace(node, **{name: new}) for new in _everywhere(value, change))
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, N.Node):
                    yield from (
                        replace(node, **{name: (*value[:at], new, *value[at + 1 :])})
                        for new in _everywhere(item, change)
                    )


def _condition(node: Any) -> Iterator[Any]:
    """A condition asked the other way, in part only, or of another feature."""
    match node:
        case N.And(left=left, right=right) | N.Or(left=left, right=right):
            yield left
            yield right
            yield N.Or(left, right) if isinstance(node, N.And) else N.And(left, right)
        case N.Not(value=value):
            yield value
        case N.Compare(op=op):
            yield from (replace(node, op=other) for other in _COMPARE if other != op)
        case N.Member():
            yield N.Not(node)
        case N.Feature(name=name) if name in _FLAGS:
            yield N.Not(node)
            yield from (replace(node, name=other) for other in _FLAGS if other != name)
        case N.Method(base=base, name="lower", args=()):
            yield base
        case N.Feature(name="text"):
            yield N.Method(node, "lower", ())


def _place(node: Any) -> Iterator[Any]:
    """Another position: one more or less, the first for the last, a bound open, closed or gone."""
    match node:
        case N.Number(value=value):
            yield from (N.Number(new) for new in (value + 1, value - 1) if new >= 0)
            if 0 < value < 1:
                yield from (N.Number(new) for new in (value / 2, 1 - (1 - value) / 2, 1 - value))
        case N.Aggregate(kind="first" | "last" as kind):
            yield replace(node, kind="last" if kind == "first" else "first")
        case N.Binder(lower=lower, upper=upper):
            if lower is not None:
                yield replace(node, lower_open=not node.lower_open)
                yield replace(node, lower=None, lower_open=False)
            if upper is not None:
                yield replace(node, upper_open=not node.upper_open)
                yield replace(node, upper=None, upper_open=False)
            if node.domain is None and upper is None:
                yield replace(node, upper=N.Var("q"), upper_open=True)
            if node.domain is None and lower is None:
                yield from (replace(node, lower=N.Binary("-", N.Var("q"), N.Number(d))) for d in _WINDOWS)
        case N.Var(name="q" | "k" as name):
            yield N.Var("k" if name == "q" else "q")
            yield N.Binary("-", node, N.Number(1.0))
        case N.Binary(op="-" | "+" as op, left=left):
            yield left
            yield replace(node, op="+" if op == "-" else "-")


def _literals(node: Any, words: Sequence[str]) -> Iterator[Any]:
    """A set with one word more or less; a literal that is another word."""
    match node:
        case N.SetOf(items=items) if items and isinstance(items[0], N.Text):
            known = {item.value for item in items if isinstance(item, N.Text)}
            if len(items) > 1:
                yield from (N.SetOf(items[:at] + items[at + 1 :]) for at in range(len(items)))
            yield from (N.SetOf((*items, N.Text(word))) for word in words if word not in known)
        case N.Compare(op="==" | "!=", right=N.Text(value=value)):
            yield from (replace(node, right=N.Text(word)) for word in words if word != value)


def _conditions_of_rule(rule: N.Rule) -> Iterator[N.Rule]:
    """Without its condition on the query, on the keys, or its weighting; or with one more."""
    for asked in _questions("q"):
        yield replace(rule, when=asked if rule.when is None else N.And(rule.when, asked))
    if isinstance(rule.target, N.Each) and rule.target.binder.domain is None:
        binder = rule.target.binder
        for asked in _questions(binder.var):
            where = asked if binder.where is None else N.And(binder.where, asked)
            yield replace(rule, target=N.Each(replace(binder, where=where)))
    if rule.when is not None:
        yield replace(rule, when=None)
        yield replace(rule, when=N.Not(rule.when))
    if rule.weight is not None:
        yield replace(rule, weight=None)
    if isinstance(rule.target, N.Each) and rule.target.binder.where is not None:
        where = rule.target.binder.where
        for new in (None, N.Not(where)):
            yield replace(rule, target=replace(rule.target, binder=replace(rule.target.binder, where=new)))


def _questions(var: str) -> Iterator[N.Expr]:
    """What is asked of a token most: its flags, and whether it stood in the text before; each of them yes and no."""
    token = N.Var(var)
    other = "t" if var != "t" else "s"
    same = N.Compare("==", N.Feature(N.Var(other), "text"), N.Feature(token, "text"))
    before = N.Aggregate("any", N.Binder(other, upper=token, upper_open=True, where=same))
    for asked in (*(N.Feature(token, name) for name in _FLAGS), before):
        yield asked
        yield N.Not(asked)


def _targets(rule: N.Rule) -> Iterator[N.Rule]:
    """The first token, the query itself, the token before; and one further on where the target is a position."""
    if not isinstance(rule.target, N.At):
        return
    position = rule.target.position
    previous = N.Binary("-", N.Var("q"), N.Number(1.0))
    further = [N.Binary(op, position, N.Number(1.0)) for op in "+-"]
    for new in (N.FirstPosition(), N.SelfPosition(), previous, *further):
        if new != position:
            yield replace(rule, target=N.At(new))


def _actions(rule: N.Rule) -> tuple[str, ...]:
    """``set`` in place of ``add`` at one position only: over many keys it would wipe out what other rules did."""
    one = isinstance(rule.target, N.At)
    return {"set": ("add",), "add": ("set",) if one else (), "raise": ("add",)}.get(rule.action, ())
