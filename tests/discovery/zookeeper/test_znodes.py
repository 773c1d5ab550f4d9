"""What a session promises: held by the real one and by the fake the other tests use."""

import queue
from collections.abc import Iterator
from uuid import uuid4

import pytest

from flightkeeper.discovery.zookeeper.link_options import LinkOptions
from flightkeeper.discovery.zookeeper.session import Link, LinkState
from flightkeeper.discovery.zookeeper.znodes import (
    NodeExists,
    NoNode,
    VersionChanged,
    Znodes,
)
from tests.discovery.zookeeper.fake_znodes import FakeZnodes
from tests.support.zookeeper_server import ZooKeeperServer


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.zookeeper)])
def znodes(request: pytest.FixtureRequest) -> Iterator[Znodes]:
    """A session whose znodes below `root` are its own."""
    if request.param == "fake":
        yield FakeZnodes()
        return
    server: ZooKeeperServer = request.getfixturevalue("zookeeper")
    states: queue.SimpleQueue[LinkState] = queue.SimpleQueue()
    link = Link(LinkOptions(server.hosts, 1, 4.0), lambda _, state: states.put(state))
    link.start()
    assert states.get(timeout=10) is LinkState.CONNECTED
    yield link
    link.close(5)


@pytest.fixture
def root(znodes: Znodes) -> str:
    path = f"/test-{uuid4().hex}"
    znodes.create_path(path)
    return path


@pytest.fixture
def fired() -> "Fires":
    return Fires()


class Fires:
    """A watch that remembers."""

    def __init__(self) -> None:
        self._paths: queue.SimpleQueue[str] = queue.SimpleQueue()

    def __call__(self, path: str) -> None:
        self._paths.put(path)

    def next(self) -> str:
        return self._paths.get(timeout=10)

    def silent(self) -> bool:
        return self._paths.empty()


def test_what_is_created_is_read(znodes: Znodes, root: str) -> None:
    znodes.create(f"{root}/a", b"1", ephemeral=True)
    znodes.create(f"{root}/b", b"2", ephemeral=False)
    a, b = znodes.read(f"{root}/a"), znodes.read(f"{root}/b")
    assert a is not None
    assert b is not None
    assert (a.data, a.version, a.owner) == (b"1", 0, znodes.session_id)
    assert (b.data, b.version, b.owner) == (b"2", 0, 0)
    assert a.mzxid < b.mzxid
    assert znodes.read(f"{root}/c") is None


def test_create_needs_a_parent_and_a_free_place(znodes: Znodes, root: str) -> None:
    with pytest.raises(NoNode):
        znodes.create(f"{root}/x/y", b"", ephemeral=False)
    znodes.create_path(f"{root}/x/y")
    znodes.create_path(f"{root}/x/y")
    with pytest.raises(NodeExists):
        znodes.create(f"{root}/x/y", b"", ephemeral=False)


def test_writes_are_conditional(znodes: Znodes, root: str) -> None:
    path = f"{root}/a"
    with pytest.raises(NoNode):
        znodes.write(path, b"", 0)
    znodes.create(path, b"1", ephemeral=True)
    before = znodes.read(path)
    znodes.write(path, b"2", 0)
    after = znodes.read(path)
    assert before is not None
    assert after is not None
    assert (after.data, after.version, after.owner) == (b"2", 1, before.owner)
    assert after.mzxid > before.mzxid
    with pytest.raises(VersionChanged):
        znodes.write(path, b"3", 0)


def test_replace_is_both_or_neither(znodes: Znodes, root: str) -> None:
    path = f"{root}/a"
    with pytest.raises(NoNode):
        znodes.replace(path, b"", 0)
    assert znodes.read(path) is None
    znodes.create(path, b"1", ephemeral=False)
    with pytest.raises(VersionChanged):
        znodes.replace(path, b"2", 7)
    znodes.replace(path, b"2", 0)
    found = znodes.read(path)
    assert found is not None
    assert (found.data, found.version, found.owner) == (b"2", 0, znodes.session_id)


def test_deletes_are_conditional(znodes: Znodes, root: str) -> None:
    path = f"{root}/a"
    with pytest.raises(NoNode):
        znodes.delete(path, 0)
    znodes.create(path, b"1", ephemeral=False)
    with pytest.raises(VersionChanged):
        znodes.delete(path, 1)
    znodes.delete(path, 0)
    assert znodes.read(path) is None


def test_numbers_grow_and_later_ones_are_born_later(znodes: Znodes, root: str) -> None:
    with pytest.raises(NoNode):
        znodes.create_sequential(f"{root}/none/x-", b"")
    made = [znodes.create_sequential(f"{root}/{mark}-", b"") for mark in "ba"]
    assert [path.rpartition("-")[2] for path in made] == ["0000000000", "0000000001"]
    first, second = (znodes.read(path) for path in made)
    assert first is not None
    assert second is not None
    assert first.owner == second.owner == znodes.session_id
    assert 0 < first.czxid < second.czxid
    znodes.delete(made[0], -1)
    assert znodes.children(root) == (made[1].rpartition("/")[2],)


