"""Who may end what, and what becomes of it, on one node and on several."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.engine.database import Database, DatabaseOptions
from flightkeeper.flight_server.engine.statement import parse
from flightkeeper.flight_server.sessions import SessionLimits, Sessions
from flightkeeper.flight_server.system import activity
from flightkeeper.flight_server.system.activity import Activity, Killing
from flightkeeper.flight_server.system.events import Events
from flightkeeper.flight_server.system.kill import Kill, Target
from flightkeeper.flight_server.system.killing import Ends, Killer
from flightkeeper.flight_server.system.peers import Peers
from flightkeeper.flight_server.system.requests import Requests
from flightkeeper.flight_server.system.running import Running
from flightkeeper.flight_server.system.visitors import Visitors
from flightkeeper.flightsql.tickets import Signer, TicketKey
from flightkeeper.flightsql.wire.flightkeeper_pb2 import PeerRequest
from tests.flight_server.system.callers import caller
from tests.flight_server.system.peers_stub import StubLinks, instance
from tests.flight_server.wire_client import Clock


@dataclass
class Here:
    """One node's part, and the nodes beside it."""

    sessions: Sessions
    peers: Peers
    links: StubLinks
    activity: Activity = field(default_factory=lambda: Activity(Clock().clocks))
    visitors: Visitors = field(default_factory=lambda: Visitors(Clock(), 60))
    events: Events = field(default_factory=lambda: Events(Clock()))
    forgotten: list[str] = field(default_factory=list)
    admins: set[str] = field(default_factory=lambda: {"root"})

    @property
    def ends(self) -> Ends:
        return Ends(self.activity, self.sessions, self.visitors, self.events, self.forgotten.append)

    def runs(self, call: Call) -> Running:
        self.visitors.heard(call)
        return self.activity.begin(call, parse("SELECT 1"), 0)

    def kill(self, by: Call, target: Target, wanted: str) -> tuple[str, str]:
        requests = Requests(Signer(TicketKey(b"s" * 32)), Clock())
        killer = Killer(
            self.ends, self.peers, requests, lambda call: call.identity.principal in self.admins
        )
        connection = self.sessions.beside(None)
        (row,) = killer.run(by, connection, Kill(target, wanted)).to_pylist()
        connection.close()
        assert row["id"] == wanted
        return row["outcome"], row["notice"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    monkeypatch.setattr(activity.Activity.kill, "__defaults__", (0.0,))
    links = StubLinks()
    with (
        closing(Database(DatabaseOptions())) as database,
        closing(Sessions(database, SessionLimits(10, 10, 10))) as sessions,
        closing(MemoryRegistry()) as registry,
        closing(Peers(links)) as peers,
    ):
        for node in ("n1", "n2"):
            registry.register(instance(node))
            links.answers[node] = [b"unknown"]
        peers.follow(registry, instance("n1"))
        yield Here(sessions, peers, links)


ADA, BOB, ROOT = caller("ada", "a1"), caller("bob", "b1"), caller("root", "r1")


@pytest.mark.parametrize(
    ("by", "outcome"), [(ADA, "stopping"), (ROOT, "stopping"), (BOB, "unknown")]
)
def test_administrators_end_anybodys_others_their_own(here: Here, by: Call, outcome: str) -> None:
    running = here.runs(ADA)
    assert here.kill(by, Target.STATEMENT, running.statement_id) == (outcome, "")
    assert running.killed == (outcome == "stopping")
    assert [event.subject for event in here.events.all()] == (
        [running.statement_id] if running.killed else []
    )


def test_what_has_ended_is_told_as_that_to_those_who_may_know(here: Here) -> None:
    running = here.runs(ADA)
    here.activity.end(running)
    assert here.kill(ADA, Target.STATEMENT, running.statement_id)[0] == "finished"
    assert here.kill(BOB, Target.STATEMENT, running.statement_id)[0] == "unknown"


def test_a_session_ends_with_all_it_has_but_the_statement_that_ends_it(here: Here) -> None:
    mine, other = here.runs(ADA), here.runs(caller("ada", "a1"))
    others = here.runs(BOB)
    here.sessions.ensure("a1", 0)
    assert here.kill(ADA, Target.EITHER, "a1") == ("stopping", "")
    assert [mine.killed, other.killed, others.killed] == [False, True, False]
    assert here.sessions.find("a1", 0) is None
    assert here.visitors.find("a1") is None
    assert here.forgotten == ["a1"]


def test_a_session_of_others_is_not_known_to_those_who_may_not(here: Here) -> None:
    running = here.runs(ADA)
    assert here.kill(BOB, Target.SESSION, "a1") == ("unknown", "")
    assert not running.killed
    assert here.kill(ROOT, Target.SESSION, "a1")[0] == "stopping"


def test_other_nodes_are_asked_for_what_is_not_here(here: Here) -> None:
    here.links.answers["n2"] = [b"stopped"]
    assert here.kill(ADA, Target.STATEMENT, "x-1") == ("stopped", "")


def test_a_node_that_did_not_answer_is_named(here: Here) -> None:
    here.links.answers["n2"] = None
    told = "unknown", "no answer from n2: what is there goes on"
    assert here.kill(ADA, Target.EITHER, "x-1") == told


def test_a_node_of_another_version_may_say_something_else(here: Here) -> None:
    here.links.answers["n2"] = [b"of tomorrow"]
    assert here.kill(ADA, Target.EITHER, "x-1") == ("unknown", "")


def test_what_another_node_wants_is_what_its_caller_may(here: Here) -> None:
    running = here.runs(ADA)
    wanted = PeerRequest(principal="bob", owner="bob", statement_id=running.statement_id)
    assert here.ends.asked(wanted) is Killing.UNKNOWN
    wanted.administers = True
    assert here.ends.asked(wanted) is Killing.STOPPING
    assert here.ends.asked(PeerRequest(owner="ada", session_id="a1")) is Killing.STOPPING


def test_a_later_account_of_the_same_name_ends_nothing_of_the_earlier_one(here: Here) -> None:
    earlier, later = caller("ada", "a1"), caller("ada", "a2")
    earlier.middleware.account, later.middleware.account = "1", "2"
    running = here.runs(earlier)
    assert here.kill(later, Target.STATEMENT, running.statement_id)[0] == "unknown"
    assert here.kill(later, Target.SESSION, "a1")[0] == "unknown"
    assert not running.killed
    assert here.kill(earlier, Target.STATEMENT, running.statement_id)[0] == "stopping"
