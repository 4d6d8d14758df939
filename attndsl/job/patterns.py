"""The patterns of a run: made in units of one shard, read lazily, made again where they were dropped or damaged."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.job.stages import digest
from attndsl.runtime.pattern_store import Head, PatternStore, StoreSettings, TextEntry, open_store, text_key
from attndsl.runtime.shards import Shard
from attndsl.store.folder import RunFolder, Written
from attndsl.store.units import Unit

if TYPE_CHECKING:
    from attndsl.models.corpus import Text
    from attndsl.models.load import LoadedModel

Remake = Callable[[str, Collection[str]], None]
"""Makes the shards of some texts again: the store's name, and the keys of the texts."""
FOLDER = "patterns"


@dataclass(frozen=True, slots=True)
class _Known:
    """A text of the run: as others see it, its token ids, and its address in the store."""

    entry: TextEntry
    ids: tuple[int, ...]
    key: str


class RunPatterns(PatternStore):
    """The store ``where`` of a run. Its texts are known before their patterns are there; reading a pattern that is not
    there, or is damaged, makes the shard (again) through ``remake``, or raises where there is none.

    With ``compute`` nothing is stored: the model gives each pattern when it is asked for."""

    def __init__(self, folder: RunFolder, where: str, settings: StoreSettings, remake: Remake | None = None) -> None:
        self._run, self.where = folder, f"{where}/{settings.address}"
        folder.fetch(f"{self.where}/store.json")
        folder.fetch(f"{self.where}/corpus.json")
        super().__init__(open_store(folder.path / where, settings).folder)
        for name in ("store.json", "corpus.json"):
            folder.sent_if_missing(f"{self.where}/{name}")
        self.remake = remake
        self.compute: Callable[[list[int]], NDArray[np.float32]] | None = None
        self._known: dict[str, _Known] = {}
        self._names: dict[str, str] = {}
        self._last: tuple[str, NDArray[np.float32]] | None = None

    # ------------------------------------------------------------ texts

    def know(self, texts: Sequence[Text], loaded: LoadedModel) -> None:
        """The texts that this store is to hold, in order. Raises DiagnosticError E0614, E0621."""
        from attndsl.models.encode import encode, special_tokens_present

        self._known = {}
        for text in texts:
            ids = encode(text.text, loaded.tokenizer, max_context=loaded.info.max_context, name=text.id)
            entry = TextEntry(
                text.id, text.split, text.text, len(ids), dict(special_tokens_present(ids, loaded.tokenizer))
            )
            self._known[text.id] = _Known(entry, tuple(ids), text_key(text.text, ids))

    def write_corpus(self) -> None:
        """Name the texts in the store's folder, for those who read it without this run."""
        corpus = [(k.entry.id, k.entry.split, k.key) for k in self._known.values()]
        if {id_: {"split": split, "key": key} for id_, split, key in corpus} != self._corpus:
            self.set_corpus(corpus)
            self._run.sent(f"{self.where}/corpus.json")

    def view(self, texts: Sequence[Text], loaded: LoadedModel, names: Mapping[str, str]) -> RunPatterns:
        """The same store for these texts alone; ``names``: key to shard where it is known."""
        seen = copy.copy(self)
        seen.know(texts, loaded)
        seen._names = dict(names)
        return seen

    def texts(self, split: str | None = None) -> list[TextEntry]:
        """The texts of the run, whether their patterns are there or not."""
        return [known.entry for known in self._known.values() if split is None or known.entry.split == split]

    def ids(self, text_id: str) -> NDArray[np.int64]:
        known = self._known.get(text_id)
        return super().ids(text_id) if known is None else np.asarray(known.ids, dtype=np.int64)

    # ------------------------------------------------------------ patterns

    def pattern(self, text_id: str, heads: Sequence[Head] | None = None) -> NDArray[np.float32]:
        if self.compute is not None:
            return self._computed(text_id, heads)
        try:
            return super().pattern(text_id, heads)
        except (DiagnosticError, FileNotFoundError) as error:
            known = self._known.get(text_id)
            if known is None or self.remake is None or not _may_be_remade(error):
                raise
            self.remake(self.where, {known.key, *self.forget([known.key])})
            return super().pattern(text_id, heads)

    def missing(self) -> list[str]:
        """Ids of the texts whose patterns are neither here nor, as far as is known, elsewhere."""
        return [id_ for id_, known in self._known.items() if known.key not in self._shards]

    def ids_of(self, keys: Collection[str]) -> list[str]:
        """The texts with these keys."""
        return [id_ for id_, known in self._known.items() if known.key in keys]

    def keep_only(self, names: Collection[str]) -> None:
        """Count only shards with these names as there: those that the ledger has. A shard that was put in place just
        before its process was killed is made again, to the same bytes."""
        self.forget([key for key, shard in self._shards.items() if f"{self.where}/{shard.path.name}" not in names])

    def names_of(self, ids: Sequence[str]) -> dict[str, str]:
        """Key to file name of the shards that hold these texts."""
        keys = [self._known[id_].key for id_ in ids]
        found = {key: self._shards[key].path.name for key in keys if key in self._shards}
        return {**{key: self._names[key] for key in keys if key in self._names}, **found}

    def forget(self, keys: Sequence[str]) -> list[str]:
        """Count the shards of these texts as not there; the keys of all texts in them."""
        shards = {id(self._shards[key]) for key in keys if key in self._shards}
        names = {self._names[key] for key in keys if key in self._names}
        lost = [key for key, shard in self._shards.items() if id(shard) in shards]
        lost += [key for key, name in self._names.items() if name in names and key not in self._shards]
        self._checked.difference_update(lost)
        for key in lost:
            self._shards.pop(key, None)
        for key in (*keys, *lost):
            self._names.pop(key, None)
        return lost

    def damaged_among(self, ids: Sequence[str]) -> list[str]:
        """Keys of all texts in those shards of these texts that are not whole, by their checksums; the shards are
        forgotten."""
        keys = [self._known[id_].key for id_ in ids]
        for key in keys:
            with suppress(DiagnosticError, FileNotFoundError):  # then it is among the damaged
                self._have(key)
        shards = {id(self._shards[key]): self._shards[key] for key in keys if key in self._shards}
        lost = {key for key in keys if key not in self._shards}
        for shard in shards.values():
            if not _is_whole(shard):
                lost.update(self.forget(shard.keys))
        return sorted(lost)

    def take_in(self, name: str) -> None:
        """Open a shard that was written by a unit of work."""
        self.damaged.pop(self.folder / name, None)
        self._add(self.folder / name)

    def _computed(self, text_id: str, heads: Sequence[Head] | None) -> NDArray[np.float32]:
        assert self.compute is not None
        if self._last is None or self._last[0] != text_id:
            self._last = text_id, self.compute(list(self._known[text_id].ids))
        return self._last[1] if heads is None else self._last[1][[self._place(head) for head in heads]]

    def _find(self, text_id: str) -> tuple[str, Shard]:
        known = self._known.get(text_id)
        if known is None:
            return super()._find(text_id)
        self._have(known.key)
        if known.key not in self._shards:
            self._corpus.setdefault(text_id, {"split": known.entry.split, "key": known.key})
            return super()._find(text_id)
        return known.key, self._shards[known.key]

    def _have(self, key: str) -> None:
        """Get the shard of a text from the run's URL where it is known to be there."""
        if key not in self._shards and key in self._names:
            self._run.fetch(f"{self.where}/{self._names[key]}")
            self.take_in(self._names[key])

    # ------------------------------------------------------------ units

    def units(self, ids: Sequence[str] | None = None) -> Iterator[tuple[Unit, str, list[str]]]:
        """Units that make what is missing (of these texts): each with the file name and the keys of its shard.

        Shards are filled in the order of the corpus and closed when full, so that missing whole shards does not change
        what is in the others."""
        from attndsl.models.extract import SHARD_BYTES, SHARD_TEXTS

        wanted = set(self._known if ids is None else ids)
        group: dict[str, _Known] = {}
        size = 0
        for id_, known in self._known.items():
            if id_ not in wanted or known.key in group or known.key in self._shards or known.key in self._names:
                continue
            group[known.key] = known
            size += 4 * len(self.heads) * len(known.ids) ** 2
            if size >= SHARD_BYTES or len(group) >= SHARD_TEXTS:
                yield self._unit(group)
                group, size = {}, 0
        if group:
            yield self._unit(group)

    def _unit(self, group: dict[str, _Known]) -> tuple[Unit, str, list[str]]:
        keys = list(group)
        entries = [known.entry for known in group.values()]
        name = f"{hashlib.sha256(''.join(keys).encode()).hexdigest()[:24]}.safetensors"
        args = {"where": self.where, "name": name, "keys": keys, "texts": [[e.id, e.text, e.split] for e in entries]}
        key = digest(self.where, keys)
        return Unit("extract", key, shown(entries), args, accelerator=True), name, keys

    def know_of(self, shards: Iterable[Written]) -> None:
        """Finished shards that are at the run's URL: what is in them is not missing, and is had when it is read."""
        for shard in shards:
            folder, _, name = shard.name.rpartition("/")
            if folder == self.where:
                self.named([key for key in shard.holds if key not in self._shards], name)

    def named(self, keys: Sequence[str], name: str) -> None:
        """Remember which shard holds these texts, wherever it is."""
        self._names.update(dict.fromkeys(keys, name))


