"""The body of an instant payment: from bytes to the payment that is asked for, or what is wrong."""

import re
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from huitong import ledger, payments
from huitong.api import problems
from huitong.api.request_body import parse_json
from huitong.api.schemas.common import MOBILE_PATTERN
from huitong.api.validation import shorten
from huitong.kernel import ids, limits
from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money

_MOBILE_SHAPE: Final = re.compile(MOBILE_PATTERN)
#: payer, amount, and the two members of the amount.
_MEMBERS_MIN: Final = 4


class AmountBody(msgspec.Struct, forbid_unknown_fields=True):
    """Money as it travels: a decimal text and a currency."""

    amount: str
    currency: str


class PaymentBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of an instant payment; exactly one of the three payee forms."""

    payer: str
    amount: AmountBody
    payee: str | None = None
    payee_mobile: str | None = None
    code: str | None = None
    reference: str | None = None
    description: str | None = None
    guardian: str | None = None


class OwnPaymentBody(PaymentBody, forbid_unknown_fields=True):
    """The body of a customer who pays themselves, and may have to prove once more who they are."""

    step_up: str | None = None


BodyT = TypeVar("BodyT", bound=PaymentBody)
DECODER: Final = msgspec.json.Decoder(PaymentBody)
OWN_DECODER: Final = msgspec.json.Decoder(OwnPaymentBody)


def decode(body: bytes, decoder: msgspec.json.Decoder[BodyT]) -> BodyT:
    """Return what a request body says; raises InvalidField naming the field at fault."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _name_field(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise problems.MalformedJson("the body is not JSON", field="body") from error


def read_payment(asked: PaymentBody, body: bytes, now: datetime) -> payments.InstantPayment:
    """Return the payment that a request asks for; raises InvalidField naming the field at fault."""
    _check_members(asked, body)
    amount = Money.from_json({"amount": asked.amount.amount, "currency": asked.amount.currency})
    if amount.minor <= 0:
        raise InvalidField("must be more than nothing", field="amount.amount")
    return payments.InstantPayment(
        payer_account_id=ledger.read_account(asked.payer, field="payer"),
        payee_account_id=None
        if asked.payee is None
        else ledger.read_account(asked.payee, field="payee"),
        payee_mobile=_read_mobile(asked.payee_mobile),
        code_id=None if asked.code is None else ids.read_id(ids.CODE, asked.code, field="code"),
        amount=amount,
        reference=_read_text(asked.reference, "reference", limits.REFERENCE_LENGTH_MAX),
        description=_read_text(asked.description, "description", limits.DESCRIPTION_LENGTH_MAX),
        guardian_id=None
        if asked.guardian is None
        else ids.read_id(ids.CUSTOMER, asked.guardian, field="guardian"),
        requested_at=now,
    )


def _check_members(asked: PaymentBody, body: bytes) -> None:
    payees = sum(value is not None for value in (asked.payee, asked.payee_mobile, asked.code))
    texts = (asked.reference is not None) + (asked.description is not None)
    texts += asked.guardian is not None
    # Two readers of a text with a member twice may take different ones, and the decoder does not
    # tell. Each member has a colon, so with just as many colons none can be there twice; more of
    # them, as in a description with a colon, are rare enough to read the whole text again.
    if body.count(b":") != _MEMBERS_MIN + payees + texts:
        parse_json(body)
    if payees != 1:
        raise InvalidField("give exactly one of payee, payee_mobile and code", field="payee")


def _read_mobile(value: str | None) -> str | None:
    if value is not None and _MOBILE_SHAPE.fullmatch(value) is None:
        raise InvalidField(
            "must be a mobile number of mainland China, 11 digits", field="payee_mobile"
        )
    return value


def _read_text(value: str | None, field: str, length_max: int) -> str | None:
    if value is None:
        return None
    if not 1 <= len(value) <= length_max:
        raise InvalidField(f"must have 1 to {length_max} characters", field=field)
    if not value.isprintable():
        raise InvalidField("must not hold control characters", field=field)
    return value


def _name_field(message: str) -> InvalidField:
    """Turn msgspec's "… - at `$.amount.currency`" into a refusal that names the field."""
    text, _, path = message.rpartition(" - at `$") if " - at `$" in message else (message, "", "")
    parts = [part for part in path.removesuffix("`").split(".") if part]
    for marker in ("missing required field `", "contains unknown field `"):
        _, found, name = text.partition(marker)
        if found:
            parts.append(name.removesuffix("`"))
            text = "is missing" if marker.startswith("missing") else "is not known here"
    return InvalidField(text, field=".".join(shorten(part) for part in parts) or "body")
