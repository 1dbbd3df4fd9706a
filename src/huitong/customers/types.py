"""Who pays and who is paid: customers with a payment account, merchants with a payable account."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from huitong.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A person with a payment account, whose class (1, 2 or 3) decides how much it may pay.

    Name and mobile number are sealed; `show_people` shows them masked. They are None for a row
    that a process of the version before wrote, until `seal_plain_customers` has sealed it.
    """

    id: uuid.UUID
    sealed_name: bytes | None = field(repr=False)
    sealed_mobile: bytes | None = field(repr=False)
    account_class: int
    account_id: int
    currency: str
    opened_at: datetime
    closed_at: datetime | None = None
    #: What the customer may do alone: `full`, `limited` or `none` (see `Capacity`).
    capacity: str = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPerson:
    """A customer's name and mobile number, masked; None where the data was destroyed."""

    name: str | None
    mobile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A business that is paid; `account_id` is what we owe it until settlement.

    The Latin name and city are those that fit a payment code. `fee_max` is the most that one
    payment may cost it, None for no cap.
    """

    id: uuid.UUID
    name: str
    name_latin: str
    city_latin: str
    category_code: str
    fee_rate: Decimal
    fee_max: Money | None
    account_id: int
    currency: str
    opened_at: datetime
