"""The patterns of a model on a corpus, on disk: written once by extraction, read lazily by everything else.

A store is a folder with ``store.json`` (which model, which heads, which settings), ``corpus.json`` (the texts that
were asked for) and shards. A text is addressed by its content and its tokens, so a store can serve several corpora,
an interrupted extraction goes on where it stopped, and a changed tokenizer never meets old patterns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.shards import Shard, StoredText, cannot_write, damaged, write_atomically, write_shard

_FORMAT = 1
Head = tuple[int, int]


@dataclass(frozen=True)
class StoreSettings:
    """What the patterns of a store depend on, besides the texts.

    ``fingerprint`` identifies model and weights, ``heads`` are (layer, head) in the order of the patterns' first
    axis, ``dtype`` is the type the model computed in. ``causal`` says that no pattern has weight after the query.
    """

    model: str
    fingerprint: str
    heads: tuple[Head, ...]
    causal: bool
    dtype: str
    special_tokens: bool = True

    @property
    def address(self) -> str:
        """Folder name of the store: equal settings and weights, equal address. The model's name does not count."""
        data = {**asdict(self), "model": "", "format": _FORMAT}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:20]


@dataclass(frozen=True)
class TextEntry:
    """One text of the store: its name and split in the corpus, its text, and the number of its tokens."""

    id: str
    split: str
    text: str
    tokens: int
    facts: dict[str, Any]


def text_key(text: str, ids: Sequence[int]) -> str:
    """The address of a text: the same text in the same tokens has the same key."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
    digest.update(b"\0" + np.asarray(ids, "<i8").tobytes())
    return digest.hexdigest()[:32]


class PatternStore:
    """Reads the patterns in ``folder``.

    ``texts`` lists what is there, in the order of the corpus; ``pattern`` maps one text's patterns without reading
    them whole. Opening it reads only headers. Raises E0520 when ``folder`` is no store; a damaged shard counts as
    missing (``damaged`` names it), so that its texts are extracted again.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.settings = _read_settings(self.folder)
        self.damaged: dict[Path, DiagnosticError] = {}
        self._shards: dict[str, Shard] = {}
        self._checked: set[str] = set()
        for path in sorted(self.folder.glob("*.safetensors")):
            self._add(path)
        self._corpus: dict[str, dict[str, str]] = _read_corpus(self.folder)

    @property
    def heads(self) -> tuple[Head, ...]:
        """(layer, head) of each place on the first axis of a pattern."""
        return self.settings.heads

    def texts(self, split: str | None = None) -> list[TextEntry]:
        """The finished texts of the corpus, all or those of one split."""
        entries = []
        for id_, place in self._corpus.items():
            shard = self._shards.get(place["key"])
            if shard is None or (split is not None and place["split"] != split):
                continue
            facts = shard.facts(place["key"])
            text = str(facts.pop("text"))
            entries.append(TextEntry(id_, place["split"], text, shard.length(place["key"]), facts))
        return entries

    def missing(self) -> list[str]:
        """Ids of the texts that were asked for and are not there (yet)."""
        return [id_ for id_, place in self._corpus.items() if place["key"] not in self._shards]

    def ids(self, text_id: str) -> NDArray[np.int64]:
        """Token ids of a text, int64 [n]. Raises E0523 for a text that is not there."""
        key, shard = self._find(text_id)
        return shard.ids(key)

    def pattern(self, text_id: str, heads: Sequence[Head] | None = None) -> NDArray[np.float32]:
        """Patterns of a text, float32 [heads, n, n], rows are queries; read-only and mapped from disk.

        ``heads`` picks some, in that order (a copy, unless they are neighbours in the store). Raises E0523 for a
        text or head that is not there, E0521 when the checksum is wrong (checked at the first reading).
        """
        key, shard = self._find(text_id)
        if key not in self._checked:
            shard.check(key)
            self._checked.add(key)
        patterns = shard.patterns(key)
        if heads is None:
            return patterns
        places = [self._place(head) for head in heads]
        if places and places == list(range(places[0], places[0] + len(places))):
            return patterns[places[0] : places[-1] + 1]
        return np.asarray(patterns[places])

    def has(self, key: str) -> bool:
        """Whether a text (by ``text_key``) is there, in a file that is whole; a damaged file drops out."""
        shard = self._shards.get(key)
        if shard is None:
            return False
        if key in self._checked:
            return True
        try:
            for each in shard.keys:  # all of them: the file goes as a whole, so none may have been counted as there
                shard.check(each)
        except DiagnosticError as error:
            self.damaged[shard.path] = error
            self._shards = {k: s for k, s in self._shards.items() if s is not shard}
            return False
        self._checked.update(shard.keys)
        return True

    def add(self, texts: dict[str, StoredText]) -> None:
        """Write one shard with these texts, by key; returns when it is safely on disk. Raises E0522."""
        if not texts:
            return
        name = hashlib.sha256("".join(texts).encode()).hexdigest()[:24]
        path = self.folder / f"{name}.safetensors"
        write_shard(path, texts)
        self.damaged.pop(path, None)
        self._checked.difference_update(texts)
        self._add(path)

    def discard_damaged(self) -> None:
        """Delete the damaged files. Raises E0522 where that is not permitted."""
        for path in list(self.damaged):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise cannot_write(path, error) from error
            del self.damaged[path]

    def set_corpus(self, texts: Iterable[tuple[str, str, str]]) -> None:
        """Name the texts this store is to hold: (id, split, key), in order. Raises E0522."""
        self._corpus = {id_: {"split": split, "key": key} for id_, split, key in texts}
        _write_json(self.folder / "corpus.json", self._corpus)

    def _add(self, path: Path) -> None:
        try:
            shard = Shard(path)
            for key in shard.keys:
                if len(shard.patterns(key)) != len(self.heads):
                    raise damaged(path, f"text {key[:12]} has patterns of other heads")
        except DiagnosticError as error:
            self.damaged[path] = error
            return
        self._shards.update(dict.fromkeys(shard.keys, shard))

    def _find(self, text_id: str) -> tuple[str, Shard]:
        place = self._corpus.get(text_id)
        shard = self._shards.get(place["key"]) if place else None
        if place is None or shard is None:
            why = "has not been extracted yet" if place else "is not in its corpus"
            raise fail(
                "E0523",
                f"the pattern store {self.folder} has no text '{text_id}': it {why}",
                help="extract the patterns of the corpus first",
            )
        return place["key"], shard

    def _place(self, head: Head) -> int:
        try:
            return self.heads.index(head)
        except ValueError:
            raise fail(
                "E0523",
                f"the pattern store {self.folder} has no patterns of L{head[0]}H{head[1]}",
                help="extract patterns of all heads, or of this one",
            ) from None


