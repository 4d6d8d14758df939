"""Random well-typed programs and token tables: built from the nodes, accepted by the checker, of every construct.

``ProgramMaker`` draws from any source of choices: from hypothesis in the tests (so that failures shrink), from a plain
random generator in ``benchmarks/fuzz_backends.py`` (so that 20,000 programs take minutes).
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from tables import table, word_table

from attndsl.dsl import nodes as N
from attndsl.dsl.builtins import METHODS, WORD_FLAGS
from attndsl.dsl.tokens import TokenTable
from attndsl.dsl.types import BOOL, NUM, STR, WORD, Kind

T = TypeVar("T")
Env = dict[str, Kind]

NUMBERS = (0.0, 1.0, 2.0, 3.0, 0.5, 0.1, 0.25, 1.5, -1.0, -0.3, 10.0)
TEXTS = ("the", "cat", "c", "at", ".", ",", "", "The", "in", "NOUN", "nsubj", '"')
LETTERS = "abcdefghijlmoprstuvwxyz"  # without q, k and n
FLAGS = ("special", "word_start", "in_quotes", "is_punct", "is_capitalized")
TOKEN_NUMBERS = ("sentence", "line", "depth")
WORD_TEXTS = ("lemma", "pos", "tag", "dep", "entity", "entity_iob", "chunk_iob", "shape", "morph", "trailing")
WORD_NUMBERS = ("index", "char_start", "char_end", "sentence")
WORD_SETS = ("children", "ancestors", "subtree")
PREDICATES = tuple(name for name, info in METHODS.items() if info.kind is BOOL and not info.params)
CHANGES = ("lower", "upper", "capitalize", "title", "casefold", "strip", "lstrip", "rstrip")


class Choices(Protocol):
    """A source of choices."""

    def pick(self, options: Sequence[T]) -> T: ...


class RandomChoices:
    """Choices from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return self.random.choice(options)