def shown(entries: Sequence[TextEntry]) -> str:
    """``text a``, ``5 texts, a to e``."""
    if len(entries) == 1:
        return f"text {entries[0].id}"
    return f"{len(entries)} texts, {entries[0].id} to {entries[-1].id}"


def make_shard(folder: RunFolder, loaded: LoadedModel, heads: Sequence[Head], unit: Unit) -> list[Written]:
    """The work of a unit ``extract``: run the model on its texts and write their patterns as one shard."""
    from attndsl.models.corpus import Text
    from attndsl.models.extract import write_patterns

    texts = [Text(*text) for text in unit.args["texts"]]
    name = f"{unit.args['where']}/{unit.args['name']}"
    with folder.writing(name) as part:
        size = write_patterns(loaded, texts, heads, part)
    return [Written(name, size, holds=tuple(unit.args["keys"]))]


def _may_be_remade(error: DiagnosticError | FileNotFoundError) -> bool:
    return isinstance(error, FileNotFoundError) or error.diagnostics[0].code in ("E0521", "E0523")


def _is_whole(shard: Shard) -> bool:
    try:
        again = Shard(shard.path)
        for key in again.keys:
            again.check(key)
    except (DiagnosticError, OSError):
        return False
    return True


def texts_of(args: Mapping[str, Any]) -> list[Text]:
    """The texts that a unit is about."""
    from attndsl.models.corpus import Text

    return [Text(*text) for text in args["texts"]]
