"""What follows from grants and roles for one user."""

from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.principals.model import (
    SUPERUSER,
    Access,
    Grant,
    Kind,
    Membership,
    Principal,
    Principals,
    Privilege,
    Securable,
    folded,
)

ORDERS = Securable(None, "main", "orders")
ON_ORDERS = Grant(Privilege.SELECT, ORDERS)


def user(name: str, *grants: Grant, roles: tuple[Membership, ...] = ()) -> Principal:
    return Principal(name, Kind.USER, f"id-{name}", "hash", roles, grants)


def role(name: str, *grants: Grant, roles: tuple[Membership, ...] = ()) -> Principal:
    return Principal(name, Kind.ROLE, f"id-{name}", None, roles, grants)


def within(name: str) -> Membership:
    return Membership(name, SUPERUSER if name == SUPERUSER else f"id-{name}")


def everybody(*principals: Principal) -> Principals:
    return Principals({one.name: one for one in principals})


def access(name: str, *principals: Principal) -> Access:
    found = everybody(*principals).access(name)
    assert found is not None
    return found


def test_names_fold_as_duckdb_folds_them() -> None:
    assert folded("OrDers") == "orders"
    assert folded("ÄRGER") == "Ärger"


def test_a_schema_covers_its_tables_and_no_others() -> None:
    schema = Securable(None, "main")
    assert schema.covers(ORDERS, "node")
    assert not schema.covers(Securable(None, "other", "orders"), "node")
    assert not ORDERS.covers(schema, "node")


def test_no_catalog_is_the_nodes_own() -> None:
    assert Securable(None, "main").covers(Securable("node", "main", "t"), "node")
    assert Securable("node", "main").covers(ORDERS, "node")
    assert not Securable(None, "main").covers(Securable("lake", "main", "t"), "node")
    assert not Securable("node", "main").covers(ORDERS, "another")


def test_roles_add_up_through_roles() -> None:
    found = access(
        "amy",
        user("amy", roles=(within("reader"),)),
        role("reader", roles=(within("base"),)),
        role("base", ON_ORDERS),
    )
    assert found.to(Privilege.SELECT, ORDERS, "node") == (ON_ORDERS,)
    assert not found.to(Privilege.INSERT, ORDERS, "node")
    assert not found.superuser


def test_roles_in_a_circle_end() -> None:
    found = access(
        "amy",
        user("amy", roles=(within("a"),)),
        role("a", roles=(within("b"),)),
        role("b", ON_ORDERS, roles=(within("a"),)),
    )
    assert found.grants == (ON_ORDERS,)


def test_a_new_role_of_an_old_name_is_another_one() -> None:
    old = Membership("reader", "id-before")
    assert access("amy", user("amy", roles=(old,)), role("reader", ON_ORDERS)).grants == ()


def test_members_of_superuser_may_do_everything() -> None:
    assert access("amy", user("amy", roles=(within(SUPERUSER),))).superuser
    through = role("admins", roles=(within(SUPERUSER),))
    assert access("amy", user("amy", roles=(within("admins"),)), through).superuser


def test_nobody_makes_a_superuser_by_a_role_of_that_name() -> None:
    forged = role(SUPERUSER)
    forged_member = user("amy", roles=(Membership(SUPERUSER, forged.id),))
    assert not access("amy", forged_member, forged).superuser


def test_a_role_is_no_user_and_a_stranger_has_no_access() -> None:
    assert everybody(role("reader", ON_ORDERS)).access("reader") is None
    assert everybody().access("amy") is None


def test_who_sees_a_table_sees_where_it_lies() -> None:
    found = Access(superuser=False, grants=(ON_ORDERS,)).index("node")
    for seen in (ORDERS, Securable(None, "main"), Securable("node", "main"), Securable("node")):
        assert found.sees(seen)
    for hidden in (Securable("node", "other"), Securable(None, "main", "people"), Securable("x")):
        assert not found.sees(hidden)
    assert found.covering(Securable("node", "main", "orders")) == [ON_ORDERS]


PLACES = st.none() | st.sampled_from(["a", "b"])
THINGS = st.builds(Securable, PLACES) | st.builds(
    Securable, PLACES, st.sampled_from(["a", "b"]), PLACES
)


@given(on=st.lists(THINGS, max_size=4), thing=THINGS)
def test_an_index_finds_what_each_grant_covers(on: list[Securable], thing: Securable) -> None:
    grants = [Grant(privilege, one) for one, privilege in zip(on, Privilege, strict=False)]
    index = Access(superuser=False, grants=tuple(grants)).index("a")
    covering = [grant for grant in grants if grant.on.covers(thing, "a")]
    assert sorted(index.covering(thing), key=str) == sorted(covering, key=str)
    within = any(thing.covers(grant.on, "a") for grant in grants)
    assert index.sees(thing) == (bool(covering) or within)


def test_members_are_those_of_the_role_as_it_is() -> None:
    reader = role("reader")
    all_ = everybody(
        reader,
        user("bob", roles=(within("reader"),)),
        user("amy", roles=(within("reader"),)),
        user("eve", roles=(Membership("reader", "id-before"),)),
    )
    assert all_.members(reader) == ["amy", "bob"]


NAMES = st.sampled_from(["a", "b", "c", "d"])


@given(edges=st.lists(st.tuples(NAMES, NAMES)), holder=NAMES)
def test_a_privilege_reaches_exactly_those_a_path_leads_from(
    edges: list[tuple[str, str]], holder: str
) -> None:
    roles = {
        name: role(
            name,
            *((ON_ORDERS,) if name == holder else ()),
            roles=tuple(within(to) for start, to in edges if start == name),
        )
        for name in "abcd"
    }
    reached, new = {"a"}, {"a"}
    while new:
        new = {to for start, to in edges if start in new} - reached
        reached |= new
    found = access("amy", user("amy", roles=(within("a"),)), *roles.values())
    assert bool(found.grants) == (holder in reached)
