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
from pkgutil import get_data

_CODE = re.compile(r"[EW]\d{2,4}")
_TITLE = re.compile(r"^# ([EW]\d{2,4}): ([a-z0-9-]+)\s*$")


@cache
def _pages() -> dict[str, tuple[str, str]]:
    from importlib import resources  # for those who list or look up pages; reading programs does neither

    pages: dict[str, tuple[str, str]] = {}
    for entry in resources.files(__name__).iterdir():
        if not entry.name.endswith(".md"):
            continue
        text, code = entry.read_text(encoding="utf-8"), entry.name.removesuffix(".md")
        pages[code] = (_name(code, text), text)
    return dict(sorted(pages.items()))


def _name(code: str, text: str) -> str:
    match = _TITLE.match(text.split("\n", 1)[0])
    if match is None or match[1] != code:
        raise ValueError(f"the first line of {code}.md must be '# CODE: kebab-case-name'")
    return match[2]


def all_codes() -> dict[str, str]:
    """Every code with its name, in order."""
    return {code: name for code, (name, _) in _pages().items()}


@cache
def code_name(code: str) -> str:
    """The kebab-case name of a code. Raises KeyError for an unregistered code."""
    if not _CODE.fullmatch(code):
        raise KeyError(code)
    try:
        text = get_data(__name__, f"{code}.md")
    except OSError:
        text = None
    if text is None:
        raise KeyError(code)
    return _name(code, text.decode("utf-8"))


def page(code_or_name: str) -> tuple[str, str]:
    """(code, Markdown page) for a code or a name. Raises KeyError when neither exists."""
    wanted = code_or_name.strip()
    for code, (name, text) in _pages().items():
        if wanted.upper() == code or wanted.lower() == name:
            return code, text
    raise KeyError(code_or_name)
