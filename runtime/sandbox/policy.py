"""The language wall: which Python a program may be written in, and what its code is rewritten to.

A RestrictedPython policy for attention programs. What RestrictedPython denies by default stays denied, and any node
it does not know is refused; on top of that classes, decorators, augmented attribute writes, guard-like names and
every builtin and attribute outside the allow-lists are refused before anything runs. Subscripts, iteration and
unpacking need no guards here, since no object a program can reach does harm through them; attribute reads, text
formatting and imports are rewritten to guards whose names (``@getattr``) cannot be spelled in a source.
"""

from __future__ import annotations

import ast
import string
from typing import Any, TypeVar

from RestrictedPython.transformer import RestrictingNodeTransformer

from attndsl.runtime.sandbox.arrays import number_type
from attndsl.runtime.sandbox.guards import Facade, Marker, NumberType
from attndsl.runtime.sandbox.modules import FACADE_ATTRIBUTES, MODULES
from attndsl.runtime.sandbox.names import ALLOWED_BUILTINS, REAL_BUILTINS, RESERVED, known_attributes

T = TypeVar("T", bound=ast.AST)
_KNOWN = known_attributes(FACADE_ATTRIBUTES)
_CACHING = frozenset({"lru_cache", "cache"})
_LITERAL_NAME = frozenset({"getattr", "hasattr"})


