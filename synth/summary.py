"""A head in words and figures, for a reader that has never seen it: within a budget of tokens.

What is shown, most telling first: where its weight goes on average, by kind of query; the strongest links in each
stratum (key first, next to the query, near, far); and where the best program so far is wrong, both ways.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from attndsl.dsl.tokens import TokenTable
from attndsl.synth.llm.tokens import estimate
from attndsl.synth.road import Example

KINDS = ("special", "space", "punctuation", "number", "word piece", "capitalised word", "short word", "long word")
SHORT = 3
NEAR = 8
STRATA = ("first token", "itself", "previous token", f"2-{NEAR} tokens back", "further back", "later token")
LEAST_WEIGHT = 0.05
"""Weaker links are not worth a line."""

Pattern = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Budget:
    """``tokens`` of a whole summary; at most ``links`` lines per stratum, and ``errors`` per direction."""

    tokens: int = 3000
    links: int = 6
    errors: int = 10
    texts: int = 4


def kind_of(table: TokenTable, token: int) -> str:
    """The kind of a token, one of ``KINDS``, by its letters alone: no parser is asked."""
    text = table.surface[token]
    if table.special[token]:
        return "special"
    if not text.strip():
        return "space"
    if not any(c.isalnum() for c in text):
        return "punctuation"
    if not any(c.isalpha() for c in text):
        return "number"
    if not table.word_start[token]:
        return "word piece"
    if text[:1].isupper():
        return "capitalised word"
    return "short word" if len(text) <= SHORT else "long word"


def stratum_of(q: int, k: int) -> str:
    """Which of ``STRATA`` the link from ``q`` to ``k`` belongs to."""
    if k > q:
        return STRATA[5]
    if k == 0:
        return STRATA[0]
    if k == q:
        return STRATA[1]
    if k == q - 1:
        return STRATA[2]
    return STRATA[3] if q - k <= NEAR else STRATA[4]


def summary(
    examples: Sequence[Example],
    place: int,
    *,
    predicted: Sequence[Pattern] | None = None,
    budget: Budget | None = None,
    count: Callable[[str], int] = estimate,
) -> str:
    """The summary of head number ``place`` of the examples' patterns, at most ``budget.tokens`` long by ``count``.

    ``predicted`` are the best program's patterns on the same examples; with them comes the contrast. Sections that no
    longer fit lose their last lines; what was left out is said.
    """
    budget = budget or Budget()
    tables = [example.table for example in examples]
    patterns = [np.asarray(example.patterns[place]) for example in examples]
    sections = [_by_kind(tables, patterns), _strongest(tables, patterns, budget.links)]
    if predicted is not None:
        sections.insert(1, _contrast(tables, patterns, predicted, budget.errors))
    sections.append(_texts(tables, budget.texts))
    return _within(sections, budget.tokens, count)


def _within(sections: list[list[str]], most: int, count: Callable[[str], int]) -> str:
    lines: list[str] = []
    used = 0
    left_out = 0
    for section in sections:
        full = False
        for line in section:
            size = count(line + "\n")
            full = full or used + size > most
            if full:
                left_out += 1
                continue
            lines.append(line)
            used += size
    if left_out:
        lines.append(f"({left_out} lines left out)")
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------- sections


def _by_kind(tables: Sequence[TokenTable], patterns: Sequence[Pattern]) -> list[str]:
    """Mean share of a row's weight per stratum, by kind of query; the first query has no choice and is left out."""
    sums = {kind: np.zeros(len(STRATA) + 1) for kind in KINDS}
    counts = dict.fromkeys(KINDS, 0)
    for table, pattern in zip(tables, patterns, strict=True):
        for q in range(1, len(table)):
            kind = kind_of(table, q)
            counts[kind] += 1
            sums[kind] += _shares(table, q, pattern[q])
    lines = ["Share of a row's weight by kind of query (mean):", "query kind | rows | " + " | ".join((*STRATA, SAME))]
    total = np.sum(list(sums.values()), axis=0)
    rows = [("all", sum(counts.values()), total), *((kind, counts[kind], sums[kind]) for kind in KINDS)]
    for kind, number, shares in rows:
        if number:
            lines.append(f"{kind} | {number} | " + " | ".join(f"{share / number:.2f}" for share in shares))
    return lines


