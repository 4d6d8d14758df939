"""What can go wrong with a run: every fault, what is said, and that the results are those of an undisturbed run."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tiny_folders

from attndsl.cli.main import run
from attndsl.store.folder import RunFolder, Written
from attndsl.store.ledger import read

pytestmark = pytest.mark.integration

SMALL = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8"]
COMMAND = ["explain", "llama", *SMALL, "--programs", "programs.attn", "--quiet"]
UNITS = 1 + 1 + 3 + 1 + 6 + 2 + 1
"""A shard, a block of sums, figures at three lengths, the tables, six different replacements, the rivals
and rules of the report, the report."""

KILLED = """
import os, signal, sys
from attndsl.cli.main import run
from attndsl.store.ledger import Ledger
at, after = int(sys.argv[1]), sys.argv[2] == "after"
write, seen = Ledger._write, 0

def counting(self, record, durable):
    global seen
    seen += 1
    if seen == at and not after:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, record, durable)
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)

Ledger._write = counting
sys.exit(run(sys.argv[3:]))
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished, undisturbed run beside what it was made of."""
    folder = tmp_path_factory.mktemp("whole")
    tiny_folders.save_inputs(folder)
    tiny_folders.save_model("llama", folder / "llama")
    held = Path.cwd()
    os.chdir(folder)
    try:
        assert run([*COMMAND, "--out", "run"]) == 0
    finally:
        os.chdir(held)
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that may be harmed; the working folder is around it."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


def results(folder: Path) -> dict[str, str]:
    """Checksum of every file but those that name times and processes."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != "ledger"]
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if name not in ("lock.json", "run.json", "report.html")
    }


def done(folder: Path) -> Counter[str]:
    return Counter(record["unit"] for record in read(folder) if record["type"] == "done")


