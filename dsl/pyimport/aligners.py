"""A file's own token-to-word aligner, and the repaired function that can stand in its place.

An *aligner* is a helper that gives, for every token, the words that the token overlaps. Which helpers are aligners is
found by trying them (``runtime/aligner.py``); here is what is known of one, and the text of its repair, which asks the
token table for the tokens' true character offsets and keeps every line of the file at its number.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from attndsl.dsl.source import SourceFile

TOKEN_START, TOKEN_END = "attndsl_token_start", "attndsl_token_end"
OFFSETS = (TOKEN_START, TOKEN_END)
"""Relations of the host that a repaired aligner calls: the offsets of token ``i`` as ``f(tokens, i, i)``."""

ROLES = ("sentence", "doc", "tokens", "tokenizer")


@dataclass(frozen=True)
class Aligner:
    """How a helper is called and what it returns.

    ``roles``: what its required parameters are, in order (``ROLES``). For each token it gives a list of all words, or
    with ``first`` the first one; as words, or with ``numbers`` as their numbers; as a list, or with ``mapping`` in a
    dict. ``missing``: what stands for no word: "empty" (a list), "none", "minus one", "absent" (no key).
    """

    name: str
    roles: tuple[str, ...]
    numbers: bool
    first: bool
    mapping: bool
    missing: str


def required_parameters(function: ast.FunctionDef) -> list[str] | None:
    """The names of the parameters that a call must give; None when they cannot be given by place alone."""
    spec = function.args
    if spec.vararg or spec.kwarg or any(default is None for default in spec.kw_defaults):
        return None
    names = [a.arg for a in (*spec.posonlyargs, *spec.args)]
    return names[: len(names) - len(spec.defaults)]


def may_align(node: ast.FunctionDef) -> bool:
    """A cheap first look: only what asks words or tokens for their texts, places or lengths can align them."""
    names = {x.attr for x in ast.walk(node) if isinstance(x, ast.Attribute)}
    return bool(names & {"idx", "text", "text_with_ws", "char_span"}) and any(
        isinstance(x, ast.For | ast.comprehension | ast.While) for x in ast.walk(node)
    )


def with_offsets(source: SourceFile, tree: ast.Module, aligners: Mapping[str, Aligner]) -> SourceFile:
    """The file with the bodies of its aligners replaced; every other line is the same, at the same number."""
    lines = source.text.split("\n")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in aligners:
            _replace_body(source, lines, node, aligners[node.name])
    return SourceFile(source.name, "\n".join(lines))


def _replace_body(source: SourceFile, lines: list[str], node: ast.FunctionDef, aligner: Aligner) -> None:
    first, last = node.body[0], node.end_lineno or node.lineno
    at = source.span_of_bytes(first.lineno, first.col_offset, first.lineno, first.col_offset).start
    column = at - source.line_starts[first.lineno - 1]
    lines[first.lineno - 1] = lines[first.lineno - 1][:column] + repaired_body(node, aligner)
    lines[first.lineno : last] = [""] * (last - first.lineno)


def repaired_body(node: ast.FunctionDef, aligner: Aligner) -> str:
    """The repaired function's statements on one line."""
    given = dict(zip(aligner.roles, required_parameters(node) or (), strict=True))
    before = []
    doc, tokens = given.get("doc", "doc"), given.get("tokens", "tokens")
    if "doc" not in given:
        before.append(f'import spacy; doc = spacy.load("en_core_web_sm")({given["sentence"]})')
    if "tokens" not in given:
        tokenizer = given["tokenizer"]
        before.append(f"tokens = {tokenizer}.convert_ids_to_tokens({tokenizer}({given['sentence']}).input_ids)")
    start, end = (f"{name}({tokens}, at, at)" for name in OFFSETS)
    item = "word.i" if aligner.numbers else "word"
    overlap = f"{start} < {end} and word.idx < {end} and word.idx + len(word.text) > {start}"
    each = f"{item} for word in {doc} if {overlap}"
    missing = {"none": "None", "minus one": "-1"}.get(aligner.missing, "None")
    value = f"next(({each}), {missing})" if aligner.first else f"[{each}]"
    keep = f" if any({each.replace(item, 'True', 1)})" if aligner.missing == "absent" else ""
    every = f"for at in range(len({tokens})){keep}"
    result = f"{{at: {value} {every}}}" if aligner.mapping else f"[{value} {every}]"
    return "; ".join([*before, f"return {result}"])
