"""A real client of the server, over pipes: ``session`` runs steps with one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient


class Session:
    """A client that waits for what the server publishes."""

    def __init__(self) -> None:
        self.client = LanguageClient("test", "1")
        self.published: dict[tuple[str, int | None], lsp.PublishDiagnosticsParams] = {}
        self.log: list[str] = []
        self.arrived = asyncio.Event()

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def on_publish(params: lsp.PublishDiagnosticsParams) -> None:
            self.published[params.uri, params.version] = params
            self.arrived.set()

        @self.client.feature(lsp.WINDOW_LOG_MESSAGE)
        def on_log(params: lsp.LogMessageParams) -> None:
            self.log.append(params.message)

    async def start(self) -> lsp.InitializeResult:
        await self.client.start_io(sys.executable, "-m", "attndsl", "lsp", "--stdio")
        result = await self.client.initialize_async(lsp.InitializeParams(capabilities=lsp.ClientCapabilities()))
        self.client.initialized(lsp.InitializedParams())
        return result

    def open(self, uri: str, text: str, language: str = "attn") -> None:
        item = lsp.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))

    def change(self, uri: str, version: int, text: str) -> None:
        whole = lsp.TextDocumentContentChangeWholeDocument(text)
        identifier = lsp.VersionedTextDocumentIdentifier(version, uri)
        self.client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [whole]))

    async def findings(self, uri: str, version: int) -> list[lsp.Diagnostic]:
        while (uri, version) not in self.published:
            self.arrived.clear()
            await asyncio.wait_for(self.arrived.wait(), 60)
        return list(self.published[uri, version].diagnostics)

    async def stop(self) -> None:
        await self.client.shutdown_async(None)
        self.client.exit(None)
        await asyncio.wait_for(self.client.stop(), 30)


def session(steps: Callable[[Session], Awaitable[None]]) -> None:
    async def run() -> None:
        client = Session()
        await client.start()
        try:
            await steps(client)
        finally:
            await client.stop()
        assert client.log == []

    asyncio.run(run())


def at(uri: str, line: int, character: int) -> dict[str, Any]:
    return {"text_document": lsp.TextDocumentIdentifier(uri), "position": lsp.Position(line, character)}


def edited(text: str, edits: Any) -> str:
    """The text after edits, counted in UTF-16 as a client does, in plain steps of the test's own."""
    lines = text.split("\n")
    starts = [sum(len(line.encode("utf-16-le")) // 2 + 1 for line in lines[:n]) for n in range(len(lines))]
    raw = text.encode("utf-16-le")
    for edit in sorted(edits, key=lambda e: -starts[e.range.start.line] - e.range.start.character):
        begin, end = ((starts[p.line] + p.character) * 2 for p in (edit.range.start, edit.range.end))
        raw = raw[:begin] + edit.new_text.encode("utf-16-le") + raw[end:]
    return raw.decode("utf-16-le")
