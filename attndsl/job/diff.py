"""Job: two finished runs beside each other: which head's program changed, and by how much its scores did."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.runtime.equivalence.compare import same_patterns
from attndsl.runtime.library import load_text
from attndsl.runtime.program import Program

JSON_FILES = ("results.json", "synth.json")
TABLES = ("heads.csv", "synth.csv")
NUMBERS = ("train_iou", "held_out_iou", "held_out_iou_low", "held_out_iou_high", "lift", "lift_low", "lift_high")
_HEAD = re.compile(r"L(\d+)H(\d+)")


@dataclass(frozen=True)
class RunResults:
    """What two runs are compared by. ``texts`` gives programs by name, where the run kept them."""

    name: str
    model: str
    fingerprint: str
    corpus: str
    heads: Mapping[tuple[int, int], Mapping[str, Any]]
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def layers(self) -> int:
        return 1 + max(layer for layer, _ in self.heads)

    @property
    def width(self) -> int:
        return 1 + max(head for _, head in self.heads)


@dataclass(frozen=True)
class Change:
    """One score: before, after, the difference and its 95% interval (None where a run has no interval)."""

    before: float
    after: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        return self.after - self.before

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True)
class HeadChange:
    """Two heads beside each other. ``program``: same, equal (another text, proved to mean the same), edited (one name,
    another text) or other."""

    first: str
    second: str
    programs: tuple[str, str]
    program: str
    iou: Change
    lift: Change | None


@dataclass(frozen=True)
class Diff:
    """``aligned``: how heads were put beside each other, ``same head`` or ``best match``; ``only_first`` and
    ``only_second`` have no partner."""

    first: RunResults
    second: RunResults
    aligned: str
    heads: tuple[HeadChange, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    mean: Change


def diff(first: Path, second: Path) -> Diff:
    """Two runs beside each other, the largest change of held-out IoU first.

    Heads of one place stand beside each other when both models have as many layers and heads; otherwise each is put
    beside the head with the same program, then the same depth, then the nearest score. Raises DiagnosticError E0812.
    """
    one, other = read_run(first), read_run(second)
    if (one.layers, one.width) == (other.layers, other.width):
        aligned, pairs = "same head", [(head, head) for head in one.heads if head in other.heads]
    else:
        aligned, pairs = "best match", _matched(one, other)
    changes = sorted((_change(one, other, a, b) for a, b in pairs), key=lambda c: -abs(c.iou.difference))
    taken = {a for a, _ in pairs}, {b for _, b in pairs}
    left = [tuple(_name(h) for h in run.heads if h not in took) for run, took in zip((one, other), taken, strict=True)]
    return Diff(one, other, aligned, tuple(changes), left[0], left[1], _mean(changes))


# ---------------------------------------------------------------- reading


def read_run(path: Path) -> RunResults:
    """The results of a run's folder, or of one of its files. Raises DiagnosticError E0812."""
    files = [path / name for name in (*JSON_FILES, *TABLES)] if path.is_dir() else [path]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        raise fail(
            "E0812", f"there is no finished run in {path}",
            help=f"a run's folder has one of {', '.join((*JSON_FILES, *TABLES))}: attndsl explain --out FOLDER",
        )  # fmt: skip
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            content = {"heads": list(csv.DictReader(opened))} if file.suffix == ".csv" else json.load(opened)
        return _results(path, file, content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise fail(
            "E0812", f"{file} is not the result of a run: {reason}", help="run attndsl explain again"
        ) from None  # fmt: skip


def _results(path: Path, file: Path, content: Any) -> RunResults:
    rows = content["heads"] if "heads" in content else content["rows"]
    heads = {}
    for row in rows:
        found = _HEAD.fullmatch(row["head"])
        if found is None:
            raise ValueError(f"{row['head']!r} is no head")
        heads[int(found[1]), int(found[2])] = {"program": str(row["program"]), **_numbers(row)}
    if not heads:
        raise ValueError("it has no heads")
    model = content.get("model", {})
    texts = dict(content.get("program_texts", {})) or _found(file.parent / "found.attn")
    return RunResults(
        str(path), str(model.get("name", "")), str(model.get("fingerprint", "")), str(content.get("corpus", "")),
        heads, texts,
    )  # fmt: skip


def _numbers(row: Mapping[str, Any]) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {}
    for name in NUMBERS:
        given = row.get(name)
        value = None if given is None or given == "" else float(given)
        numbers[name] = None if value is None or not math.isfinite(value) else value
    if numbers["held_out_iou"] is None:
        raise ValueError(f"{row['head']} has no held-out IoU")
    return numbers


def _found(path: Path) -> dict[str, str]:
    """The programs that ``attndsl synth`` leaves beside its results, by name; nothing where that is no such file."""
    try:
        library = load_text(path.read_text(encoding="utf-8"), str(path), python=False)
    except (OSError, ValueError, DiagnosticError):
        return {}
    return {name: program.to_attn() for name, program in library.items()}


# ---------------------------------------------------------------- heads beside each other


def _matched(one: RunResults, other: RunResults) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Each head of one run with one of the other: the same program first, then depth, then score; nearest first."""

    def apart(a: tuple[int, int], b: tuple[int, int]) -> tuple[bool, float, float]:
        rows = one.heads[a], other.heads[b]
        depths = [at[0] / max(run.layers - 1, 1) for at, run in ((a, one), (b, other))]
        scores = [float(row["held_out_iou"]) for row in rows]
        return rows[0]["program"] != rows[1]["program"], abs(depths[0] - depths[1]), abs(scores[0] - scores[1])

    free_a, free_b = set(one.heads), set(other.heads)
    pairs = []
    for _, a, b in sorted((apart(a, b), a, b) for a in one.heads for b in other.heads):
        if a in free_a and b in free_b:
            pairs.append((a, b))
            free_a.discard(a)
            free_b.discard(b)
    return pairs


def _change(one: RunResults, other: RunResults, a: tuple[int, int], b: tuple[int, int]) -> HeadChange:
    before, after = one.heads[a], other.heads[b]
    names = before["program"], after["program"]
    iou = _score(before, after, "held_out_iou")
    assert iou is not None
    return HeadChange(
        _name(a), _name(b), names, _programs(one, other, *names), iou, _score(before, after, "lift")
    )  # fmt: skip


def _programs(one: RunResults, other: RunResults, first: str, second: str) -> str:
    texts = one.texts.get(first), other.texts.get(second)
    if None in texts or texts[0] == texts[1]:
        return "same" if first == second else "other"
    programs = [_program(text) for text in texts if text is not None]
    if None not in programs and _mean_the_same(programs):
        return "equal"
    return "edited" if first == second else "other"


def _program(text: str) -> Program | None:
    try:
        return next(iter(load_text(text, "run", python=False).values()), None)
    except DiagnosticError:  # the source of a bounded program, which has no text in the language
        return None


def _mean_the_same(programs: list[Any]) -> bool:
    first, second = programs
    causal = [program.typed is not None and program.typed.causal for program in programs]
    return causal[0] == causal[1] and same_patterns(first, second, causal[0])


def _score(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> Change | None:
    """The two runs count as independent: the halves of their intervals are added as the sides of a right angle."""
    a, b = before[name], after[name]
    if a is None or b is None:
        return None
    ends = [row[f"{name}_{end}"] for row in (before, after) for end in ("low", "high")]
    if None in ends:
        return Change(a, b, None, None)
    low_a, high_a, low_b, high_b = ends
    return Change(a, b, b - a - math.hypot(b - low_b, high_a - a), b - a + math.hypot(high_b - b, a - low_a))


def _mean(changes: list[HeadChange]) -> Change:
    """Means over the heads that stand beside each other; heads see the same texts, so they give no interval."""
    count = max(len(changes), 1)
    return Change(sum(c.iou.before for c in changes) / count, sum(c.iou.after for c in changes) / count, None, None)


def _name(head: tuple[int, int]) -> str:
    return f"L{head[0]}H{head[1]}"
