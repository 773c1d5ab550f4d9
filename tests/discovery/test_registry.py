"""Opening a registry by its URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from flightkeeper.discovery.errors import InvalidRegistryUrl
from flightkeeper.discovery.registry import open_registry


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout


def test_the_import_loads_no_backend() -> None:
    loaded = run("import sys, flightkeeper.discovery.registry; print(*sys.modules)").split()
    assert not {"kazoo", "socket", "asyncio", "fcntl"} & set(loaded)


def test_a_directory_loads_no_kazoo(tmp_path: Path) -> None:
    code = (
        "import sys; from flightkeeper.discovery.registry import open_registry;"
        f"open_registry('dir://{tmp_path}').close(); print('kazoo' in sys.modules)"
    )
    assert run(code).strip() == "False"


def test_a_wrong_url_is_refused_before_anything_is_loaded() -> None:
    with pytest.raises(InvalidRegistryUrl, match="port"):
        open_registry("zk://h1:port")
