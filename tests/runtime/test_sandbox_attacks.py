"""Every attack of the corpora against the whole sandbox: no goal reached, nothing outside touched."""

from __future__ import annotations

import glob
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sandbox_cases import MUST, load, run_rows, table

from attndsl.runtime.sandbox import Limits, SandboxPool, Values
from attndsl.runtime.sandbox.programs import prepare

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs are isolated on Linux only")

LIMITS = Limits(seconds=0.6, megabytes=256, start_seconds=10)


@pytest.fixture(scope="module")
def pool() -> Iterator[SandboxPool]:
    with SandboxPool(workers=2, limits=LIMITS) as shared:
        yield shared


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Listens where the corpus' network attacks would connect, beside other processes of this suite."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 48123))  # taken by something else: an error, since connections would go unseen
        server.listen(8)
        server.setblocking(False)
        yield server


def effects() -> dict[str, Any]:
    """What an attack could have changed outside: marker files, the environment, this process's children."""
    return {"files": sorted(glob.glob("/tmp/attack_marker*")), "environment": dict(os.environ), "folder": os.getcwd()}


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()


@pytest.mark.parametrize("corpus", ["attacks-dev.jsonl", "attacks-more.jsonl"])
def test_no_attack_reaches_its_goal(pool: SandboxPool, listener: socket.socket, corpus: str) -> None:
    rows = load(corpus)
    before = effects()
    found = run_rows(pool, rows)
    allowed = {row["id"]: MUST[row["must"]] for row in rows}
    allowed.update({row["id"] + "+then": MUST["contained"] for row in rows if "then_source" in row})
    wrong = {name: got for name, got in found.items() if got not in allowed[name]}
    assert not wrong
    assert effects() == before
    assert pool.alive()
    assert pool.starts == [1, 1]
    for zygote in pool._zygotes:
        assert children_of(zygote.pid) == []
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_corpora_cover_the_same_classes() -> None:
    dev, more = load("attacks-dev.jsonl"), load("attacks-more.jsonl")
    assert len(dev) == 192
    assert len(more) >= 300
    assert {row["category"] for row in dev} <= {row["category"] for row in more} | {"timing"}


@pytest.fixture(scope="module")
def patient() -> Iterator[SandboxPool]:
    with SandboxPool(workers=1, limits=Limits(seconds=30, start_seconds=30)) as shared:
        yield shared


def plain_python(source: str, tokens: list[str], sentence: str) -> Any:
    """CPython's own matrix of a program of ours that is known to be harmless."""
    space: dict[str, Any] = {"__name__": "program"}
    exec(source, space)
    return np.asarray(space["predict"](sentence, tokens), dtype=np.float64)


@pytest.mark.parametrize("corpus", ["benign-dev.jsonl", "benign-more.jsonl"])
def test_benign_programs_give_the_matrix_of_plain_python(patient: SandboxPool, corpus: str) -> None:
    sentence = table()
    for row in load(corpus):
        got = patient.run_program(row["source"], None, sentence, allow_empty_rows=False)
        want = plain_python(row["source"], list(sentence.raw), sentence.text)
        np.testing.assert_array_equal(got, want, err_msg=row["id"])


def test_attacks_cannot_harm_the_next_program(pool: SandboxPool) -> None:
    """A program that dies, loops or eats memory costs one error; its successor on the same worker runs."""
    good = "def predict(sentence, tokens):\n    n = len(tokens)\n    return [[1.0] * n] * n\n"
    patience = Limits(seconds=30, megabytes=256, start_seconds=30)
    bad = ["while True: pass", "a = ()\n    for i in range(10**6): a = (a,)\n    {a: 1}", "x = 'a' * 10**11"]
    for body in bad:
        source = f"def predict(sentence, tokens):\n    {body}\n"
        with suppress(Exception), pool.session(prepare(source)) as session:
            session.run(table(), values=Values())
        with pool.session(prepare(good), patience) as session:
            assert session.run(table(), values=Values()).sum() == len(table()) ** 2, body
    assert pool.starts == [1, 1]
