"""A real S3 server for tests: SeaweedFS as one process, on this machine only."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from tests.discovery.recorder import eventually
from tests.support.zookeeper_server import free_ports

BUCKET = "lake"
KEY_ID = "AKIDCANARY0001"
SECRET = "canary-secret-0123456789"
READY_S = 60.0

_IDENTITIES = """{{"identities": [{{"name": "nodes",
  "credentials": [{{"accessKey": "{key}", "secretKey": "{secret}"}}],
  "actions": ["Admin", "Read", "Write", "List"]}}]}}"""
_PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "filer.port"),
    *("filer.port.grpc", "volume.port", "volume.port.grpc"),
)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A running server with one bucket."""

    endpoint: str

    @property
    def start_sql(self) -> str:
        """What lets DuckDB read and write there."""
        return (
            f"CREATE SECRET lake (TYPE s3, SCOPE 's3://{BUCKET}', KEY_ID '{KEY_ID}', SECRET "
            f"'{SECRET}', ENDPOINT '{self.endpoint}', URL_STYLE 'path', USE_SSL false, "
            "REGION 'us-east-1');"
        )


@contextmanager
def object_store(home: Path) -> Iterator[ObjectStore]:
    """A server while the context is open.

    Args:
        home: a folder for its files.
    """
    (home / "s3.json").write_text(_IDENTITIES.format(key=KEY_ID, secret=SECRET))
    (home / "data").mkdir()
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    command = [
        str(Path(sys.executable).parent / "weed"),
        *("mini", f"-dir={home}/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.config={home}/s3.json", f"-bucket={BUCKET}", "-master.telemetry=false"),
        *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    environment = {**os.environ, "HOME": str(home)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
    try:
        endpoint = f"127.0.0.1:{ports['s3.port']}"
        eventually(lambda: process.poll() is not None or _has_bucket(endpoint, ports), READY_S)
        assert process.poll() is None, (home / "log").read_text()[-2000:]
        yield ObjectStore(endpoint)
    finally:
        process.kill()
        process.wait(10)


def _has_bucket(endpoint: str, ports: dict[str, int]) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{ports['filer.port']}/buckets/{BUCKET}/", timeout=2):
            return _answers(endpoint)
    except (URLError, OSError):
        return False


def _answers(endpoint: str) -> bool:
    try:
        with urlopen(f"http://{endpoint}/{BUCKET}", timeout=2):
            return True
    except HTTPError as exc:
        return exc.code == 403  # it wants a signature
