"""What was bound last is remembered within bounds."""

from flightkeeper.flight_server.handlers.bindings import Bindings


def test_the_last_binding_counts_until_it_is_forgotten() -> None:
    bindings = Bindings()
    assert bindings.recall("a") == b""
    bindings.remember("a", b"1")
    bindings.remember("a", b"2")
    assert [bindings.recall("a"), bindings.recall("a"), bindings.recall("b")] == [b"2", b"2", b""]
    bindings.forget("a")
    bindings.forget("a")
    assert bindings.recall("a") == b""


def test_the_one_unused_for_longest_gives_way() -> None:
    bindings = Bindings(kept_max=2)
    bindings.remember("a", b"1")
    bindings.remember("b", b"2")
    assert bindings.recall("a") == b"1"
    bindings.remember("c", b"3")
    assert [bindings.recall(each) for each in "abc"] == [b"1", b"", b"3"]


def test_bytes_are_bounded_and_given_back() -> None:
    bindings = Bindings(bytes_max=10)
    bindings.remember("a", b"x" * 6)
    bindings.remember("b", b"x" * 6)
    assert [len(bindings.recall(each)) for each in "ab"] == [0, 6]
    bindings.remember("c", b"x" * 11)
    assert [len(bindings.recall(each)) for each in "bc"] == [0, 0]
    bindings.remember("d", b"x" * 10)
    assert len(bindings.recall("d")) == 10
