"""`flightkeeper keys`."""

from pathlib import Path

from typer.testing import CliRunner

from flightkeeper.cli.main import app
from flightkeeper.flight_server.auth.keys import encode, read_file


def test_new_keys_are_for_their_owner_only_and_a_node_reads_them(tmp_path: Path) -> None:
    files = [tmp_path / "a.key", tmp_path / "b.key"]
    for file in files:
        result = CliRunner().invoke(app, ["keys", "new", str(file)])
        assert (result.exit_code, result.output) == (0, "")
        assert file.stat().st_mode & 0o777 == 0o600
        assert encode(read_file(file)) == file.read_bytes()
    assert files[0].read_bytes() != files[1].read_bytes()


def test_keys_in_use_are_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "a.key"
    file.write_text("in use")
    result = CliRunner().invoke(app, ["keys", "new", str(file)])
    assert result.exit_code == 1
    assert "File exists; nothing was changed" in result.stderr
    assert file.read_text() == "in use"
