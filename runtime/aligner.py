"""Which helpers of a program file are token-to-word aligners, and how far they drift.

A published file brings a helper that maps tokens to spaCy words by the lengths of the tokens, and drops the spaces
between them. It is recognised by what it does: on texts without a space, where nothing can drift, an aligner gives for
each token just the words that overlap it. Helpers are tried in the bounded machine (``runtime/loops``), never in
Python.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.builtins import WORD_FLAGS
from attndsl.dsl.diagnostics import Diagnostic, DiagnosticError, diagnostic
from attndsl.dsl.pyimport.aligners import ROLES, TOKEN_END, TOKEN_START, Aligner, may_align, required_parameters
from attndsl.dsl.pyimport.module import PyModule
from attndsl.dsl.pyimport.names import ProgramCheck, check_module
from attndsl.dsl.pyimport.read import read_module
from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.loops import compile_bounded
from attndsl.runtime.loops.state import Limits

_PROBE = "attndsl_probe"
_LIMITS = Limits(steps=200_000, cells=2_000_000, seconds=2.0)
# A file may be hostile: what is tried is bounded, and what is not tried keeps its published meaning.
_MOST_PARAMETERS, _MOST_HELPERS, _MOST_CHARACTERS, _MOST_WAYS = 4, 4, 4096, 6
# What the probe writes for each token: 1 at every word found. (A text may have more words than tokens, the side of A.)
_READERS = {
    (True, False): "for w in found[i]:\n            A[i, w % n] += 1.0 + w // n",
    (False, False): "for w in found[i]:\n            A[i, w.i % n] += 1.0 + w.i // n",
    (True, True): "A[i, found[i] % n] += 1.0 + found[i] // n",
    (False, True): "A[i, found[i].i % n] += 1.0 + found[i].i // n",
}
_KIND = """
    A[0, 0] = 1.0 if isinstance(found, dict) else 0.0
    if isinstance(found, dict) and n - 1 not in found:
        A[0, 1] = 1.0
    elif found[n - 1] is None:
        A[0, 1] = 2.0
    elif isinstance(found[n - 1], int) and found[n - 1] == -1:
        A[0, 1] = 3.0
    elif isinstance(found[n - 1], (list, tuple, set)) and len(found[n - 1]) == 0:
        A[0, 1] = 4.0"""
_MISSING = {1.0: "absent", 2.0: "none", 3.0: "minus one", 4.0: "empty"}


@dataclass(frozen=True)
class Found:
    """An aligner of a file: the programs that reach it, and whether it gives other words where the text has spaces."""

    aligner: Aligner
    users: tuple[str, ...]
    drifts: bool


def find_aligners(module: PyModule, checks: Mapping[str, ProgramCheck]) -> tuple[Found, ...]:
    """The aligners among the helpers that the programs of a file reach. Nothing of the file is executed as Python."""
    found = []
    helpers = dict.fromkeys(helper for check in checks.values() for helper in check.helpers)
    for name in [name for name in helpers if may_align(module.functions[name])][:_MOST_HELPERS]:
        users = tuple(program for program, check in checks.items() if name in check.helpers)
        prefix = _prefix(module, name, checks[users[0]])
        aligner = _recognised(prefix, module.functions[name]) if len(prefix) <= _MOST_CHARACTERS else None
        if aligner is not None:
            drifts = any(not _agrees(prefix, aligner, table) for table in _SPACED)
            found.append(Found(aligner, users, drifts))
    return tuple(found)


def drift_warning(found: Found, module: PyModule) -> Diagnostic:
    """The finding that a file's aligner drifts."""
    many = "1 program reads" if len(found.users) == 1 else f"{len(found.users)} programs read"
    name = found.aligner.name
    return diagnostic(
        "W0222", f"`{name}` finds other words than those under the tokens, and {many} words through it",
        source=module.source, span=module.name_span(module.functions[name]), label="drifts where the text has spaces",
        help="--aligner offsets puts the tokens' true character offsets in its place",
    )  # fmt: skip


def token_offsets(table: TokenTable) -> dict[str, Callable[[Sequence[str], int, int], float]]:
    """The relations that a repaired aligner calls, for one text."""

    def relation(places: tuple[int, ...]) -> Callable[[Sequence[str], int, int], float]:
        def place(tokens: Sequence[str], a: int, b: int) -> float:
            return float(places[a])

        return place

    return {TOKEN_START: relation(table.start), TOKEN_END: relation(table.end)}


