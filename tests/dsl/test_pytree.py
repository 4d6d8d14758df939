"""Walks over Python's syntax trees: every node once, statement by statement, in every version of Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from attndsl.dsl import pytree

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples" / "written_by_llm.py").read_text()

_LEFT_OUT = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
_STATEMENTS = (ast.stmt, ast.ExceptHandler, ast.match_case)


def _in_order(node: ast.AST) -> list[ast.AST]:
    """The node and its expressions as ``ast.walk`` gives them, then each statement inside in the same way."""
    own, inner, level = [node], [], [node]
    while level:
        below = [n for x in level for n in ast.iter_child_nodes(x) if not isinstance(n, _LEFT_OUT)]
        inner += [n for n in below if isinstance(n, _STATEMENTS)]
        level = [n for n in below if not isinstance(n, _STATEMENTS)]
        own += level
    return [*own, *(n for s in inner for n in _in_order(s))]


def test_trees_are_walked_statement_by_statement() -> None:
    for path in (ROOT / "dsl").rglob("*.py"):
        tree = ast.parse(path.read_text())
        found = pytree.walk(tree)
        assert found == _in_order(tree)
        assert set(found) == {n for n in ast.walk(tree) if not isinstance(n, _LEFT_OUT)}
        for node in found:
            assert pytree.children(node) == [n for n in ast.iter_child_nodes(node) if not isinstance(n, _LEFT_OUT)]


def test_trees_that_are_kept_are_walked_in_the_same_order() -> None:
    tree = ast.parse((ROOT / "dsl" / "pyimport" / "read.py").read_text())
    alone = {node: pytree.walk(node) for node in pytree.walk(tree)}
    first, second = tree.body[-2:]
    both = pytree.walk(first, second)
    with pytree.kept(tree):
        assert {node: pytree.walk(node) for node in pytree.walk(tree)} == alone
        assert pytree.walk(first, second) == both == [*alone[first], *alone[second]]
        pytree.walk(first).clear()  # what is given is the caller's
        assert pytree.walk(first) == alone[first]
    first.body.clear()
    assert pytree.walk(first) != alone[first]  # nothing is kept any more


EVERYTHING = """
import a.b as c
from . import z as y
@d
def f(a, b=1, *c, d: int = 2, e, **g) -> int:
    global x, y
    try:
        pass
    except E as z:
        raise A from b
    else:
        del a[0], b
    finally:
        assert a, b
    match a:
        case {"a": 1, **rest}:
            pass
        case P(q, k=3) | [1, *s] | None | True as zz:
            pass
    with a as b, c:
        print(f"{a!r:>{w}}", {**a, "b": 1}, x[1:2, ...], lambda q=1, *, r, s=2: (yield), (u := 3))
    x: int
    y: int = 3
    for i in a:
        while b: break
        else: continue
    return [i async for i in z if i], {k: v for k, v in w}, a if b else c, *d
class C(B, m=1):
    async def g(self):
        nonlocal x
        await a
"""


def test_every_construct_is_walked() -> None:
    tree = ast.parse(EVERYTHING)
    assert pytree.walk(tree) == _in_order(tree)
    assert set(pytree.walk(tree)) == {n for n in ast.walk(tree) if not isinstance(n, _LEFT_OUT)}


def test_no_class_of_this_python_has_other_things_where_nodes_are_expected() -> None:
    """The signature in each class's documentation: ``Call(expr func, expr* args, keyword* keywords)``."""
    plain = {"identifier", "int", "string", "constant", "expr_context", "operator", "cmpop", "boolop", "unaryop"}
    found = 0
    for kind in {k for k in vars(ast).values() if isinstance(k, type) and issubclass(k, ast.AST) and k._fields}:
        for part in re.findall(r"(\w+)([?*]*) (\w+)[,)]", kind.__doc__ or ""):
            sort, _, name = part
            if name in pytree.fields_of(kind):
                assert sort not in plain or name in pytree._MIXED, (kind, name)
                found += 1
            else:
                assert sort in plain, (kind, name)
    assert found > 100


def test_a_node_that_was_made_without_a_field_has_the_others_below_it() -> None:
    name = ast.Name("f", ast.Load())
    call = ast.Call(func=name)
    if hasattr(call, "args"):  # from Python 3.13 on there is an empty list
        del call.args
    assert pytree.below([call]) == [name]
