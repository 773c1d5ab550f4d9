"""Files that stay: because nobody may delete them, or for another reason."""

import pytest

from flightkeeper.flight_server.engine.deletions import is_refused
from flightkeeper.flight_server.errors import EngineFailed

_SEVERAL = "IO Error: Failed to remove files: "


@pytest.mark.parametrize(
    ("told", "refused"),
    [
        (f"{_SEVERAL}<Code>AccessDenied</Code><Message>Access Denied.</Message>", True),
        (f"{_SEVERAL}<Key>one.parquet</Key><Code>AccessDenied</Code>", True),
        (f"{_SEVERAL}HTTP 403 (Forbidden)\n<Code>AccessDenied</Code>", True),
        ('IO Error: Could not remove file "(a file)": Operation not permitted', True),
        ('IO Error: Could not remove file "(a file)": Permission denied', True),
        ('IO Error: Could not remove file "(a file)": Read-only file system', True),
        (f"{_SEVERAL}<Key>one.parquet</Key><Code>InternalError</Code>", False),
        ('IO Error: Could not remove file "(a file)": Device or resource busy', False),
        (
            "HTTP Error: Request returned HTTP 503 for HTTP POST to 'http://store'",
            False,
        ),
        ("IO Error: Cannot open file: Permission denied", False),
    ],
)
def test_a_refusal_is_told_from_what_may_pass(told: str, *, refused: bool) -> None:
    assert is_refused(EngineFailed(told)) is refused