class Policy(RestrictingNodeTransformer):
    """One pass over one program; ``refusals`` holds (line, reason) of everything that is not allowed."""

    def __init__(self, entry: str, bound: set[str], aliases: dict[str, str]) -> None:
        super().__init__()
        self.entry = entry
        self.bound = bound
        self.refusals: list[tuple[int, str]] = []
        self.modules: set[str] = set()
        self.aliases = aliases

    def error(self, node: ast.AST, info: str) -> None:
        self.refusals.append((getattr(node, "lineno", 0) or 0, info))

    def warn(self, node: ast.AST, info: str) -> None:
        """RestrictedPython's warnings concern its print collector, which is not used."""

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:
        if name is not None and name != "_" and RESERVED.fullmatch(name):
            self.error(node, f"the name {name!r} is reserved")

    def contents(self, node: T) -> T:
        return self.node_contents_visit(node)

    # Names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id == "__name__" and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Constant("program"), node)
        self.check_name(node, node.id)
        if isinstance(node.ctx, ast.Load) and node.id not in self.bound:
            if node.id in REAL_BUILTINS and node.id not in ALLOWED_BUILTINS:
                self.error(node, f"the builtin {node.id!r} is not available")
            elif node.id in _LITERAL_NAME or node.id == "type":
                self.error(node, f"{node.id!r} may only be called directly")
        return node

    def visit_Global(self, node: ast.Global | ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
            if name == self.entry:
                self.error(node, f"the program function {name!r} may not be rebound")
        return node

    visit_Nonlocal = visit_Global

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr.startswith("_"):
            self.error(node, f"the attribute {node.attr!r} is reserved")
        elif node.attr not in _KNOWN:
            self.error(node, f"no object here has the attribute {node.attr!r}")
        elif not isinstance(node.ctx, ast.Load):
            self.error(node, "attributes are read-only")
        else:
            self.check_member(node)
        value = self.visit(node.value)
        return ast.copy_location(_guard("@getattr", [value, ast.Constant(node.attr)]), node)

    def check_member(self, node: ast.Attribute) -> None:
        """A member of an imported module is checked now, not when the program runs."""
        module = self.module_of(node.value)
        if module is not None and node.attr not in module.members:
            self.error(node, f"{module.name}.{node.attr} is not available")

    def module_of(self, node: ast.AST) -> Facade | None:
        if isinstance(node, ast.Name):
            return MODULES.get(self.aliases.get(node.id, ""))
        if isinstance(node, ast.Attribute):
            outer = self.module_of(node.value)
            inner = outer.members.get(node.attr) if outer is not None else None
            return inner if isinstance(inner, Facade) else None
        return None

    # Calls and operators

    def visit_Call(self, node: ast.Call) -> ast.AST:
        func = node.func
        if isinstance(func, ast.Attribute) and func.attr == "format" and _is_text(func.value):
            return self.literal_format(node, func)
        if isinstance(func, ast.Name) and func.id not in self.bound:
            if func.id in _LITERAL_NAME:
                self.check_literal_name(node, func.id)
            if func.id == "type" and (len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred)):
                self.error(node, "type() takes one argument here")
            if func.id in _LITERAL_NAME or func.id == "type":
                node.args = [self.visit(arg) for arg in node.args]
                node.keywords = [self.visit(keyword) for keyword in node.keywords]
                return node
        if isinstance(func, ast.Attribute):
            self.check_array_call(node, func)
        return self.contents(node)

    def check_array_call(self, node: ast.Call, func: ast.Attribute) -> None:
        """What a call gives away before it runs: a type that only annotations may name, a type of objects."""
        module = self.module_of(func.value)
        member = module.members.get(func.attr) if module is not None else None
        if isinstance(member, Marker) and not isinstance(member, NumberType):
            self.error(node, f"{member.name} is available for annotations and isinstance() only")
        if func.attr == "astype" and node.args:
            self.check_number_type(node.args[0])

    def check_number_type(self, node: ast.expr) -> None:
        if _is_text(node):
            try:
                number_type(node.value)  # type: ignore[attr-defined]
            except TypeError:
                self.error(node, f"{node.value!r} is not a numeric type")  # type: ignore[attr-defined]

    def check_literal_name(self, node: ast.Call, name: str) -> None:
        if len(node.args) < 2 or node.keywords or not _is_text(node.args[1]):
            self.error(node, f"{name}() needs a literal attribute name")
        elif node.args[1].value not in _KNOWN:  # type: ignore[attr-defined]
            self.error(node, f"no object here has the attribute {node.args[1].value!r}")  # type: ignore[attr-defined]

    def literal_format(self, node: ast.Call, func: ast.Attribute) -> ast.AST:
        if not _plain_fields(func.value.value):  # type: ignore[attr-defined]
            self.error(node, "the fields of a format string must be plain names or numbers")
        args = [func.value, *(self.visit(arg) for arg in node.args)]
        call = _guard("@format", args)
        call.keywords = [self.visit(keyword) for keyword in node.keywords]
        return ast.copy_location(call, node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        self.check_name(node, node.arg)
        if node.arg == "dtype":
            self.check_number_type(node.value)
        return self.contents(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        node = self.contents(node)
        if isinstance(node.op, ast.Mod):
            return ast.copy_location(_guard("@mod", [node.left, node.right]), node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if isinstance(node.op, ast.Mod):
            if not isinstance(node.target, ast.Name):
                self.error(node, "'%=' is available for names only")
                return node
            value = ast.BinOp(ast.Name(node.target.id, ast.Load()), ast.Mod(), node.value)
            assign = ast.Assign([ast.Name(node.target.id, ast.Store())], value)
            return self.visit(ast.fix_missing_locations(ast.copy_location(assign, node)))  # type: ignore[no-any-return]
        return self.contents(node)

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        spec = node.format_spec if node.format_spec is not None else ast.Constant("")
        args = [self.visit(node.value), ast.Constant(node.conversion), self.visit(spec)]
        field = ast.FormattedValue(ast.copy_location(_guard("@field", args), node), -1, None)
        return ast.copy_location(field, node)

    # What RestrictedPython guards and this policy need not

    def plain(self, node: T) -> T:
        return self.contents(node)

    visit_Subscript = plain
    visit_For = plain
    visit_Assign = plain
    visit_With = plain
    visit_NamedExpr = plain
    visit_Match = plain
    visit_match_case = plain
    visit_MatchSingleton = plain
    visit_MatchSequence = plain
    visit_MatchOr = plain

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            self.error(node.target, "asynchronous comprehensions are not available")
        return self.contents(node)

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        if any(isinstance(inner, ast.Attribute) for inner in ast.walk(node.value)):
            self.error(node, "patterns may not read attributes")
            return node
        return self.contents(node)

    def visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> ast.AST:
        self.check_name(node, node.name)
        return self.contents(node)

    visit_MatchStar = visit_MatchAs

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        self.check_name(node, node.rest)
        return self.contents(node)

    # Functions and annotations

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.check_name(node, node.name)
        self.check_function_argument_names(node)
        for decorator in node.decorator_list:
            if node.name == self.entry or not _is_caching(decorator):
                self.error(node, "decorators are not available")
        node = self.contents(node)
        node.returns = None
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node = self.contents(node)
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node = self.contents(node)
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.error(node, "classes are not available")
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self.contents(node)

    # Imports

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        statements: list[ast.stmt] = []
        for alias in node.names:
            if alias.name not in MODULES:
                self.error(node, f"the module {alias.name!r} is not available")
                continue
            module = alias.name if alias.asname else alias.name.split(".")[0]
            name = alias.asname or module
            self.check_name(node, name)
            statements.append(self.bind(node, name, self.module_node(module)))
        return statements or [ast.copy_location(ast.Pass(), node)]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> list[ast.stmt]:
        if node.module == "__future__" and not node.level:
            return [ast.copy_location(ast.Pass(), node)]
        module = MODULES.get(node.module or "")
        if module is None or node.level:
            self.error(node, f"the module {'.' * node.level}{node.module or ''!s} is not available")
            return [ast.copy_location(ast.Pass(), node)]
        statements: list[ast.stmt] = []
        aliases = node.names
        if module.name == "typing" and aliases[0].name == "*":  # names for annotations: nothing that acts
            aliases = [ast.alias(member) for member in sorted(module.members)]
        for alias in aliases:
            name = alias.asname or alias.name
            self.check_name(node, name)
            if alias.name not in module.members:
                self.error(node, f"{module.name}.{alias.name} is not available")
                continue
            value = _guard("@getattr", [self.module_node(module.name), ast.Constant(alias.name)])
            statements.append(self.bind(node, name, value))
        return statements or [ast.copy_location(ast.Pass(), node)]

    def module_node(self, module: str) -> ast.Name:
        self.modules.add(module)
        return ast.Name(f"@import:{module}", ast.Load())

    def bind(self, node: ast.AST, name: str, value: ast.expr) -> ast.stmt:
        if name == self.entry:
            self.error(node, f"the program function {name!r} may not be rebound")
        statement = ast.Assign([ast.Name(name, ast.Store())], value)
        return ast.fix_missing_locations(ast.copy_location(statement, node))


def _guard(name: str, args: list[ast.expr]) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), args, [])


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is str


def _is_caching(node: ast.AST) -> bool:
    target = node.func if isinstance(node, ast.Call) else node
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", None)
    return name in _CACHING


def _plain_fields(template: Any, depth: int = 0) -> bool:
    """Whether no field of a format string reads an attribute or an item, in nested specs too."""
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError:
        return False
    for _, name, spec, _ in fields:
        if name is not None and not (name == "" or name.isalnum() or name.replace("_", "a").isidentifier()):
            return False
        if spec and (depth > 2 or not _plain_fields(spec, depth + 1)):
            return False
    return True
