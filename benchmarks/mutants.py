"""Break the compiler in small ways and see whether the tests notice: ``python benchmarks/mutants.py --count 240``.

A mutant is one module of the compiler or of the lifter with one small change: a comparison flipped, a guard dropped, a
number shifted by one, ``and`` for ``or``, ``+`` for ``-``, a ``not`` removed. Each runs the tests of the language, the
compiler and the back ends in a child process that loads the changed module; a failing test (or a run that does not
end) catches it. Mutants are drawn by seed, evenly over files, so that a run can be repeated, and every survivor is
printed as a line of source before and after. Results go to a JSON lines file, and the same command goes on from it.
"""

from __future__ import annotations

import argparse
import ast
import copy
import glob
import importlib.machinery
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {
    "passes": ["compiler/passes/*.py", "compiler/build.py", "compiler/lower*.py", "compiler/bytecode_rewrite*.py"],
    "lifting": ["dsl/pyimport/lift/*.py"],
}
TESTS = [
    "tests/dsl/pyimport",
    "tests/compiler/test_passes.py",
    "tests/compiler",
    "tests/dsl",
    "tests/runtime/test_machine_programs.py",
    "tests/runtime/test_machine_parts.py",
]
SECONDS = 400.0
"""A child that has not ended by then counts as caught: the change made the compiler run for ever."""

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
        yield "condition", node, lambda: node.values.pop()
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


def replace_not(node: ast.UnaryOp) -> None:
    node.op = ast.Not()
    node.operand = ast.UnaryOp(ast.Not(), node.operand)


def mutants_of(group: str, path: Path) -> list[Mutant]:
    text = path.read_text(encoding="utf-8")
    found = []
    for site, (kind, node, _) in enumerate(changes(ast.parse(text))):
        before = ast.unparse(shown(node))
        _, other, change = list(changes(ast.parse(text)))[site]
        change()
        after = ast.unparse(ast.fix_missing_locations(shown(other)))
        found.append(Mutant(group, str(path.relative_to(ROOT)), site, kind, node.lineno, before, after))  # type: ignore[attr-defined]
    return found


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
            pile = mutants_of(group, Path(name))
            random.Random(f"{seed} {Path(name).name}").shuffle(pile)
            piles.append(pile)
        rounds = [pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]
        chosen += rounds[: count // len(TARGETS)]
    return chosen


def load_changed(mutant: Mutant) -> None:
    """From now on in this process, the mutant's module is loaded with its change."""
    target = str(ROOT / mutant.file)
    genuine = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str):  # type: ignore[no-untyped-def]
        if os.path.realpath(loader.path) != target:
            return genuine(loader, name)
        tree = ast.parse(Path(target).read_text(encoding="utf-8"))
        list(changes(tree))[mutant.site][2]()
        return compile(ast.fix_missing_locations(tree), target, "exec")

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]


def child(mutant: Mutant | None) -> int:
    """The exit code of the tests with a mutant loaded (none: the tests themselves)."""
    import pytest

    if mutant is not None:
        load_changed(mutant)
    os.chdir(ROOT)
    log = os.open(os.devnull, os.O_WRONLY)
    os.dup2(log, 1)
    os.dup2(log, 2)
    return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *TESTS]))


def judged(mutant: Mutant | None, seconds: float = SECONDS) -> str:
    """ "caught", "survived" or "endless", in a child that has the large libraries already."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            code = child(mutant)
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return "survived" if os.waitstatus_to_exitcode(status) == 0 else "caught"
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "endless"


def preload() -> None:
    import hypothesis
    import lark
    import numba
    import spacy
    import torch
    import transformers

    del hypothesis, lark, numba, spacy, transformers
    torch.set_num_threads(1)


def known(results: Path) -> dict[str, str]:
    if not results.exists():
        return {}
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return {row["key"]: row["outcome"] for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--part", default="0/1", help="this process' share, such as 0/2 and 1/2 for two processes")
    parser.add_argument("--again", action="store_true", help="judge the survivors of the results file once more")
    options = parser.parse_args()
    mutants = draw(options.count, options.seed)
    outcomes = known(options.results)
    part, parts = map(int, options.part.split("/"))
    preload()
    if judged(None) != "survived":
        print("the tests fail without a mutant: nothing can be learned", file=sys.stderr)
        return 1
    for mutant in mutants[part::parts]:
        if outcomes.get(mutant.key) in (("caught", "endless") if options.again else ("caught", "endless", "survived")):
            continue
        started = time.monotonic()
        outcome = outcomes[mutant.key] = judged(mutant)
        row = {"key": mutant.key, "group": mutant.group, "outcome": outcome, "seconds": time.monotonic() - started}
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(f"{outcome:9} {row['seconds']:5.0f} s  {mutant.key}", flush=True)
    report(mutants, outcomes)
    return 0


def report(mutants: list[Mutant], outcomes: dict[str, str]) -> None:
    for group in TARGETS:
        found = [outcomes[mutant.key] for mutant in mutants if mutant.group == group and mutant.key in outcomes]
        caught = sum(outcome != "survived" for outcome in found)
        print(f"{group}: {caught} of {len(found)} caught = {100 * caught / max(1, len(found)):.1f}%")
    for mutant in mutants:
        if outcomes.get(mutant.key) == "survived":
            print(f"survived: {mutant.key}")


if __name__ == "__main__":
    sys.exit(main())
