"""A small HTTP server on loopback that speaks the Messages and Batches interfaces, answers by a script, and counts.

``script(params, nth)`` says what comes of the nth arrival (from 0) of one and the same request; it may wait, and it may
be asked from several threads at once. Every answer costs tokens that the server itself decides, so that what a client
says it spent can be compared with what it was billed.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"input_tokens": 700, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 300, "output_tokens": 50}


@dataclass(frozen=True)
class Reply:
    """A message (``text``, ``stop``, ``usage``), or with another ``status`` an error of ``kind``; ``drop`` hangs up."""

    text: str = ""
    stop: str = "end_turn"
    usage: dict[str, int] = field(default_factory=lambda: dict(USAGE))
    status: int = 200
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Script = Callable[[dict[str, Any], int], Reply]


class MessagesServer:
    """Use as a context manager; ``url`` is the SDK's ``base_url``."""

    def __init__(self, script: Script, counted: int = 1000, polls: int = 1) -> None:
        self.script, self.counted, self.polls = script, counted, polls
        self.received: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.usages: list[dict[str, int]] = []
        self.batches: dict[str, tuple[list[dict[str, Any]], int]] = {}
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.lock = threading.Lock()
        server = self

        class Handler(_Handler):
            owner = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> MessagesServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def reply(self, params: dict[str, Any]) -> tuple[str, Reply]:
        key = json.dumps(params, sort_keys=True)
        with self.lock:
            nth = self.received[key]
            self.received[key] += 1
        return key, self.script(params, nth)

    def bill(self, key: str, reply: Reply) -> dict[str, Any]:
        with self.lock:
            self.answered[key] += 1
            self.usages.append(reply.usage)
            number = len(self.usages)
        return {
            "id": f"msg_{number}",
            "type": "message",
            "role": "assistant",
            "model": json.loads(key)["model"],
            "content": [{"type": "text", "text": reply.text}] if reply.text else [],
            "stop_reason": reply.stop,
            "stop_sequence": None,
            "usage": reply.usage,
        }

    # ------------------------------------------------------------ batches

    def take_batch(self, requests: list[dict[str, Any]]) -> dict[str, Any]:
        name = f"msgbatch_{len(self.batches)}"
        self.batches[name] = (requests, self.polls)
        return self.batch(name)

    def batch(self, name: str) -> dict[str, Any]:
        requests, left = self.batches[name]
        self.batches[name] = (requests, left - 1)
        ended = left <= 0
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts,
            "created_at": "2026-11-25T00:00:00Z",
            "expires_at": "2026-11-26T00:00:00Z",
            "results_url": f"{self.url}/v1/messages/batches/{name}/results" if ended else None,
        }

    def batch_results(self, name: str) -> list[dict[str, Any]]:
        if name not in self.results:
            self.results[name] = [self._result(entry) for entry in self.batches[name][0]][::-1]  # in any order
        return self.results[name]

    def _result(self, entry: dict[str, Any]) -> dict[str, Any]:
        key, reply = self.reply(entry["params"])
        if reply.kind == "expired":
            result: dict[str, Any] = {"type": "expired"}
        elif reply.status != 200:
            error = {"type": "error", "error": {"type": reply.kind, "message": reply.text}}
            result = {"type": "errored", "error": error}
        else:
            result = {"type": "succeeded", "message": self.bill(key, reply)}
        return {"custom_id": entry["custom_id"], "result": result}


class _Handler(BaseHTTPRequestHandler):
    owner: MessagesServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        return None

    def do_GET(self) -> None:
        self.owner.calls[f"GET {self.path.split('?')[0]}"] += 1
        if self.path.startswith("/v1/models"):
            models = [
                {"id": "claude-new", "type": "model", "display_name": "New", "created_at": "2026-01-01T00:00:00Z"}
            ]
            return self._json(200, {"data": models, "has_more": False, "first_id": None, "last_id": None})
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[-1] == "results":
            lines = "".join(json.dumps(line) + "\n" for line in self.owner.batch_results(parts[-2]))
            return self._send(200, lines.encode(), {"content-type": "application/x-jsonl"})
        return self._json(200, self.owner.batch(parts[-1]))

    def do_POST(self) -> None:
        params = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.split("?")[0]
        self.owner.calls[f"POST {path}"] += 1
        if path == "/v1/messages/count_tokens":
            return self._json(200, {"input_tokens": self.owner.counted})
        if path == "/v1/messages/batches":
            return self._json(200, self.owner.take_batch(params["requests"]))
        key, reply = self.owner.reply(params)
        if reply.drop:
            self.close_connection = True
            return None
        if reply.status != 200:
            error = {"type": "error", "error": {"type": reply.kind, "message": reply.text}}
            return self._json(reply.status, error, reply.headers)
        return self._json(200, self.owner.bill(key, reply))

    def _json(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(data).encode(), {"content-type": "application/json", **(headers or {})})

    def _send(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):  # the client was killed
            self.close_connection = True
