"""How large and how deep a program is once every definition stands where it is used.

Checker, interpreter and lowering walk expressions recursively; these limits keep them within Python's stack, and keep
definitions of definitions from doubling without end.
"""

from __future__ import annotations

from collections.abc import Mapping

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import fail

MAX_EXPANSION = 200_000
MAX_DEPTH = 100
_USES = (N.Name, N.Call)


def measure_expansion(program: N.Program) -> None:
    """Raises DiagnosticError: E0003 (deeper than MAX_DEPTH), E0212 (more than MAX_EXPANSION nodes)."""
    known: dict[str, tuple[int, int]] = {}
    total = 0
    for item in program.items:
        size, depth = _measure(item, known)
        if isinstance(item, N.Let):
            known.setdefault(item.name, (size, depth))
        total = max(total, size) if isinstance(item, N.Let) else total + size
        place = item.span if program.source is not None and item.span.end else None
        if depth > MAX_DEPTH:
            raise fail(
                "E0003",
                f"an expression nests deeper than {MAX_DEPTH}, definitions included",
                source=program.source,
                span=place,
                help="split it into several rules",
            )
        if total > MAX_EXPANSION:
            raise fail(
                "E0212",
                f"the definitions expand to more than {MAX_EXPANSION:,} nodes",
                source=program.source,
                span=place,
                help="use a definition fewer times",
            )


def _measure(top: N.Node, known: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Number of nodes and depth of a tree, with ``known`` definitions in the place of their names; no recursion."""
    found, parents = [top], [-1]  # each node after its parent, whose place is in ``parents``
    for at, node in enumerate(found):
        below = N.children(node)
        if below:
            found += below
            parents += [at] * len(below)
    sizes, depths = [1] * len(found), [0] * len(found)
    for at in range(len(found) - 1, -1, -1):
        node, parent = found[at], parents[at]
        size, depth = sizes[at], depths[at]
        if isinstance(node, _USES):
            inner, deep = known.get(node.name, (0, 0))
            size, depth = size + inner, max(depth, deep)
        depth += 1
        if parent < 0:
            return size, depth
        sizes[parent] += size
        if depth > depths[parent]:
            depths[parent] = depth
    raise AssertionError("the first node has no parent")
