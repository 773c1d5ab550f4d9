"""What tells whether our triggers are in a lake's catalog, as this node makes them. Pure."""

from collections.abc import Mapping


def made_in_sqlite(texts: tuple[str, ...]) -> str:
    """A question for SQLite that answers a row if there are triggers with all of these texts."""
    listed = ", ".join("'{}'".format(text.replace("'", "''")) for text in texts)
    return f"""
SELECT 1 AS made FROM (SELECT count(*) AS found FROM sqlite_master WHERE sql IN ({listed}))
WHERE found = {len(texts)}"""  # noqa: S608 - ours


def made_in_postgres(table: str, bodies: Mapping[tuple[str, str], str]) -> str:
    """The same for PostgreSQL, of enabled triggers that run functions with these bodies.

    Args:
        table: our own, which they fill.
        bodies: by the table that has the trigger, and the name of the function.
    """
    one_of = " OR ".join(
        f"t.tgrelid = to_regclass('{relation}') AND p.proname = '{function}' "
        f"AND p.prosrc = $f${body}$f$"
        for (relation, function), body in bodies.items()
    )
    return f"""
SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE to_regclass('{table}') IS NOT NULL AND t.tgenabled IN ('O', 'A') AND ({one_of})
HAVING count(*) = {len(bodies)}"""  # noqa: S608 - ours