def open_store(root: str | Path, settings: StoreSettings) -> PatternStore:
    """The store for these settings under ``root``, made when it is not there. Raises E0522, E0520."""
    folder = Path(root) / settings.address
    if not (folder / "store.json").exists():
        _write_json(folder / "store.json", {"format": _FORMAT, **asdict(settings)})
    return PatternStore(folder)


def _write_json(path: Path, data: Any) -> None:
    write_atomically(path, [json.dumps(data, indent=1).encode()])


def _read_settings(folder: Path) -> StoreSettings:
    try:
        data = json.loads((folder / "store.json").read_text(encoding="utf-8"))
        if data.pop("format") != _FORMAT:
            raise ValueError("it was written by another version of attndsl")
        data["heads"] = tuple((int(layer), int(head)) for layer, head in data["heads"])
        return StoreSettings(**data)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise fail(
            "E0520",
            f"{folder} is not a pattern store: {_reason(error)}",
            help="give the folder that an extraction wrote, or remove it and extract again",
        ) from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"store.json: {error.strerror or error}"
    return f"store.json is not what was written ({error})"


def _read_corpus(folder: Path) -> dict[str, dict[str, str]]:
    try:
        data: dict[str, dict[str, str]] = json.loads((folder / "corpus.json").read_text(encoding="utf-8"))
        return {id_: {"split": place["split"], "key": place["key"]} for id_, place in data.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise fail(
            "E0520",
            f"the list of texts of the pattern store {folder} cannot be read: {error}",
            help="remove corpus.json in that folder and extract again: finished patterns are kept",
        ) from error
