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
        "C3RyYW5zYWN0aW9uGAMgASgJUgt0cmFuc2FjdGlvbiJmCgZTdGF0dXMSEgoEY29kZRgBIAEoBVIEY29kZRIYCgdt"
        "ZXNzYWdlGAIgASgJUgdtZXNzYWdlEi4KB2RldGFpbHMYAyADKAsyFC5nb29nbGUucHJvdG9idWYuQW55UgdkZXRh"
        "aWxzIrsBCglFcnJvckluZm8SFgoGcmVhc29uGAEgASgJUgZyZWFzb24SFgoGZG9tYWluGAIgASgJUgZkb21haW4S"
        "QQoIbWV0YWRhdGEYAyADKAsyJS5mbGlnaHRrZWVwZXIuRXJyb3JJbmZvLk1ldGFkYXRhRW50cnlSCG1ldGFkYXRh"
        "GjsKDU1ldGFkYXRhRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSFAoFdmFsdWUYAiABKAlSBXZhbHVlOgI4AWIGcHJv"
        "dG8z"
    )
)
