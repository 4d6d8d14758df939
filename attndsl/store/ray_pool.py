"""Workers on a Ray cluster: each is an actor that opens the run once and does one unit at a time.

Ray places them where the resources are that they ask for, and brings up nodes where it is set up to; an actor that dies
takes only its own unit with it, and another one takes its place. Patterns and results travel through the run's folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from attndsl.dsl.diagnostics import DiagnosticError, fail
from attndsl.store.units import Failed, Lost, Outcome, Unit
from attndsl.store.workers import Opening, Worker

LOCAL = "local"


class RayPool:
    """``address``: ``local`` (a cluster of this machine), ``auto`` (the one this machine belongs to) or that of another
    one, as ``ray.init`` takes it. ``count`` actors, 0: as many as the cluster has CPUs for now; each asks for one CPU,
    and for one GPU where the model runs on one. Raises DiagnosticError E0528 without Ray or the cluster."""

    def __init__(
        self, address: str, count: int, opening: Opening, *, gpu: bool = False,
        notify: Callable[[str], None] = lambda text: None,
    ) -> None:  # fmt: skip
        self._ray = _connected(address, count)
        self._mine = address == LOCAL
        resources = {"num_cpus": 1, "num_gpus": 1 if gpu else 0}
        self._make = self._ray.remote(max_restarts=0, **resources)(Worker).remote
        self._opening = self._ray.put(opening)
        have = self._ray.cluster_resources()
        self._count = count or max(1, int(have.get("GPU" if gpu else "CPU", 1)))
        self._starting: dict[Any, Any] = {}
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Unit]] = {}
        self._refused: Exception | None = None
        notify(f"{self._count} workers on the Ray cluster at {address}")

    @property
    def free(self) -> int:
        """Workers without a unit; those that are still starting take theirs when they are ready."""
        return self._count - len(self._busy) if self._idle or not self._busy else len(self._idle)

    def submit(self, unit: Unit) -> None:
        self._fill()
        while not self._idle:
            self._started(timeout=None)
        actor = self._idle.pop()
        self._busy[actor.perform.remote(unit)] = (actor, unit)

    def wait(self) -> list[tuple[Unit, Outcome]]:
        """Wait for a result; workers that become ready in the meantime are taken in."""
        while True:
            ready, _ = self._ray.wait([*self._busy, *self._starting], num_returns=1)
            found = [self._taken(reference) for reference in ready if reference in self._busy]
            for reference in ready:
                if reference in self._starting:
                    self._settle_start(reference)
            if found or self._idle:
                return found

    def close(self) -> None:
        for actor in [*self._idle, *self._starting.values(), *(actor for actor, _ in self._busy.values())]:
            self._ray.kill(actor)
        self._idle, self._starting, self._busy = [], {}, {}
        if self._mine and self._ray.is_initialized():
            self._ray.shutdown()

    def _fill(self) -> None:
        """Ask for the workers that are missing; a cluster without room for them starts them when it has."""
        while len(self._starting) + len(self._idle) + len(self._busy) < self._count:
            actor = self._make(self._opening)
            self._starting[actor.ready.remote()] = actor

    def _started(self, timeout: float | None) -> None:
        ready, _ = self._ray.wait(list(self._starting), num_returns=1, timeout=timeout)
        for reference in ready:
            self._settle_start(reference)

    def _settle_start(self, reference: Any) -> None:
        actor = self._starting.pop(reference)
        try:
            self._ray.get(reference)
        except Exception as error:  # what the worker raised, or that it died
            cause = getattr(error, "cause", None)
            if isinstance(cause, DiagnosticError):
                raise cause from None
            raise fail(
                "E0528", f"a worker could not open the run: {str(error).strip().splitlines()[-1]}",
                help="look at the memory and the logs of the node (ray status, /tmp/ray)",
            ) from error  # fmt: skip
        self._idle.append(actor)

    def _taken(self, reference: Any) -> tuple[Unit, Outcome]:
        actor, unit = self._busy.pop(reference)
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            return unit, Lost(_ending(error))
        except self._ray.exceptions.RayError as error:
            self._idle.append(actor)
            return unit, Failed(RuntimeError(_last_line(error)))
        self._idle.append(actor)
        return unit, outcome


def _ending(error: Exception) -> str:
    """Which worker is no more: Ray tells it in lines such as ``pid: 4711``, or not at all."""
    told = dict(re.findall(r"^\s*(pid|ip): (\S+)$", str(error), re.MULTILINE))
    if told.keys() < {"pid", "ip"}:
        return f"a worker of the cluster was killed or died ({_last_line(error)})"
    return f"worker {told['pid']} on {told['ip']} was killed or died"


def _last_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _connected(address: str, count: int) -> Any:
    try:
        import ray
    except ImportError as error:
        raise fail(
            "E0528", "--ray needs the ray package, which is not installed", help="pip install 'attndsl[ray]'"
        ) from error  # fmt: skip
    options: dict[str, Any] = {"ignore_reinit_error": True, "log_to_driver": False, "logging_level": "ERROR"}
    options |= {"include_dashboard": False, "num_cpus": count or None} if address == LOCAL else {}
    try:
        ray.init(address=None if address == LOCAL else address, **options)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        raise fail(
            "E0528", f"there is no Ray cluster at {address}: {_last_line(error)}",
            help="start one (ray start --head), or use --ray local for one of this machine",
        ) from error  # fmt: skip
    return ray
