"""Principals as documents, and what becomes of damaged ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.discovery.documents import DOCUMENT_BYTES_MAX, Document
from flightkeeper.discovery.errors import InvalidName
from flightkeeper.discovery.principals.documents import (
    NOBODY,
    MalformedPrincipal,
    decode,
    document_name,
    encode,
    read_all,
)
from flightkeeper.discovery.principals.model import (
    Grant,
    Kind,
    Membership,
    Principal,
    Privilege,
    Securable,
)

AMY = Principal("amy", Kind.USER, "1", "$argon2id$secret")
texts = st.text(max_size=20)
names = st.none() | texts
grants = st.builds(
    Grant,
    st.sampled_from(Privilege),
    st.builds(Securable, names, names, names),
    st.none() | st.frozensets(texts, max_size=3),
    st.none() | texts,
)
principals = st.builds(
    Principal,
    name=st.just("amy"),
    kind=st.just(Kind.USER),
    id=texts,
    password_hash=texts,
    roles=st.lists(st.builds(Membership, texts, texts), max_size=3).map(tuple),
    grants=st.lists(grants, max_size=4).map(tuple),
    changed_by=texts,
    changed_at_ms=st.integers(0, 2**53),
)


@given(principals)
def test_a_principal_is_read_as_it_was_written(principal: Principal) -> None:
    assert decode("amy", encode(principal)) == principal


@given(st.binary(max_size=200))
def test_no_bytes_make_anything_but_a_principal_or_an_error(data: bytes) -> None:
    if data == NOBODY:
        assert decode("amy", data) is None
    else:
        with pytest.raises(MalformedPrincipal):
            decode("amy", data)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"kind": "group"},
        {"kind": "role"},
        {"password_hash": None},
        {"grants": [{"privilege": "SELECT", "columns": "a"}]},
        {"grants": [{"privilege": "SELECT", "columns": [1]}]},
        {"grants": [{"privilege": "SELECT", "rows": 1}]},
        {"grants": [{"privilege": "SELECT", "mask": "x"}]},
        {"grants": [{"privilege": "EVERYTHING"}]},
        {"grants": [{"privilege": "SELECT", "schema": None}]},
        {"roles": [{"role": "r"}]},
    ],
)
def test_what_limits_a_grant_is_never_read_away(change: dict[str, object]) -> None:
    fields = {**json.loads(encode(AMY)), **change}
    with pytest.raises(MalformedPrincipal) as caught:
        decode("amy", json.dumps(fields).encode())
    assert "secret" not in str(caught.value)


def test_a_damaged_principal_harms_only_itself() -> None:
    found, problems = read_all(
        {
            "keys/principals/amy": Document(encode(AMY), 3),
            "keys/principals/bob": Document(b"{", 0),
            "keys/principals/eve": Document(NOBODY, 1),
        }
    )
    assert found.by_name == {"amy": AMY}
    assert problems == ("the document of bob is damaged",)


def test_a_hash_is_not_shown() -> None:
    assert "secret" not in repr(AMY)
    assert document_name("amy") == "keys/principals/amy"


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "a\nb"])
def test_some_names_nobody_can_have(name: str) -> None:
    with pytest.raises(InvalidName):
        document_name(name)


def test_as_many_grants_as_allowed_fit_their_document() -> None:
    grant = [
        Grant(Privilege.SELECT, Securable("c" * 30, "s" * 30, f"{'t' * 30}{n}"))
        for n in range(1000)
    ]
    assert len(encode(Principal("r", Kind.ROLE, "1", grants=tuple(grant)))) < DOCUMENT_BYTES_MAX
