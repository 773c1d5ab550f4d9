"""Certificates given as files."""

from pathlib import Path

import pytest
import typer

from flightkeeper.cli.certificates import read_authorities, read_pem
from tests.support.certificates import Authority


def test_authorities_are_read_as_they_are(tmp_path: Path) -> None:
    ca = Authority(tmp_path).ca
    assert read_authorities(ca) == read_pem(ca) == ca.read_bytes()


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught:
        read_authorities(tmp_path / "none.pem")
    assert caught.value.exit_code == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n", b"\xff"],
)
def test_a_file_without_a_certificate(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(content)
    with pytest.raises(typer.Exit) as caught:
        read_authorities(file)
    assert caught.value.exit_code == 2
    assert "holds no certificate" in capsys.readouterr().err
