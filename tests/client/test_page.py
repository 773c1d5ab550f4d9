"""The examples in docs/client.md run, in order, on a real node."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.client.conftest import static_url
from tests.support.processes import running

PAGE = Path(__file__).parents[2] / "docs" / "client.md"


def test_every_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) > 10
    flags = ("--insecure", "--listen", "grpc://127.0.0.1:0", "--database", ":memory:")
    with running("serve", *flags) as node:
        url = static_url(node.line()["location"])
        names: dict[str, Any] = {"__name__": "page"}
        for block in blocks:
            exec(re.sub(r'"flightsql\+zk://.*"', repr(url), block), names)
        try:
            connection = names["connection"]
            cities = connection.query("SELECT name FROM city ORDER BY id").fetchall()
            assert [name for (name,) in cities] == ["Tromsø", "Bodø", "Narva", "Tartu", "Vardø"]
            assert connection.query("SELECT count(*) FROM backup").fetchall() == [(4,)]
            assert names["rows"].num_rows == names["count"] == 2
        finally:
            connection.close()
    printed = capsys.readouterr().out
    assert "stopped on 127.0.0.1:" in printed
    assert "False False Binder Error" in printed
