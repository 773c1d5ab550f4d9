"""What of a statement's text may be shown to others, and which texts are not kept at all.

The rule: texts in quotes are shown as `'…'`, comments are left out, and a statement that sets or
makes something that may hold a secret (SET, ATTACH, CREATE or ALTER of a SECRET, USER or ROLE, and
IDENTIFIED or PASSWORD in any) is shown up to where values begin. Numbers, names and keywords are
shown. Values of parameters are never kept in the first place. A message about a text that may hold
a password is shown without its literals. Pure.
"""

import re
from functools import cache, lru_cache

SHOWN_CHARACTERS_MAX = 2000

_CACHED_MAX = 4096
_TEXT_QUOTES = frozenset({"bigquery", "databricks", "hive", "impala", "mysql", "spark", "sqlite"})
"""Dialects in which double quotes may stand around a text."""
_DOLLAR_QUOTES = frozenset({"databricks", "duckdb", "postgres", "redshift", "snowflake"})
_HASH_COMMENTS = frozenset({"bigquery", "clickhouse", "mysql"})

_PLAIN = r"""(?P<plain>[^'"`;/\#$\-qQ]+)"""
"""Most of a text, taken in runs."""
# What dialects do not agree on ends what is shown: a quote after a backslash, which may belong to
# the text; comments in comments; a text or comment without an end.
_UNSURE = r"""|(?P<unsure>(?:'(?:[^'\\]++|''|\\(?!['"]))*+(?:\\['"]|\\?\Z)
    |"(?:[^"\\]++|""|\\(?!['"]))*+(?:\\['"]|\\?\Z)
    |/\*(?:(?!\*/).)*?(?:/\*|\Z)
    |`(?:[^`]|``)*\Z%s).*)"""
_UNSURE_TOO = {"bigquery": r"""|\'\'\'|\"\"\"""", "oracle": r"|(?<!\w)[nN]?[qQ]'"}
"""Quotes within which single ones are text."""
_COMMENT = r"|(?P<comment>--[^\n]*|/\*.*?\*/"
_DOLLAR = r"|(?P<dollar>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))"
_REST = r"""|(?P<text>'(?:[^']++|'')*+')
    |(?P<quoted>"(?:[^"]++|"")*+")
    |(?P<name>`(?:[^`]|``)*`)
    |(?P<sign>.)"""

_HOLDS_SECRETS = re.compile(
    r"SET\b|PRAGMA\b|ATTACH\b|(?:CREATE|ALTER)\b[\w ]*\b(?:SECRET|USER|ROLE|CONNECTION)\b"
)
_VALUES_BEGIN = re.compile(r"=|\(|'…'|\b(?:PASSWORD|IDENTIFIED|TO)\b", re.IGNORECASE)
_SECRET_WORDS = re.compile(r"\b(?:PASSWORD|IDENTIFIED)\b", re.IGNORECASE)
_HIDDEN = "'…'"
_PASSWORD = re.compile(r"\bPASSWORD\b", re.IGNORECASE)
_LITERAL = re.compile(r"'(?:[^']|'')*'?|\$(\w*)\$.*?(?:\$\1\$|\Z)", re.DOTALL)


def holds_password(text: str) -> bool:
    """Whether a text may hold a password: it is not kept."""
    return _PASSWORD.search(text) is not None


def masked(text: str) -> str:
    """A text for its own author: without its literals if one of them may be a password."""
    return _LITERAL.sub(_HIDDEN, text) if holds_password(text) else text


@lru_cache(_CACHED_MAX)
def shown(text: str, dialect: str) -> str:
    """The part of a statement's text that anybody may see who may see that it runs.

    Args:
        text: as its client wrote it, perhaps cut.
        dialect: what it is written in.

    Returns: on one line, at most `SHOWN_CHARACTERS_MAX` characters.
    """
    plain = "; ".join(map(_statement, _statements(text, dialect)))
    if len(plain) > SHOWN_CHARACTERS_MAX:
        return plain[: SHOWN_CHARACTERS_MAX - 1] + "…"
    return plain


@cache
def _tokens(dialect: str) -> re.Pattern[str]:
    comment = _COMMENT + (r"|\#[^\n]*)" if dialect in _HASH_COMMENTS else ")")
    by_dollars = dialect in _DOLLAR_QUOTES
    dollar = _DOLLAR if by_dollars else ""
    # Elsewhere it is a name, or DuckDB's text where the statement goes to it as it is.
    unsure = _UNSURE % (_UNSURE_TOO.get(dialect, "") + ("" if by_dollars else r"|\$\w*\$"))
    return re.compile(_PLAIN + unsure + comment + dollar + _REST, re.DOTALL | re.VERBOSE)


def _statements(text: str, dialect: str) -> list[str]:
    """The statements, each on one line, without comments and with its texts hidden."""
    parts: list[list[str]] = [[]]
    hidden = {"text", "dollar", "unsure"} | ({"quoted"} if dialect in _TEXT_QUOTES else set())
    for match in _tokens(dialect).finditer(text):
        if match.group() == ";":
            parts.append([])
        elif match.lastgroup == "comment":
            parts[-1].append(" ")
        else:
            # A name with an address in it is a file elsewhere, and may have its password.
            hides = match.lastgroup in hidden or "://" in match.group()
            parts[-1].append(_HIDDEN if hides else match.group())
    joined = (" ".join("".join(part).split()) for part in parts)
    return [part for part in joined if part]


def _statement(text: str) -> str:
    secret = _SECRET_WORDS.search(text)
    if secret is None and _HOLDS_SECRETS.match(text.upper()) is None:
        return text
    begin = _VALUES_BEGIN.search(text)
    if begin is None:
        return text
    return f"{text[: begin.end()].removesuffix(_HIDDEN).rstrip()} …"
