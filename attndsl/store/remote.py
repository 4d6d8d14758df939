"""The copy of a run in an object store or on another machine, through fsspec.

A run at a URL works in a folder of the user's cache, and every finished file is put to the URL before the ledger says
that it is there. So whatever the ledger at the URL names can be had from the URL, by any machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from attndsl.dsl.diagnostics import DiagnosticError, fail

T = TypeVar("T")
_URL = re.compile(r"([a-z][a-z0-9+]+):/+(.*)", re.IGNORECASE | re.DOTALL)  # one letter is a drive of Windows
_OBJECTS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oss", "r2", "memory"})
"""Object stores: a put is seen whole or not at all, nothing can be renamed, and there are no folders to make."""
_CHAINED = re.compile(r"[a-z][a-z0-9+]+::|(?:" + "|".join(sorted(_OBJECTS)) + r"):(?!/)", re.IGNORECASE)
"""No folder was meant, but fsspec's chains of URLs are not understood, nor is a store without a slash."""
_TRIES = 5
_FIRST_WAIT = 0.5


def url_of(out: Path | str) -> str | None:
    """The URL that was meant, None for a folder. ``Path("s3://bucket/run")`` has lost one of its slashes, and
    ``Path("file:///run")`` two. Raises DiagnosticError E0527 for what is neither, such as a chain of URLs."""
    if _CHAINED.match(str(out)):
        raise fail("E0527", f"{str(out)!r} is no URL of a store", help="give it as s3://bucket/run, without a chain")
    match = _URL.fullmatch(str(out))
    if match is None:
        return None
    protocol = match[1].lower()
    root = "/" if protocol in ("file", "local") else ""
    return f"{protocol}://{root}{match[2].rstrip('/')}"


def working_folder(url: str) -> Path:
    """Where a run at a URL works on this machine."""
    from attndsl.models.packaged import cache_folder

    name = re.sub(r"[^A-Za-z0-9.-]+", "-", PurePosixPath(url).name)[:40] or "run"
    return cache_folder() / "runs" / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


class Remote:
    """Files of one run at a URL. What fails on the way is tried again; raises E0527 when that does not help."""

    def __init__(self, url: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self._wait = wait
        self._files, self._root = _opened(url)
        self._objects = url.partition("://")[0] in _OBJECTS

    def names(self, under: str = "") -> dict[str, int]:
        """Every file with its size, by name below the URL."""
        root = f"{self._root}/{under}".rstrip("/")

        def listed() -> dict[str, int]:
            self._files.invalidate_cache()
            try:
                found = self._files.find(root, detail=True)
            except FileNotFoundError:
                return {}
            sizes = {path: int(entry["size"] or 0) for path, entry in found.items()}
            return {self._name(path): size for path, size in sizes.items() if not path.endswith(".part")}

        return self._patiently(listed, f"list {self.url}")

    def size(self, name: str) -> int | None:
        """The size of a file, None when it is not there."""

        def looked() -> int | None:
            self._files.invalidate_cache()
            try:
                return int(self._files.info(f"{self._root}/{name}")["size"])
            except FileNotFoundError:
                return None

        return self._patiently(looked, f"look at {self.url}/{name}")

    def put(self, name: str, path: Path) -> None:
        """Copy a local file there, whole or not at all."""
        target = f"{self._root}/{name}"

        def sent() -> None:
            if self._objects:
                self._files.put_file(str(path), target)
                return
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(path), f"{target}.part")
            self._files.mv(f"{target}.part", target)

        self._patiently(sent, f"write {self.url}/{name}")

    def get(self, name: str, path: Path) -> bool:
        """Copy a file from there, whole or not at all; whether it was there."""
        part = path.with_name(f".{path.name}.{os.getpid()}.part")

        def fetched() -> bool:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._files.get_file(f"{self._root}/{name}", str(part))
            except FileNotFoundError:
                return False
            os.replace(part, path)
            return True

        try:
            return self._patiently(fetched, f"read {self.url}/{name}")
        finally:
            part.unlink(missing_ok=True)

    def read(self, name: str) -> bytes | None:
        """A small file, None when it is not there."""

        def bytes_of() -> bytes | None:
            self._files.invalidate_cache()
            try:
                content: bytes = self._files.cat_file(f"{self._root}/{name}")
            except FileNotFoundError:
                return None
            return content

        return self._patiently(bytes_of, f"read {self.url}/{name}")

    def write(self, name: str, content: bytes) -> None:
        """A small file in place of what was there, whole or not at all."""

        def written() -> None:
            target = f"{self._root}/{name}"
            if self._objects:
                self._files.pipe_file(target, content)
                return
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(f"{target}.part", content)
            self._files.mv(f"{target}.part", target)

        self._patiently(written, f"write {self.url}/{name}")

    def create(self, name: str, content: bytes) -> bool:
        """A small file where there is none; False when there is one. Of several that do it at once one gets True: on
        object stores by the store's own condition; elsewhere they look first, and two may see nothing."""

        def created() -> bool:
            if not self._objects:  # asked for a folder, s3fs would make a bucket that was named by mistake
                self._files.makedirs(self._root, exist_ok=True)
            try:
                self._files.pipe_file(f"{self._root}/{name}", content, mode="create")
            except FileExistsError:
                return False
            return True

        return self._patiently(created, f"write {self.url}/{name}")

    def remove(self, name: str) -> None:
        def removed() -> None:
            try:
                self._files.rm_file(f"{self._root}/{name}")
            except FileNotFoundError:
                return

        self._patiently(removed, f"remove {self.url}/{name}")

    def _name(self, path: str) -> str:
        return path.removeprefix(self._root).lstrip("/")

    def _patiently(self, work: Callable[[], T], what: str) -> T:
        """The libraries behind fsspec raise what they like: anything but a refusal may pass. A place that is not there,
        such as a bucket, is one: what may be missing is asked for by callers that know."""
        for attempt in range(_TRIES):
            try:
                return work()
            except (PermissionError, FileNotFoundError, ImportError) as error:
                raise _unreachable(what, error) from error
            except Exception as error:
                if attempt == _TRIES - 1:
                    raise _unreachable(what, error) from error
                self._wait(_FIRST_WAIT * 2**attempt)
        raise AssertionError("the last try raises")


def _opened(url: str) -> tuple[Any, str]:
    import fsspec.core

    try:
        files, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:  # a protocol that is unknown, or whose package is missing
        raise _unreachable(f"open {url}", error) from error
    return files, str(root).rstrip("/")


def _unreachable(what: str, error: Exception) -> DiagnosticError:
    reason = str(error).strip().split("\n", 1)[0] or type(error).__name__
    return fail(
        "E0527", f"cannot {what}: {reason}",
        help="check the URL, the credentials and the package of that store (s3fs, gcsfs, adlfs); "
        "finished work is kept, the same command goes on from there",
    )  # fmt: skip
