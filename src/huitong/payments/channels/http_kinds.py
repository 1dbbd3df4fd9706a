"""The clients of card acquirers, wallets and channels across borders over HTTP."""

import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from huitong.payments.channels.errors import ChannelFault
from huitong.payments.channels.http_bank import Answered, HttpBankChannel, HttpChannel
from huitong.payments.channels.types import ChannelAnswer, ChannelRefund, ChannelVerdict
from huitong.payments.types import ChannelKind, ChannelOrder

_XML: Final = "application/xml"
_AUTHORISED: Final = "authorised"


class HttpCardAcquirer(HttpChannel):
    """An acquirer of cards; an order's `instrument` is the acquirer's token of the card."""

    async def authorise(self, order: ChannelOrder) -> ChannelAnswer:
        """Reserve the order's amount on the card; raises ChannelFault."""
        return (await self._authorise(order)).judge()

    async def capture(self, order: ChannelOrder) -> ChannelAnswer:
        """Take what was reserved, once; raises ChannelFault."""
        return (await self._ask("POST", order, path="/capture")).judge()

    async def void(self, order: ChannelOrder) -> ChannelAnswer:
        """Give back what was reserved and not taken; the order has failed then.

        Raises ChannelFault, also if it was captured.
        """
        return (await self._ask("POST", order, path="/void")).judge()

    async def submit(self, order: ChannelOrder) -> ChannelAnswer:
        """Authorise and capture at once, for the first time or again; raises ChannelFault."""
        return await self._capture_if_authorised(order, await self._authorise(order))

    async def query(self, order: ChannelOrder) -> ChannelAnswer:
        """Ask what became of an order, and capture it if that was not heard of any more.

        Raises ChannelFault.
        """
        return await self._capture_if_authorised(order, await self._ask("GET", order))

    async def refund(self, refund: ChannelRefund) -> ChannelAnswer:
        """Give back all or part of a captured order, once for each refund; raises ChannelFault."""
        return await self._give_back(refund)

    async def query_refund(self, refund: ChannelRefund) -> ChannelAnswer:
        """Ask what became of a refund; raises ChannelFault."""
        return await self._query_refund(refund)

    async def _authorise(self, order: ChannelOrder) -> Answered:
        body = {
            "direction": order.direction.value,
            "amount": order.amount.to_json(),
            "card_token": order.instrument,
        }
        return await self._ask("PUT", order, json=body)

    async def _capture_if_authorised(self, order: ChannelOrder, answer: Answered) -> ChannelAnswer:
        if answer.state is ChannelVerdict.ACCEPTED and answer.stage == _AUTHORISED:
            return await self.capture(order)
        return answer.judge()


class HttpWalletQr(HttpChannel):
    """A wallet; an order's `instrument` is the one-time code that its app showed."""

    async def submit(self, order: ChannelOrder) -> ChannelAnswer:
        """Take the amount from the wallet that showed the code; raises ChannelFault."""
        body = {
            "direction": order.direction.value,
            "amount": order.amount.to_json(),
            "code": order.instrument,
        }
        return (await self._ask("PUT", order, json=body)).judge()

    async def refund(self, refund: ChannelRefund) -> ChannelAnswer:
        """Give back all or part of a payment, once for each refund; raises ChannelFault."""
        return await self._give_back(refund)

    async def query_refund(self, refund: ChannelRefund) -> ChannelAnswer:
        """Ask what became of a refund; raises ChannelFault."""
        return await self._query_refund(refund)


class HttpCrossBorderChannel(HttpChannel):
    """A way abroad that takes pacs.008 and follows it by its UETR."""

    async def send(self, order: ChannelOrder, *, message: bytes, uetr: uuid.UUID) -> ChannelAnswer:
        """Send a pacs.008 for an order, for the first time or again; raises ChannelFault."""
        headers = {"content-type": _XML, "x-uetr": str(uetr)}
        answer = await self._ask("PUT", order, content=message, headers=headers)
        return _check_uetr(answer, uetr)

    async def report(self, message_id: uuid.UUID, *, message: bytes) -> None:
        """Hand over a message that moves nothing, such as a pacs.002; the channel keeps it once.

        Raises ChannelFault.
        """
        path = f"/messages/{message_id.hex}"
        answer = await self._deliver(path, content=message, headers={"content-type": _XML})
        if answer.id != message_id.hex or answer.state is not ChannelVerdict.SUCCEEDED:
            raise ChannelFault("the message was not taken")

    async def query_uetr(self, order: ChannelOrder, *, uetr: uuid.UUID) -> ChannelAnswer:
        """Ask what became of a payment, and that it is the one with this UETR.

        Raises ChannelFault.
        """
        return _check_uetr(await self._ask("GET", order), uetr)


def _check_uetr(answer: Answered, uetr: uuid.UUID) -> ChannelAnswer:
    if answer.state is not ChannelVerdict.UNKNOWN and answer.uetr != str(uetr):
        raise ChannelFault("the channel follows another payment under this id", retryable=False)
    return answer.judge()


#: The clients that orders of customers are settled with, by kind.
SETTLING: Final[Mapping[ChannelKind, type[HttpBankChannel | HttpCardAcquirer | HttpWalletQr]]] = (
    MappingProxyType(
        {
            ChannelKind.BANK_TRANSFER: HttpBankChannel,
            ChannelKind.CARD_ACQUIRING: HttpCardAcquirer,
            ChannelKind.WALLET_QR: HttpWalletQr,
        }
    )
)
