"""Every fault of a run, brought about: how the command ends, what it says, and whether the next one ends as if nothing
had been.

    python benchmarks/fault_table.py FOLDER [NAME...]

A tiny model in FOLDER; each fault in a folder of its own. ``again`` counts finished units that were done again: only
those whose files were harmed. The full disk is a tmpfs of 1 MiB (needs root; without, the row says so). The hour of a
failing service is that of its client: its waits are added up and not slept.
"""

from __future__ import annotations

import datetime
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kill_resume import contents, done_counts, started, wait_until, workers_of

from attndsl.store import ledger as ledgers

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "synth")]
Patch = Callable[[], None]
JOB = ["explain", "tiny-model", "--corpus", "sentences", "--tokens", "24", "--train", "10", "--heldout", "5"]
JOB += ["--programs", str(ROOT / "examples" / "sentence_ends.attn")]
HOUR = 3600.0


def run(arguments: list[str], log: Path, patch: Patch = lambda: None) -> tuple[int, str]:
    """Exit code and messages of a command in a process of its own, in which ``patch`` was called first."""
    child = os.fork()
    if not child:
        patch()
        grandchild = started(arguments, log)
        code = wait_until(grandchild, 600)
        os._exit(99 if code is None else code % 256)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, log.read_text(errors="replace") if log.exists() else ""


def killed_at(number: int) -> Patch:
    """Kill the process when it wants to write this record of its ledger."""

    def patch() -> None:
        seen, write = 0, ledgers.Ledger._write

        def counting(self: ledgers.Ledger, record: dict[str, object], durable: bool) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)
            write(self, record, durable)

        ledgers.Ledger._write = counting  # type: ignore[method-assign]

    return patch


