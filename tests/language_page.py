"""``docs/language.md``: the words of ``dsl/LANGUAGE.md`` and the tables that the checker itself reads.

``python tests/language_page.py`` writes the page anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from attndsl.dsl.builtins import (
    FOLDS,
    METHODS,
    NUMBER_FUNCTIONS,
    ROW_STATS,
    TEXT_FUNCTIONS,
    TOKEN_FEATURES,
    TOKEN_VIA_WORD,
    WORD_FEATURES,
)
from attndsl.dsl.codes import all_codes
from attndsl.dsl.policy import POLICY, Refused

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "language.md"
MADE = "<!-- Made by `python tests/language_page.py` from dsl/LANGUAGE.md and the checker's tables: edit those. -->\n"


def page() -> str:
    """The whole page."""
    words = (ROOT / "dsl" / "LANGUAGE.md").read_text(encoding="utf-8").rstrip()
    return "\n\n".join((MADE + words, *_features(), *_functions(), _python(), _codes())) + "\n"


def _features() -> Iterable[str]:
    tokens = [(f"`{name}`", info.kind.value, info.meaning) for name, info in TOKEN_FEATURES.items()]
    words = [
        (f"`{name}`", info.kind.value, "yes" if name in TOKEN_VIA_WORD else "", info.meaning)
        for name, info in WORD_FEATURES.items()
    ]
    yield "## Features of tokens\n\n" + _table(("feature", "type", "meaning"), tokens)
    note = "\n\n*Of a token*: asked of a token, it means that of the token's first word, and none where it has no word."
    yield "## Features of words\n\n" + _table(("feature", "type", "of a token", "meaning"), words) + note


def _functions() -> Iterable[str]:
    methods = [
        (
            f"`.{name}({', '.join(p if i < info.required else p + '?' for i, p in enumerate(info.params))})`",
            info.kind.value,
        )
        for name, info in METHODS.items()
    ]
    yield "## Methods of texts\n\nAs in Python; `texts` is a text or a set of texts.\n\n" + _table(
        ("method", "gives"), methods
    )
    numbers = [(f"`{name}`", _count(least, most)) for name, (least, most, _) in NUMBER_FUNCTIONS.items()]
    texts = [(f"`{name}`", f"{count} of texts") for name, (count, _) in TEXT_FUNCTIONS.items()]
    yield "## Functions\n\n" + _table(("function", "arguments"), numbers + texts)
    folds, stats = (", ".join(f"`{name}`" for name in names) for names in (FOLDS, ROW_STATS))
    yield f"Folds over a binder: {folds}. Statistics of the row so far: {stats}, as in `row.sum`."


def _count(least: int, most: int) -> str:
    return f"{least} of numbers" if least == most else f"{least} or more of numbers"


def _python() -> str:
    """What is read of Python, from the policy table."""
    refused: dict[str, tuple[str, list[str]]] = {}
    for name, found in sorted(POLICY.items()):
        if isinstance(found, Refused):
            refused.setdefault(found.code, (found.reason, []))[1].append(name)
    rows = [(code, reason, ", ".join(f"`{n}`" for n in names)) for code, (reason, names) in sorted(refused.items())]
    return "## Python that is refused\n\nBy the class of the construct in Python's `ast`.\n\n" + _table(
        ("code", "reason", "classes"), rows
    )


def _codes() -> str:
    rows = [
        (code, name) for code, name in sorted(all_codes().items()) if code[:3] in ("E00", "E01", "E02", "E04", "W02")
    ]
    note = "\n\n`attndsl rule CODE` shows the page of each, with a program that fails and a repaired one."
    return "## Diagnostics of programs\n\n" + _table(("code", "name"), rows) + note


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
