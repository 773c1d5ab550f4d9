"""dbt, through its GizmoSQL adapter: one project, seeded, built and tested."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dbt.cli.main import dbtRunner

from tests.conformance.conftest import PASSWORD, USER, connect

TOOL = "dbt"
pytestmark = pytest.mark.tool(TOOL, "seeds, tables, views, incremental models, snapshots, tests")

FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
flags:
  send_anonymous_usage_stats: false
""",
    "seeds/orders.csv": "id,customer,amount,day\n1,ada,10.50,2024-01-01\n2,bob,3,2024-01-02\n"
    "3,ada,4.25,2024-02-29\n",
    "models/totals.sql": """
{{ config(materialized="table") }}
SELECT customer, sum(amount) AS total FROM {{ ref("orders") }} GROUP BY customer
""",
    "models/best.sql": """
{{ config(materialized="view") }}
SELECT customer FROM {{ ref("totals") }} ORDER BY total DESC LIMIT 1
""",
    "models/days.sql": """
{{ config(materialized="incremental", unique_key="day") }}
SELECT day, count(*) AS orders FROM {{ ref("orders") }}
{% if is_incremental() %} WHERE day > (SELECT max(day) FROM {{ this }}) {% endif %}
GROUP BY day
""",
    "models/schema.yml": """
models:
  - name: totals
    columns:
      - name: customer
        data_tests: [unique, not_null]
""",
    "tests/nothing_is_lost.sql": """
SELECT 1 WHERE (SELECT sum(total) FROM {{ ref("totals") }})
            <> (SELECT sum(amount) FROM {{ ref("orders") }})
""",
}


@pytest.fixture
def project(solo: str, tmp_path: Path) -> Path:
    """A project, and a profile that says where the node is."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.lstrip())
    where = urlsplit(solo)
    target = {"type": "gizmosql", "host": where.hostname, "port": where.port, "schema": "shop"}
    target |= {"user": USER, "password": PASSWORD, "use_encryption": False, "threads": 2}
    profile = {"shop": {"target": "node", "outputs": {"node": target}}}
    (tmp_path / "profiles.yml").write_text(json.dumps(profile))
    return tmp_path


def dbt(project: Path, *words: str) -> dict[str, str]:
    """Run dbt; the status of each node of its graph."""
    where = ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = dbtRunner().invoke([*words, *where])
    assert done.exception is None, done.exception
    results: Any = done.result
    return {result.node.name: str(result.status) for result in results.results}


@pytest.mark.timeout(300)
def test_a_project_is_built_and_tested(project: Path, solo: str) -> None:
    first = dbt(project, "build")
    assert set(first.values()) <= {"success", "pass"}
    assert {"orders", "totals", "best", "days", "nothing_is_lost"} <= first.keys()
    with connect(solo, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT customer, total FROM shop.totals ORDER BY customer")
        assert [(name, float(total)) for name, total in cursor.fetchall()] == [
            ("ada", 14.75),
            ("bob", 3.0),
        ]
        assert cursor.execute("SELECT * FROM shop.best").fetchall() == [("ada",)]
        with (project / "seeds/orders.csv").open("a") as seed:
            seed.write("4,bob,100,2024-03-01\n")
        second = dbt(project, "build")
        assert set(second.values()) <= {"success", "pass"}
        assert cursor.execute("SELECT * FROM shop.best").fetchall() == [("bob",)]
        cursor.execute("SELECT count(*), sum(orders) FROM shop.days")
        assert cursor.fetchone() == (4, 4)
