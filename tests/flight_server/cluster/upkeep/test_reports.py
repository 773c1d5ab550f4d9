"""What duties say, once."""

from typing import Any

import structlog

from flightkeeper.flight_server.cluster.upkeep.reports import Reports, logged
from flightkeeper.flight_server.system.events import What


def test_what_stays_as_it_is_is_said_once() -> None:
    said: list[tuple[str, str]] = []
    reports = Reports(What.DUTY_HINDERED, lambda _, subject, detail: said.append((subject, detail)))
    reports.found({"a": "1", "b": "2"})
    reports.found({"a": "1", "b": "3"})
    assert said == [("a", "1"), ("b", "2"), ("b", "3")]
    reports.found({})
    reports.found({"a": "1"})
    assert said[3:] == [("a", "1")]


def test_the_log_has_it_too() -> None:
    noted: list[Any] = []
    note = logged(lambda *what: noted.append(what))
    with structlog.testing.capture_logs() as lines:
        note(What.DUTY_HINDERED, "s.t", "why")
        note(What.KEYS_ROTATED, "k", "how")
    assert noted == [(What.DUTY_HINDERED, "s.t", "why"), (What.KEYS_ROTATED, "k", "how")]
    assert [(line["event"], line["log_level"], line["subject"]) for line in lines] == [
        ("duty hindered", "warning", "s.t"),
        ("keys rotated", "info", "k"),
    ]
