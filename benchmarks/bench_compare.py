"""Pairs of programs that are equal or different by construction, compared; and programs made smaller.

    python benchmarks/bench_compare.py pairs [--pairs 100] [--seed 0] [FILE.py ...]
    python benchmarks/bench_compare.py minimise FILE.py ... [--programs 50] [--epsilon 0.02] [--train 40]
        [--tokens 64] [--model NAME] [--bidirectional]

``pairs``: half of the pairs are equal by a rewriting that keeps the meaning, half differ by one that changes it. Bases
are built-in programs and the programs of the files that lift, in turn. That a changed program differs is checked here
on texts that are told which word matters; a change that shows on none is not used, so
what is counted as different is. The comparison is not told.

``minimise``: programs of the files that lift, made smaller on train texts; rules before and after, on held-out texts.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import METHODS
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.types import BOOL
from attndsl.job.minimise import Setting, on_heldout, text_tables
from attndsl.job.progress import Silent
from attndsl.models.corpus import load_corpus
from attndsl.models.load_tokenizer import load_tokenizer
from attndsl.runtime.equivalence.compare import Comparison, compare
from attndsl.runtime.equivalence.pair import Pair
from attndsl.runtime.falsify.edits import inlined
from attndsl.runtime.falsify.rules import lifted, with_items
from attndsl.runtime.library import builtin_library, load_library
from attndsl.runtime.minimise.search import minimise
from attndsl.runtime.program import Program
from attndsl.runtime.tokenize import token_table

Change = Callable[[N.Node], Iterator[tuple[N.Node, str]]]
"""Copies of one node, each with the word that shows the change ("" where any text may)."""
Rewrite = Callable[[Program], Iterator[tuple[list[N.Item], str]]]
"""The same for the statements of a program."""
RARE = "zeugma"


# ---------------------------------------------------------------- rewriting anywhere in a program


def everywhere(node: Any, change: Change) -> Iterator[tuple[Any, str]]:
    """Copies of a tree in which one node became what ``change`` gives for it."""
    yield from change(node)
    for name in (f.name for f in fields(node)):
        value = getattr(node, name)
        if isinstance(value, N.Node):
            yield from ((replace(node, **{name: new}), word) for new, word in everywhere(value, change))
        elif isinstance(value, tuple):
            for at, item in enumerate(value):
                if isinstance(item, N.Node):
                    for new, word in everywhere(item, change):
                        yield replace(node, **{name: (*value[:at], new, *value[at + 1 :])}), word


def in_rules(change: Change) -> Rewrite:
    """The program's statements with one node of one rule rewritten."""

    def apply(program: Program) -> Iterator[tuple[list[N.Item], str]]:
        items = lifted(program).program.items
        for at, item in enumerate(items):
            if isinstance(item, N.Rule | N.Let):
                for new, word in everywhere(item, change):
                    yield [*items[:at], new, *items[at + 1 :]], word

    return apply


def reads_weights(node: N.Node, program: Program) -> bool:
    """Whether a statement reads what earlier ones wrote."""
    lets = lifted(program).lets
    for inner in N.walk(node):
        if isinstance(inner, N.Cell | N.RowStat):
            return True
        if isinstance(inner, N.Name | N.Call) and reads_weights(lets[inner.name].value, program):
            return True
    return False


# ---------------------------------------------------------------- what keeps the meaning


