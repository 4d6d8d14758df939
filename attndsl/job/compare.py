"""Job: are two programs the same, and which programs of a library are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.choosing import choose, library_of
from attndsl.job.progress import Progress
from attndsl.runtime.equivalence.compare import Comparison, Effort, compare
from attndsl.runtime.equivalence.duplicates import Duplicates, duplicates
from attndsl.runtime.machine import on_first_compile
from attndsl.runtime.program import Outcome
from attndsl.runtime.tokenize import token_table

BUILTIN = "builtin"
TEXTS, TOKENS = 24, 64
"""What the programs of a library are run on: a corpus's first texts, cut."""


@dataclass(frozen=True)
class Setting:
    """For which heads and tokens programs are compared, and the corpus that texts are made from."""

    model: str = "smollm2-135m"
    revision: str | None = None
    corpus: str = "stories"
    bidirectional: bool = False
    effort: Effort = field(default_factory=Effort)


def reference(given: str, before: Path | None = None) -> tuple[Path | None, str]:
    """``FILE``, ``FILE:NAME``, ``builtin:NAME``, or ``:NAME`` for a program of the file named before it, as the file
    (None: the built-in programs) and the program's name ("" for the only one)."""
    path = Path(given)
    if path.exists() or ":" not in given:
        return (None, "") if given == BUILTIN and not path.exists() else (path, "")
    places = [at for at, char in enumerate(given) if char == ":"]
    for at in places:
        if Path(given[:at]).is_file():
            return Path(given[:at]), given[at + 1 :]
    file, name = given.split(":", 1)
    if not file and before is None:
        raise fail("E0807", f"{given!r} names no file", help="give FILE:NAME, or builtin:NAME for a built-in program")
    if not file or file == BUILTIN:
        return (before if not file else None), name
    return Path(file), name


def compare_two(first: str, second: str, setting: Setting, progress: Progress) -> Comparison:
    """Compare two programs that are given as ``reference`` reads them.

    Raises DiagnosticError E0801, E0810 (no such program), E0802 (refused), E0807, E0611, E0405.
    """
    on_first_compile(progress.note)
    causal = not setting.bidirectional
    file, name = reference(first)
    one = choose(library_of(file, causal), name)
    other_file, other_name = reference(second, file)
    other = choose(library_of(other_file, causal), other_name)
    tokenizer, corpus = _tokenizer(setting, progress), _corpus(setting.corpus)
    with progress.bar("comparing", setting.effort.texts) as advance:
        return compare(one, other, causal, tokenizer, corpus, setting.effort, advance)


def near_duplicates(given: str, setting: Setting, least: float, progress: Progress) -> Duplicates:
    """The programs of a file that are the same as others of it, or nearly, on texts of a corpus.

    Raises DiagnosticError E0801, E0807 (a name beside the file), E0806 (fewer than two programs), E0808.
    """
    on_first_compile(progress.note)
    file, name = reference(given)
    if name:
        raise fail("E0807", f"there is nothing to compare {name!r} with", help="name a second program: FILE:NAME")
    causal = not setting.bidirectional
    library = library_of(file, causal)
    programs = [program for program in library.values() if program.outcome is not Outcome.REFUSED]
    if len(programs) < 2:
        raise fail(
            "E0806", f"{given} has {len(programs)} programs that can be run: two are needed",
            help="attndsl check FILE shows why programs were refused",
        )  # fmt: skip
    if len(programs) < len(library):
        progress.note(f"{len(library) - len(programs)} of {len(library)} programs were refused and are left out")
    tokenizer, corpus = _tokenizer(setting, progress), _corpus(setting.corpus)
    tables = _tables(setting, tokenizer)
    with progress.bar("running the programs", len(tables)) as advance:
        return duplicates(programs, causal, tables, tokenizer, corpus, least, setting.effort.texts, advance)


def _tables(setting: Setting, tokenizer: Any) -> list[Any]:
    from attndsl.models.corpus import load_corpus
    from attndsl.models.encode import cut_texts

    kept, _ = cut_texts(load_corpus(setting.corpus), tokenizer, max_tokens=TOKENS, min_tokens=2)
    if not kept:
        raise fail("E0808", f"no text of {setting.corpus} has 2 tokens", help="give a corpus with longer texts")
    return [token_table(text.text, tokenizer) for text in kept[:TEXTS]]


def _tokenizer(setting: Setting, progress: Progress) -> Any:
    from attndsl.models.load_tokenizer import load_tokenizer

    return load_tokenizer(setting.model, setting.revision, notify=progress.note)


def _corpus(name: str) -> list[str]:
    from attndsl.models.corpus import load_corpus

    return [text.text for text in load_corpus(name)]
