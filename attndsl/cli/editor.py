"""``attndsl lsp``: the language server."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lsp", rich_help_panel="Program files")(lsp)


def lsp(
    stdio: Annotated[
        bool, typer.Option("--stdio", help="Speak on stdin and stdout: the only way, and the default.")
    ] = True,
) -> int:
    """Serve editors: diagnostics, hover, formatting, definitions, outline and quick fixes of program files.

    Editors start it by themselves; docs/editor.md says how to switch it on. Program files are read, never run.
    """
    from attndsl.dsl.diagnostics import fail

    try:
        from attndsl.editor.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise fail(
            "E0860", f"the language server needs the package {error.name}", help="pip install 'attndsl[lsp]'"
        ) from None
    serve()
    return 0
