"""The rows that a node has of the system tables: what it knows of itself.

Owns the order of the columns, which is that of `tables`. Who has rows of another table adds a
provider for it where the node is put together.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flightkeeper.discovery.records import Instance
from flightkeeper.flight_server.admission import Admission
from flightkeeper.flight_server.call import owned_by
from flightkeeper.flight_server.clocks import Clocks
from flightkeeper.flight_server.config import NodeSettings, is_live
from flightkeeper.flight_server.config_text import MASK, plain
from flightkeeper.flight_server.sessions import Sessions
from flightkeeper.flight_server.sql.masking import shown
from flightkeeper.flight_server.system.activity import Activity, Ended
from flightkeeper.flight_server.system.collecting import Provider, registered
from flightkeeper.flight_server.system.events import Events
from flightkeeper.flight_server.system.running import Running
from flightkeeper.flight_server.system.tables import NODES
from flightkeeper.flight_server.system.visitors import Visitor, Visitors

_Row = tuple[Any, ...]

_PLACES = {"database", "registry"}
"""Settings that may hold a path."""


@dataclass(frozen=True, slots=True)
class Known:
    """Where a node finds what it knows of itself.

    Attributes:
        instance: its record as it is now.
        settings: what holds now, and by name where each that is set comes from.
        engine_version: of DuckDB.
        account: the id of the account that has a name now.
    """

    clocks: Clocks
    activity: Activity
    visitors: Visitors
    events: Events
    sessions: Sessions
    admission: Admission
    instance: Callable[[], Instance]
    settings: Callable[[], tuple[NodeSettings, Mapping[str, str]]]
    engine_version: str
    account: Callable[[str], str]


def providers(known: Known) -> Mapping[str, Provider]:
    """What has the rows, by table."""
    return {
        "nodes": lambda: [_node(known)],
        "sessions": lambda: _sessions(known),
        "statements": lambda: [_statement(known, each) for each in known.activity.running()],
        "query_log": lambda: [_logged(known, each) for each in known.activity.log()],
        "settings": lambda: _settings(known),
        "events": lambda: [
            (_id(known), _us(e.at_s), e.what.value, e.subject, e.detail) for e in known.events.all()
        ],
    }


def _node(known: Known) -> _Row:
    row = registered(known.instance()) | {
        "engine_version": known.engine_version,
        "statements": known.admission.running,
        "statements_max": known.admission.statements_max,
        "sessions": len(known.visitors.all()),
        "answered_ms": 0.0,
    }
    return tuple(row[column.name] for column in NODES.columns)


def _sessions(known: Known) -> list[_Row]:
    now_s = known.clocks.wall_s()
    running = Counter(statement.session_id for statement in known.activity.running())
    states = known.sessions.states()
    rows = []
    for visitor in known.visitors.all():
        key = visitor.session_id
        rows.append(
            (
                _id(known),
                key,
                _whose(known, visitor),
                _us(visitor.since_s),
                _us(visitor.used_s),
                max(0.0, now_s - visitor.used_s),
                visitor.calls,
                running[key],
                key in states,
                states.get(key, False),
                visitor.peer,
                visitor.user_agent,
            )
        )
    return rows


def _statement(known: Known, running: Running) -> _Row:
    state = "stopping" if running.killed else running.phase.value
    about = _about(known, running)
    return (*about, running.elapsed_s * 1000, state, running.rows, running.nbytes)


def _logged(known: Known, ended: Ended) -> _Row:
    how = (ended.duration_s * 1000, ended.outcome.value, ended.error)
    return (*_about(known, ended), *how, ended.rows, ended.nbytes)


def _whose(known: Known, each: Running | Ended | Visitor) -> str:
    """Who it is that something belongs to; no account can have the name of a dropped one."""
    current = owned_by(each.principal, known.account(each.principal))
    return each.principal if each.owner == current else f"{each.principal}/dropped"


def _about(known: Known, each: Running | Ended) -> _Row:
    return (
        _id(known),
        each.statement_id,
        each.client_id,
        each.session_id,
        _whose(known, each),
        shown(each.text, each.dialect),
        each.dialect,
        _us(each.began_s),
    )


def _settings(known: Known) -> list[_Row]:
    settings, sources = known.settings()
    rows = []
    for name, field in type(settings).model_fields.items():
        started = "start" if name in settings.model_fields_set else "default"
        value = _text(name, getattr(settings, name))
        source = sources.get(name, started)
        rows.append((_id(known), name, value, source, is_live(field), field.description or ""))
    return rows


def _text(name: str, value: object) -> str | None:
    """A value as it may be shown: no secrets, and of files and directories the last name only."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return MASK
    text = str(plain(value, name))
    if isinstance(value, Path) or name in _PLACES:
        scheme, _, rest = text.rpartition("://")
        return f"{scheme}://…/{_name(rest)}" if scheme == "dir" else text if scheme else _name(text)
    return text


def _name(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _id(known: Known) -> str:
    return known.instance().node_id


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
