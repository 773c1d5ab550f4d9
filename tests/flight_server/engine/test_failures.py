"""DuckDB's errors: its words and position stay, paths nobody named do not leave."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightkeeper.flight_server import errors
from flightkeeper.flight_server.engine.failures import mask_paths, translate, translate_late
from flightkeeper.flightsql.headers import Reason

_names = st.text("abcXYZ019_-.", min_size=1, max_size=8)
_paths = st.lists(_names, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))
_spaced = st.text("ab c", min_size=1, max_size=6).filter(str.strip)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('Parser Error: syntax error at or near "x"\n\nLINE 1: x\n        ^', "InvalidArgument"),
        ("Catalog Error: Table with name t does not exist!", "InvalidArgument"),
        ("Binder Error: x", "InvalidArgument"),
        ("Conversion Error: x", "InvalidArgument"),
        ("Constraint Error: x", "InvalidArgument"),
        ("Out of Range Error: x", "InvalidArgument"),
        ("no kind at all", "InvalidArgument"),
        ("", "InvalidArgument"),
        ("INTERRUPT Error: Interrupted!", "Cancelled"),
        ("Permission Error: x", "PermissionDenied"),
        ("Not implemented Error: x", "Unimplemented"),
        ("Out of Memory Error: x", "EngineFailed"),
        ("IO Error: x", "EngineFailed"),
        ("HTTP Error: x", "EngineFailed"),
        ("TransactionContext Error: Current transaction is aborted", "EngineFailed"),
        ("Connection Error: x", "EngineFailed"),
        ("Invalid Error: database is locked", "EngineFailed"),
        ("Invalid Input Error: server closed the connection unexpectedly", "EngineFailed"),
        ("Binder Error: (no result returned): no connection to the server", "EngineFailed"),
    ],
)
def test_the_kind_is_read_from_the_text(message: str, kind: str) -> None:
    error = translate(duckdb.Error(message), "SELECT 1")
    assert type(error) is getattr(errors, kind)
    assert str(error) == message


@pytest.mark.parametrize("kind", ["IO Error", "Binder Error"])
def test_what_was_not_begun_because_the_lakes_catalog_is_away_can_be_tried_again(kind: str) -> None:
    told = f"{kind}: Failed to query most recent snapshot for DuckLake: Unable to connect"
    error = translate(duckdb.Error(f'{told} to "/run/x"\n\nLINE 1: SELECT theirs\n   ^'), "FROM t")
    assert (type(error), error.reason) == (errors.Unavailable, Reason.AWAY)
    assert str(error) == f'{told} to "(a file)"; nothing was run: try again'
    # Said of a commit it is another matter.
    commit = f"TransactionContext Error: Failed to commit: {told}"
    assert translate(duckdb.Error(commit), "COMMIT").reason is None


def test_a_translated_statement_is_shown_as_the_client_wrote_it() -> None:
    message = 'Binder Error: no "b"\n\nLINE 1: SELECT "b"\n               ^'
    error = translate(duckdb.Error(message), 'SELECT "b"', "select `b`")
    assert str(error) == 'Binder Error: no "b"\n\nLINE 1: select `b`\n               ^'
    assert str(translate(duckdb.Error(message), 'SELECT "b"', 'SELECT "b"')) == message


@pytest.mark.parametrize("kind", ["INTERNAL Error", "FATAL Error"])
def test_a_defect_of_the_engine_keeps_its_stack(kind: str) -> None:
    error = translate(duckdb.Error(f"{kind}: Assertion in /src/x.cpp\nStack Trace:\n0 /lib"), "")
    assert type(error) is errors.Internal
    assert "engine reported a defect" in str(error)
    assert "/" not in str(error)


def test_a_late_error_is_no_stop_unless_there_was_one() -> None:
    told = OSError("INTERRUPT Error: Interrupted!")
    stopped = translate_late(told, "", "", interrupted=True)
    lost = translate_late(told, "", "", interrupted=False)
    assert (type(stopped), type(lost)) == (errors.Cancelled, errors.EngineFailed)
    assert "run it again to see why" in str(lost)
    known = translate_late(OSError("Conversion Error: x"), "", "", interrupted=False)
    assert (type(known), str(known)) == (errors.InvalidArgument, "Conversion Error: x")


def test_what_pyarrow_carries_out_of_a_stream_is_told_apart_too() -> None:
    assert type(translate(OSError("INTERRUPT Error: Interrupted!"), "")) is errors.Cancelled


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ('IO Error: Cannot open file "/var/data/x.db": No such', '"(a file)": No such'),
        ("IO Error: cannot write /var/data/x.db, disk full", "write (a file), disk full"),
        ('"/var/my data/x y.db" is gone', '"(a file)" is gone'),
        ("'/var/my data/x' is gone", "'(a file)' is gone"),
        ("see https://duckdb.org/docs/x", "https://duckdb.org/docs/x"),
        ("1/2 and a/b", "1/2 and a/b"),
    ],
)
def test_paths_are_masked(message: str, masked: str) -> None:
    assert masked in mask_paths(message, "SELECT 1")
    assert "/var" not in mask_paths(message, "SELECT 1")


def test_a_path_the_caller_named_stays() -> None:
    message = 'IO Error: Cannot open file "/data/mine.csv"'
    assert mask_paths(message, "FROM '/data/mine.csv'") == message


@given(path=_paths, before=_spaced, after=_spaced)
def test_no_path_survives(path: str, before: str, after: str) -> None:
    for message in (f"{before} {path} {after}", f'{before} "{path}" {after}', f"'{path}'"):
        assert path not in mask_paths(message, "SELECT 1")


@given(parts=st.lists(_spaced, min_size=1, max_size=3), quote=st.sampled_from("\"'"))
def test_no_quoted_path_with_spaces_survives(parts: list[str], quote: str) -> None:
    path = "/" + "/".join(parts)
    assert mask_paths(f"no {quote}{path}{quote}!", "") == f"no {quote}(a file){quote}!"


@given(path=_paths, text=st.text("abc, 1:;()=", max_size=20))
def test_what_the_statement_names_survives(path: str, text: str) -> None:
    message = f'{text} "{path}" {text}'
    assert mask_paths(message, f"FROM '{path}'") == message


@given(st.text("abc xyz,:;'\"()\n.0123", max_size=60))
def test_a_text_without_a_slash_is_untouched(message: str) -> None:
    assert mask_paths(message, "") == message


@given(st.text(max_size=80))
def test_masking_twice_is_masking_once(message: str) -> None:
    once = mask_paths(message, "")
    assert mask_paths(once, "") == once


def test_what_an_object_store_answers_is_no_path() -> None:
    told = "IO Error: Failed to remove files: <Key>t/one</Key><Code>AccessDenied</Code>"
    assert mask_paths(told, "") == told
    assert mask_paths("</etc/passwd> </etc>x", "") == "<(a file) </etc>x"
