"""What the documents mean for a node: whole or not at all."""

import pytest

from flightkeeper.discovery.documents import Document
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.live.document import EMPTY, encode
from flightkeeper.flight_server.live.settings import (
    LIVE,
    Decision,
    InvalidLiveSettings,
    checked,
    decide,
)

OWN = NodeSettings(insecure=True, threads=3, dialect="trino")


def document(**values: object) -> Document:
    return Document(encode(EMPTY.changed(values, "ada", 0)), 0)


def test_texts_become_what_the_settings_are() -> None:
    assert checked({"threads": "4", "statement_timeout_s": "1.5", "memory_limit": "4GB"}) == {
        "threads": 4,
        "statement_timeout_s": 1.5,
        "memory_limit": "4GB",
    }


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"threads": "0"}, "threads: .*greater than or equal to 1"),
        ({"threads": "many"}, "threads: .*valid integer"),
        ({"memory_limit": "much"}, "memory_limit: "),
        ({"temp_directory_bytes_max": "50%"}, "temp_directory_bytes_max: "),
        ({"dialect": "klingon"}, "dialect: must be one of"),
        ({"log_level": "loud"}, "log_level: "),
        ({"listen": "grpc://127.0.0.1:1"}, "listen cannot change while nodes run"),
        ({"treads": "1"}, "treads is no setting; those that may change are .*threads"),
    ],
)
def test_what_cannot_be_is_named(values: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidLiveSettings, match=told):
        checked(values)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidLiveSettings) as refused:
        checked({"threads": 0, "dialect": "klingon"})
    assert len(str(refused.value).splitlines()) == 2


def test_a_node_goes_before_the_cluster_and_both_before_its_start() -> None:
    assert decide(OWN, None, None) == Decision(OWN, 0, 0)
    cluster = document(threads=5, statements_max=7)
    found = decide(OWN, cluster, document(threads=6)).settings
    assert found is not None
    assert (found.threads, found.statements_max, found.dialect) == (6, 7, "trino")
    found = decide(OWN, cluster, None).settings
    assert found is not None
    assert (found.threads, found.insecure) == (5, True)


@pytest.mark.parametrize(
    ("cluster", "told", "seen"),
    [
        (Document(b"nonsense", 3), "the cluster's settings: it is no document", -1),
        (document(threads=0, statements_max=7), "threads: ", 1),
        (document(unknown=1), "unknown is no setting", 1),
        (document(**{"\ud800": 1}), "a name", 1),
    ],
)
def test_what_is_wrong_anyway_is_refused_whole(cluster: Document, told: str, seen: int) -> None:
    found = decide(OWN, cluster, document(statements_max=9))
    assert found.settings is None
    assert told in found.problem
    assert (found.cluster, found.node) == (seen, 1)


def test_what_may_change() -> None:
    assert {"threads", "memory_limit", "log_level", "statements_max", "dialect"} <= set(LIVE)
    assert not {"listen", "database", "users", "registry_password", "node_id"} & set(LIVE)


def test_files_of_a_lake_are_kept_for_longer_than_statements_may_run() -> None:
    own = NodeSettings(lake="ducklake:sqlite:/srv/lake.sqlite", statement_timeout_s=60)
    refused = decide(own, document(lake_files_kept_s=119), None)
    assert refused.settings is None
    assert "raise lake_files_kept_s, or lower statement_timeout_s" in refused.problem
    assert decide(own, document(lake_files_kept_s=120), None).settings is not None
    # Nodes without one have nothing against it.
    alone = NodeSettings(statement_timeout_s=60)
    assert decide(alone, document(lake_files_kept_s=20), None).settings is not None
