"""Counterexamples as files that run again: of a program against a head or another program, or against its claims."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail
from attndsl.job.claims import ClaimTried, claim_judge
from attndsl.job.falsify import Asked, Falsified, Sides, prepare
from attndsl.job.progress import Progress
from attndsl.job.stages import write_text
from attndsl.runtime.falsify.claims import SLACK, ClaimKernel, claims_of
from attndsl.runtime.falsify.judge import Judge
from attndsl.runtime.falsify.rules import RuleKernel
from attndsl.runtime.falsify.texts import Changed

_KEYS = ("file", "program", "model", "revision", "head", "against", "claim", "bidirectional", "text", "below")
_ANY = 1 << 20  # a recorded text is run whatever its length


@dataclass(frozen=True)
class Replayed:
    """A counterexample run again; ``iou`` is 1 less the amount by which the worst row misses it for a claim."""

    names: str
    text: str
    below: float
    iou: float
    error: str | None
    changed: str | None = None

    @property
    def breaks(self) -> bool:
        return self.iou < self.below


def save(found: Falsified, path: Path) -> None:
    """Write a counterexample as a file that ``replay`` runs again. Raises DiagnosticError E0805."""
    example = found.counterexample
    assert example is not None
    blamed = example.suspects[0].rule.text if example.suspects and example.suspects[0].share > 0 else None
    extra = {"iou": example.trial.iou, "blamed": blamed}
    _write([_content(found.asked, found.sides.program.name, None, example.trial.text, example.threshold) | extra], path)


def save_claims(tried: Sequence[ClaimTried], path: Path) -> None:
    """Write every refuted claim, in one file. Raises DiagnosticError E0805."""
    _write(
        [
            _content(t.asked, t.program, t.claim, t.trial.text, 1.0 - SLACK) | {"changed": t.trial.changed}
            for t in tried if t.trial is not None
        ],
        path,
    )  # fmt: skip


def _content(asked: Asked, program: str, claim: str | None, text: str, below: float) -> dict[str, Any]:
    return {
        "file": None if asked.file is None else str(asked.file), "program": program, "model": asked.model,
        "revision": asked.revision, "head": asked.head, "against": asked.against, "claim": claim,
        "bidirectional": asked.bidirectional, "text": text, "below": below,
    }  # fmt: skip


def _write(content: list[dict[str, Any]], path: Path) -> None:
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def replay(path: Path, file: Path | None, progress: Progress) -> list[Replayed]:
    """Run counterexamples again, with the program of ``file`` in place of the recorded file when it is given.

    Raises DiagnosticError E0850 (no such file, or no counterexamples in it), and as ``prepare``.
    """
    found = []
    loaded: tuple[Asked, Sides] | None = None
    for content in read(path):
        recorded = None if content["file"] is None else Path(content["file"])
        asked = Asked(
            file or recorded, content["program"], content["model"], content["revision"], content["head"],
            content["against"], bool(content["bidirectional"]),
        )  # fmt: skip
        if loaded is None or loaded[0] != asked:
            loaded = asked, prepare(asked, progress)
        found.append(_run_again(content, loaded[1], path))
    return found


def _run_again(content: dict[str, Any], sides: Sides, path: Path) -> Replayed:
    kernel = RuleKernel(sides.program, sides.causal)
    if content["claim"] is None:
        assert sides.head is not None
        judge, names = Judge(kernel, sides.head, sides.tokenizer, 1, _ANY), sides.names
    else:
        claim = _claim(content["claim"], sides, path)
        judge, names = claim_judge(sides, kernel, claim, 1, _ANY), f"{sides.names}: {claim.text}"
    changed = content.get("changed")
    trials = judge([(content["text"] if changed is None else Changed(content["text"], changed),)])
    if not trials:
        raise fail(
            "E0850", f"{path} has a change of which the claim does not speak: {content['text']!r} to {changed!r}",
            help="run attndsl falsify again, or delete the file",
        )  # fmt: skip
    error = None if trials[0].error is None else str(trials[0].error)
    return Replayed(names, content["text"], content["below"], trials[0].iou, error, changed)


def _claim(text: str, sides: Sides, path: Path) -> ClaimKernel:
    for claim in claims_of(sides.program):
        kernel = ClaimKernel(sides.program, claim)
        if kernel.text == text:
            return kernel
    raise fail(
        "E0850", f"{sides.program.name!r} no longer has the claim of {path}: {text}",
        help="run attndsl falsify again, or delete the file",
    )  # fmt: skip


def read(path: Path) -> list[dict[str, Any]]:
    """The entries of a file that ``save`` or ``save_claims`` wrote. Raises DiagnosticError E0850."""
    help = "attndsl falsify --out FILE writes one"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise fail("E0850", f"cannot read {path}: {(error.strerror or str(error)).lower()}", help=help) from error
    except ValueError as error:
        raise fail("E0850", f"{path} is not a counterexample: it is not JSON", help=help) from error
    wrong = "it is not a list" if not isinstance(content, list) or not content else None
    for entry in content if wrong is None else ():
        wrong = wrong or _wrong(entry)
    if wrong is not None:
        raise fail("E0850", f"{path} is not a counterexample: {wrong}", help=help)
    return list(content)


def _wrong(entry: Any) -> str | None:
    """What is wrong with one entry, None when nothing is."""
    if not isinstance(entry, dict):
        return "an entry is not an object"
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        return f"an entry has no {missing[0]}"
    if not isinstance(entry["text"], str) or not entry["text"].strip():
        return "an entry has an empty text"
    if isinstance(entry["below"], bool) or not isinstance(entry["below"], int | float):
        return "an entry has a limit that is no number"
    for key in ("file", "program", "model", "revision", "head", "against", "claim", "changed"):
        if entry.get(key) is not None and not isinstance(entry[key], str):
            return f"an entry has a {key} that is no text"
    if entry["program"] is None or entry["model"] is None:
        return "an entry names no program or no model"
    if entry["head"] is not None and entry["against"] is not None:
        return "an entry names both a head and a program in place of one"
    if all(entry[key] is None for key in ("head", "against", "claim")):
        return "an entry names none of head, against and claim"
    if entry.get("changed") is not None and (entry["claim"] is None or not str(entry["changed"]).strip()):
        return "an entry has a changed text and no claim, or an empty one"
    return None
