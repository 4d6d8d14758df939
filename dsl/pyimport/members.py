"""Verdicts on names that lead out of the program: module members, builtins, attributes."""

from __future__ import annotations

import difflib
import string
from collections.abc import Iterable

from attndsl.dsl.frozen import frozen
from attndsl.dsl.pyimport import vocabulary as words


@frozen
class Verdict:
    """Why something is refused: code, headline, help, and the name that would be right in place of the last one."""

    code: str
    headline: str
    help: str | None = None
    better: str | None = None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like ``name``, or None."""
    choices = sorted(set(known) - {name})
    found = difflib.get_close_matches(name, choices, n=1, cutoff=0.75)
    if found:
        return found[0]
    # The same words in another order: `align_spacy_to_tokens` for `_align_to_spacy`.
    parts = set(name.lower().split("_")) - {""}
    for choice in choices:
        others = set(choice.lower().split("_")) - {""}
        if len(parts) >= 2 and len(others) >= 2 and (parts <= others or others <= parts):
            return choice
    return None


def judge_member(target: str, in_annotation: bool) -> Verdict | None:
    """The verdict on a dotted member such as ``numpy.random.rand``; None when it may be used."""
    parts = target.split(".")
    for length in range(1, len(parts) + 1):
        refused = words.REFUSED_MODULES.get(".".join(parts[:length]))
        if refused is not None and not (in_annotation or length > len(parts)):
            return _refused(refused, target)
    if in_annotation:
        return None
    length = next((k for k in range(len(parts), 0, -1) if ".".join(parts[:k]) in words.MODULES), 0)
    if length == 0:
        return Verdict("E0130", f"module `{parts[0]}` is not one a program may use", _IMPORT_HELP)
    module, rest = ".".join(parts[:length]), parts[length:]
    members = words.MODULES[module]
    if members is None:
        return Verdict("E0130", f"`{target}` can be used in annotations only", _IMPORT_HELP)
    if not rest:
        return Verdict("E0130", f"module `{module}` is used as a value", "call a function of the module instead")
    if rest[0] not in members and ".".join(rest) not in words.UFUNC_METHODS:
        near = nearest(rest[0], members)
        found = f"did you mean `{module}.{near}`?" if near else None
        return Verdict(
            "E0224",
            f"`{target}` is not one of the functions a program may call",
            found,
            near if len(rest) == 1 else None,
        )
    if len(rest) > 1 and not (module == "string" or ".".join(rest) in words.UFUNC_METHODS):
        return Verdict("E0224", f"`{target}` is not one of the functions a program may call")
    return None


_IMPORT_HELP = (
    "programs may use numpy, math, string, re, collections, itertools, functools, operator, copy, difflib, bisect, "
    "heapq, statistics, unicodedata"
)


def _refused(refused: tuple[str, str], what: str) -> Verdict:
    code, kind = refused
    return Verdict(code, f"`{what}` is {kind}" if code != "E0135" else f"`{what}` does {kind}", REFUSAL_HELP.get(code))


REFUSAL_HELP = {
    "E0131": "give a fixed number: a program must give the same matrix each time",
    "E0132": "drop it: a program must give the same matrix each time",
    "E0133": "compare the values themselves: `hash` and `id` differ from run to run",
    "E0134": "write the attribute or name out",
    "E0135": "a program sees only the sentence and the tokenizer",
    "E0136": "write the code out",
}


def judge_builtin(name: str) -> Verdict | None:
    """The verdict on a builtin name; None when it may be used. The name must be a builtin of Python."""
    if name in words.BUILTIN_FUNCTIONS or name in words.EXCEPTIONS:
        return None
    refused = words.REFUSED_BUILTINS.get(name)
    if refused is not None:
        return _refused(refused, name)
    return Verdict("E0224", f"`{name}` is not one of the functions a program may call")


def judge_attribute(name: str) -> Verdict | None:
    """The verdict on ``value.name`` where the value is not a module."""
    if name.startswith("_"):
        advice = "drop it: a program reads texts and numbers, not how Python keeps them"
        return Verdict("E0134", f"`.{name}` looks behind the value", advice)
    if name in words.ATTRIBUTE_HELP and name not in words.ATTRIBUTES:
        headline = f"`.{name}` is not an attribute a program may read"
        return Verdict("E0223", headline, words.ATTRIBUTE_HELP[name])
    if name not in words.ATTRIBUTES:
        near = nearest(name, words.ATTRIBUTES)
        found = f"did you mean `.{near}`?" if near else None
        return Verdict("E0223", f"`.{name}` is not an attribute a program may read", found, near)
    return None


def judge_format(template: str) -> Verdict | None:
    """The verdict on ``"...".format(...)``: only plain fields such as ``{}``, ``{0}``, ``{name:.2f}``."""
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        return Verdict("E0145", f"the format string cannot be read: {error}")
    for _, field, spec, _ in fields:
        if field is not None and not (field == "" or field.isidentifier() or field.isdigit()):
            return Verdict("E0145", f"format field `{field}` looks inside its value", "pass the part itself")
        if spec and "{" in spec:
            return Verdict("E0145", "a format field inside a format field is not read", "write an f-string")
    return None
