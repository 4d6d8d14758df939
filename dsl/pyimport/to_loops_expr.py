"""Expressions and targets of checked Python -> loop tree (the statements are in ``to_loops.py``)."""

from __future__ import annotations

import ast
from abc import abstractmethod

from attndsl.dsl.pyimport import loops as lt
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.scopes import Scope, ScopeNode, dotted
from attndsl.dsl.source import Span


class ExpressionLowering:
    """The half of the lowering that deals with values; ``to_loops`` adds scopes and statements."""

    def __init__(self, module: PyModule, module_slots: dict[str, int]) -> None:
        self.module = module
        self.globals = module_slots
        self.scope: Scope | None = None
        self.slots: dict[Scope, dict[str, int]] = {}

    @abstractmethod
    def enter(self, node: ScopeNode) -> list[str]:
        """Open a scope; returns the names of its slots."""

    @abstractmethod
    def leave(self) -> None:
        """Close the scope opened last."""

    @abstractmethod
    def pure_text(self, name: str) -> str:
        """The text of a pure helper and of all it reaches; "" for anything else."""

    @abstractmethod
    def function(self, node: ast.FunctionDef | ast.Lambda) -> lt.MakeFunction:
        """A function value."""

    def at(self, node: ast.AST) -> Span:
        return self.module.span(node)

    def maybe(self, node: ast.expr | None) -> lt.Expr | None:
        return None if node is None else self.expr(node)

    def expr(self, node: ast.expr) -> lt.Expr:
        """The tree of one expression."""
        at = self.at(node)
        match node:
            case ast.Constant():
                return lt.Const(at, node.value)
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                member = self._member(node)
                if member is not None:
                    return member
                return lt.Attribute(self._attribute_at(node), self.expr(node.value), node.attr)
            case ast.Call():
                return self._call(node)
            case ast.Subscript():
                return lt.Item(at, self.expr(node.value), self.expr(node.slice))
            case ast.Slice():
                return lt.SliceOf(at, self.maybe(node.lower), self.maybe(node.upper), self.maybe(node.step))
            case ast.BinOp():
                return lt.Binary(at, type(node.op).__name__, self.expr(node.left), self.expr(node.right))
            case ast.UnaryOp():
                return lt.Unary(at, type(node.op).__name__, self.expr(node.operand))
            case ast.BoolOp():
                op = "and" if isinstance(node.op, ast.And) else "or"
                return lt.Logic(at, op, tuple(self.expr(v) for v in node.values))
            case ast.Compare():
                ops = tuple(type(op).__name__ for op in node.ops)
                return lt.Compare(at, self.expr(node.left), ops, tuple(self.expr(c) for c in node.comparators))
            case ast.IfExp():
                return lt.Choose(at, self.expr(node.test), self.expr(node.body), self.expr(node.orelse))
            case _:
                return self._builder(node)

    def _builder(self, node: ast.expr) -> lt.Expr:
        at = self.at(node)
        match node:
            case ast.Tuple() | ast.List() | ast.Set():
                return lt.Sequence(at, type(node).__name__.lower(), tuple(self.expr(e) for e in node.elts))
            case ast.Dict():
                pairs = zip(node.keys, node.values, strict=True)
                return lt.Mapping(at, tuple((self.maybe(k), self.expr(v)) for k, v in pairs))
            case ast.Starred():
                return lt.Star(at, self.expr(node.value))
            case ast.Lambda():
                return self.function(node)
            case ast.NamedExpr():
                # Python binds the name in the function around all comprehensions.
                return lt.Walrus(at, self.target(node.target), self.expr(node.value))
            case ast.JoinedStr():
                return self._fstring(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
        raise AssertionError(f"{type(node).__name__} was accepted but has no lowering")

    def _attribute_at(self, node: ast.Attribute) -> Span:
        """CPython gives the line of the attribute's name when an attribute chain spans lines."""
        whole = self.at(node)
        if node.end_lineno is not None and node.end_lineno != node.value.end_lineno:
            return Span(max(whole.start, whole.end - len(node.attr)), whole.end)
        return whole

    # ---- names

    def _name(self, node: ast.Name) -> lt.Expr:
        at, name = self.at(node), node.id
        scope = self.scope.find(name) if self.scope is not None else None
        if scope is not None:
            if name in scope.imports:
                return lt.Member(at, scope.imports[name])
            depth = self._depth(scope)
            return lt.GetLocal(at, name, depth, self.slots[scope][name], self._is_free(scope))
        if name in self.globals:
            return lt.GetGlobal(at, name, self.globals[name], self.pure_text(name))
        if name in self.module.imports:
            return lt.Member(at, self.module.imports[name])
        from attndsl.dsl.pyimport import vocabulary

        if name in vocabulary.BUILTIN_FUNCTIONS or name in vocabulary.EXCEPTIONS:
            return lt.Builtin(at, name)
        return lt.Host(at, name)

    def _depth(self, scope: Scope) -> int:
        depth, at = 0, self.scope
        while at is not scope:
            assert at is not None
            depth, at = depth + 1, at.parent
        return depth

    def _is_free(self, scope: Scope) -> bool:
        at = self.scope
        while at is not None and at is not scope:
            at = at.parent
            if at is scope:
                return True
        return False

    def _member(self, node: ast.Attribute) -> lt.Expr | None:
        chain = dotted(node)
        if chain is None:
            return None
        root, parts = chain
        scope = self.scope.find(root.id) if self.scope is not None else None
        if scope is not None:
            target = scope.imports.get(root.id)
        else:
            target = None if root.id in self.globals else self.module.imports.get(root.id)
        if target is None:
            return None
        if target == "string" and len(parts) > 1:  # string.punctuation.find: a method of the constant
            return lt.Attribute(self.at(node), self.expr(node.value), node.attr)
        return lt.Member(self.at(node), ".".join([target, *parts]))

    # ---- calls

    def _call(self, node: ast.Call) -> lt.Expr:
        at = self.at(node)
        arguments = tuple(self.expr(a) for a in node.args)
        keywords = tuple(lt.Keyword(self.at(k), k.arg, self.expr(k.value)) for k in node.keywords)
        if isinstance(node.func, ast.Attribute) and self._member(node.func) is None:
            place = self._attribute_at(node.func)
            whole = at if place.start == at.start else Span(place.start, at.end)
            return lt.MethodCall(whole, self.expr(node.func.value), node.func.attr, arguments, keywords)
        return lt.Call(at, self.expr(node.func), arguments, keywords)

    def _fstring(self, node: ast.JoinedStr) -> lt.FString:
        parts: list[str | tuple[lt.Expr, str, lt.Expr | None]] = []
        for piece in node.values:
            if isinstance(piece, ast.FormattedValue):
                conversion = "" if piece.conversion < 0 else chr(piece.conversion)
                parts.append((self.expr(piece.value), conversion, self.maybe(piece.format_spec)))
            else:
                assert isinstance(piece, ast.Constant)
                parts.append(str(piece.value))
        return lt.FString(self.at(node), tuple(parts))

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> lt.Expr:
        first = self.expr(node.generators[0].iter)
        names = self.enter(node)
        clauses: list[lt.Clause] = []
        for position, generator in enumerate(node.generators):
            iterable = first if position == 0 else self.expr(generator.iter)
            target = self.target(generator.target)
            tests = tuple(self.expr(t) for t in generator.ifs)
            clauses.append(lt.Clause(self.at(generator.target), target, iterable, tests))
        kinds = {ast.ListComp: "list", ast.SetComp: "set", ast.GeneratorExp: "generator", ast.DictComp: "dict"}
        if isinstance(node, ast.DictComp):
            element, value = self.expr(node.key), self.expr(node.value)
        else:
            element, value = self.expr(node.elt), None
        self.leave()
        return lt.Comprehension(self.at(node), kinds[type(node)], element, value, tuple(clauses), tuple(names))

    # ---- targets

    def target(self, node: ast.expr) -> lt.Target:
        """Where a value is stored."""
        at = self.at(node)
        match node:
            case ast.Name():
                return self.set_name(node.id, at)
            case ast.Subscript():
                return lt.SetItem(at, self.expr(node.value), self.expr(node.slice))
            case ast.Tuple() | ast.List():
                star = next((k for k, e in enumerate(node.elts) if isinstance(e, ast.Starred)), None)
                items = [e.value if isinstance(e, ast.Starred) else e for e in node.elts]
                return lt.SetTuple(at, tuple(self.target(e) for e in items), star)
        raise AssertionError(f"{type(node).__name__} was accepted but has no lowering as a target")

    def set_name(self, name: str, at: Span) -> lt.Target:
        # A walrus inside a comprehension stores into the function around it, which binds the name.
        scope = self.scope.find(name) if self.scope is not None else None
        if scope is None or name not in self.slots[scope]:
            return lt.SetGlobal(at, name, self.globals[name])
        return lt.SetLocal(at, name, self._depth(scope), self.slots[scope][name])
