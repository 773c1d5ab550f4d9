"""Each change of a principal, and when it is refused."""

import pytest

from flightkeeper.discovery.principals import changes
from flightkeeper.discovery.principals.changes import AccountsProblem
from flightkeeper.discovery.principals.model import (
    SUPERUSER,
    Grant,
    Principal,
    Privilege,
    Securable,
)
from tests.discovery.principals.test_model import (
    ON_ORDERS,
    ORDERS,
    everybody,
    role,
    user,
    within,
)

SOME = Grant(Privilege.SELECT, ORDERS, columns=frozenset({"a", "b"}))
INSERT = Grant(Privilege.INSERT, ORDERS)


def test_what_is_granted_twice_is_held_once() -> None:
    assert changes.granted(user("amy", ON_ORDERS), [ON_ORDERS, INSERT]).grants == (
        ON_ORDERS,
        INSERT,
    )


def test_there_is_a_limit() -> None:
    many = [Grant(Privilege.SELECT, Securable(None, "s", str(n))) for n in range(1001)]
    with pytest.raises(AccountsProblem, match="1001 grants"):
        changes.granted(user("amy"), many)


def test_revoking_takes_what_was_granted_on_that_thing() -> None:
    filtered = Grant(Privilege.SELECT, ORDERS, rows="a > 1")
    held = user("amy", ON_ORDERS, INSERT, filtered)
    assert changes.revoked(held, [Privilege.SELECT], ORDERS).grants == (INSERT,)


def test_revoking_columns_leaves_the_others() -> None:
    after = changes.revoked(user("amy", SOME), [Privilege.SELECT], ORDERS, frozenset({"a"}))
    assert after.grants == (Grant(Privilege.SELECT, ORDERS, columns=frozenset({"b"})),)
    none = changes.revoked(after, [Privilege.SELECT], ORDERS, frozenset({"b"}))
    assert none.grants == ()


@pytest.mark.parametrize(
    ("held", "on", "columns", "says"),
    [
        (user("amy", INSERT), ORDERS, None, "holds no such privilege on TABLE main.orders"),
        (user("amy", ON_ORDERS), Securable(None, "main"), None, "holds no such privilege"),
        (user("amy", ON_ORDERS), ORDERS, frozenset({"a"}), "granted for all columns"),
        (user("amy", SOME), ORDERS, frozenset({"c"}), "holds no such privilege"),
    ],
)
def test_revoking_what_would_leave_the_access_is_refused(
    held: Principal, on: Securable, columns: frozenset[str] | None, says: str
) -> None:
    with pytest.raises(AccountsProblem, match=says):
        changes.revoked(held, [Privilege.SELECT], on, columns)


def test_roles_are_joined_and_left() -> None:
    amy, reader = user("amy"), role("reader")
    joined = changes.joined(everybody(amy, reader), amy, "reader")
    assert joined.roles == (within("reader"),)
    assert changes.joined(everybody(joined, reader), joined, "reader") == joined
    assert changes.left(joined, "reader") == amy
    with pytest.raises(AccountsProblem, match="not in the role"):
        changes.left(amy, "reader")
    with pytest.raises(AccountsProblem, match="no role writer"):
        changes.joined(everybody(amy), amy, "writer")


def test_roles_are_not_in_each_other() -> None:
    outer, inner = role("outer", roles=(within("inner"),)), role("inner")
    for member in (inner, outer):
        with pytest.raises(AccountsProblem, match="cannot be in each other"):
            changes.joined(everybody(outer, inner), member, "outer")


def test_the_superuser_role_stays_as_it_is() -> None:
    with pytest.raises(AccountsProblem, match="cannot be changed"):
        changes.granted(role(SUPERUSER), [ON_ORDERS])


def test_somebody_can_always_change_accounts() -> None:
    amy, bob = (user(name, roles=(within(SUPERUSER),)) for name in ("amy", "bob"))
    changes.check_not_last_superuser(everybody(amy, bob), "amy", None)
    changes.check_not_last_superuser(everybody(user("eve")), "eve", None)
    for after in (None, user("amy")):
        with pytest.raises(AccountsProblem, match="last superuser"):
            changes.check_not_last_superuser(everybody(amy), "amy", after)
