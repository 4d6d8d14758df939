"""A run in an object store, through its real protocol: what the store promises there."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from object_store import BUCKET, s3_server
from test_faults import COMMAND, KILLED, UNITS, copy, done, results, whole  # noqa: F401 - fixtures

from attndsl.cli.main import run
from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.store.folder import RunFolder
from attndsl.store.ledger import Ledger, Usage
from attndsl.store.lock import RemoteLock
from attndsl.store.remote import Remote
from attndsl.store.status import status

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def store() -> Iterator[Any]:
    with s3_server() as files:
        yield files


def machine(copy: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """From now on this process works as a machine that has seen nothing; where its copies of runs will be."""
    cache = copy.parent / name
    monkeypatch.setenv("ATTNDSL_CACHE", str(cache))
    return cache / "runs"


def only(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def at_the_store(store: Any, url: str) -> set[str]:
    root = url.removeprefix("s3://")
    return {path.removeprefix(root + "/") for path in store.find(root)}


def test_killed_and_gone_on_with_on_other_machines_it_ends_as_in_a_folder(
    store: Any,
    whole: Path,  # noqa: F811
    copy: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"s3://{BUCKET}/killed"
    command = [*COMMAND, "--out", url]
    for number, (at, when) in enumerate(((3, "before"), (7, "after"), (12, "before"))):
        machine(copy, f"machine-{number}", monkeypatch)
        killed = [sys.executable, "-c", KILLED, str(at), when, *command]
        child = subprocess.run(killed, capture_output=True, check=False)
        assert child.returncode == -signal.SIGKILL, child.stderr
    last = machine(copy, "machine-3", monkeypatch)
    assert run(command) == 0
    ledger = done(only(last))
    assert sorted(ledger) == sorted(done(whole / "run")), ledger
    assert set(ledger.values()) == {1}  # nothing that was finished anywhere is done again
    wanted = results(whole / "run")
    fresh = machine(copy, "machine-4", monkeypatch)
    for name in at_the_store(store, url):  # what is there, and nothing that any of the machines has kept
        target = fresh / "all" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        store.get_file(f"{BUCKET}/killed/{name}", str(target))
    found = results(fresh / "all")
    assert {name: found.get(name) for name in wanted} == wanted
    assert "lock.json" not in at_the_store(store, url)


def test_a_bucket_named_by_mistake_is_said_and_not_made(store: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DiagnosticError, match=r"E0527.*bucket does not exist"):
        Remote("s3://bucet/run").write("x", b"1")
    with pytest.raises(DiagnosticError, match=r"E0527.*bucket does not exist"):
        RemoteLock(Remote("s3://bucet/run"), beat=0.01)
    assert store.ls("") == [BUCKET]


def test_of_many_that_begin_at_once_the_store_lets_one_in(store: Any) -> None:
    remote = Remote(f"s3://{BUCKET}/crowd")
    together = threading.Barrier(6)
    held: list[RemoteLock] = []
    told: list[str] = []

    def begin() -> None:
        together.wait()
        try:
            held.append(RemoteLock(remote, beat=0.4))
        except DiagnosticError as error:
            told.append(str(error))

    crowd = [threading.Thread(target=begin) for _ in range(6)]
    for each in crowd:
        each.start()
    for each in crowd:
        each.join()
    assert len(held) == 1
    assert len(told) == 5
    assert all("E0910" in each for each in told)
    held[0].check()
    held[0].release()
    assert remote.read("lock.json") is None


def test_what_was_removed_there_is_put_again_from_a_machine_that_has_it(
    store: Any,
    copy: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"s3://{BUCKET}/removed"
    command = [*COMMAND[:-1], "--out", url]
    first = machine(copy, "machine-1", monkeypatch)
    assert run(command) == 0
    before = at_the_store(store, url)
    store.rm(f"{BUCKET}/removed", recursive=True)
    capsys.readouterr()
    assert run(command) == 0
    assert "finished files were missing at s3://bucket/removed" in capsys.readouterr().err
    assert at_the_store(store, url) == before
    assert set(done(only(first)).values()) == {1}
    second = machine(copy, "machine-2", monkeypatch)
    assert run(command) == 0
    assert set(done(only(second)).values()) == {1}


def test_what_is_damaged_there_is_made_again(
    store: Any,
    whole: Path,  # noqa: F811
    copy: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = f"s3://{BUCKET}/damaged"
    command = [*COMMAND[:-1], "--out", url]
    machine(copy, "machine-1", monkeypatch)
    assert run(command) == 0
    for name in ("results.json", next(n for n in at_the_store(store, url) if n.startswith("stages/replace"))):
        content = store.cat_file(f"{BUCKET}/damaged/{name}")
        store.pipe_file(f"{BUCKET}/damaged/{name}", content[:-1] + b"x")
    second = machine(copy, "machine-2", monkeypatch)
    capsys.readouterr()
    assert run(command) == 0
    assert "its checksum is wrong" in capsys.readouterr().err
    assert results(only(second))["results.json"] == results(whole / "run")["results.json"]


def test_status_beside_a_run_leaves_its_ledger_alone(
    store: Any,
    whole: Path,  # noqa: F811
    copy: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Records that are not at the URL yet are not replaced by what is there, under the hands of who writes them."""
    runs = machine(copy, "machine-1", monkeypatch)
    url = f"s3://{BUCKET}/beside"
    folder = RunFolder(url)
    folder.put_text("run.json", '{"kind": "attndsl run", "format": 1}')
    ledger = Ledger(folder)
    ledger.start("score-1", "score", "texts 0 to 3")
    ledger.done("score-1", "score", "texts 0 to 3", (folder.put("a", b"1"),), Usage())
    ledger.start("score-2", "score", "texts 4 to 7")
    assert status(url).kinds["score"].done == 1
    ledger.done("score-2", "score", "texts 4 to 7", (folder.put("b", b"2"),), Usage())
    ledger.close()
    shutil.rmtree(runs)
    assert status(url).kinds["score"].done == 2
