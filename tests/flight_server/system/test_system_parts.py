"""The parts together, without a registry and with one that comes and goes."""

from contextlib import closing
from dataclasses import replace
from typing import Any

from flightkeeper.discovery.testing import MemoryRegistry
from flightkeeper.flight_server.config import NodeSettings
from flightkeeper.flight_server.live.settings import Decision
from flightkeeper.flight_server.system.kill import Kill
from flightkeeper.flight_server.system.parts import Around, System
from flightkeeper.flightsql import headers
from flightkeeper.flightsql.tickets import Signer, TicketKey
from tests.flight_server.system.granting import rights
from tests.flight_server.system.peers_stub import instance
from tests.flight_server.wire_client import Clock


def around() -> Around:
    class Anything:
        login = forget = account = staticmethod(lambda *_: "")

    anything: Any = Anything()
    own = replace(instance("n1"))
    return Around(
        Clock().clocks,
        Signer(TicketKey(b"s" * 32)),
        anything,
        anything,
        anything,
        anything,
        lambda: own,
        lambda: (NodeSettings(), {}),
        rights(),
    )


def told(system: System) -> list[tuple[str, str]]:
    return [(event.what.value, event.subject) for event in system.events.all()]


def test_they_say_what_they_serve() -> None:
    with closing(System(around(), {})) as system:
        assert set(system.commands) == {Kill}
        assert set(system.routes.actions) == {headers.PEER_ACTION}


def test_without_a_registry_there_is_only_this_node() -> None:
    with closing(System(around(), {})) as system:
        system.follow(None, instance("n1"))
        assert told(system) == [("started", "n1")]


def test_nodes_that_come_and_go_and_a_registry_that_does_are_events() -> None:
    with closing(MemoryRegistry()) as registry, closing(System(around(), {})) as system:
        registry.register(instance("n1"))
        registry.register(instance("n3"))
        system.follow(registry, instance("n1"))
        registry.register(instance("n2"))
        registry.drop("n2")
        registry.go_unreachable()
        registry.come_back()
        assert told(system) == [
            ("started", "n1"),
            ("node joined", "n1"),
            ("node joined", "n3"),
            ("node joined", "n2"),
            ("node left", "n2"),
            ("registry lost", ""),
            ("registry back", ""),
        ]


def test_settings_that_change_or_cannot_be_followed_are_events() -> None:
    with closing(System(around(), {})) as system:
        for decision in (
            Decision(None, 0, 0),
            Decision(None, 1, 0),
            Decision(None, 1, 0),
            Decision(None, 2, 0, "no such setting"),
        ):
            system.settings_decided(decision)
        events = [(event.what.value, event.detail) for event in system.events.all()]
        assert events == [
            ("settings changed", "revisions: cluster 1, node 0"),
            ("settings refused", "no such setting"),
        ]
