"""Statements about accounts, read and refused."""

import pytest

from flightkeeper.discovery.principals.model import Kind, Privilege
from flightkeeper.flight_server.command import Command
from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.sql import account_statements as said
from flightkeeper.flight_server.sql.account_statements import Thing
from flightkeeper.flight_server.sql.translation import parse

_P = Privilege
ALL = tuple((privilege, None) for privilege in Privilege)


def command(text: str, dialect: str = "duckdb") -> Command | None:
    (statement,) = parse(text, dialect)
    return statement.command


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("CREATE USER amy PASSWORD 'a b'", said.CreateUser("amy", "a b", None, if_absent=False)),
        (
            "create user if not exists \"a m\" password 'x' role r;",
            said.CreateUser("a m", "x", "r", if_absent=True),
        ),
        ("ALTER USER amy PASSWORD 'x'", said.SetPassword("amy", "x")),
        ("ALTER USER amy ROLE r", said.GrantRoles(("r",), ("amy",))),
        ("DROP USER amy", said.DropPrincipal("amy", Kind.USER, if_there=False)),
        ("DROP ROLE IF EXISTS r", said.DropPrincipal("r", Kind.ROLE, if_there=True)),
        ("CREATE ROLE r", said.CreateRole("r", if_absent=False)),
        ("CREATE ROLE IF NOT EXISTS r", said.CreateRole("r", if_absent=True)),
        (
            "GRANT SELECT, INSERT ON t TO amy",
            said.GrantPrivileges(
                ((_P.SELECT, None), (_P.INSERT, None)), Thing("TABLE", ("t",)), ("amy",), None
            ),
        ),
        (
            'GRANT SELECT (A, "b c") ON TABLE x.S."T" TO ROLE r, USER amy',
            said.GrantPrivileges(
                ((_P.SELECT, frozenset({"a", "b c"})),),
                Thing("TABLE", ("x", "s", "t")),
                ("r", "amy"),
                None,
            ),
        ),
        (
            "GRANT SELECT ON t TO r WHERE region = 'north' AND (a OR b)",
            said.GrantPrivileges(
                ((_P.SELECT, None),),
                Thing("TABLE", ("t",)),
                ("r",),
                "region = 'north' AND (a OR b)",
            ),
        ),
        (
            "GRANT ALL PRIVILEGES ON SCHEMA s TO r",
            said.GrantPrivileges(ALL, Thing("SCHEMA", ("s",)), ("r",), None),
        ),
        (
            "GRANT ALL ON CATALOG c TO r",
            said.GrantPrivileges(ALL, Thing("CATALOG", ("c",)), ("r",), None),
        ),
        ("GRANT a, b TO amy, bob", said.GrantRoles(("a", "b"), ("amy", "bob"))),
        ("REVOKE a FROM amy", said.RevokeRoles(("a",), ("amy",))),
        (
            "REVOKE SELECT (a) ON VIEW v FROM amy",
            said.RevokePrivileges(
                ((_P.SELECT, frozenset({"a"})),), Thing("TABLE", ("v",)), ("amy",)
            ),
        ),
        ("SHOW GRANTS", said.ShowGrants(None)),
        ("SHOW GRANTS FOR amy", said.ShowGrants("amy")),
        ("SHOW USERS", said.ShowUsers()),
        ("SHOW ROLES", said.ShowRoles()),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "mysql"])
def test_a_statement_is_read(text: str, read: Command, dialect: str) -> None:
    quoted = text.replace('"', "`") if dialect == "mysql" else text
    assert command(quoted, dialect) == read


@pytest.mark.parametrize(
    "text",
    [
        "CREATE USER PASSWORD 'hush'",
        "CREATE USER amy PASSWORD hush",
        "CREATE USER amy PASSWORD 'hush' extra",
        "CREATE USER 'amy' PASSWORD 'hush'",
        "ALTER USER amy PASSWORD",
        "CREATE ROLE",
        "GRANT SELECT ON t",
        "GRANT SELECT ON TO amy",
        "GRANT EVERYTHING ON t TO amy",
        "GRANT INSERT (a) ON t TO amy",
        "GRANT SELECT ON SCHEMA s TO amy WHERE a",
        "GRANT SELECT ON SCHEMA a.b.c TO amy",
        "GRANT SELECT ON t TO amy WHERE",
        "GRANT a FROM amy",
        "REVOKE a TO amy",
        "REVOKE SELECT ON t FROM amy WHERE a",
        "SHOW GRANTS FOR",
    ],
)
def test_what_is_wrong_is_told_without_its_text(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(text, "duckdb")
    assert "hush" not in str(caught.value)


def test_a_typing_error_beside_a_password_shows_no_password() -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse("CREATE USR amy PASSWORD 'hush'", "duckdb")
    assert "hush" not in str(caught.value)


def test_passwords_are_not_shown_by_what_holds_them() -> None:
    assert "hush" not in repr(command("CREATE USER amy PASSWORD 'hush'"))
    assert "hush" not in repr(command("ALTER USER amy PASSWORD 'hush'"))
