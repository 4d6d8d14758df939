"""One run: the model, its texts, its patterns and the library, prepared once for all stages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.cut import check_sizes, cut
from attndsl.job.patterns import FOLDER, RunPatterns, shown
from attndsl.job.progress import Progress, Silent
from attndsl.job.settings import Settings
from attndsl.job.splits import StoreSplit
from attndsl.job.stages import Stages, digest
from attndsl.models.sharded import NAME as SHARDED
from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import Library, builtin_library, load_library
from attndsl.runtime.machine import on_first_compile
from attndsl.runtime.pattern_store import StoreSettings, TextEntry
from attndsl.runtime.program import Program
from attndsl.store.folder import RunFolder
from attndsl.store.growing import GrowingFile
from attndsl.store.opened import Opened, open_run
from attndsl.store.units import Unit, Units
from attndsl.synth.journal import Journal

if TYPE_CHECKING:
    from attndsl.models.load import LoadedModel


@dataclass
class Run:
    """Everything the stages of one run share. ``opened`` is its folder, lock and ledger; None for a worker."""

    settings: Settings
    loaded: LoadedModel
    library: Library
    programs: list[Program]
    left_out_texts: int
    heads: list[tuple[int, int]]
    progress: Progress
    folder: RunFolder
    opened: Opened | None = None

    def __post_init__(self) -> None:
        self._stores: dict[str, RunPatterns] = {}
        self.store = self.patterns_in(FOLDER)

    @property
    def units(self) -> Units:
        """The units of work of this run; workers, which do what they are given, have none."""
        assert self.opened is not None
        return self.opened.units

    @cached_property
    def stages(self) -> Stages:
        return Stages(self.folder, self.units)

    def journal(self, name: str) -> Journal:
        """A file of records in the run's folder, open to be added to; at a URL every record is there before use."""
        growing = GrowingFile(self.folder, name)
        return Journal(self.folder.path / name, growing.grown)

    @property
    def head_names(self) -> list[str]:
        return [f"L{layer}H{head}" for layer, head in self.heads]

    @property
    def causal(self) -> bool:
        return self.loaded.info.causal

    def texts(self, split: str) -> list[TextEntry]:
        return self.store.texts(split)

    @cached_property
    def whole_kernel(self) -> LibraryKernel:
        """All programs."""
        return self.kernel(self.programs)

    def kernel(self, programs: Sequence[Program]) -> LibraryKernel:
        return LibraryKernel(programs, self.causal, **self._backend())

    def _backend(self) -> dict[str, Any]:
        device = "auto" if self.settings.device == SHARDED else self.settings.device  # programs have no layers to part
        chosen: dict[str, Any] = {"device": device}
        if self.settings.backend is not None:
            chosen["backend"] = self.settings.backend
        return chosen

    def split(self, split: str, programs: Sequence[Program], length: int | None = None) -> StoreSplit:
        """The texts of a split (those of at least ``length`` tokens) with the programs' predictions."""
        texts = [text for text in self.texts(split) if length is None or text.tokens >= length]
        kernel = self.whole_kernel if programs is self.programs else self.kernel(programs)
        return StoreSplit(self.store, texts, kernel, self.loaded.tokenizer, length)

    def key(self, *parts: Any) -> str:
        """Address of a stage: model, texts, programs and what the stage adds."""
        return digest(self._base, [(t.id, t.split, t.text) for t in self.store.texts()], *parts)

    @cached_property
    def _base(self) -> str:
        programs = [program.to_attn() if program.typed else (program.name, program.source) for program in self.programs]
        return digest(self.store.settings.address, programs, self.head_names)

    # ------------------------------------------------------------ patterns and units

    def patterns_in(self, where: str) -> RunPatterns:
        """The store of patterns in a folder of the run."""
        if where not in self._stores:
            info = self.loaded.info
            settings = StoreSettings(info.name, info.fingerprint, tuple(self.heads), info.causal, info.dtype)
            self._stores[where] = RunPatterns(self.folder, where, settings, self._remake if self.opened else None)
            if not self.settings.keep_patterns:
                self._stores[where].compute = self._computed
            self._trust_the_ledger(self._stores[where])
        return self._stores[where]

    def _trust_the_ledger(self, store: RunPatterns) -> None:
        if self.opened is not None and self.opened.ready:
            outputs = [written for files in self.units.ledger.state.done.values() for written in files]
            store.keep_only({written.name for written in outputs})
            if self.folder.remote is not None:
                store.know_of(written for written in outputs if written.holds and not self.folder.is_here(written))

    def ledger_is_open(self) -> None:
        """From now on there are units of work."""
        for store in self._stores.values():
            self._trust_the_ledger(store)

    def store_named(self, where: str) -> RunPatterns:
        """The same by the name that units know it by."""
        return self.patterns_in(where.rpartition("/")[0])

    def _computed(self, ids: list[int]) -> Any:
        from attndsl.models.extract import patterns_of

        return patterns_of(self.loaded.model, ids, self.heads, layout=self.loaded.layout).numpy()

    def text_unit(
        self,
        kind: str,
        first: int,
        block: Sequence[TextEntry],
        about: Mapping[str, Any],
        store: RunPatterns | None = None,
    ) -> Unit:
        """A unit about consecutive texts of a store, ``first`` being the number of the first of them."""
        where = (store or self.store).where
        texts = [[text.id, text.text, text.split] for text in block]
        key = digest(self._base, kind, where, first, texts, about)
        args = {"where": where, "first": first, "texts": texts, "shards": {}, **about}
        return Unit(kind, key, shown(block), args, accelerator=not self.settings.keep_patterns)

    def do_on_patterns(
        self, what: str, units: Sequence[Unit], texts: Sequence[TextEntry], store: RunPatterns | None = None
    ) -> None:
        """Do units about texts; the patterns that they need are made first."""
        store = store or self.store
        waiting = [unit for unit in units if self.units.outputs(unit) is None]
        if not waiting:
            return
        needed = [text[0] for unit in waiting for text in unit.args["texts"]]
        self.extract(store, needed)
        shards = [store.names_of([text[0] for text in unit.args["texts"]]) for unit in waiting]
        ready = [replace(u, args={**u.args, "shards": found}) for u, found in zip(waiting, shards, strict=True)]
        self.do(what, ready)

    def do(self, what: str, units: Sequence[Unit]) -> None:
        """Do those units that are not done, with a bar if there are any."""
        waiting = [unit for unit in units if self.units.outputs(unit) is None]
        if waiting:
            with self.progress.bar(what, len(waiting)) as advance:
                self.units.do(waiting, advance)

    def extract(self, store: RunPatterns | None = None, ids: Sequence[str] | None = None) -> None:
        """Make the patterns (of these texts) that are missing."""
        store = store or self.store
        if store.compute is not None:
            return
        store.write_corpus()
        plan = list(store.units(ids))
        for unit, name, keys in plan:
            if self.units.outputs(unit) is not None:
                if self.folder.remote is not None and not (store.folder / name).exists():
                    store.named(keys, name)
                else:  # it has its full size, and could not be opened
                    self.units.gone(unit, f"{store.folder / name} is damaged")
        self.do("extracting patterns", [unit for unit, _, _ in plan])
        for _, name, keys in plan:
            if (store.folder / name).exists():
                store.take_in(name)
            else:
                store.named(keys, name)
        store.discard_damaged()

    def _remake(self, where: str, keys: Collection[str]) -> None:
        """Make the shards of the texts with these keys again, here and now."""
        store = self.store_named(where)
        plan = list(store.units(store.ids_of(keys)))
        for unit, _, _ in plan:
            if self.units.outputs(unit) is not None:
                self.units.gone(unit, "its patterns are damaged")
        self.units.here([unit for unit, _, _ in plan])
        for _, name, _ in plan:
            store.take_in(name)

    def mend(self, unit: Unit) -> bool:
        """After a worker found patterns missing or damaged: make them again; whether there were any."""
        if "texts" not in unit.args or "where" not in unit.args:
            return False
        store = self.store_named(unit.args["where"])
        bad = store.damaged_among([text[0] for text in unit.args["texts"]])
        if bad:
            self._remake(store.where, bad)
        return bool(bad)

    def close(self) -> None:
        """End the workers, close the ledger and let others in."""
        if self.opened is not None:
            self.opened.close()


def prepare(settings: Settings, progress: Progress) -> Run:
    """Load the model, read corpus and programs, and open the run's folder; patterns are made when they are needed.

    Raises DiagnosticError for every way an input can be wrong, before any long work where that can be known.
    """
    from attndsl.job.worker import JoinRun
    from attndsl.models.corpus import load_corpus
    from attndsl.models.load import load_model
    from attndsl.models.resolve import resolve

    on_first_compile(progress.note)
    check_sizes(settings)
    opened = open_run(settings.out, progress.note)
    try:
        resolve(settings.model, settings.revision)
        given = _given_programs(settings, causal=True, progress=progress)
        texts = load_corpus(settings.corpus)
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
        chosen, left_out = cut(within, texts, loaded)
        within = replace(within, out=opened.folder.path)
        run = Run(within, loaded, library, library.compiled(), left_out, heads, progress, opened.folder, opened)
        run.store.know(chosen, loaded)
        opened.begin(run, JoinRun.of(replace(within, out=settings.out), heads))
    except BaseException:
        opened.close()
        raise
    return run


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
