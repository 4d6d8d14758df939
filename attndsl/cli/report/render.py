"""Report data to one self-contained HTML page: no request leaves it, and its policy forbids any."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import html
import json
import os
import re
from importlib import resources
from pathlib import Path
from typing import Any

from attndsl.cli.report.data import ReportData, headline
from attndsl.cli.report.payload import payload
from attndsl.dsl.diagnostics import fail

SCRIPTS = (
    "base.js",  # first: the data, and the few helpers all others use
    "palette.js",
    "heatmap.js",
    "pattern.js",
    "strip.js",
    "code.js",
    "versus.js",
    "head.js",
    "broken.js",
    "charts.js",
    "damage.js",
    "kinds.js",
    "reuse.js",
    "lists.js",
    "keys.js",
    "report.js",  # last: it draws the page
)
MAX_BYTES = 5_000_000
"""Default limit on the page: a file people mail to each other and open on a phone."""
_MARK = re.compile(r"<!--@([a-z]+)-->")


def render_report(data: ReportData, *, max_bytes: int = MAX_BYTES) -> str:
    """The whole page as text; UTF-8 when written.

    Raises DiagnosticError E0842 when the page would exceed ``max_bytes`` bytes; the message says what pictures cost.
    """
    style = _resource("report.css")
    script = '(function () {\n"use strict";\n' + "\n".join(_resource(name) for name in SCRIPTS) + "\n})();\n"
    parts = {
        "policy": _policy(style, script),
        "title": html.escape(f"{data.model.name}: attention heads as programs"),
        "style": f"<style>{style}</style>",
        "data": f'<script type="application/json" id="report-data">{embed_json(payload(data))}</script>',
        "script": f"<script>{script}</script>",
        "noscript": _noscript(data),
    }
    # One pass over the template: text inside the data can never be taken for a mark.
    page = _MARK.sub(lambda mark: parts[mark[1]], _resource("report.html"))
    size = len(page.encode("utf-8"))
    if size > max_bytes:
        raise _too_large(data, size, max_bytes)
    return page


def write_report(data: ReportData, path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Path:
    """Write the page to ``path``, whole or not at all, and return the path. Missing folders are made.

    Raises DiagnosticError E0842 (too large) and E0843 (cannot be written).
    """
    target = Path(path)
    page = render_report(data, max_bytes=max_bytes)
    part = target.with_name(target.name + f".{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(page, encoding="utf-8", newline="\n")
        os.replace(part, target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise fail(
            "E0843", f"cannot write the report to '{target}': {reason}", help="choose another file with --out"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return target


def embed_json(value: Any) -> str:
    """JSON that is safe inside a ``<script>`` element: no ``<``, so no end tag and no comment can occur in it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _policy(style: str, script: str) -> str:
    """A content security policy that allows exactly our style and script, and no request at all."""
    ours = f"style-src {_digest(style)}; script-src {_digest(script)}"
    rules = f"default-src 'none'; img-src data:; {ours}; base-uri 'none'"
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def _digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"


def _noscript(data: ReportData) -> str:
    """The figures as a plain table for readers without JavaScript, text browsers and search."""
    top = headline(data)
    rows = "".join(
        f"<tr><th scope=row>{row.name}</th><td>{html.escape(row.program)}</td>"
        f"<td>{row.heldout_iou:.3f}</td><td>{row.lift:+.3f}</td></tr>"
        for row in data.heads
    )
    return (
        "<noscript><section class=panel><h2>This page needs JavaScript for its map and pictures</h2>"
        f"<p>Nothing is loaded from anywhere: the scripts are inside this file. The figures, without them "
        f"({html.escape(data.model.name)}, {html.escape(data.corpus)}, n = {data.n} tokens): mean held-out IoU "
        f"{top.mean:.3f}, median {top.median:.3f}, best baseline {top.best_baseline:.3f}, lift {top.lift:+.3f}, "
        f"over {top.heads} heads.</p><table><thead><tr><th scope=col>Head</th><th scope=col>Program</th>"
        f"<th scope=col>Held-out IoU (n = {data.n})</th><th scope=col>Lift</th></tr></thead><tbody>{rows}</tbody>"
        "</table></section></noscript>"
    )


def _too_large(data: ReportData, size: int, max_bytes: int) -> Exception:
    pictures = [
        sum(len(pair.predicted.data) + len(pair.real.data) for pair in example.heads.values())
        for example in data.examples
    ]
    tokens = ", ".join(str(len(example.tokens)) for example in data.examples) or "no"
    return fail(
        "E0842",
        f"the report takes {size:,} bytes, more than the limit of {max_bytes:,}",
        help="show fewer or shorter example texts, or picture fewer heads in each",
        notes=(f"pictures take {sum(pictures):,} bytes: {len(pictures)} examples of {tokens} tokens",),
    )


def _resource(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
