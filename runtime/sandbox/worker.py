"""The parent's side of a zygote and its children: starting, talking with a deadline, killing, collecting."""

from __future__ import annotations

import array
import contextlib
import fcntl
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from attndsl.runtime.sandbox import frames
from attndsl.runtime.sandbox.errors import sandbox_error
from attndsl.runtime.sandbox.limits import DEFAULT_LIMITS, Limits

_HERE = Path(__file__).resolve().parent
_START_SECONDS = 30.0
_PIPE_BYTES = 1 << 20
_AWAKE_SECONDS = 250e-6
"""How long the parent looks for an answer before it sleeps. It lets others run meanwhile (sched_yield)."""
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "LC_ALL": "C.UTF-8",
}
"""All the environment a zygote has. The fixed hash seed makes the order of sets the same in every run."""


class ChildGone(Exception):
    """The child closed its pipe: it ended or was killed."""


class DeadlinePassed(Exception):
    """The child did not answer in time."""


def _library_folders() -> list[str]:
    """Where numpy and RestrictedPython lie. Raises SandboxError E0424 when one is missing."""
    folders: list[str] = []
    for name in ("numpy", "RestrictedPython"):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise sandbox_error("E0424", "unavailable", f"the sandbox needs {name}, which is not installed")
        folder = str(Path(found.origin).parent.parent)
        if folder not in folders:
            folders.append(folder)
    return folders


class Zygote:
    """One zygote process. Not for use by two threads at once."""

    def __init__(self, namespaces: bool = True) -> None:
        self.namespaces = namespaces
        self.facts: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self.starts = 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start the process and read what it gave up. Raises SandboxError E0424 when it does not come up."""
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_START_SECONDS)
        wanted = "namespaces" if self.namespaces else "plain"
        script, libraries = str(_HERE / "zygote.py"), os.pathsep.join(_library_folders())
        with theirs:
            self._process = _spawn([sys.executable, "-s", "-P", "-S", script, str(_HERE), libraries, wanted], theirs)
        self._control = ours
        self.starts += 1
        try:
            self.facts = json.loads(ours.recv(65536) or b"null") or {}
        except (OSError, ValueError) as error:
            raise self._failed(str(error)) from None
        if not self.facts:
            raise self._failed("it ended while starting")

    def _failed(self, reason: str) -> Exception:
        self.close()
        return sandbox_error("E0424", "unavailable", f"the sandbox process could not be started: {reason}")

    def _ask(self, request: dict[str, Any], descriptors: tuple[int, ...] = ()) -> tuple[dict[str, Any], list[int]]:
        if self._control is None:
            raise ChildGone
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self._control.sendmsg([json.dumps(request).encode()], ancillary)
            data, received, _, _ = self._control.recvmsg(65536, socket.CMSG_SPACE(16))
        except OSError:
            raise ChildGone from None
        if not data:
            raise ChildGone
        found = array.array("i")
        for _, _, payload in received:
            found.frombytes(payload[: len(payload) - len(payload) % found.itemsize])
        answer: dict[str, Any] = json.loads(data)
        return answer, list(found)

    def ping(self) -> bool:
        """Whether the zygote answers."""
        try:
            return bool(self._ask({"op": "ping"})[0].get("alive"))
        except ChildGone:
            return False

    def fork(self, limits: Limits = DEFAULT_LIMITS, seccomp: bool = True) -> Child:
        """A fresh locked child. ``seccomp=False`` is for probes of the other walls only; no program runs in it.

        Raises SandboxError E0424 when neither this zygote nor a new one answers.
        """
        for _ in range(2):
            if not self.alive:
                self.start()
            with contextlib.suppress(ChildGone):
                return self._fork(limits, seccomp)
            self.close()
        raise self._failed("it does not answer")

    def _fork(self, limits: Limits, seccomp: bool) -> Child:
        request = {
            "op": "fork",
            "memory": limits.megabytes << 20,
            "stack": limits.stack_megabytes << 20,
            "cpu": limits.cpu_seconds,
            "seccomp": seccomp,
        }
        child_in, to_child = os.pipe2(os.O_CLOEXEC)
        from_child, child_out = os.pipe2(os.O_CLOEXEC)
        for descriptor in (to_child, from_child):
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(descriptor, 1031, _PIPE_BYTES)  # F_SETPIPE_SZ
        try:
            answer, handles = self._ask(request, (child_in, child_out))
        except ChildGone:
            os.close(to_child)
            os.close(from_child)
            raise
        finally:
            os.close(child_in)
            os.close(child_out)
        return Child(self, answer["pid"], handles[0], to_child, from_child)

    def reap(self, pid: int) -> int:
        """The exit status of a dead child: its code, or minus the signal that ended it."""
        return int(self._ask({"op": "reap", "pid": pid})[0]["status"])

    def close(self) -> None:
        """End the zygote; its children die with it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()
            self._process.wait()
            self._process = None


