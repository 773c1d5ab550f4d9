"""Agreement in a directory."""

import threading
from pathlib import Path

from flightkeeper.discovery.directory.documents import agree, write


def test_the_first_wins_and_only_its_owner_reads(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "secret"
    assert agree(place, b"one") == b"one"
    assert agree(place, b"two") == b"one"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert list(place.parent.iterdir()) == [place]


def test_documents_for_nodes_only_are_for_their_owner_only(tmp_path: Path) -> None:
    for name, mode in (("keys/tokens/ring", 0o600), ("settings/cluster", 0o644)):
        write(tmp_path / name, name, b"x", None)
        write(tmp_path / name, name, b"y", 0)
        assert (tmp_path / name).stat().st_mode & 0o777 == mode
    for folder in ("keys", "keys/tokens"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_many_at_once_agree(tmp_path: Path) -> None:
    place = tmp_path / "keys" / "secret"
    start = threading.Barrier(8)
    answers: set[bytes] = set()

    def propose(number: int) -> None:
        start.wait(10)
        answers.add(agree(place, b"%d" % number * 10_000))

    threads = [threading.Thread(target=propose, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(answers) == 1
    assert len(answers.pop()) == 10_000
    assert list(place.parent.iterdir()) == [place]
