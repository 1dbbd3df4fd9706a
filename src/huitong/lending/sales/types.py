"""What a sale of loans is."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSale:
    """A sale that is asked for: loans to a partner at a share of what is owed of them.

    `price_share` and `fee_share`, what we keep of the buyer's interest for servicing, are
    millionths. `promises_buy_back` says whether the contract promises one, openly or not.
    """

    buyer: str
    loans: tuple[uuid.UUID, ...]
    price_share: int
    fee_share: int
    promises_buy_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBuyBack:
    """Loans of a sale that are bought back, at a share of what is owed of them then."""

    sale_id: uuid.UUID
    loans: tuple[uuid.UUID, ...]
    price_share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleQuote:
    """What a sale or buy-back would come to today, in minor units.

    `owed` is principal, interest on our books, penalties and fees; `provision` what we had set
    aside for it. The gain is the price less the carrying amount, owed less provision.
    """

    currency: str
    loans: int
    owed: int
    provision: int
    price: int

    @property
    def gain(self) -> int:
        """Return the gain of a seller, below zero a loss."""
        return self.price - (self.owed - self.provision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """A portfolio that was sold."""

    id: uuid.UUID
    buyer: str
    currency: str
    day: date
    price_share: int
    loans: int
    owed: int
    provision: int
    price: int
    entry_id: uuid.UUID
    sold_at: datetime

    @property
    def gain(self) -> int:
        """Return what we gained, below zero what we lost."""
        return self.price - (self.owed - self.provision)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoldLoan:
    """A loan of a sale, as it was sold, and when and for how much it was bought back."""

    loan_id: uuid.UUID
    principal: int
    owed: int
    provision: int
    price: int
    bought_back_on: date | None
    bought_back_for: int | None
