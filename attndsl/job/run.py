"""One run: the model, its texts, its patterns and the library, prepared once for all stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.progress import Progress
from attndsl.job.settings import Settings
from attndsl.job.splits import StoreSplit
from attndsl.job.stages import Stages, digest
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import Library, builtin_library, load_library
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

    _check_sizes(settings)
    given = load_library(settings.programs) if settings.programs else None  # before the model: it may be wrong
    texts = _corpus(settings)
    with progress.step("loading the model"):
        loaded = load_model(settings.model, settings.revision, device=settings.device, notify=progress.note)
    if settings.programs and not loaded.info.causal:
        given = load_library(settings.programs, causal=False)
    library = given if given is not None else builtin_library(loaded.info.causal)
    programs = library.compiled()
    if not programs:
        raise fail(
            "E0806", "none of the programs could be compiled",
            help="attndsl compile FILE shows the reasons",
        )  # fmt: skip
    heads = loaded.info.parse_heads(settings.heads) if settings.heads else loaded.info.heads
    chosen, left_out = _cut(settings, texts, loaded, progress)
    store = _extract(settings, loaded, chosen, heads, progress)
    return Run(settings, loaded, library, programs, left_out, store, heads, Stages(settings.out), progress)


def _check_sizes(settings: Settings) -> None:
    if settings.tokens < 2 or settings.min_tokens < 2 or settings.min_tokens > settings.tokens:
        raise fail(
            "E0807", f"texts of {settings.min_tokens} to {settings.tokens} tokens make no sense",
            help="give --min-tokens and --tokens with 2 <= min-tokens <= tokens",
        )  # fmt: skip
    out = settings.out
    if out.exists() and not out.is_dir():
        raise fail("E0805", f"cannot write {out}: it is a file", help="name a folder with --out")


def _corpus(settings: Settings) -> list[Text]:
    from attndsl.models.corpus import load_corpus

    return load_corpus(settings.corpus)


def _cut(settings: Settings, texts: list[Text], loaded: LoadedModel, progress: Progress) -> tuple[list[Text], int]:
    from attndsl.models.encode import cut_texts

    limit = loaded.info.max_context
    tokens = min(settings.tokens, limit) if limit is not None else settings.tokens
    if tokens < settings.tokens:
        progress.note(f"the model's context is {limit} tokens: texts are cut there, not at {settings.tokens}")
    kept, short = cut_texts(texts, loaded.tokenizer, max_tokens=tokens, min_tokens=min(settings.min_tokens, tokens))
    chosen: list[Text] = []
    for split, most in (("train", settings.train), ("heldout", settings.heldout)):
        found = [text for text in kept if text.split == split][:most]
        if not found:
            raise fail(
                "E0808", f"no {split} text of {settings.corpus} has {settings.min_tokens} tokens",
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
