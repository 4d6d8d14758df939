"""Where the names of a program are held while it is lifted."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport.lift.values import Value

if TYPE_CHECKING:
    from attndsl.dsl.pyimport.lift.machine import State


@frozen
class Scope:
    """Where names are held, and which it binds anywhere: until then they have no value, whatever is outside."""

    key: int
    names: frozenset[str]


@dataclass(slots=True)
class Frame:
    """One activation of a function: the scopes that are seen, from the innermost on, and the ways it returned."""

    key: int
    chain: tuple[Scope, ...]
    function: ast.FunctionDef | None = None
    returns: list[tuple[State, Value]] = field(default_factory=list)
    of_file: bool = False  # no activation: an expression of the file
