"""Cluster keys: a document that comes back as it was, or is refused without being shown."""

import base64
import json
from pathlib import Path

import pytest

from flightkeeper.flight_server.auth import keys
from flightkeeper.flight_server.errors import StartFailed
from flightkeeper.flightsql.tickets import Kind
from flightkeeper.flightsql.wire.flightkeeper_pb2 import Statement


def test_round_trip() -> None:
    made = keys.generate()
    read = keys.decode(keys.encode(made))
    assert read == made
    handle = made.signer.sign(Kind.STATEMENT, Statement(query="q"))
    assert read.signer.open(Kind.STATEMENT, handle, Statement).query == "q"
    signature = made.token_key.sign(b"x")
    read.token_key.public_key().verify(signature, b"x")


def test_keys_are_never_the_same_nor_shown() -> None:
    one, two = keys.generate(), keys.generate()
    assert one != two
    shown = repr(one)
    assert str(one.token_seed) not in shown
    assert str(one.ticket_secret) not in shown


def _changed(**fields: object) -> bytes:
    document = json.loads(keys.encode(keys.generate()))
    return json.dumps({**document, **fields}).encode()


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"{}",
        _changed(token_seed="canary!"),
        _changed(token_seed=5),
        _changed(token_seed=base64.b64encode(b"canary").decode()),
        _changed(ticket_secret=base64.b64encode(b"x" * 31).decode()),
        _changed(ticket_secret=None),
    ],
)
def test_a_damaged_document_is_refused(document: bytes) -> None:
    with pytest.raises(StartFailed, match="cluster key document") as caught:
        keys.decode(document)
    assert "canary" not in str(caught.value)


def test_a_file_is_read(key_file: Path) -> None:
    assert keys.encode(keys.read_file(key_file)) == key_file.read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_others_can_read_is_refused(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.raises(StartFailed, match="run: chmod 600"):
        keys.read_file(key_file)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="cannot be read: No such file"):
        keys.read_file(tmp_path / "none")
