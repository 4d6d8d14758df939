"""``attndsl.score``: a library against stored patterns, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.splits import StoreSplit
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.pattern_store import PatternStore
from attndsl.runtime.program import Outcome, Program
from attndsl.runtime.selection import report, select
from attndsl.runtime.table import Table


def score(library: Mapping[str, Program], patterns: PatternStore | str | Path, tokenizer: Any = None) -> Table:
    """The best program of every head: chosen on the store's train texts, scored on its held-out texts.

    ``patterns`` is a store (or its folder) that ``models.extract`` wrote; ``tokenizer`` defaults to that of the store's
    model. Refused programs are left out. Returns one row per head; ``meta`` has the totals. Raises DiagnosticError:
    E0520 (no store), E0535 (a split without text), E0806 (no program can be run), E06xx (the tokenizer cannot be had).
    """
    train, held_out = splits_of(library, patterns, tokenizer)
    heads = [f"L{layer}H{head}" for layer, head in train.store.heads]
    programs = train.kernel.programs
    selection = select(train, names=[p.name for p in programs], heads=heads, causal=train.kernel.causal)
    return report(selection, held_out)


def splits_of(
    library: Mapping[str, Program], patterns: PatternStore | str | Path, tokenizer: Any = None
) -> tuple[StoreSplit, StoreSplit]:
    """(train, held-out) texts of a store with the library's predictions; arguments and errors as for ``score``."""
    store = patterns if isinstance(patterns, PatternStore) else PatternStore(patterns)
    programs = [p for p in library.values() if p.outcome is not Outcome.REFUSED]
    if not programs:
        raise fail("E0806", "none of the programs can be run", help="attndsl compile FILE shows the reasons")
    if tokenizer is None:
        from attndsl.models.load_tokenizer import load_tokenizer

        tokenizer = load_tokenizer(store.settings.model)
    kernel = LibraryKernel(programs, store.settings.causal)
    train, held_out = (StoreSplit(store, store.texts(split), kernel, tokenizer) for split in ("train", "heldout"))
    return train, held_out
