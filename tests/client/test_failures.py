"""gRPC's words, as failures. The texts are what pyarrow 26 really says."""

import pytest

from flightkeeper.client.failures import CallFailed, Code, Failure, Kind, classify, stripped
from flightkeeper.flightsql import headers

UNAVAILABLE = "Flight returned unavailable error, with message: "
REFUSED = (
    UNAVAILABLE + "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1:"
    " Failed to connect to remote host: Connection refused"
)
CONTEXT = ". gRPC client debug context: UNAVAILABLE:words. Client context: OK"


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (Code.UNAVAILABLE, REFUSED, Kind.NOT_SENT),
        (Code.UNAVAILABLE, REFUSED + CONTEXT, Kind.NOT_SENT),
        (Code.UNAVAILABLE, UNAVAILABLE + "errors resolving nowhere:1: []", Kind.NOT_SENT),
        (Code.INTERNAL, "Could not finish writing before closing", Kind.NOT_SENT),
        (Code.UNAVAILABLE, UNAVAILABLE + "Stream removed (Socket closed)", Kind.BROKEN),
        (Code.UNAVAILABLE, UNAVAILABLE + "Too many pings", Kind.BROKEN),
        (Code.UNKNOWN, "Stream removed", Kind.BROKEN),
        (Code.INTERNAL, "Connection reset by peer", Kind.BROKEN),
        (Code.INTERNAL, "something else", Kind.INTERNAL),
        (Code.INVALID_ARGUMENT, "Parser Error", Kind.REFUSED),
        (Code.NOT_FOUND, "no such handle", Kind.GONE),
        (Code.UNIMPLEMENTED, "not here", Kind.REFUSED),
        (Code.UNKNOWN, "Out of Memory Error", Kind.REFUSED),
        (Code.UNAUTHENTICATED, "who?", Kind.UNAUTHENTICATED),
        (Code.PERMISSION_DENIED, "no", Kind.DENIED),
        (Code.DEADLINE_EXCEEDED, "Deadline Exceeded", Kind.TIMED_OUT),
        (Code.CANCELLED, "CANCELLED", Kind.BROKEN),
    ],
)
def test_kinds(code: Code, text: str, kind: Kind) -> None:
    assert classify(code, text, {}).kind is kind


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("draining", Kind.DRAINING),
        ("overloaded", Kind.OVERLOADED),
        ("away", Kind.OVERLOADED),
        ("not-read-only", Kind.NOT_READ_ONLY),
        ("session-lost", Kind.SESSION_LOST),
        ("of-a-later-version", Kind.BROKEN),
    ],
)
def test_the_nodes_mark_decides_before_the_code(reason: str, kind: Kind) -> None:
    assert classify(Code.UNAVAILABLE, "leaving", {headers.REASON: reason}).kind is kind


def test_a_nodes_message_cannot_pass_for_a_lost_connection() -> None:
    said = "Binder Error: failed to connect to all addresses"
    answer = {"x-arrow-status-message-bin": said}
    assert classify(Code.UNKNOWN, said, answer) == Failure(Kind.REFUSED, said)


def test_a_node_that_cancels_says_so() -> None:
    said = "INTERRUPT Error: Interrupted!"
    answer = {"x-arrow-status-message-bin": said}
    assert classify(Code.CANCELLED, said, answer) == Failure(Kind.CANCELLED, said)


@pytest.mark.parametrize(("sent", "read"), [("250", 250), ("", None), ("-1", None), ("x", None)])
def test_retry_after(sent: str, read: int | None) -> None:
    answer = {headers.REASON: "overloaded", headers.RETRY_AFTER_MS: sent}
    assert classify(Code.UNAVAILABLE, "full", answer) == Failure(Kind.OVERLOADED, "full", read)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Parser Error: x. Detail: Python exception: Oops", "Parser Error: x"),
        ("leaving. Detail: Unavailable" + CONTEXT, "leaving"),
        (
            UNAVAILABLE + "Stream removed (Socket closed)" + CONTEXT,
            "Stream removed (Socket closed)",
        ),
        ("Flight of fancy", "Flight of fancy"),
        ("plain", "plain"),
    ],
)
def test_only_the_nodes_words_remain(text: str, message: str) -> None:
    assert stripped(text) == message


def test_the_exception_shows_the_message() -> None:
    assert str(CallFailed(Failure(Kind.REFUSED, "words"))) == "words"
