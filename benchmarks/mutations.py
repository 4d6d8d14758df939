"""Small changes of a Python module that a good test suite notices; ``mutants.py`` makes them and runs the tests."""

from __future__ import annotations

import ast
import copy
import glob
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {
    "passes": ["compiler/passes/*.py", "compiler/build.py", "compiler/lower*.py", "compiler/bytecode_rewrite*.py"],
    "lifting": ["dsl/pyimport/lift/*.py"],
}

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


@dataclass(frozen=True)
class Mutant:
    group: str
    file: str
    site: int
    """Which possible change of the file, in the order of ``changes``."""
    kind: str
    line: int
    last: int
    before: str
    after: str

    @property
    def key(self) -> str:
        return f"{self.file}:{self.line}:{self.kind}:{self.before} -> {self.after}"


Change = tuple[str, ast.AST, Callable[[], None]]


def changes(tree: ast.Module) -> Iterator[Change]:
    """Every possible change of a module, as (kind, node, a function that makes it)."""
    silent = {id(inner) for node in ast.walk(tree) if unmeasured(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in silent:
            yield from changes_of(node)


def unmeasured(node: ast.AST) -> bool:
    """Parts whose change no user can see: messages, annotations, how a thing is shown, asserts about our own code."""
    if isinstance(node, ast.FunctionDef):
        return node.name in ("__repr__", "__str__")
    return isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr | ast.AnnAssign | ast.arguments | ast.Import)


def changes_of(node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            other = COMPARISONS[type(operator)]
            yield "comparison", node, lambda place=place, other=other: node.ops.__setitem__(place, other())
    elif isinstance(node, ast.If) and not node.orelse and leaves(node.body[-1]):
        yield "guard", node, lambda: setattr(node, "test", ast.Constant(False))
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield "and/or", node, lambda: setattr(node, "op", other())
        yield "condition", node, lambda: drop_last(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not", node, lambda: replace_not(node)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) and not textual(node):
        swapped = ast.Sub if isinstance(node.op, ast.Add) else ast.Add
        yield "sign", node, lambda: setattr(node, "op", swapped())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float) and abs(node.value) <= 2:
        yield "shift", node, lambda: setattr(node, "value", node.value + 1)


def leaves(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Return | ast.Raise | ast.Continue | ast.Break)


def textual(node: ast.BinOp) -> bool:
    """Adding strings, lists or tuples has no minus."""
    kinds = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)
    return any(
        isinstance(side, kinds) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def drop_last(node: ast.BoolOp) -> None:
    """Leave out the last condition. Two values must stay, or the module does not compile, and any test sees that."""
    node.values[-1] = ast.Constant(isinstance(node.op, ast.And))


def replace_not(node: ast.UnaryOp) -> None:
    node.op = ast.Not()
    node.operand = ast.UnaryOp(ast.Not(), node.operand)


def mutant_at(group: str, path: Path, site: int) -> Mutant:
    text = path.read_text(encoding="utf-8")
    kind, node, _ = list(changes(ast.parse(text)))[site]
    _, other, change = list(changes(ast.parse(text)))[site]
    change()
    before, after = (ast.unparse(ast.fix_missing_locations(shown(n))) for n in (node, other))
    return Mutant(group, str(path.relative_to(ROOT)), site, kind, *lines(node), before, after)


def lines(node: ast.AST) -> tuple[int, int]:
    """The first and last line that run differently: of a guard, its condition."""
    where = node.test if isinstance(node, ast.If) else node
    return where.lineno, where.end_lineno or where.lineno  # type: ignore[attr-defined]


def shown(node: ast.AST) -> ast.AST:
    """What is printed of a node: a guard without what it guards."""
    if isinstance(node, ast.If):
        short = copy.copy(node)
        short.body = [node.body[-1]]
        return short
    return node


def draw(count: int, seed: int) -> list[Mutant]:
    """``count`` mutants, half of each group, one file after the other."""
    chosen: list[Mutant] = []
    for group, patterns in TARGETS.items():
        files = sorted({path for pattern in patterns for path in glob.glob(str(ROOT / pattern))})
        piles = []
        for name in files:
            pile = [(Path(name), site) for site in range(len(list(changes(ast.parse(Path(name).read_text("utf-8"))))))]
            random.Random(f"{seed} {Path(name).name}").shuffle(pile)
            piles.append(pile)
        rounds = [pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]
        chosen += [mutant_at(group, *place) for place in rounds[: count // len(TARGETS)]]
    return chosen
