"""SQLAlchemy: the dialect suite on the client's own, and what users do with `sqlalchemy-adbc`."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.exc import ProgrammingError

from tests.conformance.conftest import PASSWORD, USER, connect
from tests.support.processes import running

TOOL = "SQLAlchemy (adbc+flightsql)"
core = pytest.mark.tool(TOOL, "core: tables, statements, transactions")
mapped = pytest.mark.tool(TOOL, "mapped classes and sessions")
names = pytest.mark.tool(
    TOOL, "names of tables and views", limit="the dialect knows their kinds in lower case only"
)
keys = pytest.mark.tool(
    TOOL, "reflection of keys, indexes and defaults", limit="the driver does not ask for them"
)
returning = pytest.mark.tool(
    TOOL, "values that the server makes, read by RETURNING", limit="the dialect does not use it"
)

# SQLAlchemy leaves some cursors to the collector, which the driver warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*was not explicitly close:ResourceWarning")

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
TIMEOUT_S = 600
"""The suite takes about a minute; a busy machine may take its time."""


@pytest.fixture
def url(solo: str) -> str:
    """How SQLAlchemy is told where the node is."""
    login = urlencode({"tls": "false", "username": USER, "password": PASSWORD})
    return f"adbc+flightsql://{urlsplit(solo).netloc}?{login}"


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """An engine; the schema `work` is new."""
    made = sa.create_engine(url)
    with made.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA IF EXISTS work CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA work"))
    yield made
    made.dispose()


@pytest.fixture
def own(login_files: tuple[Path, Path]) -> Iterator[str]:
    """A node that no other test has left anything on."""
    users, key_file = map(str, login_files)
    with running("serve", "--users", users, "--key-file", key_file) as node:
        yield node.line()["location"]


@pytest.mark.timeout(TIMEOUT_S)
def test_the_dialect_suite_passes(own: str, tmp_path: Path) -> None:
    """Nothing fails and nothing is skipped; what is left out is explained, and is still there."""
    netloc = f"{USER}:{quote(PASSWORD, safe='')}@{urlsplit(own).netloc}"
    url = f"flightkeeper://{netloc}?transport=tcp"
    with connect(own, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS test_schema")
    results, left_out = tmp_path / "results.xml", tmp_path / "left_out.json"
    folder = HERE / "sqlalchemy_suite"
    command = [sys.executable, "-m", "pytest", str(folder / "suite.py"), "-q", "--tb=short"]
    command += ["-c", str(folder / "setup.cfg"), "--dburi", url]
    command += ["--junit-xml", str(results), "--left-out", str(left_out)]
    # What pytest has set for this process is not meant for that one.
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    told = subprocess.run(
        command,
        cwd=PROJECT,
        env=inherited | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert told.returncode == 0, told.stdout[-8000:]
    assert not list(ET.parse(results).getroot().iter("skipped"))
    report = json.loads(left_out.read_text())
    assert (report["unexplained"], report["unused"]) == ([], [])
    assert report["tests"] >= 450


@core
def test_tables_are_made_filled_and_queried(engine: sa.Engine) -> None:
    metadata = sa.MetaData(schema="work")
    carriers = sa.Table(
        "carriers",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(20), nullable=False),
    )
    flights = sa.Table(
        "flights",
        metadata,
        sa.Column("carrier", sa.ForeignKey(carriers.c.id)),
        sa.Column("day", sa.Date),
        sa.Column("delay", sa.Float),
    )
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(carriers.insert(), [{"id": 1, "name": "ä"}, {"id": 2, "name": "b"}])
        delays = [{"carrier": 1 + n % 2, "delay": n / 2} for n in range(100)]
        connection.execute(flights.insert(), delays)
    mean = sa.func.avg(flights.c.delay)
    question = (
        sa.select(carriers.c.name, mean)
        .join(flights)
        .where(flights.c.delay > sa.bindparam("least"))
        .group_by(carriers.c.name)
        .order_by(carriers.c.name)
    )
    with engine.connect() as connection:
        assert connection.execute(question, {"least": 10}).all() == [("b", 30.0), ("ä", 30.0)]


@core
def test_a_transaction_is_undone_after_an_error(engine: sa.Engine) -> None:
    numbers = sa.Table("numbers", sa.MetaData(schema="work"), sa.Column("a", sa.Integer))
    numbers.create(engine)
    with engine.connect() as connection:
        connection.execute(numbers.insert(), [{"a": 1}])
        with pytest.raises(ProgrammingError, match="Could not convert"):
            connection.execute(sa.text("SELECT 'x'::INT"))
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(numbers)) == 0


class Base(orm.DeclarativeBase):
    """Mapped classes live in schema `work`."""

    metadata = sa.MetaData(schema="work")


class Airport(Base):
    """One row of `airports`."""

    __tablename__ = "airports"
    code: orm.Mapped[str] = orm.mapped_column(primary_key=True)
    height: orm.Mapped[int]
    routes: orm.Mapped[list["Route"]] = orm.relationship(back_populates="start")


class Route(Base):
    """One row of `routes`."""

    __tablename__ = "routes"
    number: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    start_code: orm.Mapped[str] = orm.mapped_column(sa.ForeignKey(Airport.code))
    start: orm.Mapped[Airport] = orm.relationship(back_populates="routes")


@mapped
def test_objects_are_stored_changed_and_found_again(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add(Airport(code="BER", height=48, routes=[Route(number=1), Route(number=2)]))
        session.add(Airport(code="LHR", height=25))
        session.commit()
    with orm.Session(engine) as session:
        found = session.get_one(Airport, "LHR")
        found.height = 26
        session.commit()
    with orm.Session(engine) as session:
        statement = sa.select(Airport).options(orm.selectinload(Airport.routes))
        airports = session.scalars(statement.order_by(Airport.code)).all()
        assert [(each.code, each.height) for each in airports] == [("BER", 48), ("LHR", 26)]
        assert sorted(route.number for route in airports[0].routes) == [1, 2]


@names
def test_the_dialect_lists_no_tables_but_knows_their_columns(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE work.t (a INTEGER, b VARCHAR)"))
    inspector = sa.inspect(engine)
    assert inspector.get_table_names("work") == []
    assert inspector.has_table("t", "work")
    columns = inspector.get_columns("t", "work")
    assert [(each["name"], str(each["type"])) for each in columns] == [
        ("a", "INTEGER"),
        ("b", "VARCHAR"),
    ]


@keys
def test_the_dialect_sees_no_keys(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE work.t (a INTEGER PRIMARY KEY DEFAULT 7)"))
    inspector = sa.inspect(engine)
    assert inspector.get_pk_constraint("t", "work")["constrained_columns"] == []
    assert inspector.get_columns("t", "work")[0]["default"] is None


@returning
def test_the_dialect_does_not_ask_what_the_server_made(engine: sa.Engine) -> None:
    numbers = sa.Table(
        "numbers",
        sa.MetaData(schema="work"),
        sa.Column("a", sa.Integer),
        sa.Column("b", sa.Integer, server_default=sa.text("42")),
    )
    numbers.create(engine)
    with engine.begin() as connection:
        made = connection.execute(numbers.insert().values(a=1))
        assert made.returned_defaults is None
        assert connection.execute(sa.select(numbers)).all() == [(1, 42)]
