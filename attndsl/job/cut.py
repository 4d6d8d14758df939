"""The texts of a run: how many, and how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attndsl.dsl.diagnostics import fail
from attndsl.job.settings import Settings

if TYPE_CHECKING:
    from attndsl.models.corpus import Text
    from attndsl.models.load import LoadedModel


def check_sizes(settings: Settings) -> None:
    """Raises DiagnosticError E0807 when no text could have the lengths that are asked for."""
    least = settings.least_tokens
    if settings.tokens < 2 or least < 2 or least > settings.tokens:
        raise fail(
            "E0807", f"there are no texts of {least} to {settings.tokens} tokens",
            help="give --min-tokens and --tokens with 2 <= min-tokens <= tokens",
        )  # fmt: skip


def cut(settings: Settings, texts: list[Text], loaded: LoadedModel) -> tuple[list[Text], int]:
    """The texts of a run, cut to its tokens, and how many were left out as too short. Raises DiagnosticError E0808."""
    from attndsl.models.encode import cut_texts

    least = settings.least_tokens
    kept, short = cut_texts(texts, loaded.tokenizer, max_tokens=settings.tokens, min_tokens=least)
    chosen: list[Text] = []
    for split, most in (("train", settings.train), ("heldout", settings.heldout)):
        found = [text for text in kept if text.split == split][:most]
        if not found:
            raise fail(
                "E0808", f"no {split} text of {settings.corpus} has {least} tokens",
                help="lower --min-tokens, or give a corpus with longer texts",
            )  # fmt: skip
        chosen += found
    return chosen, len(short)
