"""Which tests of SQLAlchemy's suite are left out, and why; all others must pass."""

from collections.abc import Mapping

NAMES = (
    "dialect: it lists what has the type 'table' or 'view', in lower case; Flight SQL says TABLE"
)
KEYS = "driver: ADBC asks a Flight SQL server for no keys, indexes, defaults, checks or comments"
ANY_SCHEMA = "dialect: without a schema it finds tables of any schema"
NO_METHOD = "dialect: it does not implement this"
NO_SQL = "dialect: its generic compiler has no SQL for this, or SQL that DuckDB refuses"
NO_BINARY = "driver: its module lacks Binary, which DB-API demands"
NO_INTEGRITY = "protocol: gRPC has no code for a broken constraint, so the driver has no such error"
NOT_SAID = "dialect: it does not say that this is possible"
FLOATS = "dialect: it does not say that decimals arrive as decimals, so they pass through floats"
DIVISION = "dialect: it does not know how DuckDB divides"
NO_IDENTITY = "engine: DuckDB numbers rows by sequences that one names, not by itself"
NO_FETCH = "engine: DuckDB has no FETCH FIRST with percents, ties or expressions"
ORDER = "engine: the test expects an order that it does not ask for"
MATERIALIZED = "engine: DuckDB has no materialized views"
INTERVALS = "engine: DuckDB wants a cast in a range over dates"

