"""The language server: keeps open texts, looks at them in the background, answers an editor's requests.

Work on a text begins a moment after the last key, in one worker thread; a newer version stops the work on the older
one at its next program. Requests are answered from the current text; what needs the finished work waits for it a while.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from attndsl import __version__
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.dsl.source import SourceFile, Span
from attndsl.editor import navigation
from attndsl.editor.analysis import Analysis, analyse
from attndsl.editor.hover import hover
from attndsl.editor.places import Places, with_plain_ends
from attndsl.editor.protocol import diagnostics_of, fixes_of, outline_of, range_of, replacement_of

PAUSE_S = 0.15  # after the last key
PATIENCE_S = 2.0  # how long a request waits for the work on its text


class Stale(Exception):
    """The text that is being looked at is no longer the current one."""


@dataclass
class Open:
    """One open text with LF line ends, and what is known about it."""

    uri: str
    python: bool
    text: str
    version: int | None
    line_end: str
    places: Places
    stop: threading.Event = field(default_factory=threading.Event)
    task: asyncio.Task[None] | None = None
    analysis: Analysis | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return PurePosixPath(unquote(urlsplit(self.uri).path)).name or self.uri


class AttentionServer(LanguageServer):
    """The server with its open texts."""

    def __init__(self, pause: float = PAUSE_S) -> None:
        super().__init__("attndsl", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.pause = pause
        self.texts: dict[str, Open] = {}
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="attndsl")

    # ------------------------------------------------------------ texts

    def put(self, uri: str, text: str, version: int | None, python: bool) -> None:
        """A new version of a text: what is known about the old one is void."""
        self.forget(uri)
        line_end = "\r\n" if "\r\n" in text else "\n"
        plain = with_plain_ends(text)
        encoding = str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding))
        opened = Open(uri, python, plain, version, line_end, Places(plain, encoding))
        self.texts[uri] = opened
        opened.task = asyncio.get_running_loop().create_task(self._look(opened))

    def forget(self, uri: str) -> None:
        """End the work on a text."""
        old = self.texts.pop(uri, None)
        if old is not None:
            old.stop.set()
            if old.task is not None:
                old.task.cancel()

    async def _look(self, opened: Open) -> None:
        await asyncio.sleep(self.pause)

        def watch() -> None:
            if opened.stop.is_set():
                raise Stale

        def work() -> Analysis:
            watch()
            return analyse(opened.text, opened.name, opened.python, watch)

        try:
            opened.analysis = await asyncio.get_running_loop().run_in_executor(self.worker, work)
        except Stale:
            return
        except Exception as error:  # our bug: the editor goes on, and its log says so
            what = f"attndsl {__version__}: a bug, please report it: {type(error).__name__}: {error}"
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Error, what))
            return
        self._publish(opened)

    def _publish(self, opened: Open) -> None:
        if self.texts.get(opened.uri) is opened and opened.analysis is not None:
            shown = diagnostics_of(opened.places, opened.uri, opened.analysis.findings)
            self.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(opened.uri, shown, version=opened.version)
            )

    async def settled(self, uri: str) -> Open | None:
        """The text, its work finished where that does not take long."""
        opened = self.texts.get(uri)
        if opened is not None and opened.task is not None and not opened.task.done():
            await asyncio.wait([opened.task], timeout=PATIENCE_S)
        return self.texts.get(uri)

    def close(self) -> None:
        for uri in list(self.texts):
            self.forget(uri)
        self.worker.shutdown(wait=False, cancel_futures=True)


def is_python(uri: str, language: str) -> bool | None:
    """Whether a text is Python (True), our language (False), or nothing of ours (None)."""
    path = urlsplit(uri).path
    if language == "attn" or path.endswith(".attn"):
        return False
    return True if language == "python" or path.endswith(".py") else None


def serve(pause: float = PAUSE_S) -> None:
    """Speak the protocol on stdin and stdout until the editor ends it."""
    server = build(pause)
    try:
        server.start_io()
    finally:
        server.close()


def build(pause: float = PAUSE_S) -> AttentionServer:
    """A server with all of its features."""
    server = AttentionServer(pause)
    _keep_texts(server)
    _answer(server)
    return server


def _keep_texts(server: AttentionServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        python = is_python(document.uri, str(document.language_id))
        if python is not None:
            server.put(document.uri, document.text, document.version, python)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        old = server.texts.get(uri)
        if old is not None:
            text = server.workspace.get_text_document(uri).source
            server.put(uri, text, params.text_document.version, old.python)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri in server.texts:
            server.forget(uri)
            server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))


def _answer(server: AttentionServer) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def on_hover(params: lsp.HoverParams) -> lsp.Hover | None:
        opened = await server.settled(params.text_document.uri)
        if opened is None:
            return None
        found = hover(opened.text, _offset(opened, params.position), opened.python, opened.analysis)
        if found is None:
            return None
        said = lsp.MarkupContent(lsp.MarkupKind.Markdown, found[0])
        return lsp.Hover(said, range_of(opened.places, found[1]))

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def on_definition(params: lsp.DefinitionParams) -> lsp.Location | None:
        opened = await server.settled(params.text_document.uri)
        if opened is None or opened.python:
            return None
        span = navigation.definition(opened.text, _offset(opened, params.position), opened.analysis)
        return lsp.Location(opened.uri, range_of(opened.places, span)) if span is not None else None

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def on_symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        opened = await server.settled(params.text_document.uri)
        if opened is None:
            return []
        return outline_of(opened.places, navigation.symbols(opened.text, opened.python, opened.analysis))

    @server.feature(
        lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix])
    )
    async def on_fixes(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        opened = await server.settled(params.text_document.uri)
        if opened is None or opened.analysis is None:
            return []
        wanted = Span(_offset(opened, params.range.start), _offset(opened, params.range.end))
        return fixes_of(opened.places, opened.uri, opened.analysis.findings, wanted)

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    async def on_format(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
        opened = server.texts.get(params.text_document.uri)
        if opened is None or opened.python:
            return None
        after = formatted(opened.text, opened.name)
        return replacement_of(opened.places, after, opened.line_end) if after is not None else None


def _offset(opened: Open, position: lsp.Position) -> int:
    return opened.places.offset(position.line, position.character)


def formatted(text: str, name: str) -> str | None:
    """The text in canonical form; None where it has errors of syntax (its diagnostics say which)."""
    from attndsl.dsl.parser import parse_library
    from attndsl.dsl.printer import to_text

    try:
        return to_text(parse_library(SourceFile(name, text)))
    except DiagnosticError:
        return None
