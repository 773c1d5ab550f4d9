"""Tests for the dialect on a real node: engines, transactions, mapped classes."""

import os
import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from flightkeeper.client import Connection


@pytest.fixture
def engine(real: Connection, service: str) -> Iterator[sa.Engine]:
    """An engine; the schema `work` is empty."""
    del real
    made = sa.create_engine(service.replace("flightsql", "flightkeeper"), pool_pre_ping=True)
    yield made
    made.dispose()


class Base(orm.DeclarativeBase):
    """Mapped classes live in schema `work`."""

    metadata = sa.MetaData(schema="work")


class Airport(Base):
    """One row of `airports`."""

    __tablename__ = "airports"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    code: orm.Mapped[str] = orm.mapped_column(unique=True)
    facts = sa.Column(sa.JSON)


def test_objects_are_numbered_stored_and_found(engine: sa.Engine) -> None:
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session:
        session.add_all([Airport(code=code, facts={"of": [code]}) for code in ("BER", "LHR")])
        session.commit()
        found = session.scalars(
            sa.select(Airport).where(Airport.facts["of"][0].as_string() == "LHR")
        ).one()
        assert (found.id, found.facts) == (2, {"of": ["LHR"]})
        session.add(Airport(code="BER"))
        with pytest.raises(sa.exc.IntegrityError, match="Constraint"):
            session.commit()
    Base.metadata.drop_all(engine)
    assert sa.inspect(engine).get_sequence_names("work") == []


def test_connections_of_an_engine_share_one_of_the_client(engine: sa.Engine) -> None:
    with engine.connect() as first, engine.connect() as second:
        clients = {each.connection.dbapi_connection.client for each in (first, second)}  # type: ignore[union-attr]
        assert len(clients) == 1
    routers = [each for each in threading.enumerate() if each.name == "flightkeeper-router"]
    engine.dispose()
    left = [each for each in threading.enumerate() if each.name == "flightkeeper-router"]
    assert len(left) == len(routers) - 1
    with engine.connect() as again:
        assert again.scalar(sa.text("SELECT 1")) == 1


def test_a_forked_process_connects_anew(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.connect() as connection:
        parents = connection.connection.dbapi_connection
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        # What SQLAlchemy tells a child to do first.
        engine.dispose(close=False)
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT 1")) == 1
        engine.dispose()
    assert parents is not None
    assert parents.cursor().execute("SELECT 2").fetchone() == (2,)
    parents.close()


def test_levels_are_transactions_or_none(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert f"{connection.get_isolation_level()}" == "SNAPSHOT"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("CREATE TABLE work.t AS SELECT 1 AS a"))
        assert connection.get_isolation_level() == "AUTOCOMMIT"
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT a FROM work.t")) == 1
        assert (connection.dialect.server_version_info or ()) >= (1, 5)
        assert connection.dialect.default_schema_name == "main"
