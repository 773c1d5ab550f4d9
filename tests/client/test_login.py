"""One login for all threads and all nodes."""

import threading

import pytest

from flightkeeper.client.failures import CallFailed, Failure, Kind
from flightkeeper.client.login import LOGIN_TIMEOUT_S, Login
from tests.client.channels import IdleChannel

WRONG = Failure(Kind.UNAUTHENTICATED, "wrong password")


def test_without_a_user_nothing_is_asked() -> None:
    channel, login = IdleChannel(), Login(None, "ignored")
    assert login.header(channel) == ""
    assert not login.named
    assert channel.calls == []


def test_the_token_is_asked_for_once() -> None:
    channel, login = IdleChannel(), Login("me", "pw")
    assert login.header(channel) == login.header(IdleChannel(WRONG)) == login.token == "Bearer 1"
    assert channel.calls == [("login", "me", "pw", LOGIN_TIMEOUT_S)]


def test_a_failed_login_leaves_the_way_open() -> None:
    channel, login = IdleChannel(WRONG), Login("me", None)
    with pytest.raises(CallFailed, match="wrong password"):
        login.header(channel)
    assert login.token == ""
    assert login.header(channel) == "Bearer 2"


def test_a_refused_token_is_forgotten_unless_it_was_replaced() -> None:
    channel, login = IdleChannel(), Login("me", "pw")
    first = login.header(channel)
    login.forget("Bearer of another thread")
    assert login.token == first
    login.forget(first)
    assert login.header(channel) == "Bearer 2"


def test_a_renewed_token_is_kept() -> None:
    login = Login("me", "pw")
    login.note({"authorization": "Bearer early"})
    assert login.token == ""
    login.header(IdleChannel())
    login.note({"authorization": "Bearer newer"})
    login.note({})
    login.note({"authorization": "Basic odd"})
    assert login.token == "Bearer newer"


def test_threads_wait_for_one_login() -> None:
    entered, leave = threading.Event(), threading.Event()

    class Slow(IdleChannel):
        def _fail(self) -> None:
            entered.set()
            leave.wait(10)

    channel, login, tokens = Slow(), Login("me", "pw"), list[str]()
    threads = [
        threading.Thread(target=lambda: tokens.append(login.header(channel)), name="login")
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    entered.wait(10)
    leave.set()
    for thread in threads:
        thread.join(10)
    assert tokens == ["Bearer 1"] * 8
    assert len(channel.calls) == 1


def test_waiting_for_another_threads_login_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flightkeeper.client.login.LOGIN_TIMEOUT_S", 0.01)
    entered, leave = threading.Event(), threading.Event()

    class Stuck(IdleChannel):
        def _fail(self) -> None:
            entered.set()
            leave.wait(10)

    login = Login("me", "pw")
    thread = threading.Thread(target=login.header, args=(Stuck(),), name="stuck")
    thread.start()
    entered.wait(10)
    with pytest.raises(CallFailed, match="another thread's login"):
        login.header(IdleChannel())
    leave.set()
    thread.join(10)


def test_secrets_are_not_shown() -> None:
    assert "pw" not in repr(Login("me", "pw"))
