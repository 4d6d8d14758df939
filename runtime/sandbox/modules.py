"""The modules a program may import, each a fixed set of members.

What the published programs import, and the harmless parts of the standard library that generated programs reach
for. Nothing here opens, runs, names or looks up anything: ``operator.attrgetter``, ``collections.namedtuple`` (it
evaluates text), clocks, and everything that touches files or the interpreter are left out.
"""

from __future__ import annotations

import bisect
import collections
import difflib
import functools
import heapq
import itertools
import math
import operator
import re
import statistics
import string
import unicodedata
from typing import Any

import numpy as np

from attndsl.runtime.sandbox.arrays import DTypeView, NumberLimits, Ufunc
from attndsl.runtime.sandbox.documents import NLP, TEXT_TYPES
from attndsl.runtime.sandbox.facade import numpy_facade
from attndsl.runtime.sandbox.guards import Facade, Marker
from attndsl.runtime.sandbox.names import ATTRIBUTES
from attndsl.runtime.sandbox.randomness import NUMPY_RANDOM, PYTHON_RANDOM
from attndsl.runtime.sandbox.tokenizer import Tokenizer


def _members(module: Any, names: str) -> dict[str, Any]:
    return {name: getattr(module, name) for name in names.split()}


def _markers(module: str, names: str) -> Facade:
    return Facade(module, {name: Marker(f"{module}.{name}") for name in names.split()})


class Similarity:
    """``difflib.SequenceMatcher`` reduced to its ratios."""

    __slots__ = ("_real",)

    def __init__(self, isjunk: Any = None, a: Any = "", b: Any = "", autojunk: bool = True) -> None:
        self._real = difflib.SequenceMatcher(isjunk, a, b, autojunk)

    def ratio(self) -> float:
        return self._real.ratio()

    def quick_ratio(self) -> float:
        return self._real.quick_ratio()

    def real_quick_ratio(self) -> float:
        return self._real.real_quick_ratio()


ATTRIBUTES[Similarity] = frozenset({"ratio", "quick_ratio", "real_quick_ratio"})


def _copy(value: Any) -> Any:
    """``copy.copy`` for plain containers and arrays."""
    if type(value) in (list, dict, set, collections.Counter, collections.deque, np.ndarray):
        return value.copy()
    if type(value) in (str, int, float, bool, tuple, frozenset, type(None)):
        return value
    raise TypeError("copy() is available for plain data only")


def _deepcopy(value: Any, depth: int = 0) -> Any:
    """``copy.deepcopy`` for plain containers and arrays."""
    if depth > 50:
        raise RecursionError("deepcopy() of more than 50 levels")
    if type(value) in (list, tuple, set):
        return type(value)(_deepcopy(item, depth + 1) for item in value)
    if type(value) is dict:
        return {key: _deepcopy(item, depth + 1) for key, item in value.items()}
    return _copy(value)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """``warnings.filterwarnings`` and its kin: there are no warnings here."""


def _cast(kind: Any, value: Any) -> Any:
    """``typing.cast``."""
    return value


def _type_variable(name: str, *bounds: Any, **options: Any) -> Marker:
    """``typing.TypeVar``: a name for annotations."""
    return Marker(str(name))


_TYPING_VALUES = {"TYPE_CHECKING": False, "cast": _cast, "TypeVar": _type_variable}
_MATH = {name: getattr(math, name) for name in dir(math) if not name.startswith("_")}
_RE = (
    "compile escape findall finditer fullmatch match search split sub subn IGNORECASE I MULTILINE M DOTALL S UNICODE U "
    "ASCII A VERBOSE X"
)
_ITERTOOLS = (
    "accumulate chain combinations combinations_with_replacement compress count cycle dropwhile filterfalse groupby "
    "islice pairwise permutations product repeat starmap takewhile tee zip_longest"
)
_OPERATOR = (
    "add and_ concat contains eq floordiv ge getitem gt index invert itemgetter le lt matmul mul ne neg not_ or_ pos "
    "pow sub truediv truth xor"
)
_STRING = "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable punctuation whitespace"
_TYPING = (
    "Any Callable ClassVar Collection Dict Final FrozenSet Generator Generic Hashable Iterable Iterator List Literal "
    "Mapping MutableMapping Optional Sequence Set Text Tuple Type Union Deque DefaultDict Counter"
)
_TRANSFORMERS = (
    "PreTrainedTokenizerBase PreTrainedTokenizer PreTrainedTokenizerFast BatchEncoding GPT2Tokenizer GPT2TokenizerFast "
    "BertTokenizer BertTokenizerFast LlamaTokenizer LlamaTokenizerFast AutoTokenizer"
)