EXCLUDED: Mapping[str, str] = {
    "ArrayTest::*": NO_SQL,
    "AutocommitIsolationTest::*": NO_METHOD,
    "BinaryTest::*": NO_BINARY,
    "BitwiseTest::test_bitwise*expected0*": NO_SQL,
    "BizarroCharacterTest::test_fk_ref*": KEYS,
    "BizarroCharacterTest::test_reflect_comments*": KEYS,
    "BizarroCharacterTest::test_reflect_identity*": NO_IDENTITY,
    "CTETest::test_*_from_round_trip": NO_SQL,
    "CollateTest::*": NOT_SAID,
    "ComponentReflectionTest::test_column_collation_reflection": KEYS,
    "ComponentReflectionTest::test_comments*": KEYS,
    "ComponentReflectionTest::test_get_*_quoted_name*": KEYS,
    "ComponentReflectionTest::test_get_comments*": KEYS,
    "ComponentReflectionTest::test_get_foreign_keys*": KEYS,
    "ComponentReflectionTest::test_get_indexes*": KEYS,
    "ComponentReflectionTest::test_get_inter_schema_foreign_keys": KEYS,
    "ComponentReflectionTest::test_get_multi_*": NAMES,
    "ComponentReflectionTest::test_get_noncol_index*": KEYS,
    "ComponentReflectionTest::test_get_pk_constraint*": KEYS,
    "ComponentReflectionTest::test_get_table_names*": NAMES,
    "ComponentReflectionTest::test_get_temp_*_names": NO_METHOD,
    "ComponentReflectionTest::test_get_temp_table_indexes": KEYS,
    "ComponentReflectionTest::test_get_temp_table_unique_constraints": KEYS,
    "ComponentReflectionTest::test_get_unique_constraints*": KEYS,
    "ComponentReflectionTest::test_get_view_definition*": NO_METHOD,
    "ComponentReflectionTest::test_get_view_names*": NAMES,
    "ComponentReflectionTest::test_multi_get_table_options*": NO_METHOD,
    "ComponentReflectionTest::test_not_existing_table*": NO_METHOD,
    "ComponentReflectionTest::test_reflect_table_temp_table": KEYS,
    "ComponentReflectionTest::test_schema_cache": ANY_SCHEMA,
    "ComponentReflectionTestExtra::*": KEYS,
    "CompositeKeyReflectionTest::*": KEYS,
    "ComputedReflectionTest::*": KEYS,
    "DateTimeTZ*Test::*": NO_SQL,
    "EnumTest::test_round_trip_executemany_returning": NOT_SAID,
    "ExceptionTest::test_integrity_error": NO_INTEGRITY,
    "FetchLimitOffsetTest::test_bound_offset": NO_SQL,
    "FetchLimitOffsetTest::test_expr_fetch_offset": NO_FETCH,
    "FetchLimitOffsetTest::test_expr_offset": NO_SQL,
    "FetchLimitOffsetTest::test_fetch_offset_*": NO_FETCH,
    "FetchLimitOffsetTest::test_limit_render_multiple_times": NO_SQL,
    "FetchLimitOffsetTest::test_simple_fetch_*": NO_FETCH,
    "FetchLimitOffsetTest::test_simple_offset*": NO_SQL,
    "Future*DefaultSchema*::*": NO_METHOD,
    "HasIndexTest::*": KEYS,
    "HasSequenceTest*::*": NOT_SAID,
    "HasTableTest::test_has_multi_table": ANY_SCHEMA,
    "HasTableTest::test_has_table": ANY_SCHEMA,
    "HasTableTest::test_has_table_cache": ANY_SCHEMA,
    "Identity*Test::*": NO_IDENTITY,
    "InsertBehaviorTest::test_autoclose_on_insert*": NO_IDENTITY,
    "InsertBehaviorTest::test_empty_insert*": NO_SQL,
    "InsertBehaviorTest::test_insert_from_select_autoinc": NO_IDENTITY,
    "InsertBehaviorTest::test_no_results_for_non_returning_insert*": NO_IDENTITY,
    "IntervalTest::*": NO_SQL,
    "IsolationLevelTest::*": NO_METHOD,
    "JSON*Test::*": NO_SQL,
    "LastrowidTest::*": NO_IDENTITY,
    "LikeFunctionsTest::test_*regexp_*": NO_SQL,
    "LongNameBlowoutTest::*": KEYS,
    "NativeUUIDTest::test_uuid_returning": NOT_SAID,
    "NormalizedNameTest::*": NAMES,
    "NumericTest::test_float_custom_scale": FLOATS,
    "NumericTest::test_many_significant_digits": FLOATS,
    "NumericTest::test_numeric_as_float": FLOATS,
    "NumericTest::test_render_literal_numeric_asfloat": FLOATS,
    "PercentSchemaNamesTest::test_executemany_returning_roundtrip": NOT_SAID,
    "PrecisionIntervalTest::*": NO_SQL,
    "QuotedNameArgumentTest::test_get_check_constraints*": KEYS,
    "QuotedNameArgumentTest::test_get_foreign_keys*": KEYS,
    "QuotedNameArgumentTest::test_get_indexes*": KEYS,
    "QuotedNameArgumentTest::test_get_table_comment*": KEYS,
    "QuotedNameArgumentTest::test_get_unique_constraints*": KEYS,
    "QuotedNameArgumentTest::test_get_view_definition*": NO_METHOD,
    "RepeatedColumnForeignKeyTest::*": KEYS,
    "ReturningGuardsTest::*": NOT_SAID,
    "ReturningTest::*": NOT_SAID,
    "RowCountTest::*": NOT_SAID,
    "SequenceCompilerTest::*": NOT_SAID,
    "SequenceTest::*": NOT_SAID,
    "ServerSideCursorsTest::*": NOT_SAID,
    "SimpleUpdateDeleteTest::*": NOT_SAID,
    "*TableDDLTest::*_comment": KEYS,
    "*TableDDLTest::test_*_index_if_*": KEYS,
    "TableNoColumnsTest::*": NO_SQL,
    "TableViaSelectTest::test_create_drop_materialized_view*": MATERIALIZED,
    "TableViaSelectTest::test_create_or_replace_view": NAMES,
    "TableViaSelectTest::test_create_table_as_if_not_exists": NAMES,
    "TableViaSelectTest::test_view_dependencies_with_metadata": NAMES,
    "TableViaSelectTest::test_with_metadata*-use_temp-*": NO_METHOD,
    "TempTableElementsTest::test_reflect_comments": KEYS,
    "TempTableElementsTest::test_reflect_identity": NO_IDENTITY,
    "TimeTZTest::*": NO_SQL,
    "TrueDivTest::test_floordiv_integer*": DIVISION,
    "TrueDivTest::test_truediv_divisor*": DIVISION,
    "TrueDivTest::test_truediv_float*": DIVISION,
    "UuidTest::test_uuid_returning": NOT_SAID,
    "WeCanSetDefaultSchema*::*": NO_METHOD,
    "WindowFunctionTest::test_window_range": ORDER,
    "WindowFunctionTest::test_window_range_dates": INTERVALS,
    "WindowFunctionTest::test_window_range_numeric": ORDER,
}
"""Reasons by `Class::test[parameters]`, with the wildcards of file names."""
