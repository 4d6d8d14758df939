"""Report data to and from plain JSON objects, so that a run folder can keep it and draw the page again."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Any

from attndsl.cli.report.data import ReportData
from attndsl.dsl.diagnostics import fail


def to_json(data: ReportData) -> dict[str, Any]:
    """The data as nested dicts, lists, strings and finite numbers; ``from_json`` reads it back equal."""
    return typing.cast("dict[str, Any]", _plain(asdict(data)))


def from_json(value: Mapping[str, Any]) -> ReportData:
    """Read what ``to_json`` wrote. Raises DiagnosticError E0840 on a missing, unknown or ill-typed field."""
    return typing.cast(ReportData, _read(ReportData, value, "report"))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _read(kind: Any, value: Any, path: str) -> Any:
    if is_dataclass(kind):
        return _read_fields(kind, value, path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return _read_union(arguments, value, path)
    if origin is tuple:
        items = _expect(value, list | tuple, "a list", path)
        return tuple(_read(arguments[0], item, f"{path}[{i}]") for i, item in enumerate(items))
    if origin is Mapping:
        items = _expect(value, Mapping, "an object", path)
        return {str(key): _read(arguments[1], item, f"{path}.{key}") for key, item in items.items()}
    if kind is float:
        number = _expect(value, int | float, "a number", path)
        return float(_not_bool(number, path))
    if kind is int:
        return _not_bool(_expect(value, int, "a whole number", path), path)
    return _expect(value, kind, f"a {kind.__name__}", path)


def _read_fields(kind: Any, value: Any, path: str) -> Any:
    items = _expect(value, Mapping, "an object", path)
    hints = typing.get_type_hints(kind)
    unknown = sorted(set(items) - set(hints))
    required = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    missing = sorted(required - set(items))
    if unknown or missing:
        words = [f"lacks {name!r}" for name in missing] + [f"has an unknown field {name!r}" for name in unknown]
        raise fail("E0840", f"{path} {' and '.join(words)}", help="was it written by another version of attndsl?")
    return kind(**{name: _read(hints[name], item, f"{path}.{name}") for name, item in items.items()})


def _read_union(arguments: tuple[Any, ...], value: Any, path: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    choices = [a for a in arguments if a is not type(None)]
    if len(choices) == 1:
        return _read(choices[0], value, path)
    return _expect(value, tuple(choices), "a string, number, truth value or null", path)


def _expect(value: Any, kind: Any, words: str, path: str) -> Any:
    if not isinstance(value, kind):
        raise fail("E0840", f"{path} is {value!r:.60}, not {words}")
    return value


def _not_bool(value: Any, path: str) -> Any:
    if isinstance(value, bool):
        raise fail("E0840", f"{path} is {value}, not a number")
    return value
