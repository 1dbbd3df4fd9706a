"""The facts a payment code carries: pure, frozen, without any reading or writing of their own."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from huitong.kernel.money import Money


@dataclass(frozen=True, slots=True)
class DataObject:
    """One tag-length-value unit of a payload; the length is that of `value`, in characters."""

    id: str
    value: str


class PointOfInitiation(StrEnum):
    """Whether a code may be paid many times (a sticker) or stands for one order (a screen)."""

    STATIC = "11"
    DYNAMIC = "12"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalData:
    """Template 62: what the shop's own books need to recognise the payment.

    The value `***` in a label asks the wallet to let the payer type it. `other` holds the
    sub-objects 10 to 99, which belong to the standard's future and to payment systems.
    """

    bill_number: str | None = None
    mobile_number: str | None = None
    store_label: str | None = None
    loyalty_number: str | None = None
    reference_label: str | None = None
    customer_label: str | None = None
    terminal_label: str | None = None
    purpose: str | None = None
    consumer_data_request: str | None = None
    other: tuple[DataObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalizedMerchant:
    """Template 64: the merchant's name and city as its customers write them (最佳运输, 北京)."""

    name: str
    city: str | None = None
    language: str = "ZH"
    other: tuple[DataObject, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantPayload:
    """Everything in one EMVCo merchant-presented code.

    `merchant_accounts` are the objects 02 to 51 and `other` those that have no field here; both
    are kept in the order of their ids, which makes equal payloads equal texts. `initiation` is
    None in codes of others that leave it out.
    """

    initiation: PointOfInitiation | None
    merchant_accounts: tuple[DataObject, ...]
    merchant_category_code: str
    currency: str
    merchant_name: str
    merchant_city: str
    amount: Money | None = None
    country: str = "CN"
    postal_code: str | None = None
    additional: AdditionalData | None = None
    localized: LocalizedMerchant | None = None
    other: tuple[DataObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn code, ready to be the body of an HTTP answer; it is square."""

    media_type: str
    content: bytes = field(repr=False)
    side_pixels: int


@dataclass(frozen=True, slots=True)
class CustomerCode:
    """A one-time code that a payer shows at a till.

    Whoever holds `text` can take money until `expires_at`, so it is left out of the `repr` that
    ends up in logs; only `digest` (SHA-256, 32 bytes) may be stored.
    """

    text: str = field(repr=False)
    digest: bytes
    expires_at: datetime
