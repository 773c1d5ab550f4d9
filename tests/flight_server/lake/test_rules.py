"""The rules of a node with a lake: those of its accounts, and the guard after them."""

from pathlib import Path
from typing import Any

import pytest

from flightkeeper.discovery.principals.model import Access
from flightkeeper.flight_server.cluster.authorization import EVERYTHING, Rules
from flightkeeper.flight_server.engine.statement import Statement, parse
from flightkeeper.flight_server.errors import InvalidArgument, PermissionDenied
from flightkeeper.flight_server.lake.guard import Guard
from flightkeeper.flight_server.lake.location import parse as located
from flightkeeper.flight_server.lake.places import Places
from flightkeeper.flight_server.lake.rules import GuardedRules
from flightkeeper.flight_server.sql import translation

CONNECTION: Any = "connection"
_OWN = "FROM __ducklake_metadata_lake.ducklake_table"


class Readers(Rules):
    """Everybody but root may read everything."""

    def access(self, principal: str) -> Access | None:
        return Access(superuser=principal == "root")

    def permitted(self, principal: str, connection: Any, asked: Statement) -> Statement:
        if principal != "root" and not asked.read_only:
            raise PermissionDenied("only root; nothing was run")
        return super().permitted(principal, connection, asked)


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    return Guard("lake", Places(located(f"ducklake:sqlite:{tmp_path}/lake"), f"{tmp_path}/files/"))


def test_without_accounts_the_guard_alone_refuses(guard: Guard) -> None:
    rules = GuardedRules(EVERYTHING, guard)
    for text in ("SELECT 1", "DELETE FROM t", _OWN):
        (asked,) = parse(text)
        assert rules.permitted("ada", CONNECTION, asked) is asked
    with pytest.raises(InvalidArgument, match="nothing was run"):
        rules.permitted("ada", CONNECTION, parse("DETACH lake")[0])
    assert rules.access("ada") is None
    assert rules.visibility("ada", CONNECTION) is None
    rules.check_upload("ada", CONNECTION, ("lake", "main", "t"), replaces=False)


def test_who_may_not_is_told_that_first(guard: Guard) -> None:
    rules = GuardedRules(Readers(), guard)
    with pytest.raises(PermissionDenied, match="only root"):
        rules.permitted("ada", CONNECTION, parse("DETACH lake")[0])
    with pytest.raises(InvalidArgument):
        rules.permitted("root", CONNECTION, parse("DETACH lake")[0])


def test_only_superusers_read_the_lakes_own_catalog(guard: Guard) -> None:
    rules = GuardedRules(Readers(), guard)
    (asked,) = parse(_OWN)
    with pytest.raises(PermissionDenied, match="only superusers"):
        rules.permitted("ada", CONNECTION, asked)
    assert rules.permitted("root", CONNECTION, asked) is asked
    (said,) = parse("SELECT '__ducklake_metadata_lake'")
    assert rules.permitted("ada", CONNECTION, said) is said


def test_a_pivot_that_has_no_text_is_judged_by_its_clients(guard: Guard) -> None:
    rules = GuardedRules(EVERYTHING, guard)
    for asked in parse("PIVOT ducklake_cleanup_old_files('lake') ON path"):
        with pytest.raises(InvalidArgument, match="may break the lake"):
            rules.permitted("ada", CONNECTION, asked)


def test_what_is_asked_of_the_cluster_is_no_text_for_the_engine(guard: Guard) -> None:
    (asked,) = translation.parse("CREATE USER __ducklake_metadata_lake PASSWORD 'x'", "duckdb")
    rules = GuardedRules(EVERYTHING, guard)
    assert rules.permitted("ada", CONNECTION, asked) is asked
