"""Result tables as data, and as JSON, CSV or Parquet files."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attndsl.dsl.diagnostics import fail

Cell = str | int | float | None
FORMATS = (".json", ".csv", ".parquet")


@dataclass(frozen=True)
class Table:
    """Columns of equal length (strings, ints, floats, None) and ``meta``: settings and totals that belong to them."""

    columns: Mapping[str, Sequence[Cell]]
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(values) for values in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of a table have different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, column: str) -> Sequence[Cell]:
        return self.columns[column]

    def rows(self) -> list[dict[str, Cell]]:
        """One dict per row; a float that is not a number becomes None."""
        cells = {name: [_plain(value) for value in values] for name, values in self.columns.items()}
        return [{name: values[row] for name, values in cells.items()} for row in range(len(self))]

    def _repr_html_(self) -> str:
        from attndsl.runtime.shown import table_html

        return table_html(self)

    def to_json(self) -> str:
        """``{"meta": {...}, "columns": [...], "rows": [{...}]}``, numbers in full."""
        content = {"meta": _plain_tree(self.meta), "columns": list(self.columns), "rows": self.rows()}
        return json.dumps(content, ensure_ascii=False, indent=1) + "\n"

    def to_csv(self) -> str:
        """A header and the rows, numbers in full, None as an empty cell; ``meta`` is left out."""
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(self.columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows())
        return text.getvalue()

    def to_parquet(self) -> bytes:
        """Parquet bytes with ``meta`` as JSON under the schema key ``attndsl``. Raises E0537 without pyarrow."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise fail(
                "E0537",
                "writing Parquet needs pyarrow, which is not installed",
                help="pip install 'attndsl[table]', or write .json or .csv",
            ) from error
        cells = {name: [_plain(value) for value in values] for name, values in self.columns.items()}
        table = pyarrow.table(cells)
        meta = json.dumps(_plain_tree(self.meta), ensure_ascii=False)
        sink = io.BytesIO()
        pyarrow.parquet.write_table(table.replace_schema_metadata({"attndsl": meta}), sink)
        return sink.getvalue()

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the table in the format of the name's ending; the file appears whole or not at all.

        Raises E0539 (unknown ending), E0538 (cannot write), E0537 (Parquet without pyarrow).
        """
        target = Path(path)
        check_ending(target)
        if target.suffix == ".parquet":
            content = self.to_parquet()
        else:
            content = (self.to_json() if target.suffix == ".json" else self.to_csv()).encode()
        try:
            handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                os.chmod(temporary, 0o644)
                os.replace(temporary, target)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            raise fail(
                "E0538", f"cannot write {target}: {error.strerror or error}", help="choose another path"
            ) from error
        return target


def check_ending(path: Path) -> None:
    """Raise E0539 unless the name ends in one of ``FORMATS``; to be asked before any long work."""
    if path.suffix not in FORMATS:
        raise fail("E0539", f"no table format is called '{path.suffix}'", help=f"one of {', '.join(FORMATS)}")


def _plain(value: Any) -> Cell:
    if value is None or isinstance(value, (str, bool)):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value  # type: ignore[no-any-return]


def _plain_tree(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain_tree(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_tree(item) for item in value]
    return _plain(value)
