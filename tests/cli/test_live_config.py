"""`flightkeeper config get|set|unset|history|watch|diff` on a registry."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flightkeeper.cli.main import app
from tests.support.processes import Running, running

Config = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Runs the command on a registry of the test's own."""
    env = {"FLIGHTKEEPER_REGISTRY": f"dir://{tmp_path}/registry"}
    return lambda *arguments: CliRunner().invoke(app, ["config", *arguments], env=env)


def done(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def failed(result: Result, code: int) -> str:
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    return result.stderr


def test_settings_are_set_read_and_unset(config: Config) -> None:
    assert done(config("set", "threads=4", "dialect=hive")) == "revision 1 of the cluster\n"
    assert done(config("set", "threads=2", "--node", "n1")) == "revision 1 of node n1\n"
    assert done(config("get", "threads")) == "4\n"
    assert done(config("get", "threads", "--node", "n1")) == "2\n"
    assert done(config("get")).split() == ["key", "value", "threads", "4", "dialect", "hive"]
    assert done(config("unset", "dialect")) == "revision 2 of the cluster\n"
    assert json.loads(done(config("get", "--json"))) == {"revision": 2, "values": {"threads": 4}}
    assert "dialect is not set for the cluster" in failed(config("get", "dialect"), 1)


def test_what_cannot_be_is_refused_with_all_reasons(config: Config) -> None:
    told = failed(config("set", "threads=0", "treads=1", "listen=x"), 2)
    assert "threads: Input should be greater than or equal to 1" in told
    assert "treads is no setting" in told
    assert "listen cannot change while nodes run" in told
    assert "nothing was changed" in told
    assert "KEY=VALUE, not threads" in failed(config("set", "threads"), 2)
    assert "listen cannot change while" in failed(config("unset", "listen"), 2)
    assert "no setting that may change" in failed(config("get", "listen"), 2)
    assert json.loads(done(config("get", "--json"))) == {"revision": 0, "values": {}}


def test_who_is_overtaken_is_told_by_whom(config: Config) -> None:
    done(config("set", "threads=4"))
    told = failed(config("set", "threads=5", "--revision", "0"), 1)
    assert "changed meanwhile by " in told
    assert "are at revision 1; nothing was changed" in told
    assert done(config("set", "threads=5", "--revision", "1")) == "revision 2 of the cluster\n"


def test_the_history_is_told_and_compared(config: Config) -> None:
    done(config("set", "threads=4", "dialect=hive"))
    done(config("set", "threads=5"))
    done(config("unset", "dialect"))
    lines = done(config("history")).splitlines()
    assert [line.partition(": ")[2] for line in lines] == [
        "threads = 4, dialect = hive",
        "threads = 5",
        "dialect unset",
    ]
    assert all("UTC" in line for line in lines)
    changes = [json.loads(line) for line in done(config("history", "--json")).splitlines()]
    assert [change["before"] for change in changes][1:] == [{"threads": 4}, {"dialect": "hive"}]
    assert done(config("diff")) == "-dialect = hive\n"
    assert done(config("diff", "1", "2")) == "-threads = 4\n+threads = 5\n"
    assert done(config("diff", "0")) == "+threads = 5\n"
    assert "revision 9 is not remembered" in failed(config("diff", "9"), 2)


def test_a_registry_has_to_be_named_and_answer(tmp_path: Path) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["config", *arguments], env={"FLIGHTKEEPER_REGISTRY": ""})

    assert "say which cluster" in failed(run("get"), 2)
    assert "registry" in failed(run("get", "--registry", "zoo://x"), 2)
    file = tmp_path / "file"
    file.touch()
    assert "not a directory" in failed(run("get", "--registry", f"dir://{file}"), 2)
    named = run("get", "--registry", f"dir://{tmp_path}/r", "--node", "a/b")
    assert "node id 'a/b' cannot be used" in failed(named, 2)
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "cluster").write_text("nonsense")
    assert "no document" in failed(run("get", "--registry", f"dir://{tmp_path}"), 3)
    (tmp_path / "settings" / "cluster").write_text("0\nnonsense")
    assert "no document of settings" in failed(run("get", "--registry", f"dir://{tmp_path}"), 1)


def test_the_classic_connect_string_names_the_registry(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('zookeeper.connect = "127.0.0.1:1,127.0.0.1:2"\n')
    result = CliRunner().invoke(app, ["config", "print", "--format", "json", "--config", str(file)])
    rows = {row["key"]: row["value"] for row in json.loads(done(result))}
    assert rows["registry"] == "zk://127.0.0.1:1,127.0.0.1:2"


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Running]:
    """`config watch` on the test's registry."""
    command = ["config", "watch", "--json", "--registry", f"dir://{tmp_path}/registry"]
    # Whoever runs the tests in the background has let them ignore Ctrl-C.
    with running(*command, inside=("env", "--default-signal=INT")) as process:
        yield process


def test_changes_are_watched_until_told_to_stop(config: Config, watching: Running) -> None:
    assert json.loads(_wait_looked(config, watching))["after"].keys() == {"threads"}
    watching.process.send_signal(signal.SIGINT)
    assert watching.ended() in {0, 130}


def test_who_watches_is_told_once_that_the_registry_is_away_and_that_it_is_back(
    config: Config, watching: Running, tmp_path: Path
) -> None:
    _wait_looked(config, watching)
    away = tmp_path / "registry" / "services" / "flightsql"
    away.parent.mkdir(exist_ok=True)
    for _ in range(2):
        away.touch()
        assert "what changes meanwhile is shown" in _told(watching)
        away.unlink()
        assert "the registry answers again" in _told(watching)


def _wait_looked(config: Config, watching: Running) -> str:
    """Wait until it watches; the change that it told of."""
    # What was set before it looked is no news, so it is set until it has looked.
    threads = 4
    while not (line := watching.line_within(0.5)):
        done(config("set", f"threads={threads}"))
        threads = 9 - threads
    return line


def _told(watching: Running) -> str:
    """The next line of its own on stderr, without what the registry logs."""
    while (line := watching.said()).startswith("the registry cannot be used; trying"):
        pass
    return line
