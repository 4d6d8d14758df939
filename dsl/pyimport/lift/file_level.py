"""What the names of a file stand for when its functions run: one expression each, though statements bind them in turn.

A name that is bound again has a value of its own between its statements, which other statements may have read; it is
put under a name of its own. What depends on the order in another way is *volatile*: it is not lifted.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from weakref import WeakKeyDictionary

from attndsl.dsl import pytree
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.read import import_targets

_BINDING = (ast.comprehension, ast.Lambda, ast.NamedExpr)


def file_level(module: PyModule) -> tuple[Mapping[str, ast.expr], frozenset[str]]:
    """The expression of every constant, and the volatile names."""
    if not module.constants and not any(_computed(f) for f in module.functions.values()):
        return module.constants, module.state
    if module not in _FOUND:
        reader = _Reader(module)
        for statement in module.tree.body:
            reader.statement(statement)
        _FOUND[module] = reader.constants, module.state | reader.volatile
    return _FOUND[module]


_FOUND: WeakKeyDictionary[PyModule, tuple[Mapping[str, ast.expr], frozenset[str]]] = WeakKeyDictionary()
"""Of the files whose programs are being lifted."""


def with_defaults(arguments: ast.arguments) -> list[tuple[str, ast.expr]]:
    """The parameters that have a default value, with it."""
    plain = [*arguments.posonlyargs, *arguments.args]
    found = list(zip(plain[len(plain) - len(arguments.defaults) :], arguments.defaults, strict=True))
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [(a.arg, d) for a, d in (*found, *named) if d is not None]


def default_key(function: str, parameter: str) -> str:
    """What the default value of a parameter is called among the constants; no name of a program has a space in it."""
    return f"{parameter} of {function}"


def _computed(function: ast.FunctionDef) -> list[tuple[str, ast.expr]]:
    """The default values that are no constants."""
    return [pair for pair in with_defaults(function.args) if not isinstance(pair[1], ast.Constant)]


class _Reader:
    def __init__(self, module: PyModule) -> None:
        self.module = module
        self.left = Counter(name for statement in module.tree.body for name, _ in _bound(statement))
        given = {pair for statement in module.tree.body for pair in _bound(statement)}
        imported_twice = Counter(name for name, target in given)  # programs put together import the same again
        self.several = {
            name for name, count in self.left.items()
            if count > 1 and (imported_twice[name] > 1 or (name, None) in given)
        }  # fmt: skip
        self.versions: dict[str, str] = {}  # of the names bound so far: what they are called among the constants
        self.constants: dict[str, ast.expr] = {}
        roles = {name for name, target in given if target is not None} | set(module.functions)
        self.volatile = {name for name in self.several & roles if name in module.constants or imported_twice[name] > 1}
        self.readers: dict[str, set[str]] = {}  # of a version: the names that were given a value made of it

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                found = self._value(value, node)
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self._bind(target, found)
                if isinstance(node, ast.Assign) and len(node.targets) > 1:  # one value under several names
                    names = {name for name, _ in _bound(node)}
                    for name in names:
                        self.readers.setdefault(self.versions[name], set()).update(names - {name})
            case ast.AugAssign(target=ast.Name(id=name) as target):
                self._bind(target, self._changed(name, node))
            case _:
                if isinstance(node, ast.FunctionDef) and self.module.functions.get(node.name) is node:
                    self._defaults(node)
                for name, _ in _bound(node):
                    self._named(name)

    def _defaults(self, function: ast.FunctionDef) -> None:
        """The default values of a function as further constants."""
        for name, default in _computed(function):
            found = self._value(default, function)
            if found is not None:
                self.constants[default_key(function.name, name)] = found

    def _value(self, node: ast.expr, statement: ast.stmt) -> ast.expr | None:
        """The expression with the values that names have here; None when it may mean something else later."""
        nodes = pytree.walk(node)
        names = {x.id for x in nodes if isinstance(x, ast.Name)}
        if names & self.several and any(isinstance(x, _BINDING) for x in nodes):
            return None
        if not all(self._is_settled(name) for name in names):
            return None
        if any(_changes(self.module.functions[f]) for f in self._reached(names) & self.module.functions.keys()):
            self.volatile |= names & self.module.constants.keys()  # a function may change what it is given
        if not names & self.several:
            return node
        changed = _Renamed(self.versions, self.several).visit(node)
        assert isinstance(changed, ast.expr)
        for name in names & self.several:
            self.readers.setdefault(self.versions[name], set()).update(other for other, _ in _bound(statement))
        return changed

    def _is_settled(self, name: str) -> bool:
        """The name is bound by now, if the file binds it; of a function, all that it reads, and nothing twice."""
        if name in self.left and name not in self.versions:
            return False
        if name not in self.module.functions:
            return name not in self.volatile
        others = self._reached({name}) - {name}
        return name not in self.several and not any(o not in self.versions or o in self.several for o in others)

    def _reached(self, names: set[str]) -> set[str]:
        """The names of the file, and those that its functions among them read."""
        reached, pending = set(names), [name for name in names if name in self.module.functions]
        while pending:
            read = {x.id for x in pytree.walk(self.module.functions[pending.pop()]) if isinstance(x, ast.Name)}
            fresh = read & self.left.keys() - reached
            reached |= fresh
            pending += [other for other in fresh if other in self.module.functions]
        return reached

    def _changed(self, name: str, node: ast.AugAssign) -> ast.expr | None:
        """``name op= value`` as ``name op value``, where no other name may stand for the list that it changes."""
        before = self.versions.get(name, "")
        value = self._value(node.value, node)
        old = self.constants.get(before)
        shared = self.readers.get(before, set()) | ({old.id} if isinstance(old, ast.Name) else set())
        self.volatile |= shared
        if value is None or old is None or shared:
            return None
        left = ast.copy_location(ast.Name(before, ast.Load()), node.target)
        return ast.copy_location(ast.BinOp(left, node.op, value), node)

    def _bind(self, target: ast.expr, value: ast.expr | None) -> None:
        match target, value:
            case ast.Name(id=name), _:
                key = self._named(name)
                if value is None:
                    self.volatile.add(name)
                else:
                    self.constants[key] = value
            case ast.Tuple(elts=parts) | ast.List(elts=parts), ast.Tuple(elts=values) | ast.List(elts=values) if len(
                parts
            ) == len(values):
                for part, one in zip(parts, values, strict=True):
                    self._bind(part, one)
            case ast.Tuple(elts=parts) | ast.List(elts=parts), _:
                for part in parts:
                    self._bind(part, None)
            case ast.Starred(value=inner), _:
                self._bind(inner, None)

    def _named(self, name: str) -> str:
        """The name is bound once more: what this value is called; the last has the name itself."""
        self.left[name] -= 1
        key = name if not self.left[name] else f"{name}, {self.left[name]} before the last"
        self.versions[name] = key
        return key


_CHANGING = frozenset((
    "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "add", "discard", "update", "setdefault",
    "popitem", "appendleft", "popleft", "rotate", "fill", "difference_update", "intersection_update",
    "symmetric_difference_update",
))  # fmt: skip


def _changes(function: ast.FunctionDef) -> bool:
    """The function may change a list, set, dict or array that it has not made itself."""
    made: dict[str, bool] = {}
    for x in pytree.walk(function):
        if isinstance(x, ast.Assign | ast.AnnAssign):
            for target in x.targets if isinstance(x, ast.Assign) else [x.target]:
                if isinstance(target, ast.Name):
                    made[target.id] = made.get(target.id, True) and _is_new(x.value)
    own = {name for name, new in made.items() if new} - {a.arg for a in function.args.args}
    for x in pytree.walk(function):
        match x:
            case ast.AugAssign(target=base) | ast.Subscript(value=base, ctx=ast.Store() | ast.Del()):
                pass
            case ast.Attribute(value=base, attr=attr) if attr in _CHANGING:
                pass
            case _:
                continue
        if not (isinstance(base, ast.Name) and base.id in own):
            return True
    return False


def _is_new(x: ast.expr | None) -> bool:
    """The expression makes what no other name holds."""
    if isinstance(x, ast.Call):
        return isinstance(x.func, ast.Name) and x.func.id in ("list", "set", "dict", "sorted", "len", "sum")
    return isinstance(x, _NEW)


_NEW = (
    ast.List, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp, ast.Constant, ast.JoinedStr, ast.BinOp,
    ast.Compare,
)  # fmt: skip


class _Renamed(ast.NodeTransformer):
    """A copy that reads other names; what is not changed is shared."""

    def __init__(self, versions: Mapping[str, str], several: set[str]) -> None:
        self.versions, self.several = versions, several

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Name):
            found = ast.Name(self.versions[node.id], node.ctx) if node.id in self.several else node
            return ast.copy_location(found, node)
        fields = {name: self._field(value) for name, value in ast.iter_fields(node)}
        return ast.copy_location(node.__class__(**fields), node)

    def _field(self, value: object) -> object:
        if isinstance(value, list):
            return [self.visit(item) if isinstance(item, ast.AST) else item for item in value]
        return self.visit(value) if isinstance(value, ast.AST) else value


def _bound(node: ast.stmt) -> Iterator[tuple[str, str | None]]:
    """The names that a statement of the file binds, once for every time, and what an import gives them."""
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from ((x.id, None) for x in pytree.walk(target) if isinstance(x, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()) | ast.AugAssign(target=ast.Name(id=name)):
            yield name, None
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name, None
        case ast.Import() | ast.ImportFrom() | ast.Try():
            for inner in pytree.walk(node):
                if isinstance(inner, ast.Import | ast.ImportFrom):
                    yield from import_targets(inner).items()