def test_the_second_time_nothing_is_done(whole: Path, copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    assert run([*COMMAND, "--out", "run"]) == 0
    changed = [path.name for path in copy.rglob("*") if before.get(path) != path.stat().st_mtime_ns]
    assert changed == ["lock.json"]
    assert len(done(copy)) == UNITS


def test_killed_at_any_record_it_ends_as_if_undisturbed(whole: Path, copy: Path) -> None:
    shutil.rmtree(copy)
    # Before the record of a shard that is in place; after the record of figures; in the replacements.
    for at, when in ((3, "before"), (7, "after"), (12, "before")):
        child = [sys.executable, "-c", KILLED, str(at), when, *COMMAND, "--out", "run"]
        ended = subprocess.run(child, capture_output=True, text=True, check=False)
        assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert run([*COMMAND, "--out", "run"]) == 0
    assert results(copy) == results(whole / "run")
    assert set(done(copy).values()) == {1}
    assert len(done(copy)) == UNITS


def test_a_killed_process_is_named_and_its_run_taken_over(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(copy)
    child = [sys.executable, "-c", KILLED, "4", "after", *COMMAND, "--out", "run"]
    subprocess.run(child, capture_output=True, check=False)
    assert run(["status", "run", "--format", "json"]) == 0
    before = json.loads(capsys.readouterr().out)
    assert before["owner"] is None
    assert before["kinds"]["score"]["interrupted"] == 1
    (copy / ".x.safetensors.1.part").touch()
    assert run([*COMMAND[:-1], "--out", "run"]) == 0
    assert "ended before its run did; going on from there" in capsys.readouterr().err
    assert not list(copy.rglob(".*"))


def test_what_a_killed_worker_leaves_is_gone_when_the_run_ends(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = RunFolder.put

    def put(self: RunFolder, name: str, data: bytes) -> Written:
        (self.path / ".attndsl-left").touch()
        return real(self, name, data)

    monkeypatch.setattr(RunFolder, "put", put)
    shutil.rmtree(copy)
    assert run([*COMMAND, "--out", "run"]) == 0
    assert not list(copy.rglob(".*"))


HARMS = {
    "a bit of a shard": ("patterns/*/*.safetensors", "flip"),
    "a shard cut off": ("patterns/*/*.safetensors", "cut"),
    "the header of a shard": ("patterns/*/*.safetensors", "head"),
    "a bit of a block": ("blocks/score-*", "flip"),
    "a step cut off": ("stages/replace-*", "cut"),
    "a bit of a step": ("stages/replace-*", "flip"),
    "a bit of the tables": ("stages/tables-*", "flip"),
    "the results": ("results.json", "flip"),
    "the page": ("report.html", "cut"),
}


def harmed(folder: Path, name: str) -> None:
    pattern, how = HARMS[name]
    path = sorted(folder.glob(pattern))[0]
    data = bytearray(path.read_bytes())
    if how == "cut":
        path.write_bytes(data[: len(data) // 2])
    else:
        at = 20 if how == "head" else len(data) // 2 + 1
        data[at] ^= 1
        path.write_bytes(data)


@pytest.mark.parametrize("name", HARMS)
def test_what_is_damaged_is_found_and_made_again(
    whole: Path, copy: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    harmed(copy, name)
    # What only the sums need is read only when sums are made: for that, what was made of them goes too.
    if HARMS[name][0].startswith(("patterns", "blocks")):
        for path in [*copy.glob("stages/tables-*"), *copy.glob("blocks/measure-*")]:
            path.unlink()
        if HARMS[name][0].startswith("patterns"):
            next(copy.glob("blocks/score-*")).unlink()
    assert run([*COMMAND[:-1], "--out", "run"]) == 0
    assert "done again" in capsys.readouterr().err
    assert results(copy) == results(whole / "run")
    again = {unit for unit, times in done(copy).items() if times > 1}
    assert again
    assert run([*COMMAND, "--out", "run"]) == 0
    assert {unit for unit, times in done(copy).items() if times > 1} == again


def test_dropped_patterns_are_made_again_only_when_they_are_needed(
    whole: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["clean", "run", "--format", "json"]) == 0
    freed = json.loads(capsys.readouterr().out)
    assert freed["files"] == 1
    assert not list(copy.rglob("*.safetensors.*")) + list(copy.glob("patterns/*/*.safetensors"))
    assert run([*COMMAND, "--out", "run"]) == 0
    assert sum(done(copy).values()) == UNITS
    Path("more.attn").write_text('head "first" causal\nadd 1 to first\n', encoding="utf-8")
    assert run(["score", "llama", *SMALL, "--programs", "more.attn", "--out", "run", "--quiet"]) == 0
    twice = [unit for unit, times in done(copy).items() if times > 1]
    assert [unit.partition("-")[0] for unit in twice] == ["extract"]
    shard = next(copy.glob("patterns/*/*.safetensors")).relative_to(copy).as_posix()
    assert results(copy)[shard] == results(whole / "run")[shard]


@pytest.mark.parametrize("nth", [1, 4, 8, 14])
def test_a_full_disk_stops_the_run_and_loses_nothing(
    whole: Path, copy: Path, nth: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(copy)
    calls = 0
    real = os.fsync

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert run([*COMMAND, "--out", "run"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(("error[E0805]", "error[E0522]"))
    assert "the disk is full" in error
    assert not list(copy.rglob(".*"))
    finished = set(done(copy))
    assert run([*COMMAND, "--out", "run"]) == 0
    assert results(copy) == results(whole / "run")
    assert all(done(copy)[unit] == 1 for unit in finished)


def test_a_run_of_another_format_is_not_touched(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    (copy / "run.json").write_text(json.dumps({**content, "format": 99}), encoding="utf-8")
    before = results(copy)
    assert run([*COMMAND, "--out", "run"]) == 1
    assert capsys.readouterr().err.startswith("error[E0524]")
    assert results(copy) == before


def test_two_processes_at_once(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hold = "import sys, time; from pathlib import Path; from attndsl.store.lock import FolderLock\n"
    hold += "lock = FolderLock(Path('run')); print('held', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for command in ([*COMMAND, "--out", "run"], ["clean", "run"]):
            assert run(command) == 1
            assert f"process {holder.pid} on" in capsys.readouterr().err
        assert run(["status", "run", "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["owner"]["pid"] == holder.pid
        holder.kill()
    assert run([*COMMAND, "--out", "run"]) == 0


def test_status_of_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["status", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error[E0812]")


def test_other_tools_read_what_is_there(copy: Path) -> None:
    duckdb: Any = pytest.importorskip("duckdb", reason="duckdb is not installed")
    polars: Any = pytest.importorskip("polars", reason="polars is not installed")
    from safetensors.numpy import load_file

    heads = polars.read_parquet("run/scores/heads-*.parquet")
    table = json.loads((copy / "results.json").read_text(encoding="utf-8"))["heads"]
    assert heads["held_out_iou"].to_list() == [row["held_out_iou"] for row in table]
    texts = polars.read_parquet("run/scores/texts-*.parquet")
    mean = texts.group_by("layer", "head").agg(polars.col("iou").mean()).sort("layer", "head")
    assert mean["iou"].to_list() == pytest.approx(heads["held_out_iou"].to_list())
    best = "select max(train_iou) from 'run/scores/pairs-*.parquet' group by layer, head order by layer, head"
    assert [row[0] for row in duckdb.sql(best).fetchall()] == pytest.approx(heads["train_iou"].to_list())
    units = duckdb.sql("select count(*) from read_json('run/ledger/*.jsonl', union_by_name=true) where type = 'done'")
    assert units.fetchall() == [(UNITS,)]
    (shard,) = copy.glob("patterns/*/*.safetensors")
    patterns = [array for name, array in load_file(shard).items() if name.endswith(".pattern")]
    assert {array.shape[0] for array in patterns} == {12}