def jumping_clock() -> None:
    """Every look at the clock gives another year."""

    class Jumping(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime(random.randint(1971, 2090), 1, 1, tzinfo=tz)

    ledgers.datetime = Jumping  # type: ignore[attr-defined]
    time.time = lambda: random.uniform(0, 4e9)


def flipped(data: bytearray) -> bytes:
    data[-9] ^= 1
    return bytes(data)


def said(text: str) -> str:
    """The lines of a log that are about faults."""
    about = ("error[", "warning", "help:", "again", "ended before", "trying", "damaged", "missing", "works on")
    lines = [line.strip() for line in text.splitlines() if any(word in line for word in about)]
    return " / ".join(dict.fromkeys(lines))[:600]


class Table:
    """One row a fault, against the files of an undisturbed run."""

    def __init__(self, folder: Path) -> None:
        self.wanted: dict[str, str] = {}
        self.folder, self.bad = folder, 0

    def job(self, out: Path, patch: Patch = lambda: None, more: tuple[str, ...] = ()) -> tuple[int, str]:
        log = out.with_suffix(f".{time.monotonic_ns()}.log")
        return run([*JOB, *more, "--out", str(out)], log, patch)

    def row(self, name: str, code: int, text: str, out: Path | None, sure: bool = True) -> None:
        outcome = f"exit {code}" if code < 128 else f"signal {256 - code}"
        if out is not None:
            found, done = contents(out), done_counts(out)
            differ = sum(self.wanted.get(n) != found.get(n) for n in self.wanted.keys() | found.keys())
            outcome += f"; afterwards {differ} files differ, {sum(done.values()) - len(done)} units again"
            sure = sure and not differ
        self.bad += not sure
        print(f"{name}\n  {outcome}{'' if sure else '  WRONG'}\n  {said(text)}", flush=True)

    # ------------------------------------------------------------ faults

    def killed(self) -> None:
        out = self.folder / "killed"
        code, _ = self.job(out, killed_at(9))
        again, text = self.job(out)
        self.row("kill -9 of the process", code, text, out, again == 0)

    def worker_killed(self) -> None:
        out = self.folder / "worker"
        log = out.with_suffix(".log")
        pid = started([*JOB, "--workers", "2", "--out", str(out)], log)
        end, code, hit = time.monotonic() + 300, None, 0
        while code is None and time.monotonic() < end:
            living = workers_of(pid)
            units = [r for r in ledgers.read(out) if r["type"] == "start"] if out.exists() else []
            if living and len(units) >= 2 and not hit:
                os.kill(living[0], signal.SIGKILL)
                hit = living[0]
            code = wait_until(pid, 0.01)
        self.row("kill -9 of one of two workers", code or 0, log.read_text(), out, code == 0 and hit > 0)

    def full(self) -> None:
        out = self.folder / "full"
        out.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(out)], capture_output=True)
        if mounted.returncode:
            print("a full disk\n  not tried: no tmpfs can be mounted here")
            return
        try:
            code, text = self.job(out)
            subprocess.run(["mount", "-o", "remount,size=64m", str(out)], check=True)
            again, _ = self.job(out)
            self.row("a full disk (then more room)", code, text, out, code == 1 and again == 0)
        finally:
            subprocess.run(["umount", "-l", str(out)], check=False)

    def shard(self, name: str, harm: Callable[[bytearray], bytes]) -> None:
        out = self.folder / name.replace(" ", "-")
        self.job(out)
        (path,) = out.glob("patterns/*/*.safetensors")
        path.write_bytes(harm(bytearray(path.read_bytes())))
        for each in [*out.glob("stages/tables-*"), *out.glob("blocks/*")]:
            each.unlink()  # what was made of it, or nobody would look at it
        code, text = self.job(out)
        about = [line for line in text.splitlines() if "patterns/" in line]
        self.row(name, code, "\n".join(about), out, code == 0)

    def clock(self) -> None:
        out = self.folder / "clock"
        code, text = self.job(out, jumping_clock)
        self.row("the clock jumps at every look", code, text, out, code == 0)

    def two(self) -> None:
        out = self.folder / "two"
        first = started([*JOB, "--workers", "2", "--out", str(out)], out.with_suffix(".log"))
        while not (out / "run.json").exists():
            time.sleep(0.01)
        code, text = self.job(out)
        other = wait_until(first, 300)
        self.row("a second process on one run", code, text, out, code == 1 and other == 0)

    def ledger(self) -> None:
        out = self.folder / "ledger"
        self.job(out)
        path = ledgers.segments(out)[0]
        lines = path.read_bytes().splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if b'"type": "done"' in line and b'"kind": "measure"' in line)
        path.write_bytes(b"".join([*lines[:at], b"#" + lines[at][1:], *lines[at + 1 :]]))
        code, text = self.job(out)
        self.row("a damaged line of the ledger", code, text, out, code == 0)

    def service(self) -> None:
        from messages_server import MessagesServer, Reply

        arrived = 0

        def script(params: object, nth: int) -> Reply:
            nonlocal arrived
            arrived += 1
            if 2 <= arrived <= 85:
                return Reply(status=529, kind="overloaded_error")
            return Reply('```attn\nhead "found" causal\nadd 0.6 to q - 1\nadd 0.4 to first\nnormalize rows\n```')

        waits = self.folder / "waits"

        def patch() -> None:
            from attndsl.synth.llm.service import Claude

            def sleep(self: Claude, seconds: float) -> float:
                with waits.open("a") as file:
                    print(seconds, file=file)
                return seconds

            Claude._sleep = sleep  # type: ignore[method-assign]

        with MessagesServer(script) as server:
            os.environ |= {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_API_KEY": "test"}
            command = ["synth", "tiny-model", "--synth", "anthropic", "--corpus", "sentences", "--tokens", "24"]
            command += ["--train", "6", "--heldout", "3", "--rounds", "1", "--parallel", "1"]
            out = self.folder / "service"
            code, text = run([*command, "--out", str(out)], out.with_suffix(".log"), patch)
            waited = sum(map(float, waits.read_text().split()))
            paid = max(server.answered.values())
        lines = [line for line in text.splitlines() if "trying again" in line]
        name = f"the service fails for {waited:.0f} s ({len(lines)} tries); an answer is paid for {paid} time"
        self.row(name, code, lines[-1], None, code == 0 and waited > HOUR and paid == 1)


def main() -> None:
    folder, names = Path(sys.argv[1]).resolve(), sys.argv[2:]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.chdir(folder)
    subprocess.run([sys.executable, str(ROOT / "examples" / "tiny_model.py"), "tiny-model"], check=True)
    table = Table(folder)
    if table.job(folder / "undisturbed")[0]:
        sys.exit("the undisturbed run failed")
    table.wanted = contents(folder / "undisturbed")
    faults: dict[str, Callable[[], None]] = {
        "killed": table.killed, "worker": table.worker_killed, "full": table.full,
        "truncated": lambda: table.shard("a shard cut off", lambda data: bytes(data[: len(data) // 2])),
        "corrupted": lambda: table.shard("a bit of a shard", flipped),
        "clock": table.clock, "two": table.two, "ledger": table.ledger, "service": table.service,
    }  # fmt: skip
    for name in names or faults:
        faults[name]()
    sys.exit(1 if table.bad else 0)


if __name__ == "__main__":
    main()
