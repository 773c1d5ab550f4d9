"""What every registry must do, the fake included."""

import logging
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

import pytest

from flightkeeper.discovery.errors import DuplicateNode, InvalidName, RegistryUnavailable
from flightkeeper.discovery.records import NodeState
from tests.discovery.backends import SESSION_S, Backend, instance, listening
from tests.discovery.process import Process, registering
from tests.discovery.recorder import Recorder

_measured = logging.getLogger("measured")


def test_a_watcher_first_hears_of_nothing_then_of_the_node(backend: Backend) -> None:
    heard = Recorder()
    backend.open().watch("analytics", heard)
    heard.wait_for_incarnations()

    registration = backend.open().register(instance("i1"))

    assert registration.wait(5)
    assert registration.active
    heard.wait_for_incarnations("i1")
    assert heard.listed == (instance("i1"),)


def test_a_late_watcher_hears_of_what_is_there(backend: Backend) -> None:
    assert backend.open().register(instance("i1")).wait(5)
    heard = Recorder()

    backend.open().watch("analytics", heard)

    heard.wait_for_incarnations("i1")


def test_an_update_is_heard(backend: Backend) -> None:
    heard = Recorder()
    backend.open().watch("analytics", heard)
    registration = backend.open().register(instance("i1"))
    heard.wait_for_incarnations("i1")

    draining = replace(instance("i1"), state=NodeState.DRAINING)
    registration.update(draining)

    heard.wait(lambda me: me.listed == (draining,))
    assert registration.active


def test_an_update_cannot_become_another_node(backend: Backend) -> None:
    registration = backend.open().register(instance("i1"))

    with pytest.raises(ValueError, match=r"'i1'.*'i2'"):
        registration.update(instance("i2"))


def test_a_withdrawn_node_is_gone_and_stays_gone(backend: Backend) -> None:
    heard = Recorder()
    registry = backend.open()
    registry.watch("analytics", heard)
    registration = registry.register(instance("i1"))
    heard.wait_for_incarnations("i1")

    registration.withdraw()
    registration.withdraw()

    heard.wait_for_incarnations()
    assert not registration.active
    assert not registration.wait(0)
    assert registry.register(instance("i2")).wait(5)
    heard.wait_for_incarnations("i2")


def test_two_watchers_hear_the_same(backend: Backend) -> None:
    one, two = Recorder(), Recorder()
    registry = backend.open()
    registry.watch("analytics", one)
    registry.watch("analytics", two)

    registry.register(instance("i1"))

    one.wait_for_incarnations("i1")
    two.wait_for_incarnations("i1")


def test_services_do_not_mix(backend: Backend) -> None:
    analytics, reports = Recorder(), Recorder()
    registry = backend.open()
    registry.watch("analytics", analytics)
    registry.watch("reports", reports)

    registry.register(instance("i1"))
    registry.register(replace(instance("i2"), service="reports"))

    analytics.wait_for_incarnations("i1")
    reports.wait_for_incarnations("i2")


def test_a_closed_watch_is_silent(backend: Backend) -> None:
    silent, heard = Recorder(), Recorder()
    registry = backend.open()
    watch = registry.watch("analytics", silent)
    registry.watch("analytics", heard)
    silent.wait_for_incarnations()

    watch.close()
    watch.close()
    before = len(silent.heard)
    registry.register(instance("i1"))

    heard.wait_for_incarnations("i1")
    assert len(silent.heard) == before


def test_closing_a_registry_takes_its_nodes_out(backend: Backend) -> None:
    heard = Recorder()
    backend.open().watch("analytics", heard)
    leaving = backend.open()
    staying = backend.open()
    leaving.register(instance("i1"))
    staying.register(instance("i2", "n2"))
    heard.wait_for_incarnations("i1", "i2")

    leaving.close()

    heard.wait_for_incarnations("i2", timeout_s=1.0)


def test_close_is_idempotent_and_ends_its_threads(backend: Backend) -> None:
    before = set(threading.enumerate())
    registry = backend.open()
    registration = registry.register(instance("i1"))
    registry.watch("analytics", Recorder())
    assert registration.wait(5)

    start = time.monotonic()
    registry.close()
    registry.close()

    assert time.monotonic() - start < 5
    assert set(threading.enumerate()) <= before
    assert not registration.active


