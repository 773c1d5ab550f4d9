"""`KILL STATEMENT 'id'` and its other spellings, read from a statement's words. Pure.

`KILL QUERY` is MySQL's and ClickHouse's word for it, `KILL CONNECTION` MySQL's for a session.
"""

import re
from typing import TYPE_CHECKING

from flightkeeper.flight_server.errors import InvalidArgument
from flightkeeper.flight_server.system.kill import Kill, Target

if TYPE_CHECKING:
    from flightkeeper.flight_server.sql.reading import Source

_ID_CHARACTERS_MAX = 200
_TARGETS = {
    "STATEMENT": Target.STATEMENT,
    "QUERY": Target.STATEMENT,
    "SESSION": Target.SESSION,
    "CONNECTION": Target.SESSION,
}
_ID = re.compile(r"""'(?P<text>[^']+)'|"(?P<name>[^"]+)"|(?P<word>[\w.:-]+)""")


def kill(source: "Source") -> Kill:
    """What a statement that begins with KILL asks for.

    Raises:
        InvalidArgument: it does not say what to end.
    """
    words = source.words
    target = _TARGETS.get(words[1]) if len(words) > 1 else None
    tokens = source.tokens[1 if target is None else 2 :]
    rest = source.text[tokens[0].start : tokens[-1].end + 1] if tokens else ""
    found = _ID.fullmatch(rest)
    if found is None or len(rest) > _ID_CHARACTERS_MAX:
        raise InvalidArgument(
            "write KILL STATEMENT 'id' or KILL SESSION 'id', with an id of system.statements or "
            "system.sessions; nothing was ended"
        )
    return Kill(target or Target.EITHER, found["text"] or found["name"] or found["word"])
