"""Units of work, whoever does them: once, again when lost, never on what cannot pass."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from openings import OpenFolder, unit, work

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.store.folder import RunFolder
from attndsl.store.ledger import Ledger, Usage, read, segments
from attndsl.store.units import Here, Pool, Units
from attndsl.store.workers import Processes

pytestmark = pytest.mark.integration


@pytest.fixture(params=["here", "processes", "ray"])
def pool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    folder = tmp_path / "run"
    if request.param == "here":
        made: Pool = Here(lambda unit: work(RunFolder(folder), unit))
    elif request.param == "processes":
        made = Processes(2, OpenFolder(folder))
    else:
        pytest.importorskip("ray", reason="the ray extra is not installed")
        from attndsl.store.ray_pool import RayPool

        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
        monkeypatch.setenv("RAY_worker_niceness", "0")
        made = RayPool("local", 2, OpenFolder(folder))
    yield made
    made.close()


def units_of(tmp_path: Path, pool: Pool) -> Units:
    folder = RunFolder(tmp_path / "run")
    return Units(folder, Ledger(folder), pool)


def kinds(tmp_path: Path) -> list[str]:
    return [record["type"] for record in read(tmp_path / "run")]


def done(tmp_path: Path) -> list[str]:
    return sorted(record["unit"] for record in read(tmp_path / "run") if record["type"] == "done")


def test_every_unit_once_and_the_second_time_nothing(tmp_path: Path, pool: Pool) -> None:
    given = [unit(str(i)) for i in range(5)]
    seen: list[tuple[int, int]] = []
    units_of(tmp_path, pool).do(given, lambda now, total: seen.append((now, total)))
    assert seen == [(i, 5) for i in range(6)]
    assert done(tmp_path) == sorted(u.id for u in given)
    again = units_of(tmp_path, pool)
    again.do(given)
    assert len(segments(tmp_path / "run")) == 1
    assert [again.read(u) for u in given] == [f"text of {i}".encode() for i in range(5)]
    (record,) = [r for r in read(tmp_path / "run") if r["type"] == "done" and r["unit"] == "write-3"]
    assert record["seconds"] > 0
    assert record["peak_bytes"] > 1 << 20
    assert record["outputs"][0]["name"] == "out/3.txt"


def test_an_error_is_told_and_what_else_was_done_is_kept(tmp_path: Path, pool: Pool) -> None:
    with pytest.raises(DiagnosticError, match="E0638"):
        units_of(tmp_path, pool).do([unit("a"), unit("b", error="E0638"), unit("c")])
    assert "write-a" in done(tmp_path)
    (failed,) = [record for record in read(tmp_path / "run") if record["type"] == "failed"]
    assert (failed["unit"], failed["why"]) == ("write-b", "E0638 asked for")
    units_of(tmp_path, pool).do([unit("a"), unit("b"), unit("c")])
    assert done(tmp_path) == ["write-a", "write-b", "write-c"]


def test_a_moment_of_trouble_with_files_passes(tmp_path: Path, pool: Pool) -> None:
    units_of(tmp_path, pool).do([unit("a", hiccups=2)])
    assert kinds(tmp_path)[1:] == ["start", "failed", "start", "failed", "start", "done"]


@pytest.mark.parametrize("pool", ["processes", "ray"], indirect=True)  # a dead "here" is a dead run: see test_faults
def test_a_worker_that_dies_takes_only_its_own_unit_with_it(tmp_path: Path, pool: Pool) -> None:
    units_of(tmp_path, pool).do([unit("a"), unit("b", deaths=1), unit("c"), unit("d")])
    assert done(tmp_path) == ["write-a", "write-b", "write-c", "write-d"]
    (failed,) = [record for record in read(tmp_path / "run") if record["type"] == "failed"]
    assert failed["unit"] == "write-b"
    assert failed["why"].startswith("worker ")
    assert ("ended (" if isinstance(pool, Processes) else " was killed or died") in failed["why"]


def test_a_unit_that_kills_every_worker_is_given_up(tmp_path: Path, pool: Pool) -> None:
    if isinstance(pool, Here):
        return
    with pytest.raises(DiagnosticError, match=r"E0526.*file b failed 3 times"):
        units_of(tmp_path, pool).do([unit("a"), unit("b", deaths=9)])
    assert done(tmp_path) == ["write-a"]
    assert len(list((tmp_path / "run" / "marks").glob("b-*"))) == 3


@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_result_that_is_damaged_is_made_again_and_that_is_said(tmp_path: Path, harm: str) -> None:
    pool = Here(lambda unit: work(RunFolder(tmp_path / "run"), unit))
    units_of(tmp_path, pool).do([unit("a"), unit("b")])
    path = tmp_path / "run/out/a.txt"
    if harm == "flip":
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    elif harm == "cut":
        os.truncate(path, 3)
    else:
        path.unlink()
    notes: list[str] = []
    folder = RunFolder(tmp_path / "run")
    again = Units(folder, Ledger(folder), pool, notify=notes.append)
    assert again.read(unit("a")) == b"text of a"
    assert again.read(unit("b")) == b"text of b"
    assert len(notes) == 1
    assert "write file a is done again" in notes[0]
    assert [record["unit"] for record in read(tmp_path / "run") if record["type"] == "gone"] == ["write-a"]
    assert again.ledger.state.times == {"write-a": 2, "write-b": 1}


def test_a_full_disk_leaves_no_half_record(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    ledger = Ledger(folder)
    ledger.start("write-a", "write", "file a")
    (segment,) = segments(folder.path)
    held = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 20, held[1]))  # room for a part of a line
    try:
        with pytest.raises(DiagnosticError, match="E0805"):
            ledger.done("write-a", "write", "file a", (), Usage())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, held)
    ledger.start("write-b", "write", "file b")
    damaged: list[tuple[str, int]] = []
    assert [record.get("unit") for record in read(folder.path, damaged)] == [None, "write-a", "write-b"]
    assert damaged == []
    assert "write-a" not in Ledger(folder).state.done


def test_a_torn_record_is_left_out_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    pool = Here(lambda unit: work(RunFolder(tmp_path / "run"), unit))
    units_of(tmp_path, pool).do([unit("a"), unit("b")])
    (segment,) = segments(tmp_path / "run")
    lines = segment.read_bytes().split(b"\n")
    assert json.loads(lines[2])["type"] == "done"
    lines[2] = lines[2].replace(b'"done"', b'"d\xffne"')
    segment.write_bytes(b"\n".join(lines) + b'{"type": "done", "un')
    again = units_of(tmp_path, pool)
    assert again.ledger.damaged == [(segment.name, 3)]
    again.do([unit("a"), unit("b")])
    assert again.ledger.state.times == {"write-a": 1, "write-b": 1}  # a was done again, its first record is lost


def test_the_order_of_the_ledger_is_not_the_order_of_clocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = Here(lambda unit: work(RunFolder(tmp_path / "run"), unit))
    times = iter(["2031-01-01", "2031-01-02", "2031-01-03", *["1999-01-01"] * 20])
    monkeypatch.setattr("attndsl.store.ledger._now", lambda: next(times))
    units_of(tmp_path, pool).do([unit("a")])
    (tmp_path / "run/out/a.txt").unlink()
    units_of(tmp_path, pool).do([unit("a")])  # decades earlier, by the clock
    state = Ledger(RunFolder(tmp_path / "run")).state
    assert (list(state.done), state.times["write-a"]) == (["write-a"], 2)
