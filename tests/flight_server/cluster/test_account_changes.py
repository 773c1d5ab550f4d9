"""Statements about accounts on a real node: what they do, who may, and what they never show."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from flightkeeper.discovery.principals.accounts import read_principals
from flightkeeper.discovery.principals.model import Grant, Privilege, Securable
from tests.flight_server.cluster.granted import Granted, granted
from tests.flight_server.wire_client import WireClient, basic

_INVALID = pa.ArrowInvalid
T = Securable(None, "main", "t")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    home: Path = tmp_path_factory.mktemp("registry")
    with granted(f"dir://{home}", "amy", log_level="debug") as made:
        made.root.update('CREATE TABLE t (a INT, "B c" INT); CREATE TEMP TABLE mine (a INT)')
        made.root.update("CREATE SCHEMA s; CREATE VIEW s.v AS SELECT 1 AS x")
        made.root.update("ATTACH ':memory:' AS other; CREATE TABLE other.main.t (a INT)")
        yield made


def grants(root: WireClient, name: str) -> list[dict[str, object]]:
    rows = root.query(f"SHOW GRANTS FOR {name}").to_pylist()
    return [{k: v for k, v in row.items() if v is not None and k != "grantee"} for row in rows]


def test_users_come_log_in_and_go(cluster: Granted) -> None:
    root = cluster.root
    root.update("CREATE USER zoe PASSWORD 'first' ROLE superuser")
    with WireClient(cluster.served.location, basic("zoe", "first")) as zoe:
        zoe.update("CREATE USER max PASSWORD 'x'")
        zoe.update("CREATE USER IF NOT EXISTS max PASSWORD 'y'")
    found = {row["name"]: row for row in root.query("SHOW USERS").to_pylist()}
    assert found["zoe"]["superuser"]
    assert found["zoe"]["roles"] == ["superuser"]
    assert (found["max"]["superuser"], found["max"]["changed_by"]) == (False, "zoe")
    root.update("ALTER USER max ROLE superuser; REVOKE superuser FROM max")
    root.update("DROP USER max; DROP USER zoe; DROP USER IF EXISTS zoe")
    assert {"max", "zoe"}.isdisjoint(root.query("SHOW USERS")["name"].to_pylist())


def test_roles_hold_grants_for_their_members(cluster: Granted) -> None:
    root = cluster.root
    root.update("CREATE ROLE outer_; CREATE ROLE inner_; GRANT inner_ TO outer_, amy")
    root.update("GRANT SELECT (a), INSERT ON T TO inner_; GRANT SELECT ON t TO outer_ WHERE a > 1")
    shown = [row for row in root.query("SHOW ROLES").to_pylist() if row["name"] == "inner_"]
    assert shown == [{"name": "inner_", "roles": [], "members": ["amy", "outer_"]}]
    held = {"held_by": "inner_", "schema": "main", "table": "t"}
    assert grants(root, "amy") == [
        {**held, "privilege": "SELECT", "columns": ["a"]},
        {**held, "privilege": "INSERT"},
    ]
    assert grants(root, "outer_")[0] == {
        "held_by": "outer_",
        "privilege": "SELECT",
        "schema": "main",
        "table": "t",
        "row_filter": "a > 1",
    }
    root.update("REVOKE SELECT (a), INSERT ON t FROM inner_; DROP ROLE inner_; DROP ROLE outer_")
    assert grants(root, "amy") == []


def test_things_are_granted_by_names_that_mean_the_same_everywhere(cluster: Granted) -> None:
    root = cluster.root
    for on, names in [
        ("t", {"schema": "main", "table": "t"}),
        ("memory.main.t", {"schema": "main", "table": "t"}),
        ("TABLE other.main.t", {"catalog": "other", "schema": "main", "table": "t"}),
        ("VIEW s.v", {"schema": "s", "table": "v"}),
        ("SCHEMA s", {"schema": "s"}),
        ("SCHEMA other.main", {"catalog": "other", "schema": "main"}),
        ("CATALOG memory", {}),
        ("CATALOG other", {"catalog": "other"}),
    ]:
        root.update(f"GRANT SELECT ON {on} TO amy")
        assert grants(root, "amy") == [{"held_by": "amy", "privilege": "SELECT", **names}]
        root.update(f"REVOKE SELECT ON {on} FROM amy")
        assert grants(root, "amy") == []


def test_what_is_gone_can_still_be_revoked(cluster: Granted) -> None:
    root = cluster.root
    root.update("CREATE TABLE gone (a INT); GRANT SELECT ON gone TO amy; DROP TABLE gone")
    root.update("REVOKE SELECT ON gone FROM amy")
    assert grants(root, "amy") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("GRANT SELECT ON nowhere TO amy", "no table or view nowhere"),
        ("GRANT SELECT ON SCHEMA nowhere TO amy", "no SCHEMA memory.nowhere"),
        ("GRANT SELECT ON CATALOG nowhere TO amy", "no CATALOG nowhere"),
        ("GRANT SELECT (z) ON t TO amy", "t has no column z"),
        ("GRANT SELECT (a) ON SCHEMA s TO amy", "columns are granted of tables"),
        ("GRANT SELECT ON mine TO amy", "no table or view mine"),
        ("GRANT SELECT ON pg_class TO amy", "no table or view pg_class"),
        ("GRANT SELECT ON t TO nobody", "no user or role nobody"),
        ("GRANT SELECT ON t TO amy WHERE z > 1", "z"),
        ("GRANT SELECT ON t TO amy WHERE a IN (SELECT 1)", "row filter"),
        ("GRANT SELECT ON t TO amy WHERE a", None),
        ("GRANT nothing TO amy", "no role nothing"),
        ("REVOKE nothing FROM amy", "not in the role nothing"),
        ("REVOKE SELECT ON t FROM amy", "holds no such privilege"),
        ("REVOKE superuser FROM root", "last superuser"),
        ("DROP USER root", "last superuser"),
        ("DROP USER nobody", "no user nobody"),
        ("CREATE ROLE superuser", "cannot be changed"),
        ("CREATE USER amy PASSWORD 'x'", "a user amy already"),
        ("CREATE USER x PASSWORD ''", "the password is empty"),
        ("CREATE USER \"a/b\" PASSWORD 'x'", "cannot be used"),
        ("ALTER USER nobody PASSWORD 'x'", "no user nobody"),
    ],
)
def test_what_makes_no_sense_is_refused(cluster: Granted, text: str, says: str | None) -> None:
    if says is None:
        cluster.root.update(text)
        cluster.root.update("REVOKE SELECT ON t FROM amy")
        return
    with pytest.raises((pa.ArrowInvalid, KeyError, flight.FlightError), match=says):
        cluster.root.update(text)
    assert grants(cluster.root, "amy") == []


def test_only_superusers_change_accounts_and_everybody_sees_their_own(cluster: Granted) -> None:
    amy = cluster.clients["amy"]
    for text in (
        "CREATE USER eve PASSWORD 'x'",
        "ALTER USER root PASSWORD 'x'",
        "DROP USER root",
        "CREATE ROLE r",
        "GRANT superuser TO amy",
        "GRANT SELECT ON t TO amy",
        "REVOKE SELECT ON t FROM amy",
        "SHOW USERS",
        "SHOW ROLES",
        "SHOW GRANTS FOR root",
        "SELECT 1; GRANT superuser TO amy",
    ):
        with pytest.raises(flight.FlightUnauthorizedError, match="only superusers"):
            amy.query(text)
    assert amy.query("SHOW GRANTS").num_rows == 0
    assert amy.query("SHOW GRANTS FOR amy").num_rows == 0
    assert cluster.root.query("SHOW GRANTS")["privilege"].to_pylist() == ["ALL"]


def test_passwords_are_in_no_log_and_no_error(
    cluster: Granted, capfd: pytest.CaptureFixture[str]
) -> None:
    root = cluster.root
    root.update("CREATE USER hush PASSWORD 'very secret'; ALTER USER hush PASSWORD 'very secret'")
    for wrong in ("CREATE USER hush PASSWORD 'very secret'", "CREATE USR x PASSWORD 'very secret'"):
        with pytest.raises(_INVALID) as caught:
            root.update(wrong)
        assert "very secret" not in str(caught.value)
    root.update("DROP USER hush")
    assert "very secret" not in "".join(capfd.readouterr())


def test_other_nodes_see_a_grant_as_it_was_written(cluster: Granted) -> None:
    cluster.root.update("GRANT SELECT (A) ON t TO amy WHERE a > 1 -- not all\n")
    found = read_principals(cluster.accounts._registry).by_name["amy"]
    assert found.grants == (Grant(Privilege.SELECT, T, frozenset({"a"}), "a > 1"),)
    cluster.root.update("REVOKE SELECT ON t FROM amy")
