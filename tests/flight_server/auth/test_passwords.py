"""Passwords: argon2id, a file of users, and no more checks at once than the node can bear."""

import threading
from pathlib import Path

import pytest

from flightkeeper.flight_server.auth import passwords
from flightkeeper.flight_server.auth.passwords import Users, hash_password, read_users
from flightkeeper.flight_server.errors import StartFailed
from tests.flight_server.wire_client import eventually

_HASH = hash_password("pass: word")


def test_a_hash_is_argon2id_and_salted() -> None:
    assert _HASH.startswith("$argon2id$")
    assert hash_password("pass: word") != _HASH


@pytest.mark.parametrize(
    ("name", "password", "right"),
    [
        ("ada", "pass: word", True),
        ("ada", "pass: Word", False),
        ("ada", "", False),
        ("bob", "pass: word", False),
        ("bob", "", False),
        ("", "", False),
    ],
)
def test_only_the_right_password_of_a_known_user_passes(
    name: str, password: str, *, right: bool
) -> None:
    assert Users({"ada": _HASH}).verify(name, password) is right


def test_a_damaged_hash_is_a_wrong_password() -> None:
    damaged = _HASH[:-4] + "AAAA"
    assert not Users({"ada": damaged}).verify("ada", "pass: word")


def test_few_checks_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = [], []
    go = threading.Event()

    class Slow:
        def verify(self, known: str, password: str) -> None:
            del known, password
            running.append(1)
            most.append(len(running))
            go.wait(5)
            running.pop()

    users = Users({"ada": _HASH})
    monkeypatch.setattr(passwords, "_HASHER", Slow())
    threads = [threading.Thread(target=users.verify, args=("ada", "x")) for _ in range(6)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(running) == 2)
    go.set()
    for thread in threads:
        thread.join(10)
    assert max(most) == 2


def test_a_file_of_users(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(f"# people\n\n  \nada:{_HASH}\n bob:{_HASH}\n")
    users = read_users(path)
    assert users.verify("ada", "pass: word")
    assert users.verify("bob", "pass: word")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no user"),
        ("# only\n", "holds no user"),
        ("ada:canary\n", "line 1 of the users file"),
        (f"ada:{_HASH}\nbob\n", "line 2 of the users file"),
        (f":{_HASH}\n", "line 1 of the users file .* has no user name"),
    ],
    # The hash is salted, so texts that hold it cannot name a test.
    ids=["empty", "only a comment", "no hash", "a bare name", "no name"],
)
def test_a_wrong_file_names_the_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "users"
    path.write_text(text)
    with pytest.raises(StartFailed, match=says) as caught:
        read_users(path)
    assert "canary" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="cannot be read"):
        read_users(tmp_path / "none")
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(StartFailed, match="cannot be read"):
        read_users(path)


def test_accounts_that_may_change_have_a_stamp_that_does() -> None:
    hashes = {"ada": _HASH}
    ids = {"ada": "1"}
    users = Users(hashes, lambda name: ids.get(name, ""))
    before = users.stamp("ada")
    assert before
    assert users.stamp("ada") == before
    hashes["ada"] = hash_password("pass: word")
    assert users.stamp("ada") != before, "the same password, set once more"
    before = users.stamp("ada")
    ids["ada"] = "2"
    assert users.stamp("ada") != before, "another account with the same hash"
    assert (users.account("ada"), users.account("eve")) == ("2", "")
    del hashes["ada"]
    assert users.stamp("ada") not in {"", before}
    assert Users({"ada": _HASH}).stamp("ada") == Users({}).stamp("eve") == ""
    assert Users({"ada": _HASH}).account("ada") == ""
