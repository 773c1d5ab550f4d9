"""SQLAlchemy's URLs as the client's. Pure text and values."""

from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

_SCHEMES = {
    "flightkeeper": "flightsql",
    "flightkeeper+flightsql": "flightsql",
    "flightkeeper+zk": "flightsql+zk",
    "flightkeeper+zks": "flightsql+zks",
    "flightkeeper+dir": "flightsql+dir",
}
_CLIENTS = frozenset({"service", "transport"})
_SECONDS = {"timeout_s", "statement_timeout_s"}


def connect_arguments(url: URL) -> tuple[str, dict[str, Any]]:
    """The client's URL, and arguments of `dbapi.connect`.

    More hosts than one stand in the query, `?host=h2:31337&host=h3:31337`: SQLAlchemy knows one.
    What the query holds besides is an option of the session, such as `schema=sales`.

    Raises:
        ArgumentError: there is no such form of URL.
    """
    scheme = _SCHEMES.get(url.drivername)
    if scheme is None:
        raise ArgumentError(f"{url.drivername}:// is none of {', '.join(sorted(_SCHEMES))}")
    query = {name: _all(value) for name, value in url.query.items()}
    hosts = [*([_host(url)] if url.host else []), *query.pop("host", [])]
    path = "" if url.database is None else f"/{url.database}"
    told = {name: query.pop(name)[-1] for name in sorted(_CLIENTS & query.keys())}
    user = f"{quote(url.username, safe='')}@" if url.username else ""
    client = f"{scheme}://{user}{','.join(hosts)}{path}"
    arguments: dict[str, Any] = {
        name: float(query.pop(name)[-1]) for name in sorted(_SECONDS & query.keys())
    }
    if url.password:
        arguments["password"] = str(url.password)
    if query:
        arguments["options"] = {name: values[-1] for name, values in query.items()}
    return client + (f"?{urlencode(told)}" if told else ""), arguments


def _host(url: URL) -> str:
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host
    return f"{host}:{url.port}" if url.port else f"{host}"


def _all(value: str | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
