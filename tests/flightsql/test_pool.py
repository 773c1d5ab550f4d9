"""The pool is private: other libraries may register the same message names, in any order."""

import base64
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message

from flightkeeper.flightsql.wire import flight_pb2, flight_sql_pb2, flightkeeper_pb2
from flightkeeper.flightsql.wire.pool import load

_OURS = "arrow.flight.protocol.sql.CommandStatementQuery"
_WITH_ANOTHER = f"""
import sys
from google.protobuf import descriptor_pb2, descriptor_pool

def other():
    file = descriptor_pb2.FileDescriptorProto(
        name="FlightSql.proto", package="arrow.flight.protocol.sql", syntax="proto3"
    )
    message = file.message_type.add(name="CommandStatementQuery")
    message.field.add(name="other", number=1, type=5, label=1)
    descriptor_pool.Default().Add(file)

def ours():
    from flightkeeper.flightsql.messages import pack, unpack
    from flightkeeper.flightsql.wire import flight_sql_pb2 as sql
    assert unpack(pack(sql.CommandStatementQuery(query="q"))).query == "q"

for step in sys.argv[1:]:
    {{"other": other, "ours": ours}}[step]()
theirs = descriptor_pool.Default().FindMessageTypeByName("{_OURS}")
assert [field.name for field in theirs.fields] == ["other"]
"""


@pytest.mark.parametrize("order", [("ours", "other"), ("other", "ours", "other")], ids=str)
def test_two_pools_do_not_clash(order: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITH_ANOTHER, *order],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_our_messages_are_not_in_the_default_pool() -> None:
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("flightkeeper.Statement")


def test_a_file_exports_messages_and_enum_values() -> None:
    assert flightkeeper_pb2.Statement(query="q").query == "q"
    assert flight_pb2.CANCEL_STATUS_CANCELLED == 1
    assert flight_sql_pb2.ActionEndTransactionRequest.END_TRANSACTION_COMMIT == 1
    assert flight_sql_pb2.DESCRIPTOR.package == "arrow.flight.protocol.sql"


def test_a_file_of_our_own_can_be_added() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="probe.proto", package="probe", syntax="proto3")
    file.message_type.add(name="Thing").field.add(name="a", number=1, type=9, label=1)
    file.enum_type.add(name="Colour").value.add(name="RED", number=0)
    exports = load("probe.proto", base64.b64encode(file.SerializeToString()).decode())
    assert exports["Thing"](a="x").a == "x"
    assert exports["RED"] == 0
    assert issubclass(exports["Thing"], Message)
