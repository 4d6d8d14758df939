"""One run: the model, its texts, its patterns and the library, prepared once for all stages."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.progress import Progress, Silent
from attndsl.job.settings import Settings
from attndsl.job.splits import StoreSplit
from attndsl.job.stages import Stages, digest
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import Library, builtin_library, load_library
from attndsl.runtime.machine import on_first_compile
from attndsl.runtime.pattern_store import PatternStore, TextEntry
from attndsl.runtime.program import Program

if TYPE_CHECKING:
    from attndsl.models.corpus import Text
    from attndsl.models.load import LoadedModel


@dataclass
class Run:
    """Everything the stages of one run share."""

    settings: Settings
    loaded: LoadedModel
    library: Library
    programs: list[Program]
    left_out_texts: int
    store: PatternStore
    heads: list[tuple[int, int]]
    stages: Stages
    progress: Progress

    @property
    def head_names(self) -> list[str]:
        return [f"L{layer}H{head}" for layer, head in self.heads]

    @property
    def causal(self) -> bool:
        return self.loaded.info.causal

    def texts(self, split: str) -> list[TextEntry]:
        return self.store.texts(split)

    def kernel(self, programs: Sequence[Program]) -> LibraryKernel:
        return LibraryKernel(programs, self.causal, **self._backend())

    def _backend(self) -> dict[str, Any]:
        chosen: dict[str, Any] = {"device": self.settings.device}
        if self.settings.backend is not None:
            chosen["backend"] = self.settings.backend
        return chosen

    def split(self, split: str, programs: Sequence[Program], length: int | None = None) -> StoreSplit:
        """The texts of a split (those of at least ``length`` tokens) with the programs' predictions."""
        texts = [text for text in self.texts(split) if length is None or text.tokens >= length]
        return StoreSplit(self.store, texts, self.kernel(programs), self.loaded.tokenizer, length)

    def key(self, *parts: Any) -> str:
        """Address of a stage: model, texts, programs and what the stage adds."""
        texts = [(t.id, t.split, t.text) for t in self.store.texts()]
        programs = [program.to_attn() if program.typed else (program.name, program.source) for program in self.programs]
        return digest(self.store.settings.address, texts, programs, self.head_names, *parts)


def prepare(settings: Settings, progress: Progress) -> Run:
    """Load the model, read corpus and programs, and extract the patterns that are not in the store yet.

    Raises DiagnosticError for every way an input can be wrong, before any long work where that can be known.
    """
    from attndsl.models.load import load_model
    from attndsl.models.resolve import resolve

    on_first_compile(progress.note)
    _check_sizes(settings)
    _check_folder(settings.out)
    resolve(settings.model, settings.revision)
    given = _given_programs(settings, causal=True, progress=progress)
    texts = _corpus(settings)
    with progress.step("loading the model"):
        loaded = load_model(settings.model, settings.revision, device=settings.device, notify=progress.note)
    info = loaded.info
    heads = info.parse_heads(settings.heads) if settings.heads is not None else info.heads
    if given is not None and not info.causal:
        given = _given_programs(settings, causal=False, progress=Silent())
    library = given if given is not None else builtin_library(info.causal)
    within = settings.within(info.max_context)
    if within is not settings:
        limit = info.max_context
        progress.note(f"the model's context is {limit} tokens: texts are cut there, not at {settings.tokens}")
    chosen, left_out = _cut(within, texts, loaded)
    store = _extract(within, loaded, chosen, heads, progress)
    return Run(within, loaded, library, library.compiled(), left_out, store, heads, Stages(settings.out), progress)


def _given_programs(settings: Settings, causal: bool, progress: Progress) -> Library | None:
    """The user's own programs, None without any. Raises DiagnosticError E0801, E0806."""
    if not settings.programs:
        return None
    library = load_library(settings.programs, causal=causal)
    refused = len(library) - len(library.compiled())
    if refused == len(library):
        raise fail(
            "E0806", "none of the programs could be compiled" if library else "the files hold no program",
            help=f"attndsl compile {' '.join(map(str, settings.programs))} shows the reasons",
        )  # fmt: skip
    if refused:
        progress.note(f"{refused} of {len(library)} programs were refused and are left out; attndsl compile shows why")
    return library


def _check_sizes(settings: Settings) -> None:
    least = settings.least_tokens
    if settings.tokens < 2 or least < 2 or least > settings.tokens:
        raise fail(
            "E0807", f"there are no texts of {least} to {settings.tokens} tokens",
            help="give --min-tokens and --tokens with 2 <= min-tokens <= tokens",
        )  # fmt: skip


def _check_folder(out: Path) -> None:
    """Make the folder of the run, now: after an hour of work it would be too late. Raises DiagnosticError E0805."""
    if out.exists() and not out.is_dir():
        raise fail("E0805", f"cannot write {out}: it is a file", help="name a folder with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise fail("E0805", f"cannot write into {out}: {reason}", help="name another folder with --out") from error


def _corpus(settings: Settings) -> list[Text]:
    from attndsl.models.corpus import load_corpus

    return load_corpus(settings.corpus)


def _cut(settings: Settings, texts: list[Text], loaded: LoadedModel) -> tuple[list[Text], int]:
    from attndsl.models.encode import cut_texts

    least = settings.least_tokens
    kept, short = cut_texts(texts, loaded.tokenizer, max_tokens=settings.tokens, min_tokens=least)
    chosen: list[Text] = []
    for split, most in (("train", settings.train), ("heldout", settings.heldout)):
        found = [text for text in kept if text.split == split][:most]
        if not found:
            raise fail(
                "E0808", f"no {split} text of {settings.corpus} has {least} tokens",
                help="lower --min-tokens, or give a corpus with longer texts",
            )  # fmt: skip
        chosen += found
    return chosen, len(short)


def _extract(
    settings: Settings, loaded: LoadedModel, texts: list[Text], heads: list[tuple[int, int]], progress: Progress
) -> PatternStore:
    from attndsl.models.extract import extract

    with progress.bar("extracting patterns", len(texts)) as advance:
        return extract(
            loaded, texts, Path(settings.out) / "patterns", heads=heads,
            progress=lambda done, total, _: advance(done, total),
        )  # fmt: skip
