"""One way to name a model: a packaged name, a local folder, a GGUF file or a Hugging Face id."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.models.packaged import PACKAGED

Kind = Literal["packaged", "folder", "gguf", "hub"]

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")


@dataclass(frozen=True)
class ResolvedModel:
    """What a name means; nothing has been fetched. ``location`` is a path, a hub id or a packaged name."""

    kind: Kind
    name: str
    location: str
    revision: str | None = None


def resolve(name: str, revision: str | None = None) -> ResolvedModel:
    """Tell what kind of model ``name`` is, without network and without reading weights.

    Packaged names come first (write ``./smollm2-135m`` for a folder of that name), then existing files and folders,
    then hub ids; ``revision`` (branch, tag or commit) is for hub ids only. Raises E0601 (no such name), E0602 (no
    such folder or file, or not a model), E0605 (a revision where there is none).
    """
    found = _resolve(name.strip(), revision)
    if revision is not None and found.kind != "hub":
        raise fail(
            "E0605",
            f"'{name}' has no revision '{revision}': only models of the Hugging Face Hub have revisions",
            help="leave out the revision",
        )
    return found


def _resolve(name: str, revision: str | None) -> ResolvedModel:
    if not name:
        raise unknown_model(name)
    if name in PACKAGED:
        return ResolvedModel("packaged", name, name)
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            ggufs = sorted(path.glob("*.gguf"))
            raise fail(
                "E0602",
                f"the folder {name} is not a model: it has no config.json",
                help=f"name the file: {ggufs[0]}" if ggufs else "give a folder written by save_pretrained",
            )
        return ResolvedModel("folder", name, str(path))
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise fail(
                "E0602", f"the file {name} is not a model", help="give a .gguf file or the folder with config.json"
            )
        return ResolvedModel("gguf", name, str(path))
    looks_like_path = name.startswith((".", "/", "~", "\\")) or name.lower().endswith(".gguf") or name.count("/") > 1
    if looks_like_path:
        raise fail("E0602", f"there is no model folder or file {name}", help="check the path" + suggestion(name))
    if not _HUB_ID.fullmatch(name):
        raise unknown_model(name)
    return ResolvedModel("hub", name, name, revision)


def suggestion(name: str) -> str:
    """The nearest packaged name as a sentence for a help text, or an empty text."""
    near = get_close_matches(name.lower(), PACKAGED, 1)
    return f"; did you mean '{near[0]}'?" if near else ""


def unknown_model(name: str) -> DiagnosticError:
    """The diagnostic E0601."""
    return fail(
        "E0601",
        f"unknown model '{name}'",
        help=f"give a packaged model ({', '.join(PACKAGED)}), a local folder, a .gguf file or a Hugging Face id such as"
        f" openai-community/gpt2{suggestion(name)}",
    )
