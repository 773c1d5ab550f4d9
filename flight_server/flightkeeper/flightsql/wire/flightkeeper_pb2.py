"""Generated from flightkeeper.proto by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "flightkeeper.proto",
        "ChJmbGlnaHRrZWVwZXIucHJvdG8SDGZsaWdodGtlZXBlchoZZ29vZ2xlL3Byb3RvYnVmL2FueS5wcm90byLNAgoJ"
        "U3RhdGVtZW50EhQKBXF1ZXJ5GAEgASgJUgVxdWVyeRIeCgpwYXJhbWV0ZXJzGAIgASgMUgpwYXJhbWV0ZXJzEiUK"
        "DnRyYW5zYWN0aW9uX2lkGAMgASgMUg10cmFuc2FjdGlvbklkEiEKDGV4ZWN1dGlvbl9pZBgEIAEoCVILZXhlY3V0"
        "aW9uSWQSHAoJcHJpbmNpcGFsGAUgASgJUglwcmluY2lwYWwSGAoHZGlhbGVjdBgGIAEoCVIHZGlhbGVjdBIwChRz"
        "dGF0ZW1lbnRfdGltZW91dF9tcxgHIAEoDVISc3RhdGVtZW50VGltZW91dE1zEh0KCmV4cGlyZXNfbXMYCCABKANS"
        "CWV4cGlyZXNNcxIhCgxkYXRhX3ZlcnNpb24YCSABKAlSC2RhdGFWZXJzaW9uEhQKBXBsYWluGAogASgIUgVwbGFp"
        "biIaCgRQYXRoEhIKBHBhdGgYASADKAlSBHBhdGgiagoLVHJhbnNhY3Rpb24SFwoHbm9kZV9pZBgBIAEoCVIGbm9k"
        "ZUlkEiAKC2luY2FybmF0aW9uGAIgASgJUgtpbmNhcm5hdGlvbhIgCgt0cmFuc2FjdGlvbhgDIAEoCVILdHJhbnNh"
        "Y3Rpb24iZgoGU3RhdHVzEhIKBGNvZGUYASABKAVSBGNvZGUSGAoHbWVzc2FnZRgCIAEoCVIHbWVzc2FnZRIuCgdk"
        "ZXRhaWxzGAMgAygLMhQuZ29vZ2xlLnByb3RvYnVmLkFueVIHZGV0YWlscyK7AQoJRXJyb3JJbmZvEhYKBnJlYXNv"
        "bhgBIAEoCVIGcmVhc29uEhYKBmRvbWFpbhgCIAEoCVIGZG9tYWluEkEKCG1ldGFkYXRhGAMgAygLMiUuZmxpZ2h0"
        "a2VlcGVyLkVycm9ySW5mby5NZXRhZGF0YUVudHJ5UghtZXRhZGF0YRo7Cg1NZXRhZGF0YUVudHJ5EhAKA2tleRgB"
        "IAEoCVIDa2V5EhQKBXZhbHVlGAIgASgJUgV2YWx1ZToCOAFiBnByb3RvMw=="
    )
)
