"""Accounts written to real registries, also by several at once."""

import threading
from collections.abc import Callable

import pytest

from flightkeeper.discovery.principals.accounts import Accounts, read_principals
from flightkeeper.discovery.principals.changes import AccountsProblem
from flightkeeper.discovery.principals.documents import encode
from flightkeeper.discovery.principals.model import SUPERUSER, Grant, Kind, Privilege, Securable
from tests.discovery.backends import Backend
from tests.discovery.principals.test_model import ON_ORDERS, ORDERS, user


def accounts(backend: Backend) -> Accounts:
    return Accounts(backend.open(), "tester", lambda: 12.5)


def test_an_account_lives_and_ends(backend: Backend) -> None:
    changing, reading = accounts(backend), backend.open()
    changing.create_user("root", "hash", SUPERUSER)
    changing.create_role("reader")
    changing.create_user("amy", "hash")
    changing.join("amy", "reader")
    changing.grant("reader", [ON_ORDERS])
    found = read_principals(reading)
    access = found.access("amy")
    assert access is not None
    assert access.grants == (ON_ORDERS,)
    amy = found.user("amy")
    assert amy is not None
    assert (amy.changed_by, amy.changed_at_ms) == ("tester", 12500)
    changing.revoke("reader", [Privilege.SELECT], ORDERS)
    changing.leave("amy", "reader")
    changing.set_password("amy", "other")
    changing.drop("reader", Kind.ROLE)
    later = read_principals(reading)
    assert later.role("reader") is None
    assert later.by_name["amy"].password_hash == "other"
    access = later.access("amy")
    assert access is not None
    assert access.grants == ()


def test_a_dropped_principal_leaves_nothing_to_its_successor(backend: Backend) -> None:
    changing, reading = accounts(backend), backend.open()
    changing.create_role("reader")
    changing.create_user("amy", "hash", "reader")
    changing.grant("amy", [ON_ORDERS])
    changing.drop("amy", Kind.USER)
    changing.drop("amy", Kind.USER, if_there=True)
    before = read_principals(reading)
    assert before.user("amy") is None
    changing.create_user("amy", "hash")
    access = read_principals(reading).access("amy")
    assert access is not None
    assert access.grants == ()


def test_what_makes_no_sense_is_refused(backend: Backend) -> None:
    changing = accounts(backend)
    changing.create_user("root", "hash", SUPERUSER)
    changing.create_user("root", "hash", if_absent=True)
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: changing.create_user("root", "hash"), "a user root already"),
        (lambda: changing.create_role("root", if_absent=True), "a user root already"),
        (lambda: changing.drop("root", Kind.USER), "last superuser"),
        (lambda: changing.leave("root", SUPERUSER), "last superuser"),
        (lambda: changing.drop("root", Kind.ROLE), "no role root"),
        (lambda: changing.set_password("eve", "hash"), "no user eve"),
        (lambda: changing.grant("eve", [ON_ORDERS]), "no user or role eve"),
        (lambda: changing.join("root", "reader"), "no role reader"),
        (lambda: changing.create_role(SUPERUSER), "cannot be changed"),
    ]
    for change, says in refused:
        with pytest.raises(AccountsProblem, match=says):
            change()


def test_changes_of_one_principal_at_once_all_count(backend: Backend) -> None:
    accounts(backend).create_role("reader")

    def grant(first: int) -> None:
        changing = accounts(backend)
        for number in range(first, first + 5):
            on = Securable(None, "main", f"t{number}")
            changing.grant("reader", [Grant(Privilege.SELECT, on)])

    threads = [threading.Thread(target=grant, args=(first,)) for first in (0, 5, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_principals(backend.open()).by_name["reader"].grants) == 15


def test_a_damaged_document_is_named(backend: Backend) -> None:
    registry = backend.open()
    registry.write_document("keys/principals/amy", encode(user("amy")) + b"}", None)
    with pytest.raises(AccountsProblem, match="amy is damaged"):
        read_principals(registry)
