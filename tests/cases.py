"""One table of programs with the matrices they mean, one of run-time errors, one of programs that are refused.

The first feeds parser, printer, checker, interpreter and every back end. The numbers are worked out by hand from
``dsl/LANGUAGE.md``: ``V(expression, values)`` sets the expression's value for query q in cell [q, 0].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from tables import table, word_table

from attndsl.dsl.tokens import TokenTable

Rows = Sequence[Sequence[float]]
NAN, INF = float("nan"), float("inf")


@cache
def aba() -> TokenTable:
    """a b a"""
    return table("a b a")


@cache
def story() -> TokenTable:
    """Sentences, a second line, quotation marks and brackets; 16 tokens."""
    text = 'He ran. "Go!" I said.\nThe (big) cat'
    return table(text, ["He", "ran", ".", '"', "Go", "!", '"', "I", "said", ".", "\n", "The", "(", "big", ")", "cat"])


@cache
def marked() -> TokenTable:
    """A special token, a word in two pieces."""
    return table("Ann sings", ["[CLS]", "Ann", "sing", "s"])


@cache
def parsed() -> TokenTable:
    """The old c|at sat|. with its words: (The old cat) sat ."""
    text = "The old cat sat."
    rows = [
        ("The", "DET", "det", 2),
        ("old", "ADJ", "amod", 2),
        ("cat", "NOUN", "nsubj", 3),
        ("sat", "VERB", "ROOT", 3),
    ]
    words = word_table(
        text,
        [*rows, (".", "PUNCT", "punct", 3)],
        ent_type=("", "", "ANIMAL", "", ""),
        ent_iob=("O", "O", "B", "O", "O"),
        morph=("", "", "Number=Sing", "", ""),
        noun_chunks=((0, 3, ""),),
    )
    return table(text, ["The", "old", "c", "at", "sat", "."], words)


@cache
def empty() -> TokenTable:
    """A text without tokens."""
    return table("", [])


def near(table: TokenTable, a: int, b: int) -> float:
    """The host relation of the tests."""
    return 1.0 / (1 + abs(a - b)) + 0.01 * a


@dataclass(frozen=True)
class Case:
    """An accepted program, a text, and the matrix [query, key] it means."""

    name: str
    program: str
    expected: Rows
    table: Callable[[], TokenTable] = aba


@dataclass(frozen=True)
class Failure:
    """A program that is accepted and fails on its text: code, and the query where it does (None: before any)."""

    name: str
    program: str
    code: str
    query: int | None
    table: Callable[[], TokenTable] = aba


@dataclass(frozen=True)
class Refused:
    """A source that is refused: the codes with their lines, in order."""

    name: str
    source: str
    found: tuple[tuple[str, int | None], ...]


def C(name: str, body: str, *expected: Sequence[float], of: Callable[[], TokenTable] = aba) -> Case:
    """A causal head."""
    return Case(name, f'head "case" causal\n{body}\n', expected, of)


def B(name: str, body: str, *expected: Sequence[float], of: Callable[[], TokenTable] = aba) -> Case:
    """A bidirectional head."""
    return Case(name, f'head "case"\n{body}\n', expected, of)


def V(
    expression: str,
    *values: float,
    of: Callable[[], TokenTable] = aba,
    before: str = "",
    direction: str = "bidirectional",
) -> Case:
    """The value of an expression for each query, in the first column."""
    program = f'head "case" {direction}\n{before}\nset {expression} to first\n'
    if before.startswith("add"):
        program += "set 0 to each k after 0\n"
    rows = [[value, *[0.0] * (len(values) - 1)] for value in values]
    return Case(f"{before} {expression} {direction} {of.__name__}".strip(), program, rows, of)


ZERO = (0, 0, 0)


# ---------------------------------------------------------------- actions, targets, ends

RULES = [
    C("nothing", "", ZERO, ZERO, ZERO),
    C("an empty text", "add 1 to each k\nnormalize rows", of=empty),
    B("an empty text, both ways", "add 1 / (n - n) to each k\nsoftmax rows", of=empty),
    C("set", "set 2 to first", (2, 0, 0), (2, 0, 0), (2, 0, 0)),
    C("set twice keeps the second", "set 2 to first\nset 3 to first", (3, 0, 0), (3, 0, 0), (3, 0, 0)),
    C("add twice", "add 2 to first\nadd 3 to first", (5, 0, 0), (5, 0, 0), (5, 0, 0)),
    C("scale", "add 2 to each k\nscale self by 4", (8, 0, 0), (2, 8, 0), (2, 2, 8)),
    C("raise", "add k to each k\nraise each k to at least 1", (1, 0, 0), (1, 1, 0), (1, 1, 2)),
    C("cap", "add k to each k\ncap each k at 1", (0, 0, 0), (0, 1, 0), (0, 1, 1)),
    C("share evenly", "share 6 over each k", (6, 0, 0), (3, 3, 0), (2, 2, 2)),
    C("share by weight", "share 6 over each k by k + 1", (6, 0, 0), (2, 4, 0), (1, 2, 3)),
    C("share over nothing", "share 6 over each k before q - 1", ZERO, ZERO, (6, 0, 0)),
    C("share where the weights sum to zero", "share 6 over each k by 0", ZERO, ZERO, ZERO),
    C("share over a position", "share 6 over q - 1", ZERO, (6, 0, 0), (0, 6, 0)),
    C("share a value that depends on the key", "share k over each k", ZERO, (0, 0.5, 0), (0, 1 / 3, 2 / 3)),
    C("a rule reads the state before it", "add 1 to each k\nadd row.sum to each k", (2, 0, 0), (3, 3, 0), (4, 4, 4)),
    C("self", "set 1 to self", (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    C("a position before the text is nothing", "set 1 to q - 2", ZERO, ZERO, (1, 0, 0)),
    C("a position after the query is nothing", "set 1 to q + 1", ZERO, ZERO, ZERO),
    B("a position after the text is nothing", "set 1 to q + 1", (0, 1, 0), (0, 0, 1), ZERO),
    C("half a position is nothing", "set 1 to q / 2", (1, 0, 0), ZERO, (0, 1, 0)),
    C("no position is nothing", 'set 1 to last(t where t.text == "z")', ZERO, ZERO, ZERO),
    C("infinity is no position", "set 1 to 1e999", ZERO, ZERO, ZERO),
    C("a value at a position may read k", "set k + 1 to q - 1", ZERO, (1, 0, 0), (0, 2, 0)),
    C("when", 'set 1 to self when q.text == "a"', (1, 0, 0), ZERO, (0, 0, 1)),
    C("when a condition is none", "set 1 to self when (q - 1).is_punct", ZERO, ZERO, ZERO),
    C("each is causal", "set 1 to each k", (1, 0, 0), (1, 1, 0), (1, 1, 1)),
    B("each is everything", "set 1 to each k", (1, 1, 1), (1, 1, 1), (1, 1, 1)),
    C("each with another letter", "set t to each t", ZERO, (0, 1, 0), (0, 1, 2)),
    C("each from", "set 1 to each k from q - 1", (1, 0, 0), (1, 1, 0), (0, 1, 1)),
    C("each after", "set 1 to each k after q - 1", (1, 0, 0), (0, 1, 0), (0, 0, 1)),
    C("each upto beyond the query stops there", "set 1 to each k upto q + 5", (1, 0, 0), (1, 1, 0), (1, 1, 1)),
    B("each upto", "set 1 to each k upto q", (1, 0, 0), (1, 1, 0), (1, 1, 1)),
    B("each before", "set 1 to each k before q", ZERO, (1, 0, 0), (1, 1, 0)),
    B("each from and before", "set 1 to each k from 1 before q + 1", ZERO, (0, 1, 0), (0, 1, 1)),
    B("each of a missing bound", 'set 1 to each k upto last(t where t.text == "z")', ZERO, ZERO, ZERO),
    C("each where", 'set 1 to each k where k.text == "a"', (1, 0, 0), (1, 0, 0), (1, 0, 1)),
    C("normalize", "add k + 1 to each k\nnormalize rows", (1, 0, 0), (1 / 3, 2 / 3, 0), (1 / 6, 2 / 6, 3 / 6)),
    C("normalize an empty causal row", "set 1 to q - 2\nnormalize rows", (1, 0, 0), (1, 0, 0), (1, 0, 0)),
    B("normalize leaves an empty row", "set 1 to q - 2\nnormalize rows", ZERO, ZERO, (1, 0, 0)),
    C("normalize else self", "set 4 to q - 2\nnormalize rows else self", (1, 0, 0), (0, 1, 0), (1, 0, 0)),
    C("normalize else first", "set 4 to q - 2\nnormalize rows else first", (1, 0, 0), (1, 0, 0), (1, 0, 0)),
    C("normalize else uniform", "set 4 to q - 2\nnormalize rows else uniform", (1, 0, 0), (0.5, 0.5, 0), (1, 0, 0)),
    B("normalize else uniform, both ways", "normalize rows else uniform", *[(1 / 3, 1 / 3, 1 / 3)] * 3),
    C("normalize else nothing", "set 4 to q - 2\nnormalize rows else nothing", ZERO, ZERO, (1, 0, 0)),
    C("softmax of zeros", "softmax rows", (1, 0, 0), (0.5, 0.5, 0), (1 / 3, 1 / 3, 1 / 3)),
    C("softmax", "set log(3) to first\nsoftmax rows", (1, 0, 0), (0.75, 0.25, 0), (0.6, 0.2, 0.2)),
    C(
        "softmax with temperature", "set 2 * log(3) to first\nsoftmax rows temperature 2",
        (1, 0, 0), (0.75, 0.25, 0), (0.6, 0.2, 0.2),
    ),
    B("softmax both ways", "set log(2) to first\nsoftmax rows", *[(0.5, 0.25, 0.25)] * 3),
    C(
        "softmax of -inf stays under the query", "add -1e999 to each k\nsoftmax rows",
        (NAN, 0, 0), (NAN, NAN, 0), (NAN, NAN, NAN),
    ),
    B(
        "a temperature reads the state before the softmax", "set log(2) to first\nset 1 to q - 1 when q == 2\n"
        "softmax rows temperature if q == 0 then 1 else W[0, 0] / log(2)",
        (0.5, 0.25, 0.25), (0.5, 0.25, 0.25), (2 / (3 + 2.718281828459045), 2.718281828459045 / (3 + 2.718281828459045),
        1 / (3 + 2.718281828459045)),
    ),
    B("mask", "add 1 to each k\nmask causal", (1, 0, 0), (1, 1, 0), (1, 1, 1)),
    B(
        "ends stand anywhere", "add 3 to each k\nnormalize rows\nadd 1 to self",
        (4 / 3, 1 / 3, 1 / 3), (1 / 3, 4 / 3, 1 / 3), (1 / 3, 1 / 3, 4 / 3),
    ),
    C(
        "a further matrix", "matrix Base\nadd 5 to self of Base\nadd Base[q, k] + 1 to each k",
        (6, 0, 0), (1, 6, 0), (1, 1, 6),
    ),
    C(
        "ends of a further matrix",
        "matrix Base\nadd 5 to each k of Base\nnormalize rows of Base\nsoftmax rows of Base\nmask causal of Base\n"
        "add Base[q, k] to each k when q < 2",
        (1, 0, 0), (0.5, 0.5, 0), ZERO,
    ),
    C("when and of", "matrix Base\nadd 1 to first of Base when q == 1\nadd Base[q, 0] to self", ZERO, (0, 1, 0), ZERO),
    C("own cells", "add q + 1 to each k\nset W[q, 0] * 2 to self", (2, 0, 0), (2, 4, 0), (3, 3, 6)),
    C(
        "a text chosen by a scan, within a text of two tokens",
        'add 1 to each k where (if any(t before q where t.text == "b") then q.text else "b") in q.text + k.text',
        ZERO,
        (1, 1, 0),
        (1, 1, 1),
    ),
    B(
        "columns of a matrix whose rows are alike",
        "raise first to at least 3\nset W[k, q] to each k",
        (3, 3, 3),
        ZERO,
        ZERO,
    ),
    C("cells of other rows", "set q to self\nadd W[q - 1, q - 1] otherwise 0 to first", ZERO, (0, 1, 0), (1, 0, 2)),
]  # fmt: skip

# ---------------------------------------------------------------- values: numbers, conditions, state

NUMBERS = [
    V("2.5e1", 25, 25, 25),
    V("-3 + 1", -2, -2, -2),
    V("-q", 0, -1, -2),
    V("q - 1 - 1", -2, -1, 0),
    V("2 * q + 1", 1, 3, 5),
    V("2 * (q + 1)", 2, 4, 6),
    V("q / 2", 0, 0.5, 1),
    V("(0 - q) // 2", 0, -1, -1),
    V("(0 - q) % 3", 0, 2, 1),
    V("2 ** q", 1, 2, 4),
    V("-2 ** 2", -4, -4, -4),
    V("2 ** -q", 1, 0.5, 0.25),
    V("(0 - 2) ** q", 1, -2, 4),
    V("(0 - 2) ** 1e999", INF, INF, INF),
    V("min(q, 1)", 0, 1, 1),
    V("max(q, 1, 0.5)", 1, 1, 2),
    V("abs(q - 1)", 1, 0, 1),
    V("exp(0) + exp(1e999)", INF, INF, INF),
    V("log(1) + log(0)", -INF, -INF, -INF),
    V("sqrt(4) * sqrt(q - 2)", NAN, NAN, 0),
    V("tanh(0) + tanh(1e999)", 1, 1, 1),
    V("sin(0) + cos(0)", 1, 1, 1),
    V("sin(q) * sin(q) + cos(q) * cos(q) - cos(1e999)", NAN, NAN, NAN),
    V("2 * sin(q / 2) * cos(q / 2)", 0, 0.8414709848078965, 0.9092974268256817),
    V("floor(q / 2)", 0, 0, 1),
    V("ceil(q / 2)", 0, 1, 1),
    V("round(q + 0.5)", 0, 2, 2),
    V("trunc(0.5 - q)", 0, 0, -1),
    V("ratio(1, q)", INF, 1, 0.5),
    V("ratio(0, q)", NAN, 0, 0),
    V("true + true", 2, 2, 2),
    V("n", 3, 3, 3),
    V("first + self", 0, 1, 2),
    V('host("near", q, first)', 1, 0.51, 1 / 3 + 0.02),
    V('host("near", q - 1, 0) otherwise 9', 9, 1, 0.51),
    V("if q == 0 then 5 else if q == 1 then 6 else 7", 5, 6, 7),
    V("W[q, 0] otherwise 3", 1, 2, 3, before="set q + 1 to first"),
    V("W[q, 5] otherwise 3", 3, 3, 3),
    V("row.sum", 0, 1, 3, before="add k to each k upto q"),
    V("row.max", 0, 1, 2, before="add k to each k upto q"),
    V("row.min", -2, -2, -2, before="add k - 2 to each k"),
    V("row.min", -2, -2, -2, before="add k - 2 to each k", direction="causal"),
    V("row.max", -2, -1, 0, before="add k - 2 to each k", direction="causal"),
    V("row.count", 0, 1, 2, before="add k to each k upto q"),
    V("Double(q)", 0, 2, 4, before="let Double(x) = x + x"),
    V("Half", 0.5, 0.5, 0.5, before="let Half = 1 / 2"),
    V("Near(q, k)", 1, 0.5, 1 / 3, before="let Near(a, b) = 1 / (1 + abs(a - b))"),
    V("Next(q - 1)", 0, 1, 2, before="let Next(q) = self + 1"),
    V("Sum(q - 1)", 0, 1, 3, before="add k to each k upto q\nlet Sum(q) = row.sum"),
    V("Twice(Twice(q))", 0, 4, 8, before="let Twice(x) = 2 * x"),
]

CONDITIONS = [
    V("true", 1, 1, 1),
    V("q == 1 or q == 2", 0, 1, 1),
    V("q > 0 and q < 2", 0, 1, 0),
    V("not q > 0", 1, 0, 0),
    V("q >= 1", 0, 1, 1),
    V("q <= 1", 1, 1, 0),
    V("q != 1", 1, 0, 1),
    V('q.text == "a"', 1, 0, 1),
    V('q.text < "b"', 1, 0, 1),
    V('q.text >= "b"', 0, 1, 0),
    V("q.text == (q + 2).text", 1, 0, 0),
    V("(q - 1).text != q.text", 1, 1, 1),
    V("(q - 1).text == (q - 1).text", 0, 1, 1),
    V("(q - 1).text <= q.text", 0, 1, 0),
    V("(q - 1).text is none", 1, 0, 0),
    V("(q - 1).text is some", 0, 1, 1),
    V("not ((q - 1).text < q.text)", 1, 0, 1),
    V("q in {0, 2}", 1, 0, 1),
    V("q not in {0, 2}", 0, 1, 0),
    V('q.text in {"a", "z"}', 1, 0, 1),
    V('q.text in "xbx"', 0, 1, 0),
    V('"a" in q.raw', 1, 0, 1),
    V('"a" in (q - 1).text', 0, 1, 0),
    V("q.text in (q - 1).text", 0, 0, 0),
    V("q == 0 or 1 / q > 0.9", 1, 1, 0),
    V("q != 0 and 1 / q < 0.9", 0, 0, 1),
    V("if q == 0 then true else 1 / q == 1", 1, 1, 0),
    V("(if q > 0 then q otherwise 3 else 0) == 2", 0, 0, 1),
    V("Is(q, {0, 1})", 1, 1, 0, before="let Is(t, s) = t in s"),
    V("q in (if q == 1 then {1} else {2})", 0, 1, 1),
    V("q.text in Set", 1, 0, 1, before='let Set = {"a"}'),
    V("Starts(q.text)", 1, 0, 1, before='let A = "ab"\nlet Starts(s) = s == A[0]'),
]

TEXTS = [
    V("len(q.raw)", 1, 2, 2),
    V('q.text + "c" == "bc"', 0, 1, 0),
    V("(q.text + (q - 1).text) is none", 1, 0, 0),
    V('q.text.upper() == "A"', 1, 0, 1),
    V('"A".lower() == q.text', 1, 0, 1),
    V('"aB".capitalize() == "Ab"', 1, 1, 1),
    V('"ab c".title() == "Ab C"', 1, 1, 1),
    V('"ß".casefold() == "ss"', 1, 1, 1),
    V('" a ".strip() == q.text', 1, 0, 1),
    V('q.raw.strip("Ġ") == q.text', 1, 1, 1),
    V('q.raw.lstrip("Ġ") == q.text', 1, 1, 1),
    V('"a!".rstrip("!") == q.text', 1, 0, 1),
    V('q.raw.removeprefix("Ġ") == q.text', 1, 1, 1),
    V('"ab".removesuffix(q.text) == "a"', 0, 1, 0),
    V('q.text.replace("a", "b") == "b"', 1, 1, 1),
    V('"xax".replace(q.text, "b") == "xbx"', 1, 0, 1),
    V('q.raw.startswith("Ġ")', 0, 1, 1),
    V('q.raw.startswith({"Ġa", "z"})', 0, 0, 1),
    V("q.raw.endswith(first.text)", 1, 0, 1),
    V('"cab".find(q.text)', 1, 2, 1),
    V('"banana".count(q.text)', 3, 1, 3),
    V("q.raw.isalpha() + q.text.isalnum() + q.text.islower()", 3, 3, 3),
    V('"A1".isupper() + "Ab".istitle() + "1".isdigit() + "1".isnumeric() + "1".isdecimal()', 5, 5, 5),
    V('" ".isspace() + "é".isascii()', 1, 1, 1),
    V('q.raw[0] == "Ġ"', 0, 1, 1),
    V('q.raw[-1] == "a"', 1, 0, 1),
    V("q.raw[1] is none", 1, 0, 0),
    V('len((if q == 1 then "b" else "")[0]) otherwise 9', 9, 1, 9),
    V('q.raw[-2] == "Ġ"', 0, 1, 1),
    V('"abc"[1:] == "bc" and "abc"[:-1] == "ab" and "abc"[1:2] == "b" and "abc"[:] == "abc"', 1, 1, 1),
    V("overlap(q.raw, q.text)", 1, 0.5, 0.5),
    V('overlap("", "")', 0, 0, 0),
    V('shared("hello", "world") + shared("", q.raw)', 2, 2, 2),
    V('either("hello", "world") + either("aa", "")', 8, 8, 8),
    V('"1a".hasalpha() + "1a".hasdigit() + "-a".hasalnum() + "aB".hasupper() + "AB c".haslower()', 5, 5, 5),
    V('"1".hasdecimal() + "a٣".hasdecimal() + "x²".hasdecimal() + "x²".hasdigit()', 3, 3, 3),
    V('"a b".hasspace() + "".hasalpha() + "12".hasalpha()', 1, 1, 1),
    V('common_prefix(q.raw, "Ġab")', 0, 1, 2),
    V('"\\"\\n\\t\\\\\\u0061"[4] == "a"', 1, 1, 1),
    V('"z"[3:] == ""', 1, 1, 1),
]

# ---------------------------------------------------------------- tokens

TOKENS = [
    V('q.raw == "He"', *[1] + [0] * 15, of=story),
    V('q.raw == "Ġran"', *[0, 1] + [0] * 14, of=story),
    V("q.sentence", 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, of=story),
    V("q.line", *[0] * 11 + [1] * 5, of=story),
    V("q.in_quotes", 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, of=story),
    V("q.depth", *[0] * 13 + [1, 1, 0], of=story),
    V("q.is_punct", 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, of=story),
    V("q.is_capitalized", 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, of=story),
    V('q.text == ""', *[0] * 10 + [1] + [0] * 5, of=story),
    V("q.special", 1, 0, 0, 0, of=marked),
    V("q.word_start", 0, 1, 1, 0, of=marked),
    V('q.text == ""', 1, 0, 0, 0, of=marked),
    V("(q + 1).special is none", 0, 0, 0, 1, of=marked),
    V("(q + 1).word_start is none", 1, 1, 1, 1, of=marked, direction="causal"),
    V("(q + 0.5).special is none", 1, 1, 1, 1, of=marked),
]

# ---------------------------------------------------------------- lookbacks and aggregates

AGGREGATES = [
    V('first(t where t.text == "a")', 0, 0, 0),
    V('last(t where t.text == "a")', 2, 2, 2),
    V('last(t where t.text == "a")', 0, 0, 2, direction="causal"),
    V("last(t before q where t.text == q.text) otherwise 9", 9, 9, 0),
    V('nth(0, t where t.text == "a")', 0, 0, 0),
    V('nth(-1, t where t.text == "a")', 2, 2, 2),
    V('nth(q, t where t.text == "a") otherwise 9', 0, 2, 9),
    V("nth(1e999, t) otherwise 9", 9, 9, 9),
    V("nth(0.5, t) otherwise 9", 9, 9, 9),
    V("nth(-2.0000000000000004, t) otherwise 9", *[9] * 16, of=story),
    V("count(t)", 3, 3, 3),
    V("count(t)", 1, 2, 3, direction="causal"),
    V("count(t after q)", 2, 1, 0),
    V("count(t from 1 upto q)", 0, 1, 2),
    V('any(t before q where t.text == "b")', 0, 0, 1),
    V('all(t.text == "a" for t before q)', 1, 1, 0),
    V("all(false for t before q)", 1, 0, 0),
    V("sum(t * t for t)", 5, 5, 5),
    V("sum(0 for t)", 0, 0, 0),
    V("product(t + 1 for t upto q)", 1, 2, 6),
    V("largest(abs(t - 1) for t upto q)", 1, 1, 1),
    V("smallest(t for t before q) otherwise 9", 9, 0, 0),
    V("largest(len((t - 1).raw) for t) otherwise 9", 2, 2, 2),
    V("sum(len((t - 1).raw) for t)", 3, 3, 3),
    V("argmax(abs(t - 1) for t)", 0, 0, 0),
    V("argmin(abs(t - q) for t)", 0, 1, 2),
    V("argmax(sqrt(t - 1) for t) otherwise 9", 9, 9, 9),
    V("largest(sqrt(t - 1) for t)", NAN, NAN, NAN),
    V("smallest(sqrt(t - 1) for t)", NAN, NAN, NAN),
    V("first(t where false) otherwise 9", 9, 9, 9),
    V("count(t where any(s before t where s.text == t.text))", 1, 1, 1),
    V("sum(count(s before t) for t upto q)", 0, 1, 3),
    V("Before(q)", 0, 1, 2, before="let Before(t) = count(s before t)"),
    V("sum(Before(t) for t)", 3, 3, 3, before="let Before(t) = count(s before t)"),
    V("count(t from (last(s before q) otherwise 0))", 3, 3, 2),
    C("induction", "set 1 to last(k upto q where (k - 1).text == q.text)", ZERO, ZERO, (0, 1, 0)),
    C("nearest copy", "set 1 to last(k before q where k.text == q.text)", ZERO, ZERO, (1, 0, 0)),
]

# ---------------------------------------------------------------- words

WORDS = [
    V('q.pos == "NOUN"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.dep == "nsubj"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.tag == "NO"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.lemma == "the"', 1, 0, 0, 0, 0, 0, of=parsed),
    V('q.word.text == "cat"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.entity == "ANIMAL"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.entity_iob == "B"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.chunk_iob == "B"', 1, 0, 0, 0, 0, 0, of=parsed),
    V('q.chunk_iob == "I"', 0, 1, 1, 1, 0, 0, of=parsed),
    V('q.shape == "xxx"', 0, 1, 1, 1, 1, 0, of=parsed),
    V('q.morph == "Number=Sing"', 0, 0, 1, 1, 0, 0, of=parsed),
    V('q.trailing == " "', 1, 1, 1, 1, 0, 0, of=parsed),
    V("q.word.index", 0, 1, 2, 2, 3, 4, of=parsed),
    V("q.word.char_start", 0, 4, 8, 8, 12, 15, of=parsed),
    V("q.word.char_end", 3, 7, 11, 11, 15, 16, of=parsed),
    V("q.word.sentence", 0, 0, 0, 0, 0, 0, of=parsed),
    V("q.is_alpha", 1, 1, 1, 1, 1, 0, of=parsed),
    V("q.word.is_punct", 0, 0, 0, 0, 0, 1, of=parsed),
    V("q.head", 2, 2, 4, 4, 4, 4, of=parsed),
    V("q.head otherwise 9", 9, 9, 9, 9, 4, 4, of=parsed, direction="causal"),
    V("q.word.head.index", 2, 2, 3, 3, 3, 3, of=parsed),
    V("q.word == q.word.head", 0, 0, 0, 0, 1, 0, of=parsed),
    V("q.word == (q + 1).word", 0, 0, 1, 0, 0, 0, of=parsed),
    V("count(w in words)", 5, 5, 5, 5, 5, 5, of=parsed),
    V("count(w in q.words)", 1, 1, 1, 1, 1, 1, of=parsed),
    V("count(w in q.children)", 0, 0, 2, 2, 2, 0, of=parsed),
    V("count(w in q.word.ancestors)", 2, 2, 1, 1, 0, 1, of=parsed),
    V("count(w in q.subtree)", 1, 1, 3, 3, 5, 1, of=parsed),
    V("count(t in q.word.tokens)", 1, 1, 2, 2, 1, 1, of=parsed),
    V("count(t in q.word.tokens)", 1, 1, 1, 2, 1, 1, of=parsed, direction="causal"),
    V("first(w in q.ancestors).index otherwise 9", 2, 2, 3, 3, 9, 3, of=parsed),
    V("last(w in q.ancestors).index otherwise 9", 3, 3, 3, 3, 9, 3, of=parsed),
    V("argmax(w.char_end for w in q.children).index otherwise 9", 9, 9, 1, 1, 4, 9, of=parsed),
    V('first(w in words where w.pos == "VERB").index', 3, 3, 3, 3, 3, 3, of=parsed),
    V('any(w in q.children where w.dep == "det")', 0, 0, 1, 1, 0, 0, of=parsed),
    V("all(w.is_alpha for w in q.subtree)", 1, 1, 1, 1, 0, 0, of=parsed),
    V("q.word in q.word.head.children", 1, 1, 1, 1, 0, 1, of=parsed),
    V("3 in q.word.tokens", 0, 0, 1, 1, 0, 0, of=parsed),
    V("3 in q.word.tokens", 0, 0, 0, 1, 0, 0, of=parsed, direction="causal"),
    V("q.word in words", *[1] * 6, of=parsed),
    V("last(w in words).index.special is none", 1, 1, 1, 1, 0, 0, of=parsed, direction="causal"),
    V("(q - 1).word is none", 1, 0, 0, 0, 0, 0, of=parsed),
    V("(q - 1).pos is none", 1, 0, 0, 0, 0, 0, of=parsed),
    V('(q - 1).entity != ""', 1, 0, 0, 1, 1, 0, of=parsed),
    V("count(w in (if q > 2 then q.children else words))", 5, 5, 5, 2, 2, 0, of=parsed),
    V("count(w in ((q - 1).children otherwise words))", 5, 0, 0, 2, 2, 2, of=parsed),
    V("(q - 1).children is none", 1, 0, 0, 0, 0, 0, of=parsed),
    V("(if q == 1 then (q - 2).words else q.words) is some", 1, 0, 1, 1, 1, 1, of=parsed),
    V("3 in (if q == 0 then q.word.tokens else (q + 1).word.tokens)", 0, 1, 1, 0, 0, 0, of=parsed),
    V("q.word in ((q + 1).children otherwise words)", 0, 1, 0, 1, 0, 1, of=parsed),
    V("Kids(q)", 0, 0, 2, 2, 2, 0, of=parsed, before="let Kids(t) = count(w in t.children)"),
    V("Count(q.word.head)", 2, 2, 2, 2, 2, 2, of=parsed, before="let Count(v) = count(w in v.children)"),
    V("Count(q.children)", 0, 0, 2, 2, 2, 0, of=parsed, before="let Count(s) = count(w in s)"),
    C(
        "subject of the verb", 'set 1 to each k where k.dep == "nsubj" and k.head == q', *[(0,) * 6] * 4,
        (0, 0, 1, 1, 0, 0), (0,) * 6, of=parsed,
    ),
    B(
        "each token of a word", "set 1 to each t in q.word.head.tokens",
        *[(0, 0, 1, 1, 0, 0)] * 2, *[(0, 0, 0, 0, 1, 0)] * 4, of=parsed,
    ),
]  # fmt: skip

CASES: list[Case] = [*RULES, *NUMBERS, *CONDITIONS, *TEXTS, *TOKENS, *AGGREGATES, *WORDS]

# ---------------------------------------------------------------- run-time errors


def F(name: str, body: str, code: str, query: int | None, of: Callable[[], TokenTable] = aba) -> Failure:
    return Failure(name, f'head "case" causal\n{body}\n', code, query, of)


NEVER = "let E = first(t before 0)\nlet F = first(t before 0)\n"

FAILURES: list[Failure] = [
    F("division", "add 1 / (q - 1) to first", "E0401", 1),
    F("floor division", "add 1 // (q - 2) to first", "E0401", 2),
    F("remainder", "add 1 % (q - k) to each k", "E0401", 0),
    F("zero to a negative power", "add (q - 1) ** -1 to first", "E0401", 1),
    F("a power that is not real", "add (1 - q) ** 0.5 to first", "E0403", 2),
    F("a power that is not a number", "add (1 - q) ** ratio(0, 0) to first", "E0403", 2),
    F("no value", "add last(t before q) to first", "E0402", 0),
    F("no weight", "share 1 over each k by len((k - 1).text)", "E0402", 0),
    F("no cell", "add W[q, 7] to first when q == 2", "E0402", 2),
    F("temperature of zero", "softmax rows temperature q - 1", "E0401", 1),
    F("no temperature", "softmax rows temperature largest(t + 1 for t before 2 - q)", "E0401", 2),
    F("division in a condition", "add 1 to first when 1 / (q - 1) > 0", "E0401", 1),
    F("division under each", "add 1 to each k where 1 / (k - 1) > 5", "E0401", 1),
    F("the first failing rule", "add 1 / (q - 2) to first\nadd 1 / q to first", "E0401", 2),
    F("the first failing query of a rule", "add 1 / (q - 2) + (if q == 1 then W[5, 5] else 0) to first", "E0402", 1),
    F("the condition comes before the value", "add 1 / (q - 2) to first when 1 / (q - 1) < 5", "E0401", 1),
    F("weights come before values", "share 1 / (q - 1) over each k by (0 - q) ** 0.5", "E0403", 1),
    F("the first failing key", "add (if k == 1 then 1 / (k - 1) else W[k, 9]) to each k when q == 2", "E0402", 2),
    F("the same for every key", "add k / k // len((q - 2).text) to each k when q < 2", "E0401", 0),
    F("an argument named q keeps the query", "let Inverse(q) = 1 / q\nadd Inverse(q - 2) to first", "E0401", 2),
    F("checks in a row, query by query", f"{NEVER}add E to first when q == 2\nadd E to first when q == 1", "E0402", 1),
    F("checks of two names", f"{NEVER}add E to first when q == 2\nadd F to first when q == 1", "E0402", 2),
    F("checks apart", f"{NEVER}add E to first when q == 2\nadd 1 to first\nadd E to first when q == 1", "E0402", 2),
    F("a later check's condition", f"{NEVER}add E to first when q == 2\nadd E to first when 1 / q > 5", "E0401", 0),
    F("a check before a condition", f"{NEVER}add E to first when q == 0\nadd E to first when 1 / q > 5", "E0402", 0),
    F("no host", 'add host("near", q, k) to each k', "E0405", None),
    F("no host, though nothing comes to read it", 'add host("near", q, k) to each k when false', "E0405", None),
    F("no words", 'add 1 to each k where k.pos == "NOUN"', "E0611", None),
]

# ---------------------------------------------------------------- refused programs


def R(name: str, source: str, *found: tuple[str, int | None]) -> Refused:
    return Refused(name, source, found)


# The body of letter number i holds 6 * 2**i - 4 nodes; the 200,000 are passed at Q, on line 18.
DOUBLING = "".join(f"let {chr(b)} = {chr(b - 1)} + {chr(b - 1)}\n" for b in range(ord("B"), ord("V")))

REFUSED: list[Refused] = [
    R("a word that is none", 'head "x" causal\nadd 1 too first', ("E0001", 2)),
    R("two faults", 'head "x" causal\nadd 1 too first\nset 1 to first\nadd to first', ("E0001", 2), ("E0001", 4)),
    R("single quotes", "head 'x' causal", ("E0001", 1)),
    R("a sign that is none", 'head "x" causal\nset 1 to first ?', ("E0001", 2)),
    R("an unfinished statement", 'head "x" causal\nset 1 to', ("E0001", 2)),
    R("an unknown escape", 'head "x" causal\nset len("\\u12") to first', ("E0001", 2)),
    R("a long variable", 'head "x" causal\nset 1 to each key', ("E0001", 2)),
    R("no text", "", ("E0002", None)),
    R("only a comment", "# nothing\n", ("E0001", 1)),
    R("too many brackets", 'head "x"\nset ' + "(" * 200 + "1" + ")" * 200 + " to first", ("E0003", 2)),
    R("too deep without brackets", 'head "x"\nset ' + "1 + " * 400 + "1 to first", ("E0003", 2)),
    R("too deep for the check", 'head "x"\nset ' + "1 + " * 110 + "1 to first", ("E0003", 2)),
    R("a claim of more than all", 'head "x"\nclaim mass at least 2 on first\nset 1 to first', ("E0213", 2)),
    R("a claim that reads weights", 'head "x"\nclaim mass at most 1 on first when row.sum > 0', ("E0213", 2)),
    R("a claim about a text", 'head "x"\nclaim mass at most 1 on q.text', ("E0203", 2)),
    R("a claim of a change of more than all", 'head "x"\nclaim unchanged within 2 by changing first', ("E0213", 2)),
    R(
        "a claim of a change that reads weights",
        'head "x"\nclaim unchanged within 0 by renaming each t where W[q, t] > 0',
        ("E0213", 2),
    ),
    R("a claim of a change of words", 'head "x"\nclaim unchanged within 0 by changing each w in words', ("E0203", 2)),
    R("a claim of no known change", 'head "x"\nclaim unchanged within 0 by swapping first', ("E0001", 2)),
    R("a claim of a change without a bound", 'head "x"\nclaim unchanged by changing first', ("E0001", 2)),
    R("a claim without a limit", 'head "x"\nclaim mass 1 on first', ("E0001", 2)),
    R("an unknown name", 'head "x"\nset Foo to first', ("E0201", 2)),
    R("a name defined below", 'head "x"\nset Foo to first\nlet Foo = 1', ("E0201", 2)),
    R("a definition of itself", 'head "x"\nlet Foo = Foo + 1\nset Foo to first', ("E0201", 2)),
    R("too few arguments", 'head "x"\nlet F(a, b) = a + b\nset F(1) to first', ("E0202", 3)),
    R("too many arguments", 'head "x"\nset abs(1, 2) to first', ("E0202", 2)),
    R("a host relation of one position", 'head "x"\nset host("near", q) to first', ("E0202", 2)),
    R("a text method without argument", 'head "x"\nset 1 to first when q.text.startswith()', ("E0202", 2)),
    R("a text function of one text", 'head "x"\nset overlap(q.text) to first', ("E0202", 2)),
    R("a text as a value", 'head "x"\nset q.text to first', ("E0203", 2)),
    R("a number as a condition", 'head "x"\nset 1 to first when q', ("E0203", 2)),
    R("a text compared with a number", 'head "x"\nset 1 to first when q.text == 1', ("E0203", 2)),
    R("ordered words", 'head "x"\nset 1 to first when q.word < q.word', ("E0203", 2)),
    R("a mixed set", 'head "x"\nset 1 to first when q in {1, "a"}', ("E0203", 2)),
    R("a number in a text", 'head "x"\nset 1 to first when q in "abc"', ("E0203", 2)),
    R("in a number", 'head "x"\nset 1 to first when q in q', ("E0203", 2)),
    R("two kinds of value", 'head "x"\nset len(if q == 1 then "a" else 2) to first', ("E0203", 2)),
    R("keys that are words", 'head "x"\nset 1 to each w in words', ("E0203", 2)),
    R("bounds of words", 'head "x"\nset count(w in words upto 2) to first', ("E0203", 2)),
    R("a set of texts as nodes", 'head "x"\nset count(w in {"a"}) to first', ("E0203", 2)),
    R("adding texts to numbers", 'head "x"\nset 1 + q.text to first', ("E0203", 2)),
    R("k without a key", 'head "x"\nset 1 to first when k == 0', ("E0204", 2)),
    R("q in a definition", 'head "x"\nlet A = q\nset A to first', ("E0204", 2)),
    R("a variable that nothing binds", 'head "x"\nset z to first', ("E0204", 2)),
    R("a variable bound twice", 'head "x"\nset 1 to each k where any(k where k.special)', ("E0205", 2)),
    R("n as a parameter", 'head "x"\nlet A(n) = n\nset A(1) to first', ("E0205", 2)),
    R("a name defined twice", 'head "x"\nlet A = 1\nlet A = 2\nset A to first', ("E0206", 3)),
    R("two heads of one name", 'head "x"\nset 1 to first\nhead "x"\nset 1 to self', ("E0206", 3)),
    R("a parameter named twice", 'head "x"\nlet A(t, t) = t\nset A(1, 2) to first', ("E0206", 2)),
    R("a matrix named as a definition", 'head "x"\nlet A = 1\nmatrix A\nset A to first', ("E0206", 3)),
    R("an unknown matrix", 'head "x"\nset 1 to first of Bas', ("E0207", 2)),
    R("cells of an unknown matrix", 'head "x"\nset Bas[q, 0] to first', ("E0207", 2)),
    R("n in a causal head", 'head "x" causal\nset n to first', ("E0208", 2)),
    R("a feature of words asked of a token", 'head "x"\nset q.char_start to first', ("E0209", 2)),
    R("a feature of a text", 'head "x"\nset q.text.depth to first', ("E0209", 2)),
    R("division by a literal zero", 'head "x"\nset 1 / 0 to first', ("E0210", 2)),
    R("definitions that double", f'head "x"\nlet A = 1\n{DOUBLING}set U to first', ("E0212", 18)),
    R(
        "independent faults",
        'head "x"\nset Foo to first\nset z to first\nset 1 / 0 to self',
        ("E0201", 2),
        ("E0204", 3),
        ("E0210", 4),
    ),
]
