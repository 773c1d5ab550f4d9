"""A real S3 server for tests: SeaweedFS as one process, on this machine only."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
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
WRITER_ID = "AKIDCANARY0002"
"""Of a key that may read, write and list objects, and not delete them. The secret is the same."""
READY_S = 60.0

_WRITER = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:AbortMultipartUpload"],
            "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        }
    ],
}
"""As docs/lake.md has it."""
_IDENTITIES = {
    "identities": [
        {
            "name": "nodes",
            "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List"],
        },
        {
            "name": "writers",
            "credentials": [{"accessKey": WRITER_ID, "secretKey": SECRET}],
            "policyNames": ["writer"],
        },
    ],
    "policies": [{"name": "writer", "content": json.dumps(_WRITER)}],
}
_WEED = str(Path(sys.executable).parent / "weed")
_PORTS = (
    *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "filer.port"),
    *("filer.port.grpc", "volume.port", "volume.port.grpc"),
)


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A running server with one bucket.

    Attributes:
        home: the folder of its files.
        ports: by the flags that say them.
    """

    home: Path
    ports: Mapping[str, int]

    @property
    def endpoint(self) -> str:
        """Where it speaks S3."""
        return f"127.0.0.1:{self.ports['s3.port']}"

    @property
    def start_sql(self) -> str:
        """What lets DuckDB read, write and delete there."""
        return (
            f"CREATE SECRET lake (TYPE s3, SCOPE 's3://{BUCKET}', KEY_ID '{KEY_ID}', SECRET "
            f"'{SECRET}', ENDPOINT '{self.endpoint}', URL_STYLE 'path', USE_SSL false, "
            "REGION 'us-east-1');"
        )

    def start_file(self, key_id: str = KEY_ID) -> Path:
        """A file that lets a node do there what a key may."""
        file = self.home / f"{key_id}.sql"
        file.write_text(self.start_sql.replace(KEY_ID, key_id))
        file.chmod(0o600)
        return file

    def keep_versions(self) -> None:
        """Let the bucket keep what is deleted or written over, from now on."""
        told = f"s3.bucket.versioning -name {BUCKET} -enable\nexit\n"
        at = [
            f"-{name}=127.0.0.1:{self.ports[f'{name}.port']}.{self.ports[f'{name}.port.grpc']}"
            for name in ("master", "filer")
        ]
        done = subprocess.run(
            [_WEED, "shell", *at],
            check=True,
            input=told,
            capture_output=True,
            text=True,
            timeout=READY_S,
        )
        assert "set to Enabled" in done.stdout, done.stderr


@contextmanager
def object_store(home: Path) -> Iterator[ObjectStore]:
    """A server while the context is open.

    Args:
        home: a folder for its files.
    """
    (home / "s3.json").write_text(json.dumps(_IDENTITIES))
    (home / "data").mkdir()
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    command = [
        *(_WEED, "mini", f"-dir={home}/data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.config={home}/s3.json", f"-bucket={BUCKET}", "-master.telemetry=false"),
        *("-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *(f"-{name}={port}" for name, port in ports.items()),
    ]
    environment = {**os.environ, "HOME": str(home)}
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=log, stderr=log)
    try:
        store = ObjectStore(home, ports)
        eventually(lambda: process.poll() is not None or _has_bucket(store), READY_S)
        assert process.poll() is None, (home / "log").read_text()[-2000:]
        yield store
    finally:
        process.kill()
        process.wait(10)


def _has_bucket(store: ObjectStore) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{store.ports['filer.port']}/buckets/{BUCKET}/", timeout=2):
            return _answers(store.endpoint)
    except (URLError, OSError):
        return False


def _answers(endpoint: str) -> bool:
    try:
        with urlopen(f"http://{endpoint}/{BUCKET}", timeout=2):
            return True
    except HTTPError as exc:
        return exc.code == 403  # it wants a signature
