"""The client of a credit bureau that speaks HTTP: signed, bounded, asked once more, never raising.

Whatever goes wrong outside is an answer UNAVAILABLE with its trouble. The same request id gets the
same answer at the bureau, and counts as one enquiry.
"""

import uuid
from typing import Final, Self

import anyio
import httpx
import msgspec

from huitong.kernel import signing
from huitong.kernel.clock import Clock
from huitong.kernel.trust import load_trust
from huitong.lending.bureau import limits
from huitong.lending.bureau.types import Answer, Question, Report, Trouble, Verdict

PATH: Final = "/v1/reports"
_OK: Final = 200
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429


class Reply(msgspec.Struct, kw_only=True):
    """What the bureau sends."""

    request_id: str
    verdict: Verdict
    report: Report | None = None


class _Failure(Exception):
    """One attempt gave nothing that can be used."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class HttpBureau:
    """A bureau at an address: the simulator, or a gateway to the real one; a `CreditBureau`."""

    def __init__(
        self,
        base_url: str,
        *,
        secret: bytes,
        clock: Clock,
        timeout_seconds: float = limits.TIMEOUT_SECONDS_MAX,
    ) -> None:
        """Prepare a client; nothing connects before the first question."""
        assert secret, "an empty secret signs for anybody"
        self._secret = secret
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(
            base_url=base_url, verify=load_trust(), timeout=timeout_seconds
        )

    async def ask(self, question: Question, *, request_id: uuid.UUID) -> Answer:
        """Return the report of a person, or why there is none."""
        content = msgspec.json.encode(
            {
                "name": question.name,
                "id_number": question.id_number,
                "consent": question.consent,
                "reason": question.reason.value,
            }
        )
        trouble = Trouble.REFUSED
        for attempt in range(1, limits.ATTEMPTS_MAX + 1):
            try:
                reply = await self._try(content, request_id)
            except _Failure as failure:
                trouble = failure.trouble
                if trouble is Trouble.REFUSED:
                    break
            else:
                return Answer(
                    request_id=request_id,
                    verdict=reply.verdict,
                    report=reply.report,
                    attempts=attempt,
                )
        return Answer(
            request_id=request_id, verdict=Verdict.UNAVAILABLE, trouble=trouble, attempts=attempt
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _try(self, content: bytes, request_id: uuid.UUID) -> Reply:
        time = int(self._clock.now().timestamp())
        headers = {
            "content-type": "application/json",
            signing.TIME_HEADER: str(time),
            signing.REQUEST_HEADER: request_id.hex,
            signing.SIGNATURE_HEADER: signing.sign_request(
                self._secret,
                method="POST",
                path=PATH,
                time=time,
                request_id=request_id,
                body=content,
            ),
        }
        try:
            # Over the whole exchange: the client's own limit starts anew with every byte.
            with anyio.fail_after(self._timeout_seconds):
                status, signed, received = await self._send(content, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _Failure(Trouble.TIMED_OUT) from error
        except httpx.TransportError as error:
            is_connecting = isinstance(error, httpx.ConnectError)
            raise _Failure(Trouble.UNREACHABLE if is_connecting else Trouble.BROKEN) from error
        return self._read(request_id, status, signed, received)

    async def _send(self, content: bytes, headers: dict[str, str]) -> tuple[int, str | None, bytes]:
        async with self._client.stream("POST", PATH, content=content, headers=headers) as response:
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > limits.ANSWER_BYTES_MAX:
                    raise _Failure(Trouble.MEANINGLESS)
            signed = response.headers.get(signing.SIGNATURE_HEADER)
            return response.status_code, signed, bytes(received)

    def _read(
        self, request_id: uuid.UUID, status: int, signed: str | None, received: bytes
    ) -> Reply:
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            raise _Failure(Trouble.BROKEN)
        if status != _OK:
            raise _Failure(Trouble.REFUSED)
        expected = signing.sign_answer(
            self._secret, status=status, request_id=request_id, body=received
        )
        if not signing.is_same(signed, expected):
            raise _Failure(Trouble.NOT_AUTHENTIC)
        try:
            reply = msgspec.json.decode(received, type=Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _Failure(Trouble.MEANINGLESS) from error
        if reply.request_id != request_id.hex:
            raise _Failure(Trouble.OTHER_REQUEST)
        is_found = reply.verdict is Verdict.FOUND
        if reply.verdict is Verdict.UNAVAILABLE or is_found != (reply.report is not None):
            raise _Failure(Trouble.MEANINGLESS)
        if len(msgspec.json.encode(reply.report)) > limits.REPORT_BYTES_MAX:
            raise _Failure(Trouble.MEANINGLESS)
        return reply
