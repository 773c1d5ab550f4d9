"""Generated from flightkeeper.proto by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "flightkeeper.proto",
        "ChJmbGlnaHRrZWVwZXIucHJvdG8SDGZsaWdodGtlZXBlchoZZ29vZ2xlL3Byb3RvYnVmL2FueS5wcm90byLnAgoJ"
        "U3RhdGVtZW50EhQKBXF1ZXJ5GAEgASgJUgVxdWVyeRIeCgpwYXJhbWV0ZXJzGAIgASgMUgpwYXJhbWV0ZXJzEiUK"
        "DnRyYW5zYWN0aW9uX2lkGAMgASgMUg10cmFuc2FjdGlvbklkEiEKDGV4ZWN1dGlvbl9pZBgEIAEoCVILZXhlY3V0"
        "aW9uSWQSHAoJcHJpbmNpcGFsGAUgASgJUglwcmluY2lwYWwSGAoHZGlhbGVjdBgGIAEoCVIHZGlhbGVjdBIwChRz"
        "dGF0ZW1lbnRfdGltZW91dF9tcxgHIAEoDVISc3RhdGVtZW50VGltZW91dE1zEh0KCmV4cGlyZXNfbXMYCCABKANS"
        "CWV4cGlyZXNNcxIhCgxkYXRhX3ZlcnNpb24YCSABKAlSC2RhdGFWZXJzaW9uEhQKBXBsYWluGAogASgIUgVwbGFp"
        "bhIYCgdjb2x1bW5zGAsgASgMUgdjb2x1bW5zIhoKBFBhdGgSEgoEcGF0aBgBIAMoCVIEcGF0aCJqCgtUcmFuc2Fj"
        "dGlvbhIXCgdub2RlX2lkGAEgASgJUgZub2RlSWQSIAoLaW5jYXJuYXRpb24YAiABKAlSC2luY2FybmF0aW9uEiAK"
        "C3RyYW5zYWN0aW9uGAMgASgJUgt0cmFuc2FjdGlvbiLGAQoLUGVlclJlcXVlc3QSHAoJcHJpbmNpcGFsGAEgASgJ"
        "UglwcmluY2lwYWwSHQoKZXhwaXJlc19tcxgCIAEoA1IJZXhwaXJlc01zEhYKBnRhYmxlcxgDIAMoCVIGdGFibGVz"
        "EiEKDHN0YXRlbWVudF9pZBgEIAEoCVILc3RhdGVtZW50SWQSHQoKc2Vzc2lvbl9pZBgFIAEoCVIJc2Vzc2lvbklk"
        "EiAKC2FkbWluaXN0ZXJzGAYgASgIUgthZG1pbmlzdGVycyIgCgZTaWduZWQSFgoGaGFuZGxlGAEgASgMUgZoYW5k"
        "bGUiZgoGU3RhdHVzEhIKBGNvZGUYASABKAVSBGNvZGUSGAoHbWVzc2FnZRgCIAEoCVIHbWVzc2FnZRIuCgdkZXRh"
        "aWxzGAMgAygLMhQuZ29vZ2xlLnByb3RvYnVmLkFueVIHZGV0YWlscyK7AQoJRXJyb3JJbmZvEhYKBnJlYXNvbhgB"
        "IAEoCVIGcmVhc29uEhYKBmRvbWFpbhgCIAEoCVIGZG9tYWluEkEKCG1ldGFkYXRhGAMgAygLMiUuZmxpZ2h0a2Vl"
        "cGVyLkVycm9ySW5mby5NZXRhZGF0YUVudHJ5UghtZXRhZGF0YRo7Cg1NZXRhZGF0YUVudHJ5EhAKA2tleRgBIAEo"
        "CVIDa2V5EhQKBXZhbHVlGAIgASgJUgV2YWx1ZToCOAFiBnByb3RvMw=="
    )
)
