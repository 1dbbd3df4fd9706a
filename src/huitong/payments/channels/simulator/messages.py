"""What simulated channels are sent: JSON of each kind, and pacs.008 across borders."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Final, Literal

import msgspec

from huitong.kernel.errors import InvalidField
from huitong.kernel.money import Money
from huitong.payments import iso20022
from huitong.payments.channels.limits import MESSAGE_BYTES_MAX
from huitong.payments.channels.simulator.books import OrderRequest
from huitong.payments.channels.simulator.holders import SimulatedPayee
from huitong.payments.types import ChannelKind

UETR_HEADER: Final = "x-uetr"
_UETR: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class _Submitted(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `PUT /orders/{id}`."""

    direction: Literal["in", "out"]
    amount: dict[str, str]
    card_token: str | None = None
    code: str | None = None
    payee: SimulatedPayee | None = None


def read_order(
    kind: ChannelKind, headers: Mapping[str, str], body: bytes
) -> tuple[OrderRequest, SimulatedPayee | None]:
    """Return what a channel of a kind is asked to do, and whom it is to pay if that is said.

    Raises InvalidField.
    """
    if kind is ChannelKind.CROSS_BORDER:
        return _read_message(headers.get(UETR_HEADER, ""), body), None
    try:
        asked = msgspec.json.decode(body, type=_Submitted)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidField(str(error), field="body") from error
    Money.from_json(asked.amount)
    for needing, given, field in (
        (ChannelKind.CARD_ACQUIRING, asked.card_token, "card_token"),
        (ChannelKind.WALLET_QR, asked.code, "code"),
    ):
        if (kind is needing) != (given is not None):
            raise InvalidField(f"{field} is for {needing.value}", field=field)
    is_payable = kind is ChannelKind.BANK_TRANSFER and asked.direction == "out"
    if asked.payee is not None and not is_payable:
        raise InvalidField("a payee is for transfers out to a bank", field="payee")
    request = OrderRequest(
        direction=asked.direction,
        amount=asked.amount,
        card_token=asked.card_token,
        code=asked.code,
        payee=None if asked.payee is None else asked.payee.digest(),
    )
    return request, asked.payee


def _read_message(uetr: str, body: bytes) -> OrderRequest:
    if _UETR.fullmatch(uetr) is None:
        raise InvalidField("a UUID of version 4 in small letters", field=UETR_HEADER)
    if len(body) > MESSAGE_BYTES_MAX:
        raise InvalidField(f"more than {MESSAGE_BYTES_MAX} bytes", field="body")
    message = iso20022.read_message(BytesIO(body)).body
    if not isinstance(message, iso20022.CustomerTransfers) or len(message.transfers) != 1:
        raise InvalidField("one transfer of pacs.008", field="body")
    transfer = message.transfers[0]
    if transfer.uetr != uetr:
        raise InvalidField("the message has another UETR", field=UETR_HEADER)
    if transfer.creditor_agent.bic is None:
        raise InvalidField("a bank abroad is named by its BIC", field="CdtrAgt")
    return OrderRequest(direction="out", amount=_show(transfer.amount), uetr=uetr)


def _show(amount: Money) -> dict[str, str]:
    shown = amount.to_json()
    return {"amount": shown["amount"], "currency": shown["currency"]}
