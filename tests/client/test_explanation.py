"""Why this node, in words."""

from random import Random

from flightkeeper.client import health
from flightkeeper.client.explanation import explain
from flightkeeper.client.picker import Viewpoint
from flightkeeper.client.routes import Routes
from flightkeeper.client.selection import ANY, Hints, Rule
from flightkeeper.discovery.topology import Listed
from tests.client.stories import records


def routes(*texts: str, zone: str = "") -> Routes:
    return Routes(here=Viewpoint(zone)).after(Listed(records(list(texts)), 0.0))


def lines(current: Routes, loads: dict[str, int], hints: Hints = ANY) -> tuple[str, ...]:
    return explain(current, lambda node_id: loads.get(node_id, 0), Random(1), hints).lines()


def test_of_two_the_less_loaded() -> None:
    assert lines(routes("a", "b"), {"a": 3, "b": 1}) == (
        "1. b: the less loaded of two; load 1; a has 3",
        "2. a: the only one left; load 3",
    )


def test_the_home_of_a_key_and_why_it_was_left() -> None:
    hints = Hints(affinity="shop.sales")
    first = explain(routes("a", "b", "c"), lambda _: 0, Random(1), hints).picks[0]
    assert (first.instance.node_id, first.rule) == ("a", Rule.HOME)
    shown = lines(routes("a", "b", "c"), {"a": 9}, hints)
    assert shown[0] == "1. b: has this in its caches; load 0"
    assert shown[2] == "3. a: the only one left; load 9; its home is a"


def test_who_is_ejected_absent_or_starting() -> None:
    current = routes("a", "b", "c").seen(records(["a"])[0], health.ConnectFailed(1.0), Random(1))
    current = current.after(Listed(records(["a", "b", "d"]), 2.0))
    shown = "\n".join(lines(current, {}))
    assert "a: the only one left; load 0; ejected; circuit open" in shown
    assert "not listed by the registry" in next(
        line for line in lines(current, {}) if " c:" in line
    )
    assert "slow start, share 0.20" in next(line for line in lines(current, {}) if " d:" in line)


def test_panic_roles_and_zones() -> None:
    current = routes("a zone=east", "b zone=west", "c zone=west roles=writer", zone="east")
    shown = lines(current, {"a": 9}, Hints(role="reader"))
    assert shown[0] == "1. b: the own zone is busy; load 0; a has 9; in zone 'west', not 'east'"
    assert shown[-1] == "left out, without the role 'reader': c"
    for name in "ab":
        current = current.seen(
            current.topology.members[name].instance, health.ConnectFailed(1.0), Random(1)
        )
    assert (
        lines(current, {})[-1] == "more than half of the nodes are ejected, so ejection is ignored"
    )
