"""Refusals that depend on how a construct is used, one small function per idea."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from attndsl.dsl import pytree
from attndsl.dsl.pyimport import cached, members
from attndsl.dsl.pyimport.members import Verdict

Resolve = Callable[[ast.expr], str | None]
Found = Iterator[tuple[Verdict, ast.AST]]


JUDGED = (
    ast.FunctionDef, ast.Constant, ast.Attribute, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Call,
)  # fmt: skip
"""The classes of nodes that ``judge`` has something to say about."""


def judge(node: ast.AST, resolve: Resolve, inside: bool = False) -> Found:
    """All refusals at one node (not below it), which stands inside a function or not."""
    match node:
        case ast.FunctionDef():
            for decorator in node.decorator_list:
                if cached.settings(decorator, resolve) is None or len(node.decorator_list) > 1:
                    refused = Verdict("E0129", "decorators are not read", "drop it and call the function directly")
                    yield refused, decorator
                elif not (inside or cached.gives_the_same(node, resolve) or cached.gives_values(node)):
                    headline = "a cache is read on a function that gives numbers or texts: others could be changed"
                    yield Verdict("E0129", headline, "drop it: calls are not slow"), decorator
        case ast.Constant(value=bytes() | complex()):
            shown, kind = repr(node.value)[:40], type(node.value).__name__
            yield Verdict("E0148", f"`{shown}` is a {kind} value, which programs cannot use"), node
        case ast.Attribute(attr="format", value=ast.Constant(value=str() as template)):
            verdict = members.judge_format(template)
            if verdict is not None:
                yield verdict, node
        case ast.Attribute(attr="format") if resolve(node) is None:
            headline = "`.format` is read on a literal string only"
            yield Verdict("E0145", headline, 'write "...".format(...) or an f-string'), node
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            headline = f"assignment to attribute `.{node.attr}` is not read"
            yield Verdict("E0146", headline, "use a variable or a dictionary"), node
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            for generator in node.generators:
                if generator.is_async:
                    yield Verdict("E0121", "asynchronous code is not read", "write an ordinary `for`"), generator.target
        case ast.Call():
            yield from _call(node, resolve)


def _call(node: ast.Call, resolve: Resolve) -> Found:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "encode" and _names_a_code(node):
        help = "compare the characters, or count them: a character beyond ASCII has ord(c) > 127"
        yield Verdict("E0148", "`.encode` makes a bytes value, which programs cannot use", help), node.func
    if isinstance(node.func, ast.Name) and node.func.id == "type" and len(node.args) != 1:
        yield Verdict("E0122", "`type` with more than one argument makes a class"), node
    if resolve(node.func) == "spacy.load":
        literal = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
        if not literal or node.keywords:
            yield (
                Verdict(
                    "E0147",
                    "the spaCy pipeline is loaded with options",
                    'write spacy.load("en_core_web_sm"); ATTNDSL_SPACY_MODEL names the pipeline that is used',
                ),
                node,
            )


def _names_a_code(node: ast.Call) -> bool:
    """``text.encode("utf-8")``; a tokenizer's ``encode`` is given a text."""
    given = [*node.args, *(k.value for k in node.keywords)]
    return all(isinstance(x, ast.Constant) and str(x.value).lower().replace("_", "-") in _CODES for x in given)


_CODES = ("utf-8", "utf8", "ascii", "latin-1", "latin1", "utf-16", "utf-32", "ignore", "replace", "strict")


def judge_global(owner: ast.FunctionDef, statement: ast.Global, resolve: Resolve) -> Found:
    """A function may write a module-level name only to keep the spaCy pipeline it has loaded."""
    for node in pytree.walk(owner):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            written = [t.id for t in targets if isinstance(t, ast.Name) and t.id in statement.names]
            if written and not _is_parser(node.value, resolve):
                yield _state(written[0]), node
        elif isinstance(node, ast.For | ast.comprehension):
            inner = [n.id for n in pytree.walk(node.target) if isinstance(n, ast.Name)]
            if set(inner) & set(statement.names):
                yield _state(inner[0]), node.target


def _state(name: str) -> Verdict:
    return Verdict(
        "E0137",
        f"the function changes module-level `{name}`, so one call could change the next",
        "keep it in a local variable and return it",
    )


def _is_parser(value: ast.expr | None, resolve: Resolve) -> bool:
    if isinstance(value, ast.Constant) and value.value is None:
        return True
    return isinstance(value, ast.Call) and resolve(value.func) in ("spacy.load", "spacy.blank")


def recursion(name: str) -> Verdict:
    """A program that calls itself."""
    return Verdict("E0138", f"the program `{name}` calls itself", "put what is repeated into a function of its own")
