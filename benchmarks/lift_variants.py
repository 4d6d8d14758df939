"""Lift variants of test snippets and compare each with CPython: ``python benchmarks/lift_variants.py --count 4000``.

A variant is a snippet of ``tests/programs`` with one or two pieces changed: an operator flipped, an expression replaced
by a simple one or by one of another snippet, a statement dropped, doubled, or taken from elsewhere. Most are refused;
a lifted one has to give Python's matrix, and fail where Python fails. The program runs only these variants of our own
snippets. ``--write FILE`` keeps those that reach lines which few snippets reach, as new tests.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import signal
import sys
import textwrap
import warnings
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / "tests" / folder) for folder in ("dsl/pyimport", ".")]
from mutations import ROOT, changes  # noqa: E402
from test_lift_snippets import ELSEWHERE, HEAD, SNIPPETS, _means_the_same, record_of  # noqa: E402

from attndsl.dsl.pyimport import Imported, import_python  # noqa: E402
from attndsl.dsl.source import SourceFile  # noqa: E402

# fmt: off
ATOMS = ("i", "j", "n", "0", "1", "-1", "2", "0.5", "'the'", "'abc'", "None", "True", "tokens", "tokens[i]", "A[i]",
         "A[i, j]", "[]", "{}", "set()", "(i, j)", "[0, 1]", "{'the'}", "i + 1", "n - 1", "range(n)", "range(i)",
         "len(tokens)")
# fmt: on
TESTS = ("i > 1", "tokens[i] == 'the'", "n > 3", "i < j", "tokens[j] != ','")
LONGEST = 420
CPU_SECONDS = 10.0


class Put(ast.NodeTransformer):
    """Replaces one node."""

    def __init__(self, at: ast.AST, new: ast.AST) -> None:
        self.at = at
        self.new = new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.at else self.generic_visit(node)


def read(tree: ast.AST) -> list[ast.expr]:
    """The expressions whose value is read."""
    found = [x for x in ast.walk(tree) if isinstance(x, ast.expr)]
    return [x for x in found if isinstance(getattr(x, "ctx", ast.Load()), ast.Load)]


def blocks(tree: ast.AST) -> list[list[ast.stmt]]:
    lists = [getattr(x, field, None) for x in ast.walk(tree) for field in ("body", "orelse")]
    return [found for found in lists if isinstance(found, list) and found]


def varied(r: random.Random, pool: list[ast.Module]) -> ast.Module:
    """A snippet with one piece changed, or two."""
    tree = copy.deepcopy(r.choice(pool))
    for _ in range(r.choice((1, 1, 1, 2))):
        kind = r.choices(("operator", "atom", "expression", "statement", "block"), (35, 25, 20, 10, 10))[0]
        if kind == "operator" and (found := list(changes(tree))):
            r.choice(found)[2]()
        elif kind == "atom":
            tree = Put(r.choice(read(tree)), ast.parse(r.choice(ATOMS), mode="eval").body).visit(tree)
        elif kind == "expression":
            other = [x for x in read(copy.deepcopy(r.choice(pool))) if not isinstance(x, ast.Name | ast.Constant)]
            if other:
                tree = Put(r.choice(read(tree)), r.choice(other)).visit(tree)
        elif kind == "statement":
            block = r.choice(blocks(tree))
            block.insert(r.randrange(len(block) + 1), r.choice(r.choice(blocks(copy.deepcopy(r.choice(pool))))))
        else:
            change_block(r, r.choice(blocks(tree)))
    return tree


def change_block(r: random.Random, block: list[ast.stmt]) -> None:
    """One statement is dropped, doubled, or made conditional."""
    at, how = r.randrange(len(block)), r.randrange(3)
    if how == 0 and len(block) > 1:
        del block[at]
    elif how == 1:
        block.insert(at, copy.deepcopy(block[at]))
    else:
        block[at] = ast.If(ast.parse(r.choice(TESTS), mode="eval").body, [block[at]], [])


def variants(count: int, seed: int) -> list[str]:
    """Different variants that Python can compile."""
    r = random.Random(seed)
    snippets = [text for chunk in SNIPPETS.values() for text in chunk.values()]
    pool = [tree for tree in map(ast.parse, map(textwrap.dedent, snippets)) if tree.body]
    found: dict[str, None] = {}
    while len(found) < count:
        try:
            text = ast.unparse(ast.fix_missing_locations(varied(r, pool)))
            compile("def program():\n" + textwrap.indent(text, " "), "variant", "exec")
        except (SyntaxError, ValueError, IndexError, RecursionError):
            continue
        if len(text) <= LONGEST:
            found[text] = None
    return list(found)


def program(variant: str) -> str:
    return f'{HEAD}{textwrap.indent(variant, "    ")}\n    return "program", A\n'


def lift(variant: str) -> Imported:
    (found,) = import_python(SourceFile("variant", program(variant)), ["embedding_similarity"]).programs
    return found


def judged(variant: str) -> str:
    """ "refused", "equal", or what is wrong."""
    try:
        found = lift(variant)
        if found.typed is None:
            record_of(found)  # a mistake of the lifter is none of the program's
            return "refused"
        if any(x in variant for x in ELSEWHERE):
            return "not compared"
        _means_the_same(found, program(variant), "lifted and CPython")
    except Exception as error:
        return f"wrong: {type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return "equal"


def in_children(some: list[str]) -> list[str]:
    """The judgements, from forked children: one that does not end costs its own only."""
    out: list[str] = []
    while len(out) < len(some):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            for variant in some[len(out) :]:
                signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
                os.write(writer, (judged(variant) + "\n").encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as lines:
            out += [line.rstrip("\n") for line in lines]
        if os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
            out.append("no end")
    return out


def rare(some: list[str], most: int, budget: int) -> list[str]:
    """The variants, greedily, that reach lines of the lifter which at most ``most`` of all reach."""
    import coverage

    watch = coverage.Coverage(data_file=None, include=[str(ROOT / "dsl/pyimport/lift/*")], config_file=False)
    watch.start()
    for number, variant in enumerate(some):
        watch.switch_context(str(number))
        record_of(lift(variant))
    watch.stop()
    data = watch.get_data()
    lines = [c for file in data.measured_files() for c in data.contexts_by_lineno(file).values() if len(c) <= most]
    reached = {n: {i for i, c in enumerate(lines) if str(n) in c} for n in range(len(some))}
    left, kept = set(range(len(lines))), []
    while left and len(kept) < budget:
        best = max(reached, key=lambda n: (len(reached[n] & left), -len(some[n])))
        if not reached[best] & left:
            break
        left -= reached[best]
        kept.append(some[best])
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="keep variants that reach rarely reached lines in this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    some = variants(options.count, options.seed)
    found = in_children(some)
    for variant, said in zip(some, found, strict=True):
        if said.startswith("wrong") or said == "no end":
            print(f"{said}\n{textwrap.indent(variant, '    ')}")
    print(dict(Counter(said.split(":")[0] for said in found)))
    if options.write:
        good = [variant for variant, said in zip(some, found, strict=True) if said in ("equal", "refused")]
        options.write.write_text("# Divided by lines.\n---\n" + "\n---\n".join(rare(good, 6, 300)) + "\n")
    return int(any(said.startswith("wrong") for said in found))


if __name__ == "__main__":
    sys.exit(main())
