"""One function looked at on its own: what it refuses, and which names of the module and the host it needs."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from attndsl.dsl import pytree
from attndsl.dsl.diagnostics import Diagnostic, Fix, diagnostic
from attndsl.dsl.policy import POLICY, Accepted, Refused, decide
from attndsl.dsl.pyimport import members, rules, vocabulary
from attndsl.dsl.pyimport.cached import CACHES
from attndsl.dsl.pyimport.members import Verdict
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.read import import_targets
from attndsl.dsl.pyimport.scopes import Scope, ScopeNode, argument_names, dotted, open_scope

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__builtins__"}


@dataclass(eq=False)
class Facts:
    """What one function (or the expression of a constant) needs and refuses.

    ``functions``, ``constants``, ``host``: name -> its first use here. ``found``: refusals of this code alone.
    """

    functions: dict[str, ast.Name] = field(default_factory=dict)
    constants: dict[str, ast.Name] = field(default_factory=dict)
    host: dict[str, ast.Name] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)


def function_facts(module: PyModule, node: ast.FunctionDef, host: Collection[str]) -> Facts:
    """Look at one module-level function."""
    looker = _Looker(module, host)
    looker.visit(node)
    looker.report_unused_imports()
    return looker.facts


def constant_builders(module: PyModule) -> dict[str, list[ast.stmt]]:
    """Name -> the module-level statements that build the constant, in file order."""
    found: dict[str, list[ast.stmt]] = {}
    for statement in module.order:
        for name in {n.id for n in pytree.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}:
            found.setdefault(name, []).append(statement)
    return found


def constant_facts(module: PyModule, name: str, builders: Iterable[ast.stmt], host: Collection[str]) -> Facts:
    """Look at the module-level statements that build one constant."""
    looker = _Looker(module, host)
    for statement in builders:
        looker.visit(statement)
    looker.facts.constants.pop(name, None)
    return looker.facts


class _Looker:
    def __init__(self, module: PyModule, host: Collection[str]) -> None:
        self.module = module
        self.host = host
        self.facts = Facts()
        self.scope: Scope | None = None
        self.in_annotation = False
        self.undefined: set[str] = set()
        self.imported: dict[str, tuple[Verdict, ast.AST]] = {}
        self.shown: set[str] = set()
        self.called: set[int] = set()  # ids of the Name nodes that are called

    def report(self, verdict: Verdict, node: ast.AST, label: str = "") -> None:
        span = self.module.span(node)
        if isinstance(node, ast.Attribute):  # the smallest span: the attribute's own name
            span = type(span)(max(span.start, span.end - len(node.attr)), span.end)
        # A refused member under a plain name was imported: the import is wrong, not this use of it.
        here = isinstance(node, ast.Attribute) or verdict.code == "E0220"
        fixes = [Fix(f"write {verdict.better}", span, verdict.better)] if verdict.better and here else []
        self.facts.found.append(
            diagnostic(
                verdict.code, verdict.headline, source=self.module.source, span=span, label=label, help=verdict.help,
                fixes=fixes,
            )
        )  # fmt: skip

    def visit(self, node: ast.AST) -> None:
        if node.__class__ is ast.Constant and node.value.__class__ in _USUAL:
            return  # the commonest leaf, of which no rule asks more
        look = _LOOKS.get(node.__class__)
        if node.__class__ not in _PLAIN:
            decision = decide(node)
            if isinstance(decision, Refused):
                self.report(Verdict(decision.code, decision.reason, decision.help), _head_of(node))
                return  # what is inside a refused construct stays quiet
            for verdict, place in rules.judge(node, self.resolve, self.scope is not None):
                self.report(verdict, place)
            if isinstance(node, ast.Call):
                self.called.add(id(node.func))
        if look is not None:
            look(self, node)
        else:
            for child in pytree.below((node,)):
                self.visit(child)

    def _function(self, node: ast.FunctionDef | ast.Lambda) -> None:
        for name in argument_names(node.args):
            self._bound_name(name, node.args)
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        self._signature_annotations(node)
        self.scope = open_scope(node, self.scope)
        for item in node.body if isinstance(node, ast.FunctionDef) else [node.body]:
            self.visit(item)
        self.scope = self.scope.parent

    def _signature_annotations(self, node: ast.FunctionDef | ast.Lambda) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        found = [a.annotation for a in every if a is not None]
        if isinstance(node, ast.FunctionDef):
            found.append(node.returns)
        for annotation in found:
            if annotation is not None:
                self._annotation(annotation)

    def _annotation(self, node: ast.expr) -> None:
        before, self.in_annotation = self.in_annotation, True
        self.visit(node)
        self.in_annotation = before

    def _annotated(self, node: ast.AnnAssign) -> None:
        # Python does not evaluate the annotations of local variables.
        if self.scope is None:
            self._annotation(node.annotation)
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)

    def _comprehension(self, node: ScopeNode) -> None:
        assert isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp)
        self.visit(node.generators[0].iter)
        self.scope = open_scope(node, self.scope)
        for position, generator in enumerate(node.generators):
            if position > 0:
                self.visit(generator.iter)
            self.visit(generator.target)
            for test in generator.ifs:
                self.visit(test)
        for item in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self.visit(item)
        self.scope = self.scope.parent

    def resolve(self, node: ast.expr) -> str | None:
        """The dotted target of an expression that leads into an imported module, else None."""
        chain = dotted(node)
        if chain is None:
            return None
        root, parts = chain
        scope = self.scope.find(root.id) if self.scope is not None else None
        target = scope.imports.get(root.id) if scope is not None else None
        if scope is None and root.id not in self.module.functions:
            target = self.module.imports.get(root.id)
        return None if target is None else ".".join([target, *parts])

    def _attribute(self, node: ast.Attribute) -> None:
        target = self.resolve(node)
        if target is not None:
            self._member(node, target)
            return
        before = len(self.facts.found)
        self.visit(node.value)
        verdict = members.judge_attribute(node.attr)
        follows = verdict is not None and verdict.code == "E0223" and len(self.facts.found) > before
        if verdict is not None and not follows:  # nobody knows what a refused value has
            self.report(verdict, node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, target in import_targets(node).items():
            self._bound_name(name, node)
            if target.startswith("."):
                verdict: Verdict | None = Verdict("E0130", "imports from the file's own package are not read")
            else:
                serves_annotations = vocabulary.MODULES.get(target.rpartition(".")[0], 0) is None
                known = target in vocabulary.MODULES or serves_annotations or target in CACHES
                verdict = None if known else members.judge_member(target, False)
            if verdict is not None:
                self.imported[name] = (verdict, node)

    def report_unused_imports(self) -> None:
        """A refused import is shown where it is used; one that is not used, at the import."""
        for name, (verdict, node) in self.imported.items():
            if name not in self.shown:
                self.report(verdict, node)

    def _global(self, node: ast.Global) -> None:
        for name in node.names:
            self._bound_name(name, node)
        owner = self.scope.node if self.scope is not None else None
        assert isinstance(owner, ast.FunctionDef)
        for verdict, place in rules.judge_global(owner, node, self.resolve):
            self.report(verdict, place)

    def _name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._bound_name(node.id, node)
            return
        scope = self.scope.find(node.id) if self.scope is not None else None
        if scope is not None:
            self._local(node, scope)
        elif node.id in self.module.functions:
            self.facts.functions.setdefault(node.id, node)
        elif node.id in self.module.refused:
            self.facts.found.append(self.module.refused[node.id])
        elif node.id in self.module.constants or node.id in self.module.state:
            self.facts.constants.setdefault(node.id, node)
        elif node.id in self.module.imports:
            self._member(node, self.module.imports[node.id])
        elif node.id in _BUILTINS:
            verdict = members.judge_builtin(node.id)
            if verdict is not None and not self.in_annotation:
                self.report(verdict, node)
        elif node.id in self.host:
            self.facts.host.setdefault(node.id, node)
        elif node.id not in self.undefined:
            self.undefined.add(node.id)
            self.report(self._undefined(node), node)

    def _bound_name(self, name: str, node: ast.AST) -> None:
        """Names such as ``__builtins__`` and ``_getattr_`` belong to Python's and the sandbox's machinery."""
        if name.startswith("__") or (len(name) > 2 and name.startswith("_") and name.endswith("_")):
            self.report(Verdict("E0134", f"`{name}` is a name of Python's own machinery", "choose another name"), node)

    def _local(self, node: ast.Name, scope: Scope) -> None:
        if node.id in scope.imports:
            self._member(node, scope.imports[node.id])

    def _member(self, node: ast.expr, target: str) -> None:
        verdict = members.judge_member(target, self.in_annotation)
        if verdict is not None:
            self.report(verdict, node)
            chain = dotted(node)
            if chain is not None:
                self.shown.add(chain[0].id)

    def _undefined(self, node: ast.Name) -> Verdict:
        known = {*self.module.functions, *vocabulary.BUILTIN_FUNCTIONS, *self.host}
        called = id(node) in self.called
        if not called:
            known |= {*self.module.constants, *self.module.imports}
        at = self.scope
        while at is not None:
            known |= set(at.functions) if called else at.bound
            at = at.parent
        near = members.nearest(node.id, known)
        if near is not None:
            advice = f"did you mean `{near}`?"
        elif called:
            advice = f"define it in the file, or register it: host={{'{node.id}': function}}"
        else:
            advice = "assign it before it is used"
        return Verdict("E0220", f"name `{node.id}` is not defined", advice, near)


_LOOKS: dict[type[ast.AST], Callable[[_Looker, Any], None]] = {
    ast.FunctionDef: _Looker._function,
    ast.Lambda: _Looker._function,
    ast.ListComp: _Looker._comprehension,
    ast.SetComp: _Looker._comprehension,
    ast.GeneratorExp: _Looker._comprehension,
    ast.DictComp: _Looker._comprehension,
    ast.Attribute: _Looker._attribute,
    ast.Name: _Looker._name,
    ast.AnnAssign: _Looker._annotated,
    ast.Import: _Looker._import,
    ast.ImportFrom: _Looker._import,
    ast.Global: _Looker._global,
}
"""How each class of nodes is looked at; of the others only what is below them."""


_USUAL = frozenset((str, int, float, bool, type(None)))
_PLAIN = frozenset(
    kind for kind in (vars(ast)[name] for name, decision in POLICY.items() if isinstance(decision, Accepted))
    if isinstance(kind, type) and not issubclass(kind, rules.JUDGED)
)  # fmt: skip
"""The accepted classes of which no rule asks more."""


def _head_of(node: ast.AST) -> ast.AST:
    """A smaller node to point at, for constructs that span many lines."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return node.items[0].context_expr
    if isinstance(node, ast.Match):
        return node.subject
    return node
