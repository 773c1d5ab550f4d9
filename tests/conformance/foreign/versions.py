"""Which versions of the clients are driven: as they are pinned beside the programs."""

import re
from collections.abc import Mapping
from pathlib import Path

_HERE = Path(__file__).parent
_SCRIPT = _HERE.parents[2] / "tools/foreign-clients.sh"

JDBC = "Arrow Flight SQL JDBC"
HIKARI = "HikariCP"
CURATOR = "Apache Curator"
ARROW_JAVA = "Arrow Java"
GO = "arrow-go flightsql"
RUST = "arrow-flight (Rust)"
LAKEHOUSE = "@lakehouse-rs/flight-sql-client"
GIZMOSQL = "@gizmodata/gizmosql-client"

_PINS: Mapping[str, tuple[Path, str]] = {
    JDBC: (_SCRIPT, r"flight-sql-jdbc-driver:([\d.]+)"),
    HIKARI: (_SCRIPT, r"HikariCP:([\d.]+)"),
    CURATOR: (_HERE / "registry/pom.xml", r"curator-x-discovery</artifactId><version>([\d.]+)"),
    ARROW_JAVA: (_HERE / "registry/pom.xml", r"arrow-vector</artifactId><version>([\d.]+)"),
    GO: (_HERE / "go/go.mod", r"arrow-go/v18 v([\d.]+)"),
    RUST: (_HERE / "rust/Cargo.toml", r'arrow-flight = \{ version = "=([\d.]+)"'),
    LAKEHOUSE: (_HERE / "node/package.json", r'flight-sql-client": "([\d.]+)"'),
    GIZMOSQL: (_HERE / "node/package.json", r'gizmosql-client": "([\d.]+)"'),
}


def version_of(tool: str) -> str:
    """The version of a tool that a program uses."""
    path, pattern = _PINS[tool]
    found = re.search(pattern, path.read_text())
    assert found, f"{path.name} pins no {tool}"
    return found[1]
