"""Contenders in sessions of their own, on one clock, that freeze, expire and lose answers: seeded.

A holder that is frozen acts as soon as it goes on, without asking. What it may do then is up to the
resource, which knows tokens only.
"""

import random

import pytest

from flightkeeper.discovery.contention import EXCLUSIVE, SHARED, Claim
from flightkeeper.discovery.errors import RegistryError
from flightkeeper.discovery.zookeeper.lock import Contender, ZooKeeperHold
from flightkeeper.discovery.zookeeper.znodes import AnswerLost
from tests.discovery.fenced import accepted
from tests.discovery.zookeeper.fake_znodes import FakeZnodes

SESSION_S = 10.0
KINDS = {"lock": [EXCLUSIVE], "readers and writers": [EXCLUSIVE, SHARED], "two": [Claim(permits=2)]}


class Actor:
    """One process that takes the lock, acts, lets go, and begins anew."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.session = 1000 + number
        self.heard_s = 0.0
        self.due = True
        self.frozen_until_s = 0.0
        self.expired = False
        self.begin()

    def begin(self) -> None:
        self.claim = self.world.chance.choice(self.world.claims)
        clock = lambda: self.world.now_s  # noqa: E731 - one clock for both
        self.hold = ZooKeeperHold("etl", self.claim, leave=self.wake, clock=clock)
        self.contender = Contender(self.hold, "/locks/etl", wake=self.wake, clock=clock)
        self.due = True

    def wake(self) -> None:
        self.due = True

    def run(self) -> None:
        znodes = self.world.znodes
        if self.expired:
            # What a client hears first of all when it reaches its servers again.
            self.session += 100
            self.expired = False
            self.contender.lost()
        znodes.session_id = self.session
        self.heard_s, self.due = self.world.now_s, False
        try:
            over = self.contender.run(znodes) is None
        except RegistryError as exc:
            self.contender.failed(exc)
            self.due = True
            return
        if over:
            self.begin()

    @property
    def acts(self) -> bool:
        """Whether it goes on as the holder that it was."""
        return self.hold.token > 0

    @property
    def awake(self) -> bool:
        return self.world.now_s >= self.frozen_until_s


class World:
    """All of them, and ZooKeeper, and the resource."""

    def __init__(self, seed: int, claims: list[Claim]) -> None:
        self.chance = random.Random(seed)
        self.claims = claims
        self.now_s = 100.0
        self.znodes = FakeZnodes()
        self.znodes.session_timeout_s = SESSION_S
        self.seen: dict[str, int] = {}
        self.refused = 0
        self.done = 0
        self.actors = [Actor(self, number) for number in range(5)]

    def step(self) -> None:
        self.now_s += self.chance.choice([0.0, 0.1, 0.5, 1.0])
        self.expire()
        if self.chance.random() < 0.02:
            self.chance.choice(self.actors).frozen_until_s = self.now_s + 2 * SESSION_S
        if self.chance.random() < 0.05:
            operation = self.chance.choice(["create_sequential", "write"])
            self.znodes.lose_answer[operation] = [AnswerLost("lost")]
        if self.chance.random() < 0.05:
            operation = self.chance.choice(["children", "write", "read", "create_sequential"])
            self.znodes.before[operation] = [AnswerLost("not done")]
        for actor in self.actors:
            if actor.awake and actor.frozen_until_s:
                actor.frozen_until_s = 0.0
                self.act(actor)
            if actor.awake and (actor.due or self.now_s - actor.heard_s >= SESSION_S / 6):
                actor.run()
        self.check()
        actor = self.chance.choice(self.actors)
        if actor.awake and not actor.frozen_until_s:
            self.act(actor)

    def expire(self) -> None:
        for actor in self.actors:
            if self.now_s - actor.heard_s > SESSION_S and not actor.expired:
                actor.expired = True
                for path in self.znodes.owned_by(actor.session):
                    self.znodes.remove(path)

    def act(self, actor: Actor) -> None:
        if not actor.acts:
            return
        hold, late = actor.hold, actor.hold.lost
        found = accepted(self.seen, actor.claim, hold.token, hold.permit)
        if found is None:
            self.refused += 1
            assert late
            actor.hold.end()
            actor.due = True
            return
        assert all(found[key] >= token for key, token in self.seen.items())
        self.seen = found
        self.done += 1
        if self.chance.random() < 0.3:
            actor.hold.end()
            actor.due = True

    def check(self) -> None:
        """Who is told that the lock is held, holds it with those only whom it does not exclude."""
        holders = [actor for actor in self.actors if not actor.hold.lost]
        assert len({actor.claim for actor in holders}) <= 1
        permits = [actor.hold.permit for actor in holders if not actor.claim.shared]
        assert len(set(permits)) == len(permits) <= max(claim.permits for claim in self.claims)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", KINDS)
def test_nobody_is_told_that_it_holds_what_another_one_has(kind: str, seed: int) -> None:
    world = World(seed, KINDS[kind])
    for _ in range(3000):
        world.step()
    assert world.done > 200
    # The frozen ones came too late, and the resource knew it.
    assert world.refused > 0
