"""The tables every contender holds, and the statements every contender answers."""

BIG_ROWS = 10_000_000
BATCH_ROWS = 73_728
"""What a node makes of 2 MiB batches of the big table, so that all send equal batches."""

CREATE_TABLES = (
    f"""CREATE TABLE big AS SELECT i::BIGINT AS a, (i * 7) % 1000003 AS b, i * 0.5::DOUBLE AS c,
        (i % 1000)::INT AS d FROM range({BIG_ROWS}) t(i)""",
    """CREATE TABLE person AS SELECT i::INT AS id, 'name ' || i AS name, i % 100 AS age
        FROM range(100000) t(i)""",
    "CREATE UNIQUE INDEX person_id ON person (id)",
)

SELECT_ONE = "SELECT 1"
POINT = "SELECT id, name, age FROM person WHERE id = 77777"
STREAM = "FROM big"
