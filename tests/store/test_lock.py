"""One process at a time works on a run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from attndsl.dsl.diagnostics import DiagnosticError
from attndsl.store import lock as locks
from attndsl.store.lock import FolderLock, RemoteLock, owner_of
from attndsl.store.processes import is_alive, this_process
from attndsl.store.remote import Remote, url_of

HOLD = """
import sys, time
from pathlib import Path
from attndsl.store.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``tmp_path``."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_works_and_since_when(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(DiagnosticError) as caught:
        FolderLock(tmp_path)
    (found,) = caught.value.diagnostics
    assert found.code == "E0910"
    assert f"process {holder.pid} on " in found.headline
    assert " since 20" in found.headline
    owner = owner_of(tmp_path)
    assert owner is not None
    assert owner["pid"] == holder.pid


def test_a_dead_process_holds_nothing(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert owner_of(tmp_path) is None
    lock = FolderLock(tmp_path)
    assert lock.left is not None
    assert lock.left["pid"] == holder.pid
    lock.release()
    again = FolderLock(tmp_path)
    assert again.left is None
    again.release()


def test_the_same_process_may_come_in_twice(tmp_path: Path) -> None:
    outer = FolderLock(tmp_path)
    FolderLock(tmp_path).release()
    assert owner_of(tmp_path) is not None
    outer.release()
    assert owner_of(tmp_path) is None


def test_where_files_cannot_be_locked_the_owner_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: subprocess.Popen[str]
) -> None:
    monkeypatch.setattr(locks, "_flock", lambda file, shared=False: None)
    with pytest.raises(DiagnosticError, match="E0910"):
        FolderLock(tmp_path)
    content = json.loads((tmp_path / "lock.json").read_text())
    (tmp_path / "lock.json").write_text(json.dumps({**content, "host": "elsewhere"}))
    with pytest.raises(DiagnosticError) as caught:
        FolderLock(tmp_path)
    assert "if that process is gone, remove" in (caught.value.diagnostics[0].help or "")
    (tmp_path / "lock.json").write_text(json.dumps({**content, "ticks": content["ticks"] + 1}))  # the id is used again
    FolderLock(tmp_path).release()


def test_a_process_is_told_from_one_that_got_its_number() -> None:
    me = this_process()
    assert is_alive(me) is True
    assert is_alive({**me, "ticks": me["ticks"] - 1}) is False
    assert is_alive({**me, "boot": "another start of this machine"}) is False
    assert is_alive({**me, "host": "elsewhere"}) is None


# ---------------------------------------------------------------- at a URL


def elsewhere(count: int) -> bytes:
    return json.dumps({"host": "elsewhere", "pid": 7, "token": "t", "count": count, "since": "2026"}).encode()


def test_an_owner_at_a_url_that_counts_is_alive() -> None:
    remote = Remote("memory://lock-alive")
    remote.write("lock.json", elsewhere(1))
    counts = iter(range(2, 9))
    with pytest.raises(DiagnosticError, match=r"E0910.*process 7 on elsewhere"):
        RemoteLock(remote, beat=0.01, sleep=lambda seconds: remote.write("lock.json", elsewhere(next(counts))))


def test_an_owner_at_a_url_that_stands_still_is_dead_and_whoever_comes_back_is_told() -> None:
    remote = Remote("memory://lock-dead")
    remote.write("lock.json", elsewhere(1))
    waited: list[float] = []
    lock = RemoteLock(remote, beat=0.01, sleep=waited.append)
    assert lock.left is not None
    assert lock.left["pid"] == 7
    assert waited[:4] == [0.01] * 4
    lock.check()
    remote.write("lock.json", elsewhere(2))  # somebody else has taken it over
    end = time.monotonic() + 10
    while not lock.lost.is_set() and time.monotonic() < end:
        time.sleep(0.01)
    with pytest.raises(DiagnosticError, match="E0910"):
        lock.check()
    lock.release()
    assert json.loads(remote.read("lock.json") or b"")["pid"] == 7


def test_an_owner_that_is_read_while_it_is_written_is_watched_too() -> None:
    remote = Remote("memory://lock-half")
    remote.write("lock.json", elsewhere(1)[:20])
    with pytest.raises(DiagnosticError, match=r"E0910.*process 7 on elsewhere"):
        RemoteLock(remote, beat=0.01, sleep=lambda seconds: remote.write("lock.json", elsewhere(2)))
    remote.write("lock.json", elsewhere(1)[:20])
    waited: list[float] = []
    RemoteLock(remote, beat=0.01, sleep=waited.append).release()  # whoever wrote it died of it
    assert waited[:4] == [0.01] * 4
    assert remote.read("lock.json") is None


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("s3://bucket/run", "s3://bucket/run"), (Path("s3://bucket/run"), "s3://bucket/run"),
        (Path("memory://x"), "memory://x"),
        (Path("file:///tmp/x/"), "file:///tmp/x"), ("file:///x", "file:///x"),
        ("attndsl-runs/a", None), ("/tmp/s3:/x", None), ("C:/runs/x", None),
    ],
)  # fmt: skip
def test_urls_are_told_from_folders(given: Path | str, url: str | None) -> None:
    assert url_of(given) == url


@pytest.mark.parametrize("given", [Path("simplecache::s3://bucket/run"), "s3:bucket", Path("GS:bucket/run")])
def test_what_is_neither_a_url_nor_a_folder_is_refused(given: Path | str) -> None:
    with pytest.raises(DiagnosticError) as error:
        url_of(given)
    assert error.value.diagnostics[0].code == "E0527"
