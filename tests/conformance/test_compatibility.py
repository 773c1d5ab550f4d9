"""The report that tests leave about tools, and the document made of it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.compatibility import Claim, declared, differences, render, versions_in

MARKED = """
import pytest

TOOL = "hammer"
nails = pytest.mark.tool(TOOL, "nails")

@nails
def test_one(record_property):
    record_property("tool_version", "1.2")

@nails
@pytest.mark.parametrize("size", [1, 2])
def test_two(size, record_property):
    record_property("tool_version", "1.2")

@pytest.mark.tool("saw", "wood", limit="too hard")
def test_three(record_property):
    record_property("tool_version", "3")
    assert FOUR
"""
CLAIMS = [Claim("hammer", "nails", ""), Claim("saw", "wood", "too hard")]


def finding(claim: Claim, version: str = "1", outcome: str = "passed") -> dict[str, Any]:
    return claim._asdict() | {"version": version, "outcome": outcome, "tests": 1}


def test_marks_are_read_from_the_source(tmp_path: Path) -> None:
    (tmp_path / "test_tools.py").write_text(MARKED)
    assert declared(tmp_path) == CLAIMS


@pytest.mark.parametrize("text", ['f"{1}"', "OTHER", '"a | b"'])
def test_a_mark_needs_plain_texts(tmp_path: Path, text: str) -> None:
    (tmp_path / "test_tools.py").write_text(f"import pytest\n@pytest.mark.tool('x', {text})\n...")
    with pytest.raises((ValueError, SyntaxError)):
        declared(tmp_path)


def test_the_report_counts_what_each_feature_found(tmp_path: Path) -> None:
    (tmp_path / "test_tools.py").write_text(MARKED)
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", str(tmp_path)]
    command += ["-p", "tests.conformance.compatibility", "--compatibility-json", str(report)]
    told = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, check=False)
    assert told.returncode == 1
    found = [
        (each["tool"], each["version"], each["outcome"], each["tests"])
        for each in json.loads(report.read_text())
    ]
    assert found == [("hammer", "1.2", "passed", 3), ("saw", "3", "failed", 1)]


def test_the_document_has_one_row_for_each_tool() -> None:
    claims = [Claim("saw", "wood", ""), *CLAIMS]
    text = render(claims, {"saw": "3", "hammer": "1.2"})
    rows = text.splitlines()[-2:]
    assert rows == ["| hammer | 1.2 | nails |  |", "| saw | 3 | wood | wood: too hard |"]
    assert versions_in(text) == {"tool": "version", "hammer": "1.2", "saw": "3"}
    assert render(claims, versions_in(text)) == text


def test_what_is_not_proved_is_named() -> None:
    good = [finding(claim) for claim in CLAIMS]
    assert not list(differences(CLAIMS, good))
    assert list(differences(CLAIMS, good[:1])) == ["saw: no report of 'wood'; run its tests"]
    assert list(differences(CLAIMS[:1], good)) == ["saw: no test of 'wood'"]
    bad = [good[0], finding(CLAIMS[1], outcome="failed")]
    assert list(differences(CLAIMS, bad)) == ["saw: a test of 'wood' failed"]
    nameless = [good[0], finding(CLAIMS[1], version="")]
    assert list(differences(CLAIMS, nameless)) == ["saw: reported as '' and ''"]
