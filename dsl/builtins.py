"""Tables of what the language offers: features of tokens and words, text methods, functions, matrices' statistics.

The checker, the interpreter, the lowering, the prompt and the documentation all read these tables; the grammar lists
the same words (``tests/dsl/test_builtins.py`` keeps the two together).
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from attndsl.dsl.types import BOOL, NUM, STR, TOKENS, WORD, WORDS, Kind

WORD_FLAGS = (
    "is_alpha", "is_ascii", "is_digit", "is_lower", "is_upper", "is_title", "is_space", "is_bracket", "is_quote",
    "is_stop", "is_currency", "like_num", "like_url", "like_email", "is_sent_start", "is_sent_end", "is_left_punct",
    "is_right_punct", "is_oov",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeatureInfo:
    """Type and one-sentence meaning of a feature."""

    kind: Kind
    meaning: str


TOKEN_FEATURES: dict[str, FeatureInfo] = {
    "raw": FeatureInfo(STR, "the vocabulary string, markers included ('Ġthe', '▁the', '##ing')"),
    "text": FeatureInfo(STR, "the clean surface text, '' for special tokens"),
    "special": FeatureInfo(BOOL, "added by the tokenizer, such as BOS or [CLS]"),
    "word_start": FeatureInfo(BOOL, "begins a new piece of the text after white space or punctuation"),
    "sentence": FeatureInfo(NUM, "number of the sentence, from 0, by a plain rule on . ! ? and line ends"),
    "line": FeatureInfo(NUM, "number of line ends in the text before the token"),
    "in_quotes": FeatureInfo(BOOL, "stands between double quotes"),
    "depth": FeatureInfo(NUM, "number of brackets ( [ { open before the token"),
    "is_punct": FeatureInfo(BOOL, "the surface text is all punctuation"),
    "is_capitalized": FeatureInfo(BOOL, "the surface text begins with an upper-case letter"),
    "words": FeatureInfo(WORDS, "the words whose characters overlap the token's"),
    "word": FeatureInfo(WORD, "the first overlapping word, or none"),
}

WORD_FEATURES: dict[str, FeatureInfo] = {
    "text": FeatureInfo(STR, "the word itself"),
    "lemma": FeatureInfo(STR, "dictionary form"),
    "pos": FeatureInfo(STR, "universal part of speech ('NOUN')"),
    "tag": FeatureInfo(STR, "fine part of speech ('NNS')"),
    "dep": FeatureInfo(STR, "dependency label ('nsubj')"),
    "entity": FeatureInfo(STR, "entity type ('PERSON'), '' outside entities"),
    "entity_iob": FeatureInfo(STR, "B, I or O: begins, continues or is outside an entity"),
    "chunk_iob": FeatureInfo(STR, "B, I or O: begins, continues or is outside a noun chunk"),
    "shape": FeatureInfo(STR, "orthographic shape ('Xxxx')"),
    "morph": FeatureInfo(STR, "morphology ('Number=Sing')"),
    "trailing": FeatureInfo(STR, "white space after the word"),
    "index": FeatureInfo(NUM, "the word's number in the text, from 0"),
    "char_start": FeatureInfo(NUM, "offset of the first character in the text"),
    "char_end": FeatureInfo(NUM, "offset after the last character"),
    "sentence": FeatureInfo(NUM, "number of the parser's sentence, from 0"),
    "head": FeatureInfo(WORD, "the syntactic head; a root is its own head"),
    "children": FeatureInfo(WORDS, "syntactic children in text order"),
    "ancestors": FeatureInfo(WORDS, "head, head's head, ... up to the root"),
    "subtree": FeatureInfo(WORDS, "the word and everything below it, in text order"),
    "tokens": FeatureInfo(TOKENS, "the tokens whose characters overlap the word's"),
    "is_punct": FeatureInfo(BOOL, "spaCy's flag: punctuation"),
    **{name: FeatureInfo(BOOL, f"spaCy's flag {name}") for name in WORD_FLAGS},
}

# Asked of a token, these mean the feature of its first overlapping word; none when it has no word.
TOKEN_VIA_WORD = frozenset(WORD_FEATURES) - frozenset(TOKEN_FEATURES) - {"index", "char_start", "char_end", "tokens"}


def is_punctuation(text: str) -> bool:
    """True when the text is not empty and every character is Unicode punctuation or a symbol."""
    return bool(text) and all(unicodedata.category(c)[0] in "PS" for c in text)


@dataclass(frozen=True, slots=True)
class MethodInfo:
    """A pure text method: argument kinds ('str' or 'texts' = text or set), how many are required, result, function."""

    params: tuple[str, ...]
    required: int
    kind: Kind
    apply: Callable[..., object]


def _predicate(name: str) -> MethodInfo:
    return MethodInfo((), 0, BOOL, getattr(str, name))


def _some(name: str) -> MethodInfo:
    """True when at least one character passes; ``isalpha`` and the like ask it of all of them."""
    test = getattr(str, name)
    return MethodInfo((), 0, BOOL, lambda text: any(map(test, text)))


def _any_of(test: Callable[[str, str], bool]) -> Callable[[str, object], bool]:
    def apply(text: str, wanted: object) -> bool:
        return test(text, wanted) if isinstance(wanted, str) else any(test(text, w) for w in wanted)  # type: ignore[attr-defined]

    return apply


METHODS: dict[str, MethodInfo] = {
    "lower": MethodInfo((), 0, STR, str.lower),
    "upper": MethodInfo((), 0, STR, str.upper),
    "capitalize": MethodInfo((), 0, STR, str.capitalize),
    "title": MethodInfo((), 0, STR, str.title),
    "casefold": MethodInfo((), 0, STR, str.casefold),
    "strip": MethodInfo(("str",), 0, STR, str.strip),
    "lstrip": MethodInfo(("str",), 0, STR, str.lstrip),
    "rstrip": MethodInfo(("str",), 0, STR, str.rstrip),
    "removeprefix": MethodInfo(("str",), 1, STR, str.removeprefix),
    "removesuffix": MethodInfo(("str",), 1, STR, str.removesuffix),
    "replace": MethodInfo(("str", "str"), 2, STR, str.replace),
    "startswith": MethodInfo(("texts",), 1, BOOL, _any_of(str.startswith)),
    "endswith": MethodInfo(("texts",), 1, BOOL, _any_of(str.endswith)),
    "find": MethodInfo(("str",), 1, NUM, str.find),
    "count": MethodInfo(("str",), 1, NUM, str.count),
    **{
        name: _predicate(name)
        for name in (
            "isalpha", "isdigit", "isalnum", "isupper", "islower", "istitle", "isspace", "isnumeric", "isdecimal",
            "isascii",
        )
    },
    **{f"has{name}": _some(f"is{name}") for name in ("alpha", "digit", "decimal", "alnum", "upper", "lower", "space")},
}  # fmt: skip


def overlap(a: str, b: str) -> float:
    """Jaccard similarity of the two sets of characters, in [0, 1]; 0 when both are empty."""
    left, right = set(a), set(b)
    return len(left & right) / len(left | right) if left or right else 0.0


def shared(a: str, b: str) -> int:
    """Number of different characters that occur in both texts."""
    return len(set(a) & set(b))


def either(a: str, b: str) -> int:
    """Number of different characters that occur in at least one of the texts."""
    return len(set(a) | set(b))


def common_prefix(a: str, b: str) -> int:
    """Number of characters that the two texts share from the start."""
    length = 0
    for x, y in zip(a, b, strict=False):
        if x != y:
            break
        length += 1
    return length


def character(text: str, at: float) -> str | None:
    """``text[at]`` with Python's meaning; none when out of range or not a whole number."""
    return text[int(at)] if -len(text) <= at < len(text) and at == int(at) else None


