"""Texts that may hold a password: they are not kept, and shown without their literals."""

import re

_PASSWORD = re.compile(r"\bPASSWORD\b", re.IGNORECASE)
_LITERAL = re.compile(r"'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|\Z)", re.DOTALL)


def holds_password(text: str) -> bool:
    """Whether a text may hold a password."""
    return _PASSWORD.search(text) is not None


def masked(text: str) -> str:
    """A text for people: without its literals if one of them may be a password."""
    return _LITERAL.sub("'…'", text) if holds_password(text) else text
