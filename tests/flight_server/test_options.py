"""Options: read from text, bounded, and resolved in one order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server import options
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.options import TIMEOUT_MAX_MS, Options, duration_ms, resolve

_DEFAULTS = Options(statement_timeout_ms=7)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0", 0),
        ("500", 500),
        (" 250ms ", 250),
        ("1.5 s", 1500),
        ("2MIN", 120_000),
        ("1h", 3_600_000),
    ],
)
def test_durations_have_a_unit_or_are_milliseconds(text: str, wanted: int) -> None:
    assert duration_ms(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "-1", "1 day", "1e3", "5s5", "٣s", "999h"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it may be seven days at most|a bare number"):
        duration_ms(text)


@given(st.integers(0, TIMEOUT_MAX_MS), st.integers(1, options.ENDPOINTS_MAX))
def test_what_is_shown_is_read_again(timeout_ms: int, endpoints: int) -> None:
    for compression in options.COMPRESSIONS:
        made = Options("duckdb", timeout_ms, compression, "off", endpoints)
        read = Options()
        for name in options.NAMES:
            read = resolve(read, options.parsed(name, options.shown(made, name)))
        assert read == made


@pytest.mark.parametrize(("asked", "holds"), [(None, 50), ("0", 50), ("70", 50), ("20", 20)])
def test_a_node_may_bound_how_long_a_statement_runs(asked: str | None, holds: int) -> None:
    node = Options(statement_timeout_max_ms=50)
    sent = {} if asked is None else {"x-flightkeeper-statement-timeout": [asked]}
    assert resolve(node, {}, sent).statement_timeout_ms == holds
    set_here = {} if asked is None else options.parsed("statement_timeout", asked)
    assert resolve(node, set_here).statement_timeout_ms == holds


@pytest.mark.parametrize(
    ("name", "text"),
    [("dialect", "klingon"), ("compression", "gzip"), ("endpoints", "many"), ("endpoints", "0")],
)
def test_a_wrong_text_names_the_option(name: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{name} cannot be '{text}': it is"):
        options.parsed(name, text)


@pytest.mark.parametrize(
    ("dictionaries", "java", "others"),
    [("auto", True, False), ("on", False, False), ("off", True, True)],
)
def test_java_gets_values_instead_of_dictionaries_unless_it_asks(
    dictionaries: str, java: object, others: object
) -> None:
    made = Options(dictionaries=dictionaries)
    assert made.plain("grpc-java-netty/1.73.0") is java
    assert made.plain("ADBC Flight SQL Driver grpc-go/1.84.0") is others
    assert made.plain("") is others


def test_a_long_wrong_text_is_cut() -> None:
    with pytest.raises(InvalidArgument) as caught:
        options.parsed("dialect", "x" * 100_000)
    assert len(str(caught.value)) < 1000


def test_names_are_known_in_any_case_and_by_what_mysql_calls_them() -> None:
    assert options.known("Statement_Timeout") == "statement_timeout"
    assert options.known("MAX_EXECUTION_TIME") == "statement_timeout"
    assert options.known("threads") is None


def test_headers_go_before_the_session_and_that_before_the_node() -> None:
    session = options.parsed("statement_timeout", "5s")
    sent = {"x-flightkeeper-statement-timeout": ["9s"], "x-flightkeeper-load": ["1"]}
    assert resolve(_DEFAULTS, {}).statement_timeout_ms == 7
    assert resolve(_DEFAULTS, session).statement_timeout_ms == 5000
    assert resolve(_DEFAULTS, session, sent).statement_timeout_ms == 9000
    assert resolve(_DEFAULTS, {}) is _DEFAULTS
