"""Names that other nodes and clients rely on: changing one breaks a mixed cluster."""

from flightkeeper.flightsql import headers


def test_the_names_stay() -> None:
    assert {
        headers.READ_ONLY,
        headers.STATEMENT_ID,
        headers.SENT_BEFORE,
        headers.COMMIT_TOLD,
        headers.LOAD,
        headers.REASON,
        headers.RETRY_AFTER_MS,
        headers.PROBE_ACTION,
        headers.PEER_ACTION,
    } == {
        "x-flightkeeper-read-only",
        "x-flightkeeper-statement-id",
        "x-flightkeeper-sent-before",
        "x-flightkeeper-commit-told",
        "x-flightkeeper-load",
        "x-flightkeeper-reason",
        "x-flightkeeper-retry-after-ms",
        "flightkeeper.Probe",
        "flightkeeper.Peer",
    }
    assert {reason.value for reason in headers.Reason} == {
        "draining",
        "overloaded",
        "not-read-only",
        "session-lost",
        "conflict",
        "untold",
        "undone",
        "away",
    }


def test_they_may_be_metadata_keys() -> None:
    names = [value for name, value in vars(headers).items() if name.isupper()]
    actions = {headers.PROBE_ACTION, headers.PEER_ACTION, headers.CANCEL_ACTION}
    others = actions | {headers.UPLOAD_COMPLETE}
    keys = [name for name in names if name not in others]
    assert keys
    assert all(key == key.lower() for key in keys)
    # A key that ends in -bin is carried as bytes.
    assert [key for key in keys if key.endswith("-bin")] == [headers.FORWARDED_DETAILS]
