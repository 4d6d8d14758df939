"""Inputs of the jobs that cannot be used: one clear message, a code, the right exit code, before any work."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny_folders

import attndsl.cli.main as cli
from attndsl.cli.main import run

pytestmark = pytest.mark.integration

SMALL = ["--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8", "--programs", "programs.attn", "--quiet"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["./nowhere", *SMALL], "E0602"),
        (["empty", *SMALL], "E0602"),
        (["texts.jsonl", *SMALL], "E0602"),
        (["a model", *SMALL], "E0601"),
        (["", *SMALL], "E0601"),
        (["llama", *SMALL, "--revision", "main"], "E0605"),
        (["llama", *SMALL, "--heads", "L9H9"], "E0612"),
        (["llama", *SMALL, "--heads", "5.3"], "E0612"),
        (["llama", *SMALL, "--heads", ""], "E0612"),
        (["llama", *SMALL, "--heads", "L1,,L2"], "E0612"),
        (["llama", *SMALL, "--corpus", "storys"], "E0624"),
        (["llama", *SMALL, "--corpus", "none.txt"], "E0620"),
        (["llama", *SMALL, "--corpus", "empty"], "E0620"),
        (["llama", *SMALL, "--corpus", "blank.txt"], "E0621"),
        (["llama", *SMALL, "--corpus", "one.txt"], "E0808"),
        (["llama", *SMALL, "--min-tokens", "32", "--corpus", "short.txt"], "E0808"),
        (["llama", *SMALL, "--programs", "none.attn"], "E0801"),
        (["llama", "--programs", "refused.attn"], "E0806"),
        (["llama", "--programs", "helpers.py"], "E0806"),
        (["llama", *SMALL, "--programs", "programs.attn"], "E0803"),
        (["llama", *SMALL, "--out", "texts.jsonl"], "E0805"),
        (["llama", *SMALL, "--out", "texts.jsonl/run"], "E0805"),
        (["llama", *SMALL, "--out", "/proc/run"], "E0805"),
    ],
)
def test_one_message(arguments: list[str], code: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").mkdir()
    Path("blank.txt").write_text(" \n\n", encoding="utf-8")
    Path("one.txt").write_text("One two three four five six seven eight nine.", encoding="utf-8")
    Path("short.txt").write_text("One two three.\nFour five six.\n", encoding="utf-8")
    Path("refused.attn").write_text('head "x" causal\nadd Nothing to first\n', encoding="utf-8")
    Path("helpers.py").write_text("x = 1\n", encoding="utf-8")
    assert run(["explain", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith(f"error[{code}]"), err
    assert any(line.startswith("help: ") for line in lines)


@pytest.mark.parametrize("sizes", [["--tokens", "1"], ["--tokens", "16", "--min-tokens", "17"], ["--min-tokens", "1"]])
def test_sizes_that_make_no_sense(sizes: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "llama", *sizes]) == 2
    assert capsys.readouterr().err.startswith("error[E0807]")


def test_a_model_whose_attention_cannot_be_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import tiny
    import transformers

    config = transformers.GPTNeoConfig(
        vocab_size=tiny.VOCABULARY, hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global"], 2]],
        max_position_embeddings=64, intermediate_size=32,
    )  # fmt: skip
    transformers.GPTNeoForCausalLM(config).save_pretrained("neo")
    tiny.byte_bpe().save_pretrained("neo")
    capsys.readouterr()
    assert run(["explain", "neo", *SMALL]) == 1
    assert capsys.readouterr().err.startswith("error[E0610]")


def test_no_network_for_a_hub_model(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import attndsl.models.hub as hub

    monkeypatch.setattr(hub, "offline", lambda: True)
    assert run(["explain", "nobody/no-such-model", *SMALL]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error[E0603]")
    assert "help: check the network" in err


@pytest.mark.parametrize("where", ["attndsl.job.stages", "attndsl.runtime.shards"])
def test_a_full_disk_loses_nothing(
    where: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_room(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(f"{where}.os.fsync", no_room)
        assert run(["explain", "llama", *SMALL, "--out", "run"]) == 1
    err = capsys.readouterr().err
    assert err.startswith(("error[E0805]", "error[E0522]"))
    assert "the disk is full" in err
    assert not [path for path in Path("run").rglob("*") if path.name.startswith(".")]
    assert run(["explain", "llama", *SMALL, "--out", "run"]) == 0


@pytest.mark.parametrize("stream", ["/dev/full", "closed pipe"])
def test_stdout_that_cannot_be_written(stream: str, place: Path) -> None:
    command = [sys.executable, "-m", "attndsl", "rule", "all"]
    if stream == "/dev/full":
        with Path(stream).open("w", encoding="utf-8") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("error[E0805]")
        return
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_not_enough_memory(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def too_much(*args: Any, **kwargs: Any) -> None:
        raise MemoryError

    monkeypatch.setattr("attndsl.models.extract.patterns_of", too_much)
    assert run(["explain", "llama", *SMALL]) == 1
    assert capsys.readouterr().err.startswith("error[E0814]")


def test_our_own_bugs_say_so(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def wrong(*args: Any, **kwargs: Any) -> None:
        raise KeyError("inside")

    monkeypatch.setattr("attndsl.job.explain.prepare", wrong)
    assert run(["explain", "llama", *SMALL]) == 3
    err = capsys.readouterr().err
    assert "this is a bug in attndsl" in err
    assert "Traceback" in err


def test_stdout_in_another_encoding(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(cli.sys, "stdout", narrow)
    assert run(["run", "programs.attn", "--program", "even", "--model", "llama", "--text", "Ünï söngs"]) == 0
    assert run(["compile", "programs.attn", "--format", "json"]) == 0
    narrow.seek(0)
    assert json.loads("{" + narrow.read().split("{", 1)[1])["summary"]["lifted"] == 2


def test_odd_folders(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = Path("a [red] model\n#1")
    tiny_folders.save_model("llama", odd)
    assert run(["score", str(odd), *SMALL]) == 0
    assert "\n#1" not in capsys.readouterr().out
    assert Path("attndsl-runs/a--red--model--1/stages").is_dir()


def test_one_held_out_text_has_no_interval(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "llama", *SMALL, "--heldout", "1", "--out", "run"]) == 0
    out = capsys.readouterr().out
    assert "1 held-out text " in out
    assert "nan" not in out
    results = json.loads(Path("run/results.json").read_text(encoding="utf-8"))
    assert {step["low"] for step in results["perplexity"]} == {None}
    assert results["totals"]["held_out_iou"]["low"] is None
    assert "NaN" not in Path("run/report.html").read_text(encoding="utf-8").split("<script", 1)[0]
