"""Tree -> TypedProgram, or every independent error of the program.

Goals: names, arity, kinds, scopes, causality. Non-goals: cost (``dsl/cost.py``), whether a predicate can ever be true
of a tokenizer's vocabulary (``runtime/vocabulary.py``). Expressions are checked by ``dsl/check_expr.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from attndsl.dsl import nodes as N
from attndsl.dsl.check_expr import ExpressionChecker, Scope
from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, Severity
from attndsl.dsl.expansion import measure_expansion
from attndsl.dsl.fixes import removal_fixes
from attndsl.dsl.printer import number
from attndsl.dsl.types import NUM, UNKNOWN, WORD, Type


@dataclass(frozen=True)
class TypedProgram:
    """A checked program. ``reads`` lists the features it reads (``"token.raw"``, ``"word.pos"``, ``"host.name"``)."""

    program: N.Program
    lets: Mapping[str, N.Let]
    reads: tuple[str, ...]
    warnings: tuple[Diagnostic, ...] = ()
    kinds: Mapping[str, Type] = field(default_factory=dict, compare=False)  # of the definitions that have one kind

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def causal(self) -> bool:
        return self.program.direction == "causal"

    @property
    def needs_words(self) -> bool:
        """True when a parser (spaCy) is needed to run it."""
        return any(read.startswith("word.") for read in self.reads)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Relations the host must register."""
        return tuple(read.removeprefix("host.") for read in self.reads if read.startswith("host."))


_NUM = Type(NUM)


def check(program: N.Program) -> TypedProgram:
    """Check one program.

    Raises DiagnosticError with every independent error (codes E0201 to E0210), or with E0003 or E0212 alone when the
    program is nested too deeply or expands too far to be looked at.
    """
    measure_expansion(program)
    checker = _Checker(program)
    checker.run()
    errors = [d for d in checker.found if d.severity is Severity.ERROR]
    if errors:
        raise DiagnosticError(errors)
    reads = tuple(sorted(checker.reads))
    return TypedProgram(program, dict(checker.lets), reads, tuple(checker.found), checker.kinds())


class _Checker(ExpressionChecker):
    """Statements, one after another."""

    def run(self) -> None:
        for item in self.program.items:
            match item:
                case N.Let():
                    self.let(item)
                case N.Matrix(name=name):
                    if name in self.matrices or name in self.lets:
                        self.report("E0206", f"{name} is defined twice", item)
                    self.matrices.add(name)
                case N.Rule():
                    self.rule(item)
                case N.Normalize(matrix=matrix) | N.Mask(matrix=matrix):
                    self.matrix(matrix, item)
                case N.Softmax(matrix=matrix, temperature=temperature):
                    self.matrix(matrix, item)
                    if temperature is not None:
                        self.expect(temperature, {"q": _NUM}, NUM)
        reads = set(self.reads)  # what a claim reads, the program does not: claims are checked last
        for item in self.program.items:
            if isinstance(item, N.CheckedClaim):
                self.checked_claim(item)
        self.reads = reads
        for name, let in self.lets.items():
            if name not in self.used:
                self._try_unused(let)
                fixes = removal_fixes(self.source, let)
                self.report(
                    "W0101", f"{name} is defined but never used", let, help="remove the definition", fixes=fixes
                )

    def kinds(self) -> dict[str, Type]:
        """The kind of every definition; one with parameters has it when all of its calls agree."""
        found = dict(self._names)
        for name, let in self.lets.items():
            results = {kind for (called, _), kind in self._calls.items() if called == name}
            if let.params and len(results) == 1:
                found[name] = results.pop()
        return found

    def _try_unused(self, let: N.Let) -> None:
        scope = dict.fromkeys(let.params, Type(UNKNOWN))
        self.infer(let.value, scope)

    def let(self, item: N.Let) -> None:
        if item.name in self.lets or item.name in self.matrices:
            self.report("E0206", f"{item.name} is defined twice", item, help="give the second definition another name")
            return
        if len(set(item.params)) != len(item.params):
            self.report("E0206", f"a parameter of {item.name} is named twice", item)
        if "n" in item.params:
            self.report("E0205", "n is the number of tokens and cannot be a parameter", item)
        if not item.params:
            self._names[item.name] = self.infer(item.value, {})
        self.lets[item.name] = item

    def rule(self, rule: N.Rule) -> None:
        self.matrix(rule.matrix, rule)
        scope: dict[str, Type] = {"q": _NUM}
        if rule.when is not None:
            self.condition(rule.when, scope)
        if isinstance(rule.target, N.Each):
            binder = rule.target.binder
            bound, kind = self.binder(binder, scope)
            if kind is WORD:
                self.report("E0203", "keys are tokens, and this variable runs over words", binder)
            self.value(rule, bound)
        else:
            self.expect(rule.target.position, scope, NUM, optional=True)
            self.value(rule, {**scope, "k": _NUM})

    def checked_claim(self, claim: N.CheckedClaim) -> None:
        """Checked as a rule is, without what only exists while rules run."""
        if claim.bound > 1:
            self.report("E0213", f"a claim of {number(claim.bound)} where a row has a mass of 1", claim)
        for node in N.walk(claim):
            if isinstance(node, N.Cell | N.RowStat | N.Host):
                self.report("E0213", "a claim is about the finished pattern, and cannot read weights or the host", node)
        scope: dict[str, Type] = {"q": _NUM}
        if claim.when is not None:
            self.condition(claim.when, scope)
        if isinstance(claim.target, N.Each):
            _, kind = self.binder(claim.target.binder, scope)
            if kind is WORD:
                self.report("E0203", "keys are tokens, and this variable runs over words", claim.target.binder)
        else:
            self.expect(claim.target.position, scope, NUM, optional=True)

    def value(self, rule: N.Rule, scope: Scope) -> None:
        self.expect(rule.value, scope, NUM, optional=True)
        if rule.weight is not None:
            self.expect(rule.weight, scope, NUM, optional=True)
