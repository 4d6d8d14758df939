"""Rewritings of programs: those that keep the meaning (``SAME``), and those that change it (``OTHER``).

``bench_compare.py`` makes its pairs with them. They are written here apart from what the comparison itself knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import METHODS
from attndsl.dsl.types import BOOL
from attndsl.runtime.falsify.edits import inlined
from attndsl.runtime.falsify.rules import lifted
from attndsl.runtime.program import Program

Change = Callable[[N.Node], Iterator[tuple[N.Node, str]]]
"""Copies of one node, each with the word that shows the change ("" where any text may)."""
Rewrite = Callable[[Program], Iterator[tuple[list[N.Item], str]]]
"""The same for the statements of a program."""
RARE = "zeugma"


# ---------------------------------------------------------------- rewriting anywhere in a program


def everywhere(node: Any, change: Change) -> Iterator[tuple[Any, str]]:
    """Copies of a tree in which one node became what ``change`` gives for it."""
    yield from change(node)
    for name in (f.name for f in fields(node)):
        value = getattr(node, name)
        if isinstance(value, N.Node):
            yield from ((replace(node, **{name: new}), word) for new, word in everywhere(value, change))
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, N.Node):
                    for new, word in everywhere(item, change):
                        yield replace(node, **{name: (*value[:at], new, *value[at + 1 :])}), word


def in_rules(change: Change) -> Rewrite:
    """The program's statements with one node of one rule rewritten."""

    def apply(program: Program) -> Iterator[tuple[list[N.Item], str]]:
        items = lifted(program).program.items
        for at, item in enumerate(items):
            if isinstance(item, N.Rule | N.Let):
                for new, word in everywhere(item, change):
                    yield [*items[:at], new, *items[at + 1 :]], word

    return apply


def reads_weights(node: N.Node, program: Program) -> bool:
    """Whether a statement reads what earlier ones wrote."""
    lets = lifted(program).lets
    for inner in N.walk(node):
        if isinstance(inner, N.Cell | N.RowStat):
            return True
        if isinstance(inner, N.Name | N.Call) and reads_weights(lets[inner.name].value, program):
            return True
    return False


# ---------------------------------------------------------------- what keeps the meaning


