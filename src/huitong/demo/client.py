"""A caller of the HTTP API as every caller should be: it names its requests, and asks again.

Nothing here knows the platform from inside; what the demo does, a partner's program could do.
"""

import ssl
import time
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self

import httpx

from huitong.kernel.errors import Fault
from huitong.kernel.trust import load_trust

_REQUEST_SECONDS_MAX: Final = 15.0
_PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.25


class PlatformAway(Fault):
    """The platform doesn't answer."""

    code = "platform_away"
    title = "The platform does not answer"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `content` as bytes, because two answers to one key must be alike."""

    status: int
    content: bytes
    body: Any

    @property
    def is_success(self) -> bool:
        """Whether the platform did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def code(self) -> str | None:
        """The stable code of the problem, if this is one."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class Client:
    """Calls one platform with one API key or session, or as a stranger with none."""

    def __init__(
        self,
        url: str,
        secret: str | None,
        *,
        address: str | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare to call the platform at `url`; `context` says whom TLS trusts.

        `address` is from where the call seems to come to a platform that trusts us as its proxy.
        """
        self.calls = 0
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        if address is not None:
            headers["X-Forwarded-For"] = address
        self._http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=_REQUEST_SECONDS_MAX,
            trust_env=False,
            verify=load_trust() if context is None else context,
        )

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Answer:
        """Ask for something to be done, under `key` or a new one; raises PlatformAway.

        While the platform is away it is asked again with the same key, which is what makes it safe.
        """
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return self._ask("POST", path, headers=headers, json=body or {})

    def send_file(self, path: str, content: bytes, media_type: str, **query: str | int) -> Answer:
        """Send a file as it is, under a new key; raises PlatformAway."""
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": media_type}
        return self._ask("POST", path, headers=headers, content=content, params=query)

    def put(self, path: str, body: dict[str, Any]) -> Answer:
        """Set something, which may safely be done again; raises PlatformAway."""
        return self._ask("PUT", path, json=body)

    def get(self, path: str, **query: str | int) -> Answer:
        """Read something; raises PlatformAway."""
        return self._ask("GET", path, params=query)

    def _ask(self, method: str, path: str, **arguments: Any) -> Answer:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            self.calls += 1
            try:
                found = self._http.request(method, path, **arguments)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
            else:
                if found.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return Answer(found.status_code, found.content, _read(found))
                reason = found.text
            if time.monotonic() >= deadline:
                raise PlatformAway(f"{self._http.base_url} does not answer: {reason}")
            time.sleep(_PAUSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _read(found: httpx.Response) -> Any:
    is_json = "json" in found.headers.get("content-type", "")
    return found.json() if is_json else None
