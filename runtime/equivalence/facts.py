"""What is known of operations without asking a solver: bounds, and which numbers are whole."""

from __future__ import annotations

import math

from attndsl.compiler.build import Builder
from attndsl.compiler.ir import Op

WHOLE_TEXT_FUNCTIONS = frozenset({"len", "find", "count", "common_prefix", "shared", "either"})


class Facts(Builder):
    """The builder's facts about operations, with the text functions that give whole numbers."""

    def integral(self, op: Op) -> bool:
        if op.name == "map_text":
            return op.attr[0] in WHOLE_TEXT_FUNCTIONS
        return super().integral(op)

    def _lower_bound(self, op: Op) -> float:
        match op.name:
            case "div" if all(self.low(arg) >= 0 for arg in op.args):
                return 0.0
            case "gather" | "rename" | "tanh" | "floor" | "trunc" | "product":
                return 0.0 if self.low(op.args[0]) >= 0 else -math.inf
            case "mod" if self.low(op.args[1]) > 0:
                return 0.0
            case "column" if op.attr.split(".")[1] in ("sentence", "line", "depth"):
                return 0.0
            case "map_text" if op.dtype == "f":
                return -1.0 if op.attr[0] == "find" else 0.0
        return super()._lower_bound(op)