def test_a_closed_registry_says_so(backend: Backend) -> None:
    registry = backend.open()
    registry.close()
    with pytest.raises(RegistryUnavailable, match="closed"):
        registry.register(instance("i1"))
    with pytest.raises(RegistryUnavailable):
        registry.agree("secret", b"x", timeout_s=0.1)


def test_a_living_duplicate_is_refused_until_the_other_has_gone(
    backend: Backend, stack: ExitStack
) -> None:
    heard = Recorder()
    backend.open().watch("analytics", heard)
    first = backend.open().register(instance("i1", location=listening(stack)))
    assert first.wait(5)
    heard.wait_for_incarnations("i1")

    second = backend.open().register(instance("i2", location=listening(stack)))
    with pytest.raises(DuplicateNode, match="n1"):
        second.wait(5)
    assert not second.active
    assert heard.incarnations == ["i1"]

    first.withdraw()
    heard.wait_for_incarnations("i2")


def test_one_process_cannot_hold_a_node_id_twice(backend: Backend) -> None:
    registry = backend.open()
    assert registry.register(instance("i1")).wait(5)

    second = registry.register(instance("i2"))

    with pytest.raises(DuplicateNode):
        second.wait(5)
    start = time.monotonic()
    second.withdraw()
    assert time.monotonic() - start < 3


def test_garbage_is_skipped_and_said_once(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Recorder()
    registry = backend.open()
    backend.put_garbage("analytics", "broken", b"\xff{not json")
    registry.watch("analytics", heard)

    registry.register(instance("i1"))
    heard.wait_for_incarnations("i1")
    registry.register(instance("i2", "n2"))
    heard.wait_for_incarnations("i1", "i2")

    complaints = [r.message for r in caplog.records if "broken" in r.message]
    assert len(complaints) == 1
    assert "not JSON" in complaints[0]


def test_a_record_under_another_nodes_name_is_garbage(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.put_garbage("analytics", "n7", b"{}")
    heard = Recorder()
    backend.open().watch("analytics", heard)

    heard.wait_for_incarnations()
    assert any("n7" in record.message for record in caplog.records)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a\nb", "x" * 201])
def test_impossible_names_are_refused(backend: Backend, name: str) -> None:
    registry = backend.open()
    with pytest.raises(InvalidName):
        registry.register(replace(instance("i1"), node_id=name))
    with pytest.raises(InvalidName):
        registry.register(replace(instance("i1"), service=name))
    with pytest.raises(InvalidName):
        registry.watch(name, Recorder())
    with pytest.raises(InvalidName):
        registry.agree(name, b"x")


def test_the_first_proposal_holds_for_good(backend: Backend) -> None:
    one, two = backend.open(), backend.open()

    assert one.agree("cluster-secret", b"first") == b"first"
    assert two.agree("cluster-secret", b"second") == b"first"
    assert one.agree("other", b"third") == b"third"


def test_two_processes_agree(shared_backend: Backend) -> None:
    processes = [Process("agree", shared_backend.url, "secret", text) for text in ("one", "two")]
    try:
        for process in processes:
            process.say_go()
        answers = {process.line() for process in processes}
    finally:
        for process in processes:
            process.kill()

    assert answers in ({"one"}, {"two"})


def test_a_killed_process_vanishes(shared_backend: Backend) -> None:
    heard = Recorder()
    shared_backend.open().watch("analytics", heard)
    process = registering(shared_backend.url, instance("i1"), SESSION_S)
    heard.wait_for_incarnations("i1")

    process.kill()

    gone_s = heard.wait_for_incarnations(timeout_s=shared_backend.ghost_s)
    _measured.info("%s: a killed node vanished after %.2f s", shared_backend.url[:3], gone_s)


@pytest.mark.parametrize("location", ["grpc://127.0.0.1:1", "grpc://127.0.0.1:2"])
def test_a_restart_faster_than_the_old_session(shared_backend: Backend, location: str) -> None:
    heard = Recorder()
    shared_backend.open().watch("analytics", heard)
    process = registering(shared_backend.url, instance("i1"), SESSION_S)
    heard.wait_for_incarnations("i1")

    process.kill()
    registration = shared_backend.open().register(instance("i2", location=location))

    back_s = heard.wait_for_incarnations("i2", timeout_s=2.0)
    _measured.info("%s: a restarted node was back after %.2f s", shared_backend.url[:3], back_s)
    # The old session ends now; it must not take the new record with it.
    time.sleep(shared_backend.ghost_s)
    assert registration.active
    assert heard.incarnations == ["i2"]
    assert not heard.ever_listed_twice()
