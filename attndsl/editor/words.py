"""What each word of the language means, in one line with its form: the texts that an editor shows.

Features have their meaning in ``dsl/builtins.py``; a test asks every word of the grammar for one.
"""

from __future__ import annotations

STATEMENTS: dict[str, tuple[str, str]] = {
    "head": ('head "name" [causal | bidirectional]', "begins a program; its rules run in order on a matrix of zeros"),
    "causal": ('head "name" causal', "a query sees keys up to itself; the program may not read what comes after"),
    "bidirectional": ('head "name" bidirectional', "every query sees every key"),
    "claim": (
        'claim "text", claim mass at least x on T [when P], claim unchanged within x by renaming T [when P]',
        "what the program says about its head: in words, or as a statement that can be checked",
    ),
    "let": ("let Name = x, let Name(t) = x", "a named value, set, position or predicate"),
    "matrix": ("matrix Name", "a further matrix, zero at the start"),
    "set": ("set x to T [of MATRIX] [when P]", "the cell becomes x"),
    "add": ("add x to T [of MATRIX] [when P]", "x is added to the cell"),
    "scale": ("scale T by x [of MATRIX] [when P]", "the cell is multiplied by x"),
    "raise": ("raise T to at least x", "the cell becomes x where it is smaller"),
    "cap": ("cap T at x", "the cell becomes x where it is larger"),
    "share": ("share x over T [by g]", "x is divided among the matches, evenly or in proportion to g"),
    "normalize": (
        "normalize rows [of MATRIX] [else first | self | uniform | nothing]",
        "divides rows by their sum; a zero row becomes what else says (first in a causal head, nothing else)",
    ),
    "softmax": ("softmax rows [of MATRIX] [temperature t]", "softmax over the keys that the query may see"),
    "mask": ("mask causal [of MATRIX]", "every cell after the query becomes zero"),
}

CLAUSES: dict[str, tuple[str, str]] = {
    "to": ("set x to T, add x to T", "what is updated follows: a position, or each key"),
    "by": (
        "scale T by x, share x over T by g, unchanged within x by renaming T",
        "the factor, the weights in proportion to which x is divided, or the change",
    ),
    "at": ("cap T at x, raise T to at least x, mass at least x, mass at most x", "the bound follows"),
    "least": ("raise T to at least x, mass at least x", "the lower bound follows"),
    "most": ("mass at most x", "the upper bound follows"),
    "mass": ("claim mass at least x on T [when P]", "the share of a row's weight that lies on the keys T"),
    "unchanged": (
        "claim unchanged within x by changing T [when P], ... by renaming T [when P]",
        "in no row does more than x of the weight move when tokens T change",
    ),
    "within": ("unchanged within x", "the share of a row's weight that may move"),
    "changing": ("unchanged within x by changing T", "each word of T may become any other"),
    "renaming": (
        "unchanged within x by renaming T",
        "all copies of one word of T become one new word that T holds, too",
    ),
    "on": ("mass at least x on T", "the keys follow: a position, or each key"),
    "over": ("share x over T", "among which keys x is divided"),
    "of": ("T of MATRIX, rows of MATRIX", "another matrix than W"),
    "when": ("... when P", "only for queries of which P is true"),
    "each": ("each k [in nodes] [from a | after a] [upto b | before b] [where P]", "every key for which P is true"),
    "where": ("k where P", "only those for which P is true"),
    "from": ("k from a", "not before a; a itself counts"),
    "after": ("k after a", "later than a"),
    "upto": ("k upto b", "not after b; b itself counts"),
    "before": ("k before b", "earlier than b"),
    "for": ("sum(x for k ...)", "what the variable runs over follows"),
    "rows": ("normalize rows, softmax rows", "every row of the matrix"),
    "temperature": ("softmax rows temperature t", "scores are divided by t first"),
    "uniform": ("normalize rows else uniform", "a zero row becomes even weights"),
    "nothing": ("normalize rows else nothing", "a zero row stays zero"),
}

EXPRESSIONS: dict[str, tuple[str, str]] = {
    "self": ("self", "the query position itself; after `else`: a zero row becomes the query itself"),
    "first": ("first", "position 0; after `else`: a zero row becomes the first token"),
    "words": ("k in words", "all words of the text (needs spaCy)"),
    "row": ("row.sum, row.max, row.min, row.count", "the row of the query that is computed, so far"),
    "host": ('host("name", a, b)', "a relation between two tokens that the host program registered"),
    "if": ("if P then a else b", "a where P is true, else b"),
    "then": ("if P then a else b", "the value where P is true"),
    "else": ("if P then a else b", "the value where P is false; after `normalize rows`: what a zero row becomes"),
    "otherwise": ("x otherwise d", "d where x is none"),
    "and": ("P and Q", "both; Q is not asked where P is false"),
    "or": ("P or Q", "at least one; Q is not asked where P is true"),
    "not": ("not P, x not in S", "the opposite"),
    "in": ('x in {"a", "b"}, x in "abc", k in w.children', "member of a set, part of a text, one of some nodes"),
    "is": ("x is none, x is some", "whether there is a value"),
    "none": ("x is none", "no value: no such token, outside the text, no word"),
    "some": ("x is some", "there is a value"),
    "true": ("true", "the truth value"),
    "false": ("false", "the truth value"),
}

