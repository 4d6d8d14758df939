"""Choices: a condition that was decided outside is not asked again inside, and equal outcomes are one.

select(c, select(c, x, y), z)  ->  select(c, x, z)
select(c, x, select(c, y, z))  ->  select(c, x, z)
select(c, x, select(d, x, z))  ->  select(c or d, x, z)
select(c, x, x)                ->  x
"""

from __future__ import annotations

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Op


def merge_selects(op: Op, builder: Builder) -> Op | None:
    """The rule; every result has fewer selects than what it replaces."""
    if op.name != "select":
        return None
    condition, then, other = op.args
    if then is other:
        return then
    if then.name == "select" and then.args[0] is condition:
        return builder.select(condition, then.args[1], other)
    if other.name == "select" and other.args[0] is condition:
        return builder.select(condition, then, other.args[2])
    if other.name == "select" and other.args[1] is then:
        return builder.select(builder.or_(condition, other.args[0]), then, other.args[2])
    return None
