"""A simulated channel calls back: signed, and sometimes twice, late, wrong or not at all."""

import asyncio
import ssl
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from huitong.kernel.clock import Clock
from huitong.kernel.logs import get_logger
from huitong.kernel.trust import load_trust
from huitong.payments.channels.limits import SIMULATED_CALLBACKS_AT_ONCE_MAX
from huitong.payments.channels.simulator.faults import FaultKind, Faults
from huitong.payments.channels.webhooks import sign

_PAUSES: Final = (0.5, 2.0, 8.0)
_TIMEOUT_SECONDS: Final = 5.0
_FORGED: Final = b"forged " * 4
_SERVER_ERROR: Final = 500
_log = get_logger(__name__)

Describe = Callable[[], dict[str, Any]]


class Caller:
    """Who calls the house about the orders of one channel."""

    def __init__(
        self,
        url: str,
        channel: str,
        secret: bytes,
        *,
        clock: Clock,
        faults: Faults,
        authority: Path | None = None,
    ) -> None:
        """Prepare to call `url`/`channel`; nothing connects before the first call.

        Over TLS certificates of `authority` (a PEM file) are trusted, and no others; without one
        those that everybody trusts.
        """
        self._authority = authority
        self._context: ssl.SSLContext | None = None
        self._url, self._path, self._secret = url, f"/{channel}", secret
        self._clock, self._faults = clock, faults
        self._tasks: set[asyncio.Task[None]] = set()

    def schedule(self, describe: Describe, *, seconds: float) -> None:
        """Call in `seconds` with what `describe` says then."""
        if len(self._tasks) >= SIMULATED_CALLBACKS_AT_ONCE_MAX:
            # A lost callback must do no harm, so this one may be lost as well as any other.
            return
        task = asyncio.create_task(self._call(describe, seconds))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, describe: Describe, seconds: float) -> None:
        await asyncio.sleep(seconds)
        fault = self._faults.take("callback")
        kind = None if fault is None else fault.kind
        body = msgspec.json.encode(describe())
        if kind in (FaultKind.LOST_ANSWER, FaultKind.LOST_REQUEST):
            return
        if kind is FaultKind.NONSENSE:
            body = b"\x00nonsense"
        if kind is FaultKind.WRONG_AMOUNT:
            body = msgspec.json.encode(
                describe() | {"amount": {"amount": "0.01", "currency": "CNY"}}
            )
        if fault is not None and kind is FaultKind.DELAY:
            await asyncio.sleep(fault.seconds)
        message_id = uuid.uuid4().hex
        secret = _FORGED if kind is FaultKind.ERROR else self._secret
        try:
            verify = self._trust()
        except OSError as error:
            # As good as a callback that is lost: the house asks by itself.
            _log.warning("callback_authority_unreadable", reason=type(error).__name__)
            return
        async with httpx.AsyncClient(
            base_url=self._url, timeout=_TIMEOUT_SECONDS, verify=verify
        ) as client:
            for _ in range(2 if kind is FaultKind.DUPLICATE else 1):
                await self._send(client, secret, message_id, body)

    def _trust(self) -> ssl.SSLContext:
        """Return what says whom to trust; read at the first call, when the file is there."""
        if self._authority is None:
            return load_trust()
        if self._context is None:
            self._context = ssl.create_default_context(cafile=str(self._authority))
        return self._context

    async def _send(
        self, client: httpx.AsyncClient, secret: bytes, message_id: str, body: bytes
    ) -> None:
        for pause in (*_PAUSES, None):
            headers = sign(secret, message_id=message_id, at=self._clock.now(), body=body)
            try:
                answer = await client.post(
                    self._path,
                    content=body,
                    headers={**headers, "content-type": "application/json"},
                )
            except httpx.HTTPError:
                status = _SERVER_ERROR
            else:
                status = answer.status_code
            if status < _SERVER_ERROR or pause is None:
                _log.info("callback_sent", status=status)
                return
            await asyncio.sleep(pause)
