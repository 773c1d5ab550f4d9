"""Handles: signed, of one kind, of one cluster."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flightsql.tickets import (
    SECRET_BYTES,
    ForgedHandle,
    Kind,
    Signer,
    TicketKey,
    unverified,
)
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement, Transaction

_SIGNER = Signer(TicketKey(bytes(range(SECRET_BYTES))))

kinds = st.sampled_from(list(Kind))
statements = st.builds(
    Statement,
    query=st.text(),
    parameters=st.binary(),
    transaction_id=st.binary(),
    execution_id=st.text(),
    principal=st.text(),
)


@given(kind=kinds, body=statements)
def test_round_trip(kind: Kind, body: Statement) -> None:
    assert _SIGNER.open(kind, _SIGNER.sign(kind, body), Statement) == body


@given(kind=kinds, body=statements, data=st.data())
def test_any_flipped_bit_is_refused(kind: Kind, body: Statement, data: st.DataObject) -> None:
    handle = bytearray(_SIGNER.sign(kind, body))
    place = data.draw(st.integers(0, len(handle) - 1))
    handle[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ForgedHandle):
        _SIGNER.open(kind, bytes(handle), Statement)


@given(kind=kinds, body=statements, data=st.data())
def test_a_cut_or_longer_handle_is_refused(
    kind: Kind, body: Statement, data: st.DataObject
) -> None:
    handle = _SIGNER.sign(kind, body)
    with pytest.raises(ForgedHandle):
        _SIGNER.open(kind, handle[: data.draw(st.integers(0, len(handle) - 1))], Statement)
    with pytest.raises(ForgedHandle):
        _SIGNER.open(kind, handle + data.draw(st.binary(min_size=1)), Statement)


@given(st.binary(max_size=64))
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ForgedHandle, match=r"not a statement handle of this cluster.*ask a node"):
        _SIGNER.open(Kind.STATEMENT, data, Statement)


@pytest.mark.parametrize("used_as", list(Kind))
@pytest.mark.parametrize("issued_as", list(Kind))
def test_no_kind_passes_for_another(issued_as: Kind, used_as: Kind) -> None:
    handle = _SIGNER.sign(issued_as, Statement(query="SELECT 1"))
    if issued_as is used_as:
        assert _SIGNER.open(used_as, handle, Statement).query == "SELECT 1"
    else:
        with pytest.raises(ForgedHandle):
            _SIGNER.open(used_as, handle, Statement)


def test_another_cluster_is_refused() -> None:
    handle = Signer(TicketKey(b"x" * SECRET_BYTES)).sign(Kind.TRANSACTION, Transaction(node_id="a"))
    with pytest.raises(ForgedHandle):
        _SIGNER.open(Kind.TRANSACTION, handle, Transaction)


def test_signed_bytes_that_are_another_message_are_refused() -> None:
    # A future version may sign what this one cannot read.
    class Damaged:
        def SerializeToString(self) -> bytes:  # noqa: N802  protobuf's name
            return b"\x0a\xff"

    handle = _SIGNER.sign(Kind.STATEMENT, Damaged())  # type: ignore[arg-type]
    with pytest.raises(ForgedHandle, match="not a Statement message"):
        _SIGNER.open(Kind.STATEMENT, handle, Statement)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_secret_has_its_length(length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} bytes, not 32"):
        TicketKey(bytes(length))


_FIRST = TicketKey(b"a" * SECRET_BYTES)
_SECOND = TicketKey(b"b" * SECRET_BYTES, b"2222")


@given(body=statements)
def test_a_secret_opens_what_it_signed_until_it_is_dropped(body: Statement) -> None:
    signer = Signer(_FIRST)
    old = signer.sign(Kind.STATEMENT, body)
    signer.hold(_FIRST, _SECOND)
    assert signer.sign(Kind.STATEMENT, body) == old
    signer.hold(_SECOND, _FIRST)
    new = signer.sign(Kind.STATEMENT, body)
    assert new.startswith(b"2222")
    for handle in (old, new):
        assert signer.open(Kind.STATEMENT, handle, Statement) == body
        assert Signer(_FIRST, _SECOND).open(Kind.STATEMENT, handle, Statement) == body
    signer.hold(_SECOND)
    with pytest.raises(ForgedHandle, match="its key is no longer in use"):
        signer.open(Kind.STATEMENT, old, Statement)


@given(kind=kinds, body=statements, data=st.data())
def test_any_flipped_bit_is_refused_whatever_key_it_names(
    kind: Kind, body: Statement, data: st.DataObject
) -> None:
    signer = Signer(_SECOND, _FIRST, TicketKey(b"c" * SECRET_BYTES, b"2223"))
    handle = bytearray(signer.sign(kind, body))
    handle[data.draw(st.integers(0, len(handle) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ForgedHandle):
        signer.open(kind, bytes(handle), Statement)


def test_a_tag_that_looks_like_a_mark_is_a_tag() -> None:
    handle = Signer(_FIRST).sign(Kind.STATEMENT, Statement(query="q"))
    signer = Signer(TicketKey(b"b" * SECRET_BYTES, handle[:4]), _FIRST)
    assert signer.open(Kind.STATEMENT, handle, Statement).query == "q"


def test_other_secrets_are_asked_for_once_before_a_handle_is_refused() -> None:
    handle = Signer(_SECOND).sign(Kind.STATEMENT, Statement(query="q"))
    signer = Signer(_FIRST)
    asked = []

    def look_again() -> None:
        asked.append(1)
        signer.hold(_FIRST, _SECOND)

    signer.look_again = look_again
    assert signer.open(Kind.STATEMENT, handle, Statement).query == "q"
    with pytest.raises(ForgedHandle):
        signer.open(Kind.STATEMENT, b"x" * 40, Statement)
    assert len(asked) == 2


@pytest.mark.parametrize("length", [1, 3, 5])
def test_a_mark_has_its_length(length: int) -> None:
    with pytest.raises(ValueError, match=f"{length} bytes, not 4"):
        TicketKey(bytes(SECRET_BYTES), bytes(length))


@pytest.mark.parametrize("mark", [b"", b"mark"])
def test_what_a_handle_says_can_be_read_without_the_secret(mark: bytes) -> None:
    signer = Signer(TicketKey(b"s" * 32, mark))
    handle = signer.sign(Kind.STATEMENT, Statement(query="SELECT 1", incarnation="life"))
    assert "life" in [body.incarnation for body in unverified(handle, Statement)]
    assert list(unverified(b"", Statement)) == [Statement(), Statement()]
