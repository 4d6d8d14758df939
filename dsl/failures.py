"""Rules that only fail: ``add Error to first when ...``, where ``let Error = first(t before 0)`` is never there.

Such rules in a row that name the same value are one statement: for each query in turn they are looked at in their
order. So a program that came from Python fails where Python does, whose loop goes through all checks of a row before
the next row begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attndsl.dsl import nodes as N

NEVER = N.Aggregate("first", N.Binder("t", None, None, False, N.Number(0), True, None))


def statements(program: N.Program) -> Iterator[list[N.Item]]:
    """The items in their order: rules that fail together in one list, every other one alone."""
    never = {x.name for x in program.items if isinstance(x, N.Let) and not x.params and x.value == NEVER}
    run: list[N.Item] = []
    for item in program.items:
        if run and not (_fails(item, never) and _alike(run[-1], item)):
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def _fails(item: N.Item, never: Iterable[str]) -> bool:
    return (
        isinstance(item, N.Rule) and item.action == "add" and isinstance(item.target, N.At)
        and isinstance(item.value, N.Name) and item.value.name in never
    )  # fmt: skip


def _alike(one: N.Item, other: N.Item) -> bool:
    return (
        isinstance(one, N.Rule) and isinstance(other, N.Rule)
        and (one.action, one.matrix, one.target, one.value) == (other.action, other.matrix, other.target, other.value)
    )  # fmt: skip
