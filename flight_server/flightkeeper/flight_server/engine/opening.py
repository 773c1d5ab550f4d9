"""What is done to a database when it was opened: extensions are loaded, the operator's SQL is run.

Credentials of storages come in here and nowhere else, so nothing of that SQL is ever repeated.
"""

from collections.abc import Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import duckdb

from flightkeeper.flight_server.errors import StartFailed

_OTHERS = 0o077
_SET_WITH = {
    # Else each file of a scan is fetched over connections of its own, each made anew.
    "httpfs": "SET GLOBAL httpfs_connection_caching = true",
}
"""What is set once an extension is there; the operator's SQL comes later."""


def load(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Load extensions: those of installed packages, or else from the engine's own folder.

    Raises:
        StartFailed: one cannot be loaded; says what to install.
    """
    for name in names:
        file = _packaged(name)
        try:
            connection.execute(f"LOAD {name}" if file is None else f"LOAD '{_escaped(file)}'")
        except duckdb.Error as exc:
            raise StartFailed(
                f"the extension {name} cannot be loaded: install the package duckdb-extension-"
                f"{name} in the version of DuckDB, {duckdb.__version__}"
            ) from exc
        if name in _SET_WITH:
            # Another version may know no such setting.
            with suppress(duckdb.CatalogException):
                connection.execute(_SET_WITH[name])


def run_file(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Run the operator's SQL.

    Raises:
        StartFailed: it cannot be read, others may read it, or a statement fails; says which one,
            and nothing of it.
    """
    number, what = 0, "cannot be divided into statements"
    try:
        if path.stat().st_mode & _OTHERS:
            raise StartFailed(f"{path} can be read by others; run: chmod 600 {path}")
        for number, statement in enumerate(connection.extract_statements(path.read_text()), 1):
            what = f"failed at its statement {number} ({statement.type.name})"
            connection.execute(statement)
    except OSError as exc:
        raise StartFailed(f"the SQL file {path} cannot be read: {exc.strerror}") from exc
    except (duckdb.Error, ValueError) as exc:
        # The engine's words quote the statement, which may hold a password: not even as a cause.
        raise StartFailed(f"the SQL file {path} {what}: {type(exc).__name__}") from None


def _packaged(name: str) -> Path | None:
    spec = find_spec(f"duckdb_extension_{name}")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}"
    return next(iter(folder.glob(f"{name}.duckdb_extension")), None)


def _escaped(path: Path) -> str:
    return str(path).replace("'", "''")
