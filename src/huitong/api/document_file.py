"""`/openapi.json`: the OpenAPI document as a file, made once for each process.

Making it takes a second or two, so a thread does it and payments go on meanwhile; after that an
answer is bytes that lie ready, as they are or compressed to a twentieth.
"""

import asyncio
import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

_MEDIA_TYPE: Final = "application/json"


@dataclass(frozen=True, slots=True)
class _File:
    plain: bytes
    zipped: bytes
    tag: str


class DocumentFile:
    """One document, encoded when it is first asked for, by however many at once."""

    def __init__(self) -> None:
        """Begin without a document."""
        self._lock = threading.Lock()
        self._file: _File | None = None

    async def answer(self, request: Request, build: Callable[[], Mapping[str, Any]]) -> Response:
        """Answer with the document that `build` makes, or with 304 if the caller has it."""
        file = self._file
        if file is None:
            file = await asyncio.to_thread(self._load, build)
        headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        codings = request.headers.get("accept-encoding", "").split(",")
        if any(coding.strip().lower() == "gzip" for coding in codings):
            headers["Content-Encoding"] = "gzip"
            return Response(file.zipped, media_type=_MEDIA_TYPE, headers=headers)
        return Response(file.plain, media_type=_MEDIA_TYPE, headers=headers)

    def _load(self, build: Callable[[], Mapping[str, Any]]) -> _File:
        with self._lock:
            if self._file is None:
                text = json.dumps(build(), ensure_ascii=False, separators=(",", ":"))
                plain = text.encode()
                # A weak tag: both forms are the same document, though not the same bytes.
                tag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'
                self._file = _File(plain, gzip.compress(plain, mtime=0), tag)
            return self._file
