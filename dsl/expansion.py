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
    done: dict[int, tuple[int, int]] = {}
    stack = [(top, False)]
    while stack:
        node, ready = stack.pop()
        below = list(N.children(node))
        if not ready:
            stack.append((node, True))
            stack.extend((child, False) for child in below)
            continue
        inside = [done[id(child)] for child in below]
        if isinstance(node, N.Name | N.Call):
            inside.append(known.get(node.name, (0, 0)))
        done[id(node)] = 1 + sum(size for size, _ in inside), 1 + max((depth for _, depth in inside), default=0)
    return done[id(top)]
