"""Several workers, and a run at a URL: the same files as one process in a folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import test_faults
from test_faults import SMALL, UNITS, copy, done, results, whole  # noqa: F401 - fixtures

from attndsl.cli.main import run
from attndsl.store import workers as workers_module

pytestmark = pytest.mark.integration

LONG = ["explain", "llama", "--corpus", "stories", "--tokens", "24", "--train", "18", "--heldout", "6"]
COMMAND = [*LONG, "--programs", "programs.attn", "--quiet"]


@pytest.fixture
def alone(copy: Path) -> dict[str, str]:  # noqa: F811
    """What one process makes."""
    assert run([*COMMAND, "--out", "alone"]) == 0
    return results(Path("alone"))


def test_workers_make_the_files_of_one_process_also_when_one_is_killed(
    alone: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = workers_module.Processes.submit
    given = 0

    def submit(self: Any, unit: Any) -> None:
        nonlocal given
        real(self, unit)
        given += 1
        if unit.kind == "score" and given > 1 and not killed:
            killed.append(self.pids[-1])
            os.kill(self.pids[-1], signal.SIGKILL)

    killed: list[int] = []
    monkeypatch.setattr(workers_module.Processes, "submit", submit)
    assert run([*COMMAND, "--out", "shared", "--workers", "2"]) == 0
    assert len(killed) == 1
    assert results(Path("shared")) == alone
    assert set(done(Path("shared")).values()) == {1}
    assert done(Path("shared")).keys() == done(Path("alone")).keys()


def test_a_cluster_makes_the_files_of_one_process(alone: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # on a busy machine its workers would wait for everybody else
    assert run([*COMMAND, "--out", "cluster", "--ray", "local", "--workers", "2"]) == 0
    assert results(Path("cluster")) == alone
    assert done(Path("cluster")) == done(Path("alone"))


def test_a_sharded_model_makes_the_files_of_a_whole_one(copy: Path, whole: Path) -> None:  # noqa: F811
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    assert run([*test_faults.COMMAND, "--out", "sharded", "--device", "sharded"]) == 0
    found, wanted = results(Path("sharded")), results(whole / "run")
    assert {n: v for n, v in found.items() if n != "results.json"} == {
        n: v for n, v in wanted.items() if n != "results.json"
    }  # results.json names the device


def actors_of(pid: int) -> list[int]:
    """Processes of actors below this one: Ray names them after their class."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"ray::Worker"):
                found.append(int(child))
            found += actors_of(int(child))
    return found


def test_a_worker_of_a_cluster_is_killed_in_the_middle_of_a_run(
    alone: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    from attndsl.store.ray_pool import RayPool

    real = RayPool.submit
    given = 0
    killed: list[int] = []

    def submit(self: Any, unit: Any) -> None:
        nonlocal given
        real(self, unit)
        given += unit.kind == "score"
        if given == 3 and not killed:
            killed.extend(actors_of(os.getpid())[:1])
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(RayPool, "submit", submit)
    monkeypatch.setenv("RAY_worker_niceness", "0")
    assert run([*COMMAND[:-1], "--out", "cluster", "--ray", "local", "--workers", "2"]) == 0
    assert len(killed) == 1
    said = capsys.readouterr().err
    assert f"worker {killed[0]} on " in said
    assert "was killed or died; trying again" in said
    assert results(Path("cluster")) == alone
    assert done(Path("cluster")) == done(Path("alone"))


def test_without_stored_patterns_the_scores_are_the_same(alone: dict[str, str]) -> None:
    assert run([*COMMAND, "--out", "streamed", "--no-keep-patterns"]) == 0
    assert not list(Path("streamed").glob("patterns/*/*.safetensors"))
    streamed = results(Path("streamed"))
    same = [name for name in streamed if name.endswith((".parquet", ".csv", "results.json"))]
    assert len(same) == 5
    assert all(streamed[name] == alone[name] for name in same)


def test_a_run_at_a_url_goes_on_on_another_machine(
    copy: Path,  # noqa: F811
    whole: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = "memory://bucket/run"
    monkeypatch.setenv("ATTNDSL_CACHE", str(copy.parent / "machine-1"))
    command = [*test_faults.COMMAND, "--out", url]
    assert run(command) == 0
    (first,) = (copy.parent / "machine-1" / "runs").iterdir()
    assert results(first) == results(whole / "run")
    monkeypatch.setenv("ATTNDSL_CACHE", str(copy.parent / "machine-2"))
    assert run(command) == 0
    (second,) = (copy.parent / "machine-2" / "runs").iterdir()
    assert sum(done(second).values()) == UNITS
    assert (second / "report.html").read_bytes() == (first / "report.html").read_bytes()
    assert not list(second.glob("patterns/*/*.safetensors"))  # nothing needed them
    capsys.readouterr()
    assert run(["status", url, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["kinds"]["replace"]["done"] == 6
    Path("more.attn").write_text('head "first" causal\nadd 1 to first\n', encoding="utf-8")
    assert run(["score", "llama", *SMALL, "--programs", "more.attn", "--out", url, "--quiet"]) == 0
    assert done(second)[next(u for u in done(second) if u.startswith("extract"))] == 1  # had from the URL, not made
    assert len(list(second.glob("patterns/*/*.safetensors"))) == 1


def test_a_store_that_cannot_be_reached_is_one_message(
    copy: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ATTNDSL_CACHE", str(copy.parent / "machine"))
    assert run([*test_faults.COMMAND, "--out", "nosuchstore://bucket/run"]) == 1
    assert capsys.readouterr().err.startswith("error[E0527]")


def test_a_worker_does_not_outlive_its_run(copy: Path) -> None:  # noqa: F811
    shutil.rmtree(copy)
    seen: list[int] = []

    def look() -> None:
        while not seen:
            for pool in list(made):
                seen.extend(pool.pids)
            time.sleep(0.05)

    made: list[Any] = []
    real = workers_module.Processes.__init__

    def remember(self: Any, *args: Any) -> None:
        real(self, *args)
        made.append(self)

    workers_module.Processes.__init__ = remember  # type: ignore[method-assign]
    try:
        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        assert run([*test_faults.COMMAND, "--out", "run", "--workers", "2"]) == 0
    finally:
        workers_module.Processes.__init__ = real  # type: ignore[method-assign]
    assert seen
    assert not any(Path(f"/proc/{pid}/cmdline").exists() for pid in seen)
