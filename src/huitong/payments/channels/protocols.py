"""What we ask of a channel, one protocol for each kind; `http_bank` and `http_kinds` are clients.

Whatever the kind, these are its promises: it knows each order by our id and does it at most once,
however often it is sent, and no answer is no statement about what it did (`ChannelFault`). A yes
and a no should be for ever; where a channel takes one back the house keeps a break.
"""

import uuid
from typing import Protocol

from huitong.payments.channels.types import ChannelAnswer, ChannelRefund
from huitong.payments.types import ChannelOrder


class Channelled(Protocol):
    """What every kind of channel can be asked."""

    async def query(self, order: ChannelOrder) -> ChannelAnswer:
        """Ask what became of an order; raises ChannelFault if the answer is not known."""
        ...


class BankChannel(Channelled, Protocol):
    """A way to a bank: credit transfers out, and debits in that the customer agreed to.

    A transfer to the order's `payee` reaches that account in that name, or fails.
    """

    async def submit(self, order: ChannelOrder) -> ChannelAnswer:
        """Send an order, for the first time or again; raises ChannelFault."""
        ...


class Refunding(Protocol):
    """A channel that gives back what it brought in."""

    async def refund(self, refund: ChannelRefund) -> ChannelAnswer:
        """Give back all or part of an order, once for each refund; raises ChannelFault."""
        ...

    async def query_refund(self, refund: ChannelRefund) -> ChannelAnswer:
        """Ask what became of a refund; raises ChannelFault."""
        ...


class CardAcquirer(BankChannel, Refunding, Protocol):
    """A way to card schemes: money is reserved on a card and captured at once or later.

    The order's `instrument` is the acquirer's token of the card: numbers of cards never come here.
    """

    async def authorise(self, order: ChannelOrder) -> ChannelAnswer:
        """Reserve the order's amount; raises ChannelFault."""
        ...

    async def capture(self, order: ChannelOrder) -> ChannelAnswer:
        """Take what was reserved; raises ChannelFault."""
        ...

    async def void(self, order: ChannelOrder) -> ChannelAnswer:
        """Give back what was reserved and not taken; raises ChannelFault."""
        ...


class WalletQr(BankChannel, Refunding, Protocol):
    """A way to a wallet: `submit` charges the one-time code that its app showed (`instrument`)."""


class CrossBorderChannel(Channelled, Protocol):
    """A way abroad: a message of its own standard, followed by its UETR."""

    async def send(self, order: ChannelOrder, *, message: bytes, uetr: uuid.UUID) -> ChannelAnswer:
        """Send a message (pacs.008 in XML) for an order; raises ChannelFault."""
        ...

    async def report(self, message_id: uuid.UUID, *, message: bytes) -> None:
        """Hand over a message that moves nothing (pacs.002 in XML), once; raises ChannelFault."""
        ...

    async def query_uetr(self, order: ChannelOrder, *, uetr: uuid.UUID) -> ChannelAnswer:
        """Ask what became of the payment with this UETR; raises ChannelFault."""
        ...
