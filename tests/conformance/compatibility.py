"""A pytest plugin that reports which tool of others works: `--compatibility-json FILE`.

A test (or a module, by `pytestmark`) says what it proves with `@pytest.mark.tool(name, feature)`;
`limit="why"` says that it proves that the feature does not work, and why. Every mark counts.
`tools/compatibility.py` makes docs/compatibility.md of the marks and of these reports. It reads the
marks from the source, so their texts are literals or constants of the same module.

A tool's version is that of its package in `PACKAGES`, or what the test said with
`record_property("tool_version", "1.2")`.
"""

import json
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import pytest

PACKAGES: Mapping[str, str] = {
    "ADBC DB-API (Python)": "adbc-driver-flightsql",
    "DB-API 2.0 compliance tests": "dbapi-compliance",
    "SQLAlchemy (adbc+flightsql)": "sqlalchemy-adbc",
    "dbt": "dbt-gizmosql",
    "flightsql-dbapi": "flightsql-dbapi",
    "Harlequin": "harlequin-adbc",
    "Ibis": "ibis-gizmosql",
    "pandas": "pandas",
    "polars": "polars",
}
"""Tools whose version a Python package tells."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register `--compatibility-json`."""
    parser.addoption("--compatibility-json", metavar="FILE", help="report what the tools could do")


def pytest_configure(config: pytest.Config) -> None:
    """Collect in the process that sees all reports; workers of pytest-xdist send theirs there."""
    path = config.getoption("--compatibility-json")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Findings(Path(path)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the report of a test carry its marks."""
    item.user_properties += [("tool", marked(mark)) for mark in item.iter_markers("tool")]


def marked(mark: pytest.Mark) -> tuple[str, str, str]:
    """Tool, feature and limit of a mark; the limit is empty for what works."""
    name, feature = mark.args
    return name, feature, mark.kwargs.get("limit", "")


class Findings:
    """Counts what the tests of each feature found, and writes it at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[tuple[str, ...]] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once: when it was called, or when its setting up or tearing down failed."""
        if report.when != "call" and not report.failed:
            return
        said = dict(report.user_properties).get("tool_version", "")
        for key, value in report.user_properties:
            if key == "tool" and isinstance(value, list | tuple):
                tool, feature, limit = value
                told = version(PACKAGES[tool]) if tool in PACKAGES else str(said)
                self._counts[tool, told, feature, limit, report.outcome] += 1

    def pytest_sessionfinish(self) -> None:
        """Write the report: one entry for each tool, version, feature, limit and outcome."""
        names = ("tool", "version", "feature", "limit", "outcome")
        found = [
            dict(zip(names, key, strict=True)) | {"tests": count}
            for key, count in sorted(self._counts.items())
        ]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(found, indent=1) + "\n")
