"""Proofs for all texts of every length: one cell at unknown positions of an unknown text, asked of z3.

What is proved is about real numbers: weights may differ in the last digits of float64, and no weight is so large or
so small that it overflows. Without z3 (``pip install 'attndsl[prove]'``) nothing is proved here, and that is said.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attndsl.compiler.ir import Check, IRProgram, reachable

if TYPE_CHECKING:
    from attndsl.runtime.equivalence.pair import Pair

QUESTION_MS = 4000
"""What one question may take. z3 counts steps of its own (below); the clock only backs them up."""
STEPS = 4_000_000
BODY_MS = 700


def z3_is_installed() -> bool:
    return importlib.util.find_spec("z3") is not None


@dataclass(frozen=True)
class Proof:
    """What could be proved of two programs. ``equal``, ``below`` (the first at most the second in every cell) and
    ``above`` hold for all texts; ``lengths`` are numbers of tokens at which a difference looks possible."""

    equal: bool = False
    below: bool = False
    above: bool = False
    lengths: tuple[int, ...] = ()


def prove(pair: Pair, order: bool = False) -> Proof:
    """Try to prove two programs equal, and, with ``order``, one of them nowhere above the other."""
    if same_compiled(pair):
        return Proof(True, True, True)
    # As lowered: the passes drop checks that cannot fail, and with them what is known of the divisors.
    lowered = pair.ir(optimized=False)
    if lowered is None or not _same_needs(*lowered) or not z3_is_installed():
        return Proof()
    return _Question(*lowered, pair.prefix_closed).proof(order)


def same_compiled(pair: Pair) -> bool:
    """Whether both compile to the very same operations: equal in every bit."""
    compiled = pair.ir()
    if compiled is None:
        return False
    first, second = compiled
    return first.result is second.result and _same_needs(first, second) and _same_checks(first, second)


def _same_needs(first: IRProgram, second: IRProgram) -> bool:
    """Otherwise one of them fails where a parser or a host relation is missing, and the other does not."""
    return first.hosts == second.hosts and first.needs_words == second.needs_words


def _same_checks(first: IRProgram, second: IRProgram) -> bool:
    return {check.fails.id for check in first.checks} == {check.fails.id for check in second.checks}


@dataclass
class _Question:
    """One cell of two programs in one graph."""

    first: IRProgram
    second: IRProgram
    causal: bool
    lengths: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        import z3

        from attndsl.runtime.equivalence.reductions import Reductions
        from attndsl.runtime.equivalence.terms import Terms

        self.z3 = z3
        self.reductions = Reductions(self._equal_bodies)
        self.terms = Terms(self.reductions, _divisors([*self.first.checks, *self.second.checks]))
        self.reductions.terms = self.terms
        q, k = z3.Int("q"), z3.Int("k")
        self.env = {"q": q, "k": k}
        n = self.terms.size
        self.cell = [q >= 0, q < n, k >= 0, k < n, self.terms.words >= 0]
        if self.causal:
            self.cell.append(k <= q)  # a causal program has no weight after the query

    def proof(self, order: bool) -> Proof:
        from attndsl.runtime.equivalence.terms import numbers

        a, b = numbers(self.terms.at(self.first.result, self.env), self.terms.at(self.second.result, self.env))
        fails = [self._fails(program) for program in (self.first, self.second)]
        if not self._errors_are_alike(fails):
            return Proof()
        given = [*self.cell, *(self.z3.Not(term) for term, here in fails[0] if here)]
        if self._holds(a == b, given, lengths=True):
            return Proof(True, True, True)
        lengths = tuple(sorted(set(self.lengths)))
        if not order:
            return Proof(lengths=lengths)
        return Proof(False, self._holds(a <= b, given), self._holds(a >= b, given), lengths)

    # ------------------------------------------------------------ errors

    def _fails(self, program: IRProgram) -> list[tuple[Any, bool]]:
        """When each check fails, and whether it is asked at the cell itself."""
        found = []
        for check in program.checks:
            env = {axis: self.env.get(axis, self.z3.Int(f"at {axis}")) for axis in check.fails.axes}
            found.append((self.terms.at(check.fails, env), set(check.fails.axes) <= {"q", "k"}))
        return found

    def _errors_are_alike(self, fails: list[list[tuple[Any, bool]]]) -> bool:
        """Whether a check that fails in one program is one that fails in the other, or never does."""
        n = self.terms.size
        places = {str(p): p for side in fails for term, _ in side for p in _positions(term)}
        inside = [self.terms.words >= 0, *(p >= 0 for p in places.values()), *(p < n for p in places.values())]
        for mine, others in (fails, list(reversed(fails))):
            for term, _ in mine:
                other = self.z3.Or(*(o for o, _ in others))
                if not self._holds(self.z3.Implies(term, other), inside):
                    return False
        return True

    # ------------------------------------------------------------ questions

    def _holds(self, goal: Any, given: list[Any], ms: int = QUESTION_MS, lengths: bool = False) -> bool:
        """Whether a goal follows; False where that is not known."""
        z3 = self.z3
        if z3.is_true(z3.simplify(goal, som=True)):
            return True
        solver = z3.Solver()
        solver.set("timeout", ms)
        solver.set("rlimit", STEPS)
        solver.add(*given, *self.reductions.facts, *self.terms.known_texts(), z3.Not(goal))
        answer = solver.check()
        if answer == z3.sat and lengths:
            self._note_length(solver)
        return bool(answer == z3.unsat)

    def _equal_bodies(self, a: Any, b: Any, given: list[Any]) -> bool:
        if a.sort() != b.sort():
            return False
        return self._holds(a == b, given, BODY_MS)

    def _note_length(self, solver: Any) -> None:
        """How many tokens the text has in which z3 thinks the two may differ: where to look first."""
        n, q = self.terms.size, self.env["q"]
        model = solver.model()
        solver.push()
        solver.add(n <= 512)
        if solver.check() == self.z3.sat:
            model = solver.model()
        solver.pop()
        for term in (n, q + 1):
            value = model.eval(term, model_completion=True)
            if value.is_int() and 1 <= value.as_long() <= 512:
                self.lengths.append(value.as_long())


def _divisors(checks: list[Check]) -> frozenset[int]:
    """What is compared with zero by a check: a divisor that is never zero where the program goes on."""
    found = set()
    for check in checks:
        for op in reachable([check.fails]):
            if op.name == "eq" and check.code == "E0401":
                for one, other in (op.args, op.args[::-1]):
                    if one.name == "const" and one.attr == 0:
                        found.add(other.id)
    return frozenset(found)


def _positions(term: Any) -> list[Any]:
    """The unknown positions of a term."""
    import z3

    seen: set[int] = set()
    found, stack = [], [term]
    while stack:
        at = stack.pop()
        if at.get_id() not in seen:
            seen.add(at.get_id())
            stack.extend(at.children())
            if z3.is_const(at) and at.decl().kind() == z3.Z3_OP_UNINTERPRETED and at.is_int():
                name = at.decl().name()
                if name in ("q", "k") or name.startswith("at t"):
                    found.append(at)
    return found
