"""Mistakes on the command line as diagnostics, like every other mistake."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import typer

from attndsl.dsl.diagnostics import Diagnostic, diagnostic


def usage_error(error: typer.TyperException) -> Diagnostic:
    """What the option parser found wrong, with the nearest thing that exists; code E0811."""
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "attndsl"
    lines = error.format_message().strip().splitlines() or ["the command line cannot be read"]
    text = _without_suggestion(lines[0]).rstrip(".")
    help = f"{command} --help lists what there is"
    near = _near(error, text, context)
    if near:
        help = f"did you mean {' or '.join(near)}? {help}"
    return diagnostic("E0811", text[:1].lower() + text[1:], help=help)


def _without_suggestion(text: str) -> str:
    for start in (" (Possible options:", " Did you mean"):
        text = text.split(start, 1)[0]
    return text.replace(": Value error, ", ": ").replace("Invalid value for ", "wrong value for ")


def _near(error: Any, text: str, context: Any) -> list[str]:
    possible = list(getattr(error, "possibilities", None) or ())
    if possible:
        wanted = str(getattr(error, "option_name", ""))
        return get_close_matches(wanted, possible, n=2, cutoff=0.5) or possible[:2]
    commands = getattr(getattr(context, "command", None), "commands", None)
    if commands and "command" in text:
        return get_close_matches(text.rsplit("'", 2)[-2], list(commands), n=1) if text.count("'") >= 2 else []
    return []


def is_help(error: typer.TyperException) -> bool:
    """Whether the parser's error is only that there was nothing to parse, and its message the help text."""
    return type(error).__name__ == "NoArgsIsHelpError"
