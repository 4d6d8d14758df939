"""Predicted beside real patterns on a few held-out texts, as many as a page has room for."""

from __future__ import annotations

from typing import Any

import numpy as np

from attndsl.cli.report.data import Example
from attndsl.cli.report.parts import OtherPicture
from attndsl.cli.report.picture import PatternPicture, picture_bytes, picture_iou
from attndsl.cli.report.render import MAX_BYTES
from attndsl.dsl.tokens import TokenTable
from attndsl.job.rivals import Rivals
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.program import Program
from attndsl.runtime.table import Table
from attndsl.runtime.tokenize import token_table

EXAMPLE_TOKENS = (40, 32, 24, 16)
"""Texts are cut to the first of these lengths at which at least one of them can be pictured."""
HEAD_BYTES = 2200
"""What a head takes on the page besides pictures: its figures, rules and program, measured on 270 heads of 12 rules,
and a third more."""


def examples_of(run: Run, table: Table, rivals: Rivals) -> tuple[tuple[Example, ...], str]:
    """Examples spread over the held-out split, and a note when there is no room for all of them ("" otherwise)."""
    texts = run.texts("heldout")
    if run.settings.examples < 1 or not texts:
        return (), ""
    chosen = chosen_programs(run, table)
    names = {program.name for program in chosen.values()} | {name for rows in rivals.values() for name, _ in rows}
    wanted = min(run.settings.examples, len(texts))
    count, tokens = room_for(len(run.heads), len(names), wanted, run.causal)
    note = ""
    if count < wanted or tokens < EXAMPLE_TOKENS[0]:
        note = f"{len(run.heads)} heads leave room for {count} example texts of {tokens} tokens on this page."
    if not count:
        return (), note
    programs = [program for program in run.programs if program.name in names]
    kernel = run.kernel(programs)
    places = np.unique(np.linspace(0, len(texts) - 1, count).astype(int))
    examples = tuple(
        _example(run, texts[place].id, _cut(run, texts[place].text, tokens), kernel, list(chosen.values()), rivals)
        for place in places
    )
    return examples, note


def room_for(heads: int, programs: int, wanted: int, causal: bool) -> tuple[int, int]:
    """(number of examples, tokens of each) that fit: an example takes a picture of each head and of each program."""
    room = MAX_BYTES - HEAD_BYTES * heads
    for tokens in EXAMPLE_TOKENS:
        count = min(wanted, room // ((heads + programs) * (picture_bytes(tokens, causal) + 60)))
        if count > 0:
            return count, tokens
    return 0, EXAMPLE_TOKENS[-1]


def _cut(run: Run, text: str, tokens: int) -> str:
    from attndsl.models.encode import cut_text

    return cut_text(text, run.loaded.tokenizer, tokens)


def _example(
    run: Run, text_id: str, text: str, kernel: LibraryKernel, chosen: list[Program], rivals: Rivals
) -> Example:
    from attndsl.models.encode import encode
    from attndsl.models.extract import patterns_of

    tokenizer = run.loaded.tokenizer
    ids = encode(text, tokenizer)
    real = dict(
        zip(
            run.head_names,
            patterns_of(run.loaded.model, ids, run.heads, layout=run.loaded.layout).numpy().astype(np.float64),
            strict=True,
        )
    )
    table = token_table(text, tokenizer)
    predicted = dict(zip((p.name for p in kernel.programs), kernel.predict(table).patterns, strict=True))
    of_head = {name: predicted[program.name] for name, program in zip(run.head_names, chosen, strict=True)}
    example = Example.from_patterns(text_id, shown_text(table), of_head, real, causal=run.causal)
    pictures: dict[str, PatternPicture] = {}
    return Example(
        example.text_id,
        example.tokens,
        example.heads,
        {head: tuple(_other(name, predicted[name], real[head], run.causal, pictures) for name, _ in rows)
         for head, rows in rivals.items()},
    )  # fmt: skip


def _other(name: str, predicted: Any, real: Any, causal: bool, pictures: dict[str, PatternPicture]) -> OtherPicture:
    wide = predicted.astype(np.float64)
    if name not in pictures:
        pictures[name] = PatternPicture.from_matrix(wide, len(wide), causal, f"predicted by {name}")
    return OtherPicture(name, pictures[name], picture_iou(wide, real))


def shown_text(table: TokenTable) -> list[str]:
    """Tokens with the white space before them, so that the page can show running text; special ones by their name."""
    shown, reached = [], 0
    for start, end, raw, special in zip(table.start, table.end, table.raw, table.special, strict=True):
        if special or end <= start:
            shown.append(raw)
            continue
        shown.append(table.text[min(reached, start) : end] if end > reached else table.text[start:end])
        reached = max(reached, end)
    return shown
