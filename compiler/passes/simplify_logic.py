"""Conditions: what is said twice is said once.

a and a            ->  a            a and (a and b)  ->  a and b
a or a             ->  a            a or (a or b)    ->  a or b
a and (a or b)     ->  a            not not a        ->  a
"""

from __future__ import annotations

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Op


def simplify_logic(op: Op, builder: Builder) -> Op | None:
    """The rule; every result has fewer operations than what it replaces."""
    if op.name == "not" and op.args[0].name == "not":
        return op.args[0].args[0]
    if op.name not in ("and", "or"):
        return None
    left, right = op.args
    if left is right:
        return left
    for one, other in ((left, right), (right, left)):
        if other.name == op.name and one in other.args:
            return other
        if other.name in ("and", "or") and other.name != op.name and one in other.args:
            return one
    return None
