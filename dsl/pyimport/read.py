"""Program file -> ``PyModule``: what the file defines, and which of its functions are programs.

A program is a module-level function ``f(sentence, tokenizer)`` that returns a ``(name, matrix)`` pair; the names of
the parameters may differ. ``predict(sentence, tokens)`` that returns the matrix alone is read as well. Every other
function is a helper. Only ``ast.parse`` sees the text; nothing of it is run.
"""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property, partial

from attndsl.dsl import pytree
from attndsl.dsl.diagnostics import Diagnostic, Fix, diagnostic
from attndsl.dsl.fixes import whole_lines
from attndsl.dsl.gate import check_text, parse_python
from attndsl.dsl.pyimport.aligners import Aligner
from attndsl.dsl.pyimport.module import FunctionNode, Interface, PyModule, PyProgram, span_of
from attndsl.dsl.pyimport.plain_forms import written_plainly
from attndsl.dsl.pyimport.vocabulary import MODULES
from attndsl.dsl.source import SourceFile, Span

_SENTENCE_NAMES = frozenset({"sentence", "text", "sent", "input_text", "s", "sentence_text"})
_TOKENIZER_NAMES = frozenset({"tokenizer", "tok", "tokeniser"})
_TOKENIZER_METHODS = frozenset({"convert_ids_to_tokens", "tokenize", "encode", "encode_plus", "decode"})


_MAY_BE_GLOBAL = re.compile(r"(?:^|[:;])[ \t]*global\b", re.MULTILINE)


def read_module(text: str, name: str = "<text>") -> PyModule:
    """Read one program file.

    ``text`` is the Python source, ``name`` how messages call it. Raises DiagnosticError E0110-E0118 (see
    ``dsl/gate.py``: text limits, not valid Python) when nothing of the file can be read.
    """
    source = check_text(text, name)
    tree = parse_python(source)
    written_plainly(tree, source.text)
    tree.body = _reached(tree.body)
    return _Reader(source, tree).module()


def with_aligners(module: PyModule, aligners: Mapping[str, Aligner]) -> PyModule:
    """The same module with the knowledge which of its helpers are repaired aligners."""
    found = replace(module, aligners=aligners)
    return replace(found, programs={name: replace(p, module=found) for name, p in module.programs.items()})


