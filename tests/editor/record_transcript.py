"""Prints what a session with the language server says; docs/editor.md shows it, and a test compares."""

from __future__ import annotations

from pathlib import Path

from editor_client import Session, at, edited, session
from lsprotocol import types as lsp

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "editor.md"
URI = "file:///project/broken.attn"


def _place(found: lsp.Range) -> str:
    start, end = found.start, found.end
    return f"{start.line}:{start.character}-{end.line}:{end.character}"


def transcript() -> str:
    """``>`` is what the editor sends, ``<`` what the server answers; lines and columns count from 0."""
    said: list[str] = []
    text = (ROOT / "examples" / "broken.attn").read_text(encoding="utf-8")

    async def findings(s: Session, version: int) -> list[lsp.Diagnostic]:
        found = await s.findings(URI, version)
        said.append(f"< publishDiagnostics, version {version}: {len(found)}")
        said.extend(f"    {_place(d.range)} {d.code} {d.message.splitlines()[0]}" for d in found)
        return found

    async def steps(s: Session) -> None:
        document = lsp.TextDocumentIdentifier(URI)
        said.append("> didOpen examples/broken.attn")
        s.open(URI, text)
        found = await findings(s, 1)

        said.append(f"> codeAction {_place(found[0].range)}")
        wanted = lsp.CodeActionParams(document, found[0].range, lsp.CodeActionContext(found))
        (fix,) = await s.client.text_document_code_action_async(wanted) or ()
        assert isinstance(fix, lsp.CodeAction)
        assert fix.edit is not None
        assert fix.edit.changes is not None
        (edit,) = fix.edit.changes[URI]
        said.append(f"< {fix.title}: {_place(edit.range)} becomes {edit.new_text!r}")

        said.append("> didChange, the fix applied, the last two lines taken out")
        mended = "".join(edited(text, [edit]).splitlines(keepends=True)[:3])
        s.change(URI, 2, mended)
        await findings(s, 2)

        use = lsp.Position(edit.range.start.line, edit.range.start.character + 1)
        said.append(f"> definition {use.line}:{use.character}")
        where = await s.client.text_document_definition_async(lsp.DefinitionParams(document, use))
        assert isinstance(where, lsp.Location)
        said.append(f"< {_place(where.range)}")

        said.append("> hover 0:1")
        about = await s.client.text_document_hover_async(lsp.HoverParams(**at(URI, 0, 1)))
        assert about is not None
        assert isinstance(about.contents, lsp.MarkupContent)
        said.extend(f"< {line}" for line in about.contents.value.splitlines() if line)

        spaced = mended.replace(" = ", "=").replace("to last", "to   last")
        said.append("> didChange, spaces missing and too many; formatting")
        s.change(URI, 3, spaced)
        options = lsp.FormattingOptions(4, True)
        edits = await s.client.text_document_formatting_async(lsp.DocumentFormattingParams(document, options))
        assert edits
        assert edited(spaced, edits) == mended
        said.extend(f"< {_place(e.range)} becomes {e.new_text!r}" for e in edits)

    session(steps)
    return "".join(f"{line}\n" for line in said)


if __name__ == "__main__":
    print(transcript(), end="")