def measured_drift(warning: Diagnostic, tables: Sequence[TokenTable], model: str) -> Diagnostic:
    """A warning of this module with what was measured on texts: for what share of tokens the words differ.

    A text on which the aligner fails counts as wrong for all of its tokens.
    """
    assert warning.source is not None
    module = read_module(warning.source.text, warning.source.name)
    checks = check_module(module)
    (found,) = (
        f for f in find_aligners(module, checks)
        if module.name_span(module.functions[f.aligner.name]) == warning.span
    )  # fmt: skip
    prefix = _prefix(module, found.aligner.name, checks[found.users[0]])
    wrong = 0
    for table in tables:
        given, wanted = _words(prefix, found.aligner, table), _overlaps(table, found.aligner.first)
        wrong += len(table) if given is None else int((given != wanted).any(axis=1).sum())
    total = sum(map(len, tables))
    texts = f"{len(tables)} text{'s' * (len(tables) != 1)}"
    share = f"on {texts} it gives other words for {100 * wrong / total:.0f}% of {total} tokens of {model}"
    return replace(warning, notes=(*warning.notes, share))


# ---------------------------------------------------------------- trying a helper


def _prefix(module: PyModule, name: str, check: ProgramCheck) -> str:
    """The part of the file that a helper needs, as text."""
    reached = {name, *check.reach(name)}
    kept = [
        ast.unparse(node)
        for node in module.tree.body
        if (isinstance(node, ast.FunctionDef) and node.name in reached and module.functions[node.name] is node)
        or isinstance(node, ast.Import | ast.ImportFrom)
        or (node in module.order and reached & {x.id for x in ast.walk(node) if isinstance(x, ast.Name)})
    ]
    return "\n".join(kept)


def _recognised(prefix: str, node: ast.FunctionDef) -> Aligner | None:
    parameters = required_parameters(node)
    if not parameters or len(parameters) > _MOST_PARAMETERS:
        return None
    for roles in _plausible_roles(parameters):
        for (numbers, first), _ in _READERS.items():
            aligner = Aligner(node.name, roles, numbers, first, False, "empty")
            if all(_agrees(prefix, aligner, table) for table in _GLUED):
                return _with_kind(prefix, aligner)
    return None


