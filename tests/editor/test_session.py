"""One session of a real client with the real server over pipes: open, edit, hover, format, jump, fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor_client import Session, at, edited, session
from lsprotocol import types as lsp

pytestmark = pytest.mark.integration
URI = "file:///project/ends.attn"
TEXT = (
    'head "é😀 ends" causal\r\n'
    'let Stop = {".", "!"}\r\n'
    "let Noun(t) = t.is_punct\r\n"
    "add 1 to last(k where k.text in Stpo) # 😀\r\n"
    "add 1 to each j where Noun(j)\r\n"
)
PROGRAM = """import numpy as np
def tag_word(t):
    return t.lower()

def f(sentence, tokenizer):
    toks = tokenizer.convert_ids_to_tokens(tokenizer(sentence)["input_ids"])
    att = np.zeros((len(toks), len(toks)))
    for i in range(len(toks)):
        s = '😀' + tag_words(toks[i])
        att[i, i] = 1.0
    return "f", att
"""


def test_a_session_with_a_file_of_our_language() -> None:
    async def steps(s: Session) -> None:
        s.open(URI, TEXT)
        found = await s.findings(URI, 1)
        assert [(d.code, d.range.start.line) for d in found] == [("E0201", 3)]
        assert found[0].range == lsp.Range(lsp.Position(3, 32), lsp.Position(3, 36))
        assert found[0].code_description is not None
        page = Path(found[0].code_description.href.removeprefix("file://"))
        assert page.read_text(encoding="utf-8").startswith("# E0201")

        fixes = await s.client.text_document_code_action_async(
            lsp.CodeActionParams(lsp.TextDocumentIdentifier(URI), found[0].range, lsp.CodeActionContext(found))
        )
        assert fixes is not None
        (fix,) = fixes
        assert isinstance(fix, lsp.CodeAction)
        assert (fix.title, fix.is_preferred) == ("write Stop", True)
        assert fix.edit is not None
        assert fix.edit.changes is not None
        mended = edited(TEXT, fix.edit.changes[URI])
        assert mended == TEXT.replace("Stpo", "Stop")
        s.change(URI, 2, mended)
        assert await s.findings(URI, 2) == []

        said = await s.client.text_document_hover_async(lsp.HoverParams(**at(URI, 0, 8)))
        assert said is not None
        assert isinstance(said.contents, lsp.MarkupContent)
        assert "cost **O(n^2)**" in said.contents.value
        assert "`token.text`" in said.contents.value
        assert "`Stop`: set of texts" in said.contents.value
        assert said.range == lsp.Range(lsp.Position(0, 5), lsp.Position(0, 15))

        for line, character, wanted in ((3, 33, (1, 4, 8)), (4, 23, (2, 4, 8)), (4, 27, (4, 14, 15))):
            place = await s.client.text_document_definition_async(lsp.DefinitionParams(**at(URI, line, character)))
            assert isinstance(place, lsp.Location)
            to = place.range
            assert (to.start.line, to.start.character, to.end.character) == wanted

        edits = await s.client.text_document_formatting_async(
            lsp.DocumentFormattingParams(lsp.TextDocumentIdentifier(URI), lsp.FormattingOptions(4, True))
        )
        assert edits
        from attndsl.editor.server import formatted

        canonical = formatted(mended.replace("\r\n", "\n"), "x")
        assert canonical is not None
        assert edited(mended, edits) == canonical.replace("\n", "\r\n")

        outline = await s.client.text_document_document_symbol_async(
            lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(URI))
        )
        assert outline is not None
        (head,) = outline
        assert isinstance(head, lsp.DocumentSymbol)
        assert (head.name, head.detail) == ("é😀 ends", "lifted, O(n^2)")
        assert [c.name for c in head.children or ()] == ["Stop", "Noun"]

    session(steps)


def test_a_session_with_python_and_with_what_is_not_ours(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    uri, other, odd = "file:///project/f.py", "file:///project/other.py", "file:///project/notes.txt"

    async def steps(s: Session) -> None:
        s.open(uri, f"open({str(trap)!r}, 'w')\n" + PROGRAM, "python")
        s.open(other, "class A:\n    async def f(self): await 1\nimport os; os.system('x'\n", "python")
        s.open(odd, "head", "plaintext")
        found = await s.findings(uri, 1)
        assert sorted(str(d.code) for d in found) == ["E0144", "E0220"]
        wrong = next(d for d in found if d.code == "E0220")
        assert (wrong.range.start.line, wrong.range.start.character) == (9, 19)
        fixes = await s.client.text_document_code_action_async(
            lsp.CodeActionParams(lsp.TextDocumentIdentifier(uri), wrong.range, lsp.CodeActionContext([]))
        )
        assert [f.title for f in fixes or ()] == ["write tag_word"]
        assert await s.findings(other, 1) == []

        s.change(uri, 2, PROGRAM[:-20])  # half-typed
        assert {d.code for d in await s.findings(uri, 2)} <= {"E0117", "E0118", "E0141", "E0220"}
        s.change(uri, 3, PROGRAM.replace("tag_words", "tag_word"))
        assert await s.findings(uri, 3) == []
        said = await s.client.text_document_hover_async(lsp.HoverParams(**at(uri, 4, 4)))
        assert said is not None
        assert isinstance(said.contents, lsp.MarkupContent)
        assert "**lifted**, cost **O(n)**" in said.contents.value
        outline = await s.client.text_document_document_symbol_async(
            lsp.DocumentSymbolParams(lsp.TextDocumentIdentifier(uri))
        )
        assert [o.name for o in outline or ()] == ["f"]
        assert await s.client.text_document_hover_async(lsp.HoverParams(**at(odd, 0, 1))) is None
        assert (odd, 1) not in s.published

    session(steps)
    assert not trap.exists()


def test_fast_typing_gives_findings_for_the_last_text_only() -> None:
    async def steps(s: Session) -> None:
        s.open(URI, "")
        for version in range(2, 40):
            s.change(URI, version, TEXT[:version])
        s.change(URI, 40, TEXT)
        assert [d.code for d in await s.findings(URI, 40)] == ["E0201"]
        assert len(s.published) <= 3

    session(steps)


def test_the_transcript_in_the_documentation_is_real() -> None:
    from record_transcript import DOCUMENT, transcript

    assert f"```text\n{transcript()}```" in DOCUMENT.read_text(encoding="utf-8"), (
        "python tests/editor/record_transcript.py prints what a session says now"
    )
