"""`/app/` and `/console/`: the two web apps, as `scripts/apps` has built them.

What may be fetched is what was there when the process first looked; nothing is looked up on the
disk by a path that a caller sent. Any other address below an app is one of its pages, and its
document is the answer (the app itself knows its pages).
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from huitong.api.authentication import PUBLIC
from huitong.api.problems import RouteNotFound
from huitong.api.static_files import answer_page, load_text

#: Where `scripts/apps` puts what it has built, a directory for each app.
BUILT: Final = Path(__file__).parent / "built"
#: Stands in a document for the nonce of one answer: apps whose styles are made in the page need it.
NONCE: Final = "__HUITONG_NONCE__"
_DOCUMENT: Final = "index.html"
_HASHED: Final = "assets/"
_MEDIA_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
#: Best first, with the ending of the file that is compressed so.
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))

#: A year, the longest that caches keep anything (RFC 9111 has no limit; this is the custom).
_HASHED_FILE_SECONDS: Final = 31_536_000
_ACCEPT_ENCODING_LENGTH_MAX: Final = 256
_NONCE_BYTES: Final = 16

router: Final = APIRouter(include_in_schema=False, dependencies=[PUBLIC])


@dataclass(frozen=True, slots=True)
class _File:
    media_type: str
    plain: bytes
    coded: Mapping[str, bytes]
    tag: str


@dataclass(frozen=True, slots=True)
class _App:
    files: Mapping[str, _File]


@router.get("/app")
@router.get("/console")
async def go_to_app(request: Request) -> Response:
    """Lead to the app's own address, under which its links work."""
    return RedirectResponse(f"{request.url.path}/", status_code=308)


@router.get("/app/{path:path}")
async def get_customer_app(request: Request, path: str) -> Response:
    """Return a file of the customer's app, or its document for one of its pages."""
    return _answer(request, "customer", path, camera="self")


@router.get("/console/{path:path}")
async def get_console(request: Request, path: str) -> Response:
    """Return a file of the console, or its document for one of its pages."""
    return _answer(request, "console", path, camera="")


def load_app(name: str) -> _App | None:
    """Return what is built of an app, or None; read again when it was built again."""
    document = BUILT / name / _DOCUMENT
    try:
        changed = document.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _read_app(document.parent, changed)


def _answer(request: Request, name: str, path: str, *, camera: str) -> Response:
    app = load_app(name)
    if app is None:
        return _answer_not_built(name)
    file = app.files.get(path or _DOCUMENT)
    if file is None and (path.startswith(_HASHED) or Path(path).suffix in _MEDIA_TYPES):
        # A document in the place of a script that is gone would be a riddle to whoever sees it.
        raise RouteNotFound(f"The app has no such file. Load {request.scope['path']} again.")
    if file is None or path in ("", _DOCUMENT):
        return _answer_document(app.files[_DOCUMENT], camera)
    return _answer_file(request, file, is_hashed=path.startswith(_HASHED))


def _answer_document(file: _File, camera: str) -> Response:
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    html = file.plain.decode().replace(NONCE, nonce)
    headers = {
        "Content-Security-Policy": make_policy(nonce if NONCE.encode() in file.plain else None),
        "Permissions-Policy": f"camera=({camera}), geolocation=(), microphone=(), payment=()",
        "Cache-Control": "no-cache",
    }
    return Response(html, media_type=file.media_type, headers=headers)


def make_policy(nonce: str | None) -> str:
    """Return the policy of an app's document: from this host only, and no script in the page.

    Styles with `nonce` may stand in the page; scripts may not even with it.
    """
    styles = "'self'" if nonce is None else f"'self' 'nonce-{nonce}'"
    return (
        f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def _answer_file(request: Request, file: _File, *, is_hashed: bool) -> Response:
    headers = {
        "ETag": file.tag,
        "Vary": "Accept-Encoding",
        # The name of a hashed file changes with its content, so what has it may keep it.
        "Cache-Control": f"public, max-age={_HASHED_FILE_SECONDS}, immutable"
        if is_hashed
        else "no-cache",
    }
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    accepted = _read_codings(request.headers.get("accept-encoding", ""))
    for coding, _ending in _CODINGS:
        if coding in accepted and coding in file.coded:
            headers["Content-Encoding"] = coding
            return Response(file.coded[coding], media_type=file.media_type, headers=headers)
    return Response(file.plain, media_type=file.media_type, headers=headers)


def _read_codings(header: str) -> frozenset[str]:
    """Return the codings that an Accept-Encoding header (RFC 9110, 12.5.3) does not refuse."""
    found = set()
    for part in header[:_ACCEPT_ENCODING_LENGTH_MAX].split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            found.add(name.strip().lower())
    return frozenset(found)


@cache
def _read_app(directory: Path, _changed: int) -> _App:
    files = {}
    for path in sorted(directory.rglob("*")):
        media_type = _MEDIA_TYPES.get(path.suffix)
        if media_type is not None and path.is_file():
            files[path.relative_to(directory).as_posix()] = _read_file(path, media_type)
    return _App(files)


def _read_file(path: Path, media_type: str) -> _File:
    plain = path.read_bytes()
    coded = {
        coding: other.read_bytes()
        for coding, ending in _CODINGS
        if (other := path.with_name(path.name + ending)).is_file()
    }
    # Weak: the same file in each coding, though not the same bytes.
    return _File(media_type, plain, coded, f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"')


def _answer_not_built(name: str) -> Response:
    page = Template(load_text("not_built.html")).substitute(app=escape(name))
    response = answer_page(page, language="en")
    response.status_code = 503
    response.headers["Cache-Control"] = "no-store"
    return response
