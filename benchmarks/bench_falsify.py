"""Counterexamples of programs against real heads, and bugs planted into built-in programs.

    python benchmarks/bench_falsify.py heads LIBRARY.attn TABLE.csv [MODEL] [SECONDS]
    python benchmarks/bench_falsify.py planted [COUNT] [SEED]

``heads``: the five heads whose best program scores highest in TABLE.csv (what ``attndsl score --table`` or ``attndsl
synth`` writes) and the five around the median; SECONDS of search each. ``planted``: built-in programs with one rule
altered, held against the original in place of a head; found means IoU below 0.99 on some text, blamed means that the
altered rule comes first. The alterations are written here, apart from the edits that the blame tries
(``runtime/falsify/edits.py``).
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import Any

from attndsl.dsl import nodes as N
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.printer import statement
from attndsl.job.falsify import Asked, Falsified, Search, falsify
from attndsl.job.progress import Silent
from attndsl.runtime.falsify.rules import lifted, rules_of, with_items
from attndsl.runtime.falsify.search import Limits
from attndsl.runtime.library import builtin_library
from attndsl.runtime.program import Program

BELOW = 0.99
WORDS = ("zebra", "this", ";", "her")


# ---------------------------------------------------------------- planted bugs


def rewrites(node: Any) -> Iterator[tuple[str, Any]]:
    """Copies of a tree with one bug in it, with the bug's kind."""
    yield from bugs(node)
    for name in (f.name for f in fields(node)):
        value = getattr(node, name)
        if isinstance(value, N.Node):
            yield from ((kind, replace(node, **{name: new})) for kind, new in rewrites(value))
        elif isinstance(value, tuple) and value and isinstance(value[0], N.Node):
            for at, item in enumerate(value):
                yield from (
                    (kind, replace(node, **{name: (*value[:at], new, *value[at + 1 :])}))
                    for kind, new in rewrites(item)
                )


def bugs(node: Any) -> Iterator[tuple[str, Any]]:
    """What goes wrong in programs: a word, a distance, a direction, a feature, a condition, a rate, a bound."""
    match node:
        case N.Text(value=value):
            yield from (("word", N.Text(word)) for word in WORDS if word != value)
        case N.Binary(op="-" | "+" as op, left=left, right=N.Number(value=value)):
            yield "distance", N.Binary(op, left, N.Number(value + 2))
        case N.Aggregate(kind="first" | "last" as kind):
            yield "direction", replace(node, kind="first" if kind == "last" else "last")
        case N.Feature(name="is_punct" | "word_start" | "is_capitalized" | "in_quotes"):
            other = {"is_punct": "is_capitalized", "word_start": "is_punct"}.get(node.name, "is_punct")
            yield "feature", replace(node, name=other)
        case N.Compare(op="==" | "<" | ">=" as op):
            yield "condition", replace(node, op={"==": "!=", "<": ">=", ">=": "<"}[op])
        case N.And(left=left, right=right):
            yield "condition", left
            yield "condition", right
        case N.Binary(op="**", left=N.Number(value=value)) if 0 < value < 1:
            yield "rate", replace(node, left=N.Number(round(value * value * value, 3)))
        case N.Binder(lower=lower) if lower is not None:
            yield "bound", replace(node, lower=None, lower_open=False)
        case N.Rule(when=when) if when is not None:
            yield "condition", replace(node, when=None)
        case N.At(position=N.SelfPosition() | N.FirstPosition()):
            yield "target", N.At(N.Binary("-", N.Var("q"), N.Number(2.0)))


def planted(original: Program, random: Random) -> tuple[Program, int, str] | None:
    """The program with one random rule altered at one random place, the rule's number, and the bug's kind."""
    items = lifted(original).program.items
    choices = []
    for rule in rules_of(original):
        for kind, new in rewrites(items[rule.item]):
            try:
                wrong = with_items(original, (*items[: rule.item], new, *items[rule.item + 1 :]))
            except DiagnosticError:
                continue
            choices.append((kind, rule.number, replace(wrong, name=f"{original.name}, altered")))
    if not choices:
        return None
    kind = random.choice(sorted({kind for kind, _, _ in choices}))
    _, number, wrong = random.choice([choice for choice in choices if choice[0] == kind])
    return wrong, number, kind


