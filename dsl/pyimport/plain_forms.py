"""Statements that are another way to write ones that are read: ``match`` of plain values, ``with np.errstate(...)``.

They are written so before anything else looks at the tree, and stand where the author wrote them. What has no such form
stays as it is, and is refused.
"""

from __future__ import annotations

import ast
import re

from attndsl.dsl import pytree

_MOST_CASES = 60
"""Of one ``match``: each case becomes a level of ``else``, and the depth of the tree was checked before."""
_QUIET = ("ignore", "warn")


_MAY_BE_ONE = re.compile(r"^[ \t]*(?:match|with)\b", re.MULTILINE)
"""A line that may begin such a statement; most files have none, and need no walk."""


def written_plainly(tree: ast.Module, text: str) -> None:
    """Change the tree of this text in place."""
    if _MAY_BE_ONE.search(text) is None:
        return
    nodes = pytree.walk(tree)
    names = {x.id for x in nodes if isinstance(x, ast.Name)} | {x.arg for x in nodes if isinstance(x, ast.arg)}
    forms = _Forms(_numpy(nodes), names)
    for holder in reversed(nodes):  # inner statements first: an outer one takes over the blocks as they are then
        for field in ("body", "orelse", "finalbody"):
            block = getattr(holder, field, None)
            if isinstance(block, list):
                setattr(holder, field, [x for s in block for x in forms.of(s)])


def _numpy(nodes: list[ast.AST]) -> set[str]:
    """The names that are numpy wherever the file uses them."""
    imported = [a for x in nodes if isinstance(x, ast.Import) for a in x.names]
    others = [a.asname or a.name for x in nodes if isinstance(x, ast.ImportFrom) for a in x.names]
    others += [a.asname or a.name.split(".")[0] for a in imported if a.name != "numpy"]
    others += [x.id for x in nodes if isinstance(x, ast.Name) and not isinstance(x.ctx, ast.Load)]
    others += [x.arg for x in nodes if isinstance(x, ast.arg)]
    others += [x.name for x in nodes if isinstance(x, ast.FunctionDef | ast.ClassDef)]
    others += [x.name for x in nodes if isinstance(x, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and x.name]
    return {a.asname or a.name for a in imported if a.name == "numpy"} - set(others)


class _Forms:
    def __init__(self, numpy: set[str], names: set[str]) -> None:
        self.numpy, self.names = numpy, names

    def of(self, s: ast.stmt) -> list[ast.stmt]:
        if isinstance(s, ast.With) and all(self._only_warnings(x) for x in s.items):
            return s.body
        if isinstance(s, ast.Match):
            return self._chain(s) or [s]
        return [s]

    def _only_warnings(self, item: ast.withitem) -> bool:
        """``np.errstate(divide="ignore")``: what numpy prints. Raising in its place would change the program."""
        match item:
            case ast.withitem(
                context_expr=ast.Call(
                    func=ast.Attribute(value=ast.Name(id=name), attr="errstate"), args=[], keywords=options
                ),
                optional_vars=None,
            ):
                kinds = ("all", "divide", "over", "under", "invalid")
                return name in self.numpy and all(
                    k.arg in kinds and isinstance(k.value, ast.Constant) and k.value.value in _QUIET for k in options
                )
        return False

    def _chain(self, s: ast.Match) -> list[ast.stmt] | None:
        """``if``, ``elif`` and ``else``; None where a case is no plain value."""
        guards = [c.guard for c in s.cases if c.guard is not None]
        if len(s.cases) > _MOST_CASES or any(isinstance(x, ast.NamedExpr) for x in pytree.walk(*guards)):
            return None
        sides = s.subject.elts if isinstance(s.subject, ast.Tuple) else [s.subject]
        if any(isinstance(x, ast.Starred) for x in sides):
            return None
        names = [self._fresh(x) for x in sides]
        made: list[ast.stmt] = [
            ast.Assign([ast.Name(name, ast.Store())], x) for name, x in zip(names, sides, strict=True)
        ]
        rest: list[ast.stmt] = []
        for case in reversed(s.cases):
            found = _case(case, names, isinstance(s.subject, ast.Tuple), rest)
            if found is None:
                return None
            rest = found
        for x in (*made, *rest):
            for part in ast.walk(x):
                if "lineno" in part._attributes and not hasattr(part, "lineno"):
                    ast.copy_location(part, s)
        return [*made, *rest]

    def _fresh(self, subject: ast.expr) -> str:
        """A name for what is matched: it is computed once, and a guard or a pattern may bind its own name."""
        number, base = 0, f"matched_{subject.lineno}_{subject.col_offset}"
        while (name := f"{base}_{number}" if number else base) in self.names:
            number += 1
        self.names.add(name)
        return name


def _case(case: ast.match_case, names: list[str], pair: bool, rest: list[ast.stmt]) -> list[ast.stmt] | None:
    """The case as statements, with those of the next ones for where it does not hold."""
    if not pair:
        found = _parts(case.pattern, names[0])
    elif isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.pattern.name is None:
        found = [], []
    elif isinstance(case.pattern, ast.MatchSequence) and len(case.pattern.patterns) == len(names):
        each = [_parts(p, name) for p, name in zip(case.pattern.patterns, names, strict=True)]
        known = [x for x in each if x is not None]
        found = ([t for x in known for t in x[0]], [b for x in known for b in x[1]])
        if len(known) < len(each):
            return None
    else:
        return None
    if found is None:
        return None
    tests, bound = found
    inner = case.body
    if case.guard is not None:
        if bound and tests and rest:
            return None  # the next cases would have to stand at two places
        if not bound:
            tests = [*tests, case.guard]
        else:
            inner = [ast.If(case.guard, case.body, [] if tests else rest)]
    if not tests:
        return [*bound, *inner]
    return [ast.If(tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests), [*bound, *inner], rest)]


def _parts(pattern: ast.pattern, name: str) -> tuple[list[ast.expr], list[ast.stmt]] | None:
    """What a pattern asks, and the name that it binds."""
    subject = ast.Name(name, ast.Load())
    match pattern:
        case ast.MatchAs(pattern=None, name=None):
            return [], []
        case ast.MatchAs(pattern=None, name=str() as bound):
            return [], [ast.Assign([ast.Name(bound, ast.Store())], subject)]
        case ast.MatchValue(value=ast.Constant() as value):
            return [ast.Compare(subject, [ast.Eq()], [value])], []
        case ast.MatchValue(value=ast.UnaryOp(op=ast.USub(), operand=ast.Constant()) as value):
            return [ast.Compare(subject, [ast.Eq()], [value])], []
        case ast.MatchSingleton(value=value):
            return [ast.Compare(subject, [ast.Is()], [ast.Constant(value)])], []
        case ast.MatchOr(patterns=patterns):
            each = [_parts(p, name) for p in patterns]
            tests = [x[0][0] for x in each if x is not None and len(x[0]) == 1 and not x[1]]
            return ([ast.BoolOp(ast.Or(), tests)], []) if len(tests) == len(patterns) else None
    return None