AGGREGATES: dict[str, tuple[str, str]] = {
    "first": ("first(k ... where P)", "the first token for which P is true, or none"),
    "last": ("last(k ... where P)", "the last token for which P is true, or none"),
    "nth": ("nth(i, k ... where P)", "the i-th such token, from 0, negative from the end; or none"),
    "count": ("count(k ... where P)", "how many there are"),
    "any": ("any(k ... where P)", "whether there is one"),
    "all": ("all(P for k ...)", "whether P is true of every one"),
    "sum": ("sum(x for k ...)", "the sum of x"),
    "product": ("product(x for k ...)", "the product of x"),
    "largest": ("largest(x for k ...)", "the largest x, none when there is nothing"),
    "smallest": ("smallest(x for k ...)", "the smallest x, none when there is nothing"),
    "argmax": ("argmax(x for k ...)", "the first one with the largest x, or none"),
    "argmin": ("argmin(x for k ...)", "the first one with the smallest x, or none"),
}

FUNCTIONS: dict[str, tuple[str, str]] = {
    "min": ("min(a, b, ...)", "the smallest"),
    "max": ("max(a, b, ...)", "the largest"),
    "abs": ("abs(x)", "without its sign"),
    "exp": ("exp(x)", "e to the power x"),
    "log": ("log(x)", "natural logarithm: -inf at 0, nan below"),
    "sqrt": ("sqrt(x)", "square root, nan below 0"),
    "tanh": ("tanh(x)", "hyperbolic tangent"),
    "sin": ("sin(x)", "sine of an angle in radians, nan at infinity"),
    "cos": ("cos(x)", "cosine of an angle in radians, nan at infinity"),
    "floor": ("floor(x)", "the next integer below"),
    "ceil": ("ceil(x)", "the next integer above"),
    "round": ("round(x)", "the nearest integer, halves to the even one"),
    "trunc": ("trunc(x)", "the integer part"),
    "ratio": ("ratio(a, b)", "a / b without an error: inf or nan where b is 0"),
    "len": ("len(s)", "number of characters"),
    "overlap": ("overlap(s, t)", "different characters in both, divided by those in at least one (0 to 1)"),
    "shared": ("shared(s, t)", "number of different characters in both"),
    "either": ("either(s, t)", "number of different characters in at least one"),
    "common_prefix": ("common_prefix(s, t)", "number of characters that both begin with"),
}

METHODS: dict[str, tuple[str, str]] = {
    "lower": ("s.lower()", "in lower case"),
    "upper": ("s.upper()", "in upper case"),
    "capitalize": ("s.capitalize()", "the first letter upper, the rest lower case"),
    "title": ("s.title()", "every word begins with an upper-case letter"),
    "casefold": ("s.casefold()", "for comparing without regard to case"),
    "strip": ("s.strip([chars])", "without white space, or these characters, at both ends"),
    "lstrip": ("s.lstrip([chars])", "without white space, or these characters, at the start"),
    "rstrip": ("s.rstrip([chars])", "without white space, or these characters, at the end"),
    "removeprefix": ("s.removeprefix(t)", "without t at the start"),
    "removesuffix": ("s.removesuffix(t)", "without t at the end"),
    "replace": ("s.replace(a, b)", "every a becomes b"),
    "startswith": ("s.startswith(t or set)", "whether it begins with t, or with one of the set"),
    "endswith": ("s.endswith(t or set)", "whether it ends with t, or with one of the set"),
    "find": ("s.find(t)", "index of the first t, -1 where there is none"),
    "count": ("s.count(t)", "how many times t occurs"),
    **{
        f"{how}{name}": (f"s.{how}{name}()", f"whether {who} {what}")
        for name, what in (
            ("alpha", "a letter"), ("digit", "a digit"), ("decimal", "a decimal digit"), ("alnum", "a letter or digit"),
            ("upper", "upper case"), ("lower", "lower case"), ("space", "white space"),
        )
        for how, who in (("is", "it is not empty and every character is"), ("has", "at least one character is"))
    },
    "isupper": ("s.isupper()", "whether there are letters with case and all are upper case"),
    "islower": ("s.islower()", "whether there are letters with case and all are lower case"),
    "istitle": ("s.istitle()", "whether every word begins with upper case and goes on in lower case"),
    "isnumeric": ("s.isnumeric()", "whether it is not empty and every character is numeric, such as ½"),
    "isascii": ("s.isascii()", "whether every character is ASCII"),
}  # fmt: skip

ROW_STATS: dict[str, tuple[str, str]] = {
    "sum": ("row.sum", "sum of the query's row so far"),
    "max": ("row.max", "largest weight of the query's row so far"),
    "min": ("row.min", "smallest weight of the query's row so far"),
    "count": ("row.count", "number of non-zero weights in the query's row so far"),
}

VARIABLES: dict[str, tuple[str, str]] = {
    "q": ("q", "the query position: the token that looks"),
    "k": ("k", "the key position: the token that is looked at"),
    "n": ("n", "the number of tokens (a causal head may not read it)"),
    "W": ("W[q, k]", "the head's own matrix: a weight so far"),
}
