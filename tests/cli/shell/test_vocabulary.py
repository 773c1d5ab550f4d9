"""Words: what a real node tells, and how they are kept up to date in the background."""

import threading

import pytest

from flightkeeper.cli.shell.vocabulary import Vocabulary, Words, ask
from flightkeeper.client import FlightkeeperError, connect
from tests.support.processes import running


@pytest.mark.cluster
def test_what_a_node_tells() -> None:
    with running("serve", "--insecure") as node:
        address = node.line()["location"].removeprefix("grpc://")
        with connect(f"flightsql://{address}?transport=tcp") as connection:
            connection.execute("CREATE TABLE planes (tail TEXT, seats INTEGER)")
            words = ask(connection.metadata)
    assert words.columns["planes"] == ("tail", "seats")
    assert "planes" in words.tables["main"]
    assert any("main" in schemas for schemas in words.schemas.values())
    assert "SELECT" in {keyword.upper() for keyword in words.keywords}
    assert "ABS" in words.functions


def test_words_are_old_until_the_new_ones_are_here() -> None:
    asked, answer = threading.Event(), threading.Event()
    new = Words(keywords=("NEW",))

    def source() -> Words:
        asked.set()
        assert answer.wait(10)
        return new

    vocabulary = Vocabulary(source)
    vocabulary.refresh()
    assert asked.wait(10)
    assert vocabulary.words == Words()
    answer.set()
    vocabulary.close()
    assert vocabulary.words == new


def test_a_service_that_does_not_answer_leaves_the_old_words() -> None:
    asked = threading.Event()

    def source() -> Words:
        asked.set()
        raise FlightkeeperError("nobody is there")

    vocabulary = Vocabulary(source)
    vocabulary.refresh()
    assert asked.wait(10)
    vocabulary.close()
    vocabulary.close()
    assert vocabulary.words == Words()
