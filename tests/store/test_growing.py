"""Files of records at a URL: in parts, whole on every machine, and no record is lost between two of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from attndsl.store import ledger as ledger_module
from attndsl.store.folder import RunFolder, Written
from attndsl.store.growing import GrowingFile, content_at
from attndsl.store.ledger import Ledger, Usage, segments
from attndsl.synth.journal import Journal


def machine(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, url: str) -> RunFolder:
    monkeypatch.setenv("ATTNDSL_CACHE", str(tmp_path / name))
    return RunFolder(url)


def written(folder: RunFolder, *numbers: int, part_bytes: int = 64) -> list[int]:
    """Append records; the numbers of all that are there."""
    growing = GrowingFile(folder, "calls.jsonl", part_bytes)
    with Journal(folder.path / "calls.jsonl", growing.grown) as journal:
        for number in numbers:
            journal.append({"number": number, "text": "some text"})
        return [record["number"] for record in journal.records]


@pytest.mark.parametrize("protocol", ["memory", "file"])
def test_every_record_is_at_the_url_before_use_and_full_parts_are_left_alone(
    protocol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{protocol}://{tmp_path}/remote"
    folder = machine(tmp_path, "one", monkeypatch, url)
    assert folder.remote is not None
    sent: list[str] = []
    real = folder.remote.write

    def write(name: str, content: bytes) -> None:
        sent.append(name)
        real(name, content)

    monkeypatch.setattr(folder.remote, "write", write)
    growing = GrowingFile(folder, "calls.jsonl", 100)
    with Journal(folder.path / "calls.jsonl", growing.grown) as journal:
        for number in range(12):
            journal.append({"number": number, "text": "some text"})
            assert content_at(folder, "calls.jsonl") == journal.path.read_bytes()
    assert sorted(folder.remote.names("calls")) == [f"calls/{part:06d}.jsonl" for part in range(1, 5)]
    assert max(sent.count(name) for name in sent) <= 4  # three records fill it, and it is put once more as a full one
    other = machine(tmp_path, "two", monkeypatch, url)
    assert written(other, 12, part_bytes=100) == list(range(13))


def test_a_record_that_was_not_sent_is_sent_later_and_two_machines_come_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "memory://growing-two"
    one = machine(tmp_path, "one", monkeypatch, url)
    assert written(one, 1, 2) == [1, 2]
    with Journal(one.path / "calls.jsonl") as journal:  # stopped between writing and putting
        journal.append({"number": 3, "text": "some text"})
    two = machine(tmp_path, "two", monkeypatch, url)
    assert written(two, 4) == [1, 2, 4]
    assert written(one) == [1, 2, 4, 3]
    assert written(two) == [1, 2, 4, 3]


def test_a_ledger_goes_on_in_another_file_when_one_is_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "SEGMENT_BYTES", 2000)
    url = "memory://growing-ledger"
    folder = machine(tmp_path, "one", monkeypatch, url)
    ledger = Ledger(folder, {"settings": {}})
    for number in range(20):
        ledger.done(f"score-{number}", "score", "texts", (Written(f"f{number}", 1, holds=("key",)),), Usage())
    ledger.close()
    assert len(segments(folder.path)) > 2
    assert all(path.stat().st_size < 3000 for path in segments(folder.path))
    other = machine(tmp_path, "two", monkeypatch, url)
    assert Ledger(other).state.done == ledger.state.done
    sessions = b"".join(path.read_bytes() for path in segments(other.path)).count(b'"type": "session"')
    assert sessions == 1


def test_records_of_a_ledger_that_were_not_sent_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "memory://growing-unsent"
    folder = machine(tmp_path, "one", monkeypatch, url)
    ledger = Ledger(folder)
    ledger.done("score-1", "score", "texts", (), Usage())
    with monkeypatch.context() as patch:
        patch.setattr(folder, "sent", lambda name: None)  # killed between the disk and the URL
        ledger.done("score-2", "score", "texts", (), Usage())
    again = machine(tmp_path, "one", monkeypatch, url)
    assert set(Ledger(again).state.done) == {"score-1", "score-2"}
    other = machine(tmp_path, "two", monkeypatch, url)
    assert set(Ledger(other).state.done) == {"score-1", "score-2"}
