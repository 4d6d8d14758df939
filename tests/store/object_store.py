"""An S3 server on loopback (moto), with one bucket; ``AWS_ENDPOINT_URL`` leads s3fs to it, in children too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BUCKET = "bucket"


@contextmanager
def s3_server() -> Iterator[Any]:
    """The file system of the server; skipped where s3fs or moto is not installed."""
    s3fs = pytest.importorskip("s3fs", reason="the object-store extra is not installed")
    server_module = pytest.importorskip("moto.server", reason="the object-store extra is not installed")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()
        files = s3fs.S3FileSystem()
        files.mkdir(BUCKET)
        try:
            yield files
        finally:
            server.stop()
            s3fs.S3FileSystem.clear_instance_cache()
