"""What a program costs before it runs, read off its tree: nested loops over tokens, windows and words.

A cost is a power of n (tokens) and a power of w (a constant window); words count as tokens, their number grows with n.
"""

from __future__ import annotations

from dataclasses import dataclass

from attndsl.dsl import nodes as N
from attndsl.dsl.checker import TypedProgram


@dataclass(frozen=True, order=True, slots=True)
class Cost:
    """``n ** n_power * w ** w_power``; ordered by growth in n, then in w."""

    n_power: int = 0
    w_power: int = 0

    def __mul__(self, other: Cost) -> Cost:
        return Cost(self.n_power + other.n_power, self.w_power + other.w_power)

    def __str__(self) -> str:
        parts = [
            letter if power == 1 else f"{letter}^{power}"
            for letter, power in (("n", self.n_power), ("w", self.w_power))
            if power
        ]
        return f"O({'·'.join(parts) or '1'})"


ONE, TOKENS, WINDOW = Cost(), Cost(1), Cost(0, 1)


def cost_of(typed: TypedProgram) -> Cost:
    """The cost of a program: of its most expensive rule or normalisation.

    A rule costs, for every query, its target's keys times what is computed at each. Normalising a row costs n per query
    once all of its cells may be filled.
    """
    lets = {name: _Costs({}).of(let.value) for name, let in typed.lets.items() if not let.params}
    costs = _Costs(lets, typed)
    worst = TOKENS
    for item in typed.program.items:
        match item:
            case N.Rule():
                worst = max(worst, TOKENS * costs.rule(item))
            case N.Softmax():
                worst = max(worst, TOKENS * TOKENS)
    return worst


class _Costs:
    def __init__(self, lets: dict[str, Cost], typed: TypedProgram | None = None) -> None:
        self.lets = lets
        self.typed = typed

    def rule(self, rule: N.Rule) -> Cost:
        value = max(self.of(rule.value), self.of(rule.weight) if rule.weight is not None else ONE)
        when = self.of(rule.when) if rule.when is not None else ONE
        if isinstance(rule.target, N.At):
            return max(when, self.of(rule.target.position), value)
        binder = rule.target.binder
        inner = max(value, self.of(binder.where) if binder.where is not None else ONE)
        return max(when, self.bounds(binder), self.length(binder) * inner)

    def of(self, node: N.Expr) -> Cost:
        """Cost of one evaluation of an expression."""
        if isinstance(node, N.Aggregate):
            binder = node.binder
            inner = max(
                self.of(binder.where) if binder.where is not None else ONE,
                self.of(node.value) if node.value is not None else ONE,
            )
            return max(self.bounds(binder), self.length(binder) * inner)
        own = ONE
        if isinstance(node, N.RowStat):
            own = TOKENS
        elif isinstance(node, N.Name):
            own = self.lets.get(node.name, ONE)
        elif isinstance(node, N.Call) and self.typed is not None:
            own = self.of(self.typed.lets[node.name].value)
        return max([own, *(self.of(child) for child in N.children(node) if isinstance(child, N.Expr))])

    def bounds(self, binder: N.Binder) -> Cost:
        parts = [part for part in (binder.domain, binder.lower, binder.upper) if part is not None]
        return max([ONE, *(self.of(part) for part in parts)])

    def length(self, binder: N.Binder) -> Cost:
        """How many values the variable takes: a window when both bounds are a constant apart, else all tokens."""
        if binder.lower is not None and binder.upper is not None:
            low, high = _anchor(binder.lower), _anchor(binder.upper)
            if low == high and low is not None:
                return WINDOW
        return TOKENS


def _anchor(node: N.Expr) -> N.Expr | None:
    """What a bound is a constant away from: ``q`` for ``q - 3``; None when it is nothing of the kind."""
    match node:
        case N.Binary(op="+" | "-", left=left, right=N.Number()):
            return _anchor(left)
        case N.Function(name="max", args=(N.Number(), other)) | N.Function(name="max", args=(other, N.Number())):
            return _anchor(other)
        case N.Var() | N.SelfPosition():
            return N.Var("q") if isinstance(node, N.SelfPosition) else node
    return None
