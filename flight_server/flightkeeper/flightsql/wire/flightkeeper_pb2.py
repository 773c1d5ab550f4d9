"""Generated from flightkeeper.proto by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "flightkeeper.proto",
        "ChJmbGlnaHRrZWVwZXIucHJvdG8SDGZsaWdodGtlZXBlchoZZ29vZ2xlL3Byb3RvYnVmL2FueS5wcm90byK3AgoJ"
        "U3RhdGVtZW50EhQKBXF1ZXJ5GAEgASgJUgVxdWVyeRIeCgpwYXJhbWV0ZXJzGAIgASgMUgpwYXJhbWV0ZXJzEiUK"
        "DnRyYW5zYWN0aW9uX2lkGAMgASgMUg10cmFuc2FjdGlvbklkEiEKDGV4ZWN1dGlvbl9pZBgEIAEoCVILZXhlY3V0"
        "aW9uSWQSHAoJcHJpbmNpcGFsGAUgASgJUglwcmluY2lwYWwSGAoHZGlhbGVjdBgGIAEoCVIHZGlhbGVjdBIwChRz"
        "dGF0ZW1lbnRfdGltZW91dF9tcxgHIAEoDVISc3RhdGVtZW50VGltZW91dE1zEh0KCmV4cGlyZXNfbXMYCCABKANS"
        "CWV4cGlyZXNNcxIhCgxkYXRhX3ZlcnNpb24YCSABKAlSC2RhdGFWZXJzaW9uIhoKBFBhdGgSEgoEcGF0aBgBIAMo"
        "CVIEcGF0aCJqCgtUcmFuc2FjdGlvbhIXCgdub2RlX2lkGAEgASgJUgZub2RlSWQSIAoLaW5jYXJuYXRpb24YAiAB"
        "KAlSC2luY2FybmF0aW9uEiAKC3RyYW5zYWN0aW9uGAMgASgJUgt0cmFuc2FjdGlvbiJmCgZTdGF0dXMSEgoEY29k"
        "ZRgBIAEoBVIEY29kZRIYCgdtZXNzYWdlGAIgASgJUgdtZXNzYWdlEi4KB2RldGFpbHMYAyADKAsyFC5nb29nbGUu"
        "cHJvdG9idWYuQW55UgdkZXRhaWxzIrsBCglFcnJvckluZm8SFgoGcmVhc29uGAEgASgJUgZyZWFzb24SFgoGZG9t"
        "YWluGAIgASgJUgZkb21haW4SQQoIbWV0YWRhdGEYAyADKAsyJS5mbGlnaHRrZWVwZXIuRXJyb3JJbmZvLk1ldGFk"
        "YXRhRW50cnlSCG1ldGFkYXRhGjsKDU1ldGFkYXRhRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSFAoFdmFsdWUYAiAB"
        "KAlSBXZhbHVlOgI4AWIGcHJvdG8z"
    )
)
