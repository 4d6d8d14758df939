"""What a program in the sandbox may name: builtins, attributes by exact type, and reserved names.

Everything is an allow-list: a name that is not here does not exist. The tables are read twice, by the policy
before the program runs (a refused program never starts) and by the guards while it runs.
"""

from __future__ import annotations

import builtins
import collections
import re
from typing import Any


def listed(text: str) -> list[str]:
    """The words of a text: a table of names that reads like one."""
    return text.split()


SAFE_EXCEPTIONS = listed(
    "ArithmeticError AssertionError AttributeError Exception BaseException FloatingPointError IndexError KeyError "
    "LookupError MemoryError NameError NotImplementedError OverflowError RecursionError RuntimeError StopIteration "
    "TypeError UnboundLocalError UnicodeError ValueError ZeroDivisionError ImportError ModuleNotFoundError"
)

SAFE_BUILTINS = listed(
    "abs all any bin bool callable chr dict divmod enumerate filter float frozenset hex int iter len list map max min "
    "next oct ord pow range reversed round set slice sorted sum tuple zip True False None Ellipsis NotImplemented"
)

GUARDED_BUILTINS = listed("str repr ascii format print isinstance hasattr getattr type")
"""Builtins that exist in a guarded form; see ``guards.py``."""

ALLOWED_BUILTINS = frozenset(SAFE_EXCEPTIONS) | frozenset(SAFE_BUILTINS) | frozenset(GUARDED_BUILTINS)
REAL_BUILTINS = frozenset(dir(builtins)) | frozenset(
    listed("exit quit copyright credits license help apply execfile file get_ipython raw_input reload")
)
"""Names that mean something outside; some exist only in an interactive Python, or did in older ones."""

RESERVED = re.compile(r"__\w*|_\w+_")
"""Names no program may use: dunder names, and names that begin and end with an underscore."""

_SEQUENCE = "count index"
ATTRIBUTES: dict[type, frozenset[str]] = {
    str: frozenset(
        listed(
            "capitalize casefold center count encode endswith expandtabs find index isalnum isalpha isascii isdecimal "
            "isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower "
            "lstrip maketrans partition "
            "removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith "
            "strip swapcase title translate upper zfill"
        )
    ),
    bytes: frozenset(listed("count decode endswith find hex index join lower split startswith strip upper")),
    list: frozenset(listed("append clear copy count extend index insert pop remove reverse sort")),
    tuple: frozenset(listed(_SEQUENCE)),
    range: frozenset(listed("count index start step stop")),
    slice: frozenset(listed("start step stop indices")),
    dict: frozenset(listed("clear copy get items keys pop popitem setdefault update values")),
    set: frozenset(
        listed(
            "add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset "
            "issuperset pop remove symmetric_difference symmetric_difference_update union update"
        )
    ),
    frozenset: frozenset(
        listed("copy difference intersection isdisjoint issubset issuperset symmetric_difference union")
    ),
    int: frozenset(listed("bit_length bit_count conjugate real imag numerator denominator")),
    float: frozenset(listed("is_integer real imag conjugate as_integer_ratio")),
    bool: frozenset(listed("real imag bit_length")),
    complex: frozenset(listed("real imag conjugate")),
    collections.Counter: frozenset(
        listed("clear copy elements get items keys most_common pop popitem setdefault subtract total update values")
    ),
    collections.defaultdict: frozenset(listed("clear copy get items keys pop popitem setdefault update values")),
    collections.OrderedDict: frozenset(
        listed("clear copy get items keys move_to_end pop popitem setdefault update values")
    ),
    collections.deque: frozenset(
        listed(
            "append appendleft clear copy count extend extendleft index insert maxlen pop popleft remove reverse rotate"
        )
    ),
    re.Pattern: frozenset(listed("findall finditer fullmatch groups match pattern search split sub subn")),
    re.Match: frozenset(listed("end group groupdict groups span start string lastindex")),
}

CLASS_ATTRIBUTES: dict[type, frozenset[str]] = {
    kind: names | ({"fromkeys"} if kind in (dict, collections.OrderedDict) else frozenset())
    for kind, names in ATTRIBUTES.items()
    if kind not in (re.Pattern, re.Match)
}
"""Methods that may be read from a class itself, as in ``key=str.lower``."""

EXCEPTION_ATTRIBUTES = frozenset({"args"})
FORBIDDEN_ANYWHERE = frozenset({"format", "format_map", "obj", "mro"})


def known_attributes(extra: Any = ()) -> frozenset[str]:
    """Every attribute name that some permitted object has; ``extra`` adds those of facades."""
    names: set[str] = set(EXCEPTION_ATTRIBUTES) | {"fromkeys"}
    for allowed in ATTRIBUTES.values():
        names |= allowed
    names.update(extra)
    return frozenset(name for name in names if not name.startswith("_")) - FORBIDDEN_ANYWHERE