class _Reader:
    def __init__(self, source: SourceFile, tree: ast.Module) -> None:
        self.source = source
        self.tree = tree
        self.imports: dict[str, str] = {}
        self.constants: dict[str, ast.expr] = {}
        self.functions: dict[str, FunctionNode] = {}
        self.order: list[ast.stmt] = []
        self.found: list[Diagnostic] = []
        self.refused: dict[str, Diagnostic] = {}

    def module(self) -> PyModule:
        for statement in self.tree.body:
            self._statement(statement)
        state: set[str] = set()
        if _MAY_BE_GLOBAL.search(self.source.text):  # few files need the walk
            for node in pytree.walk(self.tree):
                if isinstance(node, ast.Global):
                    state.update(node.names)
        programs: dict[str, PyProgram] = {}
        module = PyModule(
            self.source, self.tree, self.imports, self.constants, self.functions, tuple(self.order), frozenset(state),
            tuple(self.found), programs, self.refused,
        )  # fmt: skip
        for name, function in self.functions.items():
            program = _as_program(module, function, partial(self.is_called, name))
            if program is not None:
                programs[name] = program
        if not programs and self.refused:  # an `async def`, say, is what the author meant as the program
            return replace(module, diagnostics=(*module.diagnostics, *self.refused.values()))
        return module

    def is_called(self, name: str) -> bool:
        return name in self.called

    @cached_property
    def called(self) -> frozenset[str]:
        """The names that are called anywhere in the file, but for what only runs where it is a script."""
        read = [s for s in self.tree.body if not (isinstance(s, ast.If) and _is_main_guard(s.test))]
        calls = (n.func for s in read for n in pytree.walk(s) if isinstance(n, ast.Call))
        return frozenset(f.id for f in calls if isinstance(f, ast.Name))

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.FunctionDef():
                self._function(node)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                self._assign(node)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass  # a docstring, or a comment written as a string
            case ast.If() if _is_main_guard(node.test):
                pass  # never true when the file is imported
            case ast.Expr(value=ast.Call(func=function)) if self._leads_out(function):
                self.found.append(
                    diagnostic(
                        "W0221",
                        "this call at module level is not run: it cannot change a matrix",
                        source=self.source,
                        span=self._head(node),
                        help="delete it",
                        fixes=[self._deletion(node)],
                    )
                )
            case ast.ClassDef() | ast.AsyncFunctionDef():
                self.refused[node.name] = self._refuse_definition(node)
            case _:
                self.found.append(
                    diagnostic(
                        "E0144",
                        f"a `{type(node).__name__.lower()}` statement at module level is not read",
                        source=self.source,
                        span=self._head(node),
                        help="a program file holds imports, constants and functions: move it into a function",
                    )
                )

    def _deletion(self, node: ast.stmt) -> Fix:
        return Fix("delete the call", whole_lines(self.source.text, span_of(self.source, node)), "")

    def _leads_out(self, function: ast.expr) -> bool:
        """True for `print(...)` and for functions of imported modules, which can reach no value of the file."""
        while isinstance(function, ast.Attribute):
            function = function.value
        return isinstance(function, ast.Name) and (function.id == "print" or function.id in self.imports)

    def _refuse_definition(self, node: ast.ClassDef | ast.AsyncFunctionDef) -> Diagnostic:
        from attndsl.dsl.policy import Refused, decide

        decision = decide(node)
        assert isinstance(decision, Refused)
        return diagnostic(decision.code, decision.reason, source=self.source, span=self._head(node), help=decision.help)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        targets = import_targets(node)
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*"):
            members = MODULES.get(node.module or "") if not node.level else None
            if members is None and (node.level or node.module not in MODULES):
                self.found.append(self._refuse_import(node))
                return
            if node.names[0].name == "*":
                names = typing.__all__ if node.module in ("typing", "typing_extensions") else sorted(members or ())
                targets = {name: f"{_ALIASES.get(name, node.module)}.{name}" for name in names}
        for name in targets:
            if name.startswith("_") and name.endswith("_") and len(name) > 2:
                self.found.append(self._refuse_import(node))
        self.imports.update(targets)
        for name in targets:
            self.constants.pop(name, None)

    def _refuse_import(self, node: ast.ImportFrom | ast.Import) -> Diagnostic:
        return diagnostic(
            "E0130",
            f"`{ast.unparse(node)}` is not read",
            source=self.source,
            span=span_of(self.source, node),
            help="put what the programs need into the file itself, under names of its own",
        )

    def _function(self, node: FunctionNode) -> None:
        previous = self.functions.pop(node.name, None)
        if previous is not None:
            line = self.source.position(span_of(self.source, previous).start)[0]
            self.found.append(
                diagnostic(
                    "W0220",
                    f"`{node.name}` is defined again: Python keeps the last definition, so line {line} has no effect",
                    source=self.source,
                    span=_name_span(self.source, node),
                    help="delete or rename one of the two",
                )
            )
        self.functions[node.name] = node

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if isinstance(node, ast.AnnAssign) and node.value is None:
            return
        plain = all(isinstance(n, ast.Name | ast.Tuple | ast.List) for t in targets for n in _flat(t))
        if not plain:
            self.found.append(
                diagnostic(
                    "E0144",
                    "assignment to an item or attribute at module level is not read",
                    source=self.source,
                    span=span_of(self.source, node),
                    help="give the whole value in one assignment to a name",
                )
            )
            return
        self.order.append(node)
        assert node.value is not None
        for target in targets:
            for leaf in _flat(target):
                if isinstance(leaf, ast.Name):
                    self.constants[leaf.id] = node.value
                    self.imports.pop(leaf.id, None)

    def _head(self, node: ast.stmt) -> Span:
        whole = span_of(self.source, node)
        line = self.source.position(whole.start)[0]
        end = self.source.line_starts[line - 1] + len(self.source.line(line))
        return Span(whole.start, min(whole.end, end))


# typing's star import gives these names too; called, they make what collections makes.
_ALIASES = dict.fromkeys(("Counter", "OrderedDict", "ChainMap"), "collections")


