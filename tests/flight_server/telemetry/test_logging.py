"""Log lines: their forms, where they come from, and what never stands in them."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from flightkeeper.flight_server.telemetry.logging import (
    MASK,
    add_to_every_line,
    configure_logging,
    mask_secrets,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_lines_from_both_loggers() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    structlog.get_logger("node").info("started", port=1)
    logging.getLogger("flightkeeper.discovery").warning("lost %s", "zk", extra={"attempt": 2})
    ours, theirs = lines(stream)
    assert (ours["event"], ours["port"], ours["level"]) == ("started", 1, "info")
    assert (theirs["event"], theirs["attempt"], theirs["level"]) == ("lost zk", 2, "warning")
    assert ours["timestamp"].endswith("Z")


def test_a_line_that_cannot_be_written_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    stream.close()
    monkeypatch.setattr("sys.stderr", stream)
    structlog.get_logger("node").info("started")


def test_text_has_colours_on_a_terminal_only() -> None:
    for stream, coloured in ((io.StringIO(), False), (Terminal(), True)):
        configure_logging("info", "text", stream)
        structlog.get_logger("node").info("started")
        assert ("\x1b[" in stream.getvalue()) is coloured


def test_lines_below_the_level_are_dropped() -> None:
    stream = io.StringIO()
    configure_logging("warning", "json", stream)
    structlog.get_logger("node").info("small talk")
    logging.getLogger("x").info("small talk")
    logging.getLogger("kazoo.client").warning("retrying")
    assert stream.getvalue() == ""


def fail_and_log() -> None:
    try:
        int("no good")
    except ValueError:
        structlog.get_logger("node").exception("failed")


@pytest.mark.parametrize(
    ("level", "style", "traceback"),
    [("info", "text", False), ("debug", "text", True), ("info", "json", True)],
)
def test_tracebacks_are_for_programs_and_developers(
    level: str, style: str, *, traceback: bool
) -> None:
    stream = io.StringIO()
    configure_logging(level, style, stream)
    fail_and_log()
    assert "no good" in stream.getvalue()
    assert ("Traceback" in stream.getvalue()) is traceback


def test_an_exception_given_as_a_value_is_named() -> None:
    stream = io.StringIO()
    configure_logging("info", "text", stream)
    structlog.get_logger("node").error("failed", exc_info=KeyError("k"))
    structlog.get_logger("node").info("went on", exc_info=None)
    assert "KeyError: 'k'" in stream.getvalue()


def test_values_on_every_line_until_taken_off() -> None:
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    remove = add_to_every_line(node="n1")
    logging.getLogger("x").warning("one")
    remove()
    logging.getLogger("x").warning("two")
    first, second = lines(stream)
    assert first["node"] == "n1"
    assert "node" not in second


@pytest.mark.parametrize(
    "event",
    [
        {"password": "hunter2"},
        {"registry_password": "hunter2"},
        {"headers": {"Authorization": "hunter2"}},
        {"event": "got header Basic aHVudGVyMg==hunter2"},
        {"event": "got header bearer abcdefhunter2"},
        {"url": "flightsql+zk://user:hunter2@h1:1/x"},
        {"event": "token eyJhbGciOiJFZERTQSJ9.hunter2.sig"},
        {"event": "CREATE SECRET (TYPE s3, secret 'x', password = 'hunter2')"},
        {"text": "CREATE SECRET (TYPE s3, SECRET 'hunter2', SESSION_TOKEN 'hunter2''s')"},
        {"text": "ALTER USER ada PASSWORD 'hunter2'"},
    ],
)
def test_secrets_are_masked(event: dict[str, object]) -> None:
    masked = mask_secrets(None, "info", event)
    assert "hunter2" not in str(masked)
    assert MASK in str(masked)


def test_what_is_no_secret_stays() -> None:
    event = {"event": "SELECT 1 FROM t", "port": 3, "url": "zk://h1:2181/x", "more": {"a": 1}}
    assert mask_secrets(None, "info", event) == event
