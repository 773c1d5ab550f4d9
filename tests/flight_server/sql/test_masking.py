"""Passwords are not shown."""

import pytest

from flightkeeper.flight_server.sql.masking import holds_password, masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("CREATE USER a PASSWORD 'it''s'", "CREATE USER a PASSWORD '…'"),
        ("alter user a password 'x'; SELECT 'y'", "alter user a password '…'; SELECT '…'"),
        ("CREATE USER a PASSWORD 'never ends", "CREATE USER a PASSWORD '…'"),
        ("CREATE USER a PASSWORD $$x$$", "CREATE USER a PASSWORD '…'"),
        ("CREATE USER a PASSWORD $b$ x $b$ ROLE c", "CREATE USER a PASSWORD '…' ROLE c"),
        ("SELECT 'x'", "SELECT 'x'"),
    ],
)
def test_texts_with_a_password_are_shown_without_literals(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert holds_password(text) == (text != shown)
