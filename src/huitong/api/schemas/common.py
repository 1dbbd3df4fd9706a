"""The parts that all bodies and views are made of: money, ids, instants, pages."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, Generic, TypeVar

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from huitong.kernel import ids, limits
from huitong.kernel.money import Money

Item = TypeVar("Item")

#: Written without \d and \s, whose meaning differs between the engines that read a schema.
AMOUNT_PATTERN: Final = r"^(0|[1-9][0-9]{0,18})(\.[0-9]{1,4})?$"
CURRENCY_PATTERN: Final = "^[A-Z]{3}$"
MOBILE_PATTERN: Final = "^1[3-9][0-9]{9}$"
ACCOUNT_PATTERN: Final = "^acct_[1-9][0-9]{2,17}$"
_EXAMPLE_HEX: Final = "0199c0a95d0b7c3e8f6f0d6f1a2b3c4d"
_DAY_SHAPE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT_SHAPE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class Body(BaseModel):
    """What a caller sends: exactly the documented members, of exactly the documented types."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, frozen=True)


class View(BaseModel):
    """What we answer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class NoBody(Body):
    """A command that needs nothing more than its path: `{}`."""


class MoneyBody(Body):
    """An amount of money: a decimal text, so that no program on the way rounds it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": "10.50", "currency": "CNY"}]}
    )

    amount: str = Field(
        pattern=AMOUNT_PATTERN,
        max_length=limits.AMOUNT_TEXT_LENGTH_MAX,
        description="Plain digits, with at most as many decimals as the currency has.",
    )
    currency: str = Field(pattern=CURRENCY_PATTERN, description="ISO 4217.")

    def read(self, field: str = "amount") -> Money:
        """Return the amount; raises InvalidField with the member at fault."""
        return Money.from_json({"amount": self.amount, "currency": self.currency}, field=field)


class MoneyView(View):
    """An amount of money."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"amount": "10.50", "currency": "CNY"}]}
    )

    amount: str = Field(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")
    currency: str = Field(pattern=CURRENCY_PATTERN)


def show_money(money: Money) -> MoneyView:
    """Return an amount as a view."""
    return MoneyView(**money.to_json())


def show_money_or_none(money: Money | None) -> MoneyView | None:
    """Return an amount as a view, or None."""
    return None if money is None else show_money(money)


class Page(View, Generic[Item]):
    """One page of a list."""

    data: list[Item]
    next_cursor: str | None = Field(description="Leads to the next page; null on the last one.")


def id_pattern(prefix: str) -> str:
    """Return the pattern of public ids with a prefix."""
    return f"^{prefix}_[0-9a-f]{{32}}$"


def example_id(prefix: str) -> str:
    """Return an id for examples."""
    return f"{prefix}_{_EXAMPLE_HEX}"


def _identifier(prefix: str) -> Any:
    return Field(pattern=id_pattern(prefix), examples=[example_id(prefix)])


def _in_path(prefix: str, what: str) -> Any:
    return Path(
        pattern=id_pattern(prefix), description=f"The {what}'s id.", examples=[example_id(prefix)]
    )


def check_printable(text: str) -> str:
    """Return the text; raises ValueError if it has characters that nobody can see."""
    # Control characters stand in no name; NUL is more than PostgreSQL can store.
    if not text.isprintable():
        raise ValueError("must not contain control characters")
    return text


def _read_instant(value: object) -> object:
    if isinstance(value, str) and _INSTANT_SHAPE.fullmatch(value) is None:
        raise ValueError("must be an instant with a time zone, like 2026-11-23T08:30:00Z")
    return value


def _parse_instant(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be an instant with a time zone, like 2026-11-23T08:30:00Z")
    _read_instant(value)
    return datetime.fromisoformat(value.upper())


def _read_day(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a day, like 2026-11-23")
    if _DAY_SHAPE.fullmatch(value) is None:
        raise ValueError("must be a day, like 2026-11-23")
    return date.fromisoformat(value)


def _to_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside the calendar") from None


AccountId = Annotated[str, Field(pattern=ACCOUNT_PATTERN, examples=["acct_100000000190"])]
AccountPath = Annotated[
    str,
    Path(
        pattern=ACCOUNT_PATTERN,
        description="The account's number, check digits included.",
        examples=["acct_100000000190"],
    ),
]
CustomerId = Annotated[str, _identifier(ids.CUSTOMER)]
CustomerPath = Annotated[str, _in_path(ids.CUSTOMER, "customer")]
ApplicationId = Annotated[str, _identifier(ids.APPLICATION)]
ApplicationPath = Annotated[str, _in_path(ids.APPLICATION, "application")]
MerchantId = Annotated[str, _identifier(ids.MERCHANT)]
TerminalId = Annotated[str, _identifier(ids.TERMINAL)]
MerchantPath = Annotated[str, _in_path(ids.MERCHANT, "merchant")]
PaymentId = Annotated[str, _identifier(ids.PAYMENT)]
PaymentPath = Annotated[str, _in_path(ids.PAYMENT, "payment order")]
RefundId = Annotated[str, _identifier(ids.REFUND)]
ShareId = Annotated[str, _identifier(ids.PROFIT_SHARE)]
CodeId = Annotated[str, _identifier(ids.CODE)]
CodePath = Annotated[str, _in_path(ids.CODE, "code")]
TransferId = Annotated[str, _identifier(ids.TRANSFER)]
TransferPath = Annotated[str, _in_path(ids.TRANSFER, "transfer")]
EntryId = Annotated[str, _identifier(ids.ENTRY)]
EntryPath = Annotated[str, _in_path(ids.ENTRY, "journal entry")]
Mobile = Annotated[
    str,
    Field(
        pattern=MOBILE_PATTERN,
        description="A mobile number of mainland China, 11 digits.",
        examples=["13800000001"],
    ),
]
Name = Annotated[
    str,
    Field(min_length=1, max_length=limits.NAME_LENGTH_MAX),
    AfterValidator(check_printable),
]
Reference = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.REFERENCE_LENGTH_MAX,
        description="Your own name for it; unique for each merchant.",
        examples=["order-2026-000123"],
    ),
    AfterValidator(check_printable),
]
Description = Annotated[
    str,
    Field(
        min_length=1,
        max_length=limits.DESCRIPTION_LENGTH_MAX,
        description="For people.",
        examples=["两杯拿铁"],
    ),
    AfterValidator(check_printable),
]
#: An instant of ours, in UTC.
Instant = datetime
#: A day that a caller names in a body.
GivenDay = Annotated[date, BeforeValidator(_read_day), Field(examples=["2026-11-23"])]
#: An instant that a caller names, with any offset.
GivenInstant = Annotated[datetime, BeforeValidator(_read_instant), AfterValidator(_to_utc)]
#: The same in a body, where a text is not yet an instant.
BodyInstant = Annotated[
    datetime,
    BeforeValidator(_parse_instant),
    AfterValidator(_to_utc),
    Field(examples=["2026-11-23T08:30:00Z"]),
]