def run_planted(count: int, seed: int) -> None:
    random = Random(seed)
    library = builtin_library()
    several = [program for program in library.values() if program.typed and len(rules_of(program)) >= 2]
    random.shuffle(several)
    print(f"{'program':<44} {'bug':<10} {'rule':>4} {'texts':>5} {'s':>5} {'tokens':>8} {'IoU':>6} {'share':>6} blamed")
    found = right = made = 0
    for original in several:
        chosen = planted(original, random)
        if chosen is None or made == count:
            continue
        made += 1
        wrong, number, kind = chosen
        start = time.process_time()
        done = held_against(wrong, original, seed)
        seconds = time.process_time() - start
        example = done.counterexample
        if example is None:
            text = statement(lifted(wrong).program.items[rules_of(wrong)[number].item])
            print(
                f"{original.name[:44]:<44} {kind:<10} {number:>4} {done.hunt.tried:>5} {seconds:5.1f} not found: {text}"
            )
            continue
        found += 1
        suspect = example.suspects[0]
        right += suspect.rule.number == number
        print(
            f"{original.name[:44]:<44} {kind:<10} {number:>4} {done.hunt.tried:>5} {seconds:5.1f} "
            f"{example.found.tokens:>3} -> {example.trial.tokens:<2} {example.trial.iou:6.3f} {suspect.share:6.2f} "
            f"{'right' if suspect.rule.number == number else f'wrong: rule {suspect.rule.number}, {suspect.change}'}"
        )
    print(f"\n{found} of {made} found, {right} of {made} with the right rule blamed")


def held_against(wrong: Program, original: Program, seed: int) -> Falsified:
    """Search with the altered program, and the original in place of a head."""
    from attndsl.job import falsify as job
    from attndsl.models.load_tokenizer import load_tokenizer

    tokenizer = load_tokenizer("smollm2-135m")
    sides = job.Sides(wrong, job.head_of_program(original, True), tokenizer, True, wrong.name)
    search = Search(limits=Limits(BELOW, 3000, 1e9), seed=seed)
    return job.hunt_and_explain(Asked(), sides, search, Silent())


# ---------------------------------------------------------------- real heads


def run_heads(library: Path, table: Path, model: str, seconds: float) -> None:
    with table.open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: -float(row["held_out_iou"]))
    middle = len(rows) // 2
    print(f"{model}: programs of {library.name}, {seconds:.0f} s of search, texts of at most 48 tokens")
    print(
        f"{'head':<7} {'held-out':>8} {'corpus':>7} {'below':>6} {'texts':>5} {'wall s':>6} {'tokens':>8} "
        f"{'IoU found':>9} {'shrunk':>7} {'whole s':>7}  blame"
    )
    for name, chosen in (("high", rows[:5]), ("middle", rows[middle - 2 : middle + 3])):
        broken = sum(one_head(library, row, model, seconds) for row in chosen)
        print(f"{name}: {broken} of {len(chosen)} heads broken\n")


def one_head(library: Path, row: dict[str, str], model: str, seconds: float) -> bool:
    start = time.monotonic()
    asked = Asked(library, row["program"], model, head=row["head"])
    done = falsify(asked, Search(limits=Limits(None, 100_000, seconds)), Silent())
    hunt, example = done.hunt, done.counterexample
    line = (
        f"{row['head']:<7} {float(row['held_out_iou']):8.3f} {hunt.mean:7.3f} {hunt.threshold:6.3f} {hunt.tried:>5} "
        f"{hunt.seconds:6.1f}"
    )
    whole = time.monotonic() - start
    if example is None:
        print(f"{line} not broken, lowest {hunt.best.iou if hunt.best else 1:.3f} {whole:7.1f}", flush=True)
        return False
    suspect = example.suspects[0]
    blamed = f"{100 * suspect.share:.0f}% rule {suspect.rule.number} ({suspect.kind})"
    print(
        f"{line} {example.found.tokens:>3} -> {example.trial.tokens:<2} {example.found.iou:9.3f} "
        f"{example.trial.iou:7.3f} {whole:7.1f}  {blamed if suspect.share > 0 else 'no rule'}; {example.trial.text!r}",
        flush=True,
    )
    return True


if __name__ == "__main__":
    if sys.argv[1:2] == ["heads"]:
        rest = sys.argv[2:]
        run_heads(
            Path(rest[0]), Path(rest[1]), rest[2] if len(rest) > 2 else "smollm2-135m",
            float(rest[3]) if len(rest) > 3 else 60.0,
        )  # fmt: skip
    elif sys.argv[1:2] == ["planted"]:
        run_planted(int(sys.argv[2]) if len(sys.argv) > 2 else 20, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    else:
        sys.exit(__doc__)
