"""What a statement uses, as values: what is judged, without the tree it was read from.

Positions count characters of the statement's text.
"""

from dataclasses import dataclass

from flightkeeper.discovery.principals.model import Privilege

EVERY_PRIVILEGE = frozenset(Privilege)
"""What it takes to change a table itself, and not what is in it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the text, up to but without its end."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TableUse:
    """A name that a statement finds a table or view by.

    Attributes:
        path: one to three names, folded.
        needs: what it takes.
        span: where the name stands; None = nothing else can be put there.
        written: the last of the names as it was written, without quotes.
        aliased: the statement calls it otherwise.
        bare: it stands where a query may stand, and not in a FROM.
        function: it is a table function of this name, and its columns tell of tables.
        past: what it was is read, too.
        feed: its changes are read; `path` is what the function that tells them is called in, and
            the table's name, and `span` the former. What needs nothing tells of no table, and
            `path` is its own name.
    """

    path: tuple[str, ...]
    needs: frozenset[Privilege]
    span: Span | None = None
    written: str = ""
    aliased: bool = False
    bare: bool = False
    function: bool = False
    past: bool = False
    feed: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """What says of which table a column is, with the schema or catalog of the table.

    Attributes:
        path: folded; the last one is the table's name.
        span: all of it but the table's name.
    """

    path: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Target:
    """The table that a statement changes.

    Attributes:
        needs: what the change takes, without what it reads.
        reads: it also reads rows of it, and needs SELECT on all columns.
        rows_limited: the change can be held to some of the rows by `condition`.
        alias: what its columns are called by.
        columns: those that an UPDATE sets, folded; None = not known.
        condition: where its condition stands; empty where one would be added.
        conditional: there is one.
    """

    path: tuple[str, ...]
    needs: frozenset[Privilege]
    reads: bool = False
    rows_limited: bool = False
    alias: str = ""
    columns: frozenset[str] | None = frozenset()
    condition: Span | None = None
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Uses:
    """All that a statement uses.

    Attributes:
        tables: what it reads.
        prefixes: of its columns.
        target: what it changes.
        makes: the table it makes, by its path; empty if none.
        makes_schema: the schema it makes, by its path.
        temporary: what it makes is the session's own.
        replaces: what it makes may take the place of what is there.
        instead: a statement that answers the same, to be judged and run in its place.
        files: it may name the column that says in which file of a lake a row is.
    """

    tables: tuple[TableUse, ...] = ()
    prefixes: tuple[Prefix, ...] = ()
    target: Target | None = None
    makes: tuple[str, ...] = ()
    makes_schema: tuple[str, ...] = ()
    temporary: bool = False
    replaces: bool = False
    instead: str = ""
    files: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all tables that it uses, without what qualifies them."""
        paths = [use.path for use in self.tables]
        paths += [] if self.target is None else [self.target.path]
        paths += [path for path in (self.makes, self.makes_schema) if path]
        return tuple(path[-1] for path in paths)
