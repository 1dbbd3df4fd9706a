"""What we ask of a channel, one protocol for each kind. Only bank transfers have a client so far.

Whatever the kind, these are its promises: it knows each order by our id and does it at most once,
however often it is sent, and no answer is no statement about what it did (`ChannelFault`). A yes
and a no should be for ever; where a channel takes one back the house keeps a break.
"""

from dataclasses import dataclass
from typing import Protocol

from huitong.kernel.money import Money
from huitong.payments.channels.types import ChannelAnswer
from huitong.payments.types import ChannelOrder


class Channelled(Protocol):
    """What every kind of channel can be asked."""

    async def query(self, order: ChannelOrder) -> ChannelAnswer:
        """Ask what became of an order; raises ChannelFault if the answer is not known."""
        ...


class BankChannel(Channelled, Protocol):
    """A way to a bank: credit transfers out, and debits in that the customer agreed to."""

    async def submit(self, order: ChannelOrder) -> ChannelAnswer:
        """Send an order, for the first time or again; raises ChannelFault."""
        ...


class CardAcquirer(Channelled, Protocol):
    """A way to card schemes: money is reserved on a card and captured later, all or part.

    `card_token` stands for the card at the acquirer: numbers of cards never come here.
    """

    async def authorise(self, order: ChannelOrder, *, card_token: str) -> ChannelAnswer:
        """Reserve the order's amount; raises ChannelFault."""
        ...

    async def capture(self, order: ChannelOrder, *, amount: Money) -> ChannelAnswer:
        """Take what was reserved, at most all of it; raises ChannelFault."""
        ...

    async def void(self, order: ChannelOrder) -> ChannelAnswer:
        """Give back what was reserved and not taken; raises ChannelFault."""
        ...


@dataclass(frozen=True, slots=True)
class WalletCode:
    """The text of a QR code that a wallet made for an order."""

    text: str


class WalletQr(Channelled, Protocol):
    """A way to a wallet: its app shows or reads a code."""

    async def create_code(self, order: ChannelOrder) -> WalletCode:
        """Return a code that the payer's wallet reads; raises ChannelFault."""
        ...

    async def charge_code(self, order: ChannelOrder, *, shown: str) -> ChannelAnswer:
        """Take the amount from the wallet that shows this one-time code; raises ChannelFault."""
        ...


class CrossBorderChannel(Channelled, Protocol):
    """A way abroad: a message of its own standard, followed by its UETR."""

    async def submit(self, order: ChannelOrder, *, message: bytes, uetr: str) -> ChannelAnswer:
        """Send a message (ISO 20022 XML) for an order; raises ChannelFault."""
        ...
