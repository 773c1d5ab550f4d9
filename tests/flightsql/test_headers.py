"""Names that other nodes and clients rely on: changing one breaks a mixed cluster."""

from flightkeeper.flightsql import headers


def test_the_names_stay() -> None:
    assert {
        headers.READ_ONLY,
        headers.STATEMENT_ID,
        headers.LOAD,
        headers.REASON,
        headers.RETRY_AFTER_MS,
        headers.PROBE_ACTION,
        headers.PEER_ACTION,
    } == {
        "x-flightkeeper-read-only",
        "x-flightkeeper-statement-id",
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
    }


def test_they_may_be_metadata_keys() -> None:
    names = [value for name, value in vars(headers).items() if name.isupper()]
    keys = [name for name in names if name not in {headers.PROBE_ACTION, headers.PEER_ACTION}]
    assert keys
    # A key that ends in -bin would be carried as bytes.
    assert all(key == key.lower() and not key.endswith("-bin") for key in keys)