SAME = "earlier copies of the query's text"


def _shares(table: TokenTable, q: int, row: NDArray[np.float32]) -> NDArray[np.float64]:
    shares = np.zeros(len(STRATA) + 1)
    for k in np.flatnonzero(row > 0):
        shares[STRATA.index(stratum_of(q, int(k)))] += row[k]
        if k != q and table.surface[k] and table.surface[k].lower() == table.surface[q].lower():
            shares[-1] += row[k]
    return shares


def _strongest(tables: Sequence[TokenTable], patterns: Sequence[Pattern], links: int) -> list[str]:
    best: dict[str, list[tuple[float, int, int, int]]] = {name: [] for name in STRATA}
    for number, pattern in enumerate(patterns):
        for q, k in np.argwhere(pattern >= LEAST_WEIGHT):
            if q > 0:
                best[stratum_of(int(q), int(k))].append((-float(pattern[q, k]), number, int(q), int(k)))
    lines = ["Strongest links per stratum (weight, query -> key):"]
    for name in STRATA:
        seen: set[tuple[str, str]] = set()
        for weight, number, q, k in sorted(best[name]):
            pair = (tables[number].surface[q], tables[number].surface[k])
            if pair not in seen:  # another text with the same two tokens tells nothing new
                seen.add(pair)
                lines.append(f"[{name}] {-weight:.2f}  {_link(tables[number], number, q, k)}")
            if len(seen) == links:
                break
    return lines


def _contrast(
    tables: Sequence[TokenTable], patterns: Sequence[Pattern], predicted: Sequence[Pattern], errors: int
) -> list[str]:
    """Where the program is wrong: weight it misses, and weight that it puts where the head does not look."""
    lines = []
    for title, sign in (("Weight that the best program so far misses", 1), ("Weight that it wrongly gives", -1)):
        found: list[tuple[float, int, int, int]] = []
        for number, (pattern, guess) in enumerate(zip(patterns, predicted, strict=True)):
            gap = sign * (pattern.astype(np.float64) - guess)
            gap[0] = 0
            for flat in np.argsort(-gap, axis=None, kind="stable")[: 4 * errors]:
                q, k = divmod(int(flat), gap.shape[1])
                if gap[q, k] >= LEAST_WEIGHT:
                    found.append((-float(gap[q, k]), number, q, k))
        lines.append(f"{title} (head's weight, program's weight, query -> key):")
        for _, number, q, k in sorted(found)[:errors]:
            weights = f"{patterns[number][q, k]:.2f} {predicted[number][q, k]:.2f}"
            lines.append(f"{weights}  {_link(tables[number], number, q, k)}")
        if not found:
            lines.append(f"(nothing above {LEAST_WEIGHT})")
    return lines


def _texts(tables: Sequence[TokenTable], texts: int) -> list[str]:
    lines = ["Texts (token number:text):"]
    for number, table in enumerate(tables[:texts]):
        lines.append(f"text {number}: " + " ".join(f"{i}:{_shown(table, i)}" for i in range(len(table))))
    return lines


def _link(table: TokenTable, number: int, q: int, k: int) -> str:
    return (
        f"text {number}, {q}:{_shown(table, q)} ({kind_of(table, q)}) -> {k}:{_shown(table, k)} ({kind_of(table, k)})"
    )


def _shown(table: TokenTable, token: int) -> str:
    """A token between quotes, as the program may compare it with ``.text``; special tokens by their raw string."""
    text = table.raw[token] if table.special[token] else table.text[table.start[token] : table.end[token]]
    return json.dumps(text, ensure_ascii=False)