def _plausible_roles(parameters: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Ways to call a helper, the likely ones by its parameters' names first."""

    def likely(name: str) -> str:
        lower = name.lower()
        if "tokenizer" in lower or lower == "tok":
            return "tokenizer"
        return "tokens" if "tok" in lower or "piece" in lower else "doc" if "doc" in lower else "sentence"

    wanted = tuple(map(likely, parameters))
    ways = [w for w in product(ROLES, repeat=len(parameters)) if len(set(w)) == len(w)]
    ways = [w for w in ways if {"tokens", "tokenizer"} & set(w) and {"sentence", "doc"} & set(w)]
    ways = [w for w in ways if "tokens" in w or "sentence" in w]
    ways.sort(key=lambda way: sum(a != b for a, b in zip(way, wanted, strict=True)))
    yield from ways[:_MOST_WAYS]


def _with_kind(prefix: str, aligner: Aligner) -> Aligner | None:
    """The aligner with what it gives for a token without a word; None when that is nothing we can give as well."""
    found = _run(prefix, aligner, _KIND, _WORDLESS)
    if found is None:
        return None
    missing = _MISSING.get(float(found[0, 1]))
    if missing is None or (aligner.first and missing == "empty") or (not aligner.first and missing in _LONE):
        return None
    return Aligner(aligner.name, aligner.roles, aligner.numbers, aligner.first, bool(found[0, 0]), missing)


_LONE = ("none", "minus one")


def _agrees(prefix: str, aligner: Aligner, table: TokenTable) -> bool:
    given = _words(prefix, aligner, table)
    return given is not None and bool((given == _overlaps(table, aligner.first)).all())


def _words(prefix: str, aligner: Aligner, table: TokenTable) -> NDArray[np.float64] | None:
    """1 at [token, word modulo tokens] for what the aligner gives; None when it fails or gives something else."""
    reader = _READERS[aligner.numbers, aligner.first]
    there = "if not isinstance(found, dict) or i in found:" if aligner.mapping else "if True:"
    if aligner.first:
        there = f"{there[:-1]} and found[i] is not None and found[i] != -1:"
    body = f"\n    for i in range(n):\n        {there}\n            " + reader.replace("\n", "\n    ")
    return _run(prefix, aligner, body, table)


def _overlaps(table: TokenTable, first: bool) -> NDArray[np.float64]:
    size = len(table)
    out = np.zeros((size, size))
    for token, words in enumerate(table.token_words):
        for word in words[:1] if first else words:
            out[token, word % size] += 1.0 + word // size
    return out


def _run(prefix: str, aligner: Aligner, body: str, table: TokenTable) -> NDArray[np.float64] | None:
    """The matrix of a probe around the helper; None when it is refused or fails."""
    text = (
        f"{prefix}\ndef {_PROBE}(sentence, tokenizer):\n    import numpy as np\n    import spacy\n"
        "    tokens = tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)\n"
        '    doc = spacy.load("en_core_web_sm")(sentence)\n'
        f"    found = {aligner.name}({', '.join(aligner.roles)})\n    n = len(tokens)\n"
        f"    A = np.zeros((n, n)){body}\n    return 'probe', A\n"
    )
    try:
        check = check_module(read_module(text))[_PROBE]
        if not check.ok:
            return None
        return compile_bounded(check, limits=_LIMITS).run(table)
    except DiagnosticError:
        return None


# ---------------------------------------------------------------- texts to try it on


def _table(pieces: Sequence[str], words: Sequence[str], space: str) -> TokenTable:
    """A made-up text: pieces are tokens, words parts of the same characters; ``space`` stands where a piece has it."""
    text = "".join(p.replace("Ġ", " ") for p in pieces)
    starts, ends, at = [], [], 0
    for piece in pieces:
        shift = int(piece.startswith("Ġ"))
        starts.append(at + shift)
        at += len(piece)
        ends.append(at)
    assert space in ("", " ")
    return TokenTable(
        text=text, ids=tuple(range(len(pieces))), raw=tuple(pieces), start=tuple(starts), end=tuple(ends),
        surface=tuple(p.lstrip("Ġ") for p in pieces), special=(False,) * len(pieces),
        word_start=(True,) * len(pieces), sentence=(0,) * len(pieces), in_quotes=(False,) * len(pieces),
        parse=lambda _: _word_table(text, words),
    )  # fmt: skip


def _word_table(text: str, words: Sequence[str]) -> WordTable:
    starts, at = [], 0
    for word in words:
        at = text.index(word, at)
        starts.append(at)
        at += len(word)
    ends = [start + len(word) for start, word in zip(starts, words, strict=True)]
    none = ("X",) * len(words)
    return WordTable(
        text=tuple(words), lemma=tuple(words), whitespace=tuple(text[end : end + 1].strip("^ ") for end in ends),
        head=(0,) * len(words), start=tuple(starts), end=tuple(ends), sentence=(0,) * len(words),
        flags={name: (False,) * len(words) for name in (*WORD_FLAGS, "is_punct")},
        pos=none, tag=none, dep=none, ent_type=none, ent_iob=none, shape=none, morph=none,
    )  # fmt: skip


_GLUED = (
    _table(["cat", ",", "dog", "s", "."], ["cat", ",", "dogs", "."], ""),
    _table(["un", "do", "ing", "(", "it", ")"], ["undoing", "(", "it", ")"], ""),
    _table(["do", "n't", "!"], ["do", "n't", "!"], ""),
    _table(["a", "-", "bc", "de"], ["a-", "b", "cde"], ""),
)
"""Without a space; one token has one word, a part of one, or parts of two."""
_SPACED = (
    _table(["The", "Ġcat", "Ġsat", "Ġon", "Ġa", "Ġmat", "."], ["The", "cat", "sat", "on", "a", "mat", "."], " "),
    _table(["I", "Ġsee", ",", "Ġyou", "Ġdo", "n't"], ["I", "see", ",", "you", "do", "n't"], " "),
)
_WORDLESS = _table(["cat", "dog", "xy"], ["cat", "dog"], "")
"""The last token has no word."""
