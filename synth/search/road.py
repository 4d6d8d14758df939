"""The road without a language model: every head is searched by itself, and kept as soon as it is finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from attndsl.runtime.kernel import LibraryKernel
from attndsl.runtime.library import load_text
from attndsl.runtime.program import Program
from attndsl.runtime.shards import write_atomically
from attndsl.synth.road import Candidate, Example, Head, HeadPatterns, Provenance, Watch, head_name
from attndsl.synth.search.facts import Facts, facts_of, mine_words
from attndsl.synth.search.fitting import iou_by_text, pattern_of
from attndsl.synth.search.grow import Effort, Found, grow, refitted
from attndsl.synth.search.rule import spans, write_program
from attndsl.synth.search.vocabulary import Vocabulary, vocabulary

AGREEMENT = 1e-4
"""How far a program's own pattern may be from the search's: float32 rows of up to some hundred keys."""
_CHECKED = 2  # texts on which that is checked, for every program

Floats = NDArray[np.float32]
Logged = Callable[[Head, str], AbstractContextManager[list[Path]]]


class Disagreement(Exception):
    """The compiled program is not what the search scored: a bug of ours."""


@dataclass(frozen=True)
class SearchSettings:
    """``folder`` keeps finished heads (None: nothing is kept). ``rules``: the most that a program may have; one with
    at most ``few`` rules is given as well. A shorter program wins when its validation IoU is within ``tie``."""

    folder: Path | None = None
    rules: int = 12
    few: int = 5
    tie: float = 5e-4
    workers: int = 2
    effort: Effort = field(default_factory=Effort)
    logged: Logged = lambda head, key: nullcontext([])
    """Around the search of a head: whoever keeps a ledger is told its key and, in the list, the file that was made."""


@dataclass(frozen=True, eq=False)
class _Texts:
    """Everything that does not depend on the head."""

    vocabulary: Vocabulary
    facts: Facts
    few: Facts
    checked: Facts
    train: Sequence[Example]
    validation: Sequence[Example]


def search(given: HeadPatterns, settings: SearchSettings, watch: Watch) -> Iterator[Candidate]:
    """Candidates for every head: the best program of at most ``settings.rules`` rules, and of at most ``few``.

    The literals that programs name are mined from the train texts; validation texts choose the size. The same input
    gives the same programs, whatever the number of workers. Heads that ``settings.folder`` has are not searched again.
    """
    texts = _prepare(given, settings)
    key = _key(given, settings, texts)
    waiting: list[tuple[int, Head]] = []
    for index, head in enumerate(given.heads):
        known = _load(settings.folder, head, key)
        if known is None:
            waiting.append((index, head))
        else:
            yield from _candidates(head, known, given.causal, watch)

    def one(index: int, head: Head) -> dict[str, Any]:
        with settings.logged(head, key) as files:
            found = _search_head(index, head, texts, settings, lambda score: watch(head, score))
            _save(settings.folder, head, key, found)
            if settings.folder is not None:
                files.append(_path(settings.folder, head))
        return found

    pool = ThreadPoolExecutor(settings.workers)
    try:
        jobs = {pool.submit(one, index, head): head for index, head in waiting}
        for job in as_completed(jobs):
            yield from _candidates(jobs[job], job.result(), given.causal, watch)
    finally:
        pool.shutdown(cancel_futures=True)


def _prepare(given: HeadPatterns, settings: SearchSettings) -> _Texts:
    words = mine_words([example.table for example in given.train])
    known = vocabulary(given.causal)
    facts = facts_of([example.table for example in given.train], known, words)
    validation = given.validation or given.train
    return _Texts(
        known, facts, facts.of_first(min(settings.effort.screened, len(given.train))),
        facts_of([example.table for example in validation], known, words), given.train, validation,
    )  # fmt: skip


def _cells(examples: Sequence[Example], facts: Facts, index: int) -> Floats:
    packed = [facts.cells.pack(np.asarray(example.patterns[index])) for example in examples]
    return np.ascontiguousarray(np.concatenate(packed), dtype=np.float32)


def _search_head(
    index: int, head: Head, texts: _Texts, settings: SearchSettings, watch: Callable[[float], None]
) -> dict[str, Any]:
    target = _cells(texts.train, texts.facts, index)
    checked = _cells(texts.validation, texts.checked, index)
    grown = list(grow(texts.facts, texts.few, target, settings.rules, settings.effort, watch))
    small = [found for found in grown if len(found.rules) <= settings.few]
    found = [*(refitted(each, texts.facts, target) for each in small[-1:]), *grown]
    found = [_rounded(each, texts.facts, target) for each in found]
    scores = [float(_iou(each, texts.checked, checked).mean()) for each in found]
    among_few = [score if len(each.rules) <= settings.few else -1.0 for each, score in zip(found, scores, strict=True)]
    chosen = {_shortest(found, scores, settings.tie), _shortest(found, among_few, settings.tie)}
    programs = []
    for at in sorted(chosen, key=lambda at: -len(found[at].rules)):
        each = found[at]
        name = f"{head_name(head)} in {len(each.rules)} rules"
        text = write_program(name, each.rules, each.weights, texts.vocabulary, texts.facts.words)
        _check(text, each, texts)
        programs.append({"text": text, "rules": len(each.rules), "train": each.train_iou, "validation": scores[at]})
    curve = [[len(each.rules), each.train_iou] for each in grown]
    return {"programs": programs, "curve": curve}


def _iou(found: Found, facts: Facts, target: Floats) -> NDArray[np.float64]:
    return iou_by_text(found.rules, np.array(found.weights, np.float32), facts, target)


def _rounded(found: Found, facts: Facts, target: Floats) -> Found:
    """With the weights as they are printed, and the mean train IoU of the texts that these give."""
    kept = []
    for rule, own in zip(found.rules, spans(found.rules), strict=True):
        first, *others = (round(w, 2) for w in found.weights[own])
        bends = [(bend, w) for bend, w in zip(rule.bends, others, strict=True) if w]
        if first or bends:
            kept.append((replace(rule, bends=tuple(bend for bend, _ in bends)), [first, *(w for _, w in bends)]))
    weights = tuple(w for _, own_weights in kept for w in own_weights)
    rounded = Found(tuple(rule for rule, _ in kept), weights, found.train_iou)
    return Found(rounded.rules, rounded.weights, float(_iou(rounded, facts, target).mean()))


def _shortest(found: Sequence[Found], scores: Sequence[float], tie: float) -> int:
    """The program with fewest rules among those whose score is the best or nearly so."""
    best = max(scores)
    near = [at for at, score in enumerate(scores) if score >= best - tie]
    return min(near, key=lambda at: (len(found[at].rules), sum(rule.size for rule in found[at].rules), -scores[at]))


def _compile(text: str, causal: bool) -> Program:
    (program,) = load_text(text, "the search", python=False, causal=causal).values()
    return program


def _check(text: str, found: Found, texts: _Texts) -> None:
    """Raise Disagreement unless the compiled program gives the pattern that was scored."""
    causal = texts.vocabulary.causal
    kernel = LibraryKernel([_compile(text, causal)], causal, backend="numpy")
    few = texts.facts.of_first(min(_CHECKED, len(texts.train)))
    ours = pattern_of(found.rules, np.array(found.weights, np.float32), few)
    theirs = [few.cells.pack(kernel.predict(e.table).patterns[0]) for e in texts.train[: len(few.cells.tokens)]]
    worst = float(np.abs(np.concatenate(theirs) - ours).max())
    if not worst <= AGREEMENT:
        raise Disagreement(f"patterns differ by {worst:.2g}:\n{text}")


def _candidates(head: Head, kept: dict[str, Any], causal: bool, watch: Watch) -> Iterator[Candidate]:
    for entry in kept["programs"]:
        watch(head, entry["train"])
        yield Candidate(head, _compile(entry["text"], causal), Provenance("search"), entry["train"])


def _key(given: HeadPatterns, settings: SearchSettings, texts: _Texts) -> str:
    """What a head's result depends on, but for the head itself."""
    digest = hashlib.sha256()
    about = [settings.rules, settings.few, settings.tie, asdict(settings.effort), asdict(texts.vocabulary)]
    digest.update(json.dumps([about, texts.facts.words]).encode())
    for split in (given.train, given.validation):
        digest.update(b"|")
        for example in split:
            patterns = example.patterns
            digest.update(json.dumps([example.id, example.table.raw, patterns.shape]).encode())
            digest.update(np.ascontiguousarray(patterns[:, -1]).tobytes())  # the last rows tell models apart
    return digest.hexdigest()[:24]


def _path(folder: Path, head: Head) -> Path:
    return folder / f"{head_name(head)}.json"


def _load(folder: Path | None, head: Head, key: str) -> dict[str, Any] | None:
    """A finished head; None when there is none, or when it was made from something else."""
    if folder is None:
        return None
    try:
        kept: dict[str, Any] = json.loads(_path(folder, head).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # not what we write: the head is searched again, and the file replaced
        return None
    return kept["found"] if kept.get("key") == key else None


def _save(folder: Path | None, head: Head, key: str, found: dict[str, Any]) -> None:
    if folder is not None:
        write_atomically(_path(folder, head), [json.dumps({"key": key, "found": found}, indent=1).encode()])
