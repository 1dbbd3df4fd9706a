"""Our own pages and what they need, all served by us: they work without the internet.

Each file has an address here; nothing is looked up on the disk by a path that a caller sent.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

#: For HTML: styles, scripts and pictures from this host only, and none inside the page itself.
PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_MEDIA_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8",
    "png": "image/png",
}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str
    tag: str


@cache
def load_file(package: str, path: str) -> _File:
    """Return a file of an installed package; read once for each process."""
    content = resources.files(package).joinpath(path).read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:32]
    return _File(content, _MEDIA_TYPES[path.rpartition(".")[2]], f'"{digest}"')


def answer_file(request: Request, package: str, path: str) -> Response:
    """Answer with a file, or with 304 if the caller has it already."""
    file = load_file(package, path)
    # Asked for again each time, because the address stays the same when the content changes.
    headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def load_text(path: str) -> str:
    """Return one of our own templates."""
    return resources.files("huitong.api").joinpath("static", path).read_text(encoding="utf-8")


def answer_page(html: str, *, language: str, vary: str | None = None) -> Response:
    """Answer with a page of ours, which may load from this host only."""
    headers = {"Content-Security-Policy": PAGE_POLICY, "Content-Language": language}
    if vary is not None:
        headers["Vary"] = vary
    return Response(html, media_type="text/html; charset=utf-8", headers=headers)
