"""The client of a registry that speaks HTTP: signed, bounded, asked once more, never raising.

No database transaction may be open while it asks. Whatever goes wrong outside is an answer
UNAVAILABLE with its trouble; the caller decides whether to ask again later, with the same id.
"""

import base64
import uuid
from typing import Final, Self

import anyio
import httpx
import msgspec

from huitong.customers.checks.types import (
    REFERENCE_SHAPE,
    RESIDENT_ID,
    SHARE_SHAPE,
    BankCardQuestion,
    BusinessFacts,
    BusinessQuestion,
    CheckAnswer,
    CheckKind,
    CheckVerdict,
    IdentityQuestion,
    LivenessQuestion,
    MobileQuestion,
    Trouble,
)
from huitong.kernel import limits, signing
from huitong.kernel.clock import Clock
from huitong.kernel.trust import load_trust

_OK: Final = 200
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429
#: What will not pass by asking at once again.
_LASTING: Final = frozenset({Trouble.REFUSED})


class _Answer(msgspec.Struct):
    request_id: str
    kind: CheckKind
    verdict: CheckVerdict
    reference: str
    business: BusinessFacts | None = None


class _Failure(Exception):
    """One attempt gave nothing that can be used."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble


class HttpRegistry:
    """All checks at one address: the simulator's, or that of a gateway to the real registries."""

    def __init__(
        self,
        base_url: str,
        *,
        secret: bytes,
        clock: Clock,
        timeout_seconds: float = limits.REGISTRY_TIMEOUT_SECONDS_MAX,
    ) -> None:
        """Prepare a client; nothing connects before the first question."""
        assert secret, "an empty secret signs for anybody"
        self._secret = secret
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._client = httpx.AsyncClient(
            base_url=base_url, timeout=timeout_seconds, verify=load_trust()
        )

    async def check_identity(
        self, question: IdentityQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask whether name and number belong together, and the photo if there is one."""
        body = {"name": question.name, "id_number": question.id_number}
        if question.photo is not None:
            body["photo"] = base64.b64encode(question.photo).decode()
        return await self._ask(CheckKind.IDENTITY, body, request_id)

    async def check_bank_card(
        self, question: BankCardQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask whether a card and its holder belong together, with two, three or four elements."""
        body = {"card_number": question.card_number, "name": question.name}
        if question.id_number is not None:
            body["id_number"] = question.id_number
        if question.mobile is not None:
            body["mobile"] = question.mobile
        _add_kind(body, question.id_kind)
        return await self._ask(CheckKind.BANK_CARD, body, request_id)

    async def check_mobile(self, question: MobileQuestion, *, request_id: uuid.UUID) -> CheckAnswer:
        """Ask whether a mobile number is the person's."""
        body = {
            "mobile": question.mobile,
            "name": question.name,
            "id_number": question.id_number,
        }
        _add_kind(body, question.id_kind)
        return await self._ask(CheckKind.MOBILE, body, request_id)

    async def check_liveness(
        self, question: LivenessQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask whether a picture was taken of somebody who was there."""
        body = {"picture": base64.b64encode(question.picture).decode()}
        return await self._ask(CheckKind.LIVENESS, body, request_id)

    async def check_business(
        self, question: BusinessQuestion, *, request_id: uuid.UUID
    ) -> CheckAnswer:
        """Ask what the business register knows of a company."""
        body = {"credit_code": question.credit_code}
        if question.name is not None:
            body["name"] = question.name
        if question.legal_representative is not None:
            body["legal_representative"] = question.legal_representative
        return await self._ask(CheckKind.BUSINESS, body, request_id)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(
        self, kind: CheckKind, body: dict[str, str], request_id: uuid.UUID
    ) -> CheckAnswer:
        content = msgspec.json.encode(body)
        trouble = Trouble.REFUSED
        attempt = 0
        # A question that the registry would not take is not sent at all.
        while len(content) <= limits.REGISTRY_REQUEST_BYTES_MAX:
            attempt += 1
            try:
                answer = await self._try(kind, content, request_id)
                return CheckAnswer(
                    request_id=request_id,
                    kind=kind,
                    verdict=answer.verdict,
                    reference=answer.reference,
                    attempts=attempt,
                    business=answer.business,
                )
            except _Failure as failure:
                trouble = failure.trouble
            if trouble in _LASTING or attempt >= limits.REGISTRY_ATTEMPTS_MAX:
                break
        return CheckAnswer(
            request_id=request_id,
            kind=kind,
            verdict=CheckVerdict.UNAVAILABLE,
            trouble=trouble,
            attempts=attempt,
        )

    async def _try(self, kind: CheckKind, content: bytes, request_id: uuid.UUID) -> _Answer:
        path = f"/v1/checks/{kind.value}"
        time = int(self._clock.now().timestamp())
        signature = signing.sign_request(
            self._secret, method="POST", path=path, time=time, request_id=request_id, body=content
        )
        headers = {
            "content-type": "application/json",
            signing.TIME_HEADER: str(time),
            signing.REQUEST_HEADER: request_id.hex,
            signing.SIGNATURE_HEADER: signature,
        }
        try:
            # Over the whole exchange: httpx's own limit starts anew with every byte that trickles.
            # And with anyio, as asyncio's own cancelling leaves the connection in use for ever.
            with anyio.fail_after(self._timeout_seconds):
                status, signed, received = await self._send(path, content, headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _Failure(Trouble.TIMED_OUT) from error
        except httpx.TransportError as error:
            is_connecting = isinstance(error, httpx.ConnectError)
            raise _Failure(Trouble.UNREACHABLE if is_connecting else Trouble.BROKEN) from error
        return self._read(kind, request_id, status, signed, received)

    async def _send(
        self, path: str, content: bytes, headers: dict[str, str]
    ) -> tuple[int, str | None, bytes]:
        async with self._client.stream("POST", path, content=content, headers=headers) as response:
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > limits.REGISTRY_ANSWER_BYTES_MAX:
                    raise _Failure(Trouble.MEANINGLESS)
            signed = response.headers.get(signing.SIGNATURE_HEADER)
            return response.status_code, signed, bytes(received)

    def _read(
        self,
        kind: CheckKind,
        request_id: uuid.UUID,
        status: int,
        signed: str | None,
        received: bytes,
    ) -> _Answer:
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
            answer = msgspec.json.decode(received, type=_Answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _Failure(Trouble.MEANINGLESS) from error
        if answer.request_id != request_id.hex or answer.kind is not kind:
            raise _Failure(Trouble.OTHER_REQUEST)
        is_verdict = answer.verdict is not CheckVerdict.UNAVAILABLE
        if not (is_verdict and REFERENCE_SHAPE.fullmatch(answer.reference)):
            raise _Failure(Trouble.MEANINGLESS)
        if not _is_business_usable(answer):
            raise _Failure(Trouble.MEANINGLESS)
        return answer


def _is_business_usable(answer: _Answer) -> bool:
    """Whether facts about a company come with a company that was found, and only then, and fit."""
    is_wanted = answer.kind is CheckKind.BUSINESS and answer.verdict is not CheckVerdict.NOT_FOUND
    if answer.business is None or not is_wanted:
        return not is_wanted and answer.business is None
    holders = answer.business.shareholders or ()
    return len(holders) <= limits.OWNERSHIP_STAKES_MAX and all(
        SHARE_SHAPE.fullmatch(each.share) and 1 <= len(each.name) <= limits.NAME_LENGTH_MAX
        for each in holders
    )


def _add_kind(body: dict[str, str], id_kind: str) -> None:
    # Left out for cards, so that gateways of the first protocol go on working.
    if id_kind != RESIDENT_ID:
        body["id_kind"] = id_kind