_spawning = threading.Lock()


def _spawn(command: list[str], control: socket.socket) -> subprocess.Popen[bytes]:
    """Start a process that inherits ``control`` and nothing else, in a session and an environment of its own."""
    with _spawning:
        return subprocess.Popen(
            [*command, str(control.fileno())],
            pass_fds=(control.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(_ENVIRONMENT),
            cwd="/",
            start_new_session=True,
        )


class Child:
    """One locked child, seen from the parent; it lives until ``close`` or until it breaks a limit."""

    def __init__(self, zygote: Zygote, pid: int, handle: int, to_child: int, from_child: int) -> None:
        self.pid = pid
        self._zygote = zygote
        self._handle = handle
        self._to, self._from = to_child, from_child
        self._open = True
        self.status: int | None = None
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(from_child, select.POLLIN)
        self._writable.register(to_child, select.POLLOUT)

    def ask(self, data: bytes, seconds: float, matrix: memoryview | None = None) -> tuple[bytes, int, bytes]:
        """Send one frame and wait for the answer: (status, line, text payload).

        A matrix answer is written into ``matrix`` and must have exactly its size. Raises ChildGone, DeadlinePassed,
        or ValueError when the answer is not of this form.
        """
        deadline = time.monotonic() + seconds
        self._send(data, deadline)
        header, text = bytearray(frames.UP.size), bytearray(frames.MAX_TEXT)
        block = matrix if matrix is not None and len(matrix) else memoryview(text)
        extra = self._begin(memoryview(header), block, deadline)
        status, line, size = frames.UP.unpack(header)
        if extra > size:
            raise ValueError("more than it announced")
        if status == frames.MATRIX:
            if matrix is None or size != len(matrix):
                raise ValueError(f"a matrix of {size} bytes")
            self._receive(matrix[extra:], deadline)
            return status, 0, b""
        if status == frames.READY and size == 0:
            return status, 0, b""
        if status not in frames.TEXT_STATUSES or size > frames.MAX_TEXT:
            raise ValueError("an unknown answer")
        text[:extra] = block[:extra]
        self._receive(memoryview(text)[extra:size], deadline)
        return status, line, bytes(text[:size])

    def _begin(self, header: memoryview, block: memoryview, deadline: float) -> int:
        """Read the header, and in the same call what may already lie behind it; gives how much that was."""
        count = 0
        while count < len(header):
            try:
                got = os.readv(self._from, [header[count:], block])
            except BlockingIOError:
                self._wait(self._readable, deadline)
                continue
            if got == 0:
                raise ChildGone
            count += got
        return count - len(header)

    def _send(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._to, view) :]
            except BlockingIOError:
                self._wait(self._writable, deadline)
            except OSError:
                raise ChildGone from None

    def _receive(self, view: memoryview, deadline: float) -> None:
        while view:
            try:
                count = os.readv(self._from, [view])
            except BlockingIOError:
                self._wait(self._readable, deadline)
                continue
            if count == 0:
                raise ChildGone
            view = view[count:]

    def _wait(self, poll: select.poll, deadline: float) -> None:
        """Wait for the child. Short answers come before this core would be asleep, and waking it costs as much."""
        now = time.monotonic()
        awake = min(now + _AWAKE_SECONDS, deadline)
        while now < awake:
            if poll.poll(0):
                return
            os.sched_yield()
            now = time.monotonic()
        left = deadline - now
        if left <= 0 or not poll.poll(left * 1000 + 1):
            raise DeadlinePassed

    def close(self) -> int:
        """Kill the child and collect it; gives its exit status (minus a signal number, when one ended it)."""
        if self._open:
            self._open = False
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            for descriptor in (self._to, self._from, self._handle):
                os.close(descriptor)
            try:
                self.status = self._zygote.reap(self.pid)
            except ChildGone:
                self.status = -signal.SIGKILL
        return self.status if self.status is not None else 0
