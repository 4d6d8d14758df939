"""Ways to make a program smaller by one step, and how large a program is.

Size is a description length: one for every node of the tree, and one more for every digit of a number after the
second. Claims are for readers and cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from attndsl.dsl import nodes as N

Items = tuple[N.Item, ...]
PLAIN_DIGITS = 2


@dataclass(frozen=True)
class Step:
    """A smaller program. ``at``: the statements that it changes, by their places before it."""

    kind: str
    at: frozenset[int]
    items: Items


def size(items: Sequence[N.Item]) -> int:
    """The description length of a program's statements."""
    total = 0
    for item in items:
        if not isinstance(item, N.Claim | N.CheckedClaim):
            total += sum(1 + (_extra_digits(n.value) if isinstance(n, N.Number) else 0) for n in N.walk(item))
    return total


def rules(items: Sequence[N.Item]) -> int:
    """How many rules there are."""
    return sum(isinstance(item, N.Rule) for item in items)


def _digits(value: float) -> int:
    return len(f"{value:.15g}".replace(".", "").replace("-", "").lstrip("0").split("e")[0].rstrip("0")) or 1


def _extra_digits(value: float) -> int:
    return max(0, _digits(value) - PLAIN_DIGITS)


def steps(items: Items) -> Iterator[Step]:
    """Every smaller program one step away. Not all of them are programs that check."""
    for at, item in enumerate(items):
        if not isinstance(item, N.Let | N.Claim | N.CheckedClaim | N.Matrix):
            yield Step("out", frozenset({at}), tidy(items[:at] + items[at + 1 :]))
        if isinstance(item, N.Rule | N.Let):
            for kind, new in _smaller(item):
                yield Step(kind, frozenset({at}), tidy((*items[:at], new, *items[at + 1 :])))
    yield from _merged(items)


def together(items: Items, chosen: Sequence[Step]) -> Items:
    """Steps that change different statements, all taken at once; ``items`` is what each of them starts from."""
    result: list[N.Item | None] = list(items)
    for step in chosen:
        _apply(items, step, result)
    return tidy(tuple(item for item in result if item is not None))


def _apply(items: Items, step: Step, result: list[N.Item | None]) -> None:
    """Put a step's statements in their places: one of its places holds what is new, the others nothing."""
    kept = {id(item) for at, item in enumerate(items) if at not in step.at}
    new = [item for item in step.items if id(item) not in kept]
    for at in sorted(step.at):
        result[at] = new.pop(0) if new else None


def tidy(items: Items) -> Items:
    """Without definitions and matrices that nothing uses."""
    while True:
        used = {
            name
            for item in items
            for node in N.walk(item)
            for name in (_uses(node) if node is not item or not isinstance(item, N.Let | N.Matrix) else ())
        }
        kept = tuple(item for item in items if not isinstance(item, N.Let | N.Matrix) or item.name in used)
        if len(kept) == len(items):
            return items
        items = kept


def _uses(node: N.Node) -> tuple[str, ...]:
    match node:
        case N.Name(name=name) | N.Call(name=name):
            return (name,)
        case N.Cell(matrix=matrix) | N.Rule(matrix=matrix) | N.Normalize(matrix=matrix) | N.Softmax(matrix=matrix):
            return (matrix,)
    return ()


# ---------------------------------------------------------------- one statement


def _smaller(node: Any) -> Iterator[tuple[str, Any]]:
    """Copies of a tree with one node made smaller."""
    yield from _here(node)
    for name in (f.name for f in fields(node)):
        value = getattr(node, name)
        if isinstance(value, N.Node):
            yield from ((kind, replace(node, **{name: new})) for kind, new in _smaller(value))
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, N.Node):
                    for kind, new in _smaller(item):
                        yield kind, replace(node, **{name: (*value[:at], new, *value[at + 1 :])})


def _here(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case N.And(left=left, right=right) | N.Or(left=left, right=right):
            yield "condition", left
            yield "condition", right
        case N.Not(value=N.Not(value=value)):
            yield "condition", value
        case N.IfElse(then=then, otherwise=other):
            yield "condition", then
            yield "condition", other
        case N.Otherwise(value=value, default=default):
            yield "expression", value
            yield "expression", default
        case N.SetOf(items=items) if len(items) > 1:
            yield from (("set", N.SetOf(part)) for part in _parts(items))
        case N.Number(value=value) if _extra_digits(value):
            yield from (("number", N.Number(float(f"{value:.{digits}g}"))) for digits in (1, 2))
        case N.Binary(left=left, right=right):
            yield "expression", left
            yield "expression", right
        case N.Function(args=args) if args:
            yield from (("expression", arg) for arg in args)
        case N.Method(base=base):
            yield "expression", base
        case N.Binder():
            yield from (("condition", new) for new in _wider(node))
        case N.Rule():
            if node.when is not None:
                yield "condition", replace(node, when=None)
            if node.weight is not None:
                yield "expression", replace(node, weight=None)


def _parts(items: tuple[N.Expr, ...]) -> Iterator[tuple[N.Expr, ...]]:
    """Halves of a large set, and the set less one member."""
    if len(items) > 3:
        middle = len(items) // 2
        yield items[:middle]
        yield items[middle:]
    if len(items) <= 12:
        yield from (items[:at] + items[at + 1 :] for at in range(len(items)))


def _wider(binder: N.Binder) -> Iterator[N.Binder]:
    if binder.where is not None:
        yield replace(binder, where=None)
    if binder.lower is not None:
        yield replace(binder, lower=None, lower_open=False)
    if binder.upper is not None:
        yield replace(binder, upper=None, upper_open=False)


# ---------------------------------------------------------------- two statements


def _merged(items: Items) -> Iterator[Step]:
    """Two rules that add numbers to the same keys, as one that adds their sum; or whose conditions are joined."""
    for at, first in enumerate(items):
        for other in range(at + 1, len(items)):
            second = items[other]
            if isinstance(first, N.Rule) and isinstance(second, N.Rule):
                for new in _one_of_two(first, second):
                    rest = (*items[:at], new, *items[at + 1 : other], *items[other + 1 :])
                    yield Step("merge", frozenset({at, other}), tidy(rest))


def _one_of_two(first: N.Rule, second: N.Rule) -> Iterator[N.Rule]:
    if first.action != second.action or first.matrix != second.matrix or first.weight != second.weight:
        return
    a, b = first.value, second.value
    if first.target == second.target and first.when == second.when and first.action in ("add", "share"):
        if isinstance(a, N.Number) and isinstance(b, N.Number):
            yield replace(first, value=N.Number(float(f"{a.value + b.value:.12g}")))
    elif first.target == second.target and a == b and first.when is not None and second.when is not None:
        yield replace(first, when=N.Or(first.when, second.when))
    elif first.when == second.when and a == b:
        target = _one_target(first.target, second.target)
        if target is not None:
            yield replace(first, target=target)


def _one_target(first: N.At | N.Each, second: N.At | N.Each) -> N.Each | None:
    """Keys that one or the other names, where only their conditions differ."""
    if not isinstance(first, N.Each) or not isinstance(second, N.Each):
        return None
    a, b = first.binder, second.binder
    if replace(a, where=None) != replace(b, where=None) or a.where is None or b.where is None:
        return None
    return N.Each(replace(a, where=N.Or(a.where, b.where)))
