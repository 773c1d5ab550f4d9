"""The README's Python runs, against the cluster the README starts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import running

README = (Path(__file__).parents[2] / "README.md").read_text()

pytestmark = pytest.mark.cluster


def test_the_ten_lines(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in program.splitlines() if line.strip()]) <= 10
    assert "flightkeeper up --registry dir:///tmp/flightkeeper" in README
    program = program.replace("/tmp/flightkeeper", f"{tmp_path}/registry")
    with running("up", "--registry", f"dir://{tmp_path}/registry") as up:
        for _ in range(4):
            up.line()
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout.splitlines() == [
        "1000000 rows of ['i', 'square']",
        "[{'answer': 42}]",
        "['node-1', 'node-2', 'node-3']",
    ]
