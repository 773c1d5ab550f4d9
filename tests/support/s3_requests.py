"""Requests of S3's own for tests, signed as its clients do: for what DuckDB has no words."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from tests.support.object_store import KEY_ID, SECRET, ObjectStore

_EMPTY = hashlib.sha256(b"").hexdigest()
_SIGNED = "host;x-amz-content-sha256;x-amz-date"
_WAIT_S = 10


def ask(store: ObjectStore, method: str, path: str, told: Mapping[str, str]) -> bytes:
    """The answer to a request without a body.

    Args:
        path: of the bucket or object, from `/` on.
        told: behind the question mark.

    Spec: Signature Version 4, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    """
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    sent = {"host": store.endpoint, "x-amz-content-sha256": _EMPTY, "x-amz-date": now}
    query = urlencode(sorted(told.items()), quote_via=quote)
    lines = "".join(f"{name}:{value}\n" for name, value in sent.items())
    canonical = "\n".join((method, quote(path), query, lines, _SIGNED, _EMPTY))
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"):
        key = hmac.digest(key, part.encode(), "sha256")
    sent["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, "
        f"SignedHeaders={_SIGNED}, Signature={key.hex()}"
    )
    url = f"http://{store.endpoint}{quote(path)}?{query}"
    with urlopen(Request(url, method=method, headers=sent), timeout=_WAIT_S) as answer:
        body: bytes = answer.read()
    return body
