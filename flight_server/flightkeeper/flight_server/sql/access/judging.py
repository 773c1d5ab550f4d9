"""Whether a user may run a statement, and what has to be put into it so that it shows no more.

Pure: what the statement uses, what its names could mean and what the user may do are arguments.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flightkeeper.discovery.principals.model import Access, Grant, Privilege, Securable, folded
from flightkeeper.flight_server.engine.lake import CATALOG
from flightkeeper.flight_server.engine.lake_partitions import FILE
from flightkeeper.flight_server.engine.relations import TEMPORARY, Relation, Scope
from flightkeeper.flight_server.errors import PermissionDenied
from flightkeeper.flight_server.sql.access import limits, shown
from flightkeeper.flight_server.sql.access.uses import (
    EVERY_PRIVILEGE,
    Prefix,
    Span,
    TableUse,
    Target,
    Uses,
)

Columns = Callable[[Relation], Sequence[str]]
"""All columns of a table."""
_P = Privilege
_MAIN = "main"


@dataclass(frozen=True, slots=True)
class Edit:
    """A text to put in the place of a part of the statement."""

    span: Span
    text: str


def edited(text: str, edits: Sequence[Edit]) -> str:
    """The statement with its edits."""
    for edit in sorted(edits, key=lambda one: (one.span.start, one.span.end), reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the statements of one user on one connection.

    Attributes:
        columns: asked for tables that are shown in part.
    """

    access: Access
    scope: Scope
    columns: Columns

    def edits(self, uses: Uses) -> list[Edit]:
        """What is to be put into a statement.

        Raises:
            PermissionDenied: the user may not run it; says what is missing.
        """
        edits = [edit for use in uses.tables for edit in self._read(use, uses)]
        if uses.target is not None:
            edits += self._changed(uses.target)
            if uses.files and uses.target.reads:
                self._check_files(uses.target)
        if uses.makes:
            self._made(uses)
        if uses.makes_schema:
            *before, _ = uses.makes_schema
            self._check(_P.CREATE, Securable(before[0] if before else folded(self.scope.catalog)))
        return edits

    def past(self, uses: Uses) -> list[tuple[str, ...]]:
        """The names of which it has to be known that they never meant anything else."""
        return [self._fed(use.path) if use.feed else use.path for use in uses.tables if use.past]

    def _read(self, use: TableUse, uses: Uses) -> list[Edit]:
        if use.feed:
            return [self._feed(use)]
        if use.function:
            return [self._shown(use, shown.FUNCTIONS[use.path[0]], f"{use.written}()")]
        tells = shown.RELATIONS.get(use.path[-2:])
        if tells is not None:
            return [self._shown(use, tells, ".".join(map(_quoted, use.path)))]
        found = self._found(use.path, use.needs)
        if use.past:
            self._check_past(use, uses, found)
        parts = [query for one in found if (query := self._part(use, one, uses)) is not None]
        if not parts:
            return []
        if len(found) > 1 or use.span is None:
            raise PermissionDenied(
                f"only a part of {'.'.join(use.path)} is granted, and here it cannot be told from "
                "the rest; nothing was run: write its catalog, schema and name"
            )
        # What stands in the table's place has its name, and no schema.
        named = [one for one in uses.prefixes if not use.aliased and _is_of(one, found[0])]
        return [self._put(use, parts[0]), *(Edit(one.span, "") for one in named)]

    def _feed(self, use: TableUse) -> Edit:
        """Let a function that tells of changes find that table which is judged."""
        assert use.span is not None
        if not use.needs:
            # In full it is the lake's own, whatever else has its name.
            return Edit(use.span, f"{CATALOG}.{_MAIN}.")
        for one in self._found(self._fed(use.path), use.needs):
            self._check_whole(_P.SELECT, one)
            catalog, schema = map(_quoted, (one.catalog, one.schema))
        return Edit(use.span, f"{catalog}.{schema}.")

    def _fed(self, path: Sequence[str]) -> tuple[str, str, str]:
        """The table that such a function finds, of those in the lake."""
        *before, name = path
        here = folded(self.scope.catalog) == CATALOG
        schema = folded(self.scope.schema) if here else _MAIN
        match before:
            case [] if here:
                return (CATALOG, schema, name)
            case [place] if place == CATALOG:
                return (CATALOG, schema, name)
            case [place] if here:
                return (CATALOG, place, name)
            case [catalog, place] if catalog == CATALOG:
                return (CATALOG, place, name)
        raise PermissionDenied(
            f"the changes of tables of the catalog {CATALOG} alone can be checked against grants; "
            f"nothing was run: write {CATALOG}.SCHEMA before the name of the function"
        )

    def _check_past(self, use: TableUse, uses: Uses, found: Sequence[Relation]) -> None:
        """Grants are known to hold for the past of what is in the lake."""
        if any(folded(one.catalog) != CATALOG for one in found):
            raise PermissionDenied(
                f"older versions of tables of the catalog {CATALOG} alone can be checked against "
                f"grants; nothing was run: write {CATALOG}.SCHEMA before the name of the table"
            )
        if uses.files:
            raise _files(use.path)

    def _check_files(self, target: Target) -> None:
        for one in self.scope.candidates(target.path):
            if not one.temporary and FILE not in map(folded, self.columns(one)):
                raise _files(target.path)

    def _part(self, use: TableUse, relation: Relation, uses: Uses) -> str | None:
        """What the user may see of a table; None = all of it."""
        if relation.temporary:
            return None
        for privilege in use.needs - {_P.SELECT}:
            self._check_whole(privilege, relation)
        grants = self._grants(_P.SELECT, relation)
        # All columns that are shown without being named are less than all there are.
        if limits.unlimited(grants) and not uses.files:
            return None
        if use.needs != {_P.SELECT}:
            raise _missing(_P.SELECT, relation, "on all of its rows and columns")
        query = limits.visible(grants, _sql(relation), self.columns(relation))
        if query is None:
            raise _missing(_P.SELECT, relation)
        return query

    def _shown(self, use: TableUse, tells: shown.Shown, source: str) -> Edit:
        if use.span is None:
            raise PermissionDenied(f"{'.'.join(use.path)} cannot be read so; nothing was run")
        return self._put(use, shown.query(source, tells, self.access, self.scope.own))

    def _put(self, use: TableUse, query: str) -> Edit:
        assert use.span is not None
        if use.bare:
            return Edit(use.span, query)
        alias = "" if use.aliased else f" AS {_quoted(use.written)}"
        return Edit(use.span, f"({query}){alias}")

    def _changed(self, target: Target) -> list[Edit]:
        found = self._found(target.path, target.needs)
        conditions = [self._conditions(target, one) for one in found]
        if not any(conditions):
            return []
        if len(found) > 1 or target.condition is None:
            raise PermissionDenied(
                f"only a part of {'.'.join(target.path)} is granted, and here it cannot be told "
                "from the rest; nothing was run: write its catalog, schema and name"
            )
        condition = " AND ".join(f"({one})" for one in conditions[0])
        if not target.conditional:
            return [Edit(target.condition, f" WHERE {condition} ")]
        span = target.condition
        return [
            Edit(Span(span.start, span.start), f" CASE WHEN {condition} THEN ("),
            Edit(Span(span.end, span.end), "\n) ELSE false END "),
        ]

    def _conditions(self, target: Target, relation: Relation) -> list[str]:
        """What has to hold for the rows that are changed."""
        if relation.temporary:
            return []
        if relation.internal:
            raise _missing(_P.UPDATE, relation)
        needs = target.needs | ({_P.SELECT} if target.reads else set())
        conditions = []
        for privilege in sorted(needs):
            grants = self._grants(privilege, relation)
            whole = [grant for grant in grants if grant.columns is None]
            rows = limits.rows_shown(whole)
            if not whole or (rows and not target.rows_limited):
                raise _missing(privilege, relation, "on all of its rows and columns")
            if rows:
                self._check_kept(target, rows)
                named = [limits.qualified(one, target.alias) for one in rows]
                conditions.append(limits.either(named))
        return conditions

    def _check_kept(self, target: Target, rows: Sequence[str]) -> None:
        """A row that may be changed must stay one: what the filter looks at is not set."""
        looked_at = frozenset().union(*map(limits.filter_columns, rows))
        if target.columns is None or looked_at & target.columns:
            raise PermissionDenied(
                f"the columns {', '.join(sorted(looked_at))} of {'.'.join(target.path)} decide "
                "which of its rows are granted, and cannot be set; nothing was run"
            )

    def _made(self, uses: Uses) -> None:
        places = self.scope.places(uses.makes)
        if uses.temporary or all(catalog == TEMPORARY for catalog, _ in places):
            return
        for catalog, schema in places:
            self._check(_P.CREATE, Securable(catalog, schema))
        if uses.replaces:
            for one in self.scope.candidates(uses.makes):
                for privilege in EVERY_PRIVILEGE:
                    self._check_whole(privilege, one)

    def _found(self, path: Sequence[str], needs: frozenset[Privilege]) -> tuple[Relation, ...]:
        """All that a name may mean; whether there is anything is told to those alone who may."""
        found = self.scope.candidates(path)
        if not found:
            raise _nowhere(path, needs)
        for one in found:
            for privilege in sorted(needs):
                if not one.temporary and not self._grants(privilege, one):
                    raise _nowhere(path, needs)
        return found

    def _grants(self, privilege: Privilege, relation: Relation) -> tuple[Grant, ...]:
        if relation.internal:
            return ()
        return self.access.to(privilege, securable(relation), self.scope.own)

    def _check_whole(self, privilege: Privilege, relation: Relation) -> None:
        if not relation.temporary and not limits.unlimited(self._grants(privilege, relation)):
            raise _missing(privilege, relation, "on all of its rows and columns")

    def _check(self, privilege: Privilege, thing: Securable) -> None:
        if not self.access.to(privilege, thing, self.scope.own):
            raise PermissionDenied(
                f"permission denied: {privilege} on {thing} is needed; nothing was run"
            )


def _is_of(prefix: Prefix, relation: Relation) -> bool:
    *_, place, name = prefix.path
    places = {folded(relation.catalog), folded(relation.schema)}
    return name == folded(relation.name) and place in places


def securable(relation: Relation) -> Securable:
    """A table as grants know it."""
    return Securable(folded(relation.catalog), folded(relation.schema), folded(relation.name))


def _nowhere(path: Sequence[str], needs: frozenset[Privilege]) -> PermissionDenied:
    wanted = ", ".join(sorted(needs))
    return PermissionDenied(
        f"permission denied: {wanted} on TABLE {'.'.join(path)} is needed, or there is no such "
        "table; nothing was run"
    )


def _missing(privilege: Privilege, relation: Relation, where: str = "") -> PermissionDenied:
    needed = f"{privilege} on {securable(relation)} {where}".rstrip()
    return PermissionDenied(f"permission denied: {needed} is needed; nothing was run")


def _files(path: Sequence[str]) -> PermissionDenied:
    return PermissionDenied(
        f"in which file a row of {'.'.join(path)} is, only superusers may read; nothing was run"
    )


def _sql(relation: Relation) -> str:
    return ".".join(map(_quoted, (relation.catalog, relation.schema, relation.name)))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
