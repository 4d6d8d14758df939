"""Corpora: texts with a name and a split, from the user's files or from those that come with attndsl.

Formats, by file name: ``.jsonl`` with one object per line (``text``, optionally ``id`` and ``split``); ``.csv`` with a
column ``text`` (optionally ``id``, ``split``); anything else is plain text, where blank lines separate the texts, or,
in a file without a blank line, every line is a text.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail

SPLITS = ("train", "heldout")
HELDOUT_SHARE = 1 / 3
_MAX_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a corpus; ``split`` is ``train`` (choose and fit here) or ``heldout`` (report here)."""

    id: str
    text: str
    split: str


@dataclass(frozen=True, slots=True)
class _Row:
    id: str | None
    text: str
    split: str | None
    line: int


def bundled_corpora() -> list[str]:
    """Names of the corpora that come with attndsl."""
    folder = resources.files("attndsl.models.corpora")
    return sorted(entry.name.removesuffix(".jsonl") for entry in folder.iterdir() if entry.name.endswith(".jsonl"))


def load_corpus(source: str | Path, *, column: str = "text", heldout_share: float = HELDOUT_SHARE) -> list[Text]:
    """The texts of a bundled corpus (by name) or of a file, in order, every one in a split.

    ``column`` names the field of the text in ``.jsonl`` and ``.csv``. Texts without a split are divided by a hash of
    their content, ``heldout_share`` (0 to 1) of them held out: the same text is always on the same side, whatever
    else is in the file. With two texts or more neither side is empty.

    Raises E0620 (cannot be read), E0621 (no text), E0622 (not UTF-8 text), E0623 (malformed line), E0624 (unknown
    name), E0625 (one text in both splits).
    """
    name = str(source)
    data = _bundled(name) if not isinstance(source, Path) else None
    if data is None:
        data = _read(Path(source))
        suffix = Path(source).suffix.lower()
    else:
        suffix = ".jsonl"
    readers = {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".csv": _read_csv}
    rows = readers[suffix](name, data, column) if suffix in readers else _read_plain(data)
    rows = [row for row in rows if row.text.strip()]
    if not rows:
        raise fail("E0621", f"the corpus {name} has no text", help="give a file with a text that is not blank")
    return _split(_named(name, rows), name, heldout_share)


def _bundled(name: str) -> str | None:
    if name not in bundled_corpora():
        return None
    return resources.files("attndsl.models.corpora").joinpath(f"{name}.jsonl").read_text(encoding="utf-8")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise fail(
                "E0620",
                f"the corpus {path} is larger than {_MAX_BYTES // 2**20} MiB",
                help="give a sample: patterns of a few hundred texts say as much",
            )
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise fail(
            "E0622",
            f"the corpus {path} is not UTF-8 text (byte {error.start})",
            help="convert it, for example with: iconv -f latin1 -t utf-8 OLD > NEW",
        ) from error
    if "\0" in text:
        raise fail("E0622", f"the corpus {path} is a binary file", help="give a .txt, .jsonl or .csv file")
    return text


def _unreadable(path: Path, error: OSError) -> DiagnosticError:
    bundled = bundled_corpora()
    if isinstance(error, FileNotFoundError) and path.suffix == "" and len(path.parts) == 1:
        near = get_close_matches(str(path), bundled, 1)
        return fail(
            "E0624",
            f"there is no corpus '{path}'",
            help=(f"did you mean '{near[0]}'? " if near else "")
            + f"give a file, or one of those that come with attndsl: {', '.join(bundled)}",
        )
    return fail(
        "E0620",
        f"cannot read the corpus {path}: {(error.strerror or str(error)).lower()}",
        help="give a readable .txt, .jsonl or .csv file",
    )


def _read_plain(data: str) -> list[_Row]:
    lines = data.splitlines()
    if not any(not line.strip() for line in lines):
        return [_Row(None, line, None, number) for number, line in enumerate(lines, 1)]
    rows: list[_Row] = []
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            block.append(line)
        elif block:
            rows.append(_Row(None, "\n".join(block), None, number - len(block)))
            block = []
    return rows


def _read_jsonl(name: str, data: str, column: str) -> list[_Row]:
    rows = []
    for number, line in enumerate(data.split("\n"), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _malformed(name, number, "the line is not JSON") from error
        if not isinstance(entry, dict):
            raise _malformed(name, number, f"an object is needed, not {type(entry).__name__}")
        rows.append(_row(name, number, entry, column))
    return rows


def _read_csv(name: str, data: str, column: str) -> list[_Row]:
    reader = csv.DictReader(io.StringIO(data, newline=""), strict=True)
    rows = []
    try:
        if reader.fieldnames is None or column not in reader.fieldnames:
            raise _malformed(name, 1, f"there is no column '{column}'")
        for entry in reader:
            rows.append(_row(name, reader.line_num, dict(entry), column))
    except csv.Error as error:
        raise _malformed(name, reader.line_num, str(error)) from error
    return rows


def _row(name: str, number: int, entry: dict[str, Any], column: str) -> _Row:
    text, split, id_ = entry.get(column), entry.get("split"), entry.get("id")
    if not isinstance(text, str):
        what = f"there is no '{column}'" if text is None else f"'{column}' is not a text"
        raise _malformed(name, number, what)
    if split in (None, ""):
        split = None
    elif split not in SPLITS:
        raise _malformed(name, number, f"the split is {split!r}, not 'train' or 'heldout'")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise _malformed(name, number, "the text holds half of a surrogate pair, which is not a character")
    return _Row(None if id_ in (None, "") else str(id_), text, split, number)


def _malformed(name: str, line: int, what: str) -> DiagnosticError:
    return fail(
        "E0623",
        f"the corpus {name} is malformed at line {line}: {what}",
        help='a .jsonl corpus has lines like {"id": "a1", "text": "...", "split": "train"}; a .csv has a header line;'
        " id and split may be left out",
    )


def _named(name: str, rows: Sequence[_Row]) -> list[_Row]:
    """Rows with an id each: the given one, or the number of the text. Raises E0623 when two are equal."""
    seen: dict[str, int] = {}
    named = []
    for number, row in enumerate(rows):
        id_ = row.id if row.id is not None else str(number)
        if id_ in seen:
            raise _malformed(name, row.line, f"the id '{id_}' was used at line {seen[id_]}")
        seen[id_] = row.line
        named.append(replace(row, id=id_))
    return named


def _split(rows: Sequence[_Row], name: str, heldout_share: float) -> list[Text]:
    order = {row.text: _fraction(row.text) for row in rows if row.split is None}
    held = {text for text, fraction in order.items() if fraction < heldout_share}
    if len(order) > 1 and 0 < heldout_share < 1 and all(row.split is None for row in rows):
        if not held:
            held = {min(order, key=order.__getitem__)}
        elif len(held) == len(order):
            held.discard(max(order, key=order.__getitem__))
    sides: dict[str, str] = {}
    texts = []
    for row in rows:
        split = row.split or ("heldout" if row.text in held else "train")
        if sides.setdefault(row.text, split) != split:
            raise fail(
                "E0625",
                f"the corpus {name} has the text of '{row.id}' in both splits",
                help="a text that was used for choosing must not be used for reporting: remove one of the two",
            )
        texts.append(Text(row.id or "", row.text, split))
    return texts


def _fraction(text: str) -> float:
    """A number from 0 to 1 that depends on the text only."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
