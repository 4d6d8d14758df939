"""The names an imported program may use: functions, module members, methods and attributes, by type.

``dsl/pyimport/names.py`` refuses what is missing here before anything runs; ``runtime/loops`` implements every
entry (a test compares the tables). Nothing else of Python can be reached from an imported program.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUILTIN_FUNCTIONS = _words("""
    abs all any ascii bin bool callable chr dict divmod enumerate filter float format frozenset hex int isinstance iter
    len list map max min next oct ord pow print range repr reversed round set slice sorted str sum tuple type zip
    """)

EXCEPTIONS = _words("""
    ArithmeticError AssertionError AttributeError BaseException Exception FloatingPointError IndexError KeyError
    LookupError NameError NotImplementedError OverflowError RuntimeError StopIteration TypeError UnboundLocalError
    UnicodeError ValueError ZeroDivisionError ImportError ModuleNotFoundError RecursionError OSError MemoryError
    """)

NUMPY_CONSTANTS = _words("pi e inf nan newaxis")

NUMPY_TYPES = _words("float64 float32 float16 int64 int32 int16 int8 uint8 bool_ ndarray floating integer")

NUMPY_FUNCTIONS = _words("""
    abs absolute add all allclose amax amin any append arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh
    argmax argmin argpartition argsort argwhere around array array_equal array_split asarray atleast_1d atleast_2d
    average bincount bitwise_and bitwise_or bitwise_xor broadcast_arrays broadcast_to cbrt ceil clip column_stack
    concatenate convolve copy copysign corrcoef correlate cos cosh count_nonzero cov cross cumprod cumsum deg2rad
    degrees delete diag diag_indices diag_indices_from diagflat diagonal diff digitize divide dot dstack ediff1d einsum
    empty empty_like equal exp exp2 expand_dims expm1 eye fabs fill_diagonal finfo flatnonzero flip fliplr flipud
    float_power floor floor_divide fmax fmin fmod fromfunction full full_like geomspace gradient greater greater_equal
    heaviside histogram hsplit hstack hypot identity iinfo indices inner insert interp intersect1d invert isclose
    isfinite isin isinf isnan isneginf isposinf isscalar ix_ kron less less_equal lexsort linspace log log10 log1p log2
    logaddexp logical_and logical_not logical_or logical_xor logspace matmul max maximum mean median meshgrid min
    minimum mod moveaxis multiply nan_to_num nanargmax nancumsum nanmax nanmean nanmedian nanmin nanpercentile nanprod
    nanquantile nanstd nansum nanvar ndenumerate ndim ndindex negative nonzero not_equal ones ones_like outer pad
    partition percentile polyval positive power prod ptp quantile radians ravel reciprocal remainder repeat reshape rint
    roll rot90 round searchsorted select setdiff1d setxor1d shape sign signbit sin sinc sinh size sort split sqrt square
    squeeze stack std subtract sum swapaxes take tan tanh tile trace transpose tri tril tril_indices tril_indices_from
    triu triu_indices triu_indices_from trunc union1d unique unravel_index var vdot vectorize vsplit vstack where zeros
    zeros_like
    """)

MATH = _words("""
    pi e inf nan tau acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist erf erfc exp
    exp2 expm1 fabs factorial floor fmod frexp fsum gamma gcd hypot isclose isfinite isinf isnan isqrt lcm ldexp lgamma
    log log10 log1p log2 modf perm pow prod radians remainder sin sinh sqrt tan tanh trunc
    """)

STRING_CONSTANTS = _words(
    "punctuation ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable whitespace"
)

# module -> members that may be used (functions, classes, constants). ``None``: names for annotations only.
MODULES: dict[str, frozenset[str] | None] = {
    "numpy": NUMPY_CONSTANTS | NUMPY_TYPES | NUMPY_FUNCTIONS | {"linalg"},
    "numpy.linalg": _words("norm inv det solve matrix_power"),
    "math": MATH,
    "string": STRING_CONSTANTS,
    "collections": frozenset({"defaultdict", "Counter", "deque", "OrderedDict"}),
    "itertools": frozenset(
        {"chain", "combinations", "permutations", "product", "islice", "accumulate", "zip_longest", "takewhile",
         "dropwhile", "groupby", "pairwise", "repeat", "starmap", "combinations_with_replacement", "count", "cycle",
         "compress", "filterfalse", "tee"}
    ),
    "functools": frozenset({"reduce", "partial", "cmp_to_key"}),
    "operator": _words("""
        itemgetter add and_ concat contains eq floordiv ge getitem gt index invert is_ is_not le lt matmul mod mul ne
        neg not_ or_ pos pow sub truediv truth xor
    """),
    "bisect": _words("bisect bisect_left bisect_right insort insort_left insort_right"),
    "heapq": _words("heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest"),
    "statistics": _words("fmean mean median mode pstdev pvariance stdev variance"),
    "unicodedata": _words("category combining name normalize"),
    "copy": frozenset({"copy", "deepcopy"}),
    "difflib": frozenset({"SequenceMatcher"}),
    "re": frozenset(
        {"match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split", "compile", "IGNORECASE", "I",
         "UNICODE", "U", "ASCII", "A", "MULTILINE", "M", "DOTALL", "S", "VERBOSE", "X", "escape"}
    ),
    "spacy": frozenset({"load"}),
    "typing": None,
    "typing_extensions": None,
    "__future__": None,
    "transformers": None,
    "numpy.typing": None,
    "torch": None,
    "spacy.tokens": None,
    "spacy.language": None,
    "collections.abc": None,
    "types": None,
    "warnings": None,
    "logging": None,
}  # fmt: skip

# Refused wherever they are used: dotted beginnings of module members, and builtins. -> (code, what it is)
REFUSED_MODULES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("random", "numpy.random", "secrets", "uuid", "torch.rand"), ("E0131", "randomness")),
    **dict.fromkeys(("time", "datetime", "timeit", "calendar"), ("E0132", "the clock")),
    **dict.fromkeys(("hashlib", "zlib"), ("E0133", "hashing")),
    **dict.fromkeys(("inspect", "gc", "sys", "builtins", "dis", "ctypes", "weakref", "abc"), ("E0134", "reflection")),
    **dict.fromkeys(
        ("os", "io", "pathlib", "shutil", "socket", "subprocess", "urllib", "requests", "tempfile", "glob", "json",
         "pickle", "csv", "signal", "resource", "threading", "multiprocessing", "asyncio", "http", "logging"),
        ("E0135", "input, output or the operating system"),
    ),
    **dict.fromkeys(("importlib", "ast", "code", "runpy", "pkgutil"), ("E0136", "code made at run time")),
}  # fmt: skip

REFUSED_BUILTINS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("hash", "id"), ("E0133", "a value that differs from run to run")),
    **dict.fromkeys(
        ("getattr", "setattr", "hasattr", "delattr", "globals", "locals", "vars", "dir", "object", "super", "property",
         "classmethod", "staticmethod", "__builtins__", "__name__", "__file__", "__doc__", "__loader__", "__spec__",
         "__package__", "help", "memoryview", "issubclass", "__build_class__", "__debug__"),
        ("E0134", "reflection"),
    ),
    **dict.fromkeys(("open", "input", "exit", "quit", "breakpoint", "copyright", "credits", "license"),
                    ("E0135", "input, output or the operating system")),
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), ("E0136", "code made at run time")),
    **dict.fromkeys(("aiter", "anext"), ("E0121", "asynchronous code")),
}  # fmt: skip

STR_METHODS = _words("""
    capitalize casefold center count endswith expandtabs find format index isalnum isalpha isascii isdecimal isdigit
    isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip maketrans partition
    removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip
    swapcase title translate upper zfill
    """)
LIST_METHODS = _words("append clear copy count extend index insert pop remove reverse sort")
TUPLE_METHODS = _words("count index")
DICT_METHODS = _words(
    "clear copy fromkeys get items keys pop popitem setdefault update values most_common elements appendleft popleft "
    "extendleft rotate move_to_end subtract total"
)
SET_METHODS = _words("""
    add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset
    issuperset
    pop remove symmetric_difference symmetric_difference_update union update
    """)
ARRAY_METHODS = _words("""
    all any argmax argmin argsort astype clip copy cumprod cumsum diagonal dot fill flatten item max mean min nonzero
    prod ravel repeat reshape round searchsorted sort squeeze std sum swapaxes take tolist trace transpose var
    """)
ARRAY_ATTRIBUTES = _words("T dtype flat itemsize nbytes ndim real shape size eps max min tiny")
NUMBER_ATTRIBUTES = _words("bit_length conjugate imag is_integer real")
SLICE_ATTRIBUTES = _words("start stop step")
MATCH_ATTRIBUTES = _words("""
    group groups groupdict lastindex string start end span ratio quick_ratio real_quick_ratio pattern flags match search
    findall finditer sub subn split fullmatch
    """)
DEQUE_ATTRIBUTES = _words("maxlen")
EXCEPTION_ATTRIBUTES = _words("args")

# spaCy: what a Token, a Doc and a Span may be asked.
WORD_FLAGS = _words("""
    is_alpha is_ascii is_bracket is_currency is_digit is_left_punct is_lower is_oov is_punct is_quote is_right_punct
    is_space is_stop is_title is_upper like_email like_num like_url
    """)
WORD_ATTRIBUTES = WORD_FLAGS | _words("""
    text i idx pos_ tag_ dep_ lemma_ ent_type_ ent_iob_ shape_ morph whitespace_ text_with_ws orth_ lower_
    prefix_
    suffix_ head children ancestors subtree lefts rights n_lefts n_rights left_edge right_edge sent doc is_sent_start
    is_sent_end conjuncts is_ancestor nbor ent_iob has_head has_dep
    """)
DOC_ATTRIBUTES = _words("sents ents noun_chunks text char_span")
SPAN_ATTRIBUTES = _words(
    "text start end start_char end_char root label_ lemma_ sent ents noun_chunks doc lefts rights subtree"
)
MORPH_ATTRIBUTES = _words("get to_dict")
TOKENIZER_ATTRIBUTES = _words(
    "convert_ids_to_tokens convert_tokens_to_ids tokenize encode encode_plus decode input_ids attention_mask "
    "offset_mapping tokens all_special_tokens all_special_ids bos_token eos_token cls_token sep_token pad_token "
    "mask_token unk_token bos_token_id eos_token_id cls_token_id sep_token_id pad_token_id mask_token_id unk_token_id"
)
ATTRIBUTE_HELP = {
    **dict.fromkeys(
        ("vocab_size", "get_vocab", "vocab"), "a program sees the tokens of its sentence, not the whole vocabulary"
    ),
    "convert_tokens_to_string": "join the tokens' own texts, or find them in the sentence",
    **dict.fromkeys(
        ("word_ids", "char_to_token", "token_to_chars", "word_to_tokens"), "ask for return_offsets_mapping=True"
    ),
    "get_special_tokens_mask": "write [t in tokenizer.all_special_tokens for t in tokens]",
}
"""What to write in place of attributes that are no names of another one."""

NO_METHODS = (ARRAY_ATTRIBUTES - {"max", "min"}) | DEQUE_ATTRIBUTES | SLICE_ATTRIBUTES - {"start"} | _words("""
    imag lastindex string pattern flags input_ids attention_mask offset_mapping all_special_tokens all_special_ids
    bos_token eos_token cls_token sep_token pad_token mask_token unk_token
    bos_token_id eos_token_id cls_token_id sep_token_id pad_token_id mask_token_id unk_token_id
    """)
"""Attributes that are no method of anything."""

ATTRIBUTES = (
    STR_METHODS | LIST_METHODS | TUPLE_METHODS | DICT_METHODS | SET_METHODS | ARRAY_METHODS | ARRAY_ATTRIBUTES
    | NUMBER_ATTRIBUTES | SLICE_ATTRIBUTES | MATCH_ATTRIBUTES | DEQUE_ATTRIBUTES | EXCEPTION_ATTRIBUTES
    | WORD_ATTRIBUTES | DOC_ATTRIBUTES | SPAN_ATTRIBUTES | MORPH_ATTRIBUTES | TOKENIZER_ATTRIBUTES
)  # fmt: skip

UFUNC_METHODS = frozenset(
    f"{name}.{method}"
    for method, names in {
        "accumulate": ("maximum", "minimum", "add", "multiply", "logical_or", "logical_and"),
        "outer": ("add", "subtract", "multiply", "divide", "equal", "not_equal", "less", "less_equal", "greater",
                  "greater_equal", "maximum", "minimum", "logical_and", "logical_or"),
        "at": ("add", "subtract", "multiply", "maximum", "minimum"),
        "reduce": ("add", "multiply", "maximum", "minimum", "logical_or", "logical_and"),
    }.items()
    for name in names
) | {"chain.from_iterable"}  # fmt: skip
