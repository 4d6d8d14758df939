"""What a model is told: the language (the grammar file itself, its page, examples, the error language), and one head.

The first part is the same for every head and every round, and marked for the prompt cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

from attndsl.dsl.codes import all_codes
from attndsl.dsl.diagnostics import Diagnostic
from attndsl.dsl.library import library_text
from attndsl.dsl.render import render
from attndsl.grammar import grammar_text

LANGUAGES = ("attn", "python", "short")
"""What answers are written in; ``short`` is our language by examples alone, for a small model with a small context."""
EXAMPLES = ("positional", "lookback", "induction", "mixtures")
EXAMPLES_EACH = 4
ERROR_CODES = ("E00", "E02", "E04")
SHOWN_ERRORS = 5

_TASK = """\
You explain attention heads of a transformer by writing small programs. A program predicts, for every query token of a
text, how much weight the head gives to every key token, from the text alone. It is scored by IoU with the head's true
pattern (sum of minima over sum of maxima, rows sum to one, 1 is perfect), on other texts of the same kind than the
ones you see: say what the head does in general, never list token numbers. Short programs are better than long ones
of the same score; a few rules usually do.
"""
_ATTN = """\
Write programs in the language described below, each in a fenced block marked attn. Begin with a sentence or two on what
the head seems to do. Give at most three programs. A claim says in one sentence what the program does.
"""
_PYTHON = """\
Write Python: one function f(sentence, tokenizer) that returns (name, matrix), in a fenced block marked python. Get the
tokens by tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"]), fill a numpy array [query, key] by loops
and conditions, and divide its rows by their sums. The program is read and compiled, never run: import numpy alone, no
helper exists that you do not define, and files, network, eval, exec, reflection, randomness and clocks are refused.
"""


@cache
def system_prompt(language: str, causal: bool) -> tuple[dict[str, Any], ...]:
    """The system blocks of every request; the last one ends what the service may cache."""
    heads = (
        "The heads are causal: a query sees itself and the tokens before it."
        if causal
        else "The heads are bidirectional: a query sees the whole text. Leave 'causal' out of the head line."
    )
    parts = [_TASK, heads]
    if language == "python":
        parts.append(_PYTHON)
    elif language == "short":
        parts.append(_examples(causal))
    else:
        parts += [_ATTN, _language(), _examples(causal), _errors()]
    return ({"type": "text", "text": "\n".join(parts), "cache_control": {"type": "ephemeral"}},)


def _language() -> str:
    page = (resources.files("attndsl.dsl") / "LANGUAGE.md").read_text(encoding="utf-8")
    return f"# The language\n\n{page}\n# Its grammar, in Lark's notation\n\n```lark\n{grammar_text()}```\n"


def _examples(causal: bool) -> str:
    if not causal:
        return f"# Examples\n\n```attn\n{_first_programs(library_text('bidirectional'))}```\n"
    texts = [_first_programs(library_text(theme)) for theme in EXAMPLES]
    return "# Examples\n\n```attn\n" + "\n".join(texts) + "```\n"


def _first_programs(text: str) -> str:
    """The first programs of a library file, which parts them by blank lines."""
    programs = [part.strip("\n") for part in text.split("\n\n") if part.lstrip().startswith("head ")]
    return "\n\n".join(programs[:EXAMPLES_EACH]) + "\n"


def _errors() -> str:
    names = [f"{code} {name}" for code, name in all_codes().items() if code.startswith(ERROR_CODES)]
    return (
        "# Errors\n\nA program that cannot be used comes back with messages such as\n"
        "error[E0201] undefined-name: Noun is not defined, the place in the text, and help. Codes: "
        + ", ".join(names)
        + ".\n"
    )


# ---------------------------------------------------------------- what is asked about a head


def first_question(summary: str, best: str, score: float) -> str:
    """Asked in the first round: the head, and the program to beat."""
    return (
        f"The head:\n\n{summary}\nThe best program so far has IoU {score:.3f} on these texts:\n\n{best}\n\n"
        "Write programs that explain the head better."
    )


def next_question(summary: str, best: str, score: float, tried: Sequence[tuple[float, str]]) -> str:
    """Asked in later rounds: the texts where the best program does worst and best, and what was tried."""
    lines = [f"{value:.3f}  {name}" for value, name in tried]
    before = "Tried so far (IoU, name):\n" + "\n".join(lines) + "\n\n" if lines else ""
    return (
        f"{before}The best program so far has IoU {score:.3f}:\n\n{best}\n\nOn the texts where it does worst and best, "
        f"the head is this:\n\n{summary}\nImprove the program, or write a better one."
    )


def repair_question(diagnostics: Sequence[Diagnostic], nothing: bool) -> str:
    """Asked after an answer without a program that can be used."""
    if nothing:
        return "There is no program in your answer. Write it in a fenced block, as described."
    shown = render(list(diagnostics)[:SHOWN_ERRORS], "full")
    return f"This cannot be used:\n\n{shown}\n\nWrite the repaired program in full, in a fenced block."
