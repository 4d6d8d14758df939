"""Ctrl-C at any moment: a short message, exit code 130, and the same command goes on from there."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attndsl.cli.main import run

pytestmark = pytest.mark.integration

COMMAND = [
    "explain", "llama", "--corpus", "texts.jsonl", "--tokens", "32", "--min-tokens", "8",
    "--programs", "programs.attn", "--out", "run",
]  # fmt: skip
PLACES = {
    "patterns": "attndsl.models.extract.give_patterns",
    "losses": "attndsl.models.perplexity.losses",
    "sums": "attndsl.job.blocks.first_pass",
    "held-out": "attndsl.job.blocks.measure",
    "page": "attndsl.job.explain.write_report",
}
WHOLE = {"patterns": 6, "losses": 6, "sums": 1, "held-out": 3, "page": 1}


class Counter:
    """Counts calls of the costly functions, and stops before the given one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = dict.fromkeys(PLACES, 0)
        self.stop: tuple[str, int] | None = None
        for name, target in PLACES.items():
            module, _, function = target.rpartition(".")
            monkeypatch.setattr(target, self.counting(name, getattr(sys.modules[module], function)))

    def counting(self, name: str, real: Any) -> Any:
        def called(*args: Any, **kwargs: Any) -> Any:
            if self.stop == (name, self.calls[name]):
                self.stop = None
                raise KeyboardInterrupt
            self.calls[name] += 1
            return real(*args, **kwargs)

        return called


@pytest.fixture(autouse=True)
def children_are_interruptible() -> Iterator[None]:
    """A shell starts background jobs with SIGINT ignored, and what this process ignores its children ignore too."""
    held = signal.getsignal(signal.SIGINT)
    if held is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, held)


@pytest.fixture
def counter(monkeypatch: pytest.MonkeyPatch) -> Counter:
    import attndsl.job.blocks
    import attndsl.job.explain
    import attndsl.models.extract
    import attndsl.models.perplexity  # noqa: F401

    return Counter(monkeypatch)


@pytest.mark.parametrize(
    ("where", "number"),
    [
        ("patterns", 0),
        ("patterns", 2),
        ("sums", 0),
        ("held-out", 0),
        ("held-out", 2),
        ("losses", 0),
        ("losses", 4),
        ("patterns", 5),
        ("page", 0),
    ],
)
def test_what_is_finished_is_not_done_again(
    where: str, number: int, place: Path, counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    counter.stop = (where, number)
    assert run(COMMAND) == 130
    assert capsys.readouterr().err.endswith("the same command goes on from there\n")
    assert run(COMMAND) == 0
    assert Path("run/report.html").is_file()
    # The unit that was stopped is done again: a shard, here of all texts; pictures belong to the page.
    again = {("patterns", 2): 8, ("patterns", 5): 7, ("page", 0): 8}
    assert counter.calls == {**WHOLE, "patterns": again.get((where, number), WHOLE["patterns"])}


@pytest.mark.parametrize("mark", ["loading the model", "extracting patterns", "replacing heads"])
def test_a_signal_to_the_real_process(mark: str, place: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "attndsl", *COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if mark in line:
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert err.endswith("attndsl: stopped; what was finished is kept, the same command goes on from there\n")
    assert out == ""
    assert not list(Path("run").rglob(".*"))
    kept = {path: path.stat().st_mtime_ns for path in Path("run").rglob("*.safetensors")}
    assert run(COMMAND) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def test_a_signal_while_python_is_starting(place: Path) -> None:
    code = (
        "import signal, attndsl.cli, builtins\n"
        "real = builtins.__import__\n"
        "def slow(name, *args, **kwargs):\n"
        "    if name == 'typer': signal.raise_signal(signal.SIGINT)\n"
        "    return real(name, *args, **kwargs)\n"
        "builtins.__import__ = slow\n"
        "attndsl.cli.main(['rule', 'all'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "attndsl: stopped\n")


def test_the_exit_code_where_python_would_kill_itself(place: Path) -> None:
    code = (
        "import signal\n"
        "from attndsl.cli import main\n"
        "import attndsl.cli.main as m\n"
        "def run(arguments):\n"
        "    try: exec('signal.raise_signal(signal.SIGINT)', {'signal': signal})\n"
        "    except KeyboardInterrupt: return 130\n"
        "m.run = run\n"
        "main(['rule', 'all'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
