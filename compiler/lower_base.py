"""What all parts of the lowering share: conditions of evaluation, presence, run-time checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Check, Op
from attndsl.compiler.values import Lowered, Value
from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram
from attndsl.dsl.diagnostics import fail
from attndsl.dsl.types import BOOL, NUM, STR, WORD

Scope = Mapping[str, Lowered]
Path = tuple[Op, ...]
DTYPE = {NUM: "f", BOOL: "b", STR: "s", WORD: "f"}


class LoweringBase(ABC):
    """Lowers the expressions of one program. ``path`` holds the conditions under which an expression is evaluated."""

    def __init__(self, typed: TypedProgram, builder: Builder) -> None:
        self.typed = typed
        self.b = builder
        self.checks: list[Check] = []
        self.matrices: dict[str, Op] = {"W": builder.const(0.0)}
        self.depth = 0
        self.group = self.phase = self.first_phase = 0

    # ------------------------------------------------------------ entry points

    def value(self, node: N.Expr, scope: Scope, path: Path) -> Value:
        found = self.lower(node, scope, path)
        assert isinstance(found, Value), "the checker lets no set stand where one value is needed"
        return found

    def number(self, node: N.Expr, scope: Scope, path: Path) -> Value:
        found = self.value(node, scope, path)
        return Value(self.b.number(found.op), NUM, found.present)

    def truth(self, node: N.Expr, scope: Scope, path: Path) -> Op:
        """A condition: false where it is none."""
        found = self.value(node, scope, path)
        return self.b.and_(found.present, found.op)

    def cannot(self, node: N.Node, why: str) -> Exception:
        source = self.typed.program.source
        span = node.span if source is not None and node.span.end else None
        return fail("E0351", f"cannot compile: {why}", source=source, span=span, help="rewrite this part")

    def check(self, fails: Op, path: Path, code: str, what: str, node: N.Node) -> None:
        bad = self.b.and_(*path, fails)
        if bad is not self.b.const(False):
            self.checks.append(Check(bad, code, what, node.span, self.group, self.phase))

    @abstractmethod
    def lower(self, node: N.Expr, scope: Scope, path: Path) -> Lowered:
        """Any expression; ``path`` holds the conditions under which it is evaluated."""

    def both(self, *values: Value) -> Op | None:
        """Presence of all values."""
        present = [v.present for v in values if v.present is not None]
        return self.b.and_(*present) if present else None
