"""The list of revoked logins: whom it covers, for how long, and its bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server.auth.revocations import (
    REVOKED_MAX,
    MalformedRevocations,
    Revocation,
    Revocations,
    TooManyRevocations,
    decode,
    encode,
)

times = st.floats(0, 1e12)
entries = st.dictionaries(
    st.text(min_size=1, max_size=9), st.builds(Revocation, times, times), max_size=5
)


@given(st.builds(Revocations, entries, entries))
def test_round_trip(made: Revocations) -> None:
    assert decode(encode(made)) == made


def test_a_user_is_revoked_before_a_time_and_a_login_for_good() -> None:
    revoked = Revocations().with_user("ada", Revocation(100.0, 500.0), 0.0)
    revoked = revoked.with_login("s1", Revocation(100.0, 500.0), 0.0)
    assert revoked.cover("ada", "s2", 99.9)
    assert not revoked.cover("ada", "s2", 100.0)
    assert not revoked.cover("eve", "s2", 1.0)
    assert revoked.cover("eve", "s1", 1e9)


def test_revoking_again_never_lets_anybody_in() -> None:
    revoked = Revocations().with_user("ada", Revocation(100.0, 500.0), 0.0)
    revoked = revoked.with_user("ada", Revocation(50.0, 400.0), 0.0)
    assert revoked.users == {"ada": Revocation(100.0, 500.0)}


def test_what_is_over_is_forgotten() -> None:
    revoked = Revocations().with_user("ada", Revocation(100.0, 500.0), 0.0)
    assert revoked.current(499.9) == revoked
    assert revoked.with_login("s", Revocation(1.0, 900.0), 500.0).users == {}


def test_there_is_a_limit_that_says_what_to_do() -> None:
    full = Revocations(logins={str(n): Revocation(1.0, 9.0) for n in range(REVOKED_MAX)})
    with pytest.raises(TooManyRevocations, match=r"at most 1000.*rotate the keys"):
        full.with_user("ada", Revocation(1.0, 9.0), 0.0)
    assert len(encode(full)) < 256 * 1024
    assert full.with_user("ada", Revocation(9.0, 19.0), 10.0).logins == {}
    with pytest.raises(TooManyRevocations, match="1 to 200 characters"):
        Revocations().with_login("x" * 201, Revocation(1.0, 9.0), 0.0)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"v":2}', b'{"v":1,"users":7,"logins":{}}',
        b'{"v":1,"users":{"a":[1]},"logins":{}}', b'{"v":1,"users":{"a":[1,"x"]},"logins":{}}',
        b'{"v":1,"users":{"":[1,2]},"logins":{}}', b'{"v":1,"users":{"a":[NaN,2]},"logins":{}}',
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRevocations):
        decode(data)
