"""A synthesis with a language model at a URL: no answer is paid for twice, whatever machine goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("anthropic", reason="the llm extra is not installed")

import tiny_folders
from messages_server import MessagesServer, Reply

from attndsl.cli.main import run

pytestmark = pytest.mark.integration

ANSWER = 'It looks back.\n\n```attn\nhead "{}" causal\nadd 0.6 to q - 1\nadd 0.4 to first\nnormalize rows\n```\n'
CHILD = "import sys; from attndsl.cli.main import run; sys.exit(run(sys.argv[1:]))"


class Script:
    """Answers with a program of its own for every head; the arrival ``hold_at`` is never answered."""

    def __init__(self, hold_at: int) -> None:
        self.arrived, self.hold_at = 0, hold_at
        self.held, self.release = threading.Event(), threading.Event()

    def __call__(self, params: dict[str, Any], nth: int) -> Reply:
        self.arrived += 1
        if self.arrived == self.hold_at:
            self.held.set()
            self.release.wait(120)
            return Reply(drop=True)
        return Reply(ANSWER.format(f"found {self.arrived}"))


def test_killed_and_gone_on_with_on_another_machine_nothing_is_paid_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_folders.save_inputs(tmp_path)
    tiny_folders.save_model("llama", tmp_path / "llama")
    url = f"file://{tmp_path}/bucket/run"
    command = ["synth", "llama", "--synth", "anthropic", "--heads", "L0", "--corpus", "texts.jsonl", "--tokens", "24"]
    command += ["--min-tokens", "8", "--rounds", "1", "--parallel", "1", "--out", url, "--quiet", "--format", "json"]
    script = Script(hold_at=4)
    with MessagesServer(script) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "test")
        environment = {**os.environ, "ATTNDSL_CACHE": str(tmp_path / "machine-1")}
        process = subprocess.Popen([sys.executable, "-c", CHILD, *command], env=environment)
        try:
            assert script.held.wait(240)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            script.release.set()
        assert len(server.usages) == 3
        monkeypatch.setenv("ATTNDSL_CACHE", str(tmp_path / "machine-2"))
        assert run(command) == 0
        assert len(server.received) == 4
        assert set(server.answered.values()) == {1}
        assert sorted(server.received.values()) == [1, 1, 1, 2]  # the one that was under way is asked again
    found = json.loads(capsys.readouterr().out)
    assert found["road"]["tally"]["answers"] == {"good": 4}
    assert run(["status", url, "--format", "json"]) == 0
    dollars = float(json.loads(capsys.readouterr().out)["dollars"])
    assert dollars == pytest.approx(float(found["road"]["dollars"]))
    (second,) = (tmp_path / "machine-2" / "runs").iterdir()
    for name in ("found.attn", "synth.json", "synth.csv"):
        assert (tmp_path / "bucket" / "run" / name).read_bytes() == (second / name).read_bytes()
    parts = sorted((tmp_path / "bucket" / "run" / "calls").iterdir())
    assert b"".join(part.read_bytes() for part in parts) == (second / "calls.jsonl").read_bytes()
