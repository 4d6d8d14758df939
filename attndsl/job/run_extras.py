"""What other commands left in a run's folder, read for the report: damage.json and counterexamples/*.json.

Every figure of a counterexample is measured again. What does not belong to this run (another model, another program)
is left out, counted, and said.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attndsl.cli.report.data import LeftOut
from attndsl.cli.report.parts import Correlation, Counterexample, DamageStep, DamageStudy, HeadDamage, Interval
from attndsl.cli.report.picture import PatternPicture, picture_iou
from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.job.counterexamples import read
from attndsl.job.report_pictures import shown_text
from attndsl.job.run import Run
from attndsl.job.scores import chosen_programs
from attndsl.job.stages import digest
from attndsl.runtime.program import Program
from attndsl.runtime.table import Table
from attndsl.runtime.tokenize import token_table

DAMAGE, COUNTEREXAMPLES = "damage.json", "counterexamples"
MOST_COUNTEREXAMPLES = 400


@dataclass
class Extras:
    """What was found. ``damage_of``: head name -> its damage."""

    damage_of: dict[str, HeadDamage] = field(default_factory=dict)
    damage: DamageStudy | None = None
    counterexamples: list[Counterexample] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def extra_files(folder: Path) -> list[Path]:
    """The files that a report of this folder takes in, in the order of their names."""
    kept = [folder / DAMAGE, *sorted((folder / COUNTEREXAMPLES).glob("*.json"))]
    return [path for path in kept if path.is_file()]


def extras_address(folder: Path) -> str:
    """A digest of those files: a report made from others is out of date."""
    return digest([(path.name, path.read_text(encoding="utf-8", errors="replace")) for path in extra_files(folder)])


def read_extras(run: Run, table: Table) -> Extras:
    """What belongs to the run. Raises DiagnosticError E0850 (a file that holds no counterexamples), E0844 (a damaged
    damage.json)."""
    programs = dict(zip(run.head_names, chosen_programs(run, table).values(), strict=True))
    found = Extras()
    for path in extra_files(Path(run.settings.out)):
        if path.name == DAMAGE and path.parent.name != COUNTEREXAMPLES:
            _add_damage(found, path, programs)
        else:
            _add_counterexamples(found, path, run, programs)
    return found


# ---------------------------------------------------------------- damage


def _add_damage(found: Extras, path: Path, programs: Mapping[str, Program]) -> None:
    try:
        study = json.loads(path.read_text(encoding="utf-8"))
        rows = {
            row["head"]: (row["program"], HeadDamage(float(row["damage"]), _interval(row))) for row in study["heads"]
        }
        whole = _study(study)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise fail(
            "E0844", f"{path} is not what attndsl damage writes ({type(error).__name__}: {error})",
            help="run attndsl damage again, or delete the file",
        ) from error  # fmt: skip
    for head, (program, damage) in rows.items():
        if head in programs and programs[head].name == program:
            found.damage_of[head] = damage
    other = len(rows) - len(found.damage_of)
    if other:
        why = f"{DAMAGE} measured another program, or a head that is not in this run: run attndsl damage again"
        found.left_out.append(LeftOut("damage figures", other, reason=why))
    else:
        found.damage = whole


def _study(study: Mapping[str, Any]) -> DamageStudy:
    return DamageStudy(
        int(study["train_texts"]),
        int(study["heldout_texts"]),
        tuple(
            Correlation(str(name), None if row["point"] is None else float(row["point"]), _interval(row))
            for name, row in study["correlations"].items()
        ),
        tuple(
            DamageStep(
                str(s["order"]), str(s["programs"]), float(s["share"]), int(s["heads"]), float(s["increase_percent"]),
                _interval(s),
            )
            for s in study["curves"]
        ),
    )  # fmt: skip


def _interval(row: Mapping[str, Any]) -> Interval | None:
    return None if row["low"] is None or row["high"] is None else Interval(float(row["low"]), float(row["high"]))


# ---------------------------------------------------------------- counterexamples


def _add_counterexamples(found: Extras, path: Path, run: Run, programs: Mapping[str, Program]) -> None:
    for entry in read(path):
        why = _stranger(entry, run, programs)
        if why is None and len(found.counterexamples) >= MOST_COUNTEREXAMPLES:
            why = f"the report shows {MOST_COUNTEREXAMPLES}"
        if why is None:
            try:
                found.counterexamples.append(_again(entry, run, programs[entry["head"]]))
                continue
            except DiagnosticError as error:
                why = str(error)
        found.left_out.append(LeftOut(f"counterexample in {path.name}", 1, reason=why))


def _stranger(entry: Mapping[str, Any], run: Run, programs: Mapping[str, Program]) -> str | None:
    """Why a recorded counterexample says nothing about this run; None when it does."""
    if entry["head"] is None or entry["claim"] is not None:
        return "it is about a claim or about another program, not about a head"
    if entry["model"] != run.settings.model:
        return f"it is about the model {entry['model']}"
    if entry["head"] not in programs:
        return f"head {entry['head']} is not in this run"
    if entry["program"] != programs[entry["head"]].name:
        return f"it is about {entry['program']!r}, which is not the program of {entry['head']}"
    return None


def _again(entry: Mapping[str, Any], run: Run, program: Program) -> Counterexample:
    """Both patterns on its text, as they are now."""
    from attndsl.models.extract import patterns_of

    table = token_table(entry["text"], run.loaded.tokenizer)
    layer, head = run.loaded.info.parse_heads(entry["head"])[0]
    real = patterns_of(run.loaded.model, list(table.ids), [(layer, head)], layout=run.loaded.layout).numpy()[0]
    predicted = run.kernel([program]).predict(table)
    for error in predicted.errors.values():
        raise error
    predicted_side, real_side = predicted.patterns[0].astype("float64"), real.astype("float64")
    blamed = entry.get("blamed")
    return Counterexample(
        head=entry["head"],
        program=program.name,
        tokens=tuple(shown_text(table)),
        iou=picture_iou(predicted_side, real_side),
        below=float(entry["below"]),
        predicted=PatternPicture.from_matrix(predicted_side, len(table), run.causal, entry["text"]),
        real=PatternPicture.from_matrix(real_side, len(table), run.causal, entry["text"]),
        blamed=blamed if isinstance(blamed, str) else "",
    )