def swap_adds(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at in range(len(items) - 1):
        two = items[at : at + 2]
        if all(isinstance(i, N.Rule) and i.action in ("add", "share") and not reads_weights(i, program) for i in two):
            yield [*items[:at], two[1], two[0], *items[at + 2 :]], ""


def split_weight(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at, item in enumerate(items):
        if isinstance(item, N.Rule) and item.action in ("add", "share") and not reads_weights(item, program):
            parts = [replace(item, value=N.Binary("*", N.Number(x), item.value)) for x in (0.25, 0.75)]
            yield [*items[:at], *parts, *items[at + 1 :]], ""


def dead_rule(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = list(lifted(program).program.items)
    never = N.Compare("<", N.Var("q"), N.Number(0.0))
    yield [N.Rule("add", N.Number(1.0), N.At(N.SelfPosition()), when=never), *items], ""
    far = N.Binder("k", upper=N.Var("q"), upper_open=True, where=N.Compare(">", N.Var("k"), N.Var("q")))
    yield [N.Rule("add", N.Number(0.5), N.Each(far)), *items], ""
    yield [N.Rule("add", N.Number(0.0), N.At(N.FirstPosition())), *items], ""


def inline(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    typed = lifted(program)
    items = [inlined(i, typed) if isinstance(i, N.Rule) else i for i in typed.program.items]
    if items != list(typed.program.items):
        yield items, ""


def _conditions(node: N.Node) -> Iterator[N.Expr]:
    test = isinstance(node, N.Method) and METHODS[node.name].kind is BOOL
    if isinstance(node, N.And | N.Or | N.Not | N.Compare | N.Member | N.Method) and (
        test or not isinstance(node, N.Method)
    ):
        yield node


def de_morgan(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.And | N.Or):
        other = N.Or if isinstance(node, N.And) else N.And
        yield N.Not(other(N.Not(node.left), N.Not(node.right))), ""


def double_negation(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    yield from ((N.Not(N.Not(found)), "") for found in _conditions(node))


def split_set(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Member) and isinstance(node.collection, N.SetOf) and len(node.collection.items) > 1:
        items = node.collection.items
        yield N.Or(N.Member(node.item, N.SetOf(items[1:])), N.Member(node.item, N.SetOf(items[:1]))), ""
        yield replace(node, collection=N.SetOf(items[::-1])), ""


def flip_compare(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Compare):
        op = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}[node.op]
        yield N.Compare(op, node.right, node.left), ""


def arithmetic(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    match node:
        case N.Binary(op="-", left=left, right=N.Number(value=value)) if float(value).is_integer():
            yield N.Binary("+", N.Binary("-", left, N.Number(value + 2)), N.Number(2.0)), ""
        case N.Binary(op="*" | "+" as op, left=left, right=right):
            yield N.Binary(op, right, left), ""
        case N.Rule(value=value):
            yield replace(node, value=N.Binary("/", N.Binary("*", value, N.Number(3.0)), N.Number(3.0))), ""


SAME: dict[str, Rewrite] = {
    "rules swapped": swap_adds,
    "weight split": split_weight,
    "dead rule": dead_rule,
    "let written out": inline,
    "De Morgan": in_rules(de_morgan),
    "double negation": in_rules(double_negation),
    "set reordered, split": in_rules(split_set),
    "comparison turned": in_rules(flip_compare),
    "arithmetic": in_rules(arithmetic),
}


# ---------------------------------------------------------------- what changes it


def other_bound(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Compare) and isinstance(node.right, N.Number):
        yield replace(node, right=N.Number(node.right.value + 1)), ""
    if isinstance(node, N.Binder):
        for side in ("lower", "upper"):
            if getattr(node, side) is not None:
                yield replace(node, **{side: N.Binary("+", getattr(node, side), N.Number(1.0))}), ""


def open_bound(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.Compare) and node.op in ("<", "<=", ">", ">="):
        yield replace(node, op={"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[node.op]), ""
    if isinstance(node, N.Binder) and node.lower is not None:
        yield replace(node, lower_open=not node.lower_open), ""
    if isinstance(node, N.Binder) and node.upper is not None:
        yield replace(node, upper_open=not node.upper_open), ""


def other_member(node: N.Node) -> Iterator[tuple[N.Node, str]]:
    if isinstance(node, N.SetOf) and node.items and isinstance(node.items[0], N.Text):
        for at in (0, len(node.items) - 1):
            word = node.items[at]
            assert isinstance(word, N.Text)
            yield N.SetOf((*node.items[:at], *node.items[at + 1 :], N.Text(RARE))), word.value
    if isinstance(node, N.Compare) and isinstance(node.right, N.Text):
        yield replace(node, right=N.Text(node.right.value + "s")), node.right.value


def rare_condition(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at, item in enumerate(items):
        if isinstance(item, N.Rule):
            unless = N.Not(N.Method(N.Feature(N.Var("q"), "raw"), "endswith", (N.Text("cean"),)))
            both = unless if item.when is None else N.And(item.when, unless)
            yield [*items[:at], replace(item, when=both), *items[at + 1 :]], "ocean"


def one_percent(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at, item in enumerate(items):
        if isinstance(item, N.Rule):
            yield [
                *items[:at], replace(item, value=N.Binary("*", item.value, N.Number(1.01))), *items[at + 1 :]
            ], ""  # fmt: skip


def swap_others(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    items = lifted(program).program.items
    for at in range(len(items) - 1):
        two = items[at : at + 2]
        if all(isinstance(i, N.Rule) for i in two) and any(i.action not in ("add", "share") for i in two):  # type: ignore[attr-defined]
            yield [*items[:at], two[1], two[0], *items[at + 2 :]], ""


def only_late(program: Program) -> Iterator[tuple[list[N.Item], str]]:
    late = N.Compare("==", N.Var("q"), N.Number(41.0))
    rule = N.Rule("add", N.Number(0.3), N.At(N.SelfPosition()), when=late)
    items = list(lifted(program).program.items)
    last = len(items) - 1 if items and isinstance(items[-1], N.Normalize | N.Mask | N.Softmax) else len(items)
    yield [*items[:last], rule, *items[last:]], ""


OTHER: dict[str, Rewrite] = {
    "bound off by one": in_rules(other_bound),
    "<= for <": in_rules(open_bound),
    "another word": in_rules(other_member),
    "rare condition": rare_condition,
    "weight 1% more": one_percent,
    "order": swap_others,
    "at one late query": only_late,
}


# ---------------------------------------------------------------- pairs


@dataclass(frozen=True)
class Known:
    """A pair with what is known of it; ``shown``: tokens of the shortest text here that shows a difference."""

    kind: str
    first: Program
    second: Program
    same: bool
    shown: int = 0


class Maker:
    """Makes pairs from base programs; the same seed makes the same."""

    def __init__(self, bases: list[Program], tokenizer: Any, seed: int) -> None:
        self.random = Random(seed)
        self.bases = bases
        self.tokenizer = tokenizer
        self.plain = [text.text for text in load_corpus("stories")][:14]

    def pairs(self, count: int) -> Iterator[Known | None]:
        for number in range(count):
            same = number % 2 == 0
            kinds = SAME if same else OTHER
            kind = list(kinds)[number // 2 % len(kinds)]
            yield self.pair(kind, kinds[kind], same)

    def pair(self, kind: str, rewrite: Rewrite, same: bool) -> Known | None:
        for _ in range(40):
            base = self.random.choice(self.bases)
            choices = list(rewrite(base))
            if not choices:
                continue
            items, word = self.random.choice(choices)
            try:
                changed = replace(with_items(base, items), name=f"{base.name}, {kind}")
            except DiagnosticError:
                continue
            if same:
                return Known(kind, base, changed, True)
            shown = self.shown(base, changed, word)
            if shown:
                return Known(kind, base, changed, False, shown)
        return None  # no base has such a place

    def shown(self, first: Program, second: Program, word: str) -> int:
        """Tokens of the first text on which the two differ; 0 where none is known."""
        pair = Pair(first, second, first.causal)
        texts = list(self.plain)
        if word.strip("Ġ▁# "):
            plain = word.strip("Ġ▁# ")
            texts = [f"{' '.join(text.split()[:5])} {plain} {' '.join(text.split()[5:9])} {plain} ." for text in texts]
        tables = [token_table(" ".join(text.split()[:60]), self.tokenizer) for text in texts]
        return next((len(table) for table in tables if pair.differs(table, "raw") is not None), 0)


def wrong(known: Known, done: Comparison) -> bool:
    """Whether an answer about the matrix is false; equality up to fewer tokens than a difference needs is not."""
    if known.same:
        return done.raw.answer == "different" or done.pattern.answer == "different"
    bound = done.raw.tokens
    return done.raw.answer == "equal" and (bound is None or bound >= known.shown)


def outcome(known: Known, done: Comparison) -> str:
    if wrong(known, done):
        return "WRONG"
    if done.raw.answer == "equal":
        return "equal" if done.raw.tokens is None else "equal up to N"
    return done.raw.answer


def run_pairs(files: list[Path], count: int, seed: int) -> None:
    tokenizer = load_tokenizer("smollm2-135m")
    corpus = [text.text for text in load_corpus("stories")]
    builtin = [p for p in builtin_library().values() if p.typed is not None]
    imported = [p for p in load_library(files).values() if p.typed is not None] if files else []
    makers = [Maker(bases, tokenizer, seed + at) for at, bases in enumerate((builtin, imported)) if bases]
    streams = [maker.pairs(count) for maker in makers]
    table: dict[tuple[bool, str], Counter[str]] = defaultdict(Counter)
    seconds: dict[str, list[float]] = defaultdict(list)
    for number in range(count):
        known = _next(streams, number)
        start = time.process_time()
        done = compare(known.first, known.second, known.first.causal, tokenizer, corpus)
        taken = time.process_time() - start
        said = outcome(known, done)
        table[known.same, known.kind][said] += 1
        seconds[said].append(taken)
        bound = "" if done.raw.tokens is None else f" (N = {done.raw.tokens})"
        side = "same " if known.same else "other"
        print(f"{side} {known.kind:<22} {said}{bound:<10} {taken:6.2f} s  {known.first.name}", flush=True)
    print_table(table, seconds)


def _next(streams: list[Iterator[Known | None]], number: int) -> Known:
    """Both streams go on together, so that each kind is made of built-in and of imported programs in turn."""
    made = [known for known in [next(stream) for stream in streams] if known is not None]
    return made[(number // 2 + number // (2 * len(SAME))) % len(made)]


def print_table(table: dict[tuple[bool, str], Counter[str]], seconds: dict[str, list[float]]) -> None:
    answers = ("equal", "equal up to N", "different", "unknown", "WRONG")
    print(f"\n{'':<29}" + "".join(f"{a:>15}" for a in answers))
    for (same, kind), found in sorted(table.items(), reverse=True):
        print(f"{'same ' if same else 'other'} {kind:<23}" + "".join(f"{found[a] or '':>15}" for a in answers))
    total = sum(table.values(), Counter())
    print(f"{'all':<29}" + "".join(f"{total[a]:>15}" for a in answers))
    every = [x for found in seconds.values() for x in found]
    print(f"CPU seconds a pair: median {np.median(every):.2f}, mean {np.mean(every):.2f}, most {max(every):.1f}")


# ---------------------------------------------------------------- minimisation


def run_minimise(files: list[Path], setting: Setting, count: int, seed: int) -> None:
    causal = not setting.bidirectional
    programs = [p for p in load_library(files, causal=causal).values() if p.typed is not None]
    Random(seed).shuffle(programs)
    train, heldout = text_tables(setting, Silent())
    rows: list[tuple[float, ...]] = []
    print(f"{'rules':>9} {'size':>13} {'train':>7} {'held-out [95% over texts]':>26} {'CPU s':>6}  program")
    for program in programs:
        if len(rows) == count:
            break
        start = time.process_time()
        try:
            found = minimise(program, train, causal, setting.epsilon, setting.seconds)
        except DiagnosticError as error:  # it fails on every text
            print(f"left out: {program.name}: {error}")
            continue
        taken = time.process_time() - start
        held = on_heldout(program, found, heldout, causal)
        (rules, size), (fewer, smaller) = found.before, found.after
        rows.append((rules, fewer, size, smaller, held.point, held.low, taken))
        print(
            f"{rules:>3} -> {fewer:<3} {size:>4} -> {smaller:<5} {found.train:7.4f} {held.point:10.4f} "
            f"[{held.low:.4f}, {held.high:.4f}] {taken:6.1f}  {program.name}{', proved' * found.proved}",
            flush=True,
        )
    table = np.array(rows)
    kept = int((table[:, 4] >= 1 - setting.epsilon).sum())
    print(
        f"\n{len(rows)} programs, epsilon {setting.epsilon:g}: "
        f"rules {table[:, 0].sum():.0f} -> {table[:, 1].sum():.0f}, "
        f"size {table[:, 2].sum():.0f} -> {table[:, 3].sum():.0f}\n"
        f"held-out IoU with the original: mean {table[:, 4].mean():.4f}, least {table[:, 4].min():.4f}; "
        f"at least {1 - setting.epsilon:g} for {kept} of {len(rows)}; CPU seconds: median {np.median(table[:, 6]):.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pairs", "minimise"))
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--programs", type=int, default=50)
    parser.add_argument("--epsilon", type=float, default=0.02)
    parser.add_argument("--train", type=int, default=40)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--bidirectional", action="store_true")
    given = parser.parse_intermixed_args()
    if given.what == "pairs":
        run_pairs(given.files, given.pairs, given.seed)
    else:
        setting = Setting(
            given.epsilon, given.model, tokens=given.tokens, train=given.train, bidirectional=given.bidirectional
        )
        run_minimise(given.files, setting, given.programs, given.seed)


if __name__ == "__main__":
    main()
