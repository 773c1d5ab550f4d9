"""Compile the project's .proto files into `flightsql/wire/*_pb2.py` and their type stubs.

Run by `make wire`; `make check` runs it with `--check` and fails when the result differs.
The modules it writes load into a pool of their own, so that another library in the same process
that brings the Flight SQL messages too does not clash with ours.
"""

import base64
import sys
import tempfile
import textwrap
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

WIRE = Path(__file__).parents[1] / "flight_server/flightkeeper/flightsql/wire"

MODULE = '''"""Generated from {proto} by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "{name}",
{lines}
    )
)
'''


def main() -> int:
    """Write the modules, or with `--check` compare them; the exit code."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, text in generate().items():
        if check and (not path.exists() or path.read_text() != text):
            stale.append(path.name)
        elif not check:
            path.write_text(text)
    if stale:
        print(f"not what the .proto files say: {', '.join(stale)}; run `make wire`")
    return 1 if stale else 0


def generate() -> dict[Path, str]:
    """What each generated file should hold, by its path."""
    protos = sorted(WIRE.glob("*.proto"))
    texts = {}
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = Path(scratch) / "descriptors"
        status = protoc.main(
            [
                "protoc",
                f"-I{WIRE}",
                f"-I{files('grpc_tools') / '_proto'}",
                f"--descriptor_set_out={descriptors}",
                f"--mypy_out={scratch}",
                *map(str, protos),
            ]
        )
        if status:
            raise SystemExit(status)
        for file in FileDescriptorSet.FromString(descriptors.read_bytes()).file:
            stem = file.name.removesuffix(".proto")
            texts[WIRE / f"{stem}_pb2.py"] = render(file.name, file.SerializeToString())
            stub = (Path(scratch) / f"{stem}_pb2.pyi").read_text()
            texts[WIRE / f"{stem}_pb2.pyi"] = stub
    return texts


def render(proto: str, descriptor: bytes) -> str:
    """The module that loads one serialized FileDescriptorProto, as text."""
    encoded = base64.b64encode(descriptor).decode()
    lines = "\n".join(f'        "{chunk}"' for chunk in textwrap.wrap(encoded, 88))
    return MODULE.format(proto=proto, name=proto, lines=lines)


if __name__ == "__main__":
    sys.exit(main())