def test_a_guarded_write_is_done_while_its_guard_is_there(znodes: Znodes, root: str) -> None:
    guard, path = f"{root}/guard", f"{root}/a"
    with pytest.raises(NoNode):
        znodes.write_guarded(path, b"1", None, guard)
    assert znodes.read(path) is None
    znodes.create(guard, b"", ephemeral=True)
    znodes.write_guarded(path, b"1", None, guard)
    with pytest.raises(NodeExists):
        znodes.write_guarded(path, b"2", None, guard)
    with pytest.raises(VersionChanged):
        znodes.write_guarded(path, b"2", 1, guard)
    znodes.write_guarded(path, b"2", 0, guard)
    znodes.delete(guard, -1)
    with pytest.raises(NoNode):
        znodes.write_guarded(path, b"3", 1, guard)
    found = znodes.read(path)
    assert found is not None
    assert (found.data, found.version) == (b"2", 1)


def test_children(znodes: Znodes, root: str, fired: Fires) -> None:
    with pytest.raises(NoNode):
        znodes.children(f"{root}/none", fired)
    assert znodes.children(root, fired) == ()
    znodes.create(f"{root}/a", b"", ephemeral=False)
    assert fired.next() == root
    assert znodes.children(root, fired) == ("a",)
    znodes.delete(f"{root}/a", 0)
    assert fired.next() == root


def test_a_list_watch_hears_that_its_node_is_deleted(
    znodes: Znodes, root: str, fired: Fires
) -> None:
    znodes.create_path(f"{root}/a")
    znodes.children(f"{root}/a", fired)
    znodes.delete(f"{root}/a", 0)
    assert fired.next() == f"{root}/a"


@pytest.mark.parametrize("deed", ["write", "replace", "delete"])
def test_a_data_watch_fires_once(znodes: Znodes, root: str, fired: Fires, deed: str) -> None:
    path = f"{root}/a"
    znodes.create(path, b"1", ephemeral=False)
    assert znodes.read(path, fired) is not None
    assert znodes.read(path, fired) is not None
    if deed == "delete":
        znodes.delete(path, 0)
    else:
        getattr(znodes, deed)(path, b"2", 0)
    assert fired.next() == path
    other = Fires()
    znodes.create(f"{root}/b", b"", ephemeral=False)
    znodes.read(f"{root}/b", other)
    znodes.write(f"{root}/b", b"", 0)
    assert other.next() == f"{root}/b"
    assert fired.silent()


def test_an_existence_watch_stays_either_way(znodes: Znodes, root: str, fired: Fires) -> None:
    path = f"{root}/a"
    assert not znodes.exists(path, fired)
    znodes.create(path, b"", ephemeral=False)
    assert fired.next() == path
    assert znodes.exists(path, fired)
    znodes.delete(path, 0)
    assert fired.next() == path


def test_many_are_read_at_once_and_missing_ones_left_out(
    znodes: Znodes, root: str, fired: Fires
) -> None:
    paths = [f"{root}/{number}" for number in range(600)]
    for path in paths[:3]:
        znodes.create(path, path.encode(), ephemeral=False)
    found = znodes.read_all(paths, fired)
    assert {path: znode.data for path, znode in found.items()} == {
        path: path.encode() for path in paths[:3]
    }
    znodes.write(paths[1], b"", 0)
    assert fired.next() == paths[1]


def test_watches_are_set_on_many_and_those_fire_that_have_changed_since(
    znodes: Znodes, root: str, fired: Fires
) -> None:
    paths = [f"{root}/{number:04}" for number in range(1500)]
    for path in paths[:4]:
        znodes.create(path, b"x", ephemeral=False)
    since = znodes.contact.zxid
    znodes.watch_all(paths[:4], since, fired)
    assert fired.silent()
    znodes.write(paths[0], b"y", 0)
    assert fired.next() == paths[0]
    znodes.delete(paths[1], 0)
    assert fired.next() == paths[1]
    znodes.watch_all(paths[:3], since, fired)
    assert {fired.next(), fired.next()} == set(paths[:2])
    znodes.watch_all(paths[4:], since, fired)
    assert {fired.next() for _ in paths[4:]} == set(paths[4:])
    znodes.write(paths[2], b"y", 0)
    assert fired.next() == paths[2]
    znodes.write(paths[2], b"z", 1)
    assert fired.silent()


def test_a_session_says_how_far_it_has_come(znodes: Znodes, root: str) -> None:
    before = znodes.contact
    assert before.session_id == znodes.session_id
    znodes.create(f"{root}/a", b"x", ephemeral=False)
    made = znodes.read(f"{root}/a")
    assert made is not None
    after = znodes.contact
    assert before.zxid < made.mzxid <= after.zxid
    assert before.connection == after.connection
