"""Variants of whole programs of files, each compiled and compared with CPython in the sandbox.

    python benchmarks/program_variants.py FILE.py ... --count 1000 --seed 1

A variant is a program with one to three pieces changed: an operator flipped, an expression replaced by a simple one or
by one of another program, a statement dropped, doubled, or taken from another program. What is taken reads only names
that the program has. So the variants are programs of the same manner that nobody has seen: how many are lifted says how
a file of the same author would fare, and a wrong one is a finding. They run in the sandbox only.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import copy
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "runtime"))

from lift_variants import Put, blocks, change_block, read
from mutations import changes
from oracle_table import tables
from sandbox_equality import similarity

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.tokens import TokenTable
from attndsl.runtime.library import load_library
from attndsl.runtime.oracle import verify
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.sandbox import Limits, SandboxPool

NUMBERS = ("0", "1", "-1", "2", "0.5", "3", "None", "''", "[]", "','")
BATCH = 25
"""Programs of one file: a file's programs share what its helpers were found to do."""


class Pool:
    """The programs of files, each with what it needs from its file."""

    def __init__(self, files: list[Path]) -> None:
        self.programs: list[tuple[ast.FunctionDef, ast.Module]] = []
        for file in files:
            module = ast.parse(file.read_text(encoding="utf-8"))
            self.programs += [(s, module) for s in module.body if isinstance(s, ast.FunctionDef) and _is_program(s)]

    def around(self, module: ast.Module) -> list[ast.stmt]:
        """The statements of a file that are no programs."""
        return [s for s in module.body if not (isinstance(s, ast.FunctionDef) and _is_program(s))]

    def variants(self, r: random.Random) -> Iterator[tuple[ast.FunctionDef, ast.Module]]:
        while True:
            function, module = r.choice(self.programs)
            try:
                yield self.varied(r, function, module), module
            except (ValueError, IndexError, RecursionError):
                continue

    def varied(self, r: random.Random, function: ast.FunctionDef, module: ast.Module) -> ast.FunctionDef:
        function = copy.deepcopy(function)
        names = _names(function) | {name for s in module.body for name in _bound(s)} | set(dir(builtins))
        own = [x for x in _names(function) if not hasattr(builtins, x)]
        for _ in range(r.choice((1, 1, 2, 3))):
            whole = ast.Module(function.body, [])
            kind = r.choices(("operator", "atom", "expression", "statement", "block"), (30, 15, 20, 20, 15))[0]
            other = copy.deepcopy(r.choice(self.programs)[0])
            if kind == "operator":
                r.choice(list(changes(whole)))[2]()
            elif kind == "atom":
                by = r.choice(NUMBERS) if r.random() < 0.6 else r.choice(own)
                function = Put(r.choice(read(whole)), ast.parse(by, mode="eval").body).visit(function)
            elif kind == "expression":
                known = [x for x in read(other) if not isinstance(x, ast.Name | ast.Constant) and _reads(x) <= names]
                function = Put(r.choice(read(whole)), r.choice(known)).visit(function)
            elif kind == "statement":
                taken = [s for b in blocks(other) for s in b if _reads(s) <= names and not isinstance(s, ast.Return)]
                block = r.choice(blocks(whole))
                block.insert(r.randrange(len(block) + 1), r.choice(taken))
            else:
                change_block(r, r.choice(blocks(whole)))
        return function


def _is_program(s: ast.FunctionDef) -> bool:
    return len(s.args.args) == 2 and s.args.args[1].arg == "tokenizer"


def _names(tree: ast.AST) -> set[str]:
    return {x.id for x in ast.walk(tree) if isinstance(x, ast.Name)}


def _bound(s: ast.stmt) -> set[str]:
    if isinstance(s, ast.FunctionDef | ast.ClassDef):
        return {s.name}
    if isinstance(s, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.split(".")[0] for a in s.names}
    return _names(s)


def _reads(tree: ast.AST) -> set[str]:
    """The names that the tree reads and does not bind itself."""
    bound = {x.id for x in ast.walk(tree) if isinstance(x, ast.Name) and not isinstance(x.ctx, ast.Load)}
    return _names(tree) - bound


def batches(pool: Pool, r: random.Random, count: int) -> Iterator[str]:
    """Files of variants."""
    made, seen = 0, set()
    waiting: dict[int, list[str]] = {}
    for function, module in pool.variants(r):
        function.name = f"variant_{made}"
        try:
            text = ast.unparse(ast.fix_missing_locations(function))
            compile(text, "variant", "exec")
        except (SyntaxError, ValueError, RecursionError):
            continue
        if text.split("\n", 1)[1] in seen:
            continue
        seen.add(text.split("\n", 1)[1])
        made += 1
        some = waiting.setdefault(id(module), [])
        some.append(text)
        if len(some) == BATCH or made == count:
            for key, texts in waiting.items() if made == count else [(id(module), some)]:
                around = next(m for _, m in pool.programs if id(m) == key)
                yield "\n".join([*map(ast.unparse, pool.around(around)), *texts])
            waiting[id(module)] = []
        if made == count:
            return


def judged(program: Program, texts: list[TokenTable], sandbox: SandboxPool) -> str:
    if program.outcome is Outcome.REFUSED:
        return f"refused {program.diagnostics[0].code}"
    if any("a bug of attndsl" in d.headline for d in program.diagnostics):
        return "BUG"
    verdict = verify(program, texts, sandbox)
    wrong = [m for m in verdict.mismatches if "only the sentence itself" not in m.expected]  # a limit of the sandbox
    if not wrong and verdict.mismatches:
        return f"{program.outcome.value}, not compared (another text)"
    if verdict.ok:
        return f"{program.outcome.value}, equal"
    if verdict.unavailable:
        return f"{program.outcome.value}, not compared ({verdict.unavailable.splitlines()[0][:80]})"
    return f"{program.outcome.value}, WRONG: {wrong[0]}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stories", type=int, default=1)
    parser.add_argument("--every", type=int, default=4, help="take every so many of the odd texts")
    parser.add_argument("--tokenizer", default="smollm2-135m")
    parser.add_argument("--show", type=Path, help="folder for files with findings")
    args = parser.parse_args()
    host = {"embedding_similarity": lambda tokens, a, b: similarity(list(tokens), a, b)}
    texts = tables(args.tokenizer, args.stories)[:: args.every]
    found: Counter[str] = Counter()
    started, wrong = time.perf_counter(), 0
    folder = args.show or Path(tempfile.mkdtemp(prefix="attndsl-variants-"))
    folder.mkdir(parents=True, exist_ok=True)
    with SandboxPool(workers=1, limits=Limits(runs=1, seconds=30)) as sandbox:
        for number, text in enumerate(batches(Pool(args.files), random.Random(args.seed), args.count)):
            file = folder / f"variants_{args.seed}_{number}.py"
            file.write_text(text, encoding="utf-8")
            try:
                library = load_library(file, host=host)
            except DiagnosticError as error:
                print(f"{file}: {error}", flush=True)
                continue
            before = wrong
            for program in library.values():
                verdict = judged(program, texts, sandbox)
                if "WRONG" in verdict or verdict == "BUG":
                    wrong += 1
                    print(f"{file} {program.name}: {verdict}", flush=True)
                found[verdict.split(":")[0]] += 1
            if before == wrong:
                file.unlink()
    print(f"{len(texts)} texts, {time.perf_counter() - started:.0f} s; {dict(found.most_common())}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
