"""Multiple-choice questions from the user's files: PIQA and Social IQa as they are published, or a plain form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from attndsl.dsl.diagnostics import DiagnosticError, fail

T = TypeVar("T")

_LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt, the options that may follow it (each begins with its space), and the number of the right one."""

    prompt: str
    options: tuple[str, ...]
    answer: int


def load_questions(path: str | Path) -> list[Question]:
    """The questions of a ``.jsonl`` file, one object per line.

    PIQA: ``goal``, ``sol1``, ``sol2``, ``label``. Social IQa: ``context``, ``question``, ``answerA`` to ``answerC``,
    ``correct``. Any other: ``question``, ``choices`` (a list), ``answer`` (its number from 0). Prompts are those of
    lm-evaluation-harness. Raises E0644 for a file that cannot be read, or a line that is none of these.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or str(error)).lower() if isinstance(error, OSError) else "it is not UTF-8"
        raise fail("E0644", f"cannot read the questions {path}: {reason}", help="give a .jsonl file") from error
    found = [_question(line, path, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if not found:
        raise fail("E0644", f"{path} holds no question", help="one JSON object per line")
    return found


def sampled(questions: Sequence[T], count: int | None, seed: int) -> list[T]:
    """``count`` of the questions, drawn without replacement by ``seed``, in their order; all where there are fewer."""
    if count is None or count >= len(questions):
        return list(questions)
    places = np.sort(np.random.default_rng(seed).choice(len(questions), count, replace=False))
    return [questions[place] for place in places]


def _question(line: str, path: Path, number: int) -> Question:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise _unknown(path, number, "is not JSON") from error
    if not isinstance(row, dict):
        raise _unknown(path, number, "is not an object")
    try:
        found = _read(row)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _unknown(path, number, "is no question") from error
    if not 0 <= found.answer < len(found.options) or len(found.options) < 2:
        raise _unknown(path, number, "has no right answer among its options")
    if any(not option.strip() for option in found.options):
        raise _unknown(path, number, "has an empty option")
    return found


def _read(row: Mapping[str, Any]) -> Question:
    if "goal" in row:
        return Question(f"Question: {row['goal']}\nAnswer:", (f" {row['sol1']}", f" {row['sol2']}"), int(row["label"]))
    if "correct" in row:
        letters = [letter for letter in _LETTERS if f"answer{letter}" in row]
        options = tuple(f" {row[f'answer{letter}']}" for letter in letters)
        return Question(f"Q: {row['context']} {row['question']}\nA:", options, letters.index(row["correct"]))
    choices = row["choices"]
    if not isinstance(choices, list):
        raise TypeError(choices)
    return Question(f"Question: {row['question']}\nAnswer:", tuple(f" {c}" for c in choices), int(row["answer"]))


def _unknown(path: Path, number: int, what: str) -> DiagnosticError:
    return fail(
        "E0644",
        f"line {number} of {path} {what}",
        help="PIQA: goal, sol1, sol2, label; Social IQa: context, question, answerA.., correct; any other: question,"
        " choices, answer",
    )