def piece(text: str, low: float, high: float) -> str | None:
    """``text[low:high]`` with Python's meaning, bounds rounded towards zero; none when a bound is nan."""
    if math.isnan(low) or math.isnan(high):
        return None
    length = len(text) + 1
    return text[int(max(-length, min(low, length))) : int(max(-length, min(high, length)))]


TEXT_FUNCTIONS: dict[str, tuple[int, Callable[..., float]]] = {
    "len": (1, len),
    "overlap": (2, overlap),
    "shared": (2, shared),
    "either": (2, either),
    "common_prefix": (2, common_prefix),
}


def exp(x: float) -> float:
    """e**x; inf where that overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def log(x: float) -> float:
    """Natural logarithm with IEEE edges: -inf at 0, nan below."""
    return math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)


def sqrt(x: float) -> float:
    """Square root, nan for negative numbers."""
    return math.sqrt(x) if x >= 0 else math.nan


def ratio(a: float, b: float) -> float:
    """The IEEE quotient: inf or nan where b is 0, never an error."""
    if b != 0:
        return a / b
    if a == 0 or math.isnan(a):
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def round_half_even(x: float) -> float:
    """Nearest integer, ties to even, as Python and numpy round."""
    return float(round(x)) if math.isfinite(x) else x


def _periodic(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function of an angle in radians; nan for infinities."""
    return lambda x: function(x) if math.isfinite(x) else math.nan


def _integer(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: float(function(x)) if math.isfinite(x) else x


NUMBER_FUNCTIONS: dict[str, tuple[int, int, Callable[..., float]]] = {
    # name: (fewest arguments, most arguments, meaning on floats)
    "min": (2, 99, min),
    "max": (2, 99, max),
    "abs": (1, 1, abs),
    "exp": (1, 1, exp),
    "log": (1, 1, log),
    "sqrt": (1, 1, sqrt),
    "tanh": (1, 1, math.tanh),
    "sin": (1, 1, _periodic(math.sin)),
    "cos": (1, 1, _periodic(math.cos)),
    "floor": (1, 1, _integer(math.floor)),
    "ceil": (1, 1, _integer(math.ceil)),
    "round": (1, 1, round_half_even),
    "trunc": (1, 1, _integer(math.trunc)),
    "ratio": (2, 2, ratio),
}

AGGREGATES_OF_NODES = ("first", "last", "nth", "argmax", "argmin")
FOLDS = ("sum", "product", "largest", "smallest", "argmax", "argmin")
ROW_STATS = ("sum", "max", "min", "count")
