"""Thousands of mutated attacks against the sandbox: a slow test, run by hand.

    python benchmarks/attack_mutations.py [--count 10000] [--seed 0] [--seconds 0.3] [--workers 2]

Every mutant starts from an attack of ``tests/runtime/attacks``. The line that decides whether the attack has won is
kept, or replaced by an equivalent; around it code is wrapped, spliced, aliased, spelled differently, and characters
are broken. Prints the outcome classes, every mutant that won (there must be none), every effect outside (none), and
whether the zygotes lived. Exit status 1 when anything got through.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench_sandbox import sentence

from attndsl.runtime.sandbox import Job, Limits, SandboxError, SandboxPool, Values

ATTACKS = Path(__file__).resolve().parent.parent / "tests" / "runtime" / "attacks"
DECIDES = re.compile(r"won\s*=(?!=)|1337|return|def predict")
TRIVIAL = re.compile(r"^\s*won = (True|won or .*)$", re.MULTILINE)
NOISE = [
    "x = [t for t in tokens if t]",
    "y = {i: t for i, t in enumerate(tokens)}",
    "z = lambda a, b=1: a",
    "print('noise', n)",
    "import math",
    "import numpy as np",
    "s = f'{n:>4}'",
    "for _ in range(2): pass",
    "assert n >= 0",
    "# nothing to see",
    "def g(k):\n        yield k",
]
PIECES = ["\u200b", "\u202e", "\x00", "\x0c", "\r", "ａ", "()", "[0]", ".__class__", "__",
          "@", ";", "\\", "#", "'", '"""', "{", "*", ":="]  # fmt: skip

Lines = list[str]


def body(lines: Lines) -> list[int]:
    """Lines that do not decide the outcome, and belong to the program function."""
    start = next((i for i, line in enumerate(lines) if line.lstrip().startswith("def predict")), 0)
    return [i for i in range(start + 1, len(lines)) if lines[i].strip() and not DECIDES.search(lines[i])]


def deciding(lines: Lines) -> list[int]:
    return [i for i, line in enumerate(lines) if re.match(r"\s+won = (?!False|True)", line)]


