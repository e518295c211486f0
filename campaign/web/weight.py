"""How much an answer weighs: text goes out compressed, and a file of ours is asked for only once."""

import gzip
import io
import secrets
from functools import lru_cache

from flask import Flask, Response, request

LEAST = 1_000  # below this the header costs more than it saves
TEXT = ("text/", "application/json", "application/javascript", "image/svg+xml")
FOREVER = "public, max-age=31536000, immutable"
PADDING = 64


def register_weight(app: Flask) -> None:
    """Compresses what is text. Registered before everything else, it is the last to touch an answer."""
    app.after_request(_lighter)


def _lighter(response: Response) -> Response:
    ours = request.endpoint == "static" and response.status_code in (200, 304)
    if ours and request.args.get("v"):
        response.headers["Cache-Control"] = FOREVER  # the address changes with the content
    if not (response.mimetype or "").startswith(TEXT) or response.headers.get("Content-Encoding"):
        return response
    response.vary.add("Accept-Encoding")
    plain = response.status_code == 200 and request.method == "GET" and "Range" not in request.headers
    if not plain or not request.accept_encodings["gzip"] or (response.direct_passthrough and not ours):
        return response
    if response.is_streamed and not ours:
        return response
    response.direct_passthrough = False
    body = response.response
    content = response.get_data()
    if hasattr(body, "close"):
        body.close()  # the file is read; what answers now is in memory
    if len(content) < LEAST:
        return response
    response.set_data(_once(content) if ours else _padded(content))
    response.headers["Content-Encoding"] = "gzip"
    tag, _weak = response.get_etag()
    if tag:
        response.set_etag(tag, weak=True)
    return response


@lru_cache(maxsize=32)
def _once(content: bytes) -> bytes:
    """A file of ours, compressed as well as can be, since it is done once."""
    return gzip.compress(content, 9, mtime=0)


def _padded(content: bytes) -> bytes:
    """A page, under a name of random length, so that its compressed size tells nothing of the secrets in it."""
    target = io.BytesIO()
    name = "x" * (1 + secrets.randbelow(PADDING))
    with gzip.GzipFile(name, "wb", 6, target, mtime=0) as packed:
        packed.write(content)
    return target.getvalue()
