"""One forked child: compiles one program, runs it over sentences, then is killed.

This is the only place in the project where generated text is compiled and executed as Python, and it only happens
after ``lockdown.lock_child``. Module state lives for one sentence: its functions are made anew for the next one, and
within a sentence the program runs twice on the same module, so that hidden state and randomness show.
"""

from __future__ import annotations

import ast
import ctypes
import json
import sys
from typing import Any

import numpy as np

from attndsl.runtime.sandbox import frames, lockdown, probes, randomness
from attndsl.runtime.sandbox.bindings import read_bindings
from attndsl.runtime.sandbox.documents import NLP
from attndsl.runtime.sandbox.guards import GUARDS, builtins_for_programs
from attndsl.runtime.sandbox.modules import MODULES
from attndsl.runtime.sandbox.policy import Policy
from attndsl.runtime.sandbox.results import BadResult, as_matrix
from attndsl.runtime.sandbox.tokenizer import Tokenizer
from attndsl.runtime.sandbox.words import Words

FILE_NAME = "<program>"


class Refused(Exception):
    """The policy does not allow the program; ``line`` is the first place."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


class Program:
    """Compiled code of one program, and how it is called."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.entry: str = request["entry"]
        self.style: str = request["style"]
        self.runs: int = request["runs"]
        self.seed: int = request["seed"]
        tree = ast.parse(request["source"])
        policy = Policy(self.entry, *read_bindings(tree))
        tree = policy.visit(tree)
        if policy.refusals:
            raise Refused(*min(policy.refusals))
        self.modules = {f"@import:{name}": MODULES[name] for name in policy.modules}
        self.code = compile(ast.fix_missing_locations(tree), FILE_NAME, "exec")

    def function(self, host: dict[str, Any]) -> Any:
        """The program function of a fresh module. Raises what the module's own statements raise."""
        space = {"__builtins__": builtins_for_programs(), **GUARDS, **self.modules, **host}
        exec(self.code, space)
        return space[self.entry]


class Sentence:
    """The plain data of one sentence, from which every run gets its own copies."""

    def __init__(self, request: dict[str, Any], block: bytes) -> None:
        self.text: str = request["text"]
        self.tokens: dict[str, Any] = request["tokens"]
        self.size = len(self.tokens["raw"])
        self.words = Words(request["words_text"], request["words"]) if request.get("words") else None
        self.host: dict[str, Any] = {}
        count = self.size * self.size
        for index, name in enumerate(request["host"]):
            matrix = np.frombuffer(block, dtype=np.float64, count=count, offset=index * count * 8)
            self.host[name] = _host_function(matrix.reshape(self.size, self.size))

    def argument(self, style: str) -> Any:
        """The second argument of the program: its own list of tokens, or a tokenizer."""
        return list(self.tokens["raw"]) if style == "tokens" else Tokenizer(self.text, self.tokens)


def _host_function(matrix: Any) -> Any:
    """A function of (tokens, q, k), or (q, k), that reads a matrix the host computed."""

    def look_up(*args: Any) -> float:
        if len(args) not in (2, 3):
            raise TypeError("a host function takes (tokens, i, j)")
        return float(matrix[args[-2], args[-1]])

    return look_up


class Answer:
    """A reusable frame for a matrix of one size: the header, and the numbers right behind it."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.frame = bytearray(frames.UP.size + 8 * size * size)
        frames.UP.pack_into(self.frame, 0, frames.MATRIX, 0, 8 * size * size)
        values = np.frombuffer(self.frame, dtype=np.float64, offset=frames.UP.size) if size else np.zeros(0)
        self.values = values.reshape(size, size)
        self.bits = self.values.view(np.int64)


def run_sentence(program: Program, sentence: Sentence, answer: Answer) -> bool:
    """Put the matrix of the first run into ``answer``; False when a later run on the same sentence gives another.

    Raises BadResult, or whatever the program raises.
    """
    NLP.words = sentence.words
    randomness.start_run(program.seed)
    function = program.function(sentence.host)
    for run in range(program.runs):
        randomness.start_run(program.seed + run)
        result = function(sentence.text, sentence.argument(program.style))
        matrix = as_matrix(result, sentence.size, program.style)
        if run == 0:
            np.copyto(answer.values, matrix)
        elif not np.array_equal(matrix.view(np.int64), answer.bits):
            return False
    return True


def _message(error: BaseException) -> str:
    """The text of an exception without ever formatting something large."""
    argument = error.args[0] if error.args else ""
    if type(argument) is str:
        return repr(argument[:200]) if isinstance(error, KeyError) else argument[:1000]
    small = isinstance(argument, int | float) and abs(argument) < 1e100
    return repr(argument) if small else ""


def _line(error: BaseException) -> int:
    """The line of the innermost frame of the program itself."""
    line, trace = 0, error.__traceback__
    for _ in range(20_000):
        if trace is None:
            break
        if trace.tb_frame.f_code.co_filename == FILE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _send(status: bytes, line: int, payload: bytes) -> None:
    frames.write_all(lockdown.OUTPUT_FD, frames.UP.pack(status, line & 0xFFFFFFFF, len(payload)) + payload)


def _send_text(status: bytes, line: int, kind: str, message: str) -> None:
    text = f"{kind[:80]}\0{message}".encode("utf-8", "backslashreplace")[: frames.MAX_TEXT]
    _send(status, line, text)


def _answer(state: dict[str, Any], kind: bytes, request: dict[str, Any], block: bytes) -> None:
    if kind == frames.PROBE:
        _send_text(frames.PROBED, 0, request["name"], probes.PROBES[request["name"]](request))
    elif kind == frames.PROGRAM:
        state["program"] = Program(request)
        _send(frames.READY, 0, b"")
    else:
        sentence = Sentence(request, block)
        answer = state.get("answer")
        if answer is None or answer.size != sentence.size:
            answer = state["answer"] = Answer(sentence.size)
        if run_sentence(state["program"], sentence, answer):
            frames.write_all(lockdown.OUTPUT_FD, memoryview(answer.frame))
        else:
            _send_text(frames.DIFFERS, 0, "", "two runs on the same sentence gave different matrices")


def serve() -> None:
    """Answer the parent's messages until the pipe closes."""
    state: dict[str, Any] = {}
    while True:
        kind, text_size, block_size = frames.DOWN.unpack(frames.read_exactly(lockdown.INPUT_FD, frames.DOWN.size))
        request = json.loads(frames.read_exactly(lockdown.INPUT_FD, text_size))
        block = frames.read_exactly(lockdown.INPUT_FD, block_size)
        try:
            _answer(state, kind, request, block)
        except Refused as refused:
            _send_text(frames.REFUSED, refused.line, "", str(refused))
        except BadResult as bad:
            _send_text(frames.BAD_RESULT, 0, "", str(bad))
        except SyntaxError as error:
            _send_text(frames.REFUSED, error.lineno or 0, "SyntaxError", str(error.msg))
        except BaseException as error:
            if kind == frames.PROGRAM:
                _send_text(frames.REFUSED, 0, type(error).__name__, _message(error))
            else:
                _send_text(frames.FAILED, _line(error), type(error).__name__, _message(error))


def main(libc: ctypes.CDLL, request: dict[str, Any], virtual_bytes: int, prepared: Any) -> None:
    """The life of a child after its descriptors are in place; never returns normally."""
    sys.stdin = sys.stdout = sys.stderr = None
    libc.mallopt(-1, 1 << 28)  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD: keep freed arrays, which the next run needs
    libc.mallopt(-3, 1 << 25)
    lockdown.lock_child(libc, request, virtual_bytes, prepared)
    serve()
