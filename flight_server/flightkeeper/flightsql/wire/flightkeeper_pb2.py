"""Generated from flightkeeper.proto by tools/generate_wire.py; do not edit."""

from flightkeeper.flightsql.wire.pool import load

globals().update(
    load(
        "flightkeeper.proto",
        "ChJmbGlnaHRrZWVwZXIucHJvdG8SDGZsaWdodGtlZXBlchoZZ29vZ2xlL3Byb3RvYnVmL2FueS5wcm90byK9AwoJ"
        "U3RhdGVtZW50EhQKBXF1ZXJ5GAEgASgJUgVxdWVyeRIeCgpwYXJhbWV0ZXJzGAIgASgMUgpwYXJhbWV0ZXJzEiUK"
        "DnRyYW5zYWN0aW9uX2lkGAMgASgMUg10cmFuc2FjdGlvbklkEiEKDGV4ZWN1dGlvbl9pZBgEIAEoCVILZXhlY3V0"
        "aW9uSWQSHAoJcHJpbmNpcGFsGAUgASgJUglwcmluY2lwYWwSGAoHZGlhbGVjdBgGIAEoCVIHZGlhbGVjdBIwChRz"
        "dGF0ZW1lbnRfdGltZW91dF9tcxgHIAEoDVISc3RhdGVtZW50VGltZW91dE1zEh0KCmV4cGlyZXNfbXMYCCABKANS"
        "CWV4cGlyZXNNcxIhCgxkYXRhX3ZlcnNpb24YCSABKAlSC2RhdGFWZXJzaW9uEhQKBXBsYWluGAogASgIUgVwbGFp"
        "bhIYCgdjb2x1bW5zGAsgASgMUgdjb2x1bW5zEiAKC2luY2FybmF0aW9uGAwgASgJUgtpbmNhcm5hdGlvbhIyCghz"
        "bmFwc2hvdBgNIAEoCzIWLmZsaWdodGtlZXBlci5TbmFwc2hvdFIIc25hcHNob3QiTgoIU25hcHNob3QSEgoEbGFr"
        "ZRgBIAEoCVIEbGFrZRIYCgd2ZXJzaW9uGAIgASgDUgd2ZXJzaW9uEhQKBWFza2VkGAMgASgIUgVhc2tlZCIaCgRQ"
        "YXRoEhIKBHBhdGgYASADKAlSBHBhdGgiagoLVHJhbnNhY3Rpb24SFwoHbm9kZV9pZBgBIAEoCVIGbm9kZUlkEiAK"
        "C2luY2FybmF0aW9uGAIgASgJUgtpbmNhcm5hdGlvbhIgCgt0cmFuc2FjdGlvbhgDIAEoCVILdHJhbnNhY3Rpb24i"
        "3AEKC1BlZXJSZXF1ZXN0EhwKCXByaW5jaXBhbBgBIAEoCVIJcHJpbmNpcGFsEh0KCmV4cGlyZXNfbXMYAiABKANS"
        "CWV4cGlyZXNNcxIWCgZ0YWJsZXMYAyADKAlSBnRhYmxlcxIhCgxzdGF0ZW1lbnRfaWQYBCABKAlSC3N0YXRlbWVu"
        "dElkEh0KCnNlc3Npb25faWQYBSABKAlSCXNlc3Npb25JZBIgCgthZG1pbmlzdGVycxgGIAEoCFILYWRtaW5pc3Rl"
        "cnMSFAoFb3duZXIYByABKAlSBW93bmVyIiAKBlNpZ25lZBIWCgZoYW5kbGUYASABKAxSBmhhbmRsZSJmCgZTdGF0"
        "dXMSEgoEY29kZRgBIAEoBVIEY29kZRIYCgdtZXNzYWdlGAIgASgJUgdtZXNzYWdlEi4KB2RldGFpbHMYAyADKAsy"
        "FC5nb29nbGUucHJvdG9idWYuQW55UgdkZXRhaWxzIrsBCglFcnJvckluZm8SFgoGcmVhc29uGAEgASgJUgZyZWFz"
        "b24SFgoGZG9tYWluGAIgASgJUgZkb21haW4SQQoIbWV0YWRhdGEYAyADKAsyJS5mbGlnaHRrZWVwZXIuRXJyb3JJ"
        "bmZvLk1ldGFkYXRhRW50cnlSCG1ldGFkYXRhGjsKDU1ldGFkYXRhRW50cnkSEAoDa2V5GAEgASgJUgNrZXkSFAoF"
        "dmFsdWUYAiABKAlSBXZhbHVlOgI4AWIGcHJvdG8z"
    )
)