class DrawnChoices:
    """Choices that hypothesis may shrink towards the first option."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return self.draw(st.sampled_from(options))


class ProgramMaker:
    """Makes one program; every method gives a node of its kind that uses only what ``env`` holds."""

    def __init__(self, choices: Choices, *, words: bool = True) -> None:
        self.pick = choices.pick
        self.words = words
        self.causal = True
        self.lets: list[tuple[N.Let, tuple[Kind, ...], Kind]] = []
        self.matrices = ["W"]
        self.in_rule = False

    def chance(self, percent: int) -> bool:
        return self.pick(range(100)) >= 100 - percent

    # ------------------------------------------------------------ numbers

    def number(self, env: Env, depth: int) -> N.Expr:
        """Any number, often none."""
        if depth <= 0 or self.chance(20):
            return self.small_number(env)
        make = self.pick(
            (
                self.small_number, self.arithmetic, self.arithmetic, self.arithmetic, self.numeric_function,
                self.choice_of_numbers, self.default_number, self.position, self.feature_number, self.counted,
                self.folded, self.cell, self.text_number, self.row_stat, self.host, self.called, self.truth_as_number,
            )
        )  # fmt: skip
        return make(env, depth - 1)

    def small_number(self, env: Env, depth: int = 0) -> N.Expr:
        variables = [N.Var(name) for name, kind in env.items() if kind is NUM]
        if variables and self.chance(60):
            return self.pick(variables)
        if not self.causal and self.chance(10):
            return N.Var("n")
        return N.Number(self.pick(NUMBERS))

    def arithmetic(self, env: Env, depth: int) -> N.Expr:
        op = self.pick(("+", "-", "*", "-", "+", "/", "//", "%", "**"))
        left, right = self.number(env, depth), self.number(env, depth)
        if op in ("/", "//", "%") and (right == N.Number(0.0) or self.chance(60)):
            right = N.Binary("+", N.Function("abs", (right,)), N.Number(1.0))
        if op == "**" and self.chance(70):
            left = N.Number(self.pick((0.5, 0.8, 2.0)))
        if self.chance(10):
            return left if isinstance(left, N.Number) else N.Negative(left)
        return N.Binary(op, left, right)

    def numeric_function(self, env: Env, depth: int) -> N.Expr:
        rounding = ("floor", "ceil", "round", "trunc")
        name = self.pick(("min", "max", "ratio", "abs", "exp", "log", "sqrt", "tanh", "sin", "cos", *rounding))
        count = {"min": 2, "max": 3, "ratio": 2}.get(name, 1)
        return N.Function(name, tuple(self.number(env, depth) for _ in range(count)))

    def choice_of_numbers(self, env: Env, depth: int) -> N.Expr:
        return N.IfElse(self.condition(env, depth), self.number(env, depth), self.number(env, depth))

    def default_number(self, env: Env, depth: int) -> N.Expr:
        return N.Otherwise(self.number(env, depth), self.number(env, depth))

    def position(self, env: Env, depth: int) -> N.Expr:
        """A number that often is a position."""
        options = [N.FirstPosition()]
        options += [N.SelfPosition()] if env.get("q") is NUM else []
        options += [N.Var(name) for name, kind in env.items() if kind is NUM]
        if depth > 0 and self.chance(35):
            return self.looked_up(env, depth - 1, tokens=True)
        if self.words and self.chance(10):
            return N.Feature(self.pick(options), "head")
        chosen = self.pick(options)
        if self.chance(35):
            return N.Binary(self.pick(("-", "+")), chosen, N.Number(self.pick((1.0, 2.0))))
        return chosen

    def feature_number(self, env: Env, depth: int) -> N.Expr:
        if self.words and self.chance(30):
            return N.Feature(self.word(env, depth), self.pick(WORD_NUMBERS))
        return N.Feature(self.position(env, depth), self.pick(TOKEN_NUMBERS))

    def counted(self, env: Env, depth: int) -> N.Expr:
        return N.Aggregate("count", self.binder(env, depth)[0])

    def folded(self, env: Env, depth: int) -> N.Expr:
        binder, inner = self.binder(env, depth)
        return N.Aggregate(self.pick(("sum", "product", "largest", "smallest")), binder, self.number(inner, depth))

    def looked_up(self, env: Env, depth: int, *, tokens: bool) -> N.Expr:
        binder, inner = self.binder(env, depth, tokens=tokens)
        kind = self.pick(("last", "first", "nth", "argmax", "argmin"))
        if kind in ("first", "last"):
            return N.Aggregate(kind, binder)
        value = self.number(env if kind == "nth" else inner, depth)
        return N.Aggregate(kind, binder, value)

    def cell(self, env: Env, depth: int) -> N.Expr:
        return N.Cell(self.pick(self.matrices), self.position(env, depth), self.position(env, depth))

    def text_number(self, env: Env, depth: int) -> N.Expr:
        if self.chance(40):
            return N.Function("len", (self.text(env, depth),))
        if self.chance(50):
            name = self.pick(("overlap", "common_prefix", "shared", "either"))
            return N.Function(name, (self.text(env, depth), self.text(env, depth)))
        return N.Method(self.text(env, depth), self.pick(("find", "count")), (self.text(env, depth),))

    def row_stat(self, env: Env, depth: int) -> N.Expr:
        if not self.in_rule:
            return self.small_number(env)
        return N.RowStat(self.pick(("sum", "max", "min", "count")))

    def host(self, env: Env, depth: int) -> N.Expr:
        return N.Host("near", (self.position(env, depth), self.position(env, depth)))

    def truth_as_number(self, env: Env, depth: int) -> N.Expr:
        return N.Binary("*", self.condition(env, depth), N.Number(1.0))

    def called(self, env: Env, depth: int, kind: Kind = NUM) -> N.Expr:
        fitting = [(let, kinds) for let, kinds, result in self.lets if result is kind]
        if not fitting:
            return self.make(kind, env, depth)
        let, kinds = self.pick(fitting)
        if not kinds:
            return N.Name(let.name)
        return N.Call(let.name, tuple(self.make(wanted, env, depth) for wanted in kinds))

    def make(self, kind: Kind, env: Env, depth: int) -> N.Expr:
        return {NUM: self.number, BOOL: self.condition, STR: self.text, WORD: self.word}[kind](env, depth)

    # ------------------------------------------------------------ conditions

    def condition(self, env: Env, depth: int) -> N.Expr:
        if depth <= 0 or self.chance(15):
            return N.Feature(self.position(env, 0), self.pick(FLAGS)) if self.chance(70) else N.Truth(self.chance(50))
        make = self.pick(
            (
                self.comparison, self.comparison, self.comparison, self.combined, self.combined, self.negated,
                self.membership, self.membership, self.flag, self.missing, self.quantified, self.text_test,
                self.called_condition,
            )
        )  # fmt: skip
        return make(env, depth - 1)

    def comparison(self, env: Env, depth: int) -> N.Expr:
        kind = self.pick((NUM, NUM, STR, STR, WORD))
        if kind is WORD and not self.words:
            kind = STR
        ops = ("==", "!=") if kind is WORD else ("==", "!=", "<", "<=", ">", ">=")
        return N.Compare(self.pick(ops), self.make(kind, env, depth), self.make(kind, env, depth))

    def combined(self, env: Env, depth: int) -> N.Expr:
        left, right = self.condition(env, depth), self.condition(env, depth)
        if self.chance(10):
            return N.IfElse(self.condition(env, depth), left, right)
        return N.And(left, right) if self.chance(50) else N.Or(left, right)

    def negated(self, env: Env, depth: int) -> N.Expr:
        return N.Not(self.condition(env, depth))

    def membership(self, env: Env, depth: int) -> N.Expr:
        way = self.pick(("texts", "text", "numbers", "tokens", "words") if self.words else ("texts", "text", "numbers"))
        match way:
            case "texts":
                return N.Member(self.text(env, depth), N.SetOf(tuple(N.Text(self.pick(TEXTS)) for _ in range(2))))
            case "text":
                return N.Member(self.text(env, depth), self.text(env, depth))
            case "numbers":
                return N.Member(self.number(env, depth), N.SetOf(tuple(N.Number(self.pick(NUMBERS)) for _ in "ab")))
            case "tokens":
                return N.Member(self.position(env, depth), N.Feature(self.word(env, depth), "tokens"))
        return N.Member(self.word(env, depth), self.word_set(env, depth))

    def flag(self, env: Env, depth: int) -> N.Expr:
        name = self.pick((*FLAGS, self.pick(WORD_FLAGS)) if self.words else FLAGS)
        return N.Feature(self.position(env, depth), name)

    def missing(self, env: Env, depth: int) -> N.Expr:
        return N.IsNone(self.make(self.pick((NUM, STR, WORD) if self.words else (NUM, STR)), env, depth))

    def quantified(self, env: Env, depth: int) -> N.Expr:
        binder, inner = self.binder(env, depth)
        if self.chance(50):
            return N.Aggregate("any", binder)
        return N.Aggregate("all", binder, self.condition(inner, depth))

    def text_test(self, env: Env, depth: int) -> N.Expr:
        text = self.text(env, depth)
        if self.chance(50):
            return N.Method(text, self.pick(PREDICATES), ())
        wanted: N.Expr = N.SetOf((N.Text(self.pick(TEXTS)), N.Text(self.pick(TEXTS))))
        return N.Method(
            text, self.pick(("startswith", "endswith")), (wanted if self.chance(50) else self.text(env, 0),)
        )

    def called_condition(self, env: Env, depth: int) -> N.Expr:
        return self.called(env, depth, BOOL)

    # ------------------------------------------------------------ texts and words

    def text(self, env: Env, depth: int) -> N.Expr:
        if depth <= 0 or self.chance(40):
            if self.chance(30):
                return N.Text(self.pick(TEXTS))
            if self.words and self.chance(30):
                return N.Feature(self.position(env, 0), self.pick(WORD_TEXTS))
            return N.Feature(self.position(env, 0), self.pick(("text", "raw")))
        depth -= 1
        match self.pick(("change", "part", "cut", "join", "choose", "default", "word", "replace")):
            case "change":
                return N.Method(self.text(env, depth), self.pick(CHANGES), ())
            case "part":
                return N.Index(self.text(env, depth), N.Number(self.pick((0.0, 1.0, -1.0, -2.0))))
            case "cut":
                bounds = [None, N.Number(1.0), N.Number(-1.0), N.Number(2.0)]
                return N.Slice(self.text(env, depth), self.pick(bounds), self.pick(bounds))
            case "join":
                return N.Binary("+", self.text(env, depth), self.text(env, depth))
            case "choose":
                return N.IfElse(self.condition(env, depth), self.text(env, depth), self.text(env, depth))
            case "default":
                return N.Otherwise(self.text(env, depth), self.text(env, depth))
            case "word" if self.words:
                return N.Feature(self.word(env, depth), self.pick(("text", *WORD_TEXTS)))
        name = self.pick(("removeprefix", "removesuffix", "replace", "strip"))
        args = (N.Text(self.pick(TEXTS)), N.Text(self.pick(TEXTS)))[: 2 if name == "replace" else 1]
        return N.Method(self.text(env, depth), name, args)

    def word(self, env: Env, depth: int) -> N.Expr:
        variables = [N.Var(name) for name, kind in env.items() if kind is WORD]
        if variables and self.chance(60):
            return self.pick(variables)
        if depth <= 0 or self.chance(50):
            return N.Feature(self.position(env, 0), "word")
        if self.chance(40):
            return N.Feature(self.word(env, depth - 1), "head")
        if self.chance(30):
            return N.Otherwise(self.word(env, depth - 1), self.word(env, depth - 1))
        return self.looked_up(env, depth - 1, tokens=False)

    def word_set(self, env: Env, depth: int) -> N.Expr:
        if depth > 0 and self.chance(15):
            left, right = self.word_set(env, depth - 1), self.word_set(env, depth - 1)
            chooses = self.chance(60)
            return N.IfElse(self.condition(env, depth - 1), left, right) if chooses else N.Otherwise(left, right)
        if self.chance(25):
            return N.AllWords()
        if self.chance(35):
            return N.Feature(self.position(env, depth), self.pick(("words", *WORD_SETS)))
        return N.Feature(self.word(env, depth), self.pick(WORD_SETS))

    # ------------------------------------------------------------ binders

    def binder(
        self, env: Env, depth: int, *, tokens: bool | None = None, var: str | None = None
    ) -> tuple[N.Binder, Env]:
        """A binder and what is in scope behind it."""
        name = var or self.pick([letter for letter in LETTERS if letter not in env])
        if tokens is None:
            tokens = not self.words or self.chance(75)
        if not tokens:
            inner = {**env, name: WORD}
            where = self.condition(inner, depth) if self.chance(60) else None
            return N.Binder(name, self.word_set(env, depth), where=where), inner
        inner = {**env, name: NUM}
        domain = N.Feature(self.word(env, depth), "tokens") if self.words and self.chance(12) else None
        lower = self.position(env, depth) if self.chance(30) else None
        upper = self.position(env, depth) if self.chance(40) else None
        where = self.condition(inner, depth) if self.chance(60) else None
        binder = N.Binder(
            name,
            domain,
            lower,
            lower is not None and self.chance(50),
            upper,
            upper is not None and self.chance(50),
            where,
        )
        return binder, inner

    # ------------------------------------------------------------ statements

    def rule(self, depth: int) -> N.Rule:
        self.in_rule = True
        env: Env = {"q": NUM}
        when = self.condition(env, depth) if self.chance(30) else None
        target: N.At | N.Each
        if self.chance(35):
            target, inner = N.At(self.position(env, depth)), {**env, "k": NUM}
        else:
            binder, inner = self.binder(env, depth, tokens=True, var=self.pick(("k", "k", "t")))
            target = N.Each(binder)
        action = self.pick(("add", "add", "set", "share", "scale", "raise", "cap"))
        weight = self.value(inner, depth) if action == "share" and self.chance(60) else None
        rule = N.Rule(action, self.value(inner, depth), target, self.pick(self.matrices), when, weight)
        self.in_rule = False
        return rule

    def value(self, env: Env, depth: int) -> N.Expr:
        if self.chance(5):
            return self.condition(env, depth)
        found = self.number(env, depth)
        return N.Otherwise(found, N.Number(self.pick(NUMBERS))) if self.chance(75) else found

    def let(self, number: int, depth: int) -> N.Let:
        kinds = tuple(
            self.pick((NUM, NUM, STR, WORD) if self.words else (NUM, NUM, STR)) for _ in range(self.pick((0, 1, 2)))
        )
        params = tuple("qkt"[: len(kinds)])
        result = self.pick((NUM, BOOL))
        let = N.Let(f"F{number}", params, self.make(result, dict(zip(params, kinds, strict=True)), depth))
        self.lets.append((let, kinds, result))
        return let

    def end(self, depth: int) -> N.Item:
        matrix = self.pick(self.matrices)
        way = self.pick(("normalize", "normalize", "softmax", "mask"))
        if way == "normalize":
            return N.Normalize(matrix, self.pick((None, "first", "self", "uniform", "nothing")))
        if way == "softmax":
            return N.Softmax(matrix, self.value({"q": NUM}, min(depth, 1)) if self.chance(30) else None)
        return N.Mask(matrix)

    def checked_claim(self) -> N.CheckedClaim:
        """A claim that can be checked; it reads tokens only, so that programs without words stay without them."""
        flag = N.Feature(N.Var("k"), self.pick(FLAGS))
        target = self.pick((N.At(N.FirstPosition()), N.Each(N.Binder("k", where=flag))))
        when = N.Feature(N.Var("q"), self.pick(FLAGS)) if self.chance(50) else None
        kind = self.pick(("mass_at_least", "mass_at_most", "unchanged_by_changing", "unchanged_by_renaming"))
        return N.CheckedClaim(kind, self.pick((0.0, 0.25, 1.0)), target, when)

    def program(self, depth: int = 3) -> N.Program:
        self.causal = self.chance(65)
        items: list[N.Item] = [N.Claim("a random head")] if self.chance(30) else []
        items += [self.let(i, depth - 1) for i in range(self.pick((0, 0, 1, 2)))]
        if self.chance(15):
            items.append(self.checked_claim())
        if self.chance(25):
            items.append(N.Matrix("Base"))
            self.matrices.append("Base")
        for _ in range(self.pick((1, 1, 2, 3))):
            items.append(self.rule(depth))
            if self.chance(25):
                items.append(self.end(depth))
        return N.Program("random", "causal" if self.causal else "bidirectional", tuple(items))


# ---------------------------------------------------------------- token tables

PIECES = ("the", "The", "cat", "cats", "sat", ".", ",", '"', "(", ")", "in", "ing", "7", "!", "\n", "is", "he", "Ann")
POS = ("NOUN", "VERB", "DET", "PUNCT", "PRON")
DEPS = ("nsubj", "dobj", "ROOT", "det", "punct")


def make_table(choices: Choices, *, least: int = 0, most: int = 9, words: bool = True) -> TokenTable:
    """A random text of ``least`` to ``most`` pieces; its words are parts of it in a random tree."""
    pick = choices.pick
    pieces = [pick(PIECES) for _ in range(pick(range(least, most + 1)))]
    spaces = [pick((" ", " ", " ", "")) for _ in pieces]
    text = "".join(space + piece for space, piece in zip(spaces, pieces, strict=True))
    marked = (["[CLS]"] if pick((False, False, True)) else []) + pieces
    return table(text, marked, random_words(choices, text) if words else None)


def random_words(choices: Choices, text: str) -> Any:
    """Words of a text: its runs of visible characters, some cut in two, with random columns and heads."""
    pick = choices.pick
    found: list[str] = []
    for run in text.split():
        cut = pick(range(len(run) + 1)) if len(run) > 1 and pick((False, True)) else 0
        found.extend(part for part in (run[:cut], run[cut:]) if part)
    order = list(range(len(found)))
    root = pick(order) if order else 0
    heads = []
    for at in order:  # towards the root, so that there is no cycle
        between = range(min(at, root), max(at, root) + 1)
        heads.append(at if at == root or pick(range(8)) == 7 else pick([w for w in between if w != at]))
    rows = [(w, pick(POS), pick(DEPS), head) for w, head in zip(found, heads, strict=True)]
    flags = {name: tuple(pick((False, True)) for _ in found) for name in (*WORD_FLAGS, "is_punct")}
    return word_table(
        text,
        rows,
        flags=flags,
        ent_type=[pick(("", "PERSON")) for _ in found],
        morph=[pick(("", "x=y")) for _ in found],
    )


# ---------------------------------------------------------------- hypothesis


@st.composite
def programs(draw: Any, *, words: bool = True, depth: int = 3) -> N.Program:
    """Random programs that the checker accepts."""
    return ProgramMaker(DrawnChoices(draw), words=words).program(depth)


@st.composite
def token_tables(draw: Any, *, words: bool = True, most: int = 7) -> TokenTable:
    """Random token tables, the empty text included."""
    return make_table(DrawnChoices(draw), most=most, words=words)
