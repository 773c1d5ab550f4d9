"""Channels: how many, lent to whom, closed when."""

import threading

import pytest

from flightkeeper.client.loads import Loads
from flightkeeper.client.pool import CHANNELS_MAX, HEARTBEAT_S, Lease, Pool, key_of
from flightkeeper.discovery.records import Instance
from tests.client.channels import IdleChannel
from tests.client.instances import instance

A, B = instance("a"), instance("b")


class Fixture:
    def __init__(self) -> None:
        self.now_s = 0.0
        self.opened: list[tuple[Instance, IdleChannel]] = []
        self.loads = Loads(self.clock)
        self.pool = Pool(self.open, self.loads, self.clock)

    def clock(self) -> float:
        return self.now_s

    def open(self, instance: Instance) -> IdleChannel:
        channel = IdleChannel()
        self.opened.append((instance, channel))
        return channel

    def closed(self) -> list[int]:
        return [channel.closed for _, channel in self.opened]


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_an_idle_channel_is_lent_again(fixture: Fixture) -> None:
    first = fixture.pool.lease(A)
    channel = first.channel
    first.release()
    assert fixture.pool.lease(A).channel is channel
    assert len(fixture.opened) == 1


def test_busy_channels_are_joined_by_others_up_to_the_limit(fixture: Fixture) -> None:
    leases = [fixture.pool.lease(A) for _ in range(CHANNELS_MAX * 2)]
    assert len(fixture.opened) == CHANNELS_MAX
    for _, channel in fixture.opened:
        assert sum(lease.channel is channel for lease in leases) == 2


def test_leases_count_as_load_until_released_once(fixture: Fixture) -> None:
    lease = fixture.pool.lease(A)
    other = fixture.pool.lease(A)
    assert fixture.loads.in_flight("a") == 2
    lease.release()
    lease.release()
    assert fixture.loads.in_flight("a") == 1
    other.release()
    assert fixture.loads.in_flight("a") == 0


def test_a_broken_channel_is_not_lent_again(fixture: Fixture) -> None:
    lease, sharing = fixture.pool.lease(A), None
    lease.broken = True
    lease.release()
    assert fixture.closed() == [1]
    sharing = fixture.pool.lease(A)
    assert sharing.channel is not lease.channel


def test_a_broken_channel_lives_until_its_last_call_ends(fixture: Fixture) -> None:
    leases = [fixture.pool.lease(A) for _ in range(CHANNELS_MAX + 1)]
    shared = next(one for one in leases[:-1] if one.channel is leases[-1].channel)
    shared.broken = leases[-1].broken = True
    shared.release()
    assert sum(fixture.closed()) == 0
    leases[-1].release()
    assert sum(fixture.closed()) == 1


def test_another_incarnation_gets_channels_of_its_own(fixture: Fixture) -> None:
    fixture.pool.lease(A).release()
    assert fixture.pool.lease(instance("a", "two")).channel is fixture.opened[1][1]


def test_channels_of_other_incarnations_are_closed_when_idle(fixture: Fixture) -> None:
    fixture.pool.lease(A).release()
    busy = fixture.pool.lease(B)
    fixture.pool.retain({key_of(instance("a", "two"))})
    assert fixture.closed() == [1, 0]
    busy.release()
    assert fixture.closed() == [1, 1]


def test_close_is_idempotent_and_leaves_no_channel(fixture: Fixture) -> None:
    fixture.pool.lease(A).release()
    busy = fixture.pool.lease(B)
    fixture.pool.close()
    fixture.pool.close()
    late = fixture.pool.lease(A)
    late.release()
    busy.release()
    assert fixture.closed() == [1, 1, 1]


def test_heartbeats_are_due_on_channels_with_calls_only(fixture: Fixture) -> None:
    lease = fixture.pool.lease(A)
    fixture.pool.lease(B).release()
    assert fixture.pool.due_for_heartbeat() == []
    fixture.now_s = HEARTBEAT_S
    ((node, channel),) = fixture.pool.due_for_heartbeat()
    assert (node.node_id, node.incarnation, channel) == ("a", "one", lease.channel)
    assert fixture.pool.due_for_heartbeat() == []


def test_an_idle_channel_starts_its_count_when_it_is_lent(fixture: Fixture) -> None:
    fixture.pool.lease(A).release()
    fixture.now_s = HEARTBEAT_S
    fixture.pool.lease(A)
    assert fixture.pool.due_for_heartbeat() == []


def test_many_threads_do_not_open_more_than_the_limit(fixture: Fixture) -> None:
    gate, leases = threading.Barrier(16), list[Lease]()

    def borrow() -> None:
        gate.wait(10)
        leases.append(fixture.pool.lease(A))

    threads = [threading.Thread(target=borrow, name="borrow") for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(leases) == 16
    assert len({id(lease.channel) for lease in leases}) <= CHANNELS_MAX
    for lease in leases:
        lease.release()
    fixture.pool.close()
    assert set(fixture.closed()) == {1}
