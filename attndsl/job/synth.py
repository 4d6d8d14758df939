"""Synthesis, wired: a model gives patterns, a road gives programs, all of them are ranked on all heads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from attndsl.job.progress import Progress
from attndsl.job.run import Run, prepare
from attndsl.job.settings import Settings
from attndsl.runtime.pattern_store import TextEntry
from attndsl.runtime.table import Table
from attndsl.runtime.tokenize import token_table_of_ids
from attndsl.store.folder import RunFolder
from attndsl.synth.identity import address_of
from attndsl.synth.library import FILE, Entry, ProgramLibrary
from attndsl.synth.ranking import (
    Ranking,
    coverage,
    ensembles,
    intended_against_best,
    kind_counts,
    mixtures_table,
    rank,
    report_on,
)
from attndsl.synth.road import Candidate, Example, Head, HeadPatterns, Watch, head_name

RunRoad = Callable[[HeadPatterns, Watch], Iterator[Candidate]]
"""A road with its settings."""

MakeRoad = Callable[[Run], RunRoad]
VALIDATION = 10
PROGRAMS = "found.attn"


@dataclass(frozen=True, eq=False)
class Synthesized:
    """What a synthesis gives: the run, the ranking and its table on test texts, and everything as plain data."""

    run: Run
    library: ProgramLibrary
    ranking: Ranking
    table: Table
    results: dict[str, Any]
    programs: Path


def synthesize(
    settings: Settings, make_road: MakeRoad, progress: Progress, *, validation: int = VALIDATION, mix: bool = True
) -> Synthesized:
    """Find programs for the heads of a model, and say on test texts what they are worth.

    The corpus' train texts are parted: ``settings.train`` for the road to fit on, ``validation`` more for the choice;
    its held-out texts are the test. Keeps every program in ``library.jsonl`` as it is found; at the end writes
    ``found.attn`` (the chosen programs), ``synth.csv`` and ``synth.json``. Raises DiagnosticError as its parts do.
    """
    train = settings.train if settings.train is None else settings.train + validation
    run = prepare(replace(settings, train=train), progress)
    run.extract()
    fit, check = _parted(run.texts("train"), validation)
    seeds = tuple(run.programs)
    given = HeadPatterns(tuple(run.heads), run.causal, _examples(run, fit), _examples(run, check), seeds)
    with run.journal(FILE) as journal:
        library = ProgramLibrary(journal)
        _collect(make_road(run)(given, _watch(progress, len(run.heads))), library)
    with progress.step("ranking all programs on all heads"):
        entries = _with_seeds(run, library)
        ranking = rank(entries, given.heads, given.causal, given.train, given.validation)
        table = report_on(ranking, given.train, _examples(run, run.texts("heldout")))
        mixed = mixtures_table(ranking, ensembles(ranking, given.validation)) if mix else []
    results = _results(run, library, ranking, table, mixed)
    return Synthesized(run, library, ranking, table, results, _write(run.folder, library, ranking, table, results))


def _parted(texts: list[TextEntry], validation: int) -> tuple[list[TextEntry], list[TextEntry]]:
    """Train and validation texts; of a small corpus at most every fourth text is validation, and at least one."""
    count = max(1, min(validation, len(texts) // 4)) if len(texts) > 1 else 0
    return texts[: len(texts) - count], texts[len(texts) - count :]


def _examples(run: Run, texts: list[TextEntry]) -> list[Example]:
    def example(text: TextEntry) -> Example:
        table = token_table_of_ids(run.store.ids(text.id).tolist(), run.loaded.tokenizer)
        return Example(text.id, table, partial(run.store.pattern, text.id))

    return [example(text) for text in texts]


def _watch(progress: Progress, total: int) -> Watch:
    best: dict[Head, float] = {}

    def watch(head: Head, score: float) -> None:
        if score > best.get(head, -1.0):
            best[head] = score
            mean = sum(best.values()) / len(best)
            progress.note(f"{head_name(head)} {score:.3f}  ({len(best)} of {total} heads, mean train IoU {mean:.3f})")

    return watch


def _collect(found: Iterator[Candidate], library: ProgramLibrary) -> None:
    for candidate in found:
        library.add(candidate)


def _with_seeds(run: Run, library: ProgramLibrary) -> list[Entry]:
    """The programs that were there and those that were found, each once."""
    entries: dict[str, Entry] = {}
    for program in run.programs:
        address = address_of(program)
        entries.setdefault(address, Entry(address, program, ()))
    for address, entry in library.items():
        entries[address] = entry
    return list(entries.values())


def _results(
    run: Run, library: ProgramLibrary, ranking: Ranking, table: Table, mixed: list[dict[str, Any]]
) -> dict[str, Any]:  # fmt: skip
    content = json.loads(table.to_json())
    info = run.loaded.info
    return {
        "model": {"name": info.name, "revision": info.revision, "fingerprint": info.fingerprint},
        "corpus": run.settings.corpus,
        "totals": content["meta"],
        "heads": content["rows"],
        "library": {"found": len(library), "ranked": len(ranking.entries)},
        "intended": intended_against_best(ranking),
        "coverage": coverage(ranking),
        "kinds": kind_counts(ranking),
        "ensembles": mixed,
    }


def _write(
    folder: RunFolder, library: ProgramLibrary, ranking: Ranking, table: Table, results: dict[str, Any]
) -> Path:  # fmt: skip
    folder.put_text(PROGRAMS, chosen_text(ranking))
    folder.put_text("synth.csv", table.to_csv())
    folder.put_text("synth.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if library and _has_parquet():
        folder.put("library.parquet", library.table().to_parquet())
    return folder.path / PROGRAMS


def _has_parquet() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def chosen_text(ranking: Ranking) -> str:
    """The chosen programs as a file of the language, each once, names made unique; with a comment that counts those
    that have no text in the language."""
    chosen = [ranking.entries[i] for i in dict.fromkeys(int(i) for i in ranking.chosen)]
    texts, names, left_out = [], set(), 0
    for entry in chosen:
        if entry.program.typed is None:
            left_out += 1
            continue
        tree = entry.program.typed.program
        name = tree.name if tree.name not in names else f"{tree.name} ({entry.address[:6]})"
        names.add(name)
        texts.append(_printed(replace(tree, name=name)))
    note = f"# {left_out} chosen programs are bounded loop programs: see library.jsonl\n\n" if left_out else ""
    return note + "\n".join(texts)


def _printed(tree: Any) -> str:
    from attndsl.dsl.printer import to_text

    return to_text(tree)
