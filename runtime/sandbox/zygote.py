"""The zygote: started once with ``python -s -P -S``, imports numpy, gives up its rights, and forks children on request.

It runs as a script, without site-packages: its arguments say where this package, numpy and RestrictedPython lie. It
never sees a program; programs go straight from the parent to the children through pipes that it only hands on.
"""

from __future__ import annotations

import array
import gc
import json
import os
import signal
import socket
import sys
import types


def _mount(folder: str) -> None:
    """Make ``attndsl.runtime.sandbox`` importable from its folder without running the packages above it."""
    for name in ("attndsl", "attndsl.runtime", "attndsl.runtime.sandbox"):
        module = types.ModuleType(name)
        module.__path__ = [folder] if name.endswith("sandbox") else []
        sys.modules[name] = module


def _receive(control: socket.socket) -> tuple[dict[str, object], list[int]]:
    size = array.array("i").itemsize
    data, ancillary, _, _ = control.recvmsg(65536, socket.CMSG_SPACE(2 * size))
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % size])
    if not data:
        raise EOFError
    return json.loads(data), list(descriptors)


def _reply(control: socket.socket, answer: dict[str, object], descriptors: tuple[int, ...] = ()) -> None:
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    control.sendmsg([json.dumps(answer).encode()], ancillary)


def _virtual_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def serve(control: socket.socket, facts: dict[str, object]) -> None:
    """Answer ``fork``, ``reap`` and ``ping`` until the parent closes the control socket."""
    from attndsl.runtime.sandbox import child, lockdown, seccomp

    libc = facts.pop("libc")
    virtual = facts.pop("virtual")
    prepared = seccomp.prepare(lockdown.INPUT_FD, lockdown.OUTPUT_FD)
    _reply(control, facts)
    gc.collect()
    gc.freeze()
    while True:
        request, descriptors = _receive(control)
        if request["op"] == "fork":
            request["parent"] = os.getpid()
            pid = os.fork()
            if pid == 0:
                try:
                    lockdown.take_descriptors(*descriptors)
                    child.main(libc, request, virtual, prepared)  # type: ignore[arg-type]
                finally:
                    os._exit(3)
            for descriptor in descriptors:
                os.close(descriptor)
            handle = os.pidfd_open(pid)
            _reply(control, {"pid": pid}, (handle,))
            os.close(handle)
        elif request["op"] == "reap":
            pid, status = os.waitpid(int(request["pid"]), 0)  # type: ignore[call-overload]
            _reply(control, {"status": os.waitstatus_to_exitcode(status)})
        else:
            _reply(control, {"alive": True})


def main(folder: str, libraries: list[str], wanted: str, descriptor: int) -> None:
    """Import, give up rights, serve. ``wanted`` is 'namespaces' where those are to be tried."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = socket.socket(fileno=descriptor)
    _mount(folder)
    from attndsl.runtime.sandbox import lockdown

    libc = lockdown.load_libc()
    namespaces = lockdown.own_namespaces(libc) if wanted == "namespaces" else []
    path = list(sys.path)
    sys.path[:] = [*path, *libraries]
    from attndsl.runtime.sandbox import child, warm  # noqa: F401  (numpy, RestrictedPython, every facade)

    warm.warm_up()
    virtual = _virtual_bytes()
    facts = dict(lockdown.lock_zygote(libc))
    sys.path[:] = []
    facts.update(libc=libc, virtual=virtual, namespaces=namespaces)
    try:
        serve(control, facts)
    except (EOFError, OSError):
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2].split(os.pathsep), sys.argv[3], int(sys.argv[4]))
