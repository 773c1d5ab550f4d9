"""Generated from flightkeeper.proto by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "flightkeeper.proto",
        "ChJmbGlnaHRrZWVwZXIucHJvdG8SDGZsaWdodGtlZXBlciKpAQoJU3RhdGVtZW50EhQKBXF1ZXJ5GAEgASgJUgVx"
        "dWVyeRIeCgpwYXJhbWV0ZXJzGAIgASgMUgpwYXJhbWV0ZXJzEiUKDnRyYW5zYWN0aW9uX2lkGAMgASgMUg10cmFu"
        "c2FjdGlvbklkEiEKDGV4ZWN1dGlvbl9pZBgEIAEoCVILZXhlY3V0aW9uSWQSHAoJcHJpbmNpcGFsGAUgASgJUglw"
        "cmluY2lwYWwiagoLVHJhbnNhY3Rpb24SFwoHbm9kZV9pZBgBIAEoCVIGbm9kZUlkEiAKC2luY2FybmF0aW9uGAIg"
        "ASgJUgtpbmNhcm5hdGlvbhIgCgt0cmFuc2FjdGlvbhgDIAEoCVILdHJhbnNhY3Rpb24iNgoGU3RhdHVzEhIKBGNv"
        "ZGUYASABKAVSBGNvZGUSGAoHbWVzc2FnZRgCIAEoCVIHbWVzc2FnZWIGcHJvdG8z"
    )
)
