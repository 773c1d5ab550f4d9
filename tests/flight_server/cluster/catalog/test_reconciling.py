"""What a node has to do to have what is defined."""

from flightkeeper.discovery.catalog.definition import (
    Column,
    Definition,
    Format,
    Macro,
    ObjectName,
    Table,
    View,
    encode,
)
from flightkeeper.discovery.documents import Document
from flightkeeper.flight_server.cluster.catalog.reconciling import steps, wanted

V, T = ObjectName("s", "v"), ObjectName("s", "t")
VIEW = Definition(V, View("SELECT 1"))
TABLE = Definition(T, Table((Column("a", "INT"),), Format.CSV, "/x"))
MACRO = Definition(V, Macro("(a) AS a"))


def documents(*definitions: Definition, version: int = 0) -> dict[str, Document]:
    return {d.name.document: Document(encode(d), version) for d in definitions}


def test_tables_come_before_views() -> None:
    found = steps({}, wanted(documents(VIEW, TABLE), {}).values())
    assert found.drops == ()
    assert [want.definition for want in found.makes] == [TABLE, VIEW]


def test_what_is_as_it_should_be_stays() -> None:
    held = {V.document: VIEW, T.document: TABLE}
    found = steps(held, wanted(documents(VIEW, TABLE.dropped()), {}).values())
    assert (found.drops, found.makes) == ((TABLE,), ())


def test_another_kind_takes_the_place_of_what_was_there() -> None:
    found = steps({V.document: VIEW}, wanted(documents(MACRO), {}).values())
    assert found.drops == (VIEW,)
    assert [want.definition for want in found.makes] == [MACRO]


def test_what_cannot_be_read_leaves_what_is_there() -> None:
    told = {V.document: Document(b"nonsense", 3), T.document: documents(VIEW)[V.document]}
    found = wanted(told, {})
    assert ["no definition" in w.problem for w in found.values()] == [True, False]
    assert found[T.document].problem == "it is the definition of something else"
    assert [want.name for want in found.values()] == ["s.v", "s.t"]
    assert steps({V.document: VIEW}, found.values()).drops == ()


def test_a_document_that_is_known_is_not_read_again() -> None:
    known = wanted(documents(VIEW, version=4), {})
    again = wanted(documents(VIEW, version=4), known)
    assert all(again[name] is known[name] for name in known)
    assert wanted({V.document: Document(b"nonsense", 5)}, known) != known


def test_a_document_that_was_deleted_by_hand_and_made_again_is_read() -> None:
    known = wanted(documents(VIEW), {})
    other = Definition(V, View("SELECT 2"))
    assert wanted(documents(other), known)[V.document].definition == other
