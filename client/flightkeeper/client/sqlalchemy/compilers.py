"""Compilers: SQLAlchemy's expressions, tables and types as DuckDB's SQL.

DuckDB's grammar is that of PostgreSQL, and so is most of this; what differs is below.
"""

from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects.postgresql import base as postgresql
from sqlalchemy.engine import default
from sqlalchemy.sql import cast, compiler, literal, schema

DOUBLE_DIGITS = 24
"""A FLOAT of more binary digits does not fit into four bytes; so PostgreSQL has it."""


class Compiler(postgresql.PGCompiler):
    """Statements."""

    def for_update_clause(self, select: Any, **kw: Any) -> str:
        """Nothing: DuckDB does not lock rows, the second of two writers gets an error."""
        del select, kw
        return ""

    def visit_bitwise_xor_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """`^` is a power."""
        del operator
        return f"xor({self.process(binary.left, **kw)}, {self.process(binary.right, **kw)})"

    def visit_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """`~` wants the whole text to match."""
        del operator
        parts = [self.process(binary.left, **kw), self.process(binary.right, **kw)]
        flags = binary.modifiers["flags"]
        if flags is not None:
            parts.append(self.process(literal(flags, types.String(), literal_execute=True), **kw))
        return f"regexp_matches({', '.join(parts)})"

    def visit_not_regexp_match_op_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """The same, denied."""
        return f"NOT {self.visit_regexp_match_op_binary(binary, operator, **kw)}"

    def visit_json_getitem_op_binary(
        self, binary: Any, operator: Any, _cast_applied: Any = None, **kw: Any
    ) -> str:
        """A function, since `->` binds more weakly than in PostgreSQL."""
        del operator
        if binary.type._type_affinity is not types.JSON and not _cast_applied:  # noqa: SLF001  as its parent does
            return str(self.process(cast(binary, binary.type), _cast_applied=True, **kw))
        name = "json_extract_string" if _cast_applied else "json_extract"
        return f"{name}({self.process(binary.left, **kw)}, {self.process(binary.right, **kw)})"

    def visit_json_path_getitem_op_binary(
        self, binary: Any, operator: Any, _cast_applied: Any = None, **kw: Any
    ) -> str:
        """The same: an index is a path of one step."""
        return self.visit_json_getitem_op_binary(binary, operator, _cast_applied, **kw)


class ExecutionContext(default.DefaultExecutionContext):
    """One execution."""

    def fire_sequence(self, seq: Any, type_: Any) -> Any:
        """The next number of a sequence, for a statement that cannot ask for it itself."""
        name = self.identifier_preparer.format_sequence(seq).replace("'", "''")
        return self._execute_scalar(f"SELECT nextval('{name}')", type_)


class DdlCompiler(compiler.DDLCompiler):
    """Definitions. What numbers the rows of a table is a sequence, made and dropped with it."""

    def visit_create_table(self, create: Any, **kw: Any) -> str:
        """A table, after the sequence of its key, if it has one."""
        text: str = super().visit_create_table(create, **kw)  # type: ignore[no-untyped-call]
        name = self._sequence(create.element)
        if name is None:
            return text
        temporary = any(str(each).upper().startswith("TEMP") for each in create.element._prefixes)  # noqa: SLF001  as its parent does
        kind = "TEMPORARY SEQUENCE" if temporary else "SEQUENCE"
        return f"CREATE {kind} IF NOT EXISTS {name};{text}"

    def visit_drop_table(self, drop: Any, **kw: Any) -> str:
        """A table, and the sequence of its key."""
        text: str = super().visit_drop_table(drop, **kw)  # type: ignore[no-untyped-call]
        name = self._sequence(drop.element)
        return text if name is None else f"{text};\nDROP SEQUENCE IF EXISTS {name}"

    def get_column_default_string(self, column: Any) -> str | None:
        """The default of a column: the next of its sequence, if it is such a key."""
        table = column.table
        name = None if table is None else self._sequence(table)
        if name is not None and column is table._autoincrement_column:  # noqa: SLF001  as the dialects of others do
            literal = name.replace("'", "''")
            return f"nextval('{literal}')"
        return super().get_column_default_string(column)

    def _sequence(self, table: schema.Table) -> str | None:
        column = table._autoincrement_column  # noqa: SLF001  as the dialects of others do
        if column is None or column.default is not None:
            return None
        if column.server_default is not None and column.identity is None:
            return None
        named = schema.Sequence(f"{table.name}_{column.name}_seq", schema=table.schema)
        return str(self.preparer.format_sequence(named))


class TypeCompiler(postgresql.PGTypeCompiler):
    """Types."""

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:  # noqa: N802  SQLAlchemy's name
        """FLOAT has four bytes, which is not what a Python float is."""
        del kw
        precision = type_.precision
        return "REAL" if precision and precision <= DOUBLE_DIGITS else "DOUBLE"

    def visit_large_binary(self, type_: Any, **kw: Any) -> str:
        """PostgreSQL's name for it would do as well."""
        del type_, kw
        return "BLOB"

    def visit_INTERVAL(self, type_: Any, **kw: Any) -> str:  # noqa: N802  SQLAlchemy's name
        """It has no precision."""
        del type_, kw
        return "INTERVAL"

    def visit_TIME(self, type_: Any, **kw: Any) -> str:  # noqa: N802  SQLAlchemy's name
        """It has no precision."""
        del kw
        return "TIMETZ" if type_.timezone else "TIME"

    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:  # noqa: N802  SQLAlchemy's name
        """It has no precision."""
        del kw
        return "TIMESTAMPTZ" if type_.timezone else "TIMESTAMP"


class IdentifierPreparer(postgresql.PGIdentifierPreparer):
    """Names, quoted where DuckDB wants it."""

    reserved_words = postgresql.PGIdentifierPreparer.reserved_words | {
        *("describe", "lateral", "pivot", "pivot_longer", "pivot_wider", "qualify", "show"),
        *("summarize", "unpivot", "at"),
    }