def import_targets(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    """Local name -> dotted target of one import statement (``*`` is left out)."""
    if isinstance(node, ast.Import):
        return {a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names}
    base = "." * node.level + (node.module or "")
    return {a.asname or a.name: f"{base}.{a.name}" for a in node.names if a.name != "*"}


def _flat(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [leaf for item in target.elts for leaf in _flat(item)]
    return [target]


def _reached(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a file, with those of each ``try`` that cannot fail in its place: no handler is reached."""
    found: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.Try) and all(map(_cannot_fail, statement.body)):
            found += _reached([*statement.body, *statement.orelse, *statement.finalbody])
        else:
            found.append(statement)
    return found


def _cannot_fail(statement: ast.stmt) -> bool:
    """An import, or spaCy's pipeline: both are there when a program is run."""
    match statement:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(value=ast.Call(func=ast.Attribute(value=ast.Name(id="spacy"), attr="load"))):
            return True
    return False


def _is_main_guard(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _name_span(source: SourceFile, node: FunctionNode) -> Span:
    start = source.text.find(node.name, span_of(source, node).start + 3)
    return Span(start, start + len(node.name))


def _as_program(module: PyModule, node: FunctionNode, is_called: Callable[[], bool]) -> PyProgram | None:
    parameters = [*node.args.posonlyargs, *node.args.args]
    if len(parameters) - len(node.args.defaults) > 2 or len(parameters) < 2 or _required_keyword(node.args):
        return None
    first, second = parameters[0], parameters[1]
    interface = _interface(node, first, second, is_called)
    if interface is None:
        return None
    description = ast.get_docstring(node) or _comment_above(module.source, node)
    return PyProgram(node.name, node, module, interface, first.arg, second.arg, description)


def _required_keyword(arguments: ast.arguments) -> bool:
    return any(default is None for default in arguments.kw_defaults)


def _interface(
    node: FunctionNode, first: ast.arg, second: ast.arg, is_called: Callable[[], bool]
) -> Interface | None:
    if node.name == "predict" and second.arg == "tokens":
        return Interface.BARE
    annotation = ast.unparse(second.annotation) if second.annotation is not None else ""
    named = first.arg in _SENTENCE_NAMES and (second.arg in _TOKENIZER_NAMES or "okenizer" in annotation)
    if named and (_returns_named_pair(node) or (_reads(node, second.arg) and not is_called())):
        return Interface.NAMED  # and no helper, such as `tokens_of(sentence, tokenizer)`
    if named or not (_uses_as_tokenizer(node, second.arg) and _returns_pair(node)) or is_called():
        return None
    return Interface.NAMED


def _reads(node: FunctionNode, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in pytree.walk(node))


def _uses_as_tokenizer(node: FunctionNode, name: str) -> bool:
    for inner in pytree.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == name:
            return True
        match inner:
            case ast.Attribute(value=ast.Name(id=root), attr=attr) if root == name and attr in _TOKENIZER_METHODS:
                return True
    return False


_WITHOUT_BLOCKS = frozenset((ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef, ast.Assign, ast.AugAssign, ast.Expr))
"""Definitions, whose statements are their own, and the commonest statements that hold no others."""
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""The fields of a statement in which statements stand, or the parts that hold them."""


def own_returns(node: FunctionNode) -> list[ast.Return]:
    """The ``return`` statements of a function itself, not of the functions inside it."""
    found: list[ast.Return] = []
    pending: list[ast.AST] = list(node.body)
    while pending:
        item = pending.pop()
        if isinstance(item, ast.Return):
            found.append(item)
        elif item.__class__ not in _WITHOUT_BLOCKS:
            for name in _BLOCKS:
                pending += getattr(item, name, ())
    return sorted(found, key=lambda r: r.lineno)


def _returns_pair(node: FunctionNode) -> bool:
    return any(isinstance(r.value, ast.Tuple) and len(r.value.elts) == 2 for r in own_returns(node))


def _returns_named_pair(node: FunctionNode) -> bool:
    for found in own_returns(node):
        if isinstance(found.value, ast.Tuple) and len(found.value.elts) == 2:
            label = found.value.elts[0]
            if isinstance(label, ast.JoinedStr) or (isinstance(label, ast.Constant) and isinstance(label.value, str)):
                value = found.value.elts[1]
                return not isinstance(value, ast.Constant)
    return False


def _comment_above(source: SourceFile, node: FunctionNode) -> str:
    lines: list[str] = []
    number = node.lineno - 1
    while number >= 1 and source.line(number).startswith("#"):
        lines.append(source.line(number).lstrip("#").strip())
        number -= 1
    return "\n".join(reversed(lines)).strip()
