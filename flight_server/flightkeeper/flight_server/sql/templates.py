"""PostgreSQL's and Oracle's templates of `to_char`, between a client's dialect and DuckDB.

Owns which patterns are known: others are refused, since sqlglot would leave them as text. Trees are
changed in place.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlglot import exp

from flightkeeper.flight_server.errors import InvalidArgument

DIALECTS = frozenset({"oracle", "postgres", "redshift"})

_CODES: Mapping[str, str] = {
    "AM": "%p",
    "DD": "%d",
    "DDD": "%j",
    "FF3": "%g",
    "FF6": "%f",
    "HH": "%I",
    "HH12": "%I",
    "HH24": "%H",
    "ID": "%u",
    "IW": "%V",
    "IYYY": "%G",
    "MI": "%M",
    "MM": "%m",
    "MS": "%g",
    "PM": "%p",
    "SS": "%S",
    "US": "%f",
    "YY": "%y",
    "YYYY": "%Y",
}
"""What strftime has as well, in any case of letters."""

_NAMES: Mapping[str, str] = {"DAY": "%A", "DY": "%a", "MON": "%b", "MONTH": "%B"}
"""Words, in the case of their pattern; the long ones are padded."""

_COUNTED: Mapping[str, str] = {
    "D": "DAYOFWEEK({0}) + 1",
    "Q": "QUARTER({0})",
    "W": "(DAY({0}) - 1) // 7 + 1",
    "WW": "LPAD(CAST((DAYOFYEAR({0}) - 1) // 7 + 1 AS TEXT), 2, '0')",
}
_LONG_CHARACTERS = 9
_WITHOUT_ZEROS = frozenset({"%d", "%j", "%I", "%H", "%M", "%m", "%S", "%y"})
_OTHERS = (
    *("A.D.", "A.M.", "AD", "B.C.", "BC", "CC", "FF", "FF1", "FF2", "FF4", "FF5", "FX"),
    *("I", "IDDD", "IY", "IYY", "J", "OF", "P.M.", "RM", "SSSS", "SSSSS", "TM", "TZ", "TZH"),
    *("TZM", "Y", "Y,YYY", "YYY"),
)
"""Their other patterns."""

_ITEM = re.compile(
    r'"(?P<text>(?:[^"\\]|\\.)*)"|(?P<plain>FM)?(?P<code>'
    + "|".join(
        re.escape(code)
        for code in sorted({*_CODES, *_NAMES, *_COUNTED, *_OTHERS}, key=len, reverse=True)
    )
    + r")(?P<nth>TH)?|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)


def _to_char(call: exp.Anonymous, dialect: str) -> None:
    if dialect not in DIALECTS or call.name.upper() != "TO_CHAR" or not call.expressions:
        return
    value, *rest = call.expressions
    if not rest:
        call.replace(exp.cast(value, "TEXT"))
        return
    template = rest[0]
    if not template.is_string:
        raise _refused("a template that is no literal")
    if re.search(r"[90]", re.sub(r'"[^"]*"', "", template.name)):
        raise _refused(f"the template {template.name!r} of numbers")
    parts = list(_merged(_parts(value, template.name, dialect)))
    joined = parts[0] if parts else exp.Literal.string("")
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=_text(part) or part, safe=False)
    call.replace(exp.paren(joined, copy=False) if len(parts) > 1 else joined)


def _merged(parts: Iterator[exp.Expr]) -> Iterator[exp.Expr]:
    """The parts, with neighbours that are formats of the same time put together."""
    last: exp.Expr | None = None
    for part in parts:
        if last is not None and _format(last) is not None and _format(part) is not None:
            last.expressions[1].set("this", last.expressions[1].name + part.expressions[1].name)
            continue
        if last is not None:
            yield last
        last = part
    if last is not None:
        yield last


def _text(node: exp.Expr) -> exp.Expr | None:
    """What has nothing of the time in it."""
    text = node.expressions[1].name if _format(node) is not None else "%"
    if "%" in text.replace("%%", ""):
        return None
    return exp.Literal.string(text.replace("%%", "%"))


def _format(node: exp.Expr) -> exp.Expr | None:
    return node if isinstance(node, exp.Anonymous) and node.name == "STRFTIME" else None


def _parts(value: exp.Expr, template: str, dialect: str) -> Iterator[exp.Expr]:
    plain = False
    for item in _ITEM.finditer(template):
        code = (item["code"] or "").upper()
        # In Oracle FM is for all that follows, in PostgreSQL for one pattern.
        plain = plain != bool(item["plain"]) if dialect == "oracle" else bool(item["plain"])
        unknown = dialect == "oracle" and (item["other"] or "").isalpha()
        if item["nth"] or code in _OTHERS or unknown:
            raise _refused(f"{item[0]!r} in a template of times")
        if not code:
            text = item["other"] or re.sub(r"\\(.)", r"\1", item["text"] or "")
            yield _written(value, text.replace("%", "%%"))
        elif code in _NAMES:
            yield _named(value, item["code"], padded=not plain)
        elif code in _COUNTED:
            yield _counted(value, code)
        elif code in {"AM", "PM"}:
            yield _cased(_written(value, "%p"), item["code"])
        else:
            short = plain and _CODES[code] in _WITHOUT_ZEROS
            yield _written(value, _CODES[code].replace("%", "%-") if short else _CODES[code])


def _counted(value: exp.Expr, code: str) -> exp.Expr:
    counted: exp.Expr = exp.maybe_parse(_COUNTED[code].format("_time"), dialect="duckdb")
    for column in list(counted.find_all(exp.Column)):
        column.replace(value.copy())
    return exp.cast(exp.paren(counted, copy=False), "TEXT")


def _written(value: exp.Expr, text: str) -> exp.Expr:
    return exp.Anonymous(this="STRFTIME", expressions=[value.copy(), exp.Literal.string(text)])


def _named(value: exp.Expr, code: str, *, padded: bool) -> exp.Expr:
    word = _cased(_written(value, _NAMES[code.upper()]), code)
    if not padded or code.upper() not in {"DAY", "MONTH"}:
        return word
    width = exp.Literal.number(_LONG_CHARACTERS)
    return exp.Anonymous(this="RPAD", expressions=[word, width, exp.Literal.string(" ")])


def _cased(word: exp.Expr, code: str) -> exp.Expr:
    """A word in the case of its pattern, as DuckDB writes it for one such as `Month`."""
    if code.isupper():
        return word if code in {"AM", "PM"} else exp.Upper(this=word)
    return exp.Lower(this=word) if code.islower() else word


def _refused(what: str) -> InvalidArgument:
    return InvalidArgument(
        f"to_char with {what} cannot be translated; nothing was run; use strftime() or format() "
        "in DuckDB's dialect",
        cause="Not implemented Error",
    )


REWRITES: Mapping[type[exp.Expr], Callable[[Any, str], None]] = {exp.Anonymous: _to_char}
