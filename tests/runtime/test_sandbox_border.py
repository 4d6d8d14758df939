"""The border, with children that lie: whatever comes up the pipe, the parent answers with an error or plain numbers."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest
from sandbox_cases import STRICT, table

from attndsl.runtime.sandbox import Limits, SandboxError, Values, frames, prepare
from attndsl.runtime.sandbox.pool import Session
from attndsl.runtime.sandbox.worker import Child

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="programs are isolated on Linux only")

SOURCE = "def predict(sentence, tokens):\n    return [[1.0]]\n"
READY = frames.UP.pack(frames.READY, 0, 0)


class FakeZygote:
    """Hands out 'children' that are a thread writing prepared bytes, whatever they are sent."""

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.closed = 0

    def fork(self, limits: Any, seccomp: bool = True) -> Child:
        child_in, to_child = os.pipe()
        from_child, child_out = os.pipe()
        for descriptor in (to_child, from_child):
            os.set_blocking(descriptor, False)

        def lie() -> None:
            with os.fdopen(child_in, "rb") as inbox, os.fdopen(child_out, "wb") as outbox:
                for answer in self.answers:
                    head = inbox.read(frames.DOWN.size)
                    if len(head) < frames.DOWN.size:
                        return
                    _, text, block = frames.DOWN.unpack(head)
                    inbox.read(text + block)
                    try:
                        outbox.write(answer)
                        outbox.flush()
                    except BrokenPipeError:
                        return
                if self.answers[-1].endswith(b"stay"):
                    time.sleep(2)

        threading.Thread(target=lie, daemon=True).start()
        return Child(self, 0, os.open(os.devnull, os.O_RDONLY), to_child, from_child)  # type: ignore[arg-type]

    def reap(self, pid: int) -> int:
        self.closed += 1
        return -31


def answer(*answers: bytes, values: Values = STRICT, seconds: float = 1.0) -> Any:
    zygote = FakeZygote(list(answers))
    session = Session(zygote, prepare(SOURCE), Limits(seconds=seconds, start_seconds=seconds))  # type: ignore[arg-type]
    try:
        return session.run(table("a b"), values=values)
    finally:
        session.close()


def code_of(*answers: bytes, **options: Any) -> str:
    with pytest.raises(SandboxError) as caught:
        answer(*answers, **options)
    return caught.value.code


def matrix(*values: float) -> bytes:
    return frames.UP.pack(frames.MATRIX, 0, 8 * len(values)) + np.array(values, dtype=float).tobytes()


def text(status: bytes, kind: str, message: str) -> bytes:
    payload = f"{kind}\0{message}".encode()
    return frames.UP.pack(status, 7, len(payload)) + payload


def test_an_honest_answer() -> None:
    np.testing.assert_array_equal(answer(READY, matrix(1, 2, 3, 4)), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    "lie",
    [
        matrix(1, 2, 3),
        matrix(1, 2, 3, 4, 5),
        matrix(*[1.0] * 10_000),
        frames.UP.pack(frames.MATRIX, 0, 0xFFFFFFFF) + b"x" * 100,
        frames.UP.pack(b"?", 0, 4) + b"abcd",
        frames.UP.pack(frames.FAILED, 0, frames.MAX_TEXT + 1) + b"x" * (frames.MAX_TEXT + 1),
        frames.UP.pack(frames.READY, 0, 5) + b"abcde",
        frames.UP.pack(frames.REFUSED, 0, 2) + b"abcdef",
        b'RESULT {"ok": true, "matrix": [[1337.0]]}\n',
        b"\0" * 64,
    ],
)
def test_a_malformed_answer_is_never_used(lie: bytes) -> None:
    assert code_of(READY, lie) == "E0419"


def test_half_an_answer_is_a_death() -> None:
    assert code_of(READY, matrix(1, 2, 3, 4)[:-3]) == "E0418"
    assert code_of(READY, b"") == "E0418"
    assert code_of(b"") == "E0418"


def test_half_an_answer_and_silence_is_a_timeout() -> None:
    assert code_of(READY, matrix(1, 2, 3, 4)[:10] + b"stay", seconds=0.3) == "E0416"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 1e31])
def test_values_are_checked(value: float) -> None:
    assert code_of(READY, matrix(1, 2, 3, value)) == "E0414"


def test_texts_are_cleaned_and_cut() -> None:
    with pytest.raises(SandboxError) as caught:
        answer(
            READY,
            text(frames.FAILED, "\x1b[2JEvil\u202e", "\x1b]0;owned\x07line\r\nINFO ok 0x7fffdeadbeef " + "y" * 3000),
        )
    shown = str(caught.value)
    assert len(shown) < 700
    assert not set(shown) & set("\x1b\x07\r\n\u202e")
    assert "deadbeef" not in shown
    assert caught.value.line is None or caught.value.line <= 2


def test_invalid_utf8_in_a_text() -> None:
    payload = b"\xff\xfe\0\xff"
    assert code_of(READY, frames.UP.pack(frames.FAILED, 0xFFFFFFFF, len(payload)) + payload) == "E0412"


ANSWERS = {"a matrix", "E0410", "E0412", "E0413", "E0415", "E0416", "E0417", "E0418", "E0419"}


def answer_or_code(lie: bytes) -> str:
    try:
        found = answer(READY, lie, values=Values(True, True, True), seconds=0.2)
    except SandboxError as error:
        return error.code
    return "a matrix" if found.shape == (2, 2) else "something else"


def test_only_known_exceptions_leave() -> None:
    """Random bytes for an answer: always a SandboxError, or a matrix of the right form."""
    random = np.random.default_rng(0)
    for _ in range(150):
        header = bytearray(random.bytes(int(random.integers(0, 40))))
        if len(header) > 12:
            header[0:1] = bytes(random.choice([b"O", b"E", b"R", b"C", b"B", b"?"]))
            header[4:12] = frames.UP.pack(b"x", 0, int(random.integers(0, 50)))[4:12]
        assert answer_or_code(bytes(header)) in ANSWERS
