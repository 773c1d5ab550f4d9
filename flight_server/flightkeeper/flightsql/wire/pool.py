"""The private descriptor pool: our Flight SQL messages, apart from anybody else's.

Other Flight SQL libraries register the same message names in protobuf's default pool; two of them
in one process clash at import. Ours stay in a pool of their own.
"""

import base64
from typing import Any

from google.protobuf import any_pb2, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_POOL = DescriptorPool()
for _well_known in (any_pb2, timestamp_pb2):
    _POOL.AddSerializedFile(_well_known.DESCRIPTOR.serialized_pb)


def load(name: str, encoded: str) -> dict[str, Any]:
    """Add one compiled .proto file.

    Args:
        name: the file's name, as its importers spell it.
        encoded: its FileDescriptorProto, serialized, in base64.

    Returns:
        What its module exports: the descriptor, message classes and enum values, by name.
    """
    _POOL.AddSerializedFile(base64.b64decode(encoded))
    file = _POOL.FindFileByName(name)
    exports: dict[str, Any] = {"DESCRIPTOR": file}
    for message_name, message in file.message_types_by_name.items():
        exports[message_name] = GetMessageClass(message)
    for enum in file.enum_types_by_name.values():
        exports.update({value.name: value.number for value in enum.values})
    return exports
