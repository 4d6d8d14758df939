"""Statements that differ from given ones in one piece, drawn by their own text: new snippets leave those of others."""

from __future__ import annotations

import ast
import copy
import random
import zlib
from collections.abc import Callable, Iterator

Change = Callable[[], None]
# fmt: off
ATOMS = ("i", "n", "0", "1", "-1", "2", "0.5", "'the'", "None", "True", "tokens", "tokens[i]", "A[i]", "[]", "{}",
         "set()", "i + 1", "n - 1", "range(n)", "range(i)", "len(tokens)")
# fmt: on
TESTS = ("i > 1", "n > 3", "tokens[0] == 'the'")
WORDS = (
    (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
    (ast.In, ast.NotIn),
    (ast.Is, ast.IsNot),
    (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow),
    (ast.And, ast.Or),
)
"""Operators of which one can stand where the other does."""


def neighbour(statements: str, number: int) -> str | None:
    """One of the neighbours of some statements that Python compiles, or None where it finds none."""
    draw = random.Random(zlib.crc32(statements.encode()) + number)
    for _ in range(20):
        tree = ast.parse(statements)
        found = list(changes(tree, draw))
        if not found:
            return None
        draw.choice(found)()
        text = ast.unparse(ast.fix_missing_locations(tree))
        try:
            compile(f"def program():\n{_indented(text)}", "neighbour", "exec")
        except (SyntaxError, ValueError):
            continue
        if text != ast.unparse(ast.parse(statements)):
            return text
    return None


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def changes(tree: ast.Module, draw: random.Random) -> Iterator[Change]:
    """Every place in which a module can be changed, one change for each."""
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                yield from _of_list(node, name, value, draw)
            elif _is_read(value):
                yield lambda node=node, name=name: setattr(node, name, _atom(draw))
            elif isinstance(value, ast.operator | ast.boolop):
                yield lambda node=node, name=name, value=value: setattr(node, name, _other(value, draw))
            elif isinstance(node, ast.Constant) and isinstance(value, int | float):
                yield lambda node=node, value=value: setattr(node, "value", _shifted(value))
            elif isinstance(value, ast.Not):
                yield lambda node=node: _denied(node)


def _of_list(node: ast.AST, name: str, values: list[ast.AST], draw: random.Random) -> Iterator[Change]:
    for at, value in enumerate(values):
        if isinstance(value, ast.cmpop):
            yield lambda at=at, value=value: values.__setitem__(at, _other(value, draw))
        elif _is_read(value):
            yield lambda at=at: values.__setitem__(at, _atom(draw))
            if len(values) > 1 and isinstance(node, ast.BoolOp | ast.Call | ast.List | ast.Tuple | ast.Set):
                yield lambda at=at: values.__delitem__(at)
        elif isinstance(value, ast.stmt):
            yield lambda at=at, value=value: values.insert(at, copy.deepcopy(value))
            yield lambda at=at, value=value: values.__setitem__(at, _under(value, draw))
            if len(values) > 1:
                yield lambda at=at: values.__delitem__(at)
                yield lambda at=at: values.__setitem__(slice(None), [*values[:at], *values[at + 1 :], values[at]])


def _is_read(value: object) -> bool:
    return isinstance(value, ast.expr) and isinstance(getattr(value, "ctx", ast.Load()), ast.Load)


def _atom(draw: random.Random) -> ast.expr:
    return ast.parse(draw.choice(ATOMS), mode="eval").body


def _other(operator: ast.AST, draw: random.Random) -> ast.AST:
    family = next((f for f in WORDS if isinstance(operator, f)), (type(operator),))
    return draw.choice([kind for kind in family if not isinstance(operator, kind)] or [type(operator)])()


def _shifted(value: float) -> float:
    return not value if isinstance(value, bool) else value + 1


def _denied(node: ast.AST) -> None:
    """``not not x``."""
    node.operand = ast.UnaryOp(ast.Not(), node.operand)  # type: ignore[attr-defined]


def _under(statement: ast.stmt, draw: random.Random) -> ast.stmt:
    return ast.If(ast.parse(draw.choice(TESTS), mode="eval").body, [statement], [])
