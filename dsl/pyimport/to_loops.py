"""Checked Python -> loop tree: scopes become frames with numbered slots, everything else keeps its shape.

The input has passed ``names.check_module``, so each construct here is an accepted one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from attndsl.dsl import pytree
from attndsl.dsl.pyimport import cached
from attndsl.dsl.pyimport import loops as lt
from attndsl.dsl.pyimport.late_imports import heads, late_imports
from attndsl.dsl.pyimport.names import ProgramCheck
from attndsl.dsl.pyimport.read import import_targets
from attndsl.dsl.pyimport.scopes import Scope, ScopeNode, argument_names, open_scope
from attndsl.dsl.pyimport.to_loops_expr import ExpressionLowering

RESERVED = 3  # slots 0..2 of a frame: outer frame, run, names


def lower_program(check: ProgramCheck) -> lt.Unit:
    """The loop tree of a program and of every helper and constant that it reaches.

    ``check`` is a verdict without refusals (``check.ok``); raises ValueError for another.
    """
    if not check.ok:
        raise ValueError(f"program {check.program.name!r} was refused")
    return _Lowering(check).unit()


class _Lowering(ExpressionLowering):
    def __init__(self, check: ProgramCheck) -> None:
        module = check.program.module
        reached = [*check.constants, *check.helpers, check.program.name]
        state = sorted(module.state - set(reached))
        super().__init__(module, {name: slot for slot, name in enumerate([*reached, *state])})
        self.check = check
        self._texts: dict[str, str] = {}
        self.late: dict[Scope, set[str]] = {}

    def unit(self) -> lt.Unit:
        setup: list[lt.Statement] = []
        wanted = set(self.globals)
        for node in self.module.order:  # `A, B = 1, 2` fills B as well where only A is read
            if wanted & _stored(node):
                for name in sorted(_stored(node)):
                    self.globals.setdefault(name, len(self.globals))
        for node in sorted(self._definitions(), key=lambda n: n.lineno):
            if isinstance(node, ast.FunctionDef):
                target = lt.SetGlobal(self.at(node), node.name, self.globals[node.name])
                setup.append(lt.Define(self.at(node), target, self.function(node)))
            elif wanted & _stored(node):
                setup.extend(self.statement(node))
        names = tuple(self.globals)
        return lt.Unit(names, tuple(setup), self.globals[self.check.program.name], self.check.host)

    def _definitions(self) -> list[ast.stmt]:
        functions = self.module.functions
        return [*self.module.order, *(functions[n] for n in self.globals if n in functions)]

    def pure_text(self, name: str) -> str:
        if name not in self._texts:
            node = self.module.functions.get(name)
            worth = node is not None and any(isinstance(n, ast.For | ast.comprehension) for n in pytree.walk(node))
            facts = self.check.reach(name) if worth else {}
            pure = bool(facts) and not any(f.host for f in facts.values())
            pure &= not any(n in self.module.functions and self.module.functions[n].decorator_list for n in facts)
            # what was kept would end a recursion sooner, that is too deep without it
            pure = pure and not any(n in self.check.reach(used) for n in facts for used in facts[n].functions)
            parts = [self._source_of(n) for n in sorted(facts)] if pure else []
            self._texts[name] = "\n".join([name, *parts]) if pure else ""
        return self._texts[name]

    def _source_of(self, name: str) -> str:
        node = self.module.functions.get(name)
        nodes = [node] if node is not None else [s for s in self.module.order if name in _stored(s)]
        return "\n".join(self.module.source.text[self.at(n).start : self.at(n).end] for n in nodes)

    # ---- scopes

    def enter(self, node: ScopeNode) -> list[str]:
        """Open the scope of ``node``; returns the names of its slots."""
        self.scope = open_scope(node, self.scope)
        ordered = argument_names(node.args) if isinstance(node, ast.FunctionDef | ast.Lambda) else []
        imports = set(self.scope.imports)
        if imports and isinstance(node, ast.FunctionDef) and (late := late_imports(node, imports)):
            self.late[self.scope] = late
            imports -= late
        ordered += sorted(self.scope.bound - set(ordered) - imports)
        self.slots[self.scope] = {name: RESERVED + k for k, name in enumerate(ordered)}
        return ["", "", "", *ordered]

    def leave(self) -> None:
        assert self.scope is not None
        self.scope = self.scope.parent

    # ---- functions

    def function(self, node: ast.FunctionDef | ast.Lambda) -> lt.MakeFunction:
        arguments = node.args
        defaults = [self.expr(d) for d in arguments.defaults]
        defaults += [self.expr(d) for d in arguments.kw_defaults if d is not None]
        names = self.enter(node)
        parameters = self._parameters(arguments)
        if isinstance(node, ast.FunctionDef):
            body = self.block(node.body)
            name = node.name
        else:
            body = (lt.Return(self.at(node.body), self.expr(node.body)),)
            name = "<lambda>"
        loop_names = frozenset(
            n.id
            for f in pytree.walk(node)
            if isinstance(f, ast.For | ast.comprehension)
            for n in pytree.walk(f.target)
            if isinstance(n, ast.Name)
        )
        self.leave()
        code = lt.Code(self.at(node), name, parameters, len(arguments.posonlyargs), tuple(names), body, loop_names)
        decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else ()
        cache = next((cached.settings(d, self.resolve) for d in decorators), None)
        return lt.MakeFunction(self.at(node), code, tuple(defaults), cache)

    def resolve(self, node: ast.expr) -> str | None:
        """The dotted name of a member of a module, else None."""
        found = self.expr(node) if isinstance(node, ast.Name | ast.Attribute) else None
        return found.target if isinstance(found, lt.Member) else None

    def _parameters(self, arguments: ast.arguments) -> tuple[lt.Parameter, ...]:
        assert self.scope is not None
        slots = self.slots[self.scope]
        found: list[lt.Parameter] = []
        positional = [*arguments.posonlyargs, *arguments.args]
        first_default = len(positional) - len(arguments.defaults)
        for position, item in enumerate(positional):
            found.append(
                lt.Parameter(self.at(item), item.arg, slots[item.arg], "positional", position >= first_default)
            )
        for item, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            found.append(lt.Parameter(self.at(item), item.arg, slots[item.arg], "keyword", default is not None))
        for extra, kind in ((arguments.vararg, "rest"), (arguments.kwarg, "options")):
            if extra is not None:
                found.append(lt.Parameter(self.at(extra), extra.arg, slots[extra.arg], kind, False))
        return tuple(found)

    # ---- statements

    def block(self, statements: list[ast.stmt]) -> tuple[lt.Statement, ...]:
        if not self.late:
            return tuple(lowered for node in statements for lowered in self.statement(node))
        return tuple(lowered for node in statements for lowered in (*self._imported(node), *self.statement(node)))

    def _imported(self, node: ast.stmt) -> Iterator[lt.Statement]:
        """A look at each name that the statement uses and an import may not have set yet."""
        assert self.scope is not None
        for part in pytree.walk(*heads(node)):
            scope = self.scope.find(part.id) if isinstance(part, ast.Name) else None
            if scope is not None and part.id in self.late.get(scope, ()):  # type: ignore[attr-defined]
                name: str = part.id  # type: ignore[attr-defined]
                depth, slot, at = self._depth(scope), self.slots[scope][name], self.at(part)
                yield lt.Evaluate(at, lt.GetLocal(at, name, depth, slot, self._is_free(scope)))

    def statement(self, node: ast.stmt) -> list[lt.Statement]:
        """The statements of the tree for one of Python's (none for imports, declarations and docstrings)."""
        at = self.at(node)
        match node:
            case ast.Assign():
                return [lt.Assign(at, tuple(self.target(t) for t in node.targets), self.expr(node.value))]
            case ast.AugAssign():
                return [lt.Augment(at, self.target(node.target), type(node.op).__name__, self.expr(node.value))]
            case ast.AnnAssign():
                if node.value is None:
                    return []
                return [lt.Assign(at, (self.target(node.target),), self.expr(node.value))]
            case ast.Expr():
                return [] if isinstance(node.value, ast.Constant) else [lt.Evaluate(at, self.expr(node.value))]
            case ast.Return():
                return [lt.Return(at, None if node.value is None else self.expr(node.value))]
            case ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global() | ast.Nonlocal():
                return self._rebinding_import(node)
            case ast.Break():
                return [lt.Break(at)]
            case ast.Continue():
                return [lt.Continue(at)]
            case ast.FunctionDef():
                return [lt.Define(at, self.set_name(node.name, at), self.function(node))]
            case _:
                return [self._compound(node)]

    def _compound(self, node: ast.stmt) -> lt.Statement:
        at = self.at(node)
        match node:
            case ast.If():
                return lt.If(at, self.expr(node.test), self.block(node.body), self.block(node.orelse))
            case ast.For():
                iterable = self.expr(node.iter)
                return lt.For(at, self.target(node.target), iterable, self.block(node.body), self.block(node.orelse))
            case ast.While():
                return lt.While(at, self.expr(node.test), self.block(node.body), self.block(node.orelse))
            case ast.Raise():
                return lt.Raise(at, self.maybe(node.exc), self.maybe(node.cause))
            case ast.Assert():
                return lt.Assert(at, self.expr(node.test), self.maybe(node.msg))
            case ast.Delete():
                return lt.Delete(at, tuple(self.target(t) for t in node.targets))
            case ast.Try():
                return self._try(node)
        raise AssertionError(f"{type(node).__name__} was accepted but has no lowering")

    def _try(self, node: ast.Try) -> lt.Try:
        handlers = tuple(
            lt.Handler(
                self.at(h),
                self.maybe(h.type),
                None if h.name is None else self.set_name(h.name, self.at(h)),
                self.block(h.body),
            )
            for h in node.handlers
        )
        return lt.Try(
            self.at(node), self.block(node.body), handlers, self.block(node.orelse), self.block(node.finalbody)
        )

    def _rebinding_import(self, node: ast.stmt) -> list[lt.Statement]:
        """An import of a name that is also a variable of the function has to store the member; others vanish."""
        if not isinstance(node, ast.Import | ast.ImportFrom) or self.scope is None:
            return []
        found: list[lt.Statement] = []
        at = self.at(node)
        for name, target in import_targets(node).items():
            if name in self.late.get(self.scope, ()):
                found.append(lt.Assign(at, (self.set_name(name, at),), lt.Const(at, True)))
            elif name not in self.scope.imports and name in self.slots.get(self.scope, {}):
                found.append(lt.Assign(at, (self.set_name(name, at),), lt.Member(at, target)))
        return found


def _stored(node: ast.stmt) -> set[str]:
    return {n.id for n in pytree.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