def _modules() -> dict[str, Facade]:
    numpy = numpy_facade(NUMPY_RANDOM)
    tokens = Facade("spacy.tokens", dict(TEXT_TYPES))
    language = _markers("spacy.language", "Language")
    spacy = Facade("spacy", {"load": NLP.load, "tokens": tokens, "language": language, "Language": Marker("Language")})
    return {
        "numpy": numpy,
        "numpy.linalg": numpy.members["linalg"],
        "numpy.random": NUMPY_RANDOM,
        "numpy.typing": _markers("numpy.typing", "NDArray ArrayLike"),
        "math": Facade("math", _MATH),
        "random": PYTHON_RANDOM,
        "re": Facade("re", {**_members(re, _RE), "Pattern": Marker("re.Pattern"), "Match": Marker("re.Match")}),
        "string": Facade("string", _members(string, _STRING)),
        "collections": Facade("collections", _members(collections, "Counter OrderedDict defaultdict deque")),
        "itertools": Facade("itertools", _members(itertools, _ITERTOOLS)),
        "functools": Facade("functools", _members(functools, "cache lru_cache partial reduce cmp_to_key")),
        "operator": Facade("operator", _members(operator, _OPERATOR)),
        "bisect": Facade("bisect", _members(bisect, "bisect bisect_left bisect_right insort insort_left insort_right")),
        "heapq": Facade(
            "heapq", _members(heapq, "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest")
        ),
        "statistics": Facade(
            "statistics", _members(statistics, "fmean mean median mode pstdev pvariance stdev variance")
        ),
        "difflib": Facade("difflib", {"SequenceMatcher": Similarity}),
        "unicodedata": Facade("unicodedata", _members(unicodedata, "category name normalize combining")),
        "copy": Facade("copy", {"copy": _copy, "deepcopy": _deepcopy}),
        "warnings": Facade("warnings", {"filterwarnings": _nothing, "simplefilter": _nothing, "warn": _nothing}),
        "typing": Facade("typing", {**_markers("typing", _TYPING).members, **_TYPING_VALUES}),
        "collections.abc": _markers("collections.abc", "Callable Iterable Iterator Mapping Sequence Generator"),
        "transformers": _markers("transformers", _TRANSFORMERS),
        "torch": _markers("torch", "Tensor"),
        "spacy": spacy,
        "spacy.tokens": tokens,
        "spacy.language": language,
    }


MODULES: dict[str, Facade] = _modules()
ATTRIBUTES[itertools.chain] = frozenset()


def _chain_class() -> None:
    """``itertools.chain.from_iterable`` is a method of a class, so the class needs an entry of its own."""
    from attndsl.runtime.sandbox.names import CLASS_ATTRIBUTES

    CLASS_ATTRIBUTES[itertools.chain] = frozenset({"from_iterable"})


_chain_class()
FACADE_ATTRIBUTES: frozenset[str] = frozenset(
    {name for module in MODULES.values() for name in module.members}
    | {
        name
        for kind in (Ufunc, DTypeView, NumberLimits, np.ndarray, np.float64, Similarity, Tokenizer)
        for name in ATTRIBUTES[kind]
    }
    | {name for names in ATTRIBUTES.values() for name in names}
    | {"from_iterable"}
)
"""Every attribute name that some facade object has."""
