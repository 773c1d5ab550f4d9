"""The questions the demo asks, and what they should answer.

Owns the SQL. Every question orders its rows fully, so that an answer can be compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

Rows = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question in words and in SQL."""

    title: str
    sql: str


QUESTIONS = (
    Question(
        "Which airlines lose the most time on the way?",
        """
        SELECT a.name, count(*) AS flights, round(avg(f.arr_delay), 1) AS minutes_late
        FROM flights f JOIN airlines a USING (carrier)
        WHERE f.arr_delay IS NOT NULL
        GROUP BY a.name ORDER BY minutes_late DESC, a.name LIMIT 5""",
    ),
    Question(
        "Does rain delay departures?",
        """
        SELECT CASE WHEN w.precip = 0 THEN 'dry' WHEN w.precip < 0.1 THEN 'wet' ELSE 'pouring' END
                 AS weather, count(*) AS flights, round(avg(f.dep_delay), 1) AS minutes_late
        FROM flights f JOIN weather w
          ON (f.origin, f.year, f.month, f.day, f.hour) = (w.origin, w.year, w.month, w.day, w.hour)
        WHERE f.dep_delay IS NOT NULL AND w.precip IS NOT NULL
        GROUP BY ALL ORDER BY minutes_late, weather""",
    ),
    Question(
        "Where do people go?",
        """
        SELECT p.name, count(*) AS flights, round(avg(f.distance)) AS miles
        FROM flights f JOIN airports p ON p.faa = f.dest
        GROUP BY p.name ORDER BY flights DESC, p.name LIMIT 5""",
    ),
    Question(
        "Do old planes fly late?",
        """
        SELECT 2013 - p.year - (2013 - p.year) % 10 AS age_from, count(*) AS flights,
               round(avg(f.arr_delay), 1) AS minutes_late
        FROM flights f JOIN planes p USING (tailnum)
        WHERE p.year IS NOT NULL AND f.arr_delay IS NOT NULL
        GROUP BY ALL ORDER BY age_from""",
    ),
    Question(
        "Who carried the most seats, by maker of the plane?",
        """
        SELECT a.name, p.manufacturer, sum(p.seats) AS seats
        FROM flights f JOIN planes p USING (tailnum) JOIN airlines a USING (carrier)
        GROUP BY ALL ORDER BY seats DESC, a.name, p.manufacturer LIMIT 5""",
    ),
    Question(
        "How long was the worst day at each airport?",
        """
        WITH days AS (
          SELECT origin, make_date(year, month, day) AS day, sum(dep_delay) / 60 AS hours_lost
          FROM flights WHERE dep_delay > 0 GROUP BY ALL)
        SELECT origin, day, round(hours_lost) AS hours_lost FROM days
        QUALIFY row_number() OVER (PARTITION BY origin ORDER BY hours_lost DESC, day) = 1
        ORDER BY origin""",
    ),
)


def expected(database: Path) -> Mapping[Question, Rows]:
    """The true answers, from DuckDB itself in this process."""
    with duckdb.connect(str(database), read_only=True) as connection:
        return {question: connection.execute(question.sql).fetchall() for question in QUESTIONS}
