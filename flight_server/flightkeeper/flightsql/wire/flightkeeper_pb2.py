"""Generated from flightkeeper.proto by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "flightkeeper.proto",
        "ChJmbGlnaHRrZWVwZXIucHJvdG8SDGZsaWdodGtlZXBlciKLAQoJU3RhdGVtZW50EhQKBXF1ZXJ5GAEgASgJUgVx"
        "dWVyeRIeCgpwYXJhbWV0ZXJzGAIgASgMUgpwYXJhbWV0ZXJzEiUKDnRyYW5zYWN0aW9uX2lkGAMgASgMUg10cmFu"
        "c2FjdGlvbklkEiEKDGV4ZWN1dGlvbl9pZBgEIAEoCVILZXhlY3V0aW9uSWQiagoLVHJhbnNhY3Rpb24SFwoHbm9k"
        "ZV9pZBgBIAEoCVIGbm9kZUlkEiAKC2luY2FybmF0aW9uGAIgASgJUgtpbmNhcm5hdGlvbhIgCgt0cmFuc2FjdGlv"
        "bhgDIAEoCVILdHJhbnNhY3Rpb24iNgoGU3RhdHVzEhIKBGNvZGUYASABKAVSBGNvZGUSGAoHbWVzc2FnZRgCIAEo"
        "CVIHbWVzc2FnZWIGcHJvdG8z"
    )
)
