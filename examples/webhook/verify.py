"""Whether the body of a webhook came from a host that knows the secret."""

import hashlib
import hmac


def is_ours(body: bytes, header: str, secret: bytes) -> bool:
    """Compares `X-AZS-Signature-256` in constant time. The secret ends before a line break at its end."""
    expected = "sha256=" + hmac.new(secret.rstrip(b"\r\n"), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, header)
