"""Stock ADBC through a gateway: tests that it passes with a node, with the same answers."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import pytest

from tests.conformance import (
    test_adbc,
    test_adbc_ingest,
    test_adbc_metadata,
    test_adbc_parameters,
    test_adbc_results,
    test_adbc_sessions,
)
from tests.conformance.conftest import Pair
from tests.support.processes import running

_CHOSEN: Mapping[ModuleType, tuple[str, ...]] = {
    test_adbc: (
        "a_commit_after_an_error_fails_loudly_and_writes_nothing",
        "a_cursor_goes_on_after_an_error",
        "a_wrong_password_is_refused",
        "autocommit_can_be_turned_off_and_on_again",
        "basic_on_every_call_needs_no_handshake",
        "changes_take_effect_and_are_counted_without_fetching",
        "commit_and_rollback",
        "connections_of_one_login_have_sessions_of_their_own",
        "errors_say_what_duckdb_said_and_nothing_of_ours",
        "executescript_runs_several_statements_in_order",
        "many_statements_of_one_connection_run_side_by_side",
        "returning_answers_rows",
    ),
    test_adbc_ingest: (
        "a_refused_append_writes_nothing",
        "a_stream_that_fails_half_way_writes_nothing",
        "a_temporary_table_belongs_to_its_connection",
        "an_ingest_belongs_to_the_open_transaction",
        "data_comes_in_any_form",
    ),
    test_adbc_metadata: (
        "a_connection_sees_what_it_has_not_committed_yet",
        "a_tables_schema",
        "info_and_table_types",
    ),
    test_adbc_parameters: (
        "a_query_runs_once_for_each_row_of_parameters",
        "executemany_inserts_every_row_once",
        "executemany_is_all_or_nothing",
        "the_same_statement_again_uses_the_new_parameters",
    ),
    test_adbc_results: (
        "a_forged_partition_is_refused",
        "a_result_in_parts_has_every_row_once",
        "rows_bigger_than_a_message_may_be_arrive",
        "values_of_duckdbs_own_types_arrive_readable",
        "what_one_node_planned_another_delivers",
    ),
    test_adbc_sessions: (
        "a_header_limits_one_statement",
        "a_running_statement_is_cancelled_from_another_thread",
        "a_wrong_option_is_refused_and_changes_nothing",
        "current_catalog_and_schema_belong_to_the_connection",
        "reading_can_stop_half_way",
        "session_state_in_sql_stays_with_its_connection",
    ),
}

globals().update(
    {
        f"test_{name}": getattr(module, f"test_{name}")
        for module, names in _CHOSEN.items()
        for name in names
    }
)
mine = test_adbc_sessions.mine


@pytest.fixture(scope="module", params=["proxy", "direct"])
def pair(
    login_files: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Pair]:
    """Two gateways in front of one node."""
    registry = f"dir://{tmp_path_factory.mktemp('registry')}"
    users, key_file = map(str, login_files)
    with ExitStack() as stack:
        flags = ("serve", "--users", users, "--key-file", key_file, "--registry", registry)
        stack.enter_context(running(*flags)).line()
        front = ("gateway", "--registry", registry, "--data", request.param)
        gateways = [stack.enter_context(running(*front)) for _ in range(2)]
        first, second = (gateway.line()["location"] for gateway in gateways)
        yield Pair(first, second)
