"""Report data as the page reads it: programs, pictures and rules once each, referred to by number."""

from __future__ import annotations

from typing import Any

from attndsl.cli.report.data import ReportData, headline
from attndsl.cli.report.parts import VERDICTS
from attndsl.cli.report.serial import to_json

DIGITS = 5
Json = dict[str, Any]


def payload(data: ReportData) -> Json:
    """The data of the page as JSON-able objects, floats rounded to ``DIGITS`` decimals."""
    plain = to_json(data)
    programs, pictures = _Programs(), _Pictures()
    for row in plain["heads"]:
        _number_head(row, programs)
    names = {f"L{row['layer']}H{row['head']}": row for row in plain["heads"]}
    for example in plain["examples"]:
        _number_example(example, names, programs, pictures)
    for broken in plain["counterexamples"]:
        for side in ("predicted", "real"):
            broken[side] = pictures.number(broken[side])
    top = headline(data)
    plain["headline"] = {name: getattr(top, name) for name in top.__slots__}
    plain["programs"], plain["pictures"], plain["verdicts"] = programs.items, pictures.items, list(VERDICTS)
    rounded: Json = _rounded(plain)
    return rounded


class _Programs:
    """Programs by what they are; the same text under two names is two programs."""

    def __init__(self) -> None:
        self.items: list[Json] = []
        self._place: dict[tuple[str, str, str], int] = {}

    def number(self, name: str, text: str, claim: str) -> int:
        place = self._place.setdefault((name, text, claim), len(self.items))
        if place == len(self.items):
            self.items.append({"name": name, "text": text, "claim": claim, "kinds": [], "rules": []})
        return place


class _Pictures:
    """Pictures by their content: heads with one program share its picture."""

    def __init__(self) -> None:
        self.items: list[Json] = []
        self._place: dict[tuple[Any, ...], int] = {}

    def number(self, picture: Json) -> int:
        place = self._place.setdefault(tuple(picture.values()), len(self.items))
        if place == len(self.items):
            self.items.append(picture)
        return place


def _number_head(row: Json, programs: _Programs) -> None:
    row["program"] = programs.number(row["program"], row.pop("program_text"), row.pop("claim"))
    kept = programs.items[row["program"]]
    kept["kinds"] = row.pop("kinds")
    rules = row["rules"]
    if rules:
        kept["rules"] = [[rule["start"], rule["end"]] for rule in rules]
    row["rules"] = [
        [rule["texts"], rule["rows"], rule["mass"], rule["iou_lost"], VERDICTS.index(rule["verdict"])] for rule in rules
    ]
    for other in row["alternatives"]:
        other["program"] = programs.number(other["program"], other.pop("program_text"), other.pop("claim"))


def _number_example(example: Json, rows: dict[str, Json], programs: _Programs, pictures: _Pictures) -> None:
    for pair in example["heads"].values():
        pair["predicted"], pair["real"] = pictures.number(pair["predicted"]), pictures.number(pair["real"])
    for name, others in example["others"].items():
        numbers = {programs.items[other["program"]]["name"]: other["program"] for other in rows[name]["alternatives"]}
        for other in others:
            other["program"], other["predicted"] = numbers[other["program"]], pictures.number(other["predicted"])


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
