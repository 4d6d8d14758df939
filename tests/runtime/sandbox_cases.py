"""Shared pieces of the sandbox tests: hand-made token tables, hand-made words, the attack corpora."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attndsl.dsl.tokens import TokenTable, WordTable
from attndsl.runtime.sandbox import Job, Report, SandboxError, SandboxPool, Values

ATTACKS = Path(__file__).parent / "attacks"
STRICT = Values()
SENTENCE = "The cat sat on the mat . Then Tom slept"

MUST = {
    "reject_at_compile": {"refused"},
    "clean_error": {"refused", "error", "bad_result", "memory", "time"},
    "contained": {"ok", "refused", "error", "bad_result", "memory", "time", "died", "differs"},
    "any": {"ok", "refused", "error", "bad_result", "memory", "differs", "time"},
    "accept": {"ok"},
}
"""The outcomes that each expectation of the corpus allows. A busy machine may turn any run into "time"."""


def table(text: str = SENTENCE, parse: Any = None) -> TokenTable:
    """One token per blank-separated piece; ids count from 100, equal pieces have equal ids."""
    tokens = text.split(" ") if text else []
    starts: list[int] = []
    at = 0
    for token in tokens:
        starts.append(at)
        at += len(token) + 1
    n = len(tokens)
    numbers = {token: 100 + i for i, token in enumerate(dict.fromkeys(tokens))}
    ends = tuple(s + len(t) for s, t in zip(starts, tokens, strict=True))
    return TokenTable(
        text, tuple(numbers[t] for t in tokens), tuple(tokens), tuple(starts), ends, tuple(tokens),
        (False,) * n, (True,) * n, (0,) * n, (False,) * n, parse,
    )  # fmt: skip


def words(text: str = "Tom saw old cats . He ran") -> WordTable:
    """Hand-made words of 'Tom saw old cats . He ran': two sentences, one tree each."""
    texts = text.split(" ")
    starts = [sum(len(t) + 1 for t in texts[:i]) for i in range(len(texts))]
    n = len(texts)
    return WordTable(
        text=tuple(texts),
        lemma=("Tom", "see", "old", "cat", ".", "he", "run"),
        pos=("PROPN", "VERB", "ADJ", "NOUN", "PUNCT", "PRON", "VERB"),
        tag=("NNP", "VBD", "JJ", "NNS", ".", "PRP", "VBD"),
        dep=("nsubj", "ROOT", "amod", "dobj", "punct", "nsubj", "ROOT"),
        ent_type=("PERSON", "", "", "", "", "", ""),
        ent_iob=("B", "O", "O", "O", "O", "O", "O"),
        shape=("Xxx", "xxx", "xxx", "xxxx", ".", "Xx", "xxx"),
        morph=("Number=Sing", "Tense=Past", "", "Number=Plur", "", "", ""),
        whitespace=(" ",) * (n - 1) + ("",),
        head=(1, 1, 3, 1, 1, 6, 6),
        start=tuple(starts),
        end=tuple(s + len(t) for s, t in zip(starts, texts, strict=True)),
        sentence=(0, 0, 0, 0, 0, 1, 1),
        flags={"is_punct": (False,) * 4 + (True, False, False), "is_stop": (False,) * 5 + (True, False)},
        entities=((0, 1, "PERSON"),),
        noun_chunks=((0, 1, ""), (2, 4, ""), (5, 6, "")),
    )


def load(name: str) -> list[dict[str, Any]]:
    """One corpus, with giant sources built from their expressions."""
    rows = [json.loads(line) for line in (ATTACKS / name).read_text(encoding="utf-8").splitlines()]
    for row in rows:
        if "source_gen" in row:
            row["source"] = eval(row["source_gen"], {"__builtins__": {"range": range, "str": str}})
    return rows


def outcome(report: Report) -> str:
    """The outcome class of a report of one sentence; 'WON' when the program reached its goal."""
    result = report.results[0]
    if isinstance(result, SandboxError):
        return result.outcome
    return "WON" if result.size and result.flat[0] == 1337 else "ok"


def run_rows(pool: SandboxPool, rows: list[dict[str, Any]]) -> dict[str, str]:
    """The outcome of every attack, and of the program that follows it (under ``id+then``)."""
    sentence = table()
    jobs: list[tuple[str, Job]] = []
    for row in rows:
        again = row.get("then_source") == "CALL_AGAIN"
        jobs.append((row["id"], Job(row["source"], [sentence] * (2 if again else 1), values=STRICT)))
        if "then_source" in row and not again:
            jobs.append((row["id"] + "+then", Job(row["then_source"], [sentence], values=STRICT)))
    reports = pool.map(job for _, job in jobs)
    return {name: outcome(report) for (name, _), report in zip(jobs, reports, strict=True)}