def add_noise(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    at = rng.choice(deciding(lines) or [len(lines) - 1])
    indent = re.match(r"\s*", lines[at])[0]  # type: ignore[index]
    return [*lines[:at], *(indent + rng.choice(NOISE) for _ in range(rng.randint(1, 4))), *lines[at:]]


def splice(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    """Put lines of another attack in front of the deciding one."""
    other = rng.choice(pool)
    chosen = [other[i] for i in body(other)][:6]
    at = rng.choice(deciding(lines) or [len(lines) - 1])
    return [*lines[:at], *chosen, *lines[at:]]


def spelled_getattr(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    """``a.b`` as getattr, with the name whole, cut, or computed."""

    def other(match: re.Match[str]) -> str:
        name = match[2]
        cut = rng.randint(0, len(name))
        forms = [f"'{name}'", f"'{name[:cut]}' + '{name[cut:]}'", f"''.join(['{name[:cut]}', '{name[cut:]}'])"]
        forms += [f"'{name[::-1]}'[::-1]", f"f'{name}'", f"'{name.upper()}'.lower()", f"('{name}',)[0]"]
        return f"getattr({match[1]}, {rng.choice(forms)})"

    return [re.sub(r"\b(\w+)\.(\w+)", other, line) if "import" not in line else line for line in lines]


def spelled_import(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    def other(match: re.Match[str]) -> str:
        indent, module = match[1], match[2]
        return indent + rng.choice([
            f"import {module} as {module}", f"{module} = __import__('{module}')", f"from {module} import *",
            f"try:\n{indent}    import {module}\n{indent}except ImportError:\n{indent}    {module} = None",
            f"import math, {module}", f"import importlib; {module} = importlib.import_module('{module}')",
            f"import numpy; {module} = numpy.{module}", f"import random; {module} = random._{module}",
        ])  # fmt: skip

    return "\n".join(re.sub(r"^(\s*)import (\w+)$", other, line) for line in lines).split("\n")


def homoglyph(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    """One ASCII letter of a name in its full-width or mathematical form, which Python reads as the same."""
    text = "\n".join(lines)
    places = [m.start() for m in re.finditer(r"[a-z]", text)]
    at = rng.choice(places)
    base = rng.choice([0xFF41, 0x1D41A, 0x1D5BA])
    return (text[:at] + chr(base + ord(text[at]) - 97) + text[at + 1 :]).split("\n")


def wrap(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    """The deciding line inside another construct."""
    places = deciding(lines)
    if not places:
        return lines
    at = rng.choice(places)
    indent, statement = re.match(r"(\s*)(.*)", lines[at]).groups()  # type: ignore[union-attr]
    value = statement.partition("=")[2].strip()
    forms = [
        [f"try:\n{indent}    won = {value}", "except Exception:", "    pass"],
        [f"for _q in [1]:\n{indent}    won = {value}"],
        [f"won = (lambda: {value})()"],
        [f"won = [{value} for _q in [1]][0]"],
        [f"def _h(a=lambda: ({value})):\n{indent}    return a()", "won = _h()"],
        [f"won = next(_v for _v in [{value}])"],
        [f"won = list(map(lambda _u: ({value}), [0]))[0]"],
        [f"won = sorted([0], key=lambda _u: ({value})) and ({value})"],
        [f"if (_w := ({value})):\n{indent}    won = _w"],
        [f"match ({value}):\n{indent}    case True:\n{indent}        won = True"],
        [f"won = {{'k': ({value})}}['k']"],
        [f"while True:\n{indent}    won = {value}\n{indent}    break"],
    ]
    return [*lines[:at], *(indent + line for line in rng.choice(forms)), *lines[at + 1 :]]


def broken(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    """A character put in, left out or doubled, outside the deciding lines."""
    places = body(lines)
    if not places:
        return lines
    at = rng.choice(places)
    line = lines[at]
    cut = rng.randint(0, len(line))
    form = rng.randint(0, 2)
    changed = (
        line[:cut]
        + (rng.choice(PIECES) if form == 0 else "" if form == 1 else line[cut : cut + 1] * 2)
        + line[cut + 1 :]
    )
    return [*lines[:at], changed, *lines[at + 1 :]]


def shuffled(lines: Lines, rng: random.Random, pool: list[Lines]) -> Lines:
    """Two lines of the body change places, or one is doubled."""
    places = body(lines)
    if len(places) < 2:
        return add_noise(lines, rng, pool)
    first, second = rng.sample(places, 2)
    lines = list(lines)
    lines[first], lines[second] = lines[second], lines[first]
    return lines


MUTATIONS: list[Callable[[Lines, random.Random, list[Lines]], Lines]] = [
    add_noise, splice, spelled_getattr, spelled_import, homoglyph, wrap, wrap, broken, broken, shuffled,
]  # fmt: skip


def bases() -> list[tuple[str, str]]:
    rows = [
        json.loads(line) for path in sorted(ATTACKS.glob("attacks-*.jsonl")) for line in path.open(encoding="utf-8")
    ]
    return [(row["id"], row["source"]) for row in rows if "source_gen" not in row and "def predict" in row["source"]]


def mutants(count: int, seed: int) -> list[tuple[str, str, bool]]:
    """(name, source, whether 1337 in its result would mean a win) of every mutant."""
    rng = random.Random(seed)
    known = bases()
    pool = [source.split("\n") for _, source in known]
    found: list[tuple[str, str, bool]] = []
    while len(found) < count:
        index = rng.randrange(len(known))
        name, lines = known[index][0], pool[index]
        for _ in range(rng.randint(1, 4)):
            lines = rng.choice(MUTATIONS)(lines, rng, pool)
        source = "\n".join(lines)
        # Where the goal is an effect, the base ends with 'won = True', or returns the number outright.
        counts = not TRIVIAL.search(source) and "[[1337.0] *" not in source and bool(deciding(lines))
        found.append((f"{name}#{len(found)}", source, counts))
    return found


def effects() -> tuple[list[str], dict[str, str], str]:
    return sorted(glob.glob("/tmp/attack_marker*")), dict(os.environ), os.getcwd()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    table, before, started = sentence(10), effects(), time.perf_counter()
    made = mutants(options.count, options.seed)
    classes: Counter[str] = Counter()
    won: list[str] = []
    with SandboxPool(options.workers, Limits(seconds=options.seconds, start_seconds=5, megabytes=128)) as pool:
        reports = pool.map(Job(source, [table], values=Values()) for _, source, _ in made)
        for (name, source, counts), report in zip(made, reports, strict=True):
            result = report.results[0]
            kind = result.outcome if isinstance(result, SandboxError) else "ok"
            if not isinstance(result, SandboxError) and result.flat[0] == 1337:
                kind = "ok (1337, by an effect-only program)"
                if counts:
                    won.append(f"{name}\n{source}")
            classes[kind] += 1
        print(f"{len(made)} mutants in {time.perf_counter() - started:.0f} s, {dict(classes.most_common())}")
        print(
            f"won: {len(won)}; effects outside: {int(effects() != before)}; "
            f"zygotes alive: {pool.alive()}, starts {pool.starts}"
        )
    for text in won[:20]:
        print("WON", text)
    return int(bool(won) or effects() != before)


if __name__ == "__main__":
    raise SystemExit(main())
