"""What staff set for corporate accounts, as it travels."""

from datetime import time
from typing import Any, Final

from pydantic import Field

from huitong import payments
from huitong.api.schemas.approvals import Why
from huitong.api.schemas.common import Body, MerchantId, MoneyBody
from huitong.api.schemas.corporate_money import OpenPool
from huitong.kernel.errors import InvalidField
from huitong.kernel.ids import MERCHANT, read_id

corporate: Final = payments.corporate


class BandBody(Body):
    """From an amount on it takes so many approvers."""

    amount_from: MoneyBody
    approvers: int = Field(ge=1, le=corporate.APPROVERS_MAX)


class SetMandate(Body):
    """What a business is to be allowed to pay."""

    merchant: MerchantId
    payment_max: MoneyBody = Field(description="The most that one payment may be.")
    day_max: MoneyBody = Field(description="The most that it may pay on a day.")
    total_max: MoneyBody | None = Field(
        default=None, description="The most that it may ever pay this way."
    )
    bands: list[BandBody] = Field(
        min_length=1, max_length=corporate.BANDS_MAX, description="The first begins at zero."
    )
    reason: Why

    def read(self) -> payments.corporate.NewMandate:
        """Return the mandate; raises InvalidField."""
        return corporate.NewMandate(
            merchant_id=read_id(MERCHANT, self.merchant, field="merchant"),
            payment_max=self.payment_max.read("payment_max"),
            day_max=self.day_max.read("day_max"),
            total_max=None if self.total_max is None else self.total_max.read("total_max"),
            bands=tuple(
                corporate.Band(amount_from=band.amount_from.read("bands"), approvers=band.approvers)
                for band in self.bands
            ),
        )


def make_mandate_payload(body: SetMandate) -> dict[str, Any]:
    """Return what is kept of a request for a mandate until somebody decides about it."""
    new = body.read()
    return {
        "merchant": body.merchant,
        "payment_max": new.payment_max.to_json(),
        "day_max": new.day_max.to_json(),
        "total_max": None if new.total_max is None else new.total_max.to_json(),
        "bands": [
            {"amount_from": band.amount_from.to_json(), "approvers": band.approvers}
            for band in new.bands
        ],
    }


def read_pool(body: OpenPool, accounts: list[int]) -> payments.corporate.NewPool:
    """Return a pool whose members have these accounts; raises InvalidField."""
    members = []
    for position, (each, account_id) in enumerate(zip(body.members, accounts, strict=True), 1):
        keeps = 0 if each.keeps is None else each.keeps.read("members").minor
        members.append(
            corporate.Member(
                position=position,
                merchant_id=read_id(MERCHANT, each.merchant, field="members"),
                account_id=account_id,
                rule=corporate.SweepRule(each.rule),
                keeps=keeps,
                above=keeps if each.above is None else each.above.read("members").minor,
                share_bps=each.share_bps,
                least=1 if each.least is None else each.least.read("members").minor,
                is_funded=each.is_funded,
            )
        )
    return corporate.NewPool(
        name=body.name,
        merchant_id=read_id(MERCHANT, body.merchant, field="merchant"),
        members=tuple(members),
        sweeps_at=None if body.sweeps_at is None else time.fromisoformat(body.sweeps_at),
        interval_minutes=body.interval_minutes,
    )


def check_currencies(body: OpenPool, currency: str) -> None:
    """Raise InvalidField for an amount in another currency than the header's."""
    for each in body.members:
        amounts = (each.keeps, each.above, each.least)
        if any(amount is not None and amount.currency != currency for amount in amounts):
            raise InvalidField(f"must be in {currency}", field="members")