def swap_adds(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at in range(len(items) - 1):
        two = items[at : at + 2]
        if all(isinstance(i, N.Rule) and i.action in ("add", "share") and not reads_weights(i, program) for i in two):
            yield [*items[:at], two[1], two[0], *items[at + 2 :]], ""


def split_weight(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at, item in enumerate(items):
        if isinstance(item, N.Rule) and item.action in ("add", "share") and not reads_weights(item, program):
            parts = [replace(item, value=N.Binary("*", N.Number(x), item.value)) for x in (0.25, 0.75)]
            yield [*items[:at], *parts, *items[at + 1 :]], ""


def dead_rule(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = list(lifted(program).program.items)
    never = N.Compare("<", N.Var("q"), N.Number(0.0))
    yield [N.Rule("add", N.Number(1.0), N.At(N.SelfPosition()), when=never), *items], ""
    far = N.Binder("k", upper=N.Var("q"), upper_open=True, where=N.Compare(">", N.Var("k"), N.Var("q")))
    yield [N.Rule("add", N.Number(0.5), N.Each(far)), *items], ""
    yield [N.Rule("add", N.Number(0.0), N.At(N.FirstPosition())), *items], ""


def inline(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    typed = lifted(program)
    items = [inlined(i, typed) if isinstance(i, N.Rule) else i for i in typed.program.items]
    if items != list(typed.program.items):
        yield items, ""


def _conditions(node: N.Node) -> Iterator[N.Expr]:
    test = isinstance(node, N.Method) and METHODS[node.name].kind is BOOL
    if isinstance(node, N.And | N.Or | N.Not | N.Compare | N.Member | N.Method) and (
        test or not isinstance(node, N.Method)
    ):
        yield node


def de_morgan(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.And | N.Or):
        other = N.Or if isinstance(node, N.And) else N.And
        yield N.Not(other(N.Not(node.left), N.Not(node.right))), ""


def double_negation(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    yield from ((N.Not(N.Not(found)), "") for found in _conditions(node))


def split_set(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Member) and isinstance(node.collection, N.SetOf) and len(node.collection.items) > 1:
        items = node.collection.items
        yield N.Or(N.Member(node.item, N.SetOf(items[1:])), N.Member(node.item, N.SetOf(items[:1]))), ""
        yield replace(node, collection=N.SetOf(items[::-1])), ""


def flip_compare(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Compare):
        op = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}[node.op]
        yield N.Compare(op, node.right, node.left), ""


def arithmetic(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    match node:
        case N.Binary(op="-", left=left, right=N.Number(value=value)) if float(value).is_integer():
            yield N.Binary("+", N.Binary("-", left, N.Number(value + 2)), N.Number(2.0)), ""
        case N.Binary(op="*" | "+" as op, left=left, right=right):
            yield N.Binary(op, right, left), ""
        case N.Rule(value=value):
            yield replace(node, value=N.Binary("/", N.Binary("*", value, N.Number(3.0)), N.Number(3.0))), ""


SAME: dict[str, Rewrite] = {
    "rules swapped": swap_adds,
    "weight split": split_weight,
    "dead rule": dead_rule,
    "let written out": inline,
    "De Morgan": in_rules(de_morgan),
    "double negation": in_rules(double_negation),
    "set reordered, split": in_rules(split_set),
    "comparison turned": in_rules(flip_compare),
    "arithmetic": in_rules(arithmetic),
}


# ---------------------------------------------------------------- what changes it


def other_bound(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Compare) and isinstance(node.right, N.Number):
        yield replace(node, right=N.Number(node.right.value + 1)), ""
    if isinstance(node, N.Binder):
        for side in ("lower", "upper"):
            if getattr(node, side) is not None:
                yield replace(node, **{side: N.Binary("+", getattr(node, side), N.Number(1.0))}), ""


def open_bound(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Compare) and node.op in ("<", "<=", ">", ">="):
        yield replace(node, op={"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[node.op]), ""
    if isinstance(node, N.Binder) and node.lower is not None:
        yield replace(node, lower_open=not node.lower_open), ""
    if isinstance(node, N.Binder) and node.upper is not None:
        yield replace(node, upper_open=not node.upper_open), ""


def other_member(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.SetOf) and node.items and isinstance(node.items[0], N.Text):
        for at in (0, len(node.items) - 1):
            word = node.items[at]
            assert isinstance(word, N.Text)
            yield N.SetOf((*node.items[:at], *node.items[at + 1 :], N.Text(RARE))), word.value
    if isinstance(node, N.Compare) and isinstance(node.right, N.Text):
        yield replace(node, right=N.Text(node.right.value + "s")), node.right.value


def rare_condition(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at, item in enumerate(items):
        if isinstance(item, N.Rule):
            unless = N.Not(N.Method(N.Feature(N.Var("q"), "raw"), "endswith", (N.Text("cean"),)))
            both = unless if item.when is None else N.And(item.when, unless)
            yield [*items[:at], replace(item, when=both), *items[at + 1 :]], "ocean"


def one_percent(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at, item in enumerate(items):
        if isinstance(item, N.Rule):
            yield [
                *items[:at], replace(item, value=N.Binary("*", item.value, N.Number(1.01))), *items[at + 1 :]
            ], ""  # fmt: skip


def swap_others(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at in range(len(items) - 1):
        two = items[at : at + 2]
        if all(isinstance(i, N.Rule) for i in two) and any(i.action not in ("add", "share") for i in two):  # type: ignore[attr-defined]
            yield [*items[:at], two[1], two[0], *items[at + 2 :]], ""


def only_late(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    late = N.Compare("==", N.Var("q"), N.Number(41.0))
    rule = N.Rule("add", N.Number(0.3), N.At(N.SelfPosition()), when=late)
    items = list(lifted(program).program.items)
    last = len(items) - 1 if items and isinstance(items[-1], N.Normalize | N.Mask | N.Softmax) else len(items)
    yield [*items[:last], rule, *items[last:]], ""


OTHER: dict[str, Rewrite] = {
    "bound off by one": in_rules(other_bound),
    "<= for <": in_rules(open_bound),
    "another word": in_rules(other_member),
    "rare condition": rare_condition,
    "weight 1% more": one_percent,
    "order": swap_others,
    "at one late query": only_late,
}
