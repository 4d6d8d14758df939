"""The registry of diagnostic codes.

A code exists when it has a page ``dsl/codes/E0203.md`` whose first line is ``# E0203: unbounded-lookback``.
The page is what ``attndsl rule`` prints: meaning, one failing example, one repaired example. Codes are never
reused; ranges: E00 syntax, E01 construct refused, E02 names, types and bounds, E03 lowering, E04 run-time
limits and the sandbox, E05 kernels, caches and stores, E06 models and corpora, E07 grammar, E08 files and usage,
E09 synthesis, W01.. warnings.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

_TITLE = re.compile(r"^# ([EW]\d{2,4}): ([a-z0-9-]+)\s*$")


@cache
def _pages() -> dict[str, tuple[str, str]]:
    pages: dict[str, tuple[str, str]] = {}
    for entry in resources.files(__name__).iterdir():
        if not entry.name.endswith(".md"):
            continue
        text = entry.read_text(encoding="utf-8")
        match = _TITLE.match(text.split("\n", 1)[0])
        if match is None or match[1] + ".md" != entry.name:
            raise ValueError(f"the first line of {entry.name} must be '# CODE: kebab-case-name'")
        pages[match[1]] = (match[2], text)
    return dict(sorted(pages.items()))


def all_codes() -> dict[str, str]:
    """Every code with its name, in order."""
    return {code: name for code, (name, _) in _pages().items()}


def code_name(code: str) -> str:
    """The kebab-case name of a code. Raises KeyError for an unregistered code."""
    return _pages()[code][0]


def page(code_or_name: str) -> tuple[str, str]:
    """(code, Markdown page) for a code or a name. Raises KeyError when neither exists."""
    wanted = code_or_name.strip()
    for code, (name, text) in _pages().items():
        if wanted.upper() == code or wanted.lower() == name:
            return code, text
    raise KeyError(code_or_name)
